# SPDX-License-Identifier: GPL-2.0-only
"""Function pointers, as the calls that go through them name them."""

from __future__ import annotations

from typing import NamedTuple

from kmaplocal.c.syntax import Expr, Function


class Pointer(NamedTuple):
    """A function pointer: the members of this name; or, with the others, the
    parameter of this name, the NUMBER-th from 0 of FUNCTION in FILE."""

    name: str
    file: str = ""
    function: str = ""
    number: int = 0


def pointer_of(call: Expr, function: Function) -> Pointer | None:
    """The function pointer that CALL in FUNCTION goes through, FILE left out; None
    when it is no member and no parameter that keeps its value."""
    node = call.children[0].bare()
    while node.kind == "unary" and node.op == "*":
        node = node.children[0].bare()
    if node.kind == "member":
        return Pointer(node.label)
    return parameter(node.text, function)


def named_function(given: Expr | None) -> Expr | None:
    """What is named where GIVEN, an argument, is `f` or `&f`; None for others."""
    node = given.bare() if given is not None else None
    if node is not None and node.kind == "unary" and node.op == "&":
        node = node.children[0].bare()
    return node if node is not None and node.kind == "identifier" else None


def parameter(name: str, function: Function, file: str = "") -> Pointer | None:
    """The parameter NAME of FUNCTION, as a pointer; None where there is no such
    parameter, or it does not keep its value."""
    for number, variable in enumerate(function.params):
        if variable.name == name and function.variables.get(name) is variable:
            if any(_changes(expr, name) for expr in function.exprs):
                return None
            return Pointer(name, file, function.name, number)
    return None


def _changes(expr: Expr, name: str) -> bool:
    if expr.kind == "assign" or (expr.kind == "unary" and expr.op == "&"):
        return expr.children[0].bare().text == name
    return expr.kind in ("opaque", "statement-expression") and name in expr.text.split()
