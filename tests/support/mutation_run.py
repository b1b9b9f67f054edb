# SPDX-License-Identifier: BSD-2-Clause
"""Which tests reach a line, in which order they run against a mutant, and what became of it."""
import collections
import json
import os
import resource
import signal
import subprocess

import mutation_build
import mutation_effects
import mutation_operators

PASSED, FAILED = 0, 1
SLOWER = 10       # A mutant may take so many times as long as the original...
GRACE_MS = 400    # ...and this; of CPU time.
MOST_MS = 60000   # Of a test that is measured.
SLOW_US = 60000   # Runs that take longer are for what survives the others.
MEMORY = 2 << 30
BITS = ["13579bdf", "2367abef", "4567cdef", "89abcdef"]  # Hexadecimal digits with this bit.
KILLED, SURVIVED, UNSURE = "killed", "survived", "unsure"
LEVELS = 4
WORLDS_LEVEL = 3  # What has survived two levels is tried there, too.
WORLD_S = "0.05"  # CPU time of each of them.
WORLDS_MOST_S = 600
BROKEN, SAME, TWIN, NOT_RUN = "broken", "same", "twin", "not run"

# number: of the test in its program; seen: places it reaches.
Run = collections.namedtuple("Run", "name number us seen")


def cheap():
    """Before a mutant's program starts."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.setsid()
    os.chdir("/")


def start(command, seconds, env):
    """(code, output); code None: killed after so many seconds."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True, errors="replace", env=env,
                               preexec_fn=cheap)
    try:
        out, _ = process.communicate(timeout=seconds)
        return process.returncode, out
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None, ""


class Server:
    """A program of tests, with mutants in it or without (see mutation_serve.c)."""

    def __init__(self, program):
        self.program = program
        self.process = subprocess.Popen([program, "-s"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True, errors="replace", preexec_fn=cheap)

    def close(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def ask(self, mutant, limits):
        """(number, code, us, places, why) of the first test that fails, or of the last."""
        self.process.stdin.write(f"{mutant} " + " ".join(f"{n} {ms}" for n, ms in limits) + "\n")
        self.process.stdin.flush()
        words = self.process.stdout.readline().rstrip("\n").split(" ", 4)
        if len(words) < 5:
            raise mutation_build.BuildError(f"{self.program} ended early")
        return (*map(int, words[:3]), *words[3:])

    def fails(self, mutant, runs):
        """Which of the runs fails first, and why; or None."""
        if not runs:
            return None
        limits = [(r.number, GRACE_MS + r.us * SLOWER // 1000) for r in runs]
        number, code, _, _, why = self.ask(mutant, limits)
        return (next(r for r in runs if r.number == number), why) if code == FAILED else None

    def measure(self):
        """Every test as it is without a mutant."""
        names = [line[5:] for line in mutation_build.must([self.program, "-l"]).splitlines()
                 if line.startswith("test ")]
        runs = []
        for number, name in enumerate(names):
            _, code, us, seen, why = self.ask(0, [(number, MOST_MS)])
            if code == FAILED:
                raise FailsAnyway(f"{name} fails without any mutant: {why}")
            if code == PASSED:
                runs.append(Run(name, number, us, seen))
        return runs


class FailsAnyway(Exception):
    """A test says nothing about mutants."""


def reaches(run, place):
    at = place >> 2
    return at < len(run.seen) and run.seen[at] in BITS[place & 3]


class Suite:
    """The suite's tests, and what each run of them reaches. A run has a test, a vendor and a
    variant; its number has all of them."""

    def __init__(self, build, say, cover=True):
        self.build, self.say = build, say
        words = mutation_build.must([build.program(), "-l"]).splitlines()
        pick = lambda kind: [w[len(kind) + 1:] for w in words if w.startswith(kind + " ")]
        self.tests, self.vendors, self.variants = pick("test"), pick("vendor"), pick("variant")
        self.runs, self.lines = [], {}
        if cover:
            self.load()

    def sample(self, test):
        """Variants that have every choice both ways: one and its opposite, and another pair."""
        last = len(self.variants) - 1
        one = test * 7 % (last + 1)
        two = (one + 5 + test * 3) % (last + 1)
        return list(dict.fromkeys([one, last - one, two, last - two]))

    def number(self, test, vendor, variant):
        return (test * len(self.vendors) + vendor) * len(self.variants) + variant

    def run(self, test, vendor, variant, us=0, seen=""):
        name = f"{self.tests[test]} [{self.vendors[vendor]} {self.variants[variant]}]"
        return Run(name, self.number(test, vendor, variant), us, seen)

    def pair(self, run):
        """Test and vendor."""
        return divmod(run.number // len(self.variants), len(self.vendors))

    # ---- coverage ----

    def load(self):
        path = os.path.join(self.build.dir, "coverage.json")
        program = self.build.program(".cov")
        digest = mutation_build.hash_file(program)
        if self.build.stamp("covered") != digest:
            self.measure(path, program)
            self.build.stamp("covered", digest)
        with open(path, encoding="ascii") as file:
            data = json.load(file)
        self.runs = [self.run(*r) for r in data["runs"]]
        self.lines = {tuple(k.split(":")): v for k, v in data["lines"].items()}

    def measure(self, path, program):
        wanted = [(t, v, c) for t in range(len(self.tests)) for v in range(len(self.vendors))
                  for c in self.sample(t)]
        self.say(f"measuring which lines {len(wanted)} runs of the suite reach")
        server, runs = Server(program), []
        try:
            for one in wanted:
                _, code, us, seen, why = server.ask(0, [(self.number(*one), MOST_MS)])
                if code == FAILED:
                    raise mutation_build.BuildError(
                        f"fails without any mutant: {self.run(*one).name}: {why}")
                if code == PASSED:
                    runs.append((*one, us, seen))
        finally:
            server.close()
        addresses = [int(line[6:]) for line in mutation_build.must([program, "-l"]).splitlines()
                     if line.startswith("block ")]
        lines = mutation_build.block_lines(program, addresses)
        with open(path, "w", encoding="ascii") as file:
            json.dump({"runs": runs,
                       "lines": {f"{f}:{n}": sorted(b) for (f, n), b in lines.items()}}, file)

    # ---- questions ----

    def reaching(self, mutant):
        """Runs of the sample that reach the mutant."""
        base = os.path.basename(mutant.source.name)
        places = [(base, str(n)) for n in range(mutant.line, mutant.last + 1)]
        while not any(p in self.lines for p in places) and len(places) < 12:
            places.append((base, str(int(places[-1][1]) + 1)))  # folded away: what follows
        blocks = {b for place in places for b in self.lines.get(place, ())}
        return [r for r in self.runs if any(reaches(r, block) for block in blocks)]


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

    def __init__(self, build, suite, state, say):
        self.build, self.suite, self.state, self.say = build, suite, state, say
        self.units = {unit.name: unit for unit in build.library}
        self.digests = {}
        self.kills = collections.Counter()
        self.cost = {suite.pair(r): r.us for r in suite.runs}

    def order(self, mutant, runs):
        """Cheap ones first, and such as have killed neighbours."""
        name, function = mutant.source.name, mutant.function

        def weight(run):
            test = run.name.partition(" [")[0]
            near = self.kills[name, function, test] * 20 + self.kills[name, test] * 4
            return (run.us + 300) / (1 + near)
        return sorted(runs, key=weight)

    def recall(self, files):
        """What killed in runs before kills first."""
        for _, found in files:
            for mutant in found:
                entry = self.state.get(mutant)
                if entry and entry["verdict"] == KILLED:
                    self.remember(mutant, entry["by"])

    def remember(self, mutant, name):
        test = name.partition(" [")[0]
        self.kills[mutant.source.name, mutant.function, test] += 1
        self.kills[mutant.source.name, test] += 1

    def judge(self, worker, mutants, level):
        """(mutant, verdict, by) of each; all are of one file. Each level runs what those before it
        have not: the unit tests or the backend's, and each test of the suite once; each once on
        each vendor; the variants of the sample; every variant. After the last one it is sure."""
        unit = self.units[mutants[0].source.name]
        bench = Bench(self, self.build.many(worker, unit, mutants), level)
        try:
            for mutant in bench.made.broken:
                yield mutant, BROKEN, ""
            for number, mutant in enumerate(bench.made.kept, 1):
                yield (mutant, *self.verdict(bench, number, mutant, level))
        finally:
            bench.close()

    def verdict(self, bench, number, mutant, level):
        runs = self.suite.reaching(mutant)
        count, found = bench.units_fail(number, mutant)
        if found is None:
            verdict = self.same(bench.made, mutant) if level == 1 else None
            if verdict is not None:
                return verdict
            chosen = (self.few, self.vendors, self.others, self.every)[level - 1](mutant, runs)
            found = bench.suite().fails(number, self.order(mutant, chosen)) if chosen else None
        if found is not None:
            run, why = found
            self.remember(mutant, run.name)
            return KILLED, f"{run.name}: {why}" if "[" in run.name else f"{run.name} [{why}]"
        if level == WORLDS_LEVEL and runs:
            by = bench.world(number)
            if by is not None:
                return KILLED, by
        return (SURVIVED if level == LEVELS else UNSURE), f"{count} tests, {len(runs)} runs"

    def same(self, made, mutant):
        """Has the object code of the original, or of another that is alive."""
        digest = self.build.alone(made.worker, made.unit, mutant.apply())
        if digest is None:
            return BROKEN, ""
        if digest == self.build.original(made.worker, mutant, made.unit):
            return SAME, ""
        first = self.digests.setdefault((made.unit.name, digest), mutant.ident())
        return (TWIN, first) if first != mutant.ident() else None

    def few(self, _, runs):
        """Each test once, on one vendor or another; slow ones only where few reach the mutant."""
        once = {}
        for run in runs:
            if run.us <= SLOW_US or len(runs) < 40:
                once.setdefault(self.suite.pair(run)[0], []).append(run)
        return [found[test * 5 % len(found)] for test, found in once.items()]

    def vendors(self, mutant, runs):
        """Each test once on each vendor that the first level left out."""
        done = {self.suite.pair(run) for run in self.few(mutant, runs)}
        left = {}
        for run in runs:
            if self.suite.pair(run) not in done and (run.us <= SLOW_US or len(runs) < 40):
                left.setdefault(self.suite.pair(run), []).append(run)
        return [found[(test + vendor) % len(found)] for (test, vendor), found in left.items()]

    def others(self, mutant, runs):
        done = {*self.few(mutant, runs), *self.vendors(mutant, runs)}
        return [run for run in runs if run not in done]

    def every(self, mutant, runs):
        """Every variant of the tests that reach it; of all tests where none is known to."""
        pairs = {self.suite.pair(r): r.us for r in runs}
        done = {r.number for r in runs}
        if not pairs:
            own = [v for v, name in enumerate(self.suite.vendors) if name in mutant.source.name]
            pairs = {p: us for p, us in self.cost.items() if not own or p[1] in own}
        return [self.suite.run(t, v, c, us) for (t, v), us in pairs.items()
                for c in range(len(self.suite.variants))
                if self.suite.number(t, v, c) not in done]


class Bench:
    """The programs that have the mutants of one file in them, as long as these are judged."""

    def __init__(self, judge, made, level):
        self.judge, self.build, self.made = judge, judge.build, made
        self.servers, self.groups, self.worlds = {}, [], None
        if level == 1 and made.kept:
            for name in self.build.holding(made.unit):
                server = self.server(name)
                try:
                    self.groups.append((server, server.measure()))
                except FailsAnyway as error:
                    judge.say(f"{made.unit.name}: {name} left out: {error}")

    def server(self, name):
        if name not in self.servers:
            self.servers[name] = Server(self.build.with_mutants(self.made, name))
        return self.servers[name]

    def suite(self):
        return self.server("suite")

    def close(self):
        for server in self.servers.values():
            server.close()

    def units_fail(self, number, mutant):
        """How many tests reach the function, and what failed."""
        place = self.made.copies.places[mutant.function]
        count = 0
        for server, runs in self.groups:
            near = [run for run in runs if reaches(run, place)]
            found = server.fails(number, self.judge.order(mutant, near))
            count += len(near)
            if found is not None:
                return count, found
        return count, None

    def world(self, number):
        """The simulation, where one processor can come in between two steps of another."""
        if self.worlds is None:
            made = self.build.many(f"{self.made.worker}w", self.build.simulated[
                self.made.unit.source], self.made.kept)
            self.worlds = self.build.with_mutants(made, mutation_build.WORLDS)
        code, out = start([self.worlds, "--no-guards", "--seconds", WORLD_S], WORLDS_MOST_S,
                          dict(os.environ, MUTANT=str(number)))
        if code == 0:
            return None
        failed = [line.split()[:4] for line in out.splitlines() if line.endswith("FAILED")]
        return " ".join([mutation_build.WORLDS, *(failed[0][:3] if failed else [f"({code})"])])


def find_all(build, patterns):
    """The mutants of the files whose names contain one of the patterns."""
    library = mutation_effects.parse([(unit.source, unit.flags) for unit in build.library])
    return [(unit.name, mutation_operators.find(unit.source, unit.name, parsed, library))
            for unit, (_, parsed) in zip(build.library, library.kept)
            if not patterns or any(p in unit.name for p in patterns)]
