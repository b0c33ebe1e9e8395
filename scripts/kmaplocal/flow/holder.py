# SPDX-License-Identifier: GPL-2.0-only
"""A structure in which functions leave addresses for each other, in one thread.

Its members are variables of each function that has it: `iter->addr` is one where ITER
is a parameter, `iter.addr` where it is declared.  What is in them when the function
begins, and when what it calls returns, is told by which of them hold the address of a
mapping, the one that was made first in front.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Optional

from kmaplocal.c.syntax import Expr
from kmaplocal.flow.state import State
from kmaplocal.flow.values import NULL, Given, Value

Kept = tuple[str, ...]  # the members that hold an address, by their names


@dataclass(eq=False)
class Holder:
    """The structure as one function has it, as BASE: NAMES, the variables that stand
    for its members, by these; ARGUMENT, how it is given to others; ENTRIES, what it may
    hold when the function begins, none where it is declared there; AFTER, what it may
    hold when a call returns that is given it."""

    base: str
    names: dict[str, str]
    argument: str
    entries: tuple[Kept, ...]
    after: Callable[[Expr, Kept], Collection[Kept]]
    first: int  # the number of its first member, behind those of the parameters
    left: set[Kept] = field(default_factory=set)  # what it may hold at the end
    trouble: str = ""

    def origin(self, member: str) -> Given:
        """What an address in MEMBER is of that another function mapped."""
        return Given(self.first + list(self.names).index(member))

    @property
    def origins(self) -> tuple[Given, ...]:
        """All of them."""
        return tuple(self.origin(member) for member in self.names)

    def object(self, why: str) -> None:
        """Note WHY the function is not understood."""
        self.trouble = self.trouble or why

    def declared(self, state: State, filled: bool) -> State:
        """STATE where the structure is declared; FILLED: it has an initialiser, which
        puts no address into it."""
        if self._sites(state) & set(state.live):
            self.object("what it holds is still mapped where it is declared again")
        for name in self.names.values():
            state = state.put(name, NULL if filled else None)
        return state

    def with_kept(self, state: State, kept: Kept) -> State:
        """STATE, with the addresses of mappings in KEPT and NULL in the others."""
        live = tuple(site for site in state.live if site not in self._sites(state))
        for member, name in self.names.items():
            value = Value("address", self.origin(member)) if member in kept else NULL
            state = state.put(name, value)
        return state._replace(live=live + tuple(self.origin(m) for m in kept))

    def _sites(self, state: State) -> set:
        values = (state.get(name) for name in self.names.values())
        return {v.site for v in values if v is not None and v.kind == "address"}

    def kept(self, state: State) -> Optional[Kept]:
        """What it holds in STATE; None where that is not told: a mapping has its
        address elsewhere alone, a member another than that of a mapping."""
        found: list[str] = []
        for site in state.live:
            held = [m for m, n in self.names.items() if _is(state.get(n), site)]
            if len(held) != 1:
                return None
            found += held
        others = (state.get(n) for m, n in self.names.items() if m not in found)
        return tuple(found) if all(value == NULL for value in others) else None

    def elsewhere(self, state: State) -> str:
        """A variable that has an address of what it holds, and is none of it; ""."""
        sites = self._sites(state)
        for name, value in state.held:
            if name not in self.names.values() and value.kind == "address":
                if value.site in sites:
                    return name
        return ""

    def leave(self, state: State, declared: bool) -> State:
        """Note what it holds where the function is left in STATE; that state without
        it."""
        kept = () if declared and not state.live else self.kept(state)
        if kept is None or (declared and kept):
            self.object("what it holds where it is left is not known")
        else:
            self.left.add(kept)
        gone = self._sites(state)
        return state._replace(live=tuple(s for s in state.live if s not in gone))


def _is(value: Value | None, site: object) -> bool:
    """Whether VALUE is the address of SITE, as it was mapped."""
    return (
        value is not None
        and value == Value("address", value.site)
        and (value.site == site)
    )
