#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every C file is named in its folder's meson.build, and every name there is a file; the version
is the same in meson.build and uiommu.h."""
import os
import re

from gatelib import Gate, read

gate = Gate("lists")
count = 0
for path in gate.files(".", ".c"):
    rel = gate.rel(path)
    folder, base = os.path.split(path)
    if rel.startswith("tests/gates/"):
        continue
    count += 1
    # The nearest meson.build above names the file, by its path from there.
    at = folder
    while not os.path.exists(os.path.join(at, "meson.build")) and at != gate.root:
        at = os.path.dirname(at)
    try:
        text = read(os.path.join(at, "meson.build"))
    except OSError:
        text = ""
    if "'%s'" % os.path.relpath(path, at) not in text and \
            "'%s'" % os.path.relpath(path, at)[:-2] not in text:
        gate.fail("no meson.build names " + rel)
for path in gate.files("include/uiommu", ".h"):
    count += 1
    base = os.path.basename(path)
    if "'uiommu/%s'" % base not in read(gate.path("include/meson.build")) and \
            base not in gate.constructor_headers() | gate.hosted_headers():
        gate.fail("include/meson.build does not name " + base)
numbers = re.findall(r"#define UIOMMU_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)",
                     read(gate.path("include/uiommu/uiommu.h")))
version = re.search(r"version: '([\d.]+)'", read(gate.path("meson.build"))).group(1)
if ".".join(numbers) != version:
    gate.fail("meson.build says %s, uiommu.h says %s" % (version, ".".join(numbers)))
gate.finish("%d files" % count)
