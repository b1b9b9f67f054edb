#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Gate 4: the core links without a backend, with each one alone, and with all."""
import os
import subprocess

from gatelib import FREESTANDING, Gate

MAIN = "int main(void);\nint main(void)\n{\n    return 0;\n}\n"

gate = Gate("link")
core = gate.files("core", ".c")
main = os.path.join(gate.scratch(), "main.c")
with open(main, "w", encoding="utf-8") as file:
    file.write(MAIN)
sets = [("none", [])] + [(b, [b]) for b in gate.backends()] + [("all", gate.backends())]
for name, backends in sets:
    sources = core + [f for b in backends for f in gate.files("backends/" + b, ".c")]
    # Whole objects, not an archive: every reference of every function has to be met.
    for command in (["gcc"], ["clang"]):
        if not gate.usable(command):
            continue
        made = gate.compile_all(command, sources + [main], FREESTANDING + ["-O2"])
        run = subprocess.run(command + ["-no-pie", "-o", os.path.join(gate.scratch(), "main")] +
                             [o[".o"] for o in made], capture_output=True, text=True)
        if run.returncode:
            gate.fail("%s, backends: %s:\n%s" % (command[0], name, run.stderr.strip()[:1500]))
        else:
            print("%s: core with backends: %s links" % (command[0], name))
if not core:
    gate.fail("no core found")
gate.finish("%d sets" % len(sets))
