# SPDX-License-Identifier: GPL-2.0-only
"""What was done to each function of a file, and why it is safe: the certificate
and the plan, as far as a reviewer asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kmaplocal.repairs.flushes import missing_flushes
from kmaplocal.repairs.idioms import Idiom, find_idioms
from kmaplocal.certify.analysis import FileAnalysis
from kmaplocal.certify.certificate import CONVERT, FAULTS, PREEMPT
from kmaplocal.certify.obligations import DISABLE, Judge
from kmaplocal.flow.events import Site
from kmaplocal.knowledge import api
from kmaplocal.tree.outcome import Outcome
from kmaplocal.c.syntax import Expr

RENAMED, COPIED, FILLED, JOINED = "renamed", "copied", "filled", "joined"
FLUSH = "flush_dcache_page"


@dataclass(frozen=True)
class Mapping:
    """One mapping that was converted.

    API is the old call, NEW what stands in its place, a map call or a helper. WAY
    is RENAMED, COPIED (a helper does the one copy it served), FILLED (a helper
    writes the whole structure) or JOINED (with page_address()). BASE is the
    variable that keeps the address where it was added; DISABLED what is disabled
    by name now, each with the call that asks for it; GIVEN the functions that are
    given the address; BETWEEN what is called while the page is mapped; SPARED
    whether the helper makes a flush_dcache_page() unnecessary."""

    api: str
    new: str
    way: str = RENAMED
    base: str = ""
    disabled: tuple[tuple[str, str], ...] = ()
    given: tuple[str, ...] = ()
    between: tuple[str, ...] = ()
    exchanged: bool = False
    spared: bool = False

    @property
    def atomic(self) -> bool:
        """Whether the old call disabled page faults and preemption."""
        return api.MAPS[self.api].atomic


@dataclass(frozen=True)
class Function:
    """One function that was converted: its mappings, how many are alive at a time,
    what it hands to its callers or ends for them, and what was added."""

    name: str
    mappings: tuple[Mapping, ...]
    deepest: int = 1
    hands: bool = False
    ends: bool = False
    read: tuple[tuple[str, str], ...] = ()  # callees that were read, each with its file
    flushed: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


@dataclass(frozen=True)
class Account:
    """One file: what was done to its functions, in the order of the text, and the
    comments that a person is to read again."""

    path: str
    functions: tuple[Function, ...]
    outdated: tuple[str, ...] = ()


def account(file: FileAnalysis, outcome: Outcome) -> Account:
    """What OUTCOME did to FILE."""
    flushes = missing_flushes(file)
    found = []
    for verdict in sorted(file.verdicts, key=lambda v: v.line):
        judge = file.judges.get(verdict.line)
        if verdict.verdict != CONVERT or judge is None:
            continue
        if verdict.function in outcome.converted and judge.function.calls(api.OLD):
            pages = tuple(page for _, page in flushes.get(judge, ()))
            found.append(_function(file, judge, pages))
    notes = tuple(f"{n.file}:{n.line}: {n}" for n in outcome.outdated)
    return Account(file.path, tuple(found), notes)


def _function(file: FileAnalysis, judge: Judge, flushed: tuple[str, ...]) -> Function:
    idioms = find_idioms(file, judge)
    sites = [s for s in judge.trace.sites if s.api.new]
    mappings = tuple(_mapping(judge, site, idioms) for site in sites)
    live = [len(alive) for each in judge.trace.alive.values() for alive in each]
    names = sorted({name for m in mappings for name in m.given})
    return Function(
        judge.function.name,
        mappings,
        max(live, default=1) or 1,
        bool(judge.handed),
        bool(judge.mapped),
        tuple(_read(judge, names)),
        flushed,
        tuple(v.name for idiom in idioms for v in idiom.unused),
    )


def _mapping(judge: Judge, site: Site, idioms: list[Idiom]) -> Mapping:
    idiom = next((i for i in idioms if site.call in i.calls), None)
    new, way = site.api.new, RENAMED
    if idiom:
        way = FILLED if idiom.rule == "struct_fill" else COPIED
        new = idiom.helper
    elif judge.pages.joined(site):
        way = JOINED
    saved = judge.pages.saved.get(site.number)
    unmaps = [e for e, ends in judge.trace.unmaps.items() if _ends(ends, site)]
    return Mapping(
        site.name,
        new,
        way,
        saved.name if saved and not idiom else "",
        tuple(_disabled(judge, site)),
        tuple(_given(judge, site)),
        tuple(_called(judge, site)),
        any(unmap in judge.trace.exchanged for unmap in unmaps),
        idiom is not None and any(e.callee == FLUSH for e in idiom.dropped),
    )


def _ends(ends: set, site: Site) -> bool:
    return any(number == site.number for number, _ in ends)


def _disabled(judge: Judge, site: Site) -> Iterator[tuple[str, str]]:
    """What is disabled by name around a mapping, each with the call that needs it."""
    for name in (FAULTS, PREEMPT):
        if judge.explicit(name).get(site.number):
            needing = judge.needing(site, name)
            yield DISABLE[name][0], needing[0].callee if needing else ""


def _given(judge: Judge, site: Site) -> list[str]:
    """The functions that are given the address of a mapping, by name."""
    found: dict[str, None] = {}
    for read in sorted(judge.trace.reads[site.number], key=lambda e: e.start):
        call = _argument_of(read)
        if call is not None and call.callee not in api.UNMAPS:
            found.setdefault(call.callee)
    return [name for name in found if name]


def _argument_of(read: Expr) -> Expr | None:
    """The call that is given an address, or a sum of it, as an argument."""
    node = read
    while node.parent is not None and node.parent.kind in _SUMS:
        node = node.parent
    parent = node.parent
    if parent is not None and parent.kind == "call":
        if any(argument is node for argument in parent.arguments.values()):
            return parent
    return None


_SUMS = ("binary", "paren", "cast", "index", "member", "unary")


def _called(judge: Judge, site: Site) -> list[str]:
    during = sorted(judge.trace.during[site.number], key=lambda e: e.start)
    names = dict.fromkeys(e.callee for e in during if e.kind == "call" and e.callee)
    return [name for name in names if name not in api.UNMAPS and name not in api.MAPS]


def _read(judge: Judge, names: list[str]) -> Iterator[tuple[str, str]]:
    """Those of NAMES that were found and read, each with its file."""
    callees = judge.knowledge.callees
    for name in names:
        if name in callees.sources.get(judge.file, {}):
            yield name, judge.file
            continue
        for file, _ in callees.find(judge.file, name)[:1]:
            yield name, file
