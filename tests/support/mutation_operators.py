# SPDX-License-Identifier: BSD-2-Clause
"""Finds every place of a C file where one small change makes a mutant (see tests/mutate).

A mutant replaces one range of bytes. What it is called does not depend on line numbers: file,
function, operator, the line before and after, and a number where that is not unique.
"""
import hashlib
import re

import clang.cindex as cindex

import mutation_effects

K = cindex.CursorKind
COMPARE = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*", "%": "/", "|": "&", "&": "|", "^": "|",
              "<<": ">>", ">>": "<<"}
ASSIGN = {"+=": "-=", "-=": "+=", "|=": "&=", "&=": "|=", "<<=": ">>=", ">>=": "<<="}
JUMPS = {K.RETURN_STMT, K.BREAK_STMT, K.CONTINUE_STMT, K.GOTO_STMT}
LOOPS = {K.WHILE_STMT, K.DO_STMT, K.FOR_STMT}
NUMBER = re.compile(r"(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)$")
LOCK = re.compile(r"\buiommu_(lock|control)_(take|give)\(")
MACRO = re.compile(r"[A-Z][A-Z0-9_]+\b(?:\()?")
COMMENT = re.compile(r"/\*.*?\*/", re.S)


# What the first of two kinds of run tries: a step forgotten, two in the wrong order, a condition
# that is another one. That a lock is taken shows under threads only: stress and TSan hold that.
PROTOCOL = {"drop-call", "drop-assignment", "drop-operand", "drop-not", "negate-condition",
            "force-true", "force-false", "compare", "off-by-one", "swap"}


class Mutant:
    """One change: bytes start..stop become text. Lines are those of what is changed."""

    def __init__(self, source, function, operator, start, stop, text):
        self.source, self.function, self.operator = source, function, operator
        self.start, self.stop, self.text = start, stop, text
        self.line = source.line_of(start)
        self.last = source.line_of(max(start, stop - 1))
        self.before = flat(source.lines(self.line, self.last))
        head = source.text[source.begin_of(self.line):start]
        tail = source.text[stop:source.end_of(self.last)]
        self.after = flat(head + text + tail)
        self.nth = 1

    def key(self):
        return (self.source.name, self.function, self.operator, self.before, self.after, self.nth)

    def ident(self):
        return hashlib.sha1("\0".join(map(str, self.key())).encode()).hexdigest()[:8]

    def apply(self):
        return self.source.text[:self.start] + self.text + self.source.text[self.stop:]


def flat(text):
    return " ".join(text.split())


class Function:
    """Where the function of a mutant stands: its head, its body; and what it is called with."""

    def __init__(self, cursor):
        body = next(c for c in cursor.get_children() if c.kind == K.COMPOUND_STMT)
        self.name, self.start = cursor.spelling, cursor.extent.start.offset
        self.body, self.stop = body.extent.start.offset, body.extent.end.offset
        self.names = ", ".join(a.spelling for a in cursor.get_arguments())


class Source:
    """A file: its text, and where its lines begin."""

    def __init__(self, path, name):
        self.path, self.name = path, name
        with open(path, encoding="ascii", errors="replace") as file:
            self.text = file.read()
        self.begins = [0] + [m.end() for m in re.finditer("\n", self.text)]

    def line_of(self, offset):
        low, high = 0, len(self.begins)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.begins[middle] <= offset else (low, middle)
        return low + 1

    def begin_of(self, line):
        return self.begins[line - 1]

    def end_of(self, line):
        return self.begins[line] if line < len(self.begins) else len(self.text)

    def lines(self, first, last):
        return self.text[self.begin_of(first):self.end_of(last)]


class Finder:
    """Walks the functions of one file."""

    def __init__(self, source, unit, library):
        self.source, self.library, self.found, self.function = source, library, [], ""
        self.equal_alike = set()  # Where comparisons stand that make no difference for equals.
        errors = [d.spelling for d in unit.diagnostics if d.severity >= cindex.Diagnostic.Error]
        if errors:
            raise RuntimeError(f"{source.name}: {errors[0]}")
        for top in unit.cursor.get_children():
            if top.kind == K.FUNCTION_DECL and top.is_definition() and self.is_here(top):
                self.function, self.around = top.spelling, Function(top)
                self.scope = hashlib.sha1(self.text(top).encode()).hexdigest()[:12]
                self.returns = top.result_type.get_canonical().spelling
                for part in top.get_children():
                    if part.kind == K.COMPOUND_STMT:
                        self.visit(part)
        self.number()

    def is_here(self, cursor):
        file = cursor.location.file
        return file is not None and file.name == self.source.path

    def number(self):
        count = {}
        for mutant in sorted(self.found, key=lambda m: (m.start, m.stop)):
            key = mutant.key()[:-1]
            count[key] = mutant.nth = count.get(key, 0) + 1

    # ---- ranges ----

    def span(self, cursor):
        """libclang ends what ends with a macro in front of the macro's name."""
        start, stop = cursor.extent.start.offset, cursor.extent.end.offset
        match = MACRO.match(self.source.text, stop)
        if match and stop > 0 and not self.source.text[stop - 1].isalnum():
            stop = match.end()
            while match and self.source.text.count("(", match.start(), stop) > \
                    self.source.text.count(")", match.start(), stop):
                stop = self.source.text.index(")", stop) + 1
        return start, stop

    def text(self, cursor):
        start, stop = self.span(cursor)
        return self.source.text[start:stop]

    def add(self, operator, start, stop, text):
        if start < stop and self.source.text[start:stop] != text:
            made = Mutant(self.source, self.function, operator, start, stop, text)
            made.scope, made.around = self.scope, self.around
            self.found.append(made)

    def replace(self, operator, cursor, text):
        self.add(operator, *self.span(cursor), text)

    def between(self, left, right):
        """What stands between two operands, and where; None where a macro hides it."""
        start, stop = self.span(left)[1], self.span(right)[0]
        if start >= stop or self.span(left)[0] >= start:
            return None
        word = COMMENT.sub(lambda m: " " * len(m.group()), self.source.text[start:stop])
        sign = word.strip()
        at = start + word.index(sign) if sign else start
        return sign, at, at + len(sign)

    # ---- the walk ----

    def visit(self, cursor):
        children = list(cursor.get_children())
        kind = cursor.kind
        if kind == K.COMPOUND_STMT:
            for child in children:
                self.statement(child)
            for one, two in zip(children, children[1:]):
                self.swap(one, two)
        elif kind == K.IF_STMT:
            self.condition(children[0], ("(1)", "(0)"))
            if len(children) == 2 and children[1].kind == K.BINARY_OPERATOR:
                self.chooses(children[0], *(self.text(c) for c in children[1].get_children()))
            for child in children[1:]:
                self.statement(child)
        elif kind == K.WHILE_STMT:
            self.condition(children[0], ("(0)",))
            self.statement(children[1])
        elif kind == K.FOR_STMT:
            self.statement(children[-1])
        elif kind == K.CONDITIONAL_OPERATOR:
            self.condition(children[0], ())
            self.chooses(children[0], self.text(children[1]), self.text(children[2]))
        elif kind == K.CASE_STMT:
            self.statement(children[-1])
            self.visit(children[-1])
            return  # its label is no place for a change
        elif kind == K.DEFAULT_STMT:
            self.statement(children[-1])
        elif kind == K.BINARY_OPERATOR and len(children) == 2:
            self.binary(*children)
        elif kind == K.COMPOUND_ASSIGNMENT_OPERATOR and len(children) == 2:
            self.compound(*children)
        elif kind == K.UNARY_OPERATOR:
            self.unary(cursor, children[0])
        elif kind == K.INTEGER_LITERAL:
            self.number_literal(cursor)
        elif kind == K.DECL_REF_EXPR:
            self.constant(cursor)
        elif kind == K.RETURN_STMT and children:
            self.result(children[0])
        for child in children:
            self.visit(child)

    def condition(self, cursor, forced):
        text = self.text(cursor)
        if not text:
            return
        self.replace("negate-condition", cursor, f"!({text})")
        for value in forced:
            self.replace("force-" + ("true" if "1" in value else "false"), cursor, value)

    @staticmethod
    def is_step(cursor):
        """A call or an assignment that stands as a statement."""
        while cursor.kind in (K.CSTYLE_CAST_EXPR, K.UNEXPOSED_EXPR):
            children = list(cursor.get_children())
            if not children:
                return None
            cursor = children[-1]
        if cursor.kind == K.CALL_EXPR:
            return "call"
        if cursor.kind == K.COMPOUND_ASSIGNMENT_OPERATOR:
            return "assignment"
        if cursor.kind == K.UNARY_OPERATOR:
            return "assignment"
        if cursor.kind == K.BINARY_OPERATOR and len(list(cursor.get_children())) == 2:
            return "assignment"
        return None

    def statement(self, cursor):
        step = self.is_step(cursor)
        start, stop = self.span(cursor)
        if step and self.source.text[stop:].lstrip()[:1] == ";":
            lock = LOCK.search(self.source.text[start:stop])
            self.add("drop-lock" if lock else "drop-" + step, start, stop, "")
        elif cursor.kind in JUMPS:
            self.add("drop-" + cursor.kind.name.split("_")[0].lower(), start, stop, "")

    def swap(self, one, two):
        if not self.is_step(one) or not self.is_step(two):
            return
        (start, middle), (second, stop) = self.span(one), self.span(two)
        gap = self.source.text[middle:second]
        if gap.strip()[:1] == ";" and start < middle <= second < stop:
            text = self.source.text[second:stop] + gap + self.source.text[start:middle]
            if LOCK.search(text):
                self.add("swap-lock", start, stop, text)
            elif not self.alike(one, two) and not self.library.independent(one, two):
                calls = all("(" in self.text(c) for c in (one, two))
                self.add("swap" if calls else "swap-store", start, stop, text)

    def alike(self, one, two):
        """Two of the same kind to the same place, as in ok &= a; ok &= b: any order is right."""
        if one.kind != K.COMPOUND_ASSIGNMENT_OPERATOR or two.kind != one.kind:
            return False
        left, right = (re.match(r"([\w.>\[\]-]+) ([&|^+]=) ", self.text(c)) for c in (one, two))
        return bool(left and right and left.groups() == right.groups())

    def chooses(self, condition, one, two):
        """a < b ? a : b, if (a < b) a = b: where both are equal it is the same value."""
        pair = {flat(one), flat(two)}
        children = list(condition.get_children())
        if condition.kind == K.PAREN_EXPR and children:
            self.chooses(children[0], one, two)
        elif condition.kind == K.BINARY_OPERATOR and len(children) == 2:
            found = self.between(*children)
            if found and found[0] in ("&&", "||"):
                self.chooses(children[0], one, two)
                self.chooses(children[1], one, two)
            elif found and found[0] not in ("==", "!=") and {flat(self.text(c)) for c in children} == pair and \
                    not any("(" in text for text in pair):
                self.equal_alike.add(found[1])

    def binary(self, left, right):
        found = self.between(left, right)
        if found is None:
            return
        sign, start, stop = found
        whole = self.span(left)[0], self.span(right)[1]
        if sign in COMPARE and start not in self.equal_alike:
            self.add("compare", start, stop, COMPARE[sign])
        elif sign in ("&&", "||"):
            self.add("and-or", start, stop, "||" if sign == "&&" else "&&")
            self.add("drop-operand", *whole, self.text(left))
            self.add("drop-operand", *whole, self.text(right))
        elif sign in ARITHMETIC:
            self.add("arithmetic", start, stop, ARITHMETIC[sign])
            if sign in ("&", "|"):
                self.add("drop-mask", *whole, self.text(left))
                self.add("drop-mask", *whole, self.text(right))

    def compound(self, left, right):
        found = self.between(left, right)
        if found is not None and found[0] in ASSIGN:
            self.add("arithmetic", found[1], found[2], ASSIGN[found[0]])
            if found[0] in ("|=", "&="):
                self.add("drop-mask", found[1], found[2], "=")

    def unary(self, cursor, child):
        start, stop = self.span(cursor)
        inner, end = self.span(child)
        if inner > start and self.source.text[start:inner].strip() in ("!", "~"):
            self.add("drop-" + ("not" if self.source.text[start] == "!" else "mask"), start, stop,
                     self.source.text[inner:end])
        for sign, other in (("++", "--"), ("--", "++")):
            if self.source.text[end:stop].strip() == sign:
                self.add("arithmetic", end, stop, other)

    def number_literal(self, cursor):
        start, stop = self.span(cursor)
        if stop == start:
            return
        word = self.source.text[start:stop]
        match = NUMBER.match(word)
        if match is None:
            if word in ("true", "false"):
                self.add("boolean", start, stop, "false" if word == "true" else "true")
            return
        value = int(match.group(1), 0) if not re.match(r"0\d", word) else int(match.group(1), 8)
        for other in (value + 1, value - 1):
            if other >= 0:
                self.add("off-by-one", start, stop, f"{other}{match.group(2)}")

    def constant(self, cursor):
        """An enumerator becomes its neighbour."""
        target = cursor.referenced
        if target is None or target.kind != K.ENUM_CONSTANT_DECL:
            return
        names = [c.spelling for c in target.semantic_parent.get_children()
                 if c.kind == K.ENUM_CONSTANT_DECL]
        start, stop = self.span(cursor)
        if self.source.text[start:stop] != target.spelling or len(names) < 2:
            return
        at = names.index(target.spelling)
        self.add("enumerator", start, stop, names[at + 1 if at + 1 < len(names) else at - 1])

    def result(self, value):
        text = self.text(value)
        if not text or text in ("true", "false"):
            return
        if self.returns == "_Bool":
            self.replace("result", value, f"!({text})")
        elif self.returns.endswith("*"):
            if text != "NULL":
                self.replace("result", value, "NULL")
        elif self.returns == "uiommu_err" or re.search(r"\bUIOMMU_(OK|E_\w+|PENDING)$", text):
            self.replace("result", value,
                         "UIOMMU_E_BUSY" if text == "UIOMMU_OK" else "UIOMMU_OK")


def find(path, name, unit, library):
    """The mutants of a file, in the order of the text."""
    finder = Finder(Source(path, name), unit, library)
    seen, unique = set(), []
    for mutant in sorted(finder.found, key=lambda m: (m.start, m.stop, m.operator)):
        edit = (mutant.start, mutant.stop, mutant.text)
        if edit not in seen:
            seen.add(edit)
            unique.append(mutant)
    return unique
