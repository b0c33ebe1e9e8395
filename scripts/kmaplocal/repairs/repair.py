# SPDX-License-Identifier: GPL-2.0-only
"""The changes that make an obligation hold, each with what apply needs to make it."""

from __future__ import annotations

from dataclasses import dataclass

from kmaplocal.c.syntax import Expr, Stmt


@dataclass(frozen=True)
class Repair:
    """A change of one mapping."""

    @property
    def how(self) -> str:
        """What is done, in a few words."""
        raise NotImplementedError


@dataclass(frozen=True)
class BasePointer(Repair):
    """A variable NAME of its own keeps what CALL gives; it is declared behind the
    declaration AFTER; or as the first one of its block, before the statement AHEAD; or,
    where both are None, with CALL; or (SHARED) for another call, before it in time or
    with the same unmaps."""

    name: str
    after: Stmt | None
    call: Expr
    shared: bool = False
    ahead: Stmt | None = None
    how = "saved address"

    @property
    def home(self) -> Stmt | None:
        """The statement beside which it is declared; None where that is its call's."""
        return self.after or self.ahead


@dataclass(frozen=True)
class Around:
    """Where a mapping begins and ends: the statement that maps, the first one in
    which the mapping can be of use, and those that unmap; none of these where
    BEGIN and FIRST are the one call that needs what is disabled."""

    begin: Stmt
    first: Stmt
    ends: tuple[Stmt, ...]


@dataclass(frozen=True)
class ExplicitDisable(Repair):
    """What the old call disabled is disabled by DISABLE and enabled by ENABLE, AROUND
    what needs it; None: it is done around another mapping.  CHAIN: the calls, each in
    the one before, down to what needs it; () where another arm of an #if does so."""

    disable: str
    enable: str
    around: Around | None
    chain: tuple[str, ...]

    @property
    def how(self) -> str:
        return f"explicit {self.disable}()"


@dataclass(frozen=True)
class Exchanged(Repair):
    """An unmap unmaps what BEFORE does now."""

    before: Expr
    how = "exchanged"


@dataclass(frozen=True)
class Joined(Repair):
    """The kmap() goes, and the call ASKED of page_address() becomes the map call."""

    asked: Expr
    how = "joined"


@dataclass(frozen=True)
class UnmappedBy(Repair):
    """UNMAP is given VARIABLE, which holds the address."""

    unmap: Expr
    variable: str
    how = "unmapped by its address"


@dataclass(frozen=True)
class Helper(Repair):
    """A page helper takes the place of CALL, the only use of the mapping."""

    call: Expr
    how = "page helper"


@dataclass(frozen=True)
class LowmemPage(Repair):
    """page_address() takes the place of CALL, and its unmaps go."""

    call: Expr
    how = "page of lowmem"


@dataclass(frozen=True)
class AddressCarried(Repair):
    """The address goes with the page through FUNCTIONS, which are changed together."""

    functions: tuple[str, ...]
    how = "address carried"


@dataclass(frozen=True)
class Together(Repair):
    """It is converted with the functions that unmap it."""

    how = "together with its unmaps"
