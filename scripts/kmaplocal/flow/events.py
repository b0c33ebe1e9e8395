# SPDX-License-Identifier: GPL-2.0-only
"""What is seen of the mappings of a function, and what is asked of the rest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from kmaplocal.flow.values import Value
from kmaplocal.summaries.pointers import Pointer
from kmaplocal.knowledge import api
from kmaplocal.c.syntax import Expr, Function

# What stands against an address that is to stay in its thread.
AGAINST = ("stored", "address-taken", "escapes", "unknown", "opaque")


class Use(NamedTuple):
    """Something that happens to an address: which, where, what."""

    site: int
    expr: Expr
    what: str
    detail: str = ""


class Root(NamedTuple):
    """What it comes down to where an address is not safe with a callee, however many
    calls away: WHAT happens, to what it is stored in or who is called (NAME), and to
    whom that is given (ONTO), in which FUNCTION, and where that is."""

    what: str  # stored, address-taken, handed, pointer, unread, relies, variable
    name: str
    onto: str = ""
    function: str = ""
    where: str = ""


class Effect(NamedTuple):
    """What a callee does with an address: harmless, escapes or unknown; whether
    its result is an address in the same page; the numbers of the arguments that
    it stores the address behind, each with how far it was moved; and whether it
    may change the pointers that lie behind it."""

    verdict: str
    returns: bool = False
    evidence: str = ""
    through: tuple[tuple[int, int], ...] = ()
    writes: bool = True
    pointers: tuple[str, ...] = ()  # what function pointers were taken to be
    awaits: Pointer | None = None  # unknown only until it is known what this can be
    root: Root | None = None  # where it is not harmless


class Knowledge(Protocol):
    """What the rest of the tree says."""

    maps: Mapping[str, api.Map]
    unmaps: Mapping[str, api.Unmap]

    def argument(self, callee: str, number: int) -> Effect:
        """What CALLEE does with an address given as argument NUMBER."""

    def contents(self, callee: str, number: int) -> Effect:
        """What CALLEE does with an address it finds behind argument NUMBER."""

    def through_pointer(self, pointer: Pointer | None, number: int) -> Effect:
        """... and any function does that POINTER can be."""

    def is_array(self, member: str, struct: str) -> bool | None:
        """Whether MEMBER of STRUCT ("": unknown) is an array; None: unknown."""

    def member_type(self, struct: str, member: str) -> str:
        """The type of a structure's member, or ""."""

    def is_pure(self, callee: str) -> bool:
        """Whether CALLEE gives the same again, as long as its arguments and what it
        reads by way of them stay."""


@dataclass(eq=False)
class Site:
    """A map call, and what was seen of its mapping."""

    number: int
    call: Expr
    api: api.Map
    name: str
    page: str
    variable: str = ""
    declared: bool = False


def contents_site(function: Function, number: int) -> int:
    """The site of an address that lies behind parameter NUMBER of FUNCTION."""
    return -1 - len(function.params) - number


class Outcome(NamedTuple):
    """One way to leave: what is returned (`text` as it is written), and what is
    mapped then."""

    value: Value | None
    text: str
    live: tuple[int, ...]


@dataclass(eq=False)
class Trace:
    """All that was seen in one function."""

    function: Function
    sites: list[Site] = field(default_factory=list)
    uses: dict[Use, None] = field(default_factory=dict)
    unmaps: dict[Expr, set[tuple[int | None, str]]] = field(default_factory=dict)
    bases: dict[Expr, set[str]] = field(default_factory=dict)
    holders: dict[Expr, set[str]] = field(default_factory=dict)
    moved: dict[Expr, Value] = field(default_factory=dict)
    during: dict[int, dict[Expr, None]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    alive: dict[Expr, set[tuple[int, ...]]] = field(
        default_factory=lambda: defaultdict(set)
    )
    # Variables at an unmap, where what was added to the address is not known now.
    stale: dict[Expr, set[str]] = field(default_factory=lambda: defaultdict(set))
    reads: dict[int, dict[Expr, None]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    nested: set[tuple[int, int]] = field(default_factory=set)
    disordered: dict[tuple[int, int], Expr] = field(default_factory=dict)
    returned: set[int] = field(default_factory=set)
    carried: set[int] = field(default_factory=set)  # mapped, and so returned
    dropped: set[int] = field(default_factory=set)  # mapped, but not returned
    results: set[str] = field(default_factory=set)  # the kinds of what is returned
    outcomes: dict[Outcome, None] = field(default_factory=dict)
    written: set[int] = field(default_factory=set)  # something behind it may be
    # What is stored behind which parameters, and how far it was moved.
    through: dict[int, dict[int, int]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    # By site, and the line of the way out on which it leaks: the lines of every `if`
    # that guards nothing but an unmap, and that all such paths pass by.
    passed_by: dict[tuple[int, int], set[int]] = field(default_factory=dict)
    tested: dict[Expr, set[int | None]] = field(default_factory=dict)
    exchanged: dict[Expr, Expr] = field(default_factory=dict)
    awaited: dict[Use, Pointer] = field(default_factory=dict)
    roots: dict[Use, Root] = field(default_factory=dict)

    def given(self, unmap: Expr) -> Expr:
        """The unmap whose argument the call UNMAP has: its own, unless two of
        them are exchanged."""
        return self.exchanged.get(unmap, unmap)

    def note(
        self,
        site: int,
        expr: Expr,
        what: str,
        detail: str = "",
        root: Root | None = None,
    ) -> None:
        """Record that WHAT happens to an address of SITE at EXPR, which comes down to
        ROOT."""
        use = Use(site, expr, what, detail)
        self.uses.setdefault(use)
        if root is not None:
            self.roots.setdefault(use, root)

    def uses_of(self, site: int, *kinds: str) -> list[Use]:
        """What was recorded of SITE, of one of KINDS."""
        return [u for u in self.uses if u.site == site and u.what in kinds]

    def awaits(self, site: int) -> Pointer | None:
        """A function pointer to be known before more can be said of an address that
        nothing else stands against."""
        against = self.uses_of(site, *AGAINST)
        if any(use not in self.awaited for use in against):
            return None
        return next((self.awaited[use] for use in against), None)
