# SPDX-License-Identifier: BSD-2-Clause
"""Builds what tests/mutate runs: the plain library (no inner checks, no guards that can be switched
off) with the suite, once more with clang's coverage; with all unit tests, and with those of each
backend, in one program each; and with the small worlds of the simulation, which have a library of
their own. For the mutants of a file one object has all of them, and the programs that need it.
"""
import bisect
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess

import mutation_copies

COMPILER = "clang-14"
NEEDS = {"clang-14": "clang-14", "ld.lld": "lld", "meson": "meson", "objdump": "binutils"}
COVERAGE = ["-O0", "-gline-tables-only", "-gdwarf-4", "-fno-pic", "-fno-pie",
            "-fsanitize-coverage=trace-pc-guard,pc-table", "-mllvm",
            "-sanitizer-coverage-prune-blocks=0"]
FAST = ["-O2", "-fno-pic", "-fno-pie"]
# A mutant that leaves an array traps, what it forgets to set has a value that is seldom right; and
# what runs for a millisecond need not be fast.
MANY = ["-O0", "-fno-pic", "-fno-pie", "-ferror-limit=0", "-ftrivial-auto-var-init=pattern",
        "-fsanitize=array-bounds", "-fsanitize-trap=array-bounds"]
KEPT = re.compile(r"-(I|D|U|std=|ffreestanding|pthread|include$)")
WORLDS = "sim_worlds"  # Schedules of several processors; its library has atomics of its own.
TEST_ONLY = ("-DUIOMMU_TEST_GUARDS", "-DUIOMMU_TEST_ASSERTS")
INCLUDED = re.compile(r'^#include "(\S+\.c)"$', re.M)
ROW = re.compile(r"^(\S+\.[ch])\s+(\d+)\s+(0x[0-9a-f]+)", re.M)


class BuildError(Exception):
    """What a person has to put right."""


def missing_tools():
    return [f"{tool} (Debian: {package})" for tool, package in NEEDS.items()
            if shutil.which(tool) is None]


def run(command, **more):
    return subprocess.run(command, capture_output=True, text=True, **more)


def must(command, **more):
    done = run(command, **more)
    if done.returncode != 0:
        raise BuildError(f"{' '.join(command[:4])} ...: {done.stderr.strip()[-2000:]}")
    return done.stdout


class Unit:
    """A source, how it is compiled, and where its objects lie."""

    def __init__(self, build, source, flags):
        self.source = source
        self.name = os.path.relpath(source, build.root)
        self.flags = flags
        tag = hashlib.sha1(" ".join(flags).encode()).hexdigest()[:6]
        self.object = os.path.join(build.dir, "o", self.name.replace("/", "+") + f".{tag}.o")


class Many:
    """Mutants of one file in one object; those that do not compile are apart."""

    def __init__(self, unit, mutants, worker):
        self.unit, self.kept, self.broken, self.worker = unit, list(mutants), [], worker
        self.copies = self.source = self.object = None


class Build:
    """The programs, and what they are made of."""

    def __init__(self, root, folder, jobs):
        self.root, self.dir, self.jobs = root, folder, jobs
        self.programs = {}  # name -> objects that are not the library's
        self.library = []   # Units
        self.simulated = {}  # source -> Unit
        for sub in ("o", "cover", "work"):
            os.makedirs(os.path.join(folder, sub), exist_ok=True)
        self.command, self.originals, self.includes = None, {}, {}
        self.tree = self.hash_tree()

    # ---- what there is ----

    def hash_tree(self):
        """Of everything that goes into the programs."""
        total = hashlib.sha1()
        for top in ("include", "core", "backends", "tests"):
            for at, folders, names in os.walk(os.path.join(self.root, top)):
                folders.sort()
                for name in sorted(names):
                    if name.endswith((".c", ".h", ".build")):
                        with open(os.path.join(at, name), "rb") as file:
                            total.update(name.encode() + file.read())
        return total.hexdigest()[:16]

    def introspect(self):
        meson = os.path.join(self.dir, "meson")
        if not os.path.exists(os.path.join(meson, "build.ninja")):
            shutil.rmtree(meson, ignore_errors=True)
            must(["meson", "setup", meson, self.root, "-Dtests=enabled", "-Dtestkit=enabled",
                  "-Db_lundef=false"], env=dict(os.environ, CC=COMPILER))
        elif self.stamp("introspected") != self.tree:
            must(["meson", "setup", "--reconfigure", meson, self.root])
        targets = json.loads(must(["meson", "introspect", meson, "--targets"]))
        tests = json.loads(must(["meson", "introspect", meson, "--tests"]))
        self.stamp("introspected", self.tree)
        return targets, tests

    def stamp(self, name, value=None):
        """What was built from which tree."""
        path = os.path.join(self.dir, name + ".stamp")
        if value is not None:
            with open(path, "w", encoding="ascii") as file:
                file.write(value)
        if not os.path.exists(path):
            return None
        with open(path, encoding="ascii") as file:
            return file.read()

    def units_of(self, target):
        found = []
        for group in target["target_sources"]:
            if group["language"] == "c":
                given = group["parameters"]
                flags = [f for f, before in zip(given, [""] + given)
                         if (KEPT.match(f) or before == "-include") and f not in TEST_ONLY]
                found += [Unit(self, source, flags) for source in sorted(group["sources"])]
        return found

    def plan(self, suite_only=False):
        """Reads from meson which sources make which program."""
        targets, tests = self.introspect()
        by_id = {t["id"]: t for t in targets}
        by_name = {t["name"]: t for t in targets}
        self.library = self.units_of(by_name["uiommu"])
        library = {unit.source: unit for unit in self.library}
        suite = self.units_of(by_name["uiommu_conformance"]) + self.units_of(
            by_name["uiommu_models"])
        flags = sorted({f for unit in suite for f in unit.flags if f.startswith("-I")})
        cover = self.own("cover", [])
        self.programs = {"suite": [*suite, *cover, *self.own("serve", []),
                                   *self.own("suite", flags)]}
        if suite_only:
            return
        self.simulated = {u.source: u for u in self.units_of(by_name["uiommu_simulated"])}
        self.programs[WORLDS] = [*suite, *cover, *self.units_of(by_name["simulation"]),
                                 *self.units_of(by_name[WORLDS])]
        hosts = self.units_of(by_name["checked_support"]) + self.units_of(by_name["fake_host"])
        main = self.main_of_units()
        core = [unit for unit in self.library if unit.name.startswith("core")]
        for test in tests:
            kind = {s.split(":")[-1] for s in test["suite"]}
            target = next((t for t in map(by_id.get, test["depends"])
                           if t is not None and t["name"] == test["name"]), None)
            if target is None or not kind & {"unit", "backends"} or \
                    re.match("conf_criterion|test_host_uv|test_firmware", test["name"]):
                continue
            own = [Unit(self, u.source, [self.plain(), *u.flags]) for u in self.units_of(target)]
            if "unit" in kind:
                name, others = "unit tests", hosts + core
            else:
                # A backend's tests have a core of their own making.
                folder = os.path.basename(os.path.dirname(target["defined_in"]))
                name, others = folder + "'s tests", self.units_of(by_name[folder + "_alone"])
            if any(self.included(unit) for unit in own):
                name = test["name"]  # has its own copy of a file
            units = self.programs.setdefault(name, list(main))
            units += own + [library.get(unit.source, unit) for unit in others]

    def own(self, name, flags):
        source = os.path.join(self.root, "tests", "support", f"mutation_{name}.c")
        return [Unit(self, source, [*flags, "-D_GNU_SOURCE", "-std=gnu11"])]

    def plain(self):
        """The stand-in for Criterion."""
        return "-I" + os.path.join(self.root, "tests", "support", "plain")

    def main_of_units(self):
        flags = [self.plain()]
        return [*self.own("cover", []), *self.own("serve", []), *self.own("units", flags),
                Unit(self, os.path.join(flags[0][2:], "plain_run.c"), ["-std=gnu11", *flags])]

    def included(self, test):
        """Files that a test has compiled into itself, and how it names them."""
        if test not in self.includes:
            with open(test.source, encoding="ascii", errors="replace") as file:
                names = INCLUDED.findall(file.read())
            where = os.path.dirname(test.source)
            self.includes[test] = {os.path.normpath(os.path.join(where, name)): name
                                   for name in names}
        return self.includes[test]

    # ---- compiling and linking ----

    def compile(self, unit, output, extra, source=None, folder=None):
        where = os.path.dirname(unit.source)
        cache = ["ccache"] if source is None and shutil.which("ccache") else []
        return run([*cache, COMPILER, "-Wno-everything", "-Werror=return-type", *unit.flags, *extra,
                    "-iquote", where, "-c", source or unit.source, "-o", output], cwd=folder)

    def compile_all(self, units, extra, suffix=""):
        unique = {unit.object + suffix: unit for unit in units}

        def one(pair):
            done = self.compile(pair[1], pair[0], extra)
            if done.returncode != 0:
                raise BuildError(f"{pair[1].name}: {done.stderr.strip()[-1500:]}")
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            list(pool.map(one, unique.items()))

    def link(self, name, objects, output):
        """With the linker's own command line: the driver in between costs as much as the link."""
        if self.command is None:
            with open(os.path.join(self.dir, "OBJECTS.o"), "w", encoding="ascii"):
                pass  # the driver wants it to exist
            said = run([COMPILER, "-###", "-fuse-ld=lld", "OBJECTS.o", "-static", "-lm",
                        "-pthread", "-o", "OUTPUT"], cwd=self.dir)
            self.command = shlex.split(said.stderr.strip().splitlines()[-1])
        words = []
        for word in self.command:
            words += objects if word == "OBJECTS.o" else [output if word == "OUTPUT" else word]
        done = run(words)
        if done.returncode != 0:
            raise BuildError(f"linking {name}: {done.stderr[-1500:]}")
        return output

    def objects(self, name, suffix=""):
        """Of a program, once each. The library's as from an archive: a test may have its own copy
        of a file."""
        units = list(self.programs[name]) + (self.library if name == "suite" else []) + (
            list(self.simulated.values()) if name == WORLDS else [])
        inside = {u.object for u in (*self.library, *self.simulated.values())}
        objects = list(dict.fromkeys(u.object for u in units))
        return [*(o for o in objects if o not in inside), "--start-lib",
                *(o + suffix for o in objects if o in inside), "--end-lib"]

    def program(self, suffix=""):
        return os.path.join(self.dir, "cover" if suffix else "o", "suite")

    def make(self, say, cover=True):
        """All that is the same for every mutant."""
        for suffix, flags in (("", FAST), (".cov", COVERAGE)):
            key = " ".join([self.tree, *flags])
            built = self.stamp("built" + suffix) or ""
            # With the suite alone it is another stamp, but good enough for the suite alone.
            if built == key or (not cover and (suffix or built == key + " suite")):
                continue
            say("compiling the library" + (" for coverage" if suffix else
                                           ", the suite and the test programs"))
            others = [u for part in self.programs.values() for u in part] + list(
                self.simulated.values())
            self.compile_all(self.library + ([] if suffix else others), flags, suffix)
            self.link("suite", self.objects("suite", suffix), self.program(suffix))
            self.stamp("built" + suffix, key + ("" if cover else " suite"))

    # ---- mutants ----

    def folder(self, worker):
        """Of this process alone: others may run at the same time."""
        return os.path.join(self.dir, "work", f"{os.getpid()}-{worker}")

    def clean(self):
        for name in os.listdir(os.path.join(self.dir, "work")):
            if name.startswith(f"{os.getpid()}-"):
                shutil.rmtree(os.path.join(self.dir, "work", name), ignore_errors=True)

    def place(self, worker, unit):
        folder = self.folder(worker)
        os.makedirs(folder, exist_ok=True)
        return folder, os.path.join(folder, os.path.basename(unit.source))

    def alone(self, worker, unit, text):
        """The hash of the object code of a file with this text; None if it does not compile."""
        folder, source = self.place(worker, unit)
        with open(source, "w", encoding="ascii") as file:
            file.write(text)
        output = os.path.join(folder, "alone.o")
        done = self.compile(unit, output, ["-O2"], os.path.basename(source), folder)
        return hash_file(output) if done.returncode == 0 else None

    def original(self, worker, mutant, unit):
        """Compiled where mutants are, so that the bytes compare."""
        if unit not in self.originals:
            self.originals[unit] = self.alone(worker, unit, mutant.source.text)
        return self.originals[unit]

    def many(self, worker, unit, mutants):
        """One object with these mutants; those that do not compile are taken out."""
        made = Many(unit, mutants, worker)
        folder, made.source = self.place(worker, unit)
        name = os.path.basename(made.source)
        made.object = made.source + ".o"
        while made.kept:
            made.copies = mutation_copies.Copies(made.kept)
            with open(made.source, "w", encoding="ascii") as file:
                file.write(made.copies.text)
            done = self.compile(unit, made.object, MANY, name, folder)
            if done.returncode == 0:
                break
            wrong = made.copies.wrong(name, done.stderr)
            if not wrong:
                raise BuildError(f"{unit.name} with mutants: {done.stderr.strip()[:1500]}")
            made.broken += [m for n, m in enumerate(made.kept, 1) if n in wrong]
            made.kept = [m for n, m in enumerate(made.kept, 1) if n not in wrong]
        return made

    def copy(self, made, test):
        """A test that has the file in itself, with the mutants in the place of the file."""
        name = os.path.basename(test.source)
        folder = os.path.dirname(made.source)
        with open(test.source, encoding="ascii", errors="replace") as file:
            text = file.read().replace(f'#include "{self.included(test)[made.unit.source]}"',
                                       f'#include "{made.source}"')
        with open(os.path.join(folder, name), "w", encoding="ascii") as file:
            file.write(text)
        output = os.path.join(folder, name + ".o")
        flags = [*MANY, "-iquote", os.path.dirname(made.unit.source)]
        done = self.compile(test, output, flags, name, folder)
        if done.returncode != 0:
            raise BuildError(f"{name} with mutants: {done.stderr.strip()[:1500]}")
        return output

    def holding(self, unit):
        """The programs of tests that the file is part of."""
        return [name for name, units in self.programs.items() if name not in ("suite", WORLDS) and
                any(u is unit or unit.source in self.included(u) for u in units)]

    def with_mutants(self, made, name):
        """The program with the mutants in it."""
        changed = {test.object: self.copy(made, test) for test in self.programs[name]
                   if made.unit.source in self.included(test)}
        changed[made.unit.object] = made.object
        return self.link(name, [changed.get(o, o) for o in self.objects(name)],
                         os.path.join(os.path.dirname(made.source), name.replace(" ", "_")))


def hash_file(path):
    with open(path, "rb") as file:
        return hashlib.sha1(file.read()).hexdigest()


def block_lines(program, addresses):
    """(file, line) -> numbers of the blocks that hold it; addresses in the order of the blocks."""
    order = sorted((address, number) for number, address in enumerate(addresses) if address)
    keys = [address for address, _ in order]
    found = {}
    for name, line, at in ROW.findall(must(["objdump", "--dwarf=decodedline", program])):
        place = bisect.bisect_right(keys, int(at, 16)) - 1
        if place >= 0:
            found.setdefault((os.path.basename(name), int(line)), set()).add(order[place][1])
    return found
