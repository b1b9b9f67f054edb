#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Gate 6: what the library exports is docs/abi/symbols.txt; every external is uiommu_*.

A static archive has no hidden symbols, so two kinds are told apart: those that a public header
declares are the interface and are listed; the others must only keep to the prefix.
With --update the list is written anew, for a change that is meant.
"""
import os
import re

from gatelib import FREESTANDING, Elf, Gate, read

DECLARED = re.compile(r"\b(uiommu_\w+)\s*\([^;{]*\)\s*;")
LIST = "docs/abi/symbols.txt"

gate = Gate("symbols")
text = "".join(read(f) for f in gate.files("include", ".h")
               if os.path.basename(f) not in gate.hosted_headers())
text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
# Function bodies of inline functions call others; only what stands outside them is declared.
depth_free = re.sub(r"\{[^{}]*\}", ";", re.sub(r"extern \"C\" \{", "", text))
while re.search(r"\{[^{}]*\}", depth_free):
    depth_free = re.sub(r"\{[^{}]*\}", ";", depth_free)
declared = set(DECLARED.findall(depth_free))
inline = set(re.findall(r"static inline [^;{(]*?\b(uiommu_\w+)\s*\(", text))
declared -= inline

objects = [Elf(o[".o"]) for o in
           gate.compile_all(["gcc"], gate.library(), FREESTANDING + ["-O2"])]
defined = set().union(*[o.defined() for o in objects])
for name in sorted(defined):
    if not name.startswith("uiommu_"):
        gate.fail("external symbol without prefix: " + name)
for name in sorted(declared - defined):
    gate.fail("declared in a header, defined nowhere: " + name)
public = sorted(declared & defined)
if "--update" in gate.args:
    with open(gate.path(LIST), "w", encoding="utf-8") as file:
        file.write("# SPDX-License-Identifier: BSD-2-Clause\n"
                   "# Functions and objects of the public headers, written by\n"
                   "# tests/gates/gate_symbols.py --update\n" + "".join(n + "\n" for n in public))
try:
    listed = {n for n in read(gate.path(LIST)).split("\n") if n and not n.startswith("#")}
except OSError:
    listed = set()
    gate.fail(LIST + " is missing; write it with --update")
for name in sorted(set(public) - listed):
    gate.fail("exported but not in %s: %s" % (LIST, name))
for name in sorted(listed - set(public)):
    gate.fail("in %s but not exported: %s" % (LIST, name))
gate.finish("%d public, %d internal externals" % (len(public), len(defined) - len(public)))
