# SPDX-License-Identifier: GPL-2.0-only
"""What kmap_atomic() disabled on the side, disabled by name instead.

A call that disables goes after the map and one that enables before every
unmap: where these are statements of their own, what stands between them runs
as it did before.  Where they are not, or only as arms of an `if`, and one call is all
that is done with the page, they go around that call.
"""

from __future__ import annotations

from kmaplocal.c.places import Places
from kmaplocal.flow.events import Kind
from kmaplocal.flow.trace import Site, Trace
from kmaplocal.flow.values import Origin
from kmaplocal.repairs.repair import Around
from kmaplocal.c.syntax import Expr, Function, Stmt


def explicit(
    function: Function,
    trace: Trace,
    needy: dict[int, list[Expr]],
    calls_too: bool,
    text: str = "",
) -> dict[Origin, Around | None]:
    """The mappings that get calls around them, so that each call of those in
    NEEDY, by mapping, runs between two, or, without calls, all of it; None for a
    mapping that lies within such a one.  What cannot be helped is missing.
    CALLS_TOO: it may be around a call that is made without the mapping as well; TEXT:
    of the file."""
    found: dict[Origin, Around | None] = {}
    taken: set[Stmt] = set()

    def exposed(number: int) -> bool:
        calls = needy[number]
        return not calls or any(
            number in live and not any(found.get(outer) for outer in live)
            for call in calls
            for live in trace.alive(call)
        )

    for number, calls in needy.items():
        site = trace.sites[number]
        place = around(function, trace, site, calls)
        if place and any(_in_tight_arm(s, text) for s in (place.begin, *place.ends)):
            place = None
        if calls_too and (not place or is_arm(place.begin)):
            place = _around_call(function, trace, site, calls) or place
        if place and exposed(number) and not taken & {place.first, *place.ends}:
            found[number] = place
            taken |= {place.first, *place.ends}
    return found | {n: None for n in needy if n not in found and not exposed(n)}


def around(
    function: Function, trace: Trace, site: Site, calls: list[Expr]
) -> Around | None:
    """Where a mapping can be told off from what is around it, so that CALLS are
    inside; None when its map call or an unmap is a part of something else, or
    an unmap ends other mappings too.  Each can be the arm of an `if`: it gets braces.
    """
    places = Places(function)
    unmaps = trace.unmaps_alone(site.number)
    homes = [places.statement(unmap) for unmap in unmaps]
    ends = [stmt for stmt in homes if stmt is not None]
    begin = places.statement(site.call)
    if not unmaps or begin is None or not _is_placed(places, begin):
        return None
    if begin.kind not in ("expression", "declaration"):
        return None
    if len(ends) < len(unmaps):
        return None
    if not all(_alone(stmt, unmap) for stmt, unmap in zip(ends, unmaps)):
        return None
    whole = _without_arms(begin)
    block = places.siblings(whole)
    after = block[block.index(whole) + 1 :]
    first = next((s for s in after if s.kind != "declaration"), None)
    if first is None or not all(_is_placed(places, stmt) for stmt in ends):
        return None
    if any(call.start < first.start for call in calls):
        return None
    return Around(begin, first, tuple(ends))


def _around_call(
    function: Function, trace: Trace, site: Site, calls: list[Expr]
) -> Around | None:
    """The statement that the one call of CALLS is, where nothing else writes to the
    page while it is mapped: that might have to be done by the same processor."""
    written = {event.place for event in trace.of(site.number, Kind.WRITTEN)}
    if len(calls) != 1 or written - {calls[0]}:
        return None
    places = Places(function)
    stmt = places.statement(calls[0])
    if stmt is None or not _alone(stmt, calls[0]):
        return None
    return Around(stmt, stmt, ()) if _is_placed(places, stmt) else None


def _in_tight_arm(stmt: Stmt, text: str) -> bool:
    """Whether STMT is an arm with a comment behind it: where that is to be once there
    are braces only a person can say."""
    line, column = stmt.end
    rest = text.split("\n")[line - 1][column:] if text else ""
    return is_arm(stmt) and bool(rest.strip(" \t;"))


def _is_placed(places: Places, stmt: Stmt) -> bool:
    """Whether another statement can come beside STMT: in a block, or in the arm of an
    `if`, which gets its braces."""
    return places.in_block(stmt) or is_arm(stmt)


def is_arm(stmt: Stmt) -> bool:
    """Whether STMT is the whole arm of an `if`, without braces."""
    return stmt.parent is not None and stmt.parent.kind == "if"


def _without_arms(stmt: Stmt) -> Stmt:
    """The outermost `if` that STMT is an arm of; itself where it is none."""
    while is_arm(stmt) and stmt.parent is not None:
        stmt = stmt.parent
    return stmt


def _alone(stmt: Stmt, unmap: Expr) -> bool:
    return stmt.kind == "expression" and stmt.exprs == [unmap]
