#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Gate 9: line 1 of every source, script and document names the licence (line 2 after #!)."""
import os

from gatelib import Gate, read

TAG = "SPDX-License-Identifier: BSD-2-Clause"
# Not text of ours, or of a format without comments.
EXEMPT = ("LICENSE",)
EXEMPT_ENDINGS = (".json", ".png", ".svg", ".bin", ".dtb", ".aml")

gate = Gate("spdx")
files = [f for f in gate.tracked() if os.path.basename(f) not in EXEMPT
         and not f.endswith(EXEMPT_ENDINGS)]
for path in files:
    lines = read(path).split("\n", 2)
    line = lines[1] if lines[0].startswith("#!") and len(lines) > 1 else lines[0]
    if TAG not in line:
        gate.fail(gate.rel(path) + ": no SPDX line")
if not files:
    gate.fail("no files found")
gate.finish("%d files" % len(files))
