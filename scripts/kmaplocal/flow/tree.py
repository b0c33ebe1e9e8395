# SPDX-License-Identifier: GPL-2.0-only
"""What the rest of the tree says of the functions and types that one function uses."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple, Protocol

from kmaplocal.flow.events import Callback, Root
from kmaplocal.flow.pointers import Pointer
from kmaplocal.knowledge import api


class Escape(Enum):
    """Whether an address is kept or handed on, the worst last."""

    NO, UNKNOWN, YES = range(3)

    # Members are singletons: their identity will do.
    __hash__ = object.__hash__


class Effect(NamedTuple):
    """What a callee does with an address: whether that escapes; whether its result is
    an address in the same page; the numbers of the arguments that it stores the
    address behind, each with how far it was moved; and whether it may change the
    pointers that lie behind it."""

    escape: Escape
    returns: bool = False
    evidence: str = ""
    through: tuple[tuple[int, int], ...] = ()
    writes: bool = True
    pointers: tuple[str, ...] = ()  # what function pointers were taken to be
    awaits: Pointer | None = None  # unknown only until it is known what this can be
    root: Root | None = None  # where it is not harmless
    callbacks: tuple[Callback, ...] = ()  # harmless if these are
    # Of a structure behind it, the only members that may change: "struct.member".
    members: frozenset[str] | None = None
    # Whom it calls by a pointer, down to what needs preemption to be off: "a(): b()".
    relies: str = ""


class Inside(NamedTuple):
    """An address lies behind argument NUMBER, in the member WHERE ("struct.member") of
    what that points to; "": anywhere."""

    number: int
    where: str = ""


class Knowledge(Protocol):
    """What the rest of the tree says."""

    maps: Mapping[str, api.Map]
    unmaps: Mapping[str, api.Unmap]
    cut: bool  # said by who asks, where not all paths are followed: nothing is noted
    hasty: bool  # who asks will ask again, and may leave out ways
    rushed: bool  # said by who asks, where some were
    addresses: frozenset[str]  # the variables that are for addresses alone

    @property
    def carried(self) -> bool:
        """Whether addresses go with their pages in the files at hand."""

    @property
    def asked(self) -> int:
        """How often something was asked that is not known yet."""

    def argument(self, callee: str, number: int) -> Effect:
        """What CALLEE does with an address given as argument NUMBER."""

    def by_reference(self, callee: str, number: int) -> Effect:
        """The same, of the address of a variable: the ways on depend on all of it."""

    def overwrites(self, callee: str, number: int) -> bool:
        """Whether CALLEE may write to a variable whose address is argument NUMBER."""

    def contents(self, callee: str, inside: Inside) -> Effect:
        """What CALLEE does with an address that it finds there."""

    def called_back(self, callee: str, number: int, inside: Inside | None) -> Effect:
        """What CALLEE, which is given to another function to call, does with its
        argument NUMBER, or with an address that it finds INSIDE it."""

    def through_pointer(self, pointer: Pointer | None, number: int) -> Effect:
        """... and any function does that POINTER can be."""

    def is_array(self, member: str, struct: str) -> bool | None:
        """Whether MEMBER of STRUCT ("": unknown) is an array; None: unknown."""

    def member_type(self, struct: str, member: str) -> str:
        """The type of a structure's member, or ""."""

    def is_pure(self, callee: str) -> bool:
        """Whether CALLEE gives the same again, as long as its arguments and what it
        reads by way of them stay."""
