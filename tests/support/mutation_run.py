# SPDX-License-Identifier: BSD-2-Clause
"""Which tests reach a line, in which order they run against a mutant, and what became of it."""
import collections
import json
import os
import re
import resource
import signal
import subprocess
import time

import mutation_build
import mutation_effects
import mutation_operators

PASSED = 0
SLOWER = 10       # A mutant may take so many times as long as the original...
GRACE_MS = 400    # ...and this; of CPU time.
SLOW_US = 60000   # Runs that take longer are for what survives the others.
MEMORY = 2 << 30
BITS = ["13579bdf", "2367abef", "4567cdef", "89abcdef"]  # Hexadecimal digits with this bit.
KILLED, SURVIVED, UNSURE = "killed", "survived", "unsure"
LEVELS = 4
WORLDS_LEVEL = 3  # What has survived two levels is tried there, too.
WORLD_S = "0.05"  # CPU time of each of them.
WORLDS_MOST_S = 600
BROKEN, SAME, TWIN, NOT_RUN = "broken", "same", "twin", "not run"

Run = collections.namedtuple("Run", "test vendor variant us reached")


def cheap(folder):
    """Before a mutant's program starts."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.setsid()
    os.chdir(folder)


def start(command, text, seconds, folder="/"):
    """(code, output); code None: killed after so many seconds."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True, errors="replace",
                               preexec_fn=lambda: cheap(folder))
    try:
        out, _ = process.communicate(text, timeout=seconds)
        return process.returncode, out
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None, ""


class Suite:
    """The suite's tests, and what each run of them reaches."""

    def __init__(self, build, say, cover=True):
        self.build, self.say = build, say
        words = mutation_build.must([build.program("suite"), "-l"]).splitlines()
        pick = lambda kind: [w[len(kind) + 1:] for w in words if w.startswith(kind + " ")]
        self.tests, self.vendors, self.variants = pick("test"), pick("vendor"), pick("variant")
        self.runs, self.lines, self.program_lines, self.program_cost = [], {}, {}, {}
        if cover:
            self.load()

    def sample(self, test):
        """Variants that have every choice both ways: one and its opposite, and another pair."""
        last = len(self.variants) - 1
        one = test * 7 % (last + 1)
        two = (one + 5 + test * 3) % (last + 1)
        return list(dict.fromkeys([one, last - one, two, last - two]))

    # ---- coverage ----

    def load(self):
        path = os.path.join(self.build.dir, "coverage.json")
        if self.build.stamp("covered") != self.build.tree:
            self.measure(path)
            self.build.stamp("covered", self.build.tree)
        with open(path, encoding="ascii") as file:
            data = json.load(file)
        self.runs = [Run(*r) for r in data["runs"]]
        self.lines = {tuple(k.split(":")): v for k, v in data["lines"].items()}
        self.program_lines = {k: set(v) for k, v in data["programs"].items()}
        self.program_cost = data["cost"]

    def measure(self, path):
        """A program that has not changed since is not run again."""
        old = {}
        if os.path.exists(path):
            with open(path, encoding="ascii") as file:
                old = json.load(file)
        counted = [name for name in self.build.programs if name != mutation_build.WORLDS]
        hashes = {name: mutation_build.hash_file(self.build.program(name, ".cov")) +
                  mutation_build.hash_file(self.build.program(name)) for name in counted}
        known = old.get("hashes", {})
        stale = [name for name in counted if known.get(name) != hashes[name]]
        cover = os.path.join(self.build.dir, "cover", "blocks")
        data = {key: old.get(key, {}) for key in ("runs", "lines", "programs", "cost")}
        data["hashes"] = hashes
        if "suite" in stale:
            self.measure_suite(data, cover)
        others = [name for name in stale if name != "suite"]
        self.say(f"measuring which lines {len(others)} programs reach")
        for name in others:
            data["cost"][name] = self.baseline(name)
            data["programs"][name] = self.measure_program(name, cover)
        for key in ("programs", "cost"):
            data[key] = {n: v for n, v in data[key].items() if n in counted}
        with open(path, "w", encoding="ascii") as file:
            json.dump(data, file)

    def measure_suite(self, data, cover):
        wanted = [(t, v, c) for t in range(len(self.tests)) for v in range(len(self.vendors))
                  for c in self.sample(t)]
        self.say(f"measuring which lines {len(wanted)} runs of the suite reach")
        program = self.build.program("suite", ".cov")
        if os.path.exists(cover):
            os.remove(cover)
        done = mutation_build.run([program, "-c"], env=dict(os.environ, MUTATION_COVER=cover),
                                  input="".join(f"{t} {v} {c} 60000\n" for t, v, c in wanted))
        runs = []
        for line in done.stdout.splitlines():
            test, vendor, variant, verdict, us, reached = line.split()
            if int(verdict) == PASSED:
                runs.append((int(test), int(vendor), int(variant), int(us), reached))
            elif int(verdict) == 1:
                raise mutation_build.BuildError(
                    f"fails without any mutant: {self.tests[int(test)]}")
        if done.returncode != 0 or not runs:
            raise mutation_build.BuildError(f"the suite ended early: {done.stdout[-200:]}")
        seen, addresses = read_cover(cover)
        lines = mutation_build.block_lines(program, addresses)
        data["runs"] = runs
        data["lines"] = {f"{f}:{n}": sorted(b) for (f, n), b in lines.items()}

    def baseline(self, name):
        began = time.monotonic()
        code, _ = start([self.build.program(name), "--fail-fast", "-j1"], "", 120)
        if code != 0:
            raise mutation_build.BuildError(f"fails without any mutant: {name}")
        return int((time.monotonic() - began) * 1e6)

    def measure_program(self, name, cover):
        if os.path.exists(cover):
            os.remove(cover)
        program = self.build.program(name, ".cov")
        mutation_build.run([program, "-j1"], env=dict(os.environ, MUTATION_COVER=cover))
        seen, addresses = read_cover(cover)
        return sorted(f"{f}:{n}"
                      for (f, n), b in mutation_build.block_lines(program, addresses).items()
                      if any(seen[i] for i in b))

    # ---- questions ----

    def places(self, mutant):
        base = os.path.basename(mutant.source.name)
        return [(base, str(n)) for n in range(mutant.line, mutant.last + 1)]

    def reaching(self, mutant):
        """Runs of the sample that reach the mutant, and programs that do."""
        places = self.places(mutant)
        while not any(p in self.lines for p in places) and len(places) < 12:
            places.append((places[-1][0], str(int(places[-1][1]) + 1)))  # folded away: what follows
        blocks = {b for place in places for b in self.lines.get(place, ())}
        tests = [(b >> 2, BITS[b & 3]) for b in blocks]
        runs = [r for r in self.runs if any(r.reached[at] in digits for at, digits in tests)]
        names = [f"{f}:{n}" for f, n in places]
        programs = [p for p, lines in self.program_lines.items() if any(n in lines for n in names)]
        return runs, programs

    def name(self, run):
        return f"{self.tests[run.test]} [{self.vendors[run.vendor]} {self.variants[run.variant]}]"


def read_cover(path):
    with open(path, "rb") as file:
        data = file.read()
    size = len(data) // 9
    addresses = [int.from_bytes(data[size + 8 * i:size + 8 * i + 8], "little")
                 for i in range(size)]
    return data[:size], addresses


class State:
    """What became of mutants, kept over runs; of functions that changed it is forgotten. Kills stay
    whatever else changes: a header rarely makes one live again."""

    def __init__(self, build):
        self.path = os.path.join(build.dir, "state.jsonl")
        self.build, self.known, self.lenient = build, {}, False
        if os.path.exists(self.path):
            with open(self.path, encoding="ascii") as file:
                for line in file:
                    entry = json.loads(line)
                    self.known[entry["key"]] = entry

    def key(self, mutant):
        return f"{mutant.scope}:{mutant.ident()}"

    def get(self, mutant):
        """Kills stay; what survived is tried again when anything changed, but reported."""
        entry = self.known.get(self.key(mutant))
        if entry and not self.lenient and entry["verdict"] in (SURVIVED, UNSURE) and entry["tree"] != self.build.tree:
            return None
        return entry

    def put(self, mutant, verdict, by="", level=0):
        entry = {"key": self.key(mutant), "verdict": verdict, "by": by, "tree": self.build.tree,
                 "level": level}
        self.known[entry["key"]] = entry
        with open(self.path, "a", encoding="ascii") as file:
            file.write(json.dumps(entry) + "\n")
        return entry


class Judge:
    """Runs tests against mutants."""

    def __init__(self, build, suite, state):
        self.build, self.suite, self.state = build, suite, state
        self.units = {unit.name: unit for unit in build.library}
        self.hashes = {}
        self.kills = collections.Counter()
        self.cost = {(r.test, r.vendor): r.us for r in suite.runs}

    def order(self, mutant, runs):
        """Cheap ones first, and such as have killed neighbours."""
        name, function = mutant.source.name, mutant.function

        def weight(run):
            near = self.kills[name, function, run.test] * 20 + self.kills[name, run.test] * 4
            return (run.us + 300) / (1 + near)
        return sorted(runs, key=weight)

    def recall(self, files):
        """What killed in runs before kills first."""
        numbers = {name: number for number, name in enumerate(self.suite.tests)}
        for _, found in files:
            for mutant in found:
                entry = self.state.get(mutant)
                by = entry["by"].partition(" [")[0] if entry else ""
                if by in self.build.programs:
                    self.remember(mutant, by)
                elif by in numbers and entry["verdict"] == KILLED:
                    self.remember(mutant, numbers[by])

    def remember(self, mutant, test):
        self.kills[mutant.source.name, mutant.function, test] += 1
        self.kills[mutant.source.name, test] += 1

    def run_suite(self, worker, program, runs):
        """What failed first: (test, what), or None."""
        if not runs:
            return None
        text = "".join(f"{r.test} {r.vendor} {r.variant} {GRACE_MS + r.us * SLOWER // 1000}\n"
                       for r in runs)
        seconds = 120 + sum(r.us for r in runs) / 1e6 * SLOWER * 4
        code, out = start([program, "-r"], text, seconds)
        if code == 0:
            return None
        match = re.match(r"(\d+) (\d+) (\d+) (.*)", out.splitlines()[-1] if out else "")
        if match is None:
            return runs[0].test, f"the suite ended with {code}"
        run = Run(*(int(g) for g in match.groups()[:3]), 0, "")
        return run.test, f"{self.suite.name(run)}: {match.group(4)}"

    def run_program(self, program, name):
        limit = 5 + self.suite.program_cost[name] / 1e6 * SLOWER * 2
        code, _ = start([program, "--fail-fast", "-j1"], "", limit)
        return None if code == 0 else f"{name}{' (hang)' if code is None else ''}"

    def compiled(self, worker, mutant):
        """(object, verdict, by): one of them."""
        unit = self.units[mutant.source.name]
        made, digest = self.build.mutate(worker, unit, mutant.apply())
        if made is None:
            return None, BROKEN, ""
        if digest == mutation_build.hash_file(self.build.original(unit)):
            return None, SAME, ""
        first = self.hashes.setdefault((unit.name, digest), mutant.ident())
        if first != mutant.ident():
            return None, TWIN, first
        return made, None, ""

    def judge(self, worker, mutant, level):
        """(verdict, by). Each level runs what those before it have not: each test once and the
        likeliest programs; each test once on each vendor and all programs; the variants of the
        sample; every variant. After the last one it is sure."""
        made, verdict, by = self.compiled(worker, mutant)
        if made is None:
            return verdict, by
        unit = self.units[mutant.source.name]
        runs, programs = self.suite.reaching(mutant)
        first, later = self.split(mutant, programs, level)
        found = self.programs(worker, unit, made, mutant, first)
        if found is not None:
            return KILLED, found
        chosen = (self.few, self.vendors, self.others, self.every)[level - 1](mutant, runs)
        if chosen:
            program = self.build.mutant_program(worker, unit, "suite", made)
            found = self.run_suite(worker, program, self.order(mutant, chosen))
            if found is not None:
                self.remember(mutant, found[0])
                return KILLED, found[1]
        found = self.programs(worker, unit, made, mutant, later)
        if found is None and level == WORLDS_LEVEL and (runs or programs):
            found = self.worlds(worker, unit, mutant)
        if found is not None:
            return KILLED, found
        return (SURVIVED if level == LEVELS else UNSURE,
                f"{len(runs)} runs, {len(programs)} programs")

    def split(self, mutant, programs, level):
        """Programs that run before the suite, and after it. The file's own, test_X or test_X_Y,
        know it best; others cost as much as the whole first level: most wait for the second."""
        stem = "test_" + os.path.basename(mutant.source.name)[:-2]
        own = [name for name in programs if name == stem or name.startswith(stem + "_")]
        near = lambda name: self.kills[mutant.source.name, mutant.function, name]
        rest = sorted((name for name in programs if name not in own),
                      key=lambda name: self.suite.program_cost[name] / (1 + 4 * near(name)))
        if level > 1:
            return [], rest if level == 2 else []
        first = own + [name for name in rest[:1] if near(name)]
        return first, [name for name in rest[:3] if name not in first]

    def programs(self, worker, unit, made, mutant, names):
        """Which of them fails first, or None."""
        for name in names:
            program = self.build.mutant_program(worker, unit, name, made)
            found = self.run_program(program, name)
            if found is not None:
                self.remember(mutant, name)
                return found
        return None

    def worlds(self, worker, unit, mutant):
        """The simulation, where one processor can come in between two steps of another."""
        simulated = self.build.simulated[unit.source]
        made, _ = self.build.mutate(worker, simulated, mutant.apply())
        if made is None:
            return None
        program = self.build.mutant_program(worker, simulated, mutation_build.WORLDS, made)
        code, out = start([program, "--no-guards", "--seconds", WORLD_S], "", WORLDS_MOST_S)
        if code == 0:
            return None
        failed = [line.split()[:4] for line in out.splitlines() if line.endswith("FAILED")]
        return " ".join([mutation_build.WORLDS, *(failed[0][:3] if failed else [f"({code})"])])

    @staticmethod
    def few(_, runs):
        """Each test once, on one vendor or another; slow ones only where few reach the mutant."""
        once = {}
        for run in runs:
            if run.us <= SLOW_US or len(runs) < 40:
                once.setdefault(run.test, []).append(run)
        return [found[test * 5 % len(found)] for test, found in once.items()]

    def vendors(self, mutant, runs):
        """Each test once on each vendor that the first level left out."""
        done = {(run.test, run.vendor) for run in self.few(mutant, runs)}
        left = {}
        for run in runs:
            if (run.test, run.vendor) not in done and (run.us <= SLOW_US or len(runs) < 40):
                left.setdefault((run.test, run.vendor), []).append(run)
        return [found[(test + vendor) % len(found)] for (test, vendor), found in left.items()]

    def others(self, mutant, runs):
        done = {*self.few(mutant, runs), *self.vendors(mutant, runs)}
        return [run for run in runs if run not in done]

    def every(self, mutant, runs):
        """Every variant of the tests that reach it; of all tests where none is known to."""
        pairs = {(r.test, r.vendor): r.us for r in runs}
        done = {(r.test, r.vendor, r.variant) for r in runs}
        if not pairs:
            own = [v for v, name in enumerate(self.suite.vendors) if name in mutant.source.name]
            pairs = {p: us for p, us in self.cost.items() if not own or p[1] in own}
        return [Run(t, v, c, us, "") for (t, v), us in pairs.items()
                for c in range(len(self.suite.variants)) if (t, v, c) not in done]


def find_all(build, patterns):
    """The mutants of the files whose names contain one of the patterns."""
    library = mutation_effects.parse([(unit.source, unit.flags) for unit in build.library])
    return [(unit.name, mutation_operators.find(unit.source, unit.name, parsed, library))
            for unit, (_, parsed) in zip(build.library, library.kept)
            if not patterns or any(p in unit.name for p in patterns)]
