# SPDX-License-Identifier: GPL-2.0-only
"""Pages that are named by their folio: what is called for a folio instead.

    kmap(&folio->page)       kmap_local_folio(folio, 0)
    kmap(folio_page(f, n))   kmap_local_folio(f, n * PAGE_SIZE)

Source: include/linux/highmem.h of Linux 5.16 and 6.12; kmap_local_folio() maps the page
of the folio that the offset lies in, the helpers go on from page to page.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from kmaplocal.c.places import base_type
from kmaplocal.c.syntax import Expr, Function

MAP = "kmap_local_folio"
PAGE = "\0"  # stands for the page, or the folio, among the arguments of a helper
_FOLIO = "struct folio *"
# By the helper for a page, the one with the same arguments for a folio.
_HELPERS = {
    "memcpy_to_page": "memcpy_to_folio",
    "memcpy_from_page": "memcpy_from_folio",
    "memzero_page": "folio_zero_range",
}


class Part(NamedTuple):
    """A page of a FOLIO: the one at OFFSET, both as they are written."""

    folio: str
    offset: str


def part_of(page: Expr | None, function: Function) -> Part | None:
    """The part of a folio that PAGE is; None where it is not named so."""
    node = page.bare() if page is not None else None
    if node is None:
        return None
    if node.kind == "unary" and node.op == "&":
        node = node.children[0].bare()
        first = node.kind == "member" and (node.op, node.label) == ("->", "page")
        folio = node.children[0] if first else None
        return _part(folio, "0", function)
    if node.callee == "folio_page" and len(node.arguments) == 2:
        return _part(node.arguments[0], _bytes(node.arguments[1]), function)
    return None


def _part(folio: Expr | None, offset: str, function: Function) -> Part | None:
    if folio is None or folio.kind != "identifier":
        return None
    variable = function.variables.get(folio.text)
    known = variable is not None and base_type(variable.type) == _FOLIO
    return Part(folio.text, offset) if known else None


def _bytes(number: Expr) -> str:
    """How far into the folio its page NUMBER is."""
    if number.text == "0":
        return "0"
    simple = not number.bare().children or number.kind in ("paren", "call", "member")
    text = number.text if simple else f"({number.text})"
    return f"{text} * PAGE_SIZE"


def mapped(page: Expr | None, function: Function) -> str:
    """The map call for PAGE by its folio, or ""."""
    part = part_of(page, function)
    return f"{MAP}({part.folio}, {part.offset})" if part else ""


def helper(
    name: str, page: Expr, function: Function, known: Collection[str] | None
) -> tuple[str, str] | None:
    """The helper for the folio that PAGE is the first page of, instead of NAME, and the
    folio; None where there is none among those that are KNOWN (None: all are)."""
    part, instead = part_of(page, function), _HELPERS.get(name)
    if part is None or part.offset != "0" or instead is None:
        return None
    return (instead, part.folio) if known is None or instead in known else None
