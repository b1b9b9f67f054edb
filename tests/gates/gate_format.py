#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Gate 11: clang-format 14 has nothing to change."""
import shutil
import subprocess

from gatelib import Gate

gate = Gate("format")
files = [f for d in ("core", "backends", "include", "examples", "tests")
         for f in gate.files(d, ".c", ".h")]
tool = shutil.which("clang-format-14")
if not tool:
    gate.skip("no clang-format-14")
else:
    for path in files:
        run = subprocess.run([tool, "--dry-run", "-Werror", "--style=file", path],
                             capture_output=True, text=True)
        if run.returncode:
            first = run.stderr.split("\n", 1)[0].replace(gate.root + "/", "")
            gate.fail("%s (%d places)" % (first, run.stderr.count("error:")))
if not files:
    gate.fail("no files found")
gate.finish("%d files" % len(files))
