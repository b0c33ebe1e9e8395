# SPDX-License-Identifier: GPL-2.0-only
"""Families that are closed: nobody else calls their functions, nor asks for the address
of their pages by the page alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kmaplocal.c.outline import JUMPS, Span
from kmaplocal.certify.family import MOST_ROUNDS, Family, Key, is_shared
from kmaplocal.knowledge import functions, pages
from kmaplocal.repairs.heads import misused
from kmaplocal.repairs.roles import Refused, with_initialised

if TYPE_CHECKING:
    from kmaplocal.certify.analysis import Analysis

_BY_PAGE = {"page_address", "kunmap"}
_IN_PAGES = {"kmap", *_BY_PAGE, *JUMPS}


class Closed:
    """A FAMILY, as ANALYSIS knows the tree around it."""

    def __init__(self, analysis: Analysis, family: Family):
        self.analysis, self.family = analysis, family
        self.outlines = {file: analysis.outlines[file] for file in family.files}
        self.known = {file: family.known(file) for file in self.outlines}

    def check(self) -> None:
        """Raise Refused where others can call one of them, or ask for the address of
        such a page by the page alone."""
        for key in self.family.functions:
            self.span(key)
        for file, name in self.family.lost:
            raise Refused(f"{name}() of {file} was not understood")
        for key in self.family.roles:
            self._is_only(key)
        for file, outline in self.outlines.items():
            for name in self.known[file]:
                why = misused(outline, name)
                if why:
                    raise Refused(f"{why} ({file})")
            for span in outline.holding(self.known[file]):
                if Key(file, span.name) not in self.family.functions:
                    raise Refused(f"{span.name}() of {file} was not understood")
        given = {(k.file, n) for k in self.family.functions for n in self._given(k)}
        for _ in range(MOST_ROUNDS):
            for file, name in sorted(given):
                self._reaches(file, name)
            if not self.analysis.learner.learn():
                break
        for file, name in sorted(given):
            unread = self.analysis.callees.unread(file, name)
            if unread and not name.startswith(pages.FLAGS):
                raise Refused(f"a page is given to {name}(), which nobody found")

    def span(self, key: Key) -> Span:
        """The one definition of a function.  Raises Refused."""
        spans = [s for s in self.outlines[key.file].functions if s.name == key.name]
        if len(spans) != 1 or self._conditional(key, spans[0]):
            raise Refused(f"there may be another {key.name}()")
        return spans[0]

    def _conditional(self, key: Key, span: Span) -> bool:
        """Whether an #if in SPAN hides something of what becomes of pages."""
        outline, function = self.outlines[key.file], self.family.functions[key]
        mapped = with_initialised(function, self.known[key.file]).keys()
        seen = {*_IN_PAGES, *self.known[key.file], *mapped}
        for group in outline.conditionals:
            first, last = group.lines[0], group.lines[-1]
            if not any(span.line <= line <= span.end for line in group.lines):
                continue
            whole = span.line < first and last < span.end
            hidden = (t.text for t in outline.between(first, last) if not t.directive)
            if not whole or not seen.isdisjoint(hidden):
                return True
        return False

    def _is_only(self, key: Key) -> None:
        """Raise Refused where the function of KEY may be called by what is not known,
        or there may be another one that is called so."""
        if not is_shared(self.outlines[key.file], key):
            return
        tree = self.analysis.definitions
        if (
            tree is None
            or not tree.search.is_whole()
            or key.name not in self.family.mentions
        ):
            raise Refused(f"{key.name}() can be called by other files")
        for file in self.family.mentions[key.name]:
            outline = self.analysis.outlines[file]
            other = Key(file, key.name)
            spans = [s for s in outline.functions if s.name == key.name]
            if spans and other != key and is_shared(outline, other):
                raise Refused(f"there may be another {key.name}()")

    def _given(self, key: Key) -> Iterator[str]:
        """What a function gives a page to, of which that is to be found out."""
        function, known = self.family.functions[key], self.known[key.file]
        mapped = with_initialised(function, known).keys()
        inside = {k.name for k in self.family.functions if k.file == key.file}
        for call in function.exprs:
            names = {e.bare().text for e in call.arguments.values()} & mapped
            told = {*functions.TABLE, *inside, *known}
            if names and call.kind == "call" and call.callee not in told:
                yield call.callee

    def _reaches(self, file: str, callee: str) -> None:
        """Raise Refused where CALLEE may unmap a page that it is given, or asks for its
        address."""
        if not callee:
            raise Refused("a page is given to a function pointer")
        asking = self.analysis.callees.reaches(file, callee, _BY_PAGE, 2)
        if asking:
            raise Refused(f"{asking} has nothing but the page")
