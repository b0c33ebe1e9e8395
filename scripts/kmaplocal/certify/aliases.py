# SPDX-License-Identifier: GPL-2.0-only
"""Two mappings of one page: one address by kmap(), two by a local mapping.

So what compares addresses, as memmove() does to see that its arguments overlap, sees
other ones than before (kmap_high() of mm/highmem.c; kmap_local of kmap-internal.h).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kmaplocal.bounds.extents import Extents
from kmaplocal.bounds.offsets import Amount
from kmaplocal.c.dominance import Dominance
from kmaplocal.c.places import changes, names_in
from kmaplocal.c.syntax import Expr, Function
from kmaplocal.flow.events import Event, Kind
from kmaplocal.flow.trace import Site


def compared(extents: Extents, site: Site) -> Iterator[tuple[Event, Site | None]]:
    """Where the address of SITE is compared with that of another mapping, which may be
    of the same page, or (None) with one that is not known."""
    trace = extents.trace
    found = trace.of(site.number, Kind.COMPARED)
    for event in sorted(found, key=lambda event: event.place.start):
        other = trace.sites[event.about] if isinstance(event.about, int) else None
        if other is not None:
            if _told_apart(trace.function, event.place, site, other):
                continue
            if _at_one_offset(extents, event.place, site, other):
                continue  # each byte is moved to where it is
        yield event, other


def _at_one_offset(extents: Extents, call: Expr, one: Site, other: Site) -> bool:
    """Whether the two addresses that CALL is given are as far in their pages."""
    if not call.callee:
        return False
    first, second = call.arguments[0], call.arguments[1]
    ways = [
        (extents.offset(one, first), extents.offset(other, second)),
        (extents.offset(one, second), extents.offset(other, first)),
    ]
    for terms in ways:
        if None not in terms:
            texts = [sorted(_written(amounts or ())) for amounts in terms]
            return texts[0] == texts[1] and not _changes(extents.function, one, other)
    return False


def _written(amounts: Sequence[Amount]) -> list[tuple[str, str, int]]:
    return [(e.text if e else "", str(scale), sign) for e, scale, sign in amounts]


def _changes(function: Function, one: Site, other: Site) -> bool:
    """Whether something that one of two map statements is made of changes between."""
    first, last = sorted((one.call, other.call), key=lambda call: call.start)
    names = names_in(first.whole()) | names_in(last.whole())
    between = (e for e in function.exprs if first.end < e.start < last.start)
    return any(changes(e, names) for e in between)


def _told_apart(function: Function, place: Expr, one: Site, other: Site) -> bool:
    """Whether PLACE is reached only where the pages of two mappings are different, by
    an `if` that compares them."""
    paths = Dominance(function)
    there = paths.place(place)
    pages = {one.page, other.page}
    return any(
        _says(stmt.exprs[0], truth, pages)
        and paths.decides(paths.place(stmt.exprs[0]), truth, there)
        for stmt in function.statements()
        if stmt.kind == "if" and stmt.exprs
        for truth in (True, False)
    )


def _says(condition: Expr, truth: bool, pages: set[str]) -> bool:
    """Whether CONDITION, where it turns out as TRUTH, says that PAGES differ."""
    node = condition.bare()
    if node.callee in ("likely", "unlikely"):
        return _says(node.arguments[0], truth, pages)
    if node.kind == "binary" and node.op == ("&&" if truth else "||"):
        return any(_says(child, truth, pages) for child in node.children)
    if node.kind != "binary" or node.op != ("!=" if truth else "=="):
        return False
    return {child.bare().text for child in node.children} == pages
