# SPDX-License-Identifier: GPL-2.0-only
"""Alignment: two versions of a file with every unchanged line on the same line.

What a compiler says of a file is full of line numbers: in its warnings, in what
WARN_ON() and might_sleep() leave in the code, in names made of __LINE__.  Here
they are made equal, instead of being told apart afterwards: the shorter side of
every change is filled up with blank lines.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import unidiff

from kmaplocal.apply import patch

_BLANK, _CONTINUED = b"\n", b"\\\n"


@dataclass
class Side:
    """One version, filled up: its text, and the real number of each line, from
    index 1; a filler has the number of the line before it."""

    lines: list[bytes] = field(default_factory=list)
    numbers: list[int] = field(default_factory=lambda: [1])

    @property
    def text(self) -> bytes:
        """The version as a compiler is to see it."""
        return b"".join(self.lines)

    def real(self, line: int) -> int:
        """The number that LINE of the text has in the file itself."""
        return self.numbers[min(line, len(self.numbers) - 1)]

    def add(self, lines: list[bytes], first: int, room: int) -> None:
        """Append LINES, from FIRST on in the file, and fillers up to ROOM."""
        self.lines += lines
        self.numbers += range(first, first + len(lines))
        continued = bool(self.lines) and self.lines[-1].endswith(_CONTINUED)
        fillers = room - len(lines)
        self.lines += [_CONTINUED if continued else _BLANK] * fillers
        self.numbers += [self.numbers[-1]] * fillers


@dataclass
class Alignment:
    """Both versions, filled up, and where they differ: first and last lines."""

    before: Side
    after: Side
    changes: list[tuple[int, int]]

    def place(self, line: int) -> int:
        """The same number for all lines of a change, LINE itself elsewhere."""
        for first, last in self.changes:
            if first <= line <= last:
                return first
        return line


def align(before: bytes, after: bytes) -> Alignment:
    """The alignment of two versions of a file."""
    old, new = _lines(before), _lines(after)
    found = Alignment(Side(), Side(), [])
    old_at = new_at = 0
    for old_start, old_end, new_start, new_end in _hunks(before, after):
        same = old_start - old_at
        found.before.add(old[old_at:old_start], old_at + 1, same)
        found.after.add(new[new_at:new_start], new_at + 1, same)
        room = max(old_end - old_start, new_end - new_start)
        first = len(found.before.lines) + 1
        found.changes.append((first, first + room - 1))
        found.before.add(old[old_start:old_end], old_start + 1, room)
        found.after.add(new[new_start:new_end], new_start + 1, room)
        old_at, new_at = old_end, new_end
    rest = len(old) - old_at
    found.before.add(old[old_at:], old_at + 1, rest)
    found.after.add(new[new_at:], new_at + 1, rest)
    return found


def _hunks(before: bytes, after: bytes) -> list[tuple[int, int, int, int]]:
    """Where the versions differ, as half-open ranges of lines from 0."""
    text = patch.unified(Path("file"), before, after, context=0)
    found = []
    for hunk in (h for f in _read(text) for h in f):
        # diff -U0 gives the line before where there is nothing on a side.
        old = hunk.source_start - (hunk.source_length > 0)
        new = hunk.target_start - (hunk.target_length > 0)
        found.append((old, old + hunk.source_length, new, new + hunk.target_length))
    return found


def _read(text: bytes) -> unidiff.PatchSet:
    # One byte a character, whatever the encoding is.
    return unidiff.PatchSet(text.decode("latin-1"))


def _lines(content: bytes) -> list[bytes]:
    """The lines as diff(1) counts them, with their ends."""
    lines = [line + b"\n" for line in content.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]
