#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Reads what speed wrote for each compiler, and counts: one table, one JSON file, one page.

Called by tests/bench/run. With a JSON file that it wrote earlier it shows that again:
report.py --from results.json [--page FILE] [--docs FILE]

Exit code: 0; 1 a request allocated.
"""
import argparse
import datetime
import json
import os
import platform
import subprocess
import sys

from report_page import NO_TIME, is_latency, page_of

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def said(*command):
    """First line of what a command prints, or nothing."""
    try:
        lines = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                               cwd=ROOT).stdout.splitlines()
    except OSError:
        lines = []
    return lines[0].strip() if lines else ""


def caches():
    found = []
    base = "/sys/devices/system/cpu/cpu0/cache"
    for index in sorted(os.listdir(base)) if os.path.isdir(base) else []:
        def read(name, at=os.path.join(base, index)):
            try:
                with open(os.path.join(at, name), encoding="ascii") as file:
                    return file.read().strip()
            except OSError:
                return "?"
        if index.startswith("index") and read("type") != "Instruction":
            found.append("L%s %s" % (read("level"), read("size")))
    return ", ".join(found)


def cpu():
    name, hypervisor = platform.machine(), False
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() == "model name":
                    name = value.strip()
                hypervisor |= key.strip() == "flags" and " hypervisor " in value + " "
    except OSError:
        pass
    return name + (" (virtual machine)" if hypervisor else "")


def machine(compilers):
    facts = {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": said("git", "describe", "--always", "--dirty", "--abbrev=12") or "unknown",
        "cpu": cpu(),
        "cores": os.cpu_count(),
        "caches": caches(),
        "system": "%s %s" % (platform.system(), platform.release()),
        "load before": os.environ.get("UIOMMU_BENCH_LOAD", "unknown"),
    }
    facts.update((name, said(name, "--version")) for name in compilers)
    return facts


def merge(files):
    """Rows in the order in which they were measured, with a side of each compiler."""
    rows = {}
    for compiler, path in files.items():
        with open(path, encoding="utf-8") as file:
            for row in json.load(file):
                sides = {key: row.pop(key) for key in ("library", "floor", "ratio") if key in row}
                right = row.pop("right")
                row = rows.setdefault(row["name"], dict(row, failed=[]))
                if right:
                    row[compiler] = sides
                else:
                    row["failed"].append(compiler)
    return list(rows.values())


def goal_of(row):
    goal = ["≤ %g" % row["goal_ns"]] if row["goal_ns"] else []
    if row["goal_ratio"]:
        goal.append("≤ %g×" % row["goal_ratio"])
    return ", ".join(goal)


def misses(row, compiler):
    """In what a compiler's figures miss the goal; None: it was not measured."""
    sides = row.get(compiler)
    if sides is None:
        return None
    missed = []
    if row["goal_ns"] and sides["library"]["best"] > row["goal_ns"]:
        missed.append("size" if NO_TIME.search(row["name"]) else "time")
    if row["goal_ratio"] and sides.get("ratio", 0) > row["goal_ratio"]:
        missed.append("ratio")
    if row["floor_ns"] and "floor" in sides and sides["floor"]["best"] > 1.4 * row["floor_ns"]:
        missed.append("no floor")
    if row["op"] == "request" and sides["library"]["allocations"] > 0:
        missed.append("allocates")
    return missed


def verdict(row, compiler):
    if compiler in row["failed"]:
        return "FAILED"
    missed = misses(row, compiler)
    if missed is None:
        return ""
    if missed:
        return "missed: " + ", ".join(missed)
    return "met" if row["goal_ns"] or row["goal_ratio"] else ""


def number(value):
    return "%.0f" % value if value >= 1000 else "%.1f" % value if value >= 10 else "%.2f" % value


def cells(row, compiler):
    """Library's best / median (medians of runs, or percentiles of operations), floor's best / median, ratio."""
    if compiler not in row:
        return "", "", ""
    sides = row[compiler]
    side, floor = sides["library"], sides.get("floor")
    how = "%s / %s (p90 %s, p99 %s)" if is_latency(row) else "%s / %s (%s–%s)"
    spread = ("p90", "p99") if is_latency(row) else ("run_low", "run_high")
    library = how % tuple(number(side[key]) for key in ("best", "median") + spread)
    if floor is None:
        return library, "", ""
    return library, "%s / %s" % (number(floor["best"]), number(floor["median"])), \
        "%.2f" % sides["ratio"]


def tables_of(results):
    """(title, rows) of each table."""
    titles = {}
    for row in results["rows"]:
        titles.setdefault(row["title"], []).append(row)
    return titles.items()


def show(results):
    compilers = results["compilers"]
    for title, rows in tables_of(results):
        wide = max(len(row["name"]) for row in rows)
        print("\n%s\n%-*s        %36s  %17s %6s  %s" % (
            title, wide, "ns per operation", "library best / median (runs)", "floor", "ratio", "goal"))
        for row in rows:
            name = row["name"]
            for compiler in compilers:
                if compiler in row or compiler in row["failed"]:
                    print("%-*s  %-5s %36s  %17s %6s  %-14s %s" % (
                        (wide, name, compiler) + cells(row, compiler) +
                        (goal_of(row), verdict(row, compiler))))
                    name = ""
    print()
    for compiler in compilers:
        judged = [verdict(row, compiler) for row in results["rows"]]
        print("%s: %d goals met, %d missed, %d rows failed" % (
            compiler, judged.count("met"), sum(v.startswith("missed") for v in judged),
            judged.count("FAILED")))


def markdown(results):
    """The same for docs/PERFORMANCE.md."""
    facts, compilers = results["machine"], results["compilers"]
    lines = ["%s, %s cores (%s), %s; commit %s, %s.  " % (
        facts["cpu"], facts["cores"], facts["caches"], facts["system"], facts["commit"],
        facts["date"]), "; ".join(facts[c] for c in compilers) + ". Load before: %s." %
        facts["load before"]]
    for title, rows in tables_of(results):
        head = ["shape"]
        for compiler in compilers:
            head += ["%s: best / median (runs)" % compiler, "floor", "×"]
        head += ["goal", ""]
        lines += ["", "### " + title, "", "| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
        for row in rows:
            line, marks = [row["name"]], []
            for compiler in compilers:
                line += cells(row, compiler)
                mark = verdict(row, compiler)
                if mark:
                    marks.append(mark if mark == "met" else "**%s** (%s)" % (mark, compiler))
            line += [goal_of(row), "met" if set(marks) == {"met"} else ", ".join(
                mark for mark in marks if mark != "met")]
            lines.append("| " + " | ".join(line) + " |")
    if results["counts"]:
        lines += ["", "### Counted (callgrind, gcc, per operation)", "",
                  "| shape | instructions | with host and handler | accesses | L1 misses | L2 misses "
                  "| atomics | MMIO | allocations |", "|---|---|---|---|---|---|---|---|---|"]
        lines += ["| %s | %.0f | %.0f | %.0f | %.2f | %.2f | %.2f | %.3f | %.3f |" % tuple(
            row[key] for key in ("name", "instructions", "timed", "accesses", "l1", "l2", "atomics",
                                 "mmio", "allocations")) for row in results["counts"]]
    return "\n".join(lines) + "\n"


def update(path, text):
    with open(path, encoding="utf-8") as file:
        old = file.read()
    if old.count(BEGIN) != 1 or old.count(END) != 1:
        sys.exit("%s: want one %s and one %s" % (path, BEGIN, END))
    before, after = old.split(BEGIN)[0], old.split(END)[1]
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + BEGIN + "\n" + text + END + after)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measured", nargs="*", metavar="COMPILER=FILE", help="what speed -j wrote")
    parser.add_argument("--from", dest="old", metavar="FILE", help="a JSON file of this program")
    parser.add_argument("--counts", metavar="FILE", help="what counts --json wrote")
    parser.add_argument("--json", metavar="FILE", help="write all of it there")
    parser.add_argument("--page", metavar="FILE", help="write a page with plots there; needs gnuplot")
    parser.add_argument("--docs", metavar="FILE", help="write the tables there, between the markers")
    return parser.parse_args()


def results_of(args):
    if args.old:
        with open(args.old, encoding="utf-8") as file:
            return json.load(file)
    files = dict(item.split("=", 1) for item in args.measured)
    counts = []
    if args.counts:
        with open(args.counts, encoding="utf-8") as file:
            counts = json.load(file)
    return {"machine": machine(files), "compilers": list(files), "rows": merge(files),
            "counts": counts}


def main():
    args = arguments()
    results = results_of(args)
    show(results)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
    if args.page:
        with open(args.page, "w", encoding="utf-8") as file:
            file.write(page_of(results, tables_of(results), cells, goal_of, verdict))
    if args.docs:
        update(args.docs, markdown(results))
    return 1 if any("allocates" in verdict(row, compiler) for row in results["rows"]
                    for compiler in results["compilers"]) else 0


if __name__ == "__main__":
    sys.exit(main())
