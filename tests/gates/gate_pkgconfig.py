#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The library as installed: a program built by what pkg-config says, and lists that are true."""
import os
import re
import shutil
import subprocess

from gatelib import Gate, read

gate = Gate("pkgconfig")
work = gate.scratch()
build = os.path.join(work, "build")
dest = os.path.join(work, "dest")
env = dict(os.environ)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=work)
    if done.returncode:
        gate.fail("%s:\n%s" % (" ".join(command), (done.stdout + done.stderr).strip()[-2500:]))
        gate.finish("stopped")
    return done.stdout


for tool in ("meson", "pkg-config", "gcc"):
    if not shutil.which(tool):
        gate.skip("no " + tool)
        gate.finish("nothing done")
run("meson", "setup", build, gate.root, "--prefix=/usr", "-Dtests=disabled",
    "-Dexamples=disabled", "-Ddocs=disabled")
run("meson", "install", "-C", build, "--destdir", dest)
found = [os.path.join(at, n) for at, _, names in os.walk(dest) for n in names]
pcs = {os.path.basename(f)[:-3]: f for f in found if f.endswith(".pc")}
env["PKG_CONFIG_SYSROOT_DIR"] = dest
env["PKG_CONFIG_LIBDIR"] = ":".join({os.path.dirname(f) for f in pcs.values()})
for name in ("uiommu", "uiommu-src", "uiommu-testkit"):
    if name not in pcs:
        gate.fail(name + ".pc is not installed")
print("installed: " + " ".join(sorted(pcs)))

flags = run("pkg-config", "--static", "--cflags", "--libs", "uiommu").split()
consumer = gate.path("tests/gates/consumer/main.c")
run("gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", consumer, "-o", "consumer", *flags)
print(run(os.path.join(work, "consumer")).strip())

for name, header in (("uiommu-uv", "uiommu/host_uv.h"), ("uiommu-testkit", "suite.h")):
    if name in pcs:
        with open(os.path.join(work, name + ".c"), "w", encoding="utf-8") as file:
            file.write('#include <%s>\nint main(void)\n{\n    return 0;\n}\n' % header)
        # libuv's own files are the system's, not the ones just installed.
        system = run("pkg-config", "--variable=pc_path", "pkg-config").strip()
        env["PKG_CONFIG_LIBDIR"] += ":" + system
        flags = run("pkg-config", "--cflags", "--libs", name).split()
        run("gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", name + ".c", "-o", name, *flags)
        print("a program with <%s> builds on %s" % (header, name))


def variable(name):
    return run("pkg-config", "--variable=" + name, "uiommu-src").strip()


# The source lists: all there, and they compile by themselves.
folder = variable("sourcedir")
folder = folder if folder.startswith(dest) else dest + folder
lists = variable("core_sources").split()
for backend in variable("backends").split():
    lists += variable(backend + "_sources").split() + variable(backend + "_headers").split()
for name in lists + variable("core_headers").split():
    if not os.path.exists(os.path.join(folder, name)):
        gate.fail("uiommu-src.pc names %s, which is not installed" % name)
sources = [os.path.join(folder, n) for n in lists if n.endswith(".c")]
run("gcc", "-std=c11", "-I" + os.path.join(dest, "usr/include"), consumer, *sources, "-o", "from-src")
print(run(os.path.join(work, "from-src")).strip())

# The same lists for CMake.
cmake = read(os.path.join(folder, "uiommu.cmake"))
named = re.findall(r"foreach\(f ([^)]*)\)\n.*?_DIR\}/([\w/]+)/\$\{f\}", cmake)
total = [os.path.join(where, f) for names, where in named for f in names.split()]
if sorted(total) != sorted(n for n in lists if n.endswith(".c")):
    gate.fail("uiommu.cmake and uiommu-src.pc name different files")
for name in total:
    if not os.path.exists(os.path.join(folder, name)):
        gate.fail("uiommu.cmake names %s, which is not installed" % name)
for path in found:
    if path.endswith((".pc", ".cmake")) and (gate.root in read(path) or work in read(path)):
        gate.fail(os.path.relpath(path, dest) + " names a folder of the build machine")
    if path.endswith(".a"):
        with open(path, "rb") as file:
            data = file.read()
        if gate.root.encode() in data or work.encode() in data:
            gate.fail(os.path.relpath(path, dest) + " holds a path of the build machine")
gate.finish("%d files installed" % len(found))
