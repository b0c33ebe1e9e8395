# SPDX-License-Identifier: GPL-2.0-only
"""Two mappings of one page: one address by kmap(), two by a local mapping.

So what compares addresses, as memmove() does to see that its arguments overlap, sees
other ones than before (kmap_high() of mm/highmem.c; kmap_local of kmap-internal.h).
"""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.c.dominance import Dominance
from kmaplocal.c.syntax import Expr, Function
from kmaplocal.flow.events import Event, Kind
from kmaplocal.flow.trace import Site, Trace


def compared(trace: Trace, site: Site) -> Iterator[tuple[Event, Site | None]]:
    """Where the address of SITE is compared with that of another mapping, which may be
    of the same page, or (None) with one that is not known."""
    found = trace.of(site.number, Kind.COMPARED)
    for event in sorted(found, key=lambda event: event.place.start):
        other = trace.sites[event.about] if isinstance(event.about, int) else None
        apart = other and _told_apart(trace.function, event.place, site, other)
        if not apart:
            yield event, other


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
