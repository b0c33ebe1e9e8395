# SPDX-License-Identifier: GPL-2.0-only
"""Guards in which nothing may sleep: guard(spinlock)(&l) up to the end of its block,
scoped_guard(spinlock, &l) in its own."""

from __future__ import annotations

from kmaplocal.c.syntax import Expr, Function, Stmt
from kmaplocal.knowledge import functions

_GUARD = "guard"


def regions(function: Function) -> dict[Stmt, Expr]:
    """The guards of FUNCTION in which nothing may sleep: by the statement, the call."""
    found = ((stmt, _guard(stmt)) for stmt in function.statements())
    return {s: call for s, call in found if call and functions.opener(call.text).name}


def _guard(stmt: Stmt) -> Expr | None:
    """The call that a guard is; what stands for it where it is the head of a block."""
    if stmt.kind == _GUARD:
        head = stmt.text
        if stmt.children and head.endswith(stmt.children[0].text):
            head = head.removesuffix(stmt.children[0].text).strip()
        return Expr(stmt.start, stmt.end, head)
    for expr in stmt.exprs[:1]:
        if expr.kind == "call" and expr.children[0].callee == _GUARD:
            return expr
    return None
