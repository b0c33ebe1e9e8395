# SPDX-License-Identifier: GPL-2.0-only
"""NULL checks of what cannot be NULL: kmap-null-check."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.findings.finding import WARNING, Finding, Rule
from kmaplocal.findings.context import CheckContext
from kmaplocal.bounds import plain
from kmaplocal.c.cfg import LOOPS
from kmaplocal.flow.conditions import TELLING, TRANSPARENT
from kmaplocal.flow.trace import Site
from kmaplocal.c.syntax import Expr, Stmt

RULE = Rule(
    "kmap-null-check",
    WARNING,
    "a NULL check of what cannot be NULL",
    everywhere=True,  # what one reading has no need of another may have
)


def find(context: CheckContext) -> Iterator[Finding]:
    """Tests of an address that is a mapping's on every path to them."""
    for node, seen in context.trace.tested.items():
        numbers = [number for number in seen if isinstance(number, int)]
        if len(numbers) < len(seen) or node.kind not in ("identifier", "assign"):
            continue
        site = context.trace.sites[min(numbers)]
        if _heads_loop(context, node):
            continue
        if site in context.sites and not site.api.by:
            yield _check(context, site, node)
    for site in context.sites:
        yield from _of_member(context, site)


def _heads_loop(context: CheckContext, node: Expr) -> bool:
    """Whether NODE maps in what a loop asks: `for (; page && (p = kmap(page)); ...)`
    has no other place to do it, and asks nothing by that."""
    home = context.statement(node)
    return node.kind == "assign" and home is not None and home.kind in LOOPS


def _check(context: CheckContext, site: Site, node: Expr) -> Finding:
    return context.finding(
        node,
        f"{plain(node.text)} is tested, but {site.name}() of line"
        f" {site.call.start[0]} never fails",
        "remove the test and what it guards",
        fix="remove" if _leaves_only(context, node) else "",
    )


def _leaves_only(context: CheckContext, node: Expr) -> bool:
    """Whether the test is all that an `if` asks, and the `if` guards only a way
    out: nothing else, no label, no `else`."""
    home = context.statement(node)
    if home is None or home.kind != "if" or len(home.children) != 1:
        return False
    if node.kind == "assign":
        return False
    asked = _tested(home)
    asks_error = node.parent is not None and node.parent.callee == "IS_ERR"
    if asked is not node and not (asks_error and asked is node.parent):
        return False
    if any(asks.callee in TELLING for asks in home.exprs[0].walk()):
        return False  # it says so as well
    kinds = {stmt.kind for stmt in home.children[0].walk()}
    return "return" in kinds and kinds <= {"compound", "expression", "return"}


def _of_member(context: CheckContext, site: Site) -> Iterator[Finding]:
    tested = _test_after(context, site)
    if tested is not None:
        yield _check(context, site, tested)


def never_run(context: CheckContext, site: Site, stmt: Stmt) -> bool:
    """Whether a statement stands under a test that a mapping is NULL, where a
    place that is no variable holds its address."""
    tested = _test_after(context, site)
    guard = context.statement(tested) if tested is not None else None
    return guard is not None and guard.start < stmt.start and stmt.end <= guard.end


def _test_after(context: CheckContext, site: Site) -> Expr | None:
    """What is tested in `s->p = map(page); if (!s->p) ...`."""
    home = context.statement(site.call)
    if home is None or home.kind != "expression" or len(home.exprs) != 1:
        return None
    assign = home.exprs[0]
    if assign.kind != "assign" or assign.children[1].bare() is not site.call:
        return None
    target = assign.children[0].bare()
    following = context.next_statement(home)
    if target.kind == "identifier" or following is None or following.kind != "if":
        return None
    tested = _tested(following)
    return tested if tested is not None and tested.text == target.text else None


def _tested(stmt: Stmt) -> Expr | None:
    """What `if (!x)`, `if (x == NULL)` or `if (x)` tests."""
    node = stmt.exprs[0].bare() if stmt.exprs else None
    while node is not None and node.callee in TRANSPARENT | TELLING:
        node = node.arguments[0].bare()
    if node is not None and node.kind == "unary" and node.op == "!":
        node = node.children[0].bare()
    elif node is not None and node.op in ("==", "!=") and node.kind == "binary":
        if node.children[1].bare().text == "NULL":
            node = node.children[0].bare()
    return node
