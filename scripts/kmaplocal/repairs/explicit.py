# SPDX-License-Identifier: GPL-2.0-only
"""What kmap_atomic() disabled on the side, disabled by name instead.

A call that disables goes after the map and one that enables before every
unmap: where these are statements of their own, what stands between them runs
as it did before.  Where they are not, and one call is all that is done with the
page, they go around that call.
"""

from __future__ import annotations

from typing import NamedTuple

from kmaplocal.c.places import Places
from kmaplocal.flow.events import Kind, ends_only
from kmaplocal.flow.trace import Site, Trace
from kmaplocal.c.syntax import Expr, Function, Stmt


class Around(NamedTuple):
    """Where a mapping begins and ends: the statement that maps, the first one in
    which the mapping can be of use, and those that unmap; none of these where
    BEGIN and FIRST are the one call that needs what is disabled."""

    begin: Stmt
    first: Stmt
    ends: tuple[Stmt, ...]


def explicit(
    function: Function, trace: Trace, needy: dict[int, list[Expr]], calls_too: bool
) -> dict[int, Around | None]:
    """The mappings that get calls around them, so that each call of those in
    NEEDY, by mapping, runs between two, or, without calls, all of it; None for a
    mapping that lies within such a one.  What cannot be helped is missing.
    CALLS_TOO: it may be around a call that is made without the mapping as well."""
    found: dict[int, Around | None] = {}
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
        if calls_too and not place:
            place = _around_call(function, trace, site, calls)
        if place and exposed(number) and not taken & {place.first, *place.ends}:
            found[number] = place
            taken |= {place.first, *place.ends}
    return found | {n: None for n in needy if n not in found and not exposed(n)}


def around(
    function: Function, trace: Trace, site: Site, calls: list[Expr]
) -> Around | None:
    """Where a mapping can be told off from what is around it, so that CALLS are
    inside; None when its map call or an unmap is a part of something else, or
    an unmap ends other mappings too."""
    places = Places(function)
    unmaps = _unmaps(trace, site)
    homes = [places.statement(unmap) for unmap in unmaps]
    ends = [stmt for stmt in homes if stmt is not None]
    begin = places.statement(site.call)
    if not unmaps or begin is None or not places.in_block(begin):
        return None
    if begin.kind not in ("expression", "declaration"):
        return None
    if len(ends) < len(unmaps):
        return None
    if not all(_alone(stmt, unmap) for stmt, unmap in zip(ends, unmaps)):
        return None
    block = places.siblings(begin)
    after = block[block.index(begin) + 1 :]
    first = next((s for s in after if s.kind != "declaration"), None)
    if first is None or not all(places.in_block(stmt) for stmt in ends):
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
    arm = stmt.parent is not None and stmt.parent.kind == "if"  # gets its braces
    return Around(stmt, stmt, ()) if arm or places.in_block(stmt) else None


def _unmaps(trace: Trace, site: Site) -> list[Expr]:
    """The unmaps of a mapping; [] when one of them ends others as well."""
    found = trace.unmaps_of(site.number)
    alone = all(ends_only(trace.unmaps[unmap], site.number) for unmap in found)
    return found if alone else []


def _alone(stmt: Stmt, unmap: Expr) -> bool:
    return stmt.kind == "expression" and stmt.exprs == [unmap]
