# SPDX-License-Identifier: GPL-2.0-only
"""Which structure an expression is, or points to."""

from __future__ import annotations

from collections.abc import Callable

from kmaplocal.c.places import base_type
from kmaplocal.c.syntax import Expr, Function

# The type text of a structure's member, or "" when it is not known.
MemberType = Callable[[str, str], str]


def struct_of(expr: Expr, function: Function, member_type: MemberType) -> str:
    """The name of the structure that EXPR is or points to; "" when that cannot
    be told from declarations, casts and member types."""
    node = expr
    while node.kind in ("paren", "index", "unary", "binary"):
        node = node.children[0]
    if node.kind == "cast":
        return _named(node.op)
    if node.kind == "identifier":
        variable = function.variables.get(node.text)
        return _named(variable.type) if variable else ""
    if node.kind == "member":
        outer = struct_of(node.children[0], function, member_type)
        return _named(member_type(outer, node.label)) if outer else ""
    return ""


def _named(type_: str) -> str:
    words = base_type(type_).replace("*", " ").replace("[", " ").split()
    return words[1] if len(words) > 1 and words[0] == "struct" else ""
