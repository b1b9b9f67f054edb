#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Gate 3: who includes whom. Core, each backend and the models keep to themselves."""
import os

from gatelib import FIRMWARE, HOSTED, STD_HEADERS, Gate, included

gate = Gate("includes")
constructors = gate.constructor_headers() | gate.hosted_headers()
public = {os.path.basename(f) for f in gate.files("include/uiommu", ".h")}
models = {os.path.basename(f) for f in gate.files("tests/models", ".h")}
private_models = {m for m in models if m.endswith("_internal.h") or m.endswith("_private.h")}
core_private = {os.path.basename(f) for f in gate.files("core", ".h")}


def check(folder, own, uiommu, hosted=False, also=()):
    """own: names in quotes; uiommu: names below uiommu/; hosted: may include any <...>."""
    count = 0
    for path in gate.files(folder, ".c", ".h"):
        main = os.path.basename(path)[:-2].endswith(("_main", "_criterion"))
        free = hosted or main or os.path.basename(path) in gate.hosted_headers()
        count += 1
        readers = FIRMWARE if os.path.basename(path) in FIRMWARE else set()
        for bracket, name in included(path):
            if name.startswith("uiommu/"):
                good = name[len("uiommu/"):] in uiommu
            elif bracket == "<":
                good = free or name in STD_HEADERS
            else:
                good = name in own | readers or name in also or main and name.startswith("../support/")
            if not good:
                gate.fail("%s includes %s" % (gate.rel(path), name))
    return count


def names(folder):
    return {os.path.basename(f) for f in gate.files(folder, ".h")}


def own(backend):
    """Constructor headers that the folder itself includes."""
    return FIRMWARE if backend == "firmware" else {backend + ".h"}


total = check("include", public - constructors, public - constructors)
total += check("core", core_private, public - constructors)
folder = gate.path("backends")
for backend in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
    if os.path.isdir(gate.path("backends", backend)):
        total += check("backends/" + backend, names("backends/" + backend),
                       public - (constructors - own(backend)), backend in HOSTED)
total += check("tests/models", models, set())
total += check("tests/conformance", names("tests/conformance"), public,
               also=models - private_models)
# What is private to one folder is included by nobody else.
for path in gate.files("tests", ".c", ".h") + gate.files("examples", ".c", ".h"):
    where = gate.rel(path)
    total += 1
    for _, name in included(path):
        base = os.path.basename(name)
        if base in private_models and not where.startswith("tests/models/"):
            gate.fail("%s includes %s, private to the models" % (where, name))
        if where.startswith("examples/") and base in core_private and "/" not in name:
            gate.fail("%s includes %s, private to the core" % (where, name))
gate.finish("%d files" % total)
