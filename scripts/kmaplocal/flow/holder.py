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
    """The structure as one function has it.

    BASE is its name there, ARGUMENT the text by which it is given to others: `iter` and
    `iter` of a parameter, `iter` and `& iter` of a variable.  NAMES: the variable that
    stands for each member.  ENTRIES: which members may hold addresses when the function
    begins, () where it declares the structure.  AFTER: which may when a call returns
    that was given it."""

    base: str
    names: dict[str, str]
    argument: str
    entries: tuple[Kept, ...]
    after: Callable[[Expr, Kept], Collection[Kept]]
    first: int  # the number of its first member, behind those of the parameters
    left: set[Kept] = field(default_factory=set)  # what it may hold at the end
    trouble: str = ""

    def origin(self, member: str) -> Given:
        """The origin of an address in MEMBER that another function mapped."""
        return Given(self.first + list(self.names).index(member))

    @property
    def origins(self) -> tuple[Given, ...]:
        """Those of all members."""
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
        """Which members hold addresses in STATE, in the order of the mappings.  None
        where that cannot be said: no member, or more than one, has the address of a
        mapping that is alive, or a member holds something else."""
        found: list[str] = []
        for site in state.live:
            held = [m for m, n in self.names.items() if _is(state.get(n), site)]
            if len(held) != 1:
                return None
            found += held
        others = (state.get(n) for m, n in self.names.items() if m not in found)
        return tuple(found) if all(value == NULL for value in others) else None

    def elsewhere(self, state: State) -> str:
        """A variable, no member, that has an address which a member holds, too; ""
        where there is none."""
        sites = self._sites(state)
        for name, value in state.held:
            if name not in self.names.values() and value.kind == "address":
                if value.site in sites:
                    return name
        return ""

    def leave(self, state: State, declared: bool) -> State:
        """Note which members hold addresses where the function is left in STATE; the
        state without those mappings: they are not lost there."""
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
