# SPDX-License-Identifier: BSD-2-Clause
"""What the gates share: where the tree is, its sources, compilers, and a small ELF reader."""
import concurrent.futures
import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

SKIP = 77
STD_HEADERS = {"stdint.h", "stddef.h", "stdbool.h"}
ALLOWED_UNDEFINED = {"memcpy", "memmove", "memset", "memcmp"}
FIRMWARE = {"firmware.h", "dmar.h", "ivrs.h", "iort.h", "fdt.h"}  # Of backends/firmware
HOSTED = {"host_uv"}  # backends/host_uv alone is hosted; the freestanding gates leave it out
WARN = ["-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wsign-conversion", "-Wcast-qual",
        "-Wshadow", "-Wundef", "-Wvla"]
FREESTANDING = ["-std=c11", "-ffreestanding", "-fno-pic", "-Wmissing-prototypes"] + WARN


class Gate:
    """Counts what a gate found; finish() prints the verdict and ends the program."""

    def __init__(self, name):
        self.name = name
        self.args = [a for a in sys.argv[1:] if not a.startswith("--root=")]
        here = os.path.dirname(os.path.abspath(__file__))
        self.root = os.path.dirname(os.path.dirname(here))
        for arg in sys.argv[1:]:
            if arg.startswith("--root="):
                self.root = os.path.abspath(arg[len("--root="):])
        self.failures = 0
        self.skips = []
        self.scratch_folder = tempfile.TemporaryDirectory(prefix="uiommu-gate-")

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def rel(self, path):
        return os.path.relpath(path, self.root)

    def fail(self, text):
        self.failures += 1
        print("FAIL: " + text)

    def skip(self, text):
        if text not in self.skips:
            self.skips.append(text)

    def finish(self, what):
        for text in self.skips:
            print("skipped: " + text)
        print("%s: %s, %d failures" % (self.name, what, self.failures))
        if self.failures:
            sys.exit(1)
        sys.exit(SKIP if self.skips else 0)

    # ---- the tree ----

    def files(self, folder, *endings):
        """All files below folder with one of the endings, in a stable order."""
        found = []
        for at, folders, names in os.walk(self.path(folder)):
            folders[:] = sorted(f for f in folders if not f.startswith((".", "build")))
            found += [os.path.join(at, n) for n in sorted(names) if n.endswith(endings)]
        return found

    def tracked(self):
        """Every file of the project: what git knows or would know, else what lies there."""
        try:
            out = subprocess.run(
                ["git", "-c", "safe.directory=*", "-C", self.root, "ls-files", "-z", "-c", "-o",
                 "--exclude-standard"],
                capture_output=True, check=True).stdout.decode()
            names = [n for n in out.split("\0") if n]
        except (OSError, subprocess.CalledProcessError):
            names = [self.rel(f) for f in self.files(".", "")]
        return [self.path(n) for n in sorted(set(names)) if os.path.isfile(self.path(n))]

    def backends(self):
        """Names of the freestanding backend folders that hold sources."""
        folder = self.path("backends")
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        return [n for n in names if n not in HOSTED and self.files("backends/" + n, ".c")]

    def library(self):
        """Core and backends."""
        return self.files("core", ".c") + [
            f for b in self.backends() for f in self.files("backends/" + b, ".c")]

    def constructor_headers(self):
        """Headers that may name vendors: those named after a folder in backends/, and firmware's."""
        folder = self.path("backends")
        names = set(os.listdir(folder)) if os.path.isdir(folder) else set()
        return {n + ".h" for n in names - HOSTED} | {"amd.h", "vtd.h", "riscv.h"} | FIRMWARE

    def hosted_headers(self):
        """Headers of the hosted folders; the freestanding gates leave them out."""
        return {n + ".h" for n in HOSTED}

    # ---- compiling ----

    def compile(self, command, source, flags, kinds=(".o",)):
        """Compile once per content; returns {kind: path} or None after fail()."""
        digest = hashlib.sha256(repr((command, flags, source)).encode())
        folder = os.path.dirname(source)
        for name in [source] + self.files("include", ".h") + [
                os.path.join(folder, n) for n in sorted(os.listdir(folder)) if n.endswith(".h")]:
            with open(name, "rb") as file:
                digest.update(file.read())
        cache = os.environ.get("UIOMMU_GATE_CACHE") or self.scratch()
        os.makedirs(cache, exist_ok=True)
        stem = os.path.join(cache, os.path.basename(source)[:-2] + "." + digest.hexdigest()[:20])
        result = {kind: stem + kind for kind in kinds}
        if all(os.path.exists(p) for p in result.values()):
            return result
        with tempfile.TemporaryDirectory(dir=cache) as tmp:
            made = os.path.join(tmp, "out")
            run = subprocess.run(
                command + flags + ["-I" + self.path("include"), "-c", source, "-o", made + ".o"],
                capture_output=True, text=True, cwd=tmp)
            if run.returncode:
                self.fail("%s: %s does not compile:\n%s" % (
                    " ".join(command), self.rel(source), run.stderr.strip()[:1500]))
                return None
            for kind, path in result.items():
                os.rename(made + kind, path)
        return result

    def scratch(self):
        return self.scratch_folder.name

    def compile_all(self, command, sources, flags, kinds=(".o",)):
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            done = pool.map(lambda s: self.compile(command, s, flags, kinds), sources)
            return [d for d in done if d]

    def usable(self, command, flags=()):
        """Is the compiler there and does it know the target? Else a skip."""
        if shutil.which(command[0]):
            run = subprocess.run(command + list(flags) + ["-x", "c", "-c", "-o", "/dev/null", "-"],
                                 input="#include <stdint.h>\nuint64_t uiommu_probe;\n",
                                 capture_output=True, text=True)
            if run.returncode == 0:
                return True
        self.skip("no working " + " ".join(command))
        return False


def targets():
    """(name, command) of every compiler and processor the library must compile for."""
    return [
        ("gcc x86-64", ["gcc"]),
        ("gcc i386", ["gcc", "-m32"]),
        ("gcc aarch64", ["aarch64-linux-gnu-gcc", "-mno-outline-atomics"]),
        ("gcc riscv64", ["riscv64-linux-gnu-gcc"]),
        ("clang x86-64", ["clang"]),
        ("clang i386", ["clang", "-m32"]),
        ("clang aarch64", ["clang", "--target=aarch64-linux-gnu", "-mno-outline-atomics"]),
        # clang 14 puts constants of its own making into .sdata here, unless told not to.
        ("clang riscv64", ["clang", "--target=riscv64-linux-gnu", "-msmall-data-limit=0"]),
    ]


class Elf:
    """Sections and symbols of a relocatable object; any width, any byte order."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        if self.data[:4] != b"\x7fELF":
            raise ValueError(path + " is no ELF file")
        self.wide = self.data[4] == 2
        self.order = "<" if self.data[5] == 1 else ">"
        at, = self.get("Q" if self.wide else "I", 0x28 if self.wide else 0x20)
        entry, count, names = self.get("HHH", 0x3A if self.wide else 0x2E)
        raw = [self.get("IIQQQQIIQQ" if self.wide else "IIIIIIIIII", at + i * entry)
               for i in range(count)]
        self.sections = [{"name": self.text(raw[names][4], r[0]), "type": r[1], "flags": r[2],
                          "offset": r[4], "size": r[5], "link": r[6]} for r in raw]
        self.symbols = [s for sec in self.sections if sec["type"] == 2
                        for s in self.read_symbols(sec, raw[sec["link"]][4])]

    def get(self, form, at):
        return struct.unpack_from(self.order + form, self.data, at)

    def text(self, table, at):
        begin = table + at
        return self.data[begin:self.data.index(b"\0", begin)].decode()

    def read_symbols(self, section, strings):
        size = 24 if self.wide else 16
        for at in range(section["offset"] + size, section["offset"] + section["size"], size):
            if self.wide:
                name, info, _, index, _, length = self.get("IBBHQQ", at)
            else:
                name, _, length, info, _, index = self.get("IIIBBH", at)
            yield {"name": self.text(strings, name), "global": info >> 4 != 0,
                   "type": info & 15, "defined": index != 0, "size": length}

    def defined(self):
        return {s["name"] for s in self.symbols if s["global"] and s["defined"]}

    def undefined(self):
        return {s["name"] for s in self.symbols if s["global"] and not s["defined"] and s["name"]}

    def writable(self):
        """Sections that take writable memory: (name, bytes)."""
        return [(s["name"], s["size"]) for s in self.sections
                if s["flags"] & 3 == 3 and s["size"]]


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def definition(text, name):
    """A function, table or type of a C file, with the comment in front of it; None: not there."""
    comment = r"(?:^/\*(?:[^*]|\*(?!/))*\*/\n)?"
    forms = (r"^[a-z][^\n;{}=]*\b%s\([^;{}]*\)\n\{\n.*?^\}\n",  # a function
             r"^[a-z][^\n;()]*\b%s(?:\[\w*\])? = \{\n.*?^\};\n",  # a table
             r"^(?:struct|enum) %s \{\n.*?^\};\n")                 # a type
    for form in forms:
        found = re.search(comment + form % re.escape(name), text, re.S | re.M)
        if found:
            return found.group(0)
    return None


INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def included(path):
    """[(bracket, name)] of a file's include lines."""
    return INCLUDE.findall(read(path))
