#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Gate 5: every public header compiles alone, in C and C++, freestanding, on every processor."""
import concurrent.futures
import os
import subprocess

from gatelib import WARN, Gate, targets

C_ONLY = ["-Wmissing-prototypes", "-Wstrict-prototypes"]
gate = Gate("headers")
headers = gate.files("include/uiommu", ".h")
hosted = [h for h in headers if os.path.basename(h) in gate.hosted_headers()]
builds = []
for std in ("c11", "gnu17"):
    builds += [(cc, ["-x", "c", "-std=" + std] + C_ONLY) for cc in (["gcc"], ["clang"])]
for std in ("c++11", "c++14", "c++17", "c++20"):
    builds += [(cc, ["-x", "c++", "-std=" + std]) for cc in (["g++"], ["clang++"])]
bare = ["-x", "c", "-std=c11", "-ffreestanding"] + C_ONLY
builds += [(command, bare) for _, command in targets()]
# Big-endian, 32 and 64 bit.
builds += [(["clang", "--target=powerpc-linux-gnu"], bare),
           (["clang", "--target=powerpc64-linux-gnu"], bare)]


def alone(build, header):
    command, flags = build
    # Twice: the guard must work. With a use, so that an empty unit is no warning.
    text = '#include "uiommu/%s"\n' % os.path.basename(header) * 2 + "extern int uiommu_use;\n"
    return header, command, flags, subprocess.run(
        command + flags + WARN + ["-Wpedantic", "-I" + gate.path("include"), "-fsyntax-only", "-"],
        input=text, capture_output=True, text=True)


usable = [b for b in builds if gate.usable(b[0], [f for f in b[1] if f == "-ffreestanding"])]
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    for header, command, flags, run in pool.map(
            lambda job: alone(*job), [(b, h) for b in usable for h in headers
                                    if h not in hosted or "-ffreestanding" not in b[1]]):
        if run.returncode:
            gate.fail("%s alone with %s %s:\n%s" % (
                os.path.basename(header), " ".join(command), " ".join(flags[:3]),
                run.stderr.strip()[:800]))
if not headers:
    gate.fail("no headers found")
gate.finish("%d headers x %d compilations" % (len(headers), len(usable)))
