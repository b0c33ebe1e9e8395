# SPDX-License-Identifier: GPL-2.0-only
"""Mappings that a loop makes and an array keeps: who leaves before the loop that unmaps
them leaves all of them mapped."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.findings.context import CheckContext, lasting
from kmaplocal.findings.finding import WARNING, Finding
from kmaplocal.bounds import plain
from kmaplocal.flow.events import Kind
from kmaplocal.flow.trace import Site
from kmaplocal.c.syntax import Expr, Stmt


def arrays_left(context: CheckContext) -> Iterator[Finding]:
    """Ways out between the loop that maps what an array keeps and the one that unmaps
    it."""
    for array, site in kept_in_arrays(context).items():
        first, last = _mapping_loop(context, site), _unmapping_loop(context, array)
        if first is None or last is None or first.end > last.start:
            continue
        if _ended_between(context, array, first, last):
            continue
        for stmt in context.function.statements():
            if stmt.kind == "return" and first.end <= stmt.start < last.start:
                yield context.finding(
                    stmt,
                    f"what line {site.call.start[0]} mapped into {array}[] is still"
                    f" mapped where line {stmt.start[0]} leaves",
                    f"leave by way of line {last.start[0]}, which unmaps it",
                    WARNING,
                    steps=context.begun(site),
                )


def _mapping_loop(context: CheckContext, site: Site) -> Stmt | None:
    return next(iter(context.loops(site.call)), None)


def _unmapping_loop(context: CheckContext, array: str) -> Stmt | None:
    """The loop of the function that unmaps what ARRAY keeps, where it is one."""
    calls = context.function.calls(context.knowledge.unmaps)
    found = [c for c in calls if element(context.argument(c))[0] == array]
    loops = [next(iter(context.loops(call)), None) for call in found]
    return loops[0] if len(loops) == 1 else None


def _ended_between(context: CheckContext, array: str, first: Stmt, last: Stmt) -> bool:
    """Whether something is unmapped between the loops, or a function is given the array
    there, and may unmap it."""
    return any(
        call.callee in context.knowledge.unmaps or context.called.unmaps(call, number)
        for call in context.function.exprs
        if call.kind == "call" and first.end <= call.start < last.start
        for number, argument in call.arguments.items()
        if call.callee in context.knowledge.unmaps or array in plain(argument.text)
    )


def kept_in_arrays(context: CheckContext) -> dict[str, Site]:
    """By its text, each array that a loop which counts up puts mappings of the stack
    into."""
    return {
        array: site
        for site in context.trace.sites
        if not lasting(site)
        for array in _arrays_of(context, site)
    }


def _arrays_of(context: CheckContext, site: Site) -> Iterator[str]:
    """The arrays in which a mapping is kept by a loop that counts up."""
    for use in context.uses(site, Kind.STORED):
        if use.place.kind == "assign":
            array, index = element(use.place.children[0])
            if array and counts_up(context, use.place, index):
                yield array


def element(expr: Expr | None) -> tuple[str, str]:
    """The array and the index of `array[index]`, or of a member of it."""
    node = expr.bare() if expr is not None else None
    while node is not None and node.kind in ("member", "paren"):
        node = node.children[0]
    if node is None or node.kind != "index":
        return "", ""
    return plain(node.children[0].text), node.children[1].bare().text


def counts_up(context: CheckContext, expr: Expr, index: str) -> bool:
    """Whether EXPR stands in a loop whose INDEX only ever grows."""
    return grows(list(context.loops(expr)), index)


def grows(loops: list[Stmt], index: str) -> bool:
    """Whether INDEX only ever grows in the innermost of LOOPS."""
    if not loops or not index.isidentifier():
        return index.endswith("++") and bool(loops)
    steps = [n for s in loops[-1:] for n in _steps(s) if _target(n) == index]
    return bool(steps) and all(n.op in ("++", "+=") for n in steps)


def _steps(loop: Stmt) -> Iterator[Expr]:
    for stmt in loop.walk():
        for root in stmt.exprs:
            yield from (n for n in root.walk() if _changes(n))


def _changes(node: Expr) -> bool:
    if node.kind == "assign":
        return node.op != "="
    return node.op in ("++", "--") and node.kind in ("postfix", "unary")


def _target(node: Expr) -> str:
    return node.children[0].bare().text
