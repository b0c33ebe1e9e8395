# SPDX-License-Identifier: GPL-2.0-only
"""The certificate of a mapping: what was seen of it, its six obligations, and what
repairs those that do not hold.

An obligation is a fold over the events, a file each: paired, lifo, local, faults,
preempt, one_page. What converts, reports or explains reads this one type.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from kmaplocal.flow.events import Event
from kmaplocal.flow.trace import Site
from kmaplocal.repairs.repair import Repair
from kmaplocal.c.syntax import Expr

PAIRED, LIFO, LOCAL = "paired", "lifo", "local"
FAULTS, PREEMPT, ONE_PAGE = "faults", "preempt", "one-page"
# What disables and enables that which an obligation is about.
DISABLE = {
    FAULTS: ("pagefault_disable", "pagefault_enable"),
    PREEMPT: ("preempt_disable", "preempt_enable"),
}
OBLIGATIONS = (PAIRED, LIFO, LOCAL, FAULTS, PREEMPT, ONE_PAGE)

HOLDS, REPAIRED, FAILS, UNKNOWN = "holds", "repaired", "fails", "unknown"
CONVERT, KEEP, NOT_ANALYSED = "convert", "keep", "not-analysed"

Kind = TypeVar("Kind", bound=Repair)


@dataclass(frozen=True)
class Mapping:
    """One map call of FUNCTION in FILE, and what was told of it."""

    file: str
    function: str
    site: Site

    @property
    def line(self) -> int:
        """The line of the map call."""
        return self.site.call.start[0]

    @property
    def column(self) -> int:
        """Its column, from 0."""
        return self.site.call.start[1]

    @property
    def api(self) -> str:
        """The function that maps."""
        return self.site.name

    @property
    def page(self) -> str:
        """The page as it is written."""
        return self.site.page

    @property
    def variable(self) -> str:
        """The variable that is given the address, or ""."""
        return self.site.variable


@dataclass(frozen=True)
class Obligation:
    """The state of one obligation, the evidence for it, and where that is."""

    name: str
    state: str
    evidence: str
    line: int = 0
    column: int = 0
    repairs: tuple[Repair, ...] = ()

    @property
    def good(self) -> bool:
        """Whether it stands in the way of nothing."""
        return self.state in (HOLDS, REPAIRED)

    @property
    def repaired_by(self) -> str:
        """How it is repaired; "" where it is not."""
        return self.repairs[0].how if self.repairs else ""


def holds(name: str, why: str) -> Obligation:
    """An obligation that holds, and by what."""
    return Obligation(name, HOLDS, why)


def fails(name: str, expr: Expr, why: str, state: str = FAILS) -> Obligation:
    """An obligation that fails, where and why."""
    return Obligation(name, state, why, *expr.start)


def repaired(
    name: str, why: str, *repairs: Repair, at: Expr | None = None
) -> Obligation:
    """An obligation that changes make hold: why, how, and where."""
    place = at.start if at is not None else (0, 0)
    return Obligation(name, REPAIRED, why, *place, repairs=repairs)


@dataclass(frozen=True)
class Certificate:
    """One mapping: what was seen of it, and what follows for each obligation."""

    mapping: Mapping
    events: tuple[Event, ...]
    obligations: tuple[Obligation, ...]

    @property
    def repairs(self) -> tuple[Repair, ...]:
        """What is changed so that the obligations hold."""
        return tuple(r for o in self.obligations for r in o.repairs)

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

    def repairs(self, kind: type[Kind]) -> Iterator[tuple[Site, Kind]]:
        """The repairs of one KIND, each with its mapping."""
        for certificate in self.certificates:
            for repair in certificate.repairs:
                if isinstance(repair, kind):
                    yield certificate.mapping.site, repair

    def reasons(self) -> list[Doubt]:
        """Every reason to keep the function, in the order of the text."""
        found = list(self.doubts)
        for certificate in self.certificates:
            for bad in certificate.obligations:
                if not bad.good:
                    mapping = certificate.mapping
                    line = bad.line or mapping.line
                    column = bad.column if bad.line else mapping.column
                    found.append(Doubt(bad.name, line, column, bad.evidence))
        return sorted(set(found), key=lambda d: (d.line, d.column, d.obligation))
