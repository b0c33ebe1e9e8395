# SPDX-License-Identifier: GPL-2.0-only
"""How mapped pages go from function to function: each has a role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from kmaplocal.c.places import BLOCKS
from kmaplocal.c.syntax import Expr, Function, Stmt
from kmaplocal.flow.conditions import TRANSPARENT
from kmaplocal.knowledge import api, functions

RESULT, OUTPUT, GIVEN, ASKED, LATE = "result", "output", "given", "asked", "late"
_TO_PAGE = {OUTPUT: "passed", GIVEN: "ended", ASKED: "asked", LATE: "ended"}


class Refused(Exception):
    """A function in which the address cannot go with its page; says why."""


class Role(NamedTuple):
    """How a mapped page goes between a function and its callers: it is the RESULT, is
    left behind the parameter of that NUMBER, or is GIVEN as it to be unmapped, or only
    to be ASKED for its address.  LATE: it unmaps what it is given, in one place, and is
    to leave that to its callers, behind its call: by what it calls itself (BY), or
    where they cannot call that by kunmap(), and put_page() if it PUTS the page, too;
    TOLD: whether it needs the address for something else."""

    kind: str
    number: int = -1
    by: str = ""
    puts: bool = False
    told: bool = True


Roles = Mapping[str, Role]  # by the names of functions


def pages_of(function: Function, roles: Roles) -> dict[str, set[str]]:
    """The variables of FUNCTION that are mapped pages, each with how they become so:
    "mapped" here, "got" from a function of ROLES, "ended" here or by one, "asked" for
    its address by one, or here for a caller."""
    found: dict[str, set[str]] = {}
    own = roles.get(function.name)
    if own is not None and own.kind == ASKED and own.number < len(function.params):
        found[function.params[own.number].name] = {"asked"}
    for call in function.calls({"kmap", "kunmap", *roles}):
        name, how = page_of(call, roles)
        if name in function.variables:
            found.setdefault(name, set()).add(how)
    return found


def with_initialised(function: Function, roles: Roles) -> dict[str, set[str]]:
    """pages_of(), with those that a declaration gets."""
    found = pages_of(function, roles)
    results = {name for name, role in roles.items() if role.kind == RESULT}
    for stmt in function.statements():
        for variable in stmt.variables:
            value = next((e for e in stmt.exprs if e.start == variable.value_at), None)
            if value is not None and value.callee in results:
                found.setdefault(variable.name, set()).add("got")
    return found


def page_of(call: Expr, roles: Roles) -> tuple[str, str]:
    """The variable that is the page of CALL, and what CALL is to it."""
    if call.callee in ("kmap", "kunmap"):
        how = "mapped" if call.callee == "kmap" else "ended"
        return _mapped_page(call), how
    role = roles[call.callee]
    if role.kind == RESULT:
        return taken_by(call), "got"
    argument = call.arguments.get(role.number)
    if role.kind == OUTPUT and argument is not None and argument.bare().op == "&":
        return name_of(argument.bare().children[0]), "got"
    return name_of(argument), _TO_PAGE[role.kind]


def _mapped_page(call: Expr) -> str:
    """The variable that a kmap() maps, or a kunmap() unmaps: `page`, `*p = page`."""
    node = call.arguments.get(0)
    if node is not None and _is_store(node.bare()):
        return name_of(node.bare().children[1])
    return name_of(node)


def _is_store(node: Expr) -> bool:
    return node.kind == "assign" and node.op == "="


def name_of(expr: Expr | None) -> str:
    """The variable that EXPR is; "" where it is something else."""
    node = expr.bare() if expr is not None else None
    return node.text if node is not None and node.kind == "identifier" else ""


def taken_by(call: Expr) -> str:
    """The variable that the value of CALL is assigned to, by an expression."""
    parent = call.parent
    if parent is None or not _is_store(parent):
        return ""
    return name_of(parent.children[0]) if parent.children[1].bare() is call else ""


def roles_of(every: list[Function], roles: Roles) -> dict[str, Role]:
    """The roles that EVERY function has by what it does to pages, those of ROLES
    known."""
    found = dict(roles)
    for function in every:
        if function.name not in found:
            found |= {function.name: role for role in roles_in(function, roles)}
    return found


def roles_in(function: Function, roles: Roles) -> Iterator[Role]:
    """Those FUNCTION has: at most one is right, more are refused by who asks."""
    pages = with_initialised(function, roles)
    params = [v.name for v in function.params]
    for name, ways in pages.items():
        if name in params:
            if "ended" in ways and ways <= {"ended", "asked"}:
                yield Role(GIVEN, params.index(name))
            elif ways == {"asked"}:
                yield Role(ASKED, params.index(name))
            elif ways == {"passed"}:
                yield Role(OUTPUT, params.index(name))
        if ways & {"mapped", "got"}:
            yield from _left(function, name, params)


def _left(function: Function, page: str, params: list[str]) -> Iterator[Role]:
    """Where FUNCTION leaves PAGE, a variable, for its callers."""
    for stmt in function.statements():
        if stmt.kind == "return" and stmt.exprs:
            if stmt.exprs[-1].bare().text == page and not _is_error(stmt, page):
                yield Role(RESULT)
    for node in function.exprs:
        if node.kind == "assign" and node.children[1].bare().text == page:
            target = node.children[0].bare()
            name = name_of(target.children[0]) if target.op == "*" else ""
            if target.kind == "unary" and name in params:
                yield Role(OUTPUT, params.index(name))


def _is_error(stmt: Stmt, page: str) -> bool:
    """Whether STMT is what is done `if (IS_ERR(page))`, at once."""
    outer = stmt.parent
    if outer is not None and outer.kind in BLOCKS and outer.children[0] is stmt:
        outer = outer.parent
    if outer is None or outer.kind != "if" or stmt not in outer.children[0].walk():
        return False
    asked = outer.exprs[0].bare()
    if asked.callee in TRANSPARENT:
        asked = asked.arguments[0].bare()
    return asked.callee == "IS_ERR" and name_of(asked.arguments.get(0)) == page


def givers_of(function: Function) -> Iterator[str]:
    """What FUNCTION may have the pages from that it unmaps, and did not map."""
    params = {v.name for v in function.params}
    ended = {n for n, ways in pages_of(function, {}).items() if ways == {"ended"}}
    for call in function.exprs:
        given = {e.bare() for e in call.arguments.values()}
        lent = {name_of(e.children[0]) for e in given if e.op == "&" and e.children}
        if call.callee and {taken_by(call), *lent} & (ended - params):
            yield call.callee


def given_to(function: Function, roles: Roles) -> Iterator[tuple[str, int]]:
    """What FUNCTION gives a mapped page to that has no role, and as which argument."""
    pages = with_initialised(function, roles).keys()
    known = {*functions.TABLE, *api.ALL, *roles, function.name, ""}
    for call in function.exprs:
        if call.kind == "call" and call.callee not in known:
            for number, argument in call.arguments.items():
                if name_of(argument) in pages:
                    yield call.callee, number
