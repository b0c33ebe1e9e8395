# SPDX-License-Identifier: GPL-2.0-only
"""What the conditions say that are passed on the way to a place."""

from __future__ import annotations

from kmaplocal.bounds.flow import Place
from kmaplocal.bounds.linear import Linear, constant
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
        for stmt in self.flow.stmts:
            for condition, truth in self._passed(stmt):
                place = self.flow.place(condition)
                if self.flow.reach(place, self.values.there) is not None:
                    found += self._says(condition, truth, place)
        return found

    def _passed(self, stmt: Stmt) -> list[tuple[Expr, bool]]:
        """The condition of an if or BUG_ON(), and what it was."""
        if stmt.kind == "expression" and len(stmt.exprs) == 1:
            call = stmt.exprs[0]
            bug = call.callee == "BUG_ON" and len(call.children) == 2
            return [(call.children[1], False)] if bug else []
        if stmt.kind != "if" or len(stmt.exprs) != 1 or not self._plain_if(stmt):
            return []
        condition, start = stmt.exprs[0], self.values.there.start
        for branch, truth in zip(stmt.children, (True, False)):
            if branch.start <= start < branch.end:
                return [(condition, truth)]
        leaves = _leaves(stmt.children[0])
        return [(condition, False)] if leaves and start >= stmt.end else []

    def _plain_if(self, stmt: Stmt) -> bool:
        """True when no branch of an if is missing among the facts."""
        if len(stmt.children) not in (1, 2):
            return False
        head = f"if ( {stmt.exprs[0].text} ) "
        body = stmt.text[len(head) :]
        then = stmt.children[0].text
        if not stmt.text.startswith(head) or not body.startswith(then[:900]):
            return False
        return (len(stmt.children) == 2) == body[len(then) :].startswith(" else")

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
