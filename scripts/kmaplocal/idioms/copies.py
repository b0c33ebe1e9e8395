# SPDX-License-Identifier: GPL-2.0-only
"""Mappings for one memcpy() or copy_page(): to a page, from one, or between two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kmaplocal.c.places import slice_of
from kmaplocal.c.syntax import Expr
from kmaplocal.idioms.casts import pointer
from kmaplocal.repairs.folios import PAGE

if TYPE_CHECKING:
    from kmaplocal.idioms.idioms import Finder, Span


def is_base(argument: Expr | None, span: Span) -> bool:
    """Whether an argument is the address of a mapping, as it was mapped."""
    return argument is not None and argument.bare().text == span.site.variable


def names(expr: Expr, name: str) -> bool:
    """Whether the variable NAME is in an expression."""
    return any(n.kind == "identifier" and n.text == name for n in expr.walk())


def to_or_from(finder: Finder, span: Span, others: list[Span], call: Expr):
    """memcpy(): to a page, from a page, or between two."""
    if set(call.arguments) != {0, 1, 2}:
        return None
    to, source, length = (call.arguments[n] for n in range(3))
    if not _pure_enough(length):
        return None
    if others:
        return _between(finder, span, others, call)
    text = copied(finder, span, call, span.site.variable)
    return (text, [span]) if text else None


def copied(finder: Finder, span: Span, call: Expr, name: str) -> str | None:
    """The helper for a memcpy() to or from the page whose address is NAME."""
    to, source, length = (call.arguments[n] for n in range(3))
    size = slice_of(finder.text, length)
    offset = finder.offset(name, to)
    if offset and not names(source, name) and finder.inside(offset[0], length, call):
        given = pointer(finder, source, "const char *")
        return finder.call("memcpy_to_page", span, PAGE, offset[1], given, size)
    offset = finder.offset(name, source)
    if offset and not names(to, name) and finder.inside(offset[0], length, call):
        given = pointer(finder, to, "char *")
        return finder.call("memcpy_from_page", span, given, PAGE, offset[1], size)
    return None


def _between(finder: Finder, span: Span, others: list[Span], call: Expr):
    if len(others) != 1:
        return None
    to, source, length = (call.arguments[n] for n in range(3))
    for first, second in ((span, others[0]), (others[0], span)):
        target, origin = (
            finder.offset(first.site.variable, to),
            finder.offset(second.site.variable, source),
        )
        if not target or not origin:
            continue
        if not finder.inside(target[0], length, call):
            return None
        if not finder.inside(origin[0], length, call):
            return None
        size = slice_of(finder.text, length)
        pages = finder.page(first), finder.page(second)
        text = f"{pages[0]}, {target[1]}, {pages[1]}, {origin[1]}, {size}"
        return f"memcpy_page({text})", [first, second]
    return None


def copy_whole(finder: Finder, span: Span, others: list[Span], call: Expr):
    """copy_page(): between two."""
    if len(others) != 1 or set(call.arguments) != {0, 1}:
        return None
    for first, second in ((span, others[0]), (others[0], span)):
        if is_base(call.arguments[0], first) and is_base(call.arguments[1], second):
            pages = finder.page(first), finder.page(second)
            return f"copy_highpage({pages[0]}, {pages[1]})", [first, second]
    return None


def _pure_enough(expr: Expr) -> bool:
    return not any(
        n.kind in ("assign", "postfix") or n.op in ("++", "--") for n in expr.walk()
    )
