# SPDX-License-Identifier: GPL-2.0-only
"""Mappings that are not unmapped in reverse order: kmap-nesting-order."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.findings.finding import ERROR, Finding, Rule
from kmaplocal.findings.rules.arrays import counts_up, element, kept_in_arrays
from kmaplocal.findings.rules.several import out_of_order_in_helper
from kmaplocal.findings.rules.several import upwards_by_callees
from kmaplocal.findings.rules.walkers import is_on_stack
from kmaplocal.findings.context import CheckContext, lasting
from kmaplocal.certify.certificate import LIFO
from kmaplocal.flow.events import ends_only
from kmaplocal.flow.trace import Site
from kmaplocal.knowledge import api
from kmaplocal.c.syntax import Expr

RULE = Rule(
    "kmap-nesting-order", ERROR, "mappings not unmapped in reverse order", on_path=True
)
REVERSE = "unmap in the reverse order of mapping"


def find(context: CheckContext) -> Iterator[Finding]:
    """Mappings unmapped before one that was mapped later."""
    for first, later, expr in _once_each(context):
        yield context.finding(
            expr,
            f"{_with_line(context, first)} is unmapped while"
            f" {_with_line(context, later)}, mapped after it, still is mapped",
            REVERSE,
            fix="swap" if _swappable(context, expr, later.number) else "",
            steps=context.begun(first, later),
            answered=LIFO,
        )
    yield from _arrays(context)
    yield from upwards_by_callees(context)
    yield from out_of_order_in_helper(context)


def _once_each(context: CheckContext) -> Iterator[tuple[Site, Site, Expr]]:
    """What is out of order, once for each unmap; and not what follows from that, as in
    the next turn of a loop they are the other way round."""
    told: set[tuple[str, str]] = set()
    done: set[Expr] = set()
    for first, later, expr in sorted(out_of_order(context), key=lambda f: f[2].start):
        names = context.named(first), context.named(later)
        if expr not in done and names[::-1] not in told:
            done.add(expr)
            told.add(names)
            yield first, later, expr


def out_of_order(context: CheckContext) -> Iterator[tuple[Site, Site, Expr]]:
    """Two mappings on the stack and the unmap of the first while the later one
    is alive."""
    disordered = context.trace.disordered
    found = [
        (first, later, disordered[first.number, later.number])
        for first, later in context.trace.own(disordered)
        if _is_stacked(context, first) and _is_stacked(context, later)
    ]
    skipped = {(a, b) for a, b, expr in found if _skipped(context, b, expr)}
    for first, later, expr in found:
        # What is not out of order does not turn the two round, either.
        if not {(first, later), (later, first)} & skipped:
            yield first, later, expr


def _is_stacked(context: CheckContext, site: Site) -> bool:
    """Whether a mapping is surely on the thread's stack: sg_miter_next() maps by
    kmap() unless the function that starts it says otherwise (lib/scatterlist.c)."""
    if site.name == "sg_miter_next":
        return is_on_stack(context, site)
    return not lasting(site)


def _skipped(context: CheckContext, later: Site, expr: Expr) -> bool:
    """Whether the later mapping may be unmapped before EXPR for all that is seen:
    under a condition, which a path may never pass by, or by what keeps it."""
    unmaps = context.unmaps(later)
    if any(unmap.start >= expr.start for unmap in unmaps):
        return False
    if not unmaps:
        return context.passed_on(later)
    return all(_guarded(context, later, unmap) for unmap in unmaps)


def _guarded(context: CheckContext, site: Site, unmap: Expr) -> bool:
    stmt = context.statement(unmap)
    while stmt is not None:
        guards = stmt.kind in ("if", "switch") and not stmt.holds(site.call)
        if guards and unmap.start > stmt.exprs[0].end:
            return True
        stmt = stmt.parent
    return False


def _swappable(context: CheckContext, expr: Expr, inner: int) -> bool:
    """Whether the unmap that follows at once is that of the one other mapping,
    on every path."""
    outer = {end.site for end in context.trace.unmaps[expr]}
    at_once = [pair for pair, at in context.trace.disordered.items() if at is expr]
    home = context.statement(expr)
    following = context.next_statement(home) if home else None
    if len(outer) != 1 or len(at_once) != 1 or home is None or following is None:
        return False
    if home.exprs != [expr] or len(following.exprs) != 1:
        return False
    # What a helper does besides may not be done in another order.
    if {expr.callee, following.exprs[0].callee} - api.UNMAPS.keys():
        return False
    return ends_only(context.trace.unmaps.get(following.exprs[0], frozenset()), inner)


def _with_line(context: CheckContext, site: Site) -> str:
    return f"{context.named(site)} (line {site.call.start[0]})"


def _arrays(context: CheckContext) -> Iterator[Finding]:
    """Mappings kept in an array by a loop that counts up, unmapped by another one
    that counts up."""
    kept = kept_in_arrays(context)
    for unmap in context.function.calls(context.knowledge.unmaps):
        array, index = element(context.argument(unmap))
        if array in kept and counts_up(context, unmap, index):
            site = kept[array]
            if context.kind(unmap) == site.api.ends:
                yield context.finding(
                    unmap,
                    f"{array}[] is unmapped from its first element on, as it was"
                    f" mapped in line {site.call.start[0]}",
                    REVERSE,
                )
