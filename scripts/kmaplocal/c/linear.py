# SPDX-License-Identifier: GPL-2.0-only
"""Sums of what is not known further, each with a coefficient: offsets and lengths.

Wrap-around of unsigned values is not considered: PAGE_SIZE - offset counts as
what is left of the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple, Union

Number = Union[int, Fraction]

PAGE = "PAGE_SIZE"
ONE = ""  # the atom of the constant part
SMALLEST_PAGE = 4096


class Linear(NamedTuple):
    """A sum of atoms, each with a coefficient; ONE is the constant part."""

    terms: tuple[tuple[str, Number], ...] = ()

    @staticmethod
    def of(terms: Mapping[str, Number]) -> "Linear":
        """The sum of `terms`: atom -> coefficient."""
        return Linear(tuple(sorted((k, _plain(v)) for k, v in terms.items() if v)))

    def get(self, atom: str) -> Number:
        """The coefficient of `atom`."""
        for name, number in self.terms:
            if name == atom:
                return number
        return 0

    def __add__(self, other: "Linear") -> "Linear":  # type: ignore[override]
        if not other.terms:
            return self
        total = dict(self.terms)
        for atom, number in other.terms:
            total[atom] = total.get(atom, 0) + number
        return Linear.of(total)

    def __sub__(self, other: "Linear") -> "Linear":
        return self + other.times(-1)

    def times(self, number: Number) -> "Linear":
        """This sum, `number` times."""
        if not number:
            return ZERO
        return Linear(tuple((k, _plain(v * number)) for k, v in self.terms))

    @property
    def atoms(self) -> list[str]:
        """The atoms of unknown value."""
        return [k for k, _ in self.terms if k not in (ONE, PAGE)]

    @property
    def number(self) -> int | None:
        """The value, if it is a known integer."""
        if not self.terms:
            return 0
        ((atom, value), *more) = self.terms
        return value if atom == ONE and not more and isinstance(value, int) else None


def _plain(number: Number) -> Number:
    """NUMBER as an integer, if it is one: that is most often so, and faster."""
    if isinstance(number, int) or number.denominator != 1:
        return number
    return number.numerator


def constant(number: Number) -> Linear:
    """The sum that is just `number`."""
    return Linear.of({ONE: number})


ZERO, PAGE_SIZE = constant(0), Linear.of({PAGE: 1})


def aligned(end: Linear, step: int) -> Linear:
    """`end` rounded up to `step`; a page is aligned to anything."""
    return end + constant(-end.get(ONE) % step)


def product(first: Linear, second: Linear) -> Linear | None:
    """The product, unless it is none of a number and a sum."""
    for one, other in ((first, second), (second, first)):
        if one.number is not None:
            return other.times(one.number)
    return None


def _quotient(value: Linear, number: int) -> Linear | None:
    """value / number when it is exact; a page divides by powers of two."""
    if value.number is not None:
        return constant(int(Fraction(value.number, number)))
    even = number & (number - 1) == 0 and number <= SMALLEST_PAGE
    whole = Fraction(value.get(ONE), number)
    if value.atoms or not even or whole.denominator != 1:
        return None
    if value.get(PAGE).denominator != 1:
        return None
    return value.times(Fraction(1, number))


def arithmetic(op: str, left: Linear, right: Linear) -> Linear | None:
    """left op right as a sum, or None when it is none."""
    if op == "+":
        return left + right
    if op == "-":
        return left - right
    if op == "*":
        return product(left, right)
    number = right.number
    if number is None or number < 0:
        return None
    if op == "<<" and number < 64:
        return left.times(1 << number)
    if op == ">>" and number < 64:
        number = 1 << number
    elif op != "/" or not number:
        return None
    return _quotient(left, number)
