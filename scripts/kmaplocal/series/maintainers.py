# SPDX-License-Identifier: GPL-2.0-only
"""The sections of a tree's MAINTAINERS file, and which one a file belongs to.

Source: the head of MAINTAINERS: an entry has a title and lines such as
`F:\tdrivers/net/`; a pattern that ends in a slash takes all below the folder,
one with * takes no more folders than it names; `X:` excludes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

# An entry that matches every file, and says nothing about one.
REST = "THE REST"


@dataclass(frozen=True)
class Section:
    """An entry of MAINTAINERS: its title, the patterns of its files, those of the
    files that are not of it, and its PEOPLE and lists as they are written there."""

    title: str
    files: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    people: tuple[str, ...] = ()

    def depth(self, path: str) -> int:
        """How closely the entry describes the file PATH: the number of folders and
        names that its best pattern gives, 0 when the file is not of it."""
        if any(_depth(pattern, path) for pattern in self.excluded):
            return 0
        return max((_depth(pattern, path) for pattern in self.files), default=0)


@dataclass
class _Draft:
    title: str
    files: list[str] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)
    people: list[str] = field(default_factory=list)

    def section(self) -> Section:
        files, excluded = tuple(self.files), tuple(self.excluded)
        return Section(self.title, files, excluded, tuple(self.people))


class Maintainers:
    """The entries of a MAINTAINERS file."""

    def __init__(self, text: str):
        self.sections = [
            s for s in _sections(text) if s.files and s.title.upper() != REST
        ]

    @classmethod
    def of(cls, root: Path) -> Maintainers:
        """Those of the tree at ROOT; none when it has no such file."""
        file = root / "MAINTAINERS"
        text = file.read_text(errors="replace") if file.is_file() else ""
        return cls(text)

    def closest(self, path: str) -> tuple[str, int]:
        """The title of the entry that describes the file PATH most closely, and how
        closely (see Section.depth); ("", 0) when only the rest is left for it."""
        found = [(s.depth(path), s.title) for s in self.sections]
        depth, title = max(found, key=lambda each: each[0], default=(0, ""))
        return (title, depth) if depth else ("", 0)

    def people(self, title: str) -> tuple[str, ...]:
        """The people and lists of the entry TITLE, as the file has them."""
        named = (s.people for s in self.sections if s.title == title)
        return next(named, ())


def _sections(text: str) -> list[Section]:
    drafts: list[_Draft] = []
    fresh = True
    for line in text.splitlines():
        head, _, rest = line.partition(":")
        if not line.strip():
            fresh = True
        elif len(head) == 1 and head.isupper() and drafts and not fresh:
            _add(drafts[-1], head, rest.strip())
        elif fresh and not line[0].isspace():
            drafts.append(_Draft(line.strip()))
            fresh = False
    return [draft.section() for draft in drafts]


def _add(draft: _Draft, letter: str, value: str) -> None:
    if letter == "F":
        draft.files.append(value)
    elif letter == "X":
        draft.excluded.append(value)
    elif letter in "ML":
        draft.people.append(value)


def _depth(pattern: str, path: str) -> int:
    """How many parts of PATH the pattern names; 0 when it does not match."""
    parts = path.split("/")
    named = pattern.rstrip("/").split("/")
    if len(named) > len(parts):
        return 0
    if not all(fnmatchcase(p, n) for p, n in zip(parts, named)):
        return 0
    below = pattern.endswith("/") or len(named) == len(parts)
    return len(named) if below or _is_folder_pattern(pattern) else 0


def _is_folder_pattern(pattern: str) -> bool:
    """Whether PATTERN names a folder without its slash: no suffix, no star in its
    last part, as get_maintainer.pl adds the slash where there is such a folder."""
    last = pattern.split("/")[-1]
    return "." not in last and "*" not in last and "?" not in last
