#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Gate 1: the library needs memcpy, memmove, memset, memcmp and itself, nothing else."""
from gatelib import ALLOWED_UNDEFINED, FREESTANDING, Elf, Gate, targets

gate = Gate("undefined")
sources = gate.library()
ran = 0
# -O0 and -Os bring library calls that -O2 folds away; the two native compilers show them.
builds = [(n, c, "-O2") for n, c in targets()]
builds += [(n, c, o) for n, c in targets()[:2] + targets()[4:6] for o in ("-O0", "-Os")]
for name, command, level in builds:
    if not gate.usable(command, FREESTANDING):
        continue
    objects = [Elf(o[".o"]) for o in gate.compile_all(command, sources, FREESTANDING + [level])]
    own = set().union(*[o.defined() for o in objects])
    needs = set().union(*[o.undefined() for o in objects]) - own
    for symbol in sorted(needs - ALLOWED_UNDEFINED):
        gate.fail("%s: undefined symbol %s" % (name, symbol))
    ran += 1
    print("%s %s: %d objects, %d own symbols, needs %s" % (
        name, level, len(objects), len(own), " ".join(sorted(needs)) or "nothing"))
if not sources:
    gate.fail("no sources found")
gate.finish("%d builds of %d sources" % (ran, len(sources)))
