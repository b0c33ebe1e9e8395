# SPDX-License-Identifier: GPL-2.0-only
"""The certificate: six obligations of one mapping, and what follows from them.

Everything that reports, converts or explains reads this one type.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kmaplocal.c.syntax import Expr

PAIRED, LIFO, LOCAL = "paired", "lifo", "local"
FAULTS, PREEMPT, ONE_PAGE = "faults", "preempt", "one-page"
OBLIGATIONS = (PAIRED, LIFO, LOCAL, FAULTS, PREEMPT, ONE_PAGE)

HOLDS, REPAIRED, FAILS, UNKNOWN = "holds", "repaired", "fails", "unknown"
CONVERT, KEEP, NOT_ANALYSED = "convert", "keep", "not-analysed"


@dataclass(frozen=True)
class Obligation:
    """The state of one obligation, the evidence for it, and where that is."""

    name: str
    state: str
    evidence: str
    line: int = 0
    column: int = 0
    repair: str = ""

    @property
    def good(self) -> bool:
        """Whether it stands in the way of nothing."""
        return self.state in (HOLDS, REPAIRED)


def holds(name: str, why: str) -> Obligation:
    """An obligation that holds, and by what."""
    return Obligation(name, HOLDS, why)


def fails(name: str, expr: Expr, why: str, state: str = FAILS) -> Obligation:
    """An obligation that fails, where and why."""
    return Obligation(name, state, why, *expr.start)


def repaired(name: str, expr: Expr, why: str, how: str) -> Obligation:
    """An obligation that a change makes hold: where, what, and how."""
    return Obligation(name, REPAIRED, why, *expr.start, repair=how)


@dataclass(frozen=True)
class Certificate:
    """One mapping of an old map call: where, what, and its obligations."""

    file: str
    line: int
    column: int
    function: str
    api: str
    page: str
    variable: str
    obligations: tuple[Obligation, ...]

    @property
    def good(self) -> bool:
        """Whether every obligation holds or is repaired."""
        return all(o.good for o in self.obligations)

    @property
    def failing(self) -> Obligation | None:
        """The first obligation that neither holds nor is repaired: one that
        fails before one that is unknown."""
        bad = [o for o in self.obligations if not o.good]
        return min(bad, key=lambda o: o.state == UNKNOWN) if bad else None


@dataclass(frozen=True)
class Doubt:
    """Why nothing in a function is touched, beside what its mappings say."""

    obligation: str
    line: int
    column: int
    reason: str


@dataclass
class Verdict:
    """What is known of one function that maps or unmaps pages."""

    file: str
    function: str
    line: int
    certificates: list[Certificate] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """CONVERT when every mapping is good and there is no doubt, else KEEP."""
        if self.doubts or not all(c.good for c in self.certificates):
            return KEEP
        return CONVERT

    def reasons(self) -> list[Doubt]:
        """Every reason to keep the function, in the order of the text."""
        found = list(self.doubts)
        for certificate in self.certificates:
            for bad in certificate.obligations:
                if not bad.good:
                    line = bad.line or certificate.line
                    column = bad.column if bad.line else certificate.column
                    found.append(Doubt(bad.name, line, column, bad.evidence))
        return sorted(set(found), key=lambda d: (d.line, d.column, d.obligation))
