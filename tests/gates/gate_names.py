#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""File base names of C are unique in the tree; include guards, macros of public headers and the top
level are as agreed."""
import os
import re

from gatelib import Gate, read

TOP = {"core", "backends", "include", "examples", "tests", "docs", "meson.build", "README.md",
       "LICENSE", "CHANGELOG.md", "meson_options.txt", ".ci"}

gate = Gate("names")
seen = {}
guards = set()
files = gate.tracked()
for path in files:
    rel = gate.rel(path)
    top = rel.split(os.sep)[0]
    if top not in TOP and not (top == rel and top.startswith(".")):
        gate.fail("does not belong at the top level: " + top)
    base = os.path.basename(path)
    if base.endswith((".c", ".h")):
        if base in seen:
            gate.fail("two files named %s: %s, %s" % (base, seen[base], rel))
        seen[base] = rel
    if base.endswith(".h"):
        # UIOMMU_HOST_H, or for private headers with the folder in front: UIOMMU_CORE_CHECK_H.
        text = read(path)
        guard = re.search(r"^#ifndef (\w+)\n#define \1$", text, re.M)
        name = re.sub(r"\W", "_", base).upper()
        if not guard or not re.fullmatch(r"(\w+_)?" + name, guard.group(1)):
            gate.fail("%s: no include guard that ends in %s" % (rel, name))
        elif guard.group(1) in guards:
            gate.fail("%s: guard used twice: %s" % (rel, guard.group(1)))
        else:
            guards.add(guard.group(1))
    if rel.startswith("include/") and base.endswith(".h"):
        for macro in re.findall(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", text, re.M):
            if not macro.startswith("UIOMMU_"):
                gate.fail("%s: macro without prefix: %s" % (rel, macro))
if not files:
    gate.fail("no files found")
gate.finish("%d files, %d of C" % (len(files), len(seen)))
