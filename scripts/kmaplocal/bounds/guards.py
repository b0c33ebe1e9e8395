# SPDX-License-Identifier: GPL-2.0-only
"""What the conditions say that are passed on the way to a place."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.c.dominance import Place
from kmaplocal.c.linear import Linear, constant
from kmaplocal.bounds.prover import Fact
from kmaplocal.c.text import plain
from kmaplocal.bounds.translate import Values
from kmaplocal.c.syntax import Expr, Stmt

OPPOSITE = {">": "<=", "<=": ">", "<": ">=", ">=": "<", "==": "!=", "!=": "=="}


class Guards:
    """The conditions on the way to where `values` is asked for."""

    def __init__(self, values: Values):
        self.values, self.prover = values, values.prover
        self.typed, self.reaching = values.typed, values.reaching

    def facts(self) -> list[Fact]:
        """What the conditions passed on the way say."""
        found = []
        for condition, truth in self._passed():
            found += self._says(condition, truth, self.reaching.place(condition))
        return found

    def _passed(self) -> Iterator[tuple[Expr, bool]]:
        """The conditions of ifs and BUG_ON()s on every path, and what each was."""
        there = self.values.there
        for stmt in self.reaching.function.statements():
            checked = _checked(stmt)
            if checked is not None:
                if self.reaching.passes(self.reaching.place(checked), there):
                    yield checked, False
            elif stmt.kind == "if" and _is_whole(stmt):
                place = self.reaching.place(stmt.exprs[0])
                for truth in (True, False):
                    if self.reaching.decides(place, truth, there):
                        yield stmt.exprs[0], truth

    def _says(self, node: Expr, truth: bool, place: Place) -> list[Fact]:
        """What a condition says that was true, or was not."""
        if node.kind == "paren" or node.callee in ("likely", "unlikely"):
            return self._says(node.children[-1], truth, place)
        if node.kind == "unary" and node.op == "!":
            return self._says(node.children[0], not truth, place)
        if node.op == ("&&" if truth else "||") and node.kind == "binary":
            return [f for c in node.children for f in self._says(c, truth, place)]
        if node.kind != "binary" or node.op not in OPPOSITE:
            return []
        op = node.op if truth else OPPOSITE[node.op]
        left, right = (self.values.of(c, place) for c in node.children)
        reason = f"{plain(node.text)} is {'true' if truth else 'false'}"
        signed = all(self.typed.signed(c) for c in node.children)
        pairs = _comparison(op, left, right)
        return [
            Fact(a - b, reason) for a, b in pairs if signed or self.prover.regular(b)
        ]


def _checked(stmt: Stmt) -> Expr | None:
    """CONDITION of the statement `BUG_ON(condition);`."""
    if stmt.kind != "expression" or len(stmt.exprs) != 1:
        return None
    call = stmt.exprs[0]
    return call.arguments.get(0) if call.callee == "BUG_ON" else None


def _is_whole(stmt: Stmt) -> bool:
    """Whether no branch of an if is missing among the facts."""
    if len(stmt.exprs) != 1 or len(stmt.children) not in (1, 2):
        return False
    head = f"if ( {stmt.exprs[0].text} ) "
    body = stmt.text[len(head) :]
    then = stmt.children[0].text
    if not stmt.text.startswith(head) or not body.startswith(then[:900]):
        return False
    return (len(stmt.children) == 2) == body[len(then) :].startswith(" else")


def _comparison(op: str, left: Linear, right: Linear) -> list[tuple]:
    """Pairs of which the first is at most the second if `left op right`."""
    more = constant(1)
    pairs: dict[str, list[tuple]] = {
        "<": [(left + more, right)],
        "<=": [(left, right)],
        ">": [(right + more, left)],
        ">=": [(right, left)],
        "==": [(left, right), (right, left)],
    }
    return pairs.get(op, [])
