# SPDX-License-Identifier: GPL-2.0-only
"""A late unmap: what unmaps the page that it is given leaves that to its callers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kmaplocal.c.places import Places
from kmaplocal.c.syntax import Expr, Function, Stmt
from kmaplocal.repairs.roles import LATE, Refused, Role, Roles, name_of, page_of

_LEAVES = ("return", "goto", "break", "continue", "label", "case")


def late_role(function: Function, roles: Roles, puts: Mapping[str, bool]) -> Role:
    """The role of FUNCTION, which unmaps what it is given, once that is left to its
    callers.  PUTS: what does nothing but unmap its only argument, and whether it puts
    it, too.  Raises Refused where that cannot be moved there."""
    number = roles[function.name].number
    page = function.params[number].name
    calls = [
        c for c in function.calls({"kunmap", *roles}) if page_of(c, roles)[0] == page
    ]
    ends = [call for call in calls if page_of(call, roles)[1] == "ended"]
    if len(ends) != 1 or ends[0].callee not in {"kunmap", *puts}:
        raise Refused(f"{function.name}() does not unmap in one place")
    (end,) = ends
    stmt = Places(function).statement(end)
    if stmt is None or stmt.exprs != [end] or stmt.kind != "expression":
        raise Refused(f"{end.text} is a part of something else")
    home = stmt.parent if stmt.parent and stmt.parent.kind == "label" else stmt
    behind = following(function, stmt)
    puts_here = puts.get(end.callee, bool(behind) and _is_put(behind[0], page))
    rest = behind[1:] if end.callee == "kunmap" and puts_here else behind
    if home.parent is not None or (home is not stmt and not rest):
        raise Refused(f"{function.name}() does not unmap in one place")
    asked = function.calls({"page_address"}) + [c for c in calls if c is not end]
    told = any(name_of(e) == page for c in asked for e in c.arguments.values())
    return Role(LATE, number, end.callee, puts_here, told)


def only_unmaps(function: Function) -> bool | None:
    """Whether FUNCTION puts its only parameter, a page, behind its unmap; None where it
    does something else."""
    if len(function.params) != 1 or not function.body:
        return None
    name, (first, *rest) = function.params[0].name, function.body
    unmaps = [e.callee for e in first.exprs] == ["kunmap"] and _is_of(first, name)
    if not unmaps or len(rest) > 1 or not all(_is_put(stmt, name) for stmt in rest):
        return None
    return bool(rest)


def following(function: Function, stmt: Stmt) -> Sequence[Stmt]:
    """What follows STMT in the same block of FUNCTION."""
    outer = stmt.parent
    if outer is not None and outer.kind == "label":
        return following(function, outer)
    block = outer.children if outer is not None else function.body
    return block[block.index(stmt) + 1 :]


def is_alone(call: Expr, stmt: Stmt) -> bool:
    """Whether STMT is CALL, whose value is forgotten, or assigned."""
    node: Expr | None = call
    while node is not None and node.parent is not None and node not in stmt.exprs:
        outer = node.parent
        given = outer.kind == "assign" and outer.children[1] is node
        node = outer if given or outer.kind in ("paren", "cast") else None
    return stmt.kind == "expression" and stmt.exprs == [node]


def way_out(function: Function, stmt: Stmt, page: str) -> Stmt:
    """The `return` of FUNCTION that STMT goes on to, in the same block, with PAGE what
    it was.  Raises Refused."""
    for each in following(function, stmt):
        if each.kind == "return":
            return each
        inner = list(each.walk())
        if any(
            s.kind in _LEAVES or any(_sets(e, page) for e in s.exprs) for s in inner
        ):
            break
    raise Refused(f"line {stmt.start[0]}: there is no place for the unmap")


def _sets(expr: Expr, page: str) -> bool:
    """Whether EXPR may give the variable PAGE another value."""
    return any(
        node.kind == "assign" or node.op in ("&", "++", "--")
        for node in expr.walk()
        if node.children and name_of(node.children[0]) == page
    )


def _is_put(stmt: Stmt, page: str) -> bool:
    return [e.callee for e in stmt.exprs] == ["put_page"] and _is_of(stmt, page)


def _is_of(stmt: Stmt, page: str) -> bool:
    """Whether STMT is one call, of which PAGE is the only argument."""
    found = [name_of(e) for e in stmt.exprs[0].arguments.values()]
    return stmt.kind == "expression" and found == [page]
