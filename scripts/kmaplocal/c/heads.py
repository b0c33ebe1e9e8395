# SPDX-License-Identifier: GPL-2.0-only
"""Loops that a macro heads, read as the `for` that the macro is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from kmaplocal.c.syntax import Expr, Function, Point, Stmt

Read = Callable[[str], Function | None]


def opened(function: Function, names: Collection[str], read: Read) -> Function | None:
    """FUNCTION with each statement that one of NAMES heads as a `for` loop, by what
    READ gives as the body of that macro; None where one is no plain `for (a; b; c)`.

    What such a loop does stands where the macro is named."""
    heads = [s for s in function.statements() if s.iterator in names]
    loops = {head: _loop(head, read(head.iterator)) for head in heads}
    made = {head: loop for head, loop in loops.items() if loop is not None}
    if len(made) < len(heads):
        return None
    gone = {node for head in heads for root in head.exprs for node in root.walk()}
    new = [n for loop in made.values() for root in loop.exprs for n in root.walk()]
    body = [_with(stmt, made, None) for stmt in function.body]
    exprs = [expr for expr in function.exprs if expr not in gone]
    return replace(function, body=body, exprs=exprs + new)


def _loop(head: Stmt, macro: Function | None) -> Stmt | None:
    """The statement HEAD as the loop that MACRO is."""
    loop = macro.body[0] if macro is not None and len(macro.body) == 1 else None
    if macro is None or loop is None or loop.kind != "for" or len(loop.exprs) != 3:
        return None
    empty = [child.text for child in loop.children] == [";"]
    if not empty or len(macro.params) != len(head.exprs):
        return None
    given = {p.name: e for p, e in zip(macro.params, head.exprs)}
    line, column = head.start
    exprs = [
        _placed(expr, given, (line, column + number))
        for number, expr in enumerate(loop.exprs)
    ]
    text = f"for ( {' ; '.join(expr.text for expr in exprs)} )"
    return replace(head, kind="for", text=text, exprs=exprs)


def _placed(expr: Expr, given: dict[str, Expr], at: Point) -> Expr:
    """EXPR, of a macro, as it is at AT with what is GIVEN for its parameters."""
    end = (at[0], at[1] + 1)
    if expr.kind == "identifier" and expr.text in given:
        return _placed(given[expr.text], {}, at)
    children = [_placed(child, given, at) for child in expr.children]
    moved = dict(zip(expr.children, children))
    made = replace(
        expr,
        start=at,
        end=end,
        text=_written(expr.text, given),
        children=children,
        parent=None,
        label=_written(expr.label, given),
        arguments={n: moved[each] for n, each in expr.arguments.items()},
    )
    for child in children:
        child.parent = made
    return made


def _written(text: str, given: dict[str, Expr]) -> str:
    return " ".join(given[w].text if w in given else w for w in text.split(" "))


def _with(stmt: Stmt, made: dict[Stmt, Stmt], parent: Stmt | None) -> Stmt:
    """A copy of STMT below PARENT, with the loops MADE for those that have one."""
    copy = replace(made.get(stmt, stmt), parent=parent)
    copy.children = [*_below(stmt.children, made, copy)]
    return copy


def _below(
    stmts: Sequence[Stmt], made: dict[Stmt, Stmt], parent: Stmt
) -> Iterator[Stmt]:
    return (_with(stmt, made, parent) for stmt in stmts)
