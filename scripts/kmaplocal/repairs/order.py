# SPDX-License-Identifier: GPL-2.0-only
"""Unmaps in the wrong order that can be put right where they stand.

Neighbouring unmaps exchange what they unmap, so that the last mapped comes
first.  Nothing but statements that cannot release a page may stand between
them; whether every path is right afterwards, following them again tells.
"""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.c.places import Places
from kmaplocal.flow.trace import Trace
from kmaplocal.flow.values import Origin
from kmaplocal.knowledge import api, functions
from kmaplocal.knowledge.row import MARKS
from kmaplocal.c.syntax import Expr, Function, Stmt

# What marks or flushes a page, and needs it neither mapped nor unmapped.
_MARKS = functions.named(lambda row: row.takes_page == MARKS)


def exchanges(function: Function, trace: Trace) -> dict[Expr, Expr]:
    """What each unmap is to unmap instead: the argument of another unmap, by
    the unmap in whose place it stands.  Empty when nothing can be done."""
    found: dict[Expr, Expr] = {}
    for run in _runs(function):
        sites = [_only_site(trace, unmap) for unmap in run]
        order = _order(trace, sites)
        for unmap, site in zip(run, reversed(order)):
            other = run[sites.index(site)]
            if other is not unmap:
                found[unmap] = other
    return found


def _runs(function: Function) -> Iterator[list[Expr]]:
    """Unmaps one after the other in a block, with harmless statements between."""
    places = Places(function)
    seen: set[Stmt] = set()
    for stmt in function.statements():
        if stmt in seen or not places.in_block(stmt):
            continue
        run: list[Expr] = []
        for sibling in places.siblings(stmt):
            seen.add(sibling)
            if sibling.kind == "label":
                yield run
                run = []
            while sibling.kind == "label" and len(sibling.children) == 1:
                sibling = sibling.children[0]
                seen.add(sibling)
            unmap = _unmap(sibling)
            if unmap is not None:
                run.append(unmap)
            elif not _passes(sibling):
                yield run
                run = []
        yield run


def _unmap(stmt: Stmt) -> Expr | None:
    """The unmap that a statement is, if it is one."""
    if stmt.kind == "expression" and len(stmt.exprs) == 1:
        if stmt.exprs[0].callee in api.OLD_UNMAPS:
            return stmt.exprs[0]
    return None


def _passes(stmt: Stmt) -> bool:
    """Whether unmaps before and after STMT may be exchanged."""
    return stmt.kind == "expression" and not any(
        node.kind == "statement-expression"
        or (node.kind == "call" and node.callee not in _MARKS)
        for expr in stmt.exprs
        for node in expr.walk()
    )


def _only_site(trace: Trace, unmap: Expr) -> Origin | None:
    """The one mapping that an unmap ends, on every path."""
    end, *others = trace.unmaps.get(unmap, ()) or [None]
    return end.site if end and end.fine and not others else None


def _order(trace: Trace, sites: list[Origin | None]) -> list[Origin]:
    """The mappings in the order they are made; [] when that is not one order."""
    known = [site for site in sites if site is not None]
    if len(set(known)) != len(sites):
        return []
    depth = {s: sum((o, s) in trace.nested for o in known) for s in known}
    order = sorted(known, key=depth.__getitem__)
    pairs = [(a, b) for n, a in enumerate(order) for b in order[n + 1 :]]
    one_way = all(
        (a, b) in trace.nested and (b, a) not in trace.nested for a, b in pairs
    )
    return order if one_way else []
