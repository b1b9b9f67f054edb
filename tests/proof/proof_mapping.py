#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compare tests/proof/mapping.md with the Spin models, prove.conf and core/; and look whether what
the CBMC proofs change in a source is still there.

usage: proof_mapping.py SOURCE_ROOT
"""
import glob
import os
import re
import subprocess
import sys

MACHINE = ("drain.c", "stop.c", "clear.c", "barrier.c")
KEYWORDS = ("if", "while", "for", "switch", "return", "sizeof")


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def defined(text):
    """Names of the functions that a C file defines: at the left margin, with a body."""
    return {name for name, end in re.findall(
        r"^[a-z][\w \*]*?\b(\w+)\((?:[^;{}()]|\([^()]*\))*\)\s*(\{|;)", text, re.M)
        if end == "{" and name not in KEYWORDS}


def cells_of(page):
    for line in page.splitlines():
        if line.startswith("|") and not line.startswith("|--"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def check_steps(errors, rows, models):
    steps = {"%s:%s" % (model, name) for model, text in models.items()
             for name in re.findall(r"^(?:inline|active proctype|proctype) (\w+)", text, re.M)}
    named = [row[0].strip("`") for row in rows if re.match(r"`\w+:\w+`$", row[0])]
    errors += ["%s: no row" % step for step in sorted(steps - set(named))]
    errors += ["%s: no such step" % step for step in sorted(set(named) - steps)]
    errors += ["%s: %d rows" % (step, named.count(step)) for step in sorted(set(named))
               if named.count(step) > 1]
    return steps


def check_functions(errors, rows, functions):
    named = set()
    for row in rows:
        found = re.findall(r"(\w+\.[ch]):(\w+)", " ".join(row))
        named.update(found)
        if re.match(r"`\w+:\w+`$", row[0]) and not found and len(row[1]) < 20:
            errors.append("%s: neither a function nor a reason" % row[0])
        if len(row) == 2 and re.match(r"\w+\.c:", row[0]) and len(row[1]) < 20:
            errors.append("%s: left out without a reason" % row[0])
    for file, name in sorted(named):
        if name not in functions.get(file, ()):
            errors.append("core/%s defines no %s()" % (file, name))
    for file in MACHINE:
        errors += ["core/%s: %s() is neither modelled nor left out for a reason" % (file, name)
                   for name in sorted(functions[file]) if (file, name) not in named]


def check_phases(errors, rows, header, steps):
    phases = re.findall(r"UIOMMU_PHASE_(\w+),", header)
    mapped = {row[0]: row[1].strip("`") for row in rows if len(row) == 2}
    for phase in phases:
        if mapped.get(phase) not in steps:
            errors.append("phase %s: no step" % phase)


def check_worlds(errors, models, conf, check_h):
    """Every macro of a world means something; every guard has a world without it, or a word why."""
    used = set()
    for line in conf.splitlines():
        if not line or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split("|")]
        for macro in cells[2].split():
            used.add(macro)
            if not re.search(r"\b%s\b" % macro.split("=")[0], models.get(cells[0], "")):
                errors.append("prove.conf, %s: %s.pml knows no %s" % (cells[1], cells[0], macro))
    page = read(sys.argv[1], "tests", "proof", "mapping.md")
    for guard in re.findall(r"UIOMMU_GUARD_(\w+),", check_h):
        if "NO_" + guard not in used and "`%s`" % guard not in page:
            errors.append("guard %s: no world without it, and no reason" % guard)
    for text in models.values():
        for macro in re.findall(r"^#\s*ifn?def (NO_\w+)", text, re.M):
            if macro not in used:
                errors.append("%s: no world explores it" % macro)


def check_edits(errors, root):
    """given= and break.NAME= of every proof.conf change their file."""
    for path in sorted(glob.glob(os.path.join(root, "tests", "proof", "*", "proof.conf"))):
        proof = os.path.basename(os.path.dirname(path))
        for key, file, edit in re.findall(r"^(given|break\.\w+)=(\S+) (.*)", read(path), re.M):
            if subprocess.run(["sed", edit, os.path.join(root, file)], stdout=subprocess.PIPE,
                              check=True, text=True).stdout == read(root, file):
                errors.append("%s, %s: changes nothing in %s" % (proof, key, file))


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    root, errors = sys.argv[1], []
    proof = os.path.join(root, "tests", "proof")
    models = {os.path.basename(path)[:-4]: read(path)
              for path in sorted(glob.glob(os.path.join(proof, "*.pml")))}
    functions = {os.path.basename(path): defined(read(path))
                 for path in glob.glob(os.path.join(root, "core", "*.[ch]"))}
    rows = list(cells_of(read(proof, "mapping.md")))
    steps = check_steps(errors, rows, models)
    check_functions(errors, rows, functions)
    check_phases(errors, rows, read(root, "core", "core.h"), steps)
    check_worlds(errors, models, read(proof, "prove.conf"), read(root, "core", "check.h"))
    check_edits(errors, root)
    for text in errors:
        print(text)
    print("%d steps, %d functions of the machine, %d errors" %
          (len(steps), sum(len(functions[file]) for file in MACHINE), len(errors)))
    return 1 if errors or not steps else 0


if __name__ == "__main__":
    sys.exit(main())
