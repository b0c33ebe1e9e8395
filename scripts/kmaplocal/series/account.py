# SPDX-License-Identifier: GPL-2.0-only
"""What was done to each function of a file, and why it is safe: the certificate
and the plan, as far as a reviewer asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kmaplocal.apply import agreement
from kmaplocal.apply.plan import mapped_by_folio, mapped_by_vector
from kmaplocal.bounds import plain
from kmaplocal.c.syntax import Expr
from kmaplocal.certify.analysis import FileAnalysis
from kmaplocal.certify.rewritten import Carried
from kmaplocal.certify.certificate import CONVERT, Verdict
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.flow.events import Kind
from kmaplocal.flow.trace import Site
from kmaplocal.knowledge import api, functions
from kmaplocal.repairs import folios, vectors
from kmaplocal.repairs.repair import BasePointer, Exchanged, ExplicitDisable, Joined
from kmaplocal.repairs.repair import Repair, UnmappedBy
from kmaplocal.idioms.flushes import missing_flushes
from kmaplocal.idioms.idioms import Idiom, find_idioms
from kmaplocal.tree.outcome import Outcome

RENAMED, COPIED, FILLED, JOINED = "renamed", "copied", "filled", "joined"
LOWMEM, CARRIED = "lowmem", "carried"
FLUSH = "flush_dcache_page"
# Why the address is kept in a variable of its own.
MOVES, ADDED = "moves", "added"


@dataclass(frozen=True)
class Kept:
    """The address of a mapping is kept in NAME, as VARIABLE MOVES on or has something
    ADDED to it, by WHY."""

    name: str
    variable: str
    why: str


@dataclass(frozen=True)
class Disabled:
    """DISABLE is called by name now, as the last of CALLS, each called by the one
    before, may depend on it; without CALLS, as another arm of the #if does so."""

    disable: str
    calls: tuple[str, ...]


@dataclass(frozen=True)
class Mapping:
    """One mapping that was converted.

    API is the old call, NEW what stands in its place, a map call or a helper. WAY
    is RENAMED, COPIED (a helper does the one copy it served), FILLED (a helper
    writes the whole structure), JOINED (with page_address()), LOWMEM (is
    page_address() now) or CARRIED (its address goes with the page). GIVEN are the
    functions that are given the address, BETWEEN what is called while the page is
    mapped. COPY: what a helper takes the place of; SPARED: whether it makes a
    flush_dcache_page() unnecessary; BACK: the unmap's argument that does not lead
    back into the page, and the variable that does; POINTERS: what is said of the
    function pointers that are called with the address."""

    api: str
    new: str
    way: str = RENAMED
    kept: Kept | None = None
    disabled: tuple[Disabled, ...] = ()
    given: tuple[str, ...] = ()
    between: tuple[str, ...] = ()
    exchanged: bool = False
    copy: str = ""
    spared: bool = False
    back: tuple[str, str] | None = None
    pointers: tuple[str, ...] = ()

    @property
    def atomic(self) -> bool:
        """Whether the old call disabled page faults and preemption."""
        return api.MAPS[self.api].atomic

    @property
    def helped(self) -> bool:
        """Whether a page helper took its place."""
        return self.way in (COPIED, FILLED)

    @property
    def mapped(self) -> bool:
        """Whether a map call took its place."""
        return not self.helped and self.way != LOWMEM


@dataclass(frozen=True)
class User:
    """A function NAME that uses what another one maps, and the names of what is CALLED
    meanwhile, but what unmaps."""

    name: str
    called: tuple[str, ...]


@dataclass(frozen=True)
class Function:
    """One function that was converted: its mappings, and how many are alive at a time
    (DEEPEST); whether it HANDS one to its callers, ENDS one of theirs, or UNMAPS what
    another function maps for it; FLUSHED: the pages that get a flush_dcache_page();
    UNUSED: the variables that nothing uses any more."""

    name: str
    mappings: tuple[Mapping, ...]
    deepest: int = 1
    hands: bool = False
    ends: bool = False
    unmaps: bool = False
    # Callees whose bodies were read, each with the one file it is in, or "".
    read: tuple[tuple[str, str], ...] = ()
    flushed: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    granted: tuple[str, ...] = ()  # what rules out a path on which it would go wrong
    users: tuple[User, ...] = ()  # of what it hands to its callers
    carries: tuple[str, ...] = ()  # parameters that are added for addresses, by name
    keeps: tuple[str, ...] = ()  # members that keep addresses for the calls to come
    leaves: bool = False  # an unmap that it did to its callers


@dataclass(frozen=True)
class Account:
    """One file: what was done to its functions, in the order of the text, and the
    comments that a person is to read again."""

    path: str
    functions: tuple[Function, ...]
    outdated: tuple[str, ...] = ()

    @property
    def apis(self) -> list[str]:
        """The old map calls, one a mapping."""
        return [m.api for function in self.functions for m in function.mappings]


def account(file: FileAnalysis, outcome: Outcome) -> Account:
    """What OUTCOME did to FILE."""
    found = []
    for verdict in sorted(file.verdicts, key=lambda v: v.line):
        if verdict.verdict != CONVERT or verdict.function not in outcome.converted:
            continue
        whole = verdict.line not in file.readings
        readings = [file] if whole else file.readings[verdict.line]
        helped = whole or agreement.keeps_helpers(readings)
        arms = [
            _function(reading, each, helped)
            for reading in readings
            for each in reading.verdicts
            if each.line == verdict.line and _is_known(reading, each)
        ]
        if any(map(_is_changed, arms)):
            found.append(_together(arms))
    notes = tuple(f"{n.file}:{n.line}: {n}" for n in outcome.outdated)
    return Account(file.path, tuple(found), notes)


def _is_changed(each: Function) -> bool:
    return (
        bool(each.mappings or each.ends or each.unmaps or each.carries) or each.leaves
    )


def _is_known(file: FileAnalysis, verdict: Verdict) -> bool:
    carried = file.carried.changes if file.carried else {}
    return verdict.line in file.analyses or verdict.line in carried


def _together(arms: Sequence[Function]) -> Function:
    """What the readings of a function say together."""
    mappings = dict.fromkeys(m for function in arms for m in function.mappings)
    return Function(
        arms[0].name,
        tuple(mappings) if len(arms) > 1 else arms[0].mappings,
        max(function.deepest for function in arms),
        any(function.hands for function in arms),
        any(function.ends for function in arms),
        any(function.unmaps for function in arms),
        tuple(dict.fromkeys(each for function in arms for each in function.read)),
        tuple(dict.fromkeys(each for function in arms for each in function.flushed)),
        tuple(dict.fromkeys(each for function in arms for each in function.unused)),
        tuple(dict.fromkeys(each for function in arms for each in function.granted)),
        tuple(dict.fromkeys(each for function in arms for each in function.users)),
        tuple(dict.fromkeys(each for function in arms for each in function.carries)),
        leaves=any(function.leaves for function in arms),
    )


def _carrying(file: FileAnalysis, verdict: Verdict, carried: Carried) -> Function:
    """A function whose pages go with their addresses from now on."""
    analysis = file.analyses.get(verdict.line)
    sites = [s for s in analysis.trace.sites if s.api.new] if analysis else []
    mappings = tuple(Mapping(s.name, s.api.new, CARRIED) for s in sites)
    name = verdict.function
    gained = (name,) if name in carried.parameters else ()
    leaves = bool(carried.changes[verdict.line].dropped)
    return Function(name, mappings, hands=True, carries=gained, leaves=leaves)


def _function(file: FileAnalysis, verdict: Verdict, helped: bool) -> Function:
    if file.carried and verdict.line in file.carried.changes:
        return _carrying(file, verdict, file.carried)
    analysis = file.analyses[verdict.line]
    idioms = find_idioms(file, analysis, verdict) if helped else []
    repairs = {c.mapping.site: c.repairs for c in verdict.certificates}
    calls = analysis.function.calls(api.OLD)
    sites = [s for s in analysis.trace.sites if s.api.new and s.call in calls]
    mappings = tuple(_mapping(analysis, site, repairs[site], idioms) for site in sites)
    names = sorted({name for m in mappings for name in m.given})
    flushes = missing_flushes(file).get(analysis, ())
    return Function(
        analysis.function.name,
        mappings,
        analysis.trace.deepest or 1,
        bool(analysis.handed),
        bool(analysis.mapped),
        bool({*calls} - analysis.lowmem) and not sites and not analysis.mapped,
        tuple(_read(analysis, names)),
        tuple(page for _, page in flushes),
        tuple(v.name for idiom in idioms for v in idiom.unused),
        tuple(dict.fromkeys(e.detail for e in analysis.trace.of(None, Kind.GRANTED))),
        tuple(_users(file, analysis)) if analysis.handed else (),
        keeps=tuple(analysis.holder.names.values()) if analysis.holder else (),
    )


def _users(file: FileAnalysis, mapper: FunctionAnalysis) -> Iterator[User]:
    """The functions of the tree that use what MAPPER, of FILE, maps for them, those
    included that are given it by one which hands it on."""
    hands = {mapper.function.name}
    using = list(dict.fromkeys(file.users))
    while True:
        found = [u for u in using if any(s.name in hands for s in u.trace.sites)]
        more = {u.function.name for u in found if u.handed} - hands
        if not more:
            break
        hands |= more
    for analysis in found:
        sites = [s for s in analysis.trace.sites if s.name in hands]
        ending = {call.callee for call in analysis.trace.unmaps}
        called = dict.fromkeys(
            name for site in sites for name in _called(analysis, site)
        )
        yield User(analysis.function.name, tuple(n for n in called if n not in ending))


def _mapping(
    analysis: FunctionAnalysis,
    site: Site,
    repairs: Sequence[Repair],
    idioms: list[Idiom],
) -> Mapping:
    idiom = next((i for i in idioms if site.call in i.calls), None)
    new, way = site.api.new, RENAMED
    if site.call in analysis.lowmem:
        new, way = "page_address", LOWMEM
    elif idiom:
        way = FILLED if idiom.rule == "struct_fill" else COPIED
        new = idiom.helper
    elif any(isinstance(repair, Joined) for repair in repairs):
        way = JOINED
    elif mapped_by_folio(analysis, site.call):
        new = folios.MAP
    elif mapped_by_vector(analysis, site.call):
        new = vectors.MAP
    return Mapping(
        site.name,
        new,
        way,
        None if idiom else next(_kept(analysis, site, repairs), None),
        tuple(_disabled(repairs)),
        tuple(_given(analysis, site)),
        tuple(_called(analysis, site)),
        any(isinstance(repair, Exchanged) for repair in repairs),
        idiom.replaced.callee or "copy" if idiom else "",
        idiom is not None and any(e.callee == FLUSH for e in idiom.dropped),
        None if idiom else next(_back(repairs), None),
        tuple(use.detail for use in analysis.trace.of(site.number, Kind.POINTER)),
    )


def _kept(
    analysis: FunctionAnalysis, site: Site, repairs: Iterable[Repair]
) -> Iterator[Kept]:
    """The variable of its own that keeps the address."""
    for repair in repairs:
        if isinstance(repair, BasePointer):
            moved = analysis.trace.of(site.number, Kind.MOVED)
            yield Kept(repair.name, site.variable, MOVES if moved else ADDED)


def _back(repairs: Iterable[Repair]) -> Iterator[tuple[str, str]]:
    for repair in repairs:
        if isinstance(repair, UnmappedBy):
            yield plain(repair.unmap.arguments[0].text), repair.variable


def _disabled(repairs: Iterable[Repair]) -> Iterator[Disabled]:
    for repair in repairs:
        if isinstance(repair, ExplicitDisable):
            yield Disabled(repair.disable, repair.chain)


def _given(analysis: FunctionAnalysis, site: Site) -> list[str]:
    """The functions that are given the address of a mapping, by name."""
    found: dict[str, None] = {}
    for read in sorted(analysis.trace.reads(site.number), key=lambda e: e.start):
        call = _argument_of(read)
        if call is not None and call.callee not in api.UNMAPS:
            found.setdefault(call.callee)
    return [name for name in found if name]


def _argument_of(read: Expr) -> Expr | None:
    """The call that is given an address, or a sum of it, as an argument; not what is
    given a value that was read there."""
    node, read_there = read, False
    while node.parent is not None and node.parent.kind in _SUMS:
        node = node.parent
        read_there |= node.kind == "index" or (node.kind, node.op) == ("unary", "*")
        read_there |= node.kind == "member"
        read_there &= (node.kind, node.op) != ("unary", "&")
    parent = node.parent
    if parent is None or parent.kind != "call" or not parent.callee:
        return None
    number = next((n for n, a in parent.arguments.items() if a is node), None)
    row = functions.of(parent.callee)
    if number is None or row.silent or row.by_value or row.tests or row.looks:
        return None
    through = number in row.accesses or number in row.reads or number in row.writes
    return parent if through or not read_there else None


_SUMS = ("binary", "paren", "cast", "index", "member", "unary")


def _called(analysis: FunctionAnalysis, site: Site) -> list[str]:
    during = sorted(analysis.trace.during(site.number), key=lambda e: e.start)
    names = dict.fromkeys(e.callee for e in during if e.kind == "call" and e.callee)
    return [name for name in names if name not in api.UNMAPS and name not in api.MAPS]


def _read(analysis: FunctionAnalysis, names: list[str]) -> Iterator[tuple[str, str]]:
    """Those of NAMES whose bodies were read, each with its file where there is one."""
    callees = analysis.knowledge.callees
    for name in names:
        if name in functions.HARMLESS:
            continue
        if name in callees.sources.get(analysis.file, {}):
            yield name, analysis.file
            continue
        files = sorted({file for file, _ in callees.find(analysis.file, name)})
        if files:
            yield name, files[0] if len(files) == 1 else ""
