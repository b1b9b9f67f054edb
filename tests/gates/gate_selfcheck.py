#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A gate that was never seen shut is no gate: each gets a small tree that is right and must pass,
then the same tree with one thing wrong, and must fail and say what."""
import concurrent.futures
import os
import subprocess
import sys
import tempfile

from gatelib import SKIP, Gate

SPDX = "/* SPDX-License-Identifier: BSD-2-Clause */\n"
HASH = "# SPDX-License-Identifier: BSD-2-Clause\n"


def header(guard, body):
    return "%s#ifndef %s\n#define %s\n%s\n#endif\n" % (SPDX, guard, guard, body)


GOOD = {
    "core/thing.c": SPDX + '#include "thing_internal.h"\n\nint uiommu_thing_get(int a)\n{\n'
                           "    return uiommu_thing_twice(a);\n}\n",
    "core/other.c": SPDX + '#include "thing_internal.h"\n\nint uiommu_thing_twice(int a)\n{\n'
                           "    return a * 2;\n}\n",
    "core/thing_internal.h": header("UIOMMU_THING_INTERNAL_H", "#include <uiommu/thing.h>\n\n"
                                    "int uiommu_thing_twice(int a);"),
    "core/meson.build": HASH + "files('thing.c', 'other.c')\n",
    "backends/toy/toy_init.c": SPDX + "#include <uiommu/toy.h>\n\nint uiommu_toy_create(int a)\n"
                               "{\n    return uiommu_thing_get(a);\n}\n",
    "backends/toy/meson.build": HASH + "files('toy_init.c')\n",
    "include/uiommu/thing.h": header("UIOMMU_THING_H", "#ifdef __cplusplus\nextern \"C\" {\n#endif"
                                     "\nint uiommu_thing_get(int a);\n"
                                     "#ifdef __cplusplus\n}\n#endif"),
    "include/uiommu/toy.h": header("UIOMMU_TOY_H", "#include \"thing.h\"\n\n#ifdef __cplusplus\n"
                                   "extern \"C\" {\n#endif\nint uiommu_toy_create(int a);\n"
                                   "#ifdef __cplusplus\n}\n#endif"),
    "include/uiommu/uiommu.h": header("UIOMMU_UIOMMU_H", "#include \"thing.h\"\n\n"
                                      "#define UIOMMU_VERSION_MAJOR 1\n"
                                      "#define UIOMMU_VERSION_MINOR 2\n"
                                      "#define UIOMMU_VERSION_PATCH 3"),
    "include/meson.build": HASH + "files('uiommu/thing.h', 'uiommu/uiommu.h')\n",
    "tests/models/model_toy.c": SPDX + '#include "model_internal.h"\n\nint model_toy;\n',
    "tests/models/model_internal.h": header("MODEL_INTERNAL_H", "#include <stdint.h>\n\n"
                                            "extern int model_toy;"),
    "tests/models/meson.build": HASH + "files('model_toy.c')\n",
    "meson.build": HASH + "project('good', version: '1.2.3')\n",
    "README.md": "<!-- SPDX-License-Identifier: BSD-2-Clause -->\n# Good\n```c\n"
                 "#include <uiommu/uiommu.h>\n```\n",
    "docs/guide.md": "<!-- SPDX-License-Identifier: BSD-2-Clause -->\n# Guide\n"
                     "<!-- from core/other.c: uiommu_thing_twice -->\n```c\n"
                     "int uiommu_thing_twice(int a)\n{\n    return a * 2;\n}\n```\n",
    "docs/abi/symbols.txt": HASH + "uiommu_thing_get\nuiommu_toy_create\n",
    ".clang-format": None,  # The project's own.
}

ADD = SPDX + '#include "thing_internal.h"\n\n'
# (gate, file, its bad content, what the gate must say)
BAD = [
    ("undefined", "core/thing.c", ADD + "int puts(const char *s);\nint uiommu_thing_get(int a)\n"
     "{\n    return a + puts(\"x\");\n}\n", "undefined symbol puts"),
    ("undefined", "core/thing.c", ADD + "#include <stdint.h>\nuint64_t uiommu_div(uint64_t a, "
     "uint64_t b);\nuint64_t uiommu_div(uint64_t a, uint64_t b)\n{\n    return a / b;\n}\n",
     "undefined symbol __udivdi3"),
    ("vendors", "core/thing.c", ADD + "/* as on Intel */\n", "names a backend: Intel"),
    ("vendors", "include/uiommu/thing.h", header("UIOMMU_THING_H", "#define UIOMMU_AMD_X 1"),
     "names a backend: AMD"),
    ("vendors", "include/uiommu/uiommu.h", header("UIOMMU_UIOMMU_H", "/* smmuv3 */"),
     "names a backend: smmu"),
    ("includes", "core/thing.c", SPDX + "#include <string.h>\n", "core/thing.c includes string.h"),
    ("includes", "core/thing.c", SPDX + "#include <uiommu/toy.h>\n", "includes uiommu/toy.h"),
    ("includes", "include/uiommu/uiommu.h", SPDX + '#include "toy.h"\n', "includes toy.h"),
    ("includes", "backends/toy/toy_init.c", SPDX + '#include "thing_internal.h"\n',
     "toy_init.c includes thing_internal.h"),
    ("includes", "tests/models/model_toy.c", SPDX + "#include <uiommu/thing.h>\n",
     "model_toy.c includes uiommu/thing.h"),
    ("includes", "tests/conformance/suite.c", SPDX + '#include "model_internal.h"\n',
     "private to the models"),
    ("includes", "examples/sva/sva.c", SPDX + '#include "thing_internal.h"\n',
     "private to the core"),
    ("link", "core/other.c", SPDX + "int uiommu_thing_nothing;\n", "backends: none"),
    ("link", "backends/toy/toy_init.c", SPDX + "int uiommu_elsewhere(void);\nint uiommu_toy("
     "void);\nint uiommu_toy(void)\n{\n    return uiommu_elsewhere();\n}\n", "backends: toy"),
    ("headers", "include/uiommu/thing.h", header("UIOMMU_THING_H", "extern uint8_t uiommu_x;"),
     "thing.h alone"),
    ("headers", "include/uiommu/thing.h", header("UIOMMU_THING_H", "static inline int *uiommu_x("
     "void *p)\n{\n    int *q = p;\n    return q;\n}"), "-std=c++11"),
    ("headers", "include/uiommu/thing.h", header(
        "UIOMMU_THING_H", "#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__\n#error no\n#endif"),
     "powerpc"),
    ("symbols", "core/thing.c", ADD + "int thing(int a);\nint thing(int a)\n{\n    return a;\n}\n",
     "without prefix: thing"),
    ("symbols", "core/thing.c", ADD, "defined nowhere: uiommu_thing_get"),
    ("symbols", "docs/abi/symbols.txt", HASH + "uiommu_toy_create\n",
     "exported but not in docs/abi/symbols.txt: uiommu_thing_get"),
    ("symbols", "docs/abi/symbols.txt",
     HASH + "uiommu_thing_get\nuiommu_toy_create\nuiommu_thing_gone\n",
     "but not exported: uiommu_thing_gone"),
    ("data", "core/thing.c", ADD + "extern int uiommu_count;\nint uiommu_count = 1;\n",
     "bytes in .data"),
    ("data", "core/thing.c", ADD + "extern int uiommu_count;\nint uiommu_count;\n",
     "bytes in .bss"),
    ("stack", "core/thing.c", ADD + "void uiommu_use(char *p);\nint uiommu_thing_get(int a)\n{\n"
     "    char room[2000];\n    uiommu_use(room);\n    return a + room[0];\n}\n",
     "uiommu_thing_get takes"),
    ("stack", "core/thing.c", ADD + "int uiommu_thing_get(int a)\n{\n"
     "    return a < 2 ? a : uiommu_thing_get(a - 1) + uiommu_thing_get(a - 2);\n}\n",
     "recursion: uiommu_thing_get"),
    ("stack", "core/other.c", ADD + "int uiommu_thing_twice(int a)\n{\n"
     "    return a < 2 ? a : uiommu_thing_get(a - 1) + 1;\n}\n", "recursion: "),
    ("spdx", "core/thing.c", "int uiommu_x;\n", "core/thing.c: no SPDX line"),
    ("spdx", "docs/new.md", "# New\n", "docs/new.md: no SPDX line"),
    ("snippets", "README.md", "# x\n```c\nint a = ;\n```\n", "README.md: gcc"),
    ("snippets", "docs/page.md", "# x\n```c\n#include <uiommu/gone.h>\n```\n", "docs/page.md"),
    ("snippets", "docs/page.md", "# x\n```c\nstatic int f(unsigned long a)\n{\n    return a;\n}\n"
     "```\n", "docs/page.md: clang"),
    ("snippets", "docs/page.md", "# x\n<!-- from core/other.c: uiommu_thing_twice -->\n```c\n"
     "int uiommu_thing_twice(int a)\n{\n    return a + a;\n}\n```\n", "is not the code any more"),
    ("snippets", "docs/page.md", "# x\n<!-- from core/other.c: uiommu_gone -->\n```c\n```\n",
     "no definition of uiommu_gone"),
    ("snippets", "docs/page.md", "# x\n<!-- from core/other.c -->\n```c\n```\n", "not understood"),
    ("snippets", "core/other.c", SPDX + '#include "thing_gone.h"\n\nint uiommu_thing_twice(int a)\n'
     "{\n    return a * 2;\n}\n", "core/other.c: gcc"),
    ("format", "core/thing.c", SPDX + "int  uiommu_x;\n", "core/thing.c:2"),
    ("flat", "core/thing.c", SPDX + '#include "../core/thing_internal.h"\n', "thing.c"),
    ("flat", "core/thing.c", ADD + "double uiommu_half(double a);\ndouble uiommu_half(double a)\n"
     "{\n    return a / 2;\n}\n", "thing.c"),
    ("names", "backends/toy/thing.c", SPDX, "two files named thing.c"),
    ("names", "src/thing2.c", SPDX, "top level: src"),
    ("names", "include/uiommu/thing.h", SPDX, "no include guard"),
    ("names", "include/uiommu/thing.h", header("UIOMMU_THING_H", "#define BIT(n) (1u << (n))"),
     "macro without prefix: BIT"),
    ("length", "core/thing.c", SPDX + "void uiommu_x(void)\n{\n" + "    ;\n" * 61 + "}\n",
     "a function of 61 lines"),
    ("length", "core/thing.c", SPDX + "\n" * 800, "has 801 lines"),
    ("lists", "core/unlisted.c", SPDX, "no meson.build names core/unlisted.c"),
    ("lists", "meson.build", HASH + "project('good', version: '1.2.4')\n", "meson.build says"),
]

gate = Gate("selfcheck")
here = os.path.dirname(os.path.abspath(__file__))
FORMAT = os.path.join(os.path.dirname(os.path.dirname(here)), ".clang-format")


def plant(root, changes):
    with open(FORMAT, encoding="utf-8") as file:
        tree = dict(GOOD, **{".clang-format": file.read()})
    tree.update(changes)
    for name, text in tree.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def shut(case):
    """One run of a gate over a tree; returns its exit code and what it said."""
    name, changes = case[0], {case[1]: case[2]} if len(case) > 1 else {}
    with tempfile.TemporaryDirectory(prefix="uiommu-selfcheck-") as root:
        plant(root, changes)
        env = {k: v for k, v in os.environ.items() if k != "UIOMMU_GATE_CACHE"}
        run = subprocess.run(
            [sys.executable, "-B", os.path.join(here, "gate_%s.py" % name), "--root=" + root],
            capture_output=True, text=True, env=env)
        return case, run.returncode, run.stdout + run.stderr


gates = sorted({case[0] for case in BAD})
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    for case, code, said in pool.map(shut, [(g,) for g in gates] + BAD):
        if len(case) == 1:
            if code not in (0, SKIP):
                gate.fail("%s fails on a tree that is right:\n%s" % (case[0], said[:1500]))
        elif code == SKIP:
            gate.skip("%s with bad %s: its tools are missing" % case[:2])
        elif code != 1 or case[3] not in said:
            gate.fail("%s lets a bad %s pass (exit %d), or says something else than '%s':\n%s" % (
                case[0], case[1], code, case[3], said[:1500]))
others = {"selfcheck", "subproject", "pkgconfig", "testkit"}
for name in sorted(os.listdir(here)):
    if name.startswith("gate_") and name[5:-3] not in set(gates) | others:
        gate.fail("no bad sample for " + name)
gate.finish("%d gates, %d bad samples" % (len(gates), len(BAD)))
