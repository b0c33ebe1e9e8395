# SPDX-License-Identifier: GPL-2.0-only
"""The lines of a tree that may define functions and macros: a choice of files, not a
decision.

All of them are looked for once where much is asked, as for a whole tree.  For a few
names ripgrep is four times as fast, so the first few of these are looked for alone."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property

from kmaplocal.knowledge import api
from kmaplocal.tree.search import Lines, Search, pieces

# Lines at column 0: `type name(`, `#define name(`, `#define name other`.
_LIKELY = "|".join(
    (
        r"^[a-zA-Z_].*\(.*[^;]$",
        r"^[a-zA-Z_].*\($",
        r"^#[ \t]*define[ \t]+[a-zA-Z_0-9]+\(",
        r"^#[ \t]*define[ \t]+[a-zA-Z_0-9]+[ \t]+[a-zA-Z_][a-zA-Z_0-9]*[ \t]*$",
    )
)
_IS_LIKELY = re.compile(_LIKELY, re.ASCII)
_CALL = re.compile(r"([A-Za-z_]\w*)[ \t]*\(")
_DEFINE = re.compile(r"#[ \t]*define[ \t]+(\w+)")
_MOST_TIMES = 1  # that a few names are looked for alone, but for those foreseen


class Likely:
    """The lines of the tree that SEARCH is about.  Errors, of all: SearchFailed."""

    def __init__(self, search: Search):
        self.search = search
        self._all: dict[str, Lines] = {}
        self._times: Counter[str] = Counter()  # that a few names were looked for
        self._foreseen: frozenset[str] = frozenset()
        self._some = Lines()  # those with one of them

    def prepare(self) -> None:
        """Find now what is needed for whatever is asked."""
        self._lines("")
        self._mapping.file.flush()

    def foresee(self, names: Iterable[str]) -> None:
        """Look for NAMES, which are asked about next, and for the map functions in one
        pass, where nothing was looked for before."""
        if self._all or self.search.answers.mapping is not None:
            return
        wanted = frozenset(names)
        some = pieces(wanted | api.NAMES)
        if some:
            self._foreseen = wanted
            self.search.lines_with(some, "", self._some.file)
            self.search.note_mapping(self._some.with_words(api.NAMES))

    def holding(self, top: str, names: set[str]) -> Iterable[str]:
        """The lines below TOP with one of NAMES; "" is the kernel proper."""
        if not top and names <= self._foreseen:
            return _likely(self._some, names)
        some = None if top in self._all else pieces(names)
        if some is None or self._times[top] == _MOST_TIMES:
            return self._lines(top).with_words(names)
        self._times[top] += 1
        lines = Lines()
        self.search.lines_with(some, top, lines.file)
        return _likely(lines, names)

    def mapping(self, names: set[str]) -> Iterable[str]:
        """The lines with one of NAMES in files of the kernel proper where a map
        function is named."""
        return self._mapping.with_words(names)

    def among(self, files: Sequence[str]) -> list[str]:
        """The lines of FILES."""
        return self.search.lines_in(_LIKELY, files)

    def _lines(self, top: str) -> Lines:
        if top not in self._all:
            self._all[top] = Lines()
            self.search.lines(_LIKELY, top, self._all[top].file)
        return self._all[top]

    @cached_property
    def _mapping(self) -> Lines:
        found = Lines()
        text = "".join(f"{line}\n" for line in self.among(self.search.mapping))
        found.file.write(os.fsencode(text))
        return found


def defining(lines: Iterable[str], names: set[str]) -> dict[str, set[str]]:
    """The files whose LINES may define one of NAMES."""
    found: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        file, _nul, text = line.partition("\0")
        for name in _defined(text) & names:
            found[name].add(file.removeprefix("./"))
    return found


def _likely(lines: Lines, names: Iterable[str]) -> Iterable[str]:
    """Those of LINES that hold one of NAMES and may define it."""
    either = "|".join(sorted(names))
    for line in lines.matching(rf"\x00([a-zA-Z_#].*\b)?({either})\b"):
        if _IS_LIKELY.match(line.partition("\0")[2]):
            yield line


def _defined(text: str) -> set[str]:
    """The names that a likely line may define."""
    if text.startswith("#"):
        return {match[1] for match in [_DEFINE.match(text)] if match}
    first = _CALL.match(text)
    if first and first[1].isupper():  # EXPORT_SYMBOL(x), DEFINE_MUTEX(x)
        return set()
    return set(_CALL.findall(text))
