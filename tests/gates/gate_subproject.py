#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The library as a meson subproject of an embedder: builds, runs, and installs nothing."""
import os
import shutil
import subprocess
import sys

from gatelib import Gate

gate = Gate("subproject")
work = gate.scratch()
consumer = os.path.join(work, "consumer")
shutil.copytree(gate.path("tests/gates/consumer"), consumer)
for path in gate.tracked():
    copy = os.path.join(consumer, "subprojects", "uiommu", gate.rel(path))
    os.makedirs(os.path.dirname(copy), exist_ok=True)
    shutil.copy(path, copy)


def run(*command, where=consumer):
    done = subprocess.run(command, capture_output=True, text=True, cwd=where)
    if done.returncode:
        gate.fail("%s:\n%s" % (" ".join(command), (done.stdout + done.stderr).strip()[-2500:]))
        gate.finish("stopped")
    return done.stdout


if not shutil.which("meson"):
    gate.skip("no meson")
    gate.finish("nothing done")
run("meson", "setup", "build")
run("meson", "compile", "-C", "build")
for program in ("consumer", "consumer-src"):
    print(run(os.path.join(consumer, "build", program)).strip())
installed = os.path.join(work, "installed")
run("meson", "install", "-C", "build", "--destdir", installed)
names = [n for _, _, files in os.walk(installed) for n in files]
if names != ["consumer"]:
    gate.fail("installs more than the embedder asked for: " + " ".join(sorted(names)))
gate.finish("subproject builds, runs, installs %d file" % len(names))
