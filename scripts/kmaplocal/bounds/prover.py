# SPDX-License-Identifier: GPL-2.0-only
"""Whether a sum is at most 0: a search that replaces atoms by their bounds."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from kmaplocal.c.linear import ONE, PAGE, SMALLEST_PAGE, ZERO, Linear, product


class Option(NamedTuple):
    """A bound of an atom: one of `values`, and all of them must do."""

    values: list[Linear]
    reason: str = ""


class Fact(NamedTuple):
    """`value` is at most 0, as `reason` says."""

    value: Linear
    reason: str


class Atom(NamedTuple):
    """Something without a known value: how to bound it (True: from above)."""

    bound: Callable[[bool], list[Option]]
    signed: Callable[[], bool]


class Prover:
    """The atoms, how each is bounded, and what is known besides.  `exact`: a page is
    SMALLEST_PAGE bytes and not more."""

    def __init__(self, exact: bool):
        self.exact = exact
        self.atoms: dict[str, Atom] = {}
        self.known: dict[tuple[str, bool], list[Option]] = {}
        self.failed: set[Linear] = set()
        self.steps = 3000
        self.facts: list[Fact] = []
        self._untold: Callable[[], list[Fact]] | None = None

    def learn(self, told: Callable[[], list[Fact]]) -> None:
        """Use the facts that are TOLD from now on.  They are asked for where one could
        be of use, which is seldom."""
        self._untold = told

    def _hear(self) -> None:
        """Ask for the facts, and forget what was found without them."""
        told, self._untold = self._untold, None
        if told:
            self.facts = told()
            self.known.clear()
            self.failed.clear()

    def holds(self, value: Linear, depth: int = 0) -> list[str] | None:
        """The reasons why `value` is at most 0, or None."""
        if not value.atoms:
            return [] if self._settled(value) else None
        self.steps -= 1
        if self.steps < 0 or depth > 8 or value in self.failed:
            return None
        for name in value.atoms:
            for option in self.options(name, value.get(name) > 0):
                reasons = self._with(value, name, option, depth)
                if reasons is not None:
                    return reasons
        self.failed.add(value)
        return None

    def _settled(self, value: Linear) -> bool:
        pages, rest = value.get(PAGE), value.get(ONE)
        return pages * SMALLEST_PAGE + rest <= 0 and (pages <= 0 or self.exact)

    def _with(self, value: Linear, name: str, option: Option, depth: int):
        number = value.get(name)
        rest = value - Linear.of({name: number})
        reasons = [option.reason] if option.reason else []
        for bound in option.values:
            found = self.holds(rest + bound.times(number), depth + 1)
            if found is None:
                return None
            reasons += [r for r in found if r not in reasons]
        return reasons

    def options(self, name: str, upper: bool) -> list[Option]:
        """The bounds of an atom from above, or from below."""
        self._hear()
        if (name, upper) not in self.known:
            self.known[name, upper] = []  # what asks for itself gets nothing
            found = self.atoms[name].bound(upper)
            for fact in self.facts:
                number = fact.value.get(name)
                if number > 0 and upper or number < 0 and not upper:
                    rest = fact.value - Linear.of({name: number})
                    found.append(
                        Option([rest.times(Fraction(-1) / number)], fact.reason)
                    )
            self.known[name, upper] = found
        return self.known[name, upper]

    def positive(self, value: Linear) -> bool:
        """True when `value` is provably not negative."""
        return self.holds(value.times(-1)) is not None

    def regular(self, value: Linear) -> bool:
        """True unless `value` may be negative as one of its atoms may."""
        added = [n for n in value.atoms if value.get(n) > 0]
        signed = [n for n in added if self.atoms[n].signed()]
        return all(self.positive(Linear.of({n: 1})) for n in signed)

    def made(self, name: str, bound: Callable[[bool], list[Option]]) -> Linear:
        """An atom that stands for no expression."""
        self.atoms.setdefault(name, Atom(bound, lambda: False))
        return Linear.of({name: 1})

    def product(self, left: Linear, right: Linear) -> Linear:
        """The product of two sums."""
        known = product(left, right)
        if known is not None:
            return known
        name = f"({left.terms})*({right.terms})"
        return self.made(name, lambda upper: self._product(left, right, upper))

    def _product(self, left: Linear, right: Linear, upper: bool) -> list[Option]:
        if not (self.positive(left) and self.positive(right)):
            return []
        if not upper:
            return [Option([ZERO])]
        found = []
        for one, other in ((left, right), (right, left)):
            for limit, reason in self._ceilings(one):
                found.append(Option([other.times(limit)], reason))
        return found

    def _ceilings(self, value: Linear) -> list[tuple[int, str]]:
        """Numbers that a sum of one atom does not pass, each with a reason."""
        found = []
        for name in value.atoms:
            number = value.get(name)
            for option in self.options(name, number > 0):
                if len(option.values) == 1:
                    rest = value - Linear.of({name: number})
                    limit = (rest + option.values[0].times(number)).number
                    if limit is not None and limit >= 0:
                        found.append((limit, option.reason))
        return found
