# SPDX-License-Identifier: GPL-2.0-only
"""Conditions: what is the same one in other words, and how one turns out where
values are known."""

from __future__ import annotations

import operator

from kmaplocal.flow.state import State
from kmaplocal.flow.values import ERROR, NONZERO, NULL, Value
from kmaplocal.flow.values import constant_of, number_of, truth_of
from kmaplocal.knowledge import functions
from kmaplocal.c.syntax import Expr

TRANSPARENT = functions.named(lambda row: row.same)
# Whether their argument is true.
TELLING = functions.named(lambda row: row.tests and row.by_value and not row.looks)
TAKING = functions.named(lambda row: row.takes)
_LASTING = functions.named(lambda row: row.lasts)  # of all pages after one
RELATIONS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_SIGNED = {("nonzero", "-"), ("nonzero", "+")}


def against_null(node: Expr) -> bool:
    """Whether a condition is `x == NULL` or `x != NULL`."""
    if node.kind != "binary" or node.op not in ("==", "!="):
        return False
    return node.children[1].bare().text == "NULL"


def atom_of(node: Expr) -> tuple[str, bool]:
    """A condition's text with negations taken off, and whether it is positive."""
    if node.kind == "binary" and node.op in ("==", "!="):
        left, right = (c.bare() for c in node.children)
        if right.text in ("0", "NULL"):
            return left.text, node.op == "!="
        return f"{left.text} == {right.text}", node.op == "=="
    return node.text, True


def atoms_of(expr: Expr) -> list[str]:
    """The texts of the conditions that EXPR is put together of, negations off."""
    node = expr.bare()
    if node.callee in TRANSPARENT | TELLING and 0 in node.arguments:
        return atoms_of(node.arguments[0])
    if node.kind == "unary" and node.op == "!":
        return atoms_of(node.children[0])
    if node.kind == "binary" and node.op in ("&&", "||"):
        return [a for child in node.children for a in atoms_of(child)]
    return [atom_of(node)[0]]


def flag_of(atom: str) -> str:
    """The variable of a condition: alone, or compared with a number."""
    words = atom.split()
    compared = len(words) == 3 and words[1] in RELATIONS and words[2].isdigit()
    return words[0] if compared else atom


def lasts(atom: str, name: str) -> bool:
    """Whether ATOM, true of the page that NAME points to, is true of the next, too."""
    return any(atom == f"{each} ( {name} )" for each in _LASTING)


def decided_of(name: str, state: State) -> Value | None:
    """What is known of NAME, a number or an error, by the conditions on this path."""
    decided = dict(state.decided)
    if decided.get(f"IS_ERR ( {name} )"):
        return ERROR
    if name in decided:
        return NONZERO if decided[name] else NULL
    return NONZERO._replace(text="-") if decided.get(f"{name} < 0") else None


def compared_values(node: Expr, state: State) -> bool | None:
    """`x == NULL`, `x != 0`, `x < 0` and `x >= 2` of a variable with a known
    value, and `x == y` of two that hold the same address."""
    if node.kind != "binary" or node.op not in RELATIONS:
        return None
    left, right = node.children[0].bare(), node.children[1].bare()
    if node.op in ("==", "!=") and right.text not in ("NULL", "0"):
        if same_address(state.get(left.text), state.get(right.text)):
            return node.op == "=="
    value = state.get(left.text)
    if value is None:
        return None
    one, other = number_of(value), number_of(constant_of(right))
    if one is not None and other is not None:
        return RELATIONS[node.op](one, other)
    if right.text not in ("NULL", "0") or node.op not in ("==", "!=", "<"):
        return None
    truth = truth_of(value)
    if truth is None:
        return None
    if node.op == "<":
        signed = value.kind == "constant" or (value.kind, value.text[:1]) in _SIGNED
        return value.text.startswith("-") if signed else None
    return (not truth) if node.op == "==" else truth


def same_address(left: Value | None, right: Value | None) -> bool:
    """Whether two values are one address, as it was mapped or handed over."""
    return left == right and left == Value("address", left.site if left else 0)


def compared_call(expr: Expr, left: Value | None) -> Value | None:
    """How `call() < 0`, `call() == -EIO` and the like turn out, where what the call
    returns is a number of a known sign."""
    operand, right = (child.bare() for child in expr.children)
    called = any(node.kind == "call" for node in operand.walk())
    if not called or left is None:
        return None
    if left == NULL and expr.op in ("==", "!=") and right.op == "-":
        return Value("constant", text="1") if expr.op == "!=" else NULL
    if right.text != "0":
        return None
    sign = {"": 0, "+": 1, "-": -1}.get(left.text) if left.kind == "nonzero" else None
    if left == NULL:
        known = RELATIONS[expr.op](0, 0)
    elif sign:
        known = RELATIONS[expr.op](sign, 0)
    elif sign == 0 and expr.op in ("==", "!="):
        known = expr.op == "!="
    else:
        return None
    return Value("constant", text="1") if known else NULL
