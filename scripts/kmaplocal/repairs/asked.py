# SPDX-License-Identifier: GPL-2.0-only
"""The types that are needed to write a helper's call without a cast."""

from __future__ import annotations

from kmaplocal.c.structs import MemberType, struct_of
from kmaplocal.c.syntax import Expr, Function
from kmaplocal.knowledge import api, functions


def ask_types(function: Function, member_type: MemberType) -> None:
    """Ask by MEMBER_TYPE for the types of the members that a helper would be given in
    place of what FUNCTION calls."""
    if not function.calls(api.OLD_MAPS):
        return
    for call in function.exprs:
        if call.callee and functions.of(call.callee).helper:
            for argument in call.arguments.values():
                _ask(argument, function, member_type)


def _ask(expr: Expr, function: Function, member_type: MemberType) -> None:
    while expr.kind in ("paren", "binary"):
        expr = expr.children[0]
    if expr.kind == "member":
        struct = struct_of(expr.children[0], function, member_type)
        if struct:
            member_type(struct, expr.label)
