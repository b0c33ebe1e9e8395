# SPDX-License-Identifier: GPL-2.0-only
"""Two mappings of one page: one address by kmap(), two by a local mapping.

So what compares addresses, as memmove() does to see that its arguments overlap, sees
other ones than before (kmap_high() of mm/highmem.c; kmap_local of kmap-internal.h).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kmaplocal.bounds.extents import Extents
from kmaplocal.bounds.offsets import Amount
from kmaplocal.c.syntax import Expr, Stmt
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
            if _told_apart(extents, event.place, (site, other)):
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
    for ours, theirs in ways:
        if ours is not None and theirs is not None:
            terms = [each for each, _, _ in (*ours, *theirs) if each is not None]
            steady = _is_steady(extents, terms, call, (one, other))
            return steady and sorted(_written(ours)) == sorted(_written(theirs))
    return False


def _written(amounts: Sequence[Amount]) -> list[tuple[str, str, int]]:
    return [(e.text if e else "", str(scale), sign) for e, scale, sign in amounts]


def _is_steady(
    extents: Extents, exprs: Iterable[Expr], place: Expr, sites: Iterable[Site]
) -> bool:
    """Whether none of EXPRS changes from where one of SITES is mapped to PLACE."""
    reaching = extents.bounds.reaching
    there, heres = reaching.place(place), [reaching.place(s.call) for s in sites]
    return all(
        names is not None and reaching.steady(names, here, there)
        for names in map(reaching.names, exprs)
        for here in heres
    )


def _told_apart(extents: Extents, place: Expr, sites: tuple[Site, Site]) -> bool:
    """Whether PLACE is reached only where the pages of two mappings are different, or
    the second page is mapped only there, by an `if` that compares them and is true
    there still."""
    asked = (s.exprs[0] for s in extents.function.statements() if _asks(s))
    second = max(sites, key=lambda site: site.number).call
    return any(
        _has_decided(extents, each, there, sites)
        for each in asked
        for there in (place, second)
    )


def _asks(stmt: Stmt) -> bool:
    return stmt.kind == "if" and bool(stmt.exprs)


def _has_decided(
    extents: Extents, asked: Expr, place: Expr, sites: tuple[Site, Site]
) -> bool:
    """Whether the condition ASKED has said before PLACE that the pages of SITES are
    different, and nothing that it is made of has changed since."""
    reaching, pages = extents.bounds.reaching, {site.page for site in sites}
    here, there = reaching.place(asked), reaching.place(place)
    names = reaching.names(asked)
    if names is None or not reaching.steady(names, here, there):
        return False
    says = [truth for truth in (True, False) if _says(asked, truth, pages)]
    decided = any(reaching.decides(here, truth, there) for truth in says)
    return decided and _is_steady(extents, (asked,), place, sites)


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
