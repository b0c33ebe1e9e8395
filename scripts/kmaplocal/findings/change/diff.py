# SPDX-License-Identifier: GPL-2.0-only
"""Unified diffs, as diff, git and mails have them: text in, hunks by file out.

unidiff reads them too, but stops at a commit message that quotes the first line of a
hunk, leaves quoted names quoted, and takes names with a blank apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from kmaplocal.errors import KmaplocalError

ADDED, REMOVED, SAME = "+", "-", " "

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_LETTERS = {b"a": 7, b"b": 8, b"t": 9, b"n": 10, b"v": 11, b"f": 12, b"r": 13}


class BadPatch(KmaplocalError):
    """A patch that cannot be read, or is not the one that was applied to the tree."""


@dataclass
class Hunk:
    """Lines with their mark, from line OLD of the file before and NEW of it after."""

    old: int
    new: int
    lines: list[tuple[str, str]] = field(default_factory=list)

    def count(self, mark: str) -> int:
        """How many lines the file before (REMOVED) or after (ADDED) has here."""
        return sum(m in (mark, SAME) for m, _text in self.lines)


@dataclass
class FileDiff:
    """What changes in one file: its name before and after as written, "" for none.

    One that says only that the file is RENAMED or COPIED has names without a prefix
    such as a/, and no hunks: they come after it."""

    old: str
    new: str
    renamed: bool = False
    copied: bool = False
    hunks: list[Hunk] = field(default_factory=list)


def parse(text: str, name: str) -> list[FileDiff]:
    """The files that the patch TEXT changes, in order.

    What is not a diff is passed over, as patch and git do.  NAME is what messages
    call the text.  Raises BadPatch for a hunk that cannot be read."""
    return _Parser(text.split("\n"), name).files()


class _Parser:
    def __init__(self, lines: list[str], name: str):
        self.lines = lines
        self.name = name
        self.at = 0

    def files(self) -> list[FileDiff]:
        found: list[FileDiff] = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.startswith("diff --git "):
                self._git_header(found)
            elif self._names_follow():
                found.append(self._named())
                self._hunks(found[-1])
            elif line.startswith(("diff --cc ", "diff --combined ")):
                raise self._bad("a diff of a merge; make one against one parent")
            else:
                self.at += 1
        return found

    def _git_header(self, found: list[FileDiff]) -> None:
        """The lines below `diff --git`, which alone tell of renames and copies."""
        self.at += 1
        names = {}
        while self.at < len(self.lines) and not self._names_follow():
            line = self.lines[self.at]
            if not line.startswith(_GIT_LINES):
                break
            for key in ("rename from ", "rename to ", "copy from ", "copy to "):
                if line.startswith(key):
                    names[key] = _name(line.removeprefix(key))
            self.at += 1
        if len(names) == 2:
            copied = "copy to " in names
            old, new = names.values()
            found.append(FileDiff(old, new, not copied, copied))

    def _names_follow(self) -> bool:
        marks = ("--- ", "+++ ", "@@ -")
        three = self.lines[self.at : self.at + 3]
        return len(three) == 3 and all(map(str.startswith, three, marks))

    def _named(self) -> FileDiff:
        old, new = (_name(line[4:]) for line in self.lines[self.at : self.at + 2])
        self.at += 2
        return FileDiff(old, new)

    def _hunks(self, file: FileDiff) -> None:
        while self.at < len(self.lines) and self.lines[self.at].startswith("@@ "):
            file.hunks.append(self._hunk())

    def _hunk(self) -> Hunk:
        header = _HUNK.match(self.lines[self.at])
        if not header:
            raise self._bad("not the first line of a hunk")
        old, olds, new, news = (int(n or 1) for n in header.groups())
        # A side without lines is named by the line before it.
        hunk = Hunk(old + (not olds), new + (not news))
        left = {REMOVED: olds, ADDED: news}
        self.at += 1
        while any(left.values()):
            mark, text = self._body_line()
            for side in (REMOVED, ADDED) if mark == SAME else (mark,):
                left[side] -= 1
            if min(left.values()) < 0:
                raise self._bad("the hunk is longer than its first line says")
            hunk.lines.append((mark, text))
            self.at += 1
            self._skip_no_newline()
        return hunk

    def _body_line(self) -> tuple[str, str]:
        line = self.lines[self.at] if self.at < len(self.lines) else "end"
        last = self.at >= len(self.lines) - 1
        # Mailers strip the blank of an empty line.
        mark = SAME if line == "" and not last else line[:1]
        if mark not in (ADDED, REMOVED, SAME) or not mark:
            raise self._bad("the hunk ends before it should: the patch is cut short")
        return mark, line[1:].rstrip("\r")

    def _skip_no_newline(self) -> None:
        if self.at < len(self.lines) and self.lines[self.at].startswith("\\ "):
            self.at += 1

    def _bad(self, what: str) -> BadPatch:
        return BadPatch(f"{self.name}: line {self.at + 1}: {what}")


_GIT_LINES = (
    "old mode ",
    "new mode ",
    "deleted file mode ",
    "new file mode ",
    "copy from ",
    "copy to ",
    "rename from ",
    "rename to ",
    "similarity index ",
    "dissimilarity index ",
    "index ",
)


def _name(written: str) -> str:
    """A file name as it stands in a header: maybe quoted, maybe with a date."""
    if written.startswith('"') and '"' in written[1:]:
        inner = written[1 : written.rindex('"')].encode(errors="surrogateescape")
        name = _ESCAPE.sub(_unescaped, inner).decode(errors="surrogateescape")
    else:
        name = written.partition("\t")[0].rstrip("\r")
    return "" if name == "/dev/null" else name


def _unescaped(match: re.Match) -> bytes:
    code = match[1]
    if len(code) == 3:
        return bytes([int(code, 8) & 0xFF])
    return bytes([_LETTERS[code]]) if code in _LETTERS else code
