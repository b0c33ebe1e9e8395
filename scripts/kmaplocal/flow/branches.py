# SPDX-License-Identifier: GPL-2.0-only
"""Conditions along a path: which ways they can turn out, and what is known then."""

from __future__ import annotations

from functools import cached_property

from kmaplocal.flow.conditions import (
    RELATIONS,
    TELLING,
    TRANSPARENT,
    against_null,
    atom_of,
)
from kmaplocal.flow.conditions import compared_values
from kmaplocal.flow.evaluator import Evaluator
from kmaplocal.flow.state import State, kept, meant
from kmaplocal.flow.values import ERROR, Value, truth_of
from kmaplocal.c.syntax import Expr

_TESTS = {"IS_ERR", "IS_ERR_OR_NULL"}


class Branches(Evaluator):
    """Steps that part the ways: what `?:` and the statements ask."""

    def condition(self, expr: Expr, state: State) -> list[tuple[bool, State]]:
        """The ways EXPR can turn out, with the state after each."""
        node = expr.bare()
        if node.callee in TRANSPARENT | TELLING and 0 in node.arguments:
            return self.condition(node.arguments[0], state)
        if node.kind == "unary" and node.op == "!":
            inside = self.condition(node.children[0], state)
            return [(not t, s) for t, s in inside]
        if node.kind == "binary" and node.op in ("&&", "||"):
            return self._short_circuit(node, state)
        results = []
        if against_null(node):
            truth = node.op == "!="
            ways = self.condition(node.children[0], state)
            return [(t == truth, s) for t, s in ways]
        for value, after in self.evaluate(node, state):
            self._tested(node, value)
            known = self._known(node, value, after)
            if known is not None:
                results.append((known, after))
            else:
                results.extend(self._both(node, after))
        return results

    @cached_property
    def _tested_on(self) -> set[str]:
        """The variables of which both is asked, IS_ERR(v) and IS_ERR_OR_NULL(v), and
        those that are returned, where errors are told by path."""
        asked = [
            {call.arguments[0].bare().text for call in self.function.calls([name])}
            for name in sorted(_TESTS)
        ]
        found = set.intersection(*asked)
        found |= self.relevant.returned if self.errors else set()
        return found & self.function.variables.keys()

    def _short_circuit(self, node: Expr, state: State) -> list[tuple[bool, State]]:
        results = []
        for truth, after in self.condition(node.children[0], state):
            if truth == (node.op == "||"):
                results.append((truth, after))
            else:
                results.extend(self.condition(node.children[1], after))
        return results

    def _both(self, node: Expr, state: State) -> list[tuple[bool, State]]:
        atom, positive = atom_of(node)
        if node.callee == "IS_ERR" and node.arguments[0].bare().text in self._tested_on:
            failed = state.put(node.arguments[0].bare().text, ERROR)
            return [(True, failed), (False, state.decide(atom, False))]
        if atom in self.relevant.repeated:
            yes = state.decide(atom, positive)
            return [(True, yes), (False, state.decide(atom, not positive))]
        return [(True, state), (False, state)]

    def _which(self, node: Expr, state: State) -> bool | None:
        """How `a == b` turns out where A is set to B on some path: that is asked to
        tell this path from others."""
        if node.kind != "binary" or node.op not in ("==", "!="):
            return None
        left, right = (child.bare().text for child in node.children)
        if frozenset((left, right)) not in self.relevant.alternatives:
            return None
        one, other = state.get(left), state.get(right)
        if one and other and one.kind == other.kind == "address":
            if one.site == other.site:
                return None  # it may have moved
        return (meant(left, state) == meant(right, state)) == (node.op == "==")

    def _how_left(self, node: Expr, state: State) -> bool | None:
        """How `i == n` or the like turns out behind a loop that went on while `i < n`,
        by the way that it was left."""
        if node.kind != "binary" or node.op not in RELATIONS:
            return None
        left, right = (child.bare().text for child in node.children)
        goes_on = f"{left} < {right}"
        decided = dict(state.decided)
        if goes_on not in self.relevant.ends or goes_on not in decided:
            return None
        return RELATIONS[node.op](0 if decided[goes_on] else 1, 1)

    def _is_pointer(self, name: str, state: State) -> bool:
        """Whether NAME is neither NULL nor an error, as it has been mapped."""
        decided = dict(state.decided)
        return bool(decided.get(name)) and decided.get(f"IS_ERR ( {name} )") is False

    def _known(self, node: Expr, value: Value | None, state: State) -> bool | None:
        if node.kind == "call" and node.callee in _TESTS:
            if self._is_pointer(node.arguments[0].bare().text, state):
                return False
            inner = [v for v, _ in self.evaluate(node.arguments[0], state)]
            for tested in inner:
                self._tested(node.arguments[0].bare(), tested)
            kinds = {v.kind if v else "" for v in inner}
            if kinds == {"null"}:
                return node.callee == "IS_ERR_OR_NULL"
            if len(kinds) == 1 and kinds <= {"address", "error", "pointer"}:
                return kinds == {"error"}
        if node.kind == "constant" and node.text in ("0", "1"):
            return node.text == "1"
        if any(of == kept(node.text) for _, of in state.pages):
            return True  # a member that keeps an address
        value = value or state.get(node.text)  # a number, that of a flag
        if value:
            truth = True if self._is_mapped(value) else truth_of(value)
            if truth is not None:
                return truth
        compared = compared_values(node, state)
        if compared is None:
            compared = self._which(node, state)
        if compared is None:
            compared = self._how_left(node, state)
        if compared is not None:
            return compared
        atom, positive = atom_of(node)
        decided = dict(state.decided)
        if atom in decided:
            return decided[atom] == positive
        return None
