# SPDX-License-Identifier: BSD-2-Clause
"""What tests/qemu/witness knows of every vendor: how QEMU's trace tells of a command or a fault,
and how the library's words read in that form; witness_vtd.py and so on have the rest. Fields by
the hardware manuals; forms as QEMU 10.0 and 11.1 print them. A line's normal form is
`name field=value ...`, numbers in hexadecimal."""
import re


class Unusable(Exception):
    """A file is not what it should be: nothing can be said."""


def bits(word, low, count):
    return word >> low & ((1 << count) - 1)


def line(name, /, **fields):
    text = [name]
    for key, value in fields.items():
        text.append(f'{key}={value}' if isinstance(value, str) else f'{key}={value:#x}')
    return ' '.join(text)


class Form:
    """One trace line's form: {x} is a number, {x:s} a text; drop: fields that are not compared."""

    def __init__(self, text='', drop=()):
        pattern = re.escape(text).replace(r'\{', '{').replace(r'\}', '}').replace(r'\ ', ' ')
        pattern = re.sub(r'\{(\w+):s\}', r'(?P<\1>.+?)', pattern)
        pattern = re.sub(r'\{(\w+)\}', r'(?P<\1>-?(?:0x)?[0-9a-f]+)', pattern)
        self.pattern = re.compile(pattern + r'\s*')
        self.texts = re.findall(r'\{(\w+):s\}', text)
        self.drop = drop

    def read(self, rest):
        match = self.pattern.fullmatch(rest)
        if match is None:
            return None
        try:
            return {k: v if k in self.texts else int(v, 0) for k, v in match.groupdict().items()
                    if k not in self.drop}
        except ValueError:
            return None


class Vendor:
    """words: of a command. shift: of its bytes. forms: lines of the trace; begins: the one that
    begins a command; details: what it is. optional: details that not every QEMU traces at all."""
    optional = ()
    quiet_when_shut = False

    def __init__(self):
        self.groups = []   # Of lines: commands as QEMU took them.
        self.faults = []   # (commands before it, device, text)
        self.notices = []  # What the unit says of itself.

    def group(self, *lines):
        self.groups.append(list(lines))

    def read(self, number, text):
        """One line of the trace."""
        name, _, rest = text.partition(' ')
        form = self.forms.get(name)
        if form is None:
            raise Unusable(f'trace, line {number}: nothing is known of {name or "an empty line"}')
        fields = form.read(rest)
        if fields is None:
            raise Unusable(f'trace, line {number}: not the form known of it: {text}')
        self.take(name, fields)

    def detail(self, text):
        if not self.groups:
            raise Unusable(f'trace: no command begins before {text}')
        self.groups[-1].append(text)

    def fault(self, device, text):
        self.faults.append((len(self.groups), device, text))

    def end(self):
        """The whole trace is read."""

    def queue(self, base, size):
        """Lines by which the trace tells of a queue."""
        return []

    @staticmethod
    def names(raw, refused):
        """Does an event about a refused command name one that was given?"""
        return raw[:2] in [words[:2] for words in refused]

    @staticmethod
    def unrecorded_field(faults):
        """A field that this QEMU writes into no record, by the faults of the log."""
        return None


def access(what):
    return {0: '-', 1: 'read', 2: 'write'}.get(what, f'{what:#x}')
