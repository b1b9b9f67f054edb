#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""summary.py LOG...: counts what meson's testlog.json files say, per test case.
summary.py --show NAME LOG: prints what one program of a log printed.
summary.py --note NAME CODE FILE: the line of such a log for a program that meson did not run.

A Criterion program and a plain main report how many of their cases passed; a gate is one case. A
program that ends without such a report counts as one failure, whatever it returned.
"""
import json
import os
import re
import sys

CRITERION = re.compile(r"Synthesis: Tested: .*?(\d+).*?\| Passing: .*?(\d+).*?\| Failing: .*?(\d+)"
                       r".*?\| Crashing: .*?(\d+)")
PLAIN = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$", re.M)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# What Criterion, plain mains and gates print for a case that was left out.
REASON = re.compile(r"^(?:\[SKIP\] *|skipped: *|SKIP[: ] *|SKIPPED: *)(.*)$", re.M)


def count(test):
    """(passed, failed, skipped, remark) of one program."""
    said = COLOUR.sub("", test.get("stdout", "") + "\n" + test.get("stderr", ""))
    code = test.get("returncode", 1)
    reasons = REASON.findall(said)
    if code == 77:
        return 0, 0, 1, reasons or ["no reason given"]
    plain = PLAIN.findall(said)
    framework = CRITERION.findall(said)
    if plain:
        passed, failed, skipped = (int(n or 0) for n in plain[-1])
    elif framework:
        # "Tested" leaves out what was skipped; "Failing" has what crashed in it.
        passed, failed = (sum(column) for column in zip(*((int(p), int(f))
                                                          for _, p, f, _ in framework)))
        skipped = len(reasons)
    elif test["gate"]:
        return (1, 0, 0, []) if code == 0 else (0, 1, 0, [])
    else:
        return 0, 1, 0, ["ended with %s and without a result" % code]
    if passed + failed + skipped == 0:
        return 0, 1, 0, ["ran nothing"]
    if code != 0 and failed == 0:
        return passed, 1, skipped, ["ended with %s" % code]
    return passed, failed, skipped, reasons if skipped else []


def show(log, name):
    """What the program of this name printed."""
    with open(log, encoding="utf-8") as file:
        for line in file:
            test = json.loads(line)
            if test["name"].split(" / ")[-1] == name:
                print(COLOUR.sub("", test.get("stdout", "")).rstrip())


def note(name, code, path):
    """What the program of this name printed is in a file."""
    with open(path, encoding="utf-8", errors="replace") as file:
        print(json.dumps({"name": name, "command": [], "returncode": int(code),
                          "stdout": file.read()}))


def main():
    if len(sys.argv) == 5 and sys.argv[1] == "--note":
        note(*sys.argv[2:])
        return
    if len(sys.argv) == 4 and sys.argv[1] == "--show":
        show(sys.argv[3], sys.argv[2])
        return
    total = [0, 0, 0]
    bad, left_out = [], []
    for log in sys.argv[1:]:
        if not os.path.exists(log):
            total[1] += 1
            bad.append("%s: no result" % log)
            continue
        with open(log, encoding="utf-8") as file:
            tests = [json.loads(line) for line in file if line.strip()]
        for test in tests:
            test["gate"] = "/gates/" in " ".join(test.get("command", [])) or \
                "gates" in test["name"].split(" / ")[0]
            passed, failed, skipped, remarks = count(test)
            total = [a + b for a, b in zip(total, (passed, failed, skipped))]
            if failed:
                bad.append("%s: %d failed%s" % (test["name"], failed,
                                                "".join("; " + r for r in remarks)))
            if skipped:
                left_out.append("%s: %d skipped: %s" % (test["name"], skipped,
                                                        "; ".join(remarks) or "no reason given"))
    for line in left_out + bad:
        print(line)
    print("%d passed, %d failed, %d skipped" % tuple(total))
    sys.exit(1 if total[1] or not total[0] else 0)


main()
