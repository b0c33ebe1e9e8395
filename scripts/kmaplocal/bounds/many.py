# SPDX-License-Identifier: GPL-2.0-only
"""Numbers of bytes that are those of many pages: `PAGE_SIZE << order`, the size of
a folio, `index * PAGE_SIZE + n`."""

from __future__ import annotations

from collections.abc import Sequence

from kmaplocal.knowledge import functions
from kmaplocal.knowledge.functions import CLAMPS, MAXIMA, MINIMA
from kmaplocal.knowledge.row import BYTES, NUMBER
from kmaplocal.bounds import INSIDE, Bounds, integer
from kmaplocal.bounds.offsets import values_of
from kmaplocal.c.places import names_in
from kmaplocal.c.syntax import Expr, Function

SIZES = functions.named(lambda row: row.many_pages == BYTES)
COUNTS = functions.named(lambda row: row.many_pages == NUMBER)
# Source: include/linux/huge_mm.h, pgtable.h of Linux 6.1.
HUGE = {"HPAGE_SIZE", "HPAGE_PMD_SIZE", "PMD_SIZE", "PUD_SIZE"}
MOST_VALUES = 4  # of a variable that is another


class Pages:
    """Answers for one function."""

    def __init__(self, function: Function, bounds: Bounds):
        self.function = function
        self.bounds = bounds

    def many(self, length: Expr) -> Expr | None:
        """What in LENGTH, or in what its variables were given, is of many pages;
        None when nothing is, or it is at most a page all the same."""
        return None if self._kept(length) else self._many(length, MOST_VALUES)

    def _kept(self, length: Expr) -> bool:
        return self.bounds.fits([], length, length).answer == INSIDE

    def _is_cut(self, length: Expr) -> bool:
        """Whether a length is at most a page, or something else cut it to pages: an
        iterator that gives it, or what made a bio_vec."""
        names = {n.text for n in length.walk()}
        return (
            self._kept(length)
            or any(node.label == "bv_len" for node in length.walk())
            or any(names & names_in(e) for e in self._iterators(length))
        )

    def _iterators(self, node: Expr) -> list[Expr]:
        """What the iterators around an expression are given."""
        return [
            expr
            for stmt in self.function.statements()
            if stmt.kind == "iterator" and stmt.start <= node.start < stmt.end
            for expr in stmt.exprs
            if expr.kind == "identifier"
        ]

    def _many(self, length: Expr, depth: int) -> Expr | None:
        node = length.bare()
        if node.text in HUGE or node.callee in SIZES:
            return node
        parts = _PARTS.get(node.kind)
        return parts(self, node, depth) if parts and depth else None

    def _of_variable(self, node: Expr, depth: int) -> Expr | None:
        known = self.bounds.reaching.value(node)
        values = [known] if known else values_of(node.text, self.function)
        return self._any(values, depth - 1)

    def _of_call(self, node: Expr, depth: int) -> Expr | None:
        """A minimum of which nothing is at most a page, or a maximum."""
        first = {**MINIMA, **MAXIMA, **CLAMPS}.get(node.callee)
        if first is None:
            return None
        values = [a for n, a in node.arguments.items() if n >= first]
        if node.callee in MINIMA and any(self._is_cut(value) for value in values):
            return None
        return self._any(values, depth)

    def _of_ternary(self, node: Expr, depth: int) -> Expr | None:
        return self._any(node.children[1:], depth)

    def _of_binary(self, node: Expr, depth: int) -> Expr | None:
        left, right = node.children
        if node.op == "+":
            return self._any([left, right], depth)
        if node.op == "-":
            found = self._many(left, depth)
            return None if found is not None and _is_index(found) else found
        if node.op == "<<" and _is_shifted(left, right):
            return node
        if node.op == "*" and any(
            _is_page(one) and _is_several(other)
            for one, other in ((left, right), (right, left))
        ):
            return node
        return None

    def _any(self, values: Sequence[Expr], depth: int) -> Expr | None:
        found = (self._many(value, depth) for value in values)
        return next((each for each in found if each is not None), None)


_PARTS = {
    "identifier": Pages._of_variable,
    "call": Pages._of_call,
    "ternary": Pages._of_ternary,
    "binary": Pages._of_binary,
}


def _is_page(node: Expr) -> bool:
    """Whether NODE is PAGE_SIZE, or `1 << PAGE_SHIFT`."""
    node = node.bare()
    if node.kind == "binary" and node.op == "<<":
        left, right = (child.bare() for child in node.children)
        return integer(left.text) == 1 and right.text == "PAGE_SHIFT"
    return node.text == "PAGE_SIZE"


def _is_several(node: Expr) -> bool:
    """Whether a number of pages may be more than one."""
    return integer(node.bare().text) not in (0, 1)


def _is_shifted(left: Expr, right: Expr) -> bool:
    """Whether `left << right` is of pages: `PAGE_SIZE << order`, `n << PAGE_SHIFT`,
    `1 << (PAGE_SHIFT + order)`."""
    if _is_page(left):
        return integer(right.bare().text) != 0
    if right.bare().text == "PAGE_SHIFT":
        return _is_several(left)
    node = right.bare()
    sides = [child.bare().text for child in node.children]
    return node.op == "+" and "PAGE_SHIFT" in sides and "0" not in sides


def _is_index(node: Expr) -> bool:
    """Whether NODE is where a page of many begins or ends, from which the offset
    in it may be taken: `(index + 1) << PAGE_SHIFT`, not a size."""
    if node.kind != "binary":
        return False
    count, right = (child.bare() for child in node.children)
    if node.op == "<<" and right.text != "PAGE_SHIFT":
        return False
    if node.op == "*" and _is_page(count):
        count = right
    return count.callee not in COUNTS and integer(count.text) is None
