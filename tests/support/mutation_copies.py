# SPDX-License-Identifier: BSD-2-Clause
"""Many mutants of one file in one text: each is a copy of its function, chosen when it is called.

    static int f_m0(int a) { ... }      the function as it is
    static int f_m7(int a) { ... }      with mutant 7
    int f(int a) { ... switch (mutation_now) { case 7: return f_m7(a); ... } }
"""
import bisect
import re

HEAD = "extern int mutation_now;\nextern unsigned char *mutation_seen;\n"


class Copies:
    """The text, and which lines of it are of which mutant. Numbers begin with 1."""

    def __init__(self, mutants):
        self.lines, self.numbers, self.parts = [], [], []
        source = mutants[0].source.text
        functions = {}  # where it begins -> (function, mutants)
        for number, mutant in enumerate(mutants, 1):
            function = mutant.around
            functions.setdefault(function.start, (function, []))[1].append((number, mutant))
        self.places = {}  # name -> its byte of mutation_seen
        self.line = 1
        self.put(HEAD)
        at = 0
        for start in sorted(functions):
            function, found = functions[start]
            self.put(source[at:start])
            self.function(source, function, found)
            at = function.stop
        self.put(source[at:])
        self.text = "".join(self.parts)

    def put(self, text):
        self.parts.append(text)
        self.line += text.count("\n")

    def function(self, source, function, found):
        head = source[function.start:function.body]
        static = "" if head.startswith("static") else "static "
        called = []

        def copy(number, body):
            name = f"{function.name}_m{number}"
            called.append(f"case {number}: return {name}({function.names});\n")
            self.put(static + re.sub(rf"\b{function.name}\b", name, head, count=1) + body + "\n")
        copy(0, source[function.body:function.stop])
        for number, mutant in found:
            self.lines.append(self.line)
            self.numbers.append(number)
            copy(number, source[function.body:mutant.start] + mutant.text +
                 source[mutant.stop:function.stop])
        self.lines.append(self.line)
        self.numbers.append(None)
        place = self.places.setdefault(function.name, len(self.places))
        self.put(f"{head}{{\nmutation_seen[{place}] = 1;\nswitch (mutation_now) {{\n" +
                 "".join(called[1:]) + called[0].replace("case 0", "default") + "}\n}\n")

    def wrong(self, path, errors):
        """The numbers of the mutants in which a compiler has found errors."""
        lines = {int(line) for name, line in re.findall(
            r"^(\S+?):(\d+):\d+: (?:fatal )?error:", errors, re.M) if name == path}
        at = {bisect.bisect_right(self.lines, line) - 1 for line in lines}
        return {self.numbers[i] for i in at if i >= 0} - {None}
