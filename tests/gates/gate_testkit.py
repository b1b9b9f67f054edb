#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""uiommu-testkit as installed, used from outside: a backend of somebody else's with its model passes
the suite; without its barrier it fails by name; its list of skips is true. A port's table is looked
at. The code in docs/BACKENDS.md is that backend's. --update writes it there."""
import os
import re
import shutil
import subprocess
import sys

from gatelib import Gate, definition, read

# A slice of the machines: Stop Markers or not, snooping or not, late requests or not.
SLICE = "/small/irq/"
PAGE = "docs/BACKENDS.md"
FAILURE = re.compile(r"^FAILED  (.*) \[.*\]\n +(\S+):NNN: (.*)$", re.M)
BLOCK = re.compile(r"^<!-- (toy\w*\.[ch]): ([\w ]+) -->\n~~~c\n(.*?)^~~~$", re.S | re.M)

update = "--update" in sys.argv
gate = Gate("testkit")
sources = gate.path("tests/gates/testkit")
work = gate.scratch()
kept = os.environ.get("UIOMMU_GATE_CACHE")
kept = os.path.join(kept, "testkit") if kept else os.path.join(work, "kept")
build = os.path.join(kept, "build")
prefix = os.path.join(work, "prefix")
env = dict(os.environ)


# ---- the page ----

def block(found):
    path = os.path.join(sources, found.group(1))
    text = read(path) if os.path.exists(path) else ""
    parts = {n: definition(text, n) for n in found.group(2).split()}
    for name in [n for n in parts if parts[n] is None]:
        gate.fail("%s: no definition of %s" % (PAGE, name))
    code = "\n".join(part or "" for part in parts.values())
    return "<!-- %s: %s -->\n~~~c\n%s~~~" % (found.group(1), found.group(2), code)


page = read(gate.path(PAGE))
blocks = len(BLOCK.findall(page))
renewed = BLOCK.sub(block, page)
if update:
    with open(gate.path(PAGE), "w", encoding="utf-8") as file:
        file.write(renewed)
    gate.finish("%d blocks written" % blocks)
for was, now in zip(BLOCK.finditer(page), BLOCK.finditer(renewed)):
    if was.group(0) != now.group(0):
        gate.fail("%s: %s of %s is not the code any more; gate_testkit.py --update" % (
            PAGE, was.group(2), was.group(1)))
if blocks == 0 or blocks != page.count("\n~~~c\n"):
    gate.fail("%s: %d blocks, %d of them known" % (PAGE, page.count("\n~~~c\n"), blocks))


# ---- installed, and used ----

def run(*command, where=work, good=True):
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=where)
    if good and done.returncode:
        gate.fail("%s:\n%s" % (" ".join(command), (done.stdout + done.stderr).strip()[-2500:]))
        gate.finish("stopped")
    return done


def expect(what, done, code, *texts):
    """A run of a toy: its exit code, and what it must have said."""
    for text in texts:
        if not re.search(text, done.stdout, re.M):
            gate.fail("%s: says nothing of '%s':\n%s" % (what, text, done.stdout[-2500:]))
    if done.returncode != code:
        gate.fail("%s: exit %d:\n%s" % (what, done.returncode, done.stdout[-2500:]))


for tool in ("meson", "ninja", "pkg-config", "gcc"):
    if not shutil.which(tool):
        gate.skip("no " + tool)
        gate.finish("nothing done")

# No vendor of ours: the testkit works without. What is built stays for the next run.
options = ["-Dbackends=", "-Dtests=disabled", "-Dexamples=disabled", "-Ddocs=disabled",
           "-Duv=disabled", "-Dtestkit=enabled", "--prefix=" + prefix, "--libdir=lib"]
known = os.path.exists(os.path.join(build, "build.ninja"))
again = run("meson", "setup", *(["--reconfigure"] if known else []), build, gate.root, *options,
            good=not known)
if again.returncode:
    shutil.rmtree(build)
    run("meson", "setup", build, gate.root, *options)
run("meson", "install", "-C", build, "--quiet")
env["PKG_CONFIG_PATH"] = os.path.join(prefix, "lib/pkgconfig")

# As somebody would have it: elsewhere, with nothing of our tree in reach.
toy = os.path.join(work, "toy")
shutil.copytree(sources, toy)
run("meson", "setup", "build", where=toy)
run("meson", "compile", "-C", "build", where=toy)
done = run(os.path.join(toy, "build/toy"), "", SLICE, good=False)
expect("toy", done, 0, r"^toy: [1-9]\d\d+ passed, 0 failed, \d+ skipped$")
print(done.stdout.strip()[-500:])

# A barrier that is none: the step and the invariants that it breaks are named.
done = run(os.path.join(toy, "build/toy-no-barrier"), "", SLICE, good=False)
expect("toy-no-barrier", done, 1, r"^FAILED  D3 .*barrier", r"^FAILED  I1 ", r"^FAILED  .*\bI2 .*race")
told = FAILURE.findall(page)
for name, where, what in told:
    if not re.search(r"^FAILED  %s \[.*\]\n +%s:\d+: %s$" % (
            re.escape(name), re.escape(where), re.escape(what)), done.stdout, re.M):
        gate.fail("%s: it does not say any more that '%s' fails at '%s'" % (PAGE, name, what))
if not told:
    gate.fail(PAGE + ": shows no failure")
print("without its barrier: " + done.stdout.strip().splitlines()[-1])

flags = run("pkg-config", "--cflags", "--libs", "uiommu-testkit", "uiommu").stdout.split()

# A port of somebody else's, as docs/PORTING.md builds it; here without modelled vendors.
port = os.path.join(work, "port")
shutil.copytree(gate.path("tests/port"), port)
run("gcc", "-std=c11", "port_main.c", "port_host.c", "-o", "port", *flags, where=port)
expect("port", run(os.path.join(port, "port"), where=port, good=False), 0,
       "^  table +good ", "^  now_ns +good ", r"^[1-9]\d* passed, 0 failed, \d+ skipped$")

# A list of skips that is not true.
names = [os.path.join(toy, n) for n in sorted(os.listdir(toy)) if n.endswith(".c")]
bench = read(os.path.join(toy, "toy_bench.c"))
entry = re.search(r'^    \{"stall: ", .*\},\n', bench, re.M).group(0)
for name, line, test, text in (
        ("forgotten", entry.replace("stall: ", "stall: SUCCESS"), "stall: ", "not in the list"),
        ("untrue", entry + '    {"flow: pages", "", "laziness"},\n', "flow: ", "skip == NULL"),
        ("stale", entry + '    {"no such test", "", "it is gone"},\n', "flow: ", "not exist")):
    with open(os.path.join(toy, "toy_bench.c"), "w", encoding="utf-8") as file:
        file.write(bench.replace(entry, line))
    run("gcc", "-std=c11", *names, "-o", name, *flags, where=toy)
    expect("a %s skip" % name, run(os.path.join(toy, name), test, SLICE, good=False), 1,
           "^FAILED  .*\n.*" + text)
gate.finish("%d blocks of %s, a toy and a port as outsiders build them" % (blocks, PAGE))
