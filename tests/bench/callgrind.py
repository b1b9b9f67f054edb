# SPDX-License-Identifier: BSD-2-Clause
"""What one operation of a row of speed costs, by callgrind."""
import glob
import os
import re
import shutil
import subprocess
import tempfile

FIGURES = ("instructions", "timed", "accesses", "l1", "l2", "atomics", "mmio", "allocations")
LIBRARY = re.compile(r"^[./]*(core|backends|include/uiommu)/")
MEMORY = re.compile(r"^_*mem(cpy|move|set|cmp)")
VALGRIND = ("valgrind", "-q", "--tool=callgrind", "--collect-bus=yes", "--cache-sim=yes",
            "--I1=32768,8,64", "--D1=32768,8,64", "--LL=1048576,16,64", "--compress-strings=no",
            "--compress-pos=no", "--dump-before=speed_now_ns")


class Uncounted(Exception):
    """Why a row has no figures."""

    def __init__(self, why, verdict="FAILED"):
        super().__init__(why)
        self.verdict = verdict


def costs_of(path, where):
    """Costs of one dump: of the library, and of all. Adds instructions of functions to where."""
    names, library, all_of_it = [], {}, {}
    file, function, called, calls = "", "", "", False
    with open(path, encoding="utf-8", errors="replace") as dump:
        for line in dump:
            if line.startswith("events:"):
                names = line.split()[1:]
                library = dict.fromkeys(names, 0)
                all_of_it = dict.fromkeys(names, 0)
            elif line.startswith(("fl=", "fi=", "fe=")):
                file = line[3:].strip()
            elif line.startswith("fn="):
                function = line[3:].strip()
            elif line.startswith("cfn="):
                called = line[4:].strip()
            elif line.startswith("calls="):
                calls = True
            elif line[0].isdigit():
                costs = [int(cell) for cell in line.split()[1:]]
                for name, cost in zip(names, costs):
                    # Behind "calls=" stands what the called one cost, and it does so itself.
                    if not calls:
                        all_of_it[name] += cost
                    if LIBRARY.match(file) and (not calls or MEMORY.match(called)):
                        library[name] += cost
                if not calls:
                    at = "%s of %s" % (file.replace("./", ""), function)
                    where[at] = where.get(at, 0) + costs[0]
                calls = False
    return library, all_of_it


def add(to, costs):
    for name, cost in costs.items():
        to[name] = to.get(name, 0) + cost


def figures_of(folder, rounds):
    """Of the dumps in a folder: each second one, from the last, is what a round timed."""
    parts = sorted(glob.glob(os.path.join(folder, "out.*")),
                   key=lambda name: int(name.rsplit(".", 1)[1]))
    # What opens a row may look at the clock too: less often than there are rounds.
    if not 2 * len(rounds) <= len(parts) < 3 * len(rounds):
        raise Uncounted("it looks at the clock %d times in %d rounds, not twice a round" %
                        (len(parts), len(rounds)), "SKIPPED")
    parts = parts[len(parts) - 2 * len(rounds):]
    later = range(len(rounds) // 2, len(rounds))
    library, timed, where = {}, {}, {}
    for i in later:
        of_library, of_all = costs_of(parts[2 * i + 1], where)
        add(library, of_library)
        add(timed, of_all)
    ops = sum(rounds[i][0] for i in later)
    costs = {
        "instructions": library["Ir"],
        "timed": timed["Ir"],
        "accesses": library["Dr"] + library["Dw"],
        "l1": timed["D1mr"] + timed["D1mw"],
        "l2": timed["DLmr"] + timed["DLmw"],
        "atomics": timed["Ge"],
        "mmio": sum(rounds[i][1] + rounds[i][2] for i in later),
        "allocations": sum(rounds[i][3] for i in later),
    }
    figures = {name: cost / ops for name, cost in costs.items()}
    figures["where"] = {at: cost / ops for at, cost in where.items() if cost > ops / 2}
    return figures


def count(speed, name, rounds, seconds):
    folder = tempfile.mkdtemp(prefix="uiommu-counts-")
    try:
        done = subprocess.run(VALGRIND + ("--callgrind-out-file=" + os.path.join(folder, "out"),
                                          speed, "-o", "library", "-k", name, "-n", str(rounds)),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=seconds)
        said = [line.rsplit(None, 4) for line in done.stdout.splitlines()]
        if done.returncode != 0 or len(said) != rounds:
            # What valgrind says of itself stands behind -- or ==.
            why = [line for line in done.stderr.splitlines() if line[:2] not in ("--", "==")]
            raise Uncounted("exit code %d after %d of %d rounds; %s" % (
                done.returncode, len(said), rounds, " ".join(why)[-200:] or "a round was wrong"))
        figures = figures_of(folder, [[int(cell) for cell in line[1:]] for line in said])
        return dict(figures, name=name, op=said[0][0])
    except subprocess.TimeoutExpired as error:
        raise Uncounted("not done after %d s" % seconds, "SKIPPED") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
