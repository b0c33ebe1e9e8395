# SPDX-License-Identifier: GPL-2.0-only
"""Functions that cannot be read and are given an address: may they unmap it?

One that could is not thought to where the caller unmaps on its other way: then the
mapping stays the caller's.  It may all the same take it over where it goes well, and
leave it to the caller where not.
"""

from __future__ import annotations

from kmaplocal.findings.finding import ERROR, WARNING
from kmaplocal.findings.context import CheckContext, lasting
from kmaplocal.flow.events import Kind
from kmaplocal.flow.trace import Site
from kmaplocal.knowledge import functions, pages
from kmaplocal.c.syntax import Expr, Stmt

UNREAD = (Kind.UNKNOWN, Kind.OPAQUE)
FINE, FAILED, EITHER = range(3)  # how a function says by what it returns that it went
_ERRORS = ("ERR_PTR", "ERR_CAST")
_NOTHING = ("NULL", "false")


def takers(context: CheckContext, site: Site) -> list[Expr]:
    """What is given the address of SITE, or the page of a kmap(), and could not be
    read."""
    given = [use.place for use in context.uses(site, *UNREAD)]
    calls = context.trace.during(site.number) if lasting(site) else ()
    more = [e for e in calls if e not in given and _takes_page(context, e, site)]
    return given + more


def _takes_page(context: CheckContext, call: Expr, site: Site) -> bool:
    """Whether CALL gives the page of a kmap() to a function that could not be read."""
    row = functions.of(call.callee)
    known = row.takes_page or row.by_value or call.callee.startswith(pages.ASKING)
    if known or not call.callee or call.callee in context.knowledge.unmaps:
        return False
    given = any(a.bare().text == site.page for a in call.arguments.values())
    return given and not context.called.definitions(call.callee)


def how_sure(context: CheckContext, site: Site, leaving: Stmt | None) -> str:
    """The severity of a leak where LEAVING returns (None: the end of the function)
    with the mapping of SITE, whose address a function was given that could not be
    read; "" where that may have unmapped it."""
    given = takers(context, site)
    if leaving is not None and _is_before(context, given, leaving):
        return ERROR
    sure = by_result(context, site, leaving)
    return WARNING if sure and _page_goes(context, site, leaving) else sure


def _page_goes(context: CheckContext, site: Site, leaving: Stmt | None) -> bool:
    """Whether the page is given to a function that could not be read in the block that
    LEAVING ends: it may be there to unmap it."""
    calls = context.trace.during(site.number) if lasting(site) and leaving else ()
    return any(
        leaving is home or leaving in [*context.sequel(home)]
        for call in calls
        if _takes_page(context, call, site)
        for home in [context.statement(call)]
        if home is not None
    )


def by_result(context: CheckContext, site: Site, leaving: Stmt | None) -> str:
    """The same for a mapping that the function may well leave where it goes well, or
    where not, as what LEAVING returns, and what is returned behind the unmaps, say."""
    unmaps = context.unmaps(site)
    if not unmaps:
        return ""
    ends = {_ended(context, unmap) for unmap in unmaps}
    way = _way(leaving)
    if way == FAILED:
        return ERROR if ends != {FAILED} else WARNING
    if way == EITHER and ends != {FAILED}:
        return ERROR if _is_aside(leaving, unmaps) else WARNING
    return WARNING if way == FINE and ends == {FINE} else ""


def _is_before(context: CheckContext, given: list[Expr], leaving: Stmt) -> bool:
    """Whether LEAVING comes before all of GIVEN, and no loop leads back."""
    loops = [{*context.loops(expr)} for expr in given]
    return all(leaving.start < expr.start for expr in given) and not any(
        loop.start <= leaving.start < loop.end for each in loops for loop in each
    )


def is_for_later(context: CheckContext, site: Site, leaving: Stmt | None) -> bool:
    """Whether it went well where LEAVING returns, and the mapping of SITE is unmapped
    by the function only where it did not: it is made for others."""
    ends = {_ended(context, unmap) for unmap in context.unmaps(site)}
    return _way(leaving) == FINE and FINE not in ends


def _ended(context: CheckContext, unmap: Expr) -> int:
    """How it went where the function returns next behind UNMAP."""
    home = context.statement(unmap)
    behind = [*context.sequel(home)] if home is not None else []
    start = unmap.start
    for stmt in behind[-1:]:
        if stmt.kind == "goto":
            labels = (s for s in context.function.statements() if s.kind == "label")
            aims = (s.start for s in labels if s.label == stmt.text.split()[1])
            start = next(aims, start)
    returns = [s for s in context.function.statements() if s.kind == "return"]
    after = [s for s in returns if s.start > start]
    return _way(after[0] if after else None)


def _way(leaving: Stmt | None) -> int:
    """How it went, by what a `return` gives."""
    if leaving is None or not leaving.exprs:
        return FINE
    value = leaving.exprs[-1].bare()
    if value.callee in _ERRORS or value.text in _NOTHING:
        return FAILED
    if value.kind == "unary" and value.op == "-":
        return FAILED
    return FINE if value.kind == "constant" or value.text == "true" else EITHER


def _is_aside(leaving: Stmt | None, unmaps: list[Expr]) -> bool:
    """Whether LEAVING is in the arm of an `if` that the way to an unmap behind it
    passes by."""
    arm = leaving
    while arm is not None and arm.parent is not None and arm.parent.kind != "if":
        arm = arm.parent
    guard = arm.parent if arm is not None else None
    return guard is not None and any(unmap.start > guard.end for unmap in unmaps)
