# SPDX-License-Identifier: BSD-2-Clause
"""Builds what tests/mutate runs: the plain library (no inner checks, no guards that can be switched
off), the suite behind mutation_runner, the Criterion programs of units and backends; the same once
more with clang's coverage; the small worlds of the simulation, with their own library; and per
mutant one object and the programs that need it.
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
import threading

COMPILER = "clang-14"
NEEDS = {"clang-14": "clang-14", "ld.lld": "lld", "meson": "meson", "objdump": "binutils"}
COVERAGE = ["-O0", "-gline-tables-only", "-gdwarf-4", "-fno-pic", "-fno-pie",
            "-fsanitize-coverage=trace-pc-guard,pc-table", "-mllvm",
            "-sanitizer-coverage-prune-blocks=0"]
FAST = ["-O2", "-fno-pic", "-fno-pie"]
KEPT = re.compile(r"-(I|D|U|std=|ffreestanding|pthread|include$)")
WORLDS = "sim_worlds"  # Schedules of several processors; its library has atomics of its own.
TEST_ONLY = ("-DUIOMMU_TEST_GUARDS", "-DUIOMMU_TEST_ASSERTS")
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


class Build:
    """The programs, and what they are made of."""

    def __init__(self, root, folder, jobs):
        self.root, self.dir, self.jobs = root, folder, jobs
        self.programs = {}  # name -> objects that are not the library's
        self.library = []   # Units
        self.simulated = {}  # source -> Unit
        for sub in ("o", "cover", "work"):
            os.makedirs(os.path.join(folder, sub), exist_ok=True)
        self.commands, self.lock = {}, threading.Lock()
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
        support = os.path.join(self.root, "tests", "support")
        flags = sorted({f for unit in suite for f in unit.flags if f.startswith("-I")})
        own = [Unit(self, os.path.join(support, name), flags + ["-D_GNU_SOURCE", "-std=gnu11"])
               for name in ("mutation_runner.c", "mutation_cover.c")]
        hosts = self.units_of(by_name["checked_support"]) + self.units_of(by_name["fake_host"])
        self.programs = {"suite": suite + own}
        if not suite_only:
            self.simulated = {u.source: u for u in self.units_of(by_name["uiommu_simulated"])}
            self.programs[WORLDS] = suite + self.units_of(by_name["simulation"]) + self.units_of(
                by_name[WORLDS])
        for test in [] if suite_only else tests:
            kind = {s.split(":")[-1] for s in test["suite"]}
            target = by_id.get(test["depends"][0]) if test["depends"] else None
            if target is None or not kind & {"unit", "backends"} or \
                    test["name"] in ("conf_criterion", "test_host_uv"):
                continue
            units = self.units_of(target)
            if "unit" in kind:
                units += hosts + self.library
            else:
                # A backend's tests have a core of their own making.
                folder = os.path.basename(os.path.dirname(target["defined_in"]))
                units += self.units_of(by_name[folder + "_alone"])
            self.programs[test["name"]] = own[1:] + [
                library.get(unit.source, unit) for unit in units]

    # ---- compiling and linking ----

    def compile(self, unit, output, extra, source=None, folder=None):
        where = os.path.dirname(unit.source)
        cache = ["ccache"] if source is None and shutil.which("ccache") else []
        return run([*cache, COMPILER, "-w", "-Werror=return-type", *unit.flags, *extra, "-iquote", where,
                    "-c", source or unit.source, "-o", output], cwd=folder)

    def compile_all(self, units, extra, suffix=""):
        unique = {unit.object + suffix: unit for unit in units}

        def one(pair):
            done = self.compile(pair[1], pair[0], extra)
            if done.returncode != 0:
                raise BuildError(f"{pair[1].name}: {done.stderr.strip()[-1500:]}")
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            list(pool.map(one, unique.items()))

    def linker(self, name):
        """The linker's own command line: the driver in between costs as much as the link."""
        with self.lock:
            return self.linker_found(name)

    def linker_found(self, name):
        if name not in self.commands:
            more = ["-lcriterion", "-no-pie", "-pthread"]
            if name in ("suite", WORLDS):
                more = ["-static", "-lm"]
            with open(os.path.join(self.dir, "OBJECTS.o"), "w", encoding="ascii"):
                pass  # the driver wants it to exist
            said = run([COMPILER, "-###", "-fuse-ld=lld", "OBJECTS.o", *more, "-o", "OUTPUT"],
                       cwd=self.dir)
            words = shlex.split(said.stderr.strip().splitlines()[-1])
            self.commands[name] = words
        return self.commands[name]

    def link(self, name, objects, output):
        words = []
        for word in self.linker(name):
            words += objects if word == "OBJECTS.o" else [output if word == "OUTPUT" else word]
        return run(words)

    def objects(self, name, suffix=""):
        """Of a program, once each. The library's as from an archive: a test may have its own copy
        of a file."""
        units = list(self.programs[name]) + (self.library if name == "suite" else []) + (
            list(self.simulated.values()) if name == WORLDS else [])
        inside = {u.object for u in (*self.library, *self.simulated.values())}
        objects = list(dict.fromkeys(u.object for u in units))
        return [*(o for o in objects if o not in inside), "--start-lib",
                *(o + suffix for o in objects if o in inside), "--end-lib"]

    def program(self, name, suffix=""):
        return os.path.join(self.dir, "cover" if suffix else "o", name)

    def make(self, say, cover=True):
        """All that is the same for every mutant."""
        self.plan()
        for suffix, flags in (("", FAST), (".cov", COVERAGE)):
            key = " ".join([self.tree, WORLDS, *flags])
            built = self.stamp("built" + suffix) or ""
            # With the suite alone it is another stamp, but good enough for the suite alone.
            if built == key or (not cover and (suffix or built == key + " suite")):
                continue
            say("compiling the library" + (" for coverage" if suffix else
                                           ", the suite and the test programs"))
            others = [u for part in self.programs.values() for u in part] + list(
                self.simulated.values())
            self.compile_all(self.library + ([] if suffix else others), flags, suffix)
            for name in self.programs:
                if suffix and name == WORLDS:
                    continue  # it says nothing of what the others run
                done = self.link(name, self.objects(name, suffix), self.program(name, suffix))
                if done.returncode != 0:
                    raise BuildError(f"linking {name}: {done.stderr[-1500:]}")
            if cover and not suffix:
                self.make_originals()
            self.stamp("built" + suffix, key + ("" if cover else " suite"))

    # ---- one mutant ----

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

    def make_originals(self):
        """Compiled where mutants are, so that the bytes compare."""
        for unit in self.library:
            folder, source = self.place("original", unit)
            shutil.copy(unit.source, source)
            done = self.compile(unit, self.original(unit), ["-O2"], os.path.basename(source),
                                folder)
            if done.returncode != 0:
                raise BuildError(done.stderr[-1500:])

    def original(self, unit):
        return os.path.join(self.dir, "o", unit.name.replace("/", "+") + ".orig.o")

    def mutate(self, worker, unit, text):
        """The mutant's object, or None if it does not compile; and the hash of its bytes."""
        folder, source = self.place(worker, unit)
        with open(source, "w", encoding="ascii") as file:
            file.write(text)
        output = os.path.join(folder, "mutant.o" if unit in self.library else "simulated.o")
        done = self.compile(unit, output, ["-O2"], os.path.basename(source), folder)
        if done.returncode != 0:
            return None, None
        return output, hash_file(output)

    def mutant_program(self, worker, unit, name, mutant):
        """A program with the mutant in the place of the unit."""
        output = os.path.join(self.folder(worker), name)
        objects = [mutant if o == unit.object else o for o in self.objects(name)]
        done = self.link(name, objects, output)
        if done.returncode != 0:
            raise BuildError(f"linking {name}: {done.stderr[-1500:]}")
        return output


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
