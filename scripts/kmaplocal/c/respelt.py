# SPDX-License-Identifier: GPL-2.0-only
"""A function in which members of a structure are variables of their own: `iter->addr`
is one word, and everything stands where it stood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kmaplocal.c.syntax import Expr, Function, Stmt, Variable

_ARROWS = ("->", ".")


def respelt(function: Function, base: str, types: Mapping[str, str]) -> Function:
    """A copy of FUNCTION in which the members of BASE, those of TYPES, are variables of
    these types."""
    return _Copy(function, base, types).function


class _Copy:
    def __init__(self, function: Function, base: str, types: Mapping[str, str]):
        self.base, self.types = base, types
        self._made: dict[Expr, Expr] = {}
        roots = [expr for expr in function.exprs if expr.parent is None]
        for root in roots:
            self._expr(root, None)
        arrow = "->" if any(p.name == base for p in function.params) else "."
        own = {
            f"{base}{arrow}{member}": Variable(f"{base}{arrow}{member}", type_, (0, 0))
            for member, type_ in types.items()
        }
        self.function = replace(
            function,
            body=[self._stmt(stmt, None) for stmt in function.body],
            variables={**function.variables, **own},
            exprs=[self._made[e] for e in function.exprs if e in self._made],
            stray=[self._made[e] for e in function.stray],
        )

    def _text(self, text: str) -> str:
        words, found = text.split(" "), list[str]()
        at = 0
        while at < len(words):
            three = words[at : at + 3]
            if self._is_member(three) and (not found or found[-1] not in _ARROWS):
                found.append("".join(three))
                at += 3
            else:
                found.append(words[at])
                at += 1
        return " ".join(found)

    def _is_member(self, three: list[str]) -> bool:
        if len(three) != 3 or three[0] != self.base or three[1] not in _ARROWS:
            return False
        return three[2] in self.types

    def _expr(self, expr: Expr, parent: Expr | None) -> Expr:
        made = Expr(expr.start, expr.end, self._text(expr.text), [], parent)
        made.kind, made.op, made.label = expr.kind, expr.op, expr.label
        made.through = expr.through
        self._made[expr] = made
        if expr.kind == "member" and self._is_member(expr.text.split(" ")):
            made.kind, made.op, made.label = "identifier", "", ""
            return made
        made.children = [self._expr(child, made) for child in expr.children]
        if expr.arguments:
            made.arguments = {n: self._made[e] for n, e in expr.arguments.items()}
        return made

    def _stmt(self, stmt: Stmt, parent: Stmt | None) -> Stmt:
        exprs = [self._made[expr] for expr in stmt.exprs]
        text = self._text(stmt.text)
        made = replace(stmt, text=text, children=[], exprs=exprs, parent=parent)
        made.children = [self._stmt(child, made) for child in stmt.children]
        return made
