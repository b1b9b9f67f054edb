#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Gate 8: no function takes more than LIMIT bytes of stack, and none calls itself, directly or
through others. Calls through ops tables are not followed."""
import re
import sys

from gatelib import FREESTANDING, Gate, read

LIMIT = 1024
BUILDS = [["gcc"], ["gcc", "-m32"], ["aarch64-linux-gnu-gcc", "-mno-outline-atomics"],
          ["riscv64-linux-gnu-gcc"]]
EDGE = re.compile(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"')
sys.setrecursionlimit(10000)
gate = Gate("stack")
sources = gate.library()


def frames(command):
    largest = (0, "none")
    sizes = {}
    for made in gate.compile_all(command, sources, FREESTANDING + ["-O2", "-fstack-usage"],
                                 (".o", ".su")):
        for line in read(made[".su"]).splitlines():
            place, size, kind = line.rsplit("\t", 2)
            function = place.rsplit(":", 1)[-1]
            sizes[function] = max(int(size), sizes.get(function, 0))
            largest = max(largest, (int(size), function))
            if int(size) > LIMIT:
                gate.fail("%s: %s takes %s bytes of stack" % (" ".join(command), function, size))
            if kind.startswith("dynamic") and "bounded" not in kind:
                gate.fail("%s: %s takes stack without a bound" % (" ".join(command), function))
    return largest, sizes


def calls():
    """The graph of direct calls as written: without optimization nothing is folded away."""
    graph = {}
    for made in gate.compile_all(["gcc"], sources, FREESTANDING + ["-O0", "-fcallgraph-info"],
                                 (".o", ".ci")):
        for caller, called in EDGE.findall(read(made[".ci"])):
            if called != "__indirect_call":
                graph.setdefault(caller, set()).add(called)
    return graph


def deepest(graph, sizes):
    """Finds cycles; returns the chain of direct calls that needs most stack."""
    state, best = {}, {}

    def visit(name, path):
        if state.get(name) == "open":
            gate.fail("recursion: " + " -> ".join(path[path.index(name):] + [name]))
            return 0, []
        if name not in best:
            state[name] = "open"
            below = max([visit(c, path + [name]) for c in sorted(graph.get(name, ()))],
                        default=(0, []))
            short = name.rsplit(":", 1)[-1]
            best[name] = (below[0] + sizes.get(short, 0), [short] + below[1])
            state[name] = "done"
        return best[name]

    return max([visit(n, []) for n in sorted(graph)], default=(0, []))


for command in BUILDS:
    if not gate.usable(command, FREESTANDING):
        continue
    largest, sizes = frames(command)
    print("%s: largest frame %d bytes (%s)" % (" ".join(command), largest[0], largest[1]))
    if command == ["gcc"]:
        depth, chain = deepest(calls(), sizes)
        print("gcc: deepest chain of direct calls %d bytes: %s" % (depth, " -> ".join(chain)))
if not sources:
    gate.fail("no sources found")
gate.finish("%d sources, limit %d bytes" % (len(sources), LIMIT))
