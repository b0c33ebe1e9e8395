# SPDX-License-Identifier: GPL-2.0-only
"""Mappings that a path unmaps twice: kmap-double-unmap."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.findings.finding import ERROR, Finding, Rule, Step
from kmaplocal.findings.rules.members import members_again
from kmaplocal.findings.context import CheckContext
from kmaplocal.bounds.offsets import values_of
from kmaplocal.flow.escape import given, member_of
from kmaplocal.flow.events import Kind
from kmaplocal.flow.trace import Site
from kmaplocal.flow.values import NULL, constant_of
from kmaplocal.c.syntax import Expr

RULE = Rule("kmap-double-unmap", ERROR, "a mapping is unmapped twice", on_path=True)


def find(context: CheckContext) -> Iterator[Finding]:
    """Unmaps of a mapping that some path has unmapped before."""
    yield from _twice(context)
    yield from _of_null(context)
    yield from members_again(context)


def _twice(context: CheckContext) -> Iterator[Finding]:
    for expr, ends in context.trace.unmaps.items():
        again = {e.site for e in ends if e.kind is Kind.TWICE}
        for site in context.trace.sites:
            if site.number not in again:
                continue
            if site not in context.sites or _is_lent(context, expr):
                continue
            if _is_chosen_alike(context, site, expr):
                continue
            yield context.finding(
                expr,
                f"{context.named(site)}, {context.mapped(site)}, is already"
                f" unmapped here on the path through {_before(context, site, expr)}",
                f"call {expr.callee}() once on every path",
                steps=[*context.begun(site), *_first_end(context, site, expr)],
            )


def _of_null(context: CheckContext) -> Iterator[Finding]:
    """Unmaps of a variable that a path has set to NULL behind an unmap of it."""
    for expr, ends in context.trace.unmaps.items():
        argument = context.argument(expr)
        name = argument.bare().text if argument is not None else ""
        if not any(end.by == NULL.kind for end in ends) or _set_to_null(name, context):
            continue
        for site in context.sites:
            if site.variable == name and any(e.site == site.number for e in ends):
                yield context.finding(
                    expr,
                    f"{name}, {context.mapped(site)}, is NULL here on the path through"
                    f" {_before(context, site, expr)}, which unmapped it",
                    f"call {expr.callee}() once on every path",
                    steps=[*context.begun(site), *_first_end(context, site, expr)],
                )
                break


def _set_to_null(name: str, context: CheckContext) -> bool:
    """Whether the variable NAME is NULL not because it was unmapped."""
    nulls = [v for v in values_of(name, context.function) if constant_of(v) == NULL]
    behind = [
        stmt
        for unmap in context.trace.unmaps
        if (argument := context.argument(unmap)) and argument.bare().text == name
        for home in [context.statement(unmap)]
        for stmt in (context.sequel(home) if home is not None else ())
    ]
    unmapped = all(any(stmt.holds(null) for stmt in behind) for null in nulls)
    return not nulls or not unmapped


def _is_lent(context: CheckContext, unmap: Expr) -> bool:
    """Whether the address is kept in a structure that a call is given: what else
    that may change, as a flag in it, decides which paths there are."""
    held = {member_of(n) for a in unmap.arguments.values() for n in a.walk()}
    return any(
        e.kind == "unary" and e.op == "&" and e.children[0].bare().text in held
        for e in context.function.exprs
        if given(e)
    )


def _is_chosen_alike(context: CheckContext, site: Site, unmap: Expr) -> bool:
    """Whether a loop maps in the turn that a condition chooses, and another one unmaps,
    there alone, in the turn that the same condition chooses."""
    begun, ended = _asked(context, site.call), _asked(context, unmap)
    loops = [set(context.loops(each)) for each in (site.call, unmap)]
    alone = context.unmaps(site) == [unmap]
    return alone and bool(begun & ended) and all(loops) and loops[0] != loops[1]


def _asked(context: CheckContext, expr: Expr) -> set[str]:
    """The conditions under which EXPR stands."""
    return {
        stmt.exprs[0].text
        for stmt in context.function.statements()
        if stmt.kind == "if" and stmt.exprs and stmt.start <= expr.start < stmt.end
    }


def _first_end(context: CheckContext, site: Site, expr: Expr) -> list[Step]:
    """The step at which a mapping ended before EXPR."""
    others = [e for e in context.unmaps(site) if e is not expr][:1]
    return [context.step(e, "unmapped here") for e in others]


def _before(context: CheckContext, site: Site, expr: Expr) -> str:
    lines = [e.start[0] for e in context.unmaps(site) if e is not expr]
    return f"line {lines[0]}" if lines else "the loop around it"
