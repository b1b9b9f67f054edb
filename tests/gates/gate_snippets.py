#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Gate 10: the C in README.md and docs/*.md compiles. The blocks of a page, in order, are one
file; ```c begins a block."""
import os
import re
import subprocess

from gatelib import Gate, read

BLOCK = re.compile(r"^```c\n(.*?)^```", re.S | re.M)
FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wshadow",
         "-Wno-unused-function", "-Wno-unused-variable", "-fsyntax-only", "-x", "c"]

gate = Gate("snippets")
pages = [gate.path("README.md")] + [f for f in gate.files("docs", ".md")]
count = 0
for page in pages:
    if not os.path.exists(page):
        gate.fail(gate.rel(page) + " is missing")
        continue
    text = read(page)
    blocks = [(text.count("\n", 0, m.start(1)) + 1, m.group(1)) for m in BLOCK.finditer(text)]
    count += len(blocks)
    unit = "".join('#line %d "%s"\n%s' % (line, gate.rel(page), code) for line, code in blocks)
    for command in (["gcc"], ["clang"]):
        if blocks and gate.usable(command):
            run = subprocess.run(command + FLAGS + ["-I" + gate.path("include"), "-"], input=unit,
                                 capture_output=True, text=True)
            if run.returncode:
                gate.fail("%s: %s:\n%s" % (gate.rel(page), command[0], run.stderr.strip()[:1500]))
if not count:
    gate.fail("no C in any page")
gate.finish("%d blocks in %d pages" % (count, len(pages)))
