#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compare docs/conformance.md with the suite.

usage: mapping_check.py CONFORMANCE_PROGRAM docs/conformance.md core/check.h

Every test that the page names exists; every invariant, rule and lesson has a row that names a
test or says why not; every tag in a row's tests is that row's or is meant; every guard is there.
"""
import re
import subprocess
import sys

ROWS = {"I": 25, "R": 33, "L": 44}
NOT_HERE = "*not testable here*: "


def fail(errors, text):
    errors.append(text)


def tests_of(program):
    out = subprocess.run([program, "-l"], check=True, capture_output=True, text=True)
    return [line for line in out.stdout.splitlines() if line]


def rows_of(page):
    rows = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if line.startswith("| ") and len(cells) == 3:
            rows.setdefault(cells[0], []).append(cells)
    return rows


def check_row(errors, tag, rows, names):
    if len(rows.get(tag, [])) != 1:
        fail(errors, f"{tag}: {len(rows.get(tag, []))} rows instead of one")
        return
    held = rows[tag][0][2]
    named = re.findall(r"`([^`]+)`", held)
    reason = held.partition(NOT_HERE)[2]
    if not named and len(reason) < 20:
        fail(errors, f"{tag}: neither a test nor a reason")
    for name in named:
        if name not in names:
            fail(errors, f"{tag}: no such test: {name}")


def check_tags(errors, names):
    """Tags of tests are of rows that exist."""
    for name in names:
        for kind, number in re.findall(r"\b([IRL])(\d+)\b", name.split(":")[0]):
            if not 1 <= int(number) <= ROWS[kind]:
                fail(errors, f"no row {kind}{number}: {name}")
    for name in names:
        if names.count(name) != 1:
            fail(errors, f"two tests of one name: {name}")


def check_guards(errors, rows, header, names):
    for guard in re.findall(r"UIOMMU_GUARD_(\w+),", header):
        named = re.findall(r"`([^`]+)`", rows.get(guard, [["", "", ""]])[0][2])
        if not named:
            fail(errors, f"guard {guard}: no row with a test")
        for name in named:
            if name not in names:
                fail(errors, f"guard {guard}: no such test: {name}")


def main(argv):
    if len(argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    names = tests_of(argv[1])
    with open(argv[2], encoding="utf-8") as file:
        page = file.read()
    with open(argv[3], encoding="utf-8") as file:
        header = file.read()
    rows = rows_of(page)
    errors = []
    for kind, count in ROWS.items():
        for number in range(1, count + 1):
            check_row(errors, f"{kind}{number}", rows, names)
    check_tags(errors, names)
    check_guards(errors, rows, header, names)
    for text in errors:
        print(text)
    total = sum(ROWS.values())
    print(f"{total} rows, {len(names)} tests, {len(errors)} errors")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
