#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Core, one backend and include/ copied into one flat folder compile by file list with a single
-I, the way a kernel compiles: -mgeneral-regs-only -mno-red-zone -fno-pic."""
import os
import shutil
import subprocess

from gatelib import Gate

KERNEL = ["-std=c11", "-ffreestanding", "-fno-pic", "-mgeneral-regs-only", "-O2", "-Wall",
          "-Wextra", "-Werror"]
BUILDS = [(["gcc"], ["-mno-red-zone"]), (["clang"], ["-mno-red-zone"]),
          (["aarch64-linux-gnu-gcc"], ["-mno-outline-atomics"]),
          (["clang", "--target=aarch64-linux-gnu"], ["-mno-outline-atomics"])]
gate = Gate("flat")
count = 0
for backend in gate.backends():
    flat = os.path.join(gate.scratch(), backend)
    os.makedirs(flat)
    shutil.copytree(gate.path("include", "uiommu"), os.path.join(flat, "uiommu"))
    sources = []
    for path in gate.files("core", ".c", ".h") + gate.files("backends/" + backend, ".c", ".h"):
        copy = os.path.join(flat, os.path.basename(path))
        if os.path.exists(copy):
            gate.fail("two files named " + os.path.basename(path))
        shutil.copy(path, copy)
        # The core has no other neighbours beside the next backend: names are unique (gate names).
        if path.endswith(".c") and (count == 0 or not path.startswith(gate.path("core"))):
            sources.append(os.path.basename(path))
    for command, more in BUILDS:
        if not gate.usable(command, ["-ffreestanding"]):
            continue
        for source in sources:
            run = subprocess.run(command + KERNEL + more + ["-I.", "-c", source, "-o", "out.o"],
                                 capture_output=True, text=True, cwd=flat)
            count += 1
            if run.returncode:
                gate.fail("%s: %s: %s:\n%s" % (backend, " ".join(command), source,
                                               run.stderr.strip()[:1000]))
if not count:
    gate.fail("nothing compiled")
gate.finish("%d compilations" % count)
