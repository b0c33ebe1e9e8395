# SPDX-License-Identifier: GPL-2.0-only
"""Ways out before any unmap, of a function that unmaps by what is not followed: the
mapping that it leaves is surely there."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.findings.context import CheckContext
from kmaplocal.findings.finding import WARNING, Finding
from kmaplocal.findings.rules.takers import takers
from kmaplocal.c.cfg import LOOPS
from kmaplocal.flow.events import Kind
from kmaplocal.flow.trace import Site
from kmaplocal.c.syntax import Expr, Stmt


def left_before(context: CheckContext, site: Site) -> Iterator[Finding]:
    """Ways out with a mapping, where each unmap that may be of it comes behind them, or
    is followed by a map call for the same variable."""
    astray = [e for e in context.trace.unmaps if context.kind(e) == site.api.ends]
    taken = (Kind.STORED, Kind.ADDRESS_TAKEN, Kind.ESCAPES, Kind.RETURNED)
    if not astray or not site.variable or context.uses(site, *taken):
        return
    if takers(context, site) or not any(_mapped_next(context, site, e) for e in astray):
        return
    for line in sorted({int(e.detail) for e in context.uses(site, Kind.LEAKED)}):
        leaving = context.leaving(line)
        if leaving is not None and _is_first(context, site, leaving, astray):
            name = context.named(site)
            yield context.finding(
                leaving,
                f"{name}, {context.mapped(site)}, is still mapped where line {line}"
                " leaves",
                f"call {site.api.ends}() before leaving",
                WARNING,
                steps=context.begun(site),
            )


def _is_first(
    context: CheckContext, site: Site, leaving: Stmt, unmaps: list[Expr]
) -> bool:
    """Whether no path from SITE to LEAVING has one of UNMAPS without a map call behind
    it."""
    loops = [
        stmt
        for stmt in context.function.statements()
        if stmt.kind in {*LOOPS, "iterator"} and stmt.holds(leaving)
        if not stmt.holds(site.call)
    ]
    for unmap in unmaps:
        again = _mapped_next(context, site, unmap)
        if again is not None:
            if unmap.start < leaving.start < again.start:
                return False
        elif unmap.start < leaving.start or any(loop.holds(unmap) for loop in loops):
            return False
    return True


def _mapped_next(context: CheckContext, site: Site, unmap: Expr) -> Expr | None:
    """The map call behind UNMAP in its block that is for the variable of SITE."""
    home = context.statement(unmap)
    behind = [*context.sequel(home)] if home is not None else []
    others = [s.call for s in context.sites if s.variable == site.variable]
    return next((c for stmt in behind for c in others if stmt.holds(c)), None)
