# SPDX-License-Identifier: BSD-2-Clause
"""The two tables of mutants that people write: mutants.equivalent and mutants.rules.

A block names a mutant by file, function, operator and the line before and after, not by a line
number; "#2" is the second of the same text in a function. Blank lines and # lines are skipped.

    core/drain.c step_d3 drop-operand #2
    - the line before
    + the line after
    = why no test can tell (equivalent); or
    ! the name of the test that kills it (rules), and its rules first: I3 R8: core/...
    @ vendor variant-text: where to run it; without: on all vendors, a few variants
"""
import re

HEAD = re.compile(r"^(?:((?:[IR]\d+ ?)+): )?(\S+\.c) (\w+) ([\w-]+)(?: #(\d+))?$")


class TableError(Exception):
    """A table that nobody can read."""


class Block:
    """One mutant of a table."""

    def __init__(self, match, line):
        self.rules = (match.group(1) or "").split()
        self.head = match.groups()[1:4]
        self.nth = int(match.group(5) or 1)
        self.line = line
        self.parts = {"-": "", "+": "", "=": "", "!": "", "@": ""}

    def key(self):
        return (*self.head, self.parts["-"], self.parts["+"], self.nth)


def read(path):
    blocks = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            if not line.strip() or line.startswith("#"):
                continue
            match = HEAD.match(line)
            if match:
                blocks.append(Block(match, number))
            elif blocks and line[:2] in ("- ", "+ ", "= ", "! ", "@ "):
                part = blocks[-1].parts
                part[line[0]] = (part[line[0]] + " " + line[2:]).strip()
            else:
                raise TableError(f"{path}:{number}: neither a mutant nor a part of one: {line}")
    return blocks


def equivalents(path):
    """key -> argument."""
    found = {}
    for block in read(path):
        if len(block.parts["="]) < 20:
            raise TableError(f"{path}:{block.line}: no argument")
        if block.key() in found:
            raise TableError(f"{path}:{block.line}: listed twice")
        found[block.key()] = block.parts["="]
    return found


def rules(path):
    blocks = read(path)
    for block in blocks:
        if not block.rules or not block.parts["!"]:
            raise TableError(f"{path}:{block.line}: no rule or no test")
    return blocks
