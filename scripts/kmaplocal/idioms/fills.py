# SPDX-License-Identifier: GPL-2.0-only
"""Mappings that fill every member of the structure at the page's start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kmaplocal.knowledge import functions
from kmaplocal.c.sizes import plain_size
from kmaplocal.c.places import base_type
from kmaplocal.c.syntax import Expr, Function, Source, Stmt, Struct
from kmaplocal.flow.trace import Site

_ZEROS = {"0", "NULL", "false", "0U", "0UL", "0ULL", "0x0"}


@dataclass
class Fill:
    """The structure, what its members get (zeros left out), and where."""

    struct: str
    values: list[tuple[str, Expr]]
    stmts: Sequence[Stmt]


def find_fill(
    function: Function, source: Source, site: Site, between: Sequence[Stmt]
) -> Fill | None:
    """The fill that the statements between map and unmap are, or None.

    None as well when a member is not assigned, or twice, when a value reads
    the mapping or has an effect of its own, or when the structure has holes:
    a compound literal leaves what it does not name undefined."""
    struct = _struct_of(function, source, site.variable)
    if struct is None or not between or not _dense(struct):
        return None
    values: dict[str, Expr] = {}
    for stmt in between:
        if stmt.kind != "expression" or len(stmt.exprs) != 1:
            return None
        targets, value = _chain(stmt.exprs[0], site.variable)
        if not targets or not _plain(value, site.variable):
            return None
        for name in targets:
            if name in values:
                return None
            values[name] = value
    if set(values) != {name for name, _ in _fixed(struct)}:
        return None
    shown = [(n, v) for n, v in values.items() if v.bare().text not in _ZEROS]
    return Fill(struct.name, shown, list(between))


def _struct_of(function: Function, source: Source, name: str) -> Struct | None:
    variable = function.variables.get(name)
    words = base_type(variable.type).split() if variable else []
    if variable and "volatile" in variable.type.split():
        return None
    if len(words) != 3 or words[0] != "struct" or words[2] != "*":
        return None
    struct = source.structs.get(words[1])
    return struct if struct and struct.complete else None


def _fixed(struct: Struct) -> list[tuple[str, str]]:
    """The members without a flexible array at the end."""
    members = struct.members
    if members and members[-1][1].replace(" ", "").endswith(("[]", "[0]")):
        return members[:-1]
    return members


def _dense(struct: Struct) -> bool:
    """Whether the structure has no holes, with a long of 4 and of 8 bytes, and
    none before a flexible array or at its end."""
    fixed = _fixed(struct)
    for long in (4, 8):
        offset, widest = 0, 1
        for _, type_ in fixed:
            if "volatile" in type_.split():
                return False
            size = plain_size(base_type(type_), long)
            if not size or offset % size:
                return False
            offset += size
            widest = max(widest, size)
        widest = 8 if len(fixed) < len(struct.members) else widest
        if not offset or offset % widest:
            return False
    return True


def _chain(expr: Expr, variable: str) -> tuple[list[str], Expr]:
    """The members that `v->a = v->b = value` assigns, and the value; a bare
    expression with no members when it is something else."""
    names = []
    while expr.kind == "assign" and expr.op == "=":
        target = expr.children[0].bare()
        if target.kind != "member" or target.op != "->":
            return [], expr
        if target.children[0].bare().text != variable:
            return [], expr
        names.append(target.label)
        expr = expr.children[1]
    return names, expr


def _plain(value: Expr, variable: str) -> bool:
    """Whether a value has no effect and does not read the mapping."""
    for node in value.walk():
        if node.kind == "identifier" and node.text == variable:
            return False
        if node.kind == "call":
            if node.callee not in functions.REPEATING:
                return False
        elif node.kind in ("assign", "postfix", "statement-expression", "opaque"):
            return False
        elif node.op in ("++", "--"):
            return False
    return True
