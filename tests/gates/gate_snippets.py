#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Gate 10: the C in README.md and docs/*.md compiles, freestanding. ```c begins a block. The blocks
of a page, in order, are one file. Those behind a line <!-- from FILE: NAME... --> are quotations:
they are those functions, tables and types of FILE, which is compiled instead. --update writes what
FILE has now into the page."""
import glob
import os
import re
import subprocess

from gatelib import FREESTANDING, Gate, definition, read

BLOCK = re.compile(r"^```c\n(.*?)^```$", re.S | re.M)
MARK = re.compile(r"^<!-- from\b.*$", re.M)
QUOTED = re.compile(r"^<!-- from (\S+): ([\w ]+) -->\n```c\n(.*?)^```$", re.S | re.M)
FLAGS = FREESTANDING + ["-Wno-unused-function", "-Wno-unused-variable", "-fsyntax-only"]

gate = Gate("snippets")
compilers = [c for c in ("gcc", "clang") if gate.usable([c])]


def compiles(where, source, *flags, text=None):
    for compiler in compilers:
        run = subprocess.run([compiler] + FLAGS + ["-I" + gate.path("include"), *flags, source],
                             input=text, capture_output=True, text=True)
        if run.returncode:
            gate.fail("%s: %s:\n%s" % (where, compiler, run.stderr.strip()[:1500]))


def quotation(page, found):
    """The block as it has to be."""
    path = gate.path(found.group(1))
    text = read(path) if os.path.isfile(path) else ""
    parts = {n: definition(text, n) for n in found.group(2).split()}
    for name in [n for n in parts if parts[n] is None]:
        gate.fail("%s: no definition of %s in %s" % (page, name, found.group(1)))
    code = "\n".join(part or "" for part in parts.values())
    return "<!-- from %s: %s -->\n```c\n%s```" % (found.group(1), found.group(2), code)


def check_quotations(path, text):
    """Are they what they say? Returns the files that they are from."""
    page = gate.rel(path)
    renewed = QUOTED.sub(lambda found: quotation(page, found), text)
    if "--update" in gate.args and renewed != text and not gate.failures:
        with open(path, "w", encoding="utf-8") as file:
            file.write(renewed)
        print("written: " + page)
    elif renewed != text:
        for was, now in zip(QUOTED.finditer(text), QUOTED.finditer(renewed)):
            if was.group(0) != now.group(0):
                gate.fail("%s: %s of %s is not the code any more; gate_snippets.py --update" % (
                    page, was.group(2), was.group(1)))
    if len(MARK.findall(text)) != len(QUOTED.findall(text)):
        gate.fail("%s: a line <!-- from ... --> that is not understood, or without block" % page)
    return {gate.path(found.group(1)) for found in QUOTED.finditer(text)}


pages = [gate.path("README.md")] + [f for f in gate.files("docs", ".md")]
count, quoted, sources = 0, 0, set()
for path in pages:
    if not os.path.exists(path):
        gate.fail(gate.rel(path) + " is missing")
        continue
    text = read(path)
    sources |= check_quotations(path, text)
    quoted += len(QUOTED.findall(text))
    # Quotations leave as many lines behind as they had.
    own = QUOTED.sub(lambda found: "\n" * found.group(0).count("\n"), text)
    blocks = [(own.count("\n", 0, m.start(1)) + 1, m.group(1)) for m in BLOCK.finditer(own)]
    count += len(blocks)
    unit = "".join('#line %d "%s"\n%s' % (line, gate.rel(path), code) for line, code in blocks)
    if blocks:
        compiles(gate.rel(path), "-", "-x", "c", text=unit)
for source in sorted(s for s in sources if os.path.isfile(s)):
    # Its own folder, those beside it, and what examples share.
    around = sorted(glob.glob(os.path.join(os.path.dirname(os.path.dirname(source)), "*", "")))
    compiles(gate.rel(source), source, *["-I" + f for f in around + [gate.path("examples/common")]])
if not count:
    gate.fail("no C in any page")
gate.finish("%d blocks, %d quotations of %d files in %d pages" % (
    count, quoted, len(sources), len(pages)))
