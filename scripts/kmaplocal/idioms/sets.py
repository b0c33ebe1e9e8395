# SPDX-License-Identifier: GPL-2.0-only
"""Mappings for one memset() or clear_page()."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kmaplocal.c.places import slice_of
from kmaplocal.c.syntax import Expr
from kmaplocal.idioms.copies import is_base
from kmaplocal.repairs.folios import PAGE

if TYPE_CHECKING:
    from kmaplocal.idioms.idioms import Finder, Span


def set_to(finder: Finder, span: Span, others: list[Span], call: Expr):
    """memset(): of a constant zero, or of anything else."""
    if others or set(call.arguments) != {0, 1, 2}:
        return None
    text = filled(finder, span, call, span.site.variable)
    return (text, [span]) if text else None


def filled(finder: Finder, span: Span, call: Expr, name: str) -> str | None:
    """The helper for a memset() of the page whose address is NAME."""
    to, value, length = (call.arguments[n] for n in range(3))
    offset = finder.offset(name, to)
    if not offset or not finder.inside(offset[0], length, call):
        return None
    size = slice_of(finder.text, length)
    if value.text == "0":
        return finder.call("memzero_page", span, PAGE, offset[1], size)
    shown = slice_of(finder.text, value)
    return finder.call("memset_page", span, PAGE, offset[1], shown, size)


def clear(finder: Finder, span: Span, others: list[Span], call: Expr):
    """clear_page(): all of it."""
    if others or not is_base(call.arguments.get(0), span):
        return None
    return f"clear_highpage({finder.page(span)})", [span]


def cleared(finder: Finder, span: Span, call: Expr, name: str) -> str:
    """The helper for a clear_page() of the page whose address is NAME."""
    return f"clear_highpage({finder.page(span)})"
