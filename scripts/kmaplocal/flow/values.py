# SPDX-License-Identifier: GPL-2.0-only
"""What a variable or an expression of C holds, as far as that is known."""

from __future__ import annotations

from typing import NamedTuple, Union

from kmaplocal.c.syntax import Expr


class Given(NamedTuple):
    """What the caller gives as argument NUMBER; BEHIND: what lies where that points."""

    number: int
    behind: bool = False


# What an address is of: a mapping, by the number of its map call, or what was given.
Origin = Union[int, Given]

START, OFFSET, CURSOR = range(3)  # CURSOR: moved step by step, anywhere by now


class Value(NamedTuple):
    """What a variable or expression holds."""

    kind: str  # address, null, error, constant, copy (of an expression, by its text),
    # place (the address of a local variable, by its name), changed (an address that
    # may have been overwritten, by what the text says), added (to an address: the
    # variables and .members of that), nonzero (a number; its text is its sign), page
    # (which is mapped), pointer (to something that is there)
    site: Origin = 0  # of an address, or a page
    moved: int = 0  # of an address: START, OFFSET or CURSOR
    text: str = ""

    def onward(self, how: int = 1) -> "Value":
        """This address after arithmetic."""
        return self._replace(moved=max(self.moved, how))


NULL = Value("null", text="0")
ONE = Value("constant", text="1")
ERROR = Value("error")
NONZERO = Value("nonzero")
POINTER = Value("pointer")


def is_of(value: Value, site: Origin) -> bool:
    """Whether VALUE is an address of the mapping SITE."""
    return value.kind == "address" and value.site == site


def speaks_of(value: Value, name: str) -> bool:
    """Whether VALUE is told by a text that the variable NAME is in."""
    told = value.kind in ("copy", "added") and name in value.text
    return told and name in value.text.split()


def is_loaded(value: Value | None) -> bool:
    """Whether VALUE was read by way of an address: an address itself, or a
    structure with it."""
    if value is None:
        return False
    return value.kind == "address" and value.text == "loaded"


def constant_of(expr: Expr) -> Value | None:
    """The constant that EXPR is, if it is one."""
    node = expr.bare()
    if node.text in ("NULL", "0", "false"):
        return NULL
    if node.text == "true" or (node.kind == "constant" and node.text[:1].isdigit()):
        return Value("constant", text=node.text)
    if node.kind == "unary" and node.op == "-" and not node.children[0].children:
        return Value("constant", text=node.text)
    return None


def number_of(value: Value | None) -> int | None:
    """The integer that a value is, if it is one."""
    if value is None or value.kind not in ("null", "constant"):
        return None
    try:
        return int(value.text.replace(" ", ""), 0)
    except ValueError:
        return None


def truth_of(value: Value) -> bool | None:
    """How VALUE turns out as a condition; None: not known."""
    if value.kind == "null":
        return False
    if value.kind in ("constant", "nonzero", "pointer"):
        return True
    if value.kind in ("address", "page") and isinstance(value.site, int):
        return True
    return None
