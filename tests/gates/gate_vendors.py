#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Gate 2: core/ and include/ name no vendor, constructor headers excepted."""
import os
import re

from gatelib import Gate, read

WORDS = re.compile(r"smmu|vt-?d(?![a-z])|intel(?![a-z])|(?<![a-z])amd(?![a-z])|gcr3|risc-?v",
                   re.I)
# Not backends but processors: page-table formats, and what a compiler predefines.
PROCESSORS = re.compile(r"UIOMMU_ROOT_RISCV64|\b__riscv\w*")

gate = Gate("vendors")
exempt = gate.constructor_headers()
files = [f for f in gate.files("core", ".c", ".h") + gate.files("include", ".h")
         if os.path.basename(f) not in exempt]
for path in files:
    for number, line in enumerate(read(path).splitlines(), 1):
        for word in WORDS.findall(PROCESSORS.sub("", line)):
            gate.fail("%s:%d: names a backend: %s" % (gate.rel(path), number, word))
if not files:
    gate.fail("no files found")
gate.finish("%d files" % len(files))
