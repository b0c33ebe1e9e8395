# SPDX-License-Identifier: GPL-2.0-only
"""A variable of its own for the address of a mapping whose cursor moves on.

kunmap() is given the page and never minds where the cursor is; kunmap_local()
wants an address in the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kmaplocal.c.places import Places, changes, names_in
from kmaplocal.flow.trace import Site, Trace
from kmaplocal.repairs.repair import BasePointer
from kmaplocal.c.syntax import Expr, Function, Stmt

# What evaluates all its operands, and once.
_ALWAYS = ("paren", "cast", "binary", "unary", "call", "index", "member", "assign")
_LAZY = ("&&", "||", "&")  # `a & b` is not worth to be told from `&a`
NAMES = ("base", "kaddr", "vaddr", "mapped")


def base_pointer(
    function: Function,
    trace: Trace,
    site: Site,
    call: Expr,
    others: Mapping[int, BasePointer],
    branches: Sequence[tuple[int, int]] = (),
) -> BasePointer | None:
    """A variable for the address of a mapping that CALL gives, beside those of
    OTHERS; None when CALL is neither in a plain assignment nor evaluated whenever its
    statement is, when an unmap is outside the block of every declaration, or ends
    other mappings too.  BRANCHES: the first and last line of each branch of an #if."""
    places = Places(function)
    begin = places.statement(call)
    unmaps = trace.unmaps_alone(site.number)
    if not unmaps or begin is None or not places.in_block(begin):
        return None
    plain = _plain(begin, call) or _is_evaluated(begin, call)
    if site.name not in ("kmap", "kmap_atomic") or not plain:
        return None
    name = _free_name(function, trace, site, others)
    if begin.kind == "declaration":
        within = begin.parent is None or _encloses(begin.parent, unmaps)
        return BasePointer(name, None, call) if name and within else None
    taken = [other.after for other in others.values()]
    after = _declaration(function, begin, unmaps, branches, taken)
    return BasePointer(name, after, call) if name and after else None


def _plain(stmt: Stmt, call: Expr) -> bool:
    """Whether the statement is `v = map(page) + offset;`, with a cast or without an
    offset, or the one declaration `T v = map(page) + offset;`."""
    if len(stmt.exprs) != 1:
        return False
    value = stmt.exprs[0]
    if stmt.kind == "expression" and value.kind == "assign" and value.op == "=":
        target, value = value.children
        if target.kind != "identifier":
            return False
    elif stmt.kind != "declaration" or len(stmt.variables) != 1:
        return False
    while value.kind in ("paren", "cast", "binary"):
        if value.kind == "binary" and value.op not in ("+", "-"):
            return False
        value = value.children[-1 if value.kind == "cast" else 0]
    return value is call


def _is_evaluated(stmt: Stmt, call: Expr) -> bool:
    """Whether the map CALL can be made before STMT: it is evaluated whenever that is,
    and nothing in STMT changes what its page is."""
    one = stmt.kind == "expression" or (
        stmt.kind == "declaration" and len(stmt.variables) == 1
    )
    if not one or len(stmt.exprs) != 1:
        return False
    names = names_in(call.arguments[0]) if call.arguments else set()
    root, node = stmt.exprs[0], call
    while node is not root:
        around = node.parent
        if around is None or around.kind not in _ALWAYS or around.op in _LAZY:
            return False
        node = around
    return not any(changes(inner, names) for inner in root.walk())


def _free_name(
    function: Function, trace: Trace, site: Site, others: Mapping[int, BasePointer]
) -> str:
    """A name that nothing in the function has, nor a mapping alive beside this."""
    used = {e.text for e in function.exprs if e.kind == "identifier"}
    used |= set(function.variables)
    for number, other in others.items():
        beside = {(number, site.number), (site.number, number)}
        if beside & trace.nested:
            used.add(other.name)
    return next((name for name in NAMES if name not in used), "")


def _declaration(
    function: Function,
    begin: Stmt,
    unmaps: list[Expr],
    branches: Sequence[tuple[int, int]],
    taken: Sequence[Stmt | None],
) -> Stmt | None:
    """The last declaration before the map call in the innermost block around the
    mapping that has any, compiled whenever the mapping is, and behind which no
    variable comes yet (TAKEN)."""
    block = begin.parent
    while True:
        if block is None or (block.kind == "compound" and _encloses(block, unmaps)):
            stmts = function.body if block is None else block.children
            found = [
                stmt
                for stmt in stmts
                if stmt.kind == "declaration"
                and stmt.end <= begin.start
                and stmt not in taken
                and not _hidden(stmt, begin, branches)
            ]
            if found:
                return found[-1]
        if block is None:
            return None
        block = block.parent


def _hidden(stmt: Stmt, begin: Stmt, branches: Sequence[tuple[int, int]]) -> bool:
    """Whether STMT is in a branch of an #if that BEGIN is not in."""
    lines = stmt.start[0], begin.start[0]
    within = [tuple(a < line < b for line in lines) for a, b in branches]
    return (True, False) in within


def _encloses(block: Stmt, exprs: list[Expr]) -> bool:
    return all(block.holds(expr) for expr in exprs)
