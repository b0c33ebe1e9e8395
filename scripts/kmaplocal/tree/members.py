# SPDX-License-Identifier: GPL-2.0-only
"""The types of structure members, as Universal Ctags reads them in the headers."""

from __future__ import annotations

import sys
from collections.abc import Container, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from kmaplocal.c import tags
from kmaplocal.tree.answers import Answers, Member
from kmaplocal.tree.index import Index
from kmaplocal.tree.search import Lines, Search

_FIELDS = ("--kinds-C=m", "--fields=ts")


class _Member(NamedTuple):
    file: str
    struct: str
    type: str


class Members:
    """The members of the structures of one tree; remembers what it has read."""

    def __init__(self, tree: Path, search: Search, known: Answers):
        self.tree, self.search, self.known = tree, search, known
        self._found: dict[str, list[_Member]] = {}
        # By the name, and the structure.
        self._scoped: dict[str, dict[str, frozenset[str]]] = {}
        self._types: dict[frozenset[str], frozenset[str]] = {}  # each once
        for name, members in known.members.items():
            self._note(name, (_Member(*each) for each in members))
        self._read: set[str] = set()
        self._tags = Lines()
        self._index = Index(self._tags.file)
        self._whole = False  # all headers were read

    def ask(self, names: Iterable[str], files: Sequence[str]) -> None:
        """Read all there is of members of these NAMES in headers and in FILES.

        Errors: TagsError, SearchFailed."""
        new = set(names) - self._found.keys()
        fresh = [file for file in files if file not in self._read]
        headers = self.search.headers(new) if new and not self._whole else []
        self._write([*headers, *fresh])
        again = new.union(self._found if fresh else ())
        if again:
            self._look(again)

    def read_all(self) -> None:
        """Read all headers now.  Errors: TagsError, SearchFailed."""
        self._write(self.search.structures)
        self._index.read()
        self._whole = True

    def types(self, name: str, files: Sequence[str]) -> set[str]:
        """The types of all members NAME in headers and in FILES."""
        known = self._found.get(name, ())
        return {m.type for m in known if m.file.endswith(".h") or m.file in files}

    def of(self, struct: str, name: str) -> frozenset[str]:
        """The types of the members NAME of all structures called STRUCT."""
        if name not in self._scoped:
            types: dict[str, set[str]] = {}
            for found in self._found.get(name, ()):
                types.setdefault(found.struct, set()).add(found.type)
            each = {struct: frozenset(every) for struct, every in types.items()}
            self._scoped[name] = {
                s: self._types.setdefault(t, t) for s, t in each.items()
            }
        return self._scoped[name].get(struct, frozenset())

    def _write(self, files: Iterable[str]) -> None:
        """Have the tags of FILES among those to choose from."""
        new = [file for file in files if file not in self._read]
        self._read.update(new)
        self._tags.file.seek(0, 2)
        tags.write(self.tree, new, _FIELDS, self._tags.file)

    def _look(self, names: set[str]) -> None:
        """Choose the members of these NAMES."""
        found: dict[str, list[_Member]] = {name: [] for name in names}
        for line in self._index.lines(names):
            name, member = _parsed(line)
            found[name].append(member)
        for name, members in found.items():
            self._note(name, members)
            headers = (m for m in members if m.file.endswith(".h"))
            self.known.members[name] = [(m.file, m.struct, m.type) for m in headers]

    def _note(self, name: str, members: Iterable[_Member]) -> None:
        self._found[name] = list(members)
        self._scoped.pop(name, None)


def members_in(
    tree: Path, headers: Iterable[str], names: Container[str]
) -> dict[str, list[Member]]:
    """The members of these NAMES in HEADERS.  Errors: TagsError."""
    found: dict[str, list[Member]] = {}
    for line in tags.lines(tree, headers, _FIELDS):
        name, member = _parsed(line)
        if name in names:
            found.setdefault(name, []).append((member.file, member.struct, member.type))
    return found


def _parsed(line: str) -> tuple[str, _Member]:
    name, file, rest = line.split("\t", 2)
    return name, _Member(sys.intern(tags.named(file)), *_struct_and_type(rest))


def _struct_and_type(fields: str) -> tuple[str, str]:
    """The structure "" when it has no name, and the type, in a tag's FIELDS."""
    _before, _key, typed = fields.partition("\ttyperef:")
    kind, _colon, text = typed.split("\t", 1)[0].partition(":")
    text = text if kind == "typename" else f"{kind} {text}"
    struct = fields.partition("\tstruct:")[2].split("\t", 1)[0]
    return sys.intern(struct), sys.intern(text)
