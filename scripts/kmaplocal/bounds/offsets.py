# SPDX-License-Identifier: GPL-2.0-only
"""How far from a pointer variable an expression points, and how far from there."""

from __future__ import annotations

from kmaplocal.c.places import changes, names_in, scale_of
from kmaplocal.c.syntax import Expr, Function

Term = tuple[Expr, "int | str", int]  # times how many bytes, and +1 or -1
Amount = tuple["Expr | None", "int | str", int]  # the same; None: a plain number


def terms_of(argument: Expr, variable: str, function: Function) -> list[Term] | None:
    """ARGUMENT as the pointer VARIABLE plus a sum of (expression, scale, sign);
    [] when it is the variable itself, None when it is neither."""
    node = argument
    scale = None
    while node.kind in ("paren", "cast"):
        if node.kind == "cast" and scale is None:
            scale = scale_of(node.op)
        node = node.children[-1]
    if node.kind in ("identifier", "call"):
        return [] if node.text == variable else None
    if node.kind == "unary" and node.op == "&":
        inner = node.children[0].bare()
        if inner.kind != "index":
            return None
        base, index = inner.children
        return _sum(base, index, 1, variable, function)
    if node.kind == "binary" and node.op in ("+", "-"):
        left, right = node.children
        sign = 1 if node.op == "+" else -1
        found = _sum(left, right, sign, variable, function)
        if found is None and sign > 0:
            found = _sum(right, left, 1, variable, function)
        return found
    return None


def _sum(base: Expr, index: Expr, sign: int, variable: str, function):
    terms = terms_of(base, variable, function)
    if terms is None or variable in _read_in(index):
        return None
    node, scale = base, None
    while node.kind in ("paren", "cast"):
        if node.kind == "cast":
            scale = scale_of(node.op)
            break
        node = node.children[-1]
    while scale is None and node.kind == "binary":
        node = node.children[0].bare()
    if scale is None:
        declared = function.variables.get(variable)
        scale = scale_of(declared.type) if declared else None
        if node.kind == "call":
            scale = 1  # every map call gives a void *
    return None if scale is None else [*terms, (index, scale, sign)]


def _read_in(node: Expr) -> set[str]:
    """The variables whose values an expression reads: those in a sizeof it does
    not."""
    if node.kind == "sizeof":
        return set()
    if node.kind == "identifier":
        return {node.text}
    return set().union(*(_read_in(child) for child in node.children))


def is_same_again(term: Expr, function: Function) -> bool:
    """Whether TERM is the same wherever it is asked for: nothing in it changes, but
    for variables that are only ever given one value, made of what does not."""
    own = set(function.variables) - {v.name for v in function.params}
    for name in names_in(term):
        if name not in own and _moves(name, function):
            return False
        values = {value.text: value for value in values_of(name, function)}
        made_of = set().union(*(names_in(value) for value in values.values()))
        if len(values) > 1 or _moves(name, function, assigned=True):
            return False
        if any(_moves(n, function) or values_of(n, function) for n in made_of):
            return False
    return True


def _moves(name: str, function: Function, assigned: bool = False) -> bool:
    """Whether a variable or member may change other than (ASSIGNED) by `=`."""
    if any(
        changes(node, {name})
        and not (assigned and node.kind == "assign" and node.op == "=")
        for node in function.exprs
    ):
        return True
    loops = [s for s in function.statements() if s.kind == "iterator"]
    return any(name in names_in(expr) for stmt in loops for expr in stmt.exprs)


def values_of(name: str, function: Function) -> list[Expr]:
    """What is assigned to a variable, or it is declared with."""
    found = [
        e.children[1].bare()
        for e in function.exprs
        if e.kind == "assign" and e.op == "=" and e.children[0].bare().text == name
    ]
    for stmt in function.statements():
        for variable in stmt.variables:
            if variable.name == name and variable.value_at:
                found += [e.bare() for e in stmt.exprs if e.start == variable.value_at]
    return found
