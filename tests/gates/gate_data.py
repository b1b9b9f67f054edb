#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Gate 7: the library has no writable global data, not one byte."""
from gatelib import FREESTANDING, Elf, Gate, targets

gate = Gate("data")
sources = gate.library()
ran = 0
for name, command in targets():
    if not gate.usable(command, FREESTANDING):
        continue
    ran += 1
    for source in sources:
        made = gate.compile(command, source, FREESTANDING + ["-O2"])
        if made:
            elf = Elf(made[".o"])
            for section, size in elf.writable():
                gate.fail("%s: %s: %d bytes in %s" % (name, gate.rel(source), size, section))
            for symbol in elf.symbols:
                if symbol["type"] == 5:  # common
                    gate.fail("%s: %s: common %s" % (name, gate.rel(source), symbol["name"]))
if not sources:
    gate.fail("no sources found")
gate.finish("%d builds of %d sources" % (ran, len(sources)))
