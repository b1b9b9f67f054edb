# SPDX-License-Identifier: BSD-2-Clause
"""Which statements can be swapped without effect: what each reads and writes, calls included.

Memory is told apart by struct member and by variable, not by object; what goes through another
pointer may be anything. Whatever has an order for others - atomics, barriers, calls through
pointers, functions whose text is not there - is never free to move.
"""
import os
import re

import clang.cindex as cindex

K = cindex.CursorKind
T = cindex.TypeKind
ANY = "*"
ORDERS = re.compile(r"\b__atomic|\b__sync|\basm\b|\bvolatile\b")
# Of C: what it reads and what it writes is not told apart.
MEMORY = {"memcpy", "memmove", "memset", "memcmp"}
CLOCK = "uiommu_now"  # The one call through a pointer that asks the host for nothing else.
COUNTS = {"uiommu_count", "uiommu_count_shared"}
TELLS = {"uiommu_trace", "uiommu_event_put", "uiommu_event_device"}
LOGS = {"uiommu_log"}
BESIDE_LOGS = TELLS | COUNTS | {"uiommu_unit_kick"}
PURE = {"+", "-", "*", "/", "%", "<<", ">>", "<", ">", "<=", ">=", "==", "!=", "&", "|", "^", "&&",
        "||", ","}
WRAPPERS = (K.PAREN_EXPR, K.UNEXPOSED_EXPR, K.CSTYLE_CAST_EXPR)


class Effects:
    """Of one statement or function; calls are USRs until they are followed."""

    def __init__(self):
        self.reads, self.writes, self.calls = set(), set(), set()
        self.ordered = False


def inner(cursor):
    """Without parentheses and casts."""
    while cursor.kind in WRAPPERS:
        children = list(cursor.get_children())
        if not children:
            break
        cursor = children[-1]
    return cursor


def is_pointer(cursor):
    return cursor.type.get_canonical().kind == T.POINTER


def is_record(cursor):
    return cursor.type.get_canonical().kind == T.RECORD


class Scan:
    """Collects the effects of a piece of code, calls not followed."""

    def __init__(self, cursor, texts):
        self.found, self.texts = Effects(), texts
        if ORDERS.search(self.text(cursor.extent.start, cursor.extent.end)):
            self.found.ordered = True
        self.visit(cursor)

    def text(self, start, end):
        if start.file is None or end.file is None or start.file.name != end.file.name:
            return "volatile"  # nobody knows
        if start.file.name not in self.texts:
            with open(start.file.name, encoding="ascii", errors="replace") as file:
                self.texts[start.file.name] = file.read()
        return self.texts[start.file.name][start.offset:end.offset]

    def write(self, target):
        """To what stands left of an assignment."""
        target = inner(target)
        if is_record(target):
            self.found.reads.add(ANY)
            self.found.writes.add(ANY)
        children = list(target.get_children())
        if target.kind == K.DECL_REF_EXPR and target.referenced is not None:
            self.found.writes.add(target.referenced.get_usr())
        elif target.kind == K.MEMBER_REF_EXPR and target.referenced is not None and children:
            self.found.writes.add(target.referenced.get_usr())
            if target.referenced.semantic_parent.kind == K.UNION_DECL:
                self.found.writes.add(ANY)
            if not is_pointer(children[0]):
                self.write_into(children[0])
        elif target.kind == K.ARRAY_SUBSCRIPT_EXPR and not is_pointer(inner_array(children[0])):
            self.write(inner_array(children[0]))
        else:
            self.found.writes.add(ANY)

    def write_into(self, whole):
        """A part of it is written."""
        whole = inner(whole)
        children = list(whole.get_children())
        if whole.kind == K.DECL_REF_EXPR and whole.referenced is not None:
            self.found.writes.add(whole.referenced.get_usr())
        elif whole.kind == K.MEMBER_REF_EXPR and whole.referenced is not None and children:
            self.found.writes.add(whole.referenced.get_usr())
            if not is_pointer(children[0]):
                self.write_into(children[0])
        elif whole.kind == K.ARRAY_SUBSCRIPT_EXPR and not is_pointer(inner_array(children[0])):
            self.write_into(inner_array(children[0]))
        elif whole.kind != K.ARRAY_SUBSCRIPT_EXPR:
            self.found.writes.add(ANY)

    def visit(self, cursor):
        children = list(cursor.get_children())
        kind = cursor.kind
        if kind in (K.DECL_REF_EXPR, K.MEMBER_REF_EXPR):
            if cursor.referenced is None:
                self.found.ordered = True
            elif cursor.referenced.kind in (K.VAR_DECL, K.PARM_DECL, K.FIELD_DECL):
                self.found.reads.add(cursor.referenced.get_usr())
                self.found.ordered |= cursor.type.is_volatile_qualified()
                if cursor.referenced.semantic_parent.kind == K.UNION_DECL:
                    self.found.reads.add(ANY)
        elif kind == K.CALL_EXPR:
            self.call(cursor, children)
        elif kind == K.COMPOUND_ASSIGNMENT_OPERATOR:
            self.write(children[0])
        elif kind == K.BINARY_OPERATOR:
            between = self.text(children[0].extent.end, children[1].extent.start).split()
            if not between or between[-1] not in PURE:  # behind what is left of a macro
                self.write(children[0])
        elif kind == K.UNARY_OPERATOR:
            self.unary(cursor, children[0])
        elif kind == K.ARRAY_SUBSCRIPT_EXPR and is_pointer(inner_array(children[0])):
            self.found.reads.add(ANY)
        elif kind in (K.ASM_STMT, K.StmtExpr, K.GOTO_STMT):
            self.found.ordered = True
        for child in children:
            self.visit(child)

    def unary(self, cursor, child):
        before = self.text(cursor.extent.start, child.extent.start).strip()
        after = self.text(child.extent.end, cursor.extent.end).strip()
        if before == "*":
            self.found.reads.add(ANY)
        elif before not in ("!", "~", "-", "+", "&", "sizeof") or after:
            self.write(child)

    def call(self, cursor, children):
        target = cursor.referenced
        if target is None or target.kind != K.FUNCTION_DECL:
            self.found.ordered = True
        elif target.spelling in MEMORY:
            self.found.reads.add(ANY)
            self.found.writes.add(ANY)
        elif target.spelling != CLOCK:
            self.found.calls.add(target.get_usr())
        if any(is_record(child) for child in children[1:]):
            self.found.reads.add(ANY)


def inner_array(cursor):
    """The array that a subscript's pointer was made of, or that pointer."""
    stripped = inner(cursor)
    return stripped if stripped.type.get_canonical().kind == T.CONSTANTARRAY else cursor


def called(cursor):
    cursor = inner(cursor)
    return cursor.spelling if cursor.kind == K.CALL_EXPR else ""


class Library:
    """All functions of the library."""

    def __init__(self, parsed):
        """parsed: (path, translation unit)."""
        self.functions, self.texts, self.known, self.kept = {}, {}, {}, parsed
        for _, unit in parsed:
            for top in unit.cursor.get_children():
                if top.kind == K.FUNCTION_DECL and top.is_definition():
                    self.functions.setdefault(top.get_usr(), top)

    def direct(self, usr):
        if usr not in self.known:
            if usr in self.functions:
                self.known[usr] = Scan(self.functions[usr], self.texts).found
            else:
                self.known[usr] = Effects()
                self.known[usr].ordered = True
        return self.known[usr]

    def whole(self, cursor):
        """The effects of a statement and of all that it calls."""
        found = Scan(cursor, self.texts).found
        seen, left = set(), list(found.calls)
        while left and not found.ordered:
            usr = left.pop()
            if usr in seen:
                continue
            seen.add(usr)
            more = self.direct(usr)
            found.reads |= more.reads
            found.writes |= more.writes
            found.ordered |= more.ordered
            left += more.calls
        return found

    def independent(self, one, two):
        names = {called(one), called(two)}
        if (names & COUNTS and names & TELLS) or (names & LOGS and names & BESIDE_LOGS):
            return True  # Nobody is promised which of them comes first.
        first, second = self.whole(one), self.whole(two)
        return not (first.ordered or second.ordered or
                    meets(first.writes, second.reads | second.writes) or
                    meets(second.writes, first.reads))


def meets(written, touched):
    return bool(written & touched or (ANY in written and touched) or (written and ANY in touched))


def parse(sources):
    """(path, flags) -> the library."""
    index = cindex.Index.create()
    return Library([(path, index.parse(path, args=flags + ["-iquote", os.path.dirname(path)]))
                    for path, flags in sources])
