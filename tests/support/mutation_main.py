# SPDX-License-Identifier: BSD-2-Clause
"""What tests/mutate does with its options: choose, run, report."""
import collections
import concurrent.futures
import contextlib
import difflib
import itertools
import os
import random
import sys
import threading
import time

import mutation_build
import mutation_operators
import mutation_run
import mutation_tables
from mutation_run import BROKEN, KILLED, NOT_RUN, SAME, SURVIVED, TWIN, UNSURE

RULES = [f"I{n}" for n in range(1, 26)] + [f"R{n}" for n in range(1, 34)]
TOLD_S = 20  # A line of progress so often.
RULE_US = 100000  # What a test takes that is run for a rule; ten times that is a hang.
MANY, FEW = 400, 20  # Mutants of a file at a time; few where a sample is to have all files.
SHARES = (0.6, 0.75, 0.9, 1.0)  # Of the time, at which each level ends.

TRIED = ("each test once", "each vendor once", "four variants a test", "every variant")


def say(text):
    print(text, file=sys.stderr, flush=True)


def table(name):
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), name)


def spread(files, seed):
    """Round robin over files and operators, each shuffled: what a sample begins with."""
    choose = random.Random(seed)
    strata = collections.defaultdict(list)
    for name, mutants in files:
        for mutant in mutants:
            strata[name, mutant.operator].append(mutant)
    groups = [strata[key] for key in sorted(strata)]
    for group in groups:
        choose.shuffle(group)
    choose.shuffle(groups)
    rounds = itertools.zip_longest(*groups)
    return [mutant for one in rounds for mutant in one if mutant is not None]


def batches(mutants, size):
    """So many of one file at a time, the files in turn."""
    files = collections.defaultdict(list)
    for mutant in mutants:
        files[mutant.source.name].append(mutant)
    rounds = itertools.zip_longest(*([found[i:i + size] for i in range(0, len(found), size)]
                                     for found in files.values()))
    return [batch for one in rounds for batch in one if batch]


class Work:
    """Mutants that are judged one after the other, by several at a time, until time is up."""

    def __init__(self, judge, state, options):
        self.judge, self.state, self.options = judge, state, options
        self.lock = threading.Lock()
        self.began = time.monotonic()
        self.until = None
        self.done, self.told, self.count = 0, self.began, collections.Counter()
        self.error = None

    def left(self):
        return self.error is None and (self.until is None or time.monotonic() < self.until)

    def allot(self, share):
        """Until so much of the time is gone."""
        if not self.options.all:
            self.until = self.began + 60 * self.options.minutes * share

    def tell(self, total):
        now = time.monotonic()
        if now - self.told >= TOLD_S:
            self.told = now
            rate = self.done / (now - self.began) * 60
            say(f"{self.done} of {total}, {rate:.0f} a minute: {self.count[KILLED]} killed, "
                f"{self.count[UNSURE] + self.count[SURVIVED]} alive")

    def run(self, mutants, level):
        """Judges those that are not known; the rest stays as it is."""
        queue = iter(batches(mutants, MANY if self.options.all else FEW))

        def worker(number):
            while self.left():
                with self.lock:
                    batch = next(queue, None)
                if batch is None:
                    return
                try:
                    self.batch(number, batch, level, len(mutants))
                except Exception as error:  # told by the main thread
                    self.error = error
        threads = [threading.Thread(target=worker, args=(n,)) for n in range(self.options.jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.error is not None:
            raise self.error

    def batch(self, number, batch, level, total):
        with contextlib.closing(self.judge.judge(number, batch, level)) as verdicts:
            for mutant, verdict, by in verdicts:
                with self.lock:
                    self.state.put(mutant, verdict, by, level)
                    self.done += 1
                    self.count[verdict] += 1
                    self.tell(total)
                if not self.left():
                    return


class Report:
    """The table at the end."""

    def __init__(self, files, state, equivalents, chosen):
        self.files, self.state, self.equivalents = files, state, equivalents
        self.chosen = chosen
        self.rows, self.alive, self.wrong = [], [], []
        self.used = set()

    def verdict(self, mutant):
        entry = self.state.get(mutant)
        verdict = entry["verdict"] if entry else NOT_RUN
        key = mutant.key()
        if key in self.equivalents:
            self.used.add(key)
            if verdict == KILLED:
                self.wrong.append(f"listed as equivalent, but killed: {mutant.source.name}:"
                                  f"{mutant.line} by {entry['by']}")
            elif verdict in (UNSURE, SURVIVED, NOT_RUN):
                return "equivalent", entry
        return verdict, entry

    def count(self):
        for name, mutants in self.files:
            row = collections.Counter()
            for mutant in mutants:
                verdict, entry = self.verdict(mutant)
                row[verdict] += 1
                if verdict in (UNSURE, SURVIVED):
                    self.alive.append((mutant, verdict, entry))
            self.rows.append((name, row))
        names = {name for name, _ in self.files}
        for key in self.equivalents:
            if key[0] in names and key not in self.used and (not self.chosen or
                                                             key[2] in self.chosen):
                self.wrong.append(f"stale entry of mutants.equivalent: {' '.join(key[:3])}: "
                                  f"{key[3]}")

    def print(self, options):
        self.count()
        for name, group in itertools.groupby(self.alive, lambda a: a[0].source.name):
            print(f"\n{name}")
            for mutant, verdict, entry in group:
                sure = "" if verdict == SURVIVED else ", " + TRIED[entry.get("level", 1) - 1]
                print(f"  {mutant.line} {mutant.function} {mutant.operator} "
                      f"[{mutant.ident()}] reached by {entry['by']}{sure}")
                print(f"    - {mutant.before}\n    + {mutant.after}")
        head = ("mutants", KILLED, "alive", "unsure", "equivalent", "same", "broken", "not run")
        print("\n" + " ".join(f"{h:>10}" for h in head) + "  file")
        total = collections.Counter()
        for name, row in self.rows:
            self.print_row(name, row)
            total.update(row)
        self.print_row("all", total)
        judged = total[KILLED] + total[SURVIVED] + total[UNSURE] + total["equivalent"]
        if judged:
            print(f"equivalent by argument: {100 * total['equivalent'] / judged:.2f} % of "
                  f"{judged} judged; same object code as the original or as another: "
                  f"{total[SAME] + total[TWIN]}; do not compile: {total[BROKEN]}")
        for text in self.wrong:
            print(f"ERROR: {text}")
        alive = total[SURVIVED] + total[UNSURE]
        print(f"{total[KILLED]} passed, {alive + len(self.wrong)} failed, "
              f"{total[NOT_RUN]} skipped")
        return 1 if alive or self.wrong else 0

    @staticmethod
    def print_row(name, row):
        cells = (sum(row.values()), row[KILLED], row[SURVIVED], row[UNSURE], row["equivalent"],
                 row[SAME] + row[TWIN], row[BROKEN], row[NOT_RUN])
        print(" ".join(f"{c:>10}" for c in cells) + f"  {name}")


# ---- the rules ----

def rule_runs(suite, block):
    """The test alone: on all vendors and a few variants, or where the table says."""
    test = suite.tests.index(block.parts["!"]) if block.parts["!"] in suite.tests else None
    if test is None:
        raise mutation_build.BuildError(f"mutants.rules:{block.line}: no such test: "
                                        f"{block.parts['!']}")
    vendor, _, variant = block.parts["@"].partition(" ")
    return [suite.run(test, v, c, RULE_US) for v, name in enumerate(suite.vendors)
            if vendor in ("", name) for c, text in enumerate(suite.variants)
            if (variant in text if variant else c in suite.sample(test))]


def named_for(root, rule, test):
    """The test's name carries the rule, or docs/conformance.md says that it holds it."""
    if rule in test.split(":")[0].split():
        return True
    with open(os.path.join(root, "docs", "conformance.md"), encoding="utf-8") as page:
        return any(line.startswith(f"| {rule} |") and f"`{test}`" in line for line in page)


def judge_rules(build, suite, judge, mutants, blocks):
    """Those of one file: [(block, verdict)]."""
    found, known = [], {}
    for block in blocks:
        mutant = mutants.get(block.key())
        if mutant is None:
            found.append((block, "stale"))
        elif not all(named_for(build.root, rule, block.parts["!"]) for rule in block.rules):
            found.append((block, "misnamed"))
        else:
            known[mutant] = block
    if known:
        unit = judge.units[blocks[0].head[0]]
        made = build.many(f"rules-{unit.name.replace('/', '+')}", unit, known)
        found += [(known[mutant], BROKEN) for mutant in made.broken]
        with contextlib.closing(mutation_run.Bench(judge, made, 0)) as bench:
            for number, mutant in enumerate(made.kept, 1):
                runs = rule_runs(suite, known[mutant])
                wrong = bench.suite().fails(0, runs)
                if wrong is not None:
                    raise mutation_build.BuildError(
                        f"fails without any mutant: {wrong[0].name}: {wrong[1]}")
                killed = bench.suite().fails(number, runs) is not None
                found.append((known[mutant], KILLED if killed else SURVIVED))
    return found


def run_rules(build, suite, judge, files, options):
    """Exit code. A rule holds if one of its mutants dies by the named test alone."""
    mutants = {m.key(): m for _, found in files for m in found}
    blocks = mutation_tables.rules(table("mutants.rules"))
    names = collections.defaultdict(list)
    for block in blocks:
        rule_runs(suite, block)  # is there such a test?
        names[block.head[0]].append(block)
    verdicts = {}
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for name, found in zip(names, pool.map(
                lambda part: judge_rules(build, suite, judge, mutants, part), names.values())):
            verdicts.update(found)
            say(f"{len(verdicts)} of {len(blocks)}: {name}")
    held, failed = collections.defaultdict(list), 0
    print(f"{'rule':8} {'verdict':9} test")
    for block in blocks:
        verdict = verdicts[block]
        failed += verdict != KILLED
        for rule in block.rules:
            held[rule] += [verdict == KILLED]
            print(f"{rule:8} {verdict:9} {block.parts['!']}\n{'':18}{block.head[0]} "
                  f"{block.head[1]}: {block.head[2]}: {block.parts['-']}")
    missing = [rule for rule in RULES if not any(held[rule])]
    for rule in missing:
        print(f"{rule:8} NO MUTANT of it dies by a test named for it")
    print(f"{len(RULES) - len(missing)} passed, {len(missing) + failed} failed, 0 skipped")
    return 1 if missing or failed else 0


# ---- the rest ----

def show(files, ident):
    for name, mutants in files:
        for mutant in mutants:
            if mutant.ident() == ident:
                sys.stdout.writelines(difflib.unified_diff(
                    mutant.source.text.splitlines(True), mutant.apply().splitlines(True),
                    "a/" + name, "b/" + name))
                return 0
    print(f"tests/mutate: no mutant {ident}; --list shows them", file=sys.stderr)
    return 2


def show_list(files):
    for name, mutants in files:
        for mutant in mutants:
            print(f"{mutant.ident()} {name}:{mutant.line} {mutant.function} {mutant.operator}\n"
                  f"    - {mutant.before}\n    + {mutant.after}")
    print(f"{sum(len(m) for _, m in files)} mutants of {len(files)} files")
    return 0


def level_of(entry):
    """How far it has come; None: decided."""
    if entry is None:
        return 0
    return entry.get("level", 1) if entry["verdict"] == UNSURE else None


def main(root, options):
    build = mutation_build.Build(root, os.path.abspath(options.build), options.jobs)
    build.plan(suite_only=options.rules)
    if options.rules: # what the table names is enough
        options.file = sorted({b.head[0] for b in mutation_tables.rules(table("mutants.rules"))})
    files = mutation_run.find_all(build, options.file)
    chosen = set(options.operator) or (mutation_operators.PROTOCOL if options.set == "protocol" and
                                       not options.rules and not options.show else None)
    if chosen:
        files = [(n, [m for m in found if m.operator in chosen]) for n, found in files]
    if not any(found for _, found in files):
        print("tests/mutate: no mutants there", file=sys.stderr)
        return 2
    if options.show:
        return show(files, options.show)
    if options.list:
        return show_list(files)
    try:
        equivalents = mutation_tables.equivalents(table("mutants.equivalent"))
    except mutation_tables.TableError as error:
        raise mutation_build.BuildError(str(error)) from error
    state = mutation_run.State(build)
    if options.report:
        state.lenient = True
        return Report(files, state, equivalents, chosen).print(options)
    build.make(say, not options.rules)
    try:
        return run(build, options, files, equivalents, state, chosen)
    finally:
        build.clean()


def run(build, options, files, equivalents, state, chosen):
    suite = mutation_run.Suite(build, say, not options.rules)
    judge = mutation_run.Judge(build, suite, state, say)
    judge.recall(files)
    if options.rules:
        return run_rules(build, suite, judge, files, options)
    work = Work(judge, state, options)
    order = [m for m in spread(files, options.seed) if m.key() not in equivalents]
    for level, share in zip(range(1 if options.sure else 0, options.depth), SHARES):
        work.allot(1 if options.sure else share)
        alive = [m for m in order if level_of(state.get(m)) == level]
        if level > 0 and alive:
            say(f"{len(alive)} alive: {TRIED[level]}")
        work.run(alive, level + 1)
    code = Report(files, state, equivalents, chosen).print(options)
    seconds = time.monotonic() - work.began
    print(f"{work.done} mutants in {seconds / 60:.1f} minutes: {work.done / seconds * 60:.0f} a "
          f"minute, {options.jobs} at a time")
    return code
