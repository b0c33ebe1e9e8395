# SPDX-License-Identifier: GPL-2.0-only
"""What the conditions say that are passed on the way to a place."""

from __future__ import annotations

from kmaplocal.bounds.flow import Place
from kmaplocal.c.linear import Linear, constant
from kmaplocal.bounds.prover import Fact
from kmaplocal.c.text import plain
from kmaplocal.bounds.translate import Values
from kmaplocal.c.syntax import Expr, Stmt

LEAVING = {"return", "goto", "continue", "break"}
OPPOSITE = {">": "<=", "<=": ">", "<": ">=", ">=": "<", "==": "!=", "!=": "=="}


class Guards:
    """The conditions on the way to where `values` is asked for."""

    def __init__(self, values: Values):
        self.values, self.prover = values, values.prover
        self.typed, self.flow = values.typed, values.flow

    def facts(self) -> list[Fact]:
        """What the conditions passed on the way say."""
        found = []
        for condition, truth in self._passed():
            place = self.flow.place(condition)
            if self.flow.reach(place, self.values.there) is not None:
                found += self._says(condition, truth, place)
        return found

    def _passed(self) -> list[tuple[Expr, bool]]:
        """The conditions of ifs and BUG_ON()s, and what each was, by the text."""
        found = [(stmt, stmt.exprs[0].children[1], False) for stmt in self.flow.checks]
        for stmt in self.flow.ifs:
            truth = self._truth(stmt)
            if truth is not None:
                found.append((stmt, stmt.exprs[0], truth))
        found.sort(key=lambda each: (each[0].start, (-each[0].end[0], -each[0].end[1])))
        return [(condition, truth) for _, condition, truth in found]

    def _truth(self, stmt: Stmt) -> bool | None:
        """What the condition of an if was; None: one or the other."""
        start = self.values.there.start
        for branch, truth in zip(stmt.children, (True, False)):
            if branch.start <= start < branch.end:
                return truth
        return False if start >= stmt.end and _leaves(stmt.children[0]) else None

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


def _leaves(stmt: Stmt) -> bool:
    if stmt.kind == "compound" and stmt.children:
        stmt = stmt.children[-1]
    return stmt.kind in LEAVING


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
