# SPDX-License-Identifier: GPL-2.0-only
"""Arguments of page helpers, with a cast where they need one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kmaplocal.c.places import slice_of
from kmaplocal.c.syntax import Expr

if TYPE_CHECKING:
    from kmaplocal.idioms.idioms import Finder

_BYTES = {"void", "char", "u8", "s8", "__u8", "uint8_t", "unsigned char"}


def pointer(finder: Finder, expr: Expr, wanted: str) -> str:
    """EXPR as an argument of type WANTED: a cast only where it is needed."""
    text = slice_of(finder.text, expr)
    node = expr
    while node.kind == "paren" or (node.kind == "binary" and node.op in ("+", "-")):
        node = node.children[0]
    if node.kind == "constant" or _is_of_bytes(finder.type_of(node)):
        return text
    simple = not expr.bare().children or expr.kind in ("paren", "call", "member")
    simple = simple or expr.kind in ("unary", "index", "cast")
    return f"({wanted}){text}" if simple else f"({wanted})({text})"


def _is_of_bytes(type_: str) -> bool:
    """Whether a pointer or array of this type is to bytes, whatever their sign: the
    kernel is compiled with -Wno-pointer-sign."""
    spaced = type_.replace("[", " [ ").replace("*", " * ").split()
    words = [w for w in spaced if w not in ("const", "volatile", "unsigned", "signed")]
    ends = [number for number, word in enumerate(words) if word in ("*", "[")]
    return len(ends) == 1 and " ".join(words[: ends[0]]) in _BYTES
