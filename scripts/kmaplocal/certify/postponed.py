# SPDX-License-Identifier: GPL-2.0-only
"""Unmaps that are postponed: what unmaps too early leaves that to its callers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kmaplocal.c.syntax import Expr
from kmaplocal.certify.closed import Closed
from kmaplocal.certify.family import Family, Key
from kmaplocal.certify.file import FileAnalysis
from kmaplocal.flow.events import Kind
from kmaplocal.repairs.heads import says
from kmaplocal.repairs.late import late_role, only_unmaps
from kmaplocal.repairs.roles import GIVEN, Refused, Role

if TYPE_CHECKING:
    from kmaplocal.certify.analysis import Analysis

# What another user of a page makes a difference to.  Source: mm/truncate.c, vmscan.c.
_COUNTING = {"invalidate_inode_pages2", "invalidate_inode_pages2_range", "page_count"}
_COUNTING |= {"invalidate_mapping_pages", "remove_mapping", "migrate_pages"}
_COUNTING |= {"page_ref_freeze", "folio_ref_freeze", "page_ref_count"}
# How a comment says that a function is the last to need its page.
_RELEASES = ("releas", "unmap", "put", "drop")


class Postponed:
    """What unmaps too early in the functions of a FAMILY that are WRONG, as they are
    AFTER the change.  LATER: the calls behind which their callers are to unmap, before
    they return, by their files and lines: the caller, and what is called."""

    def __init__(
        self,
        analysis: Analysis,
        family: Family,
        wrong: Sequence[Key],
        after: Mapping[str, FileAnalysis],
    ):
        self.analysis, self.family, self.wrong = analysis, family, wrong
        self.closed = Closed(analysis, family)
        self.later: dict[tuple[str, int], tuple[Key, str]] = {
            (key.file, call.start[0]): (key, call.callee)
            for key in wrong
            for call in _disordered(key, after[key.file])
        }

    def leaving(self) -> Family:
        """The family in which that is left to the callers.  Raises Refused."""
        if not self.later:
            raise Refused("no unmap is in the wrong order")
        roles, late = dict(self.family.roles), self._late()
        for key in late:
            if says(self.closed.outlines[key.file], self.closed.span(key), _RELEASES):
                raise Refused(f"the comment on {key.name}() says that it unmaps")
            function, known = self.family.functions[key], self.closed.known[key.file]
            roles[key] = late_role(function, known, self._putting())
        self._counts_pages({*self._called_mapped(late)})
        return replace(self.family, roles=roles)

    def _late(self) -> set[Key]:
        """The functions that are to leave their unmap to their callers."""
        found = set[Key]()
        for key, callee in self.later.values():
            found |= {k for k in self._called(key, callee) if k not in self.wrong}
        return found

    def _called_mapped(self, late: Collection[Key]) -> Iterator[tuple[str, str]]:
        """What is called while the page is mapped, and was not before: in those that
        are LATE, behind their unmap, and in callers, behind the call."""
        yield from ((k.file, n) for k in late for n in self._behind_unmap(k))
        for (_, line), (key, _) in self.later.items():
            for each in self.family.functions[key].exprs:
                if each.callee and each.start[0] > line:
                    yield key.file, each.callee

    def _called(self, key: Key, callee: str) -> Iterator[Key]:
        """The function CALLEE of the family, as that of KEY calls it."""
        own = Key(key.file, callee)
        found = [k for k in self.family.functions if k.name == callee]
        for each in [own] if own in found else found:
            if self.family.roles.get(each, Role("")).kind == GIVEN:
                yield each

    def _behind_unmap(self, key: Key) -> Iterator[str]:
        """What the function of KEY calls behind what unmaps."""
        exprs, unmaps = self.family.functions[key].exprs, {"kunmap"}
        unmaps |= self.closed.known[key.file].keys()
        ends = [e.start for e in exprs if e.callee in unmaps]
        yield from (e.callee for e in exprs if e.callee and e.start > min(ends))

    def _putting(self) -> dict[str, bool]:
        """What does nothing but unmap a page; and whether it puts it, too."""
        found = {k.name: only_unmaps(f) for k, f in self.family.functions.items()}
        return {name: puts for name, puts in found.items() if puts is not None}

    def _counts_pages(self, given: Collection[tuple[str, str]]) -> None:
        """Raise Refused where one of those GIVEN may wait for the last user of a page:
        there is one more while it is mapped."""
        for file, name in sorted(given):
            if self.analysis.callees.reaches(file, name, _COUNTING, 2):
                raise Refused(f"{name}() may count who has the page")


def _disordered(key: Key, after: FileAnalysis) -> Iterator[Expr]:
    """The unmaps in the function of KEY, as it is AFTER the change, that come before
    those of later mappings."""
    for analysis in after.analyses.values():
        if analysis.function.name == key.name:
            for event in analysis.trace.events:
                if event.kind is Kind.DISORDERED:
                    yield event.place
