#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A function has at most 60 lines between its braces, a file at most 800."""
from gatelib import Gate, read

FUNCTION = 60
FILE = 800
gate = Gate("length")
longest = (0, "none")
largest = (0, "none")
files = [f for d in ("core", "backends", "include", "examples", "tests")
         for f in gate.files(d, ".c", ".h")]
for path in files:
    lines = read(path).splitlines()
    largest = max(largest, (len(lines), gate.rel(path)))
    if len(lines) > FILE:
        gate.fail("%s has %d lines" % (gate.rel(path), len(lines)))
    begin = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            begin = number
        elif line.startswith("}") and begin:
            body = number - begin - 1
            longest = max(longest, (body, "%s:%d" % (gate.rel(path), begin)))
            if body > FUNCTION:
                gate.fail("%s:%d: a function of %d lines" % (gate.rel(path), begin, body))
            begin = None
print("longest function: %d lines, %s" % longest)
print("longest file: %d lines, %s" % largest)
if not files:
    gate.fail("no files found")
gate.finish("%d files" % len(files))
