# SPDX-License-Identifier: GPL-2.0-only
"""Events: what is seen of the mappings of a function, each a value that never changes.

    kmap_atomic(a) ... memset(p, 0, n) ... kunmap_atomic(p) ... *p

gives an ACCESS at the memset(), an UNMAPPED at the unmap and an AFTER_UNMAP at `*p`,
all with the number of the map call as their `site`.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from kmaplocal.flow.pointers import Pointer
from kmaplocal.flow.values import Origin, Value
from kmaplocal.c.syntax import Expr, Point


class Kind(Enum):
    """What can be seen of an address, of a mapping, and of the ways out."""

    # Of the address: what the function itself does with it.
    ACCESS = "access"  # reads or writes there, or has a callee do so
    WRITTEN = "written"  # ... may write there
    READ = "read"  # the value of the variable that holds it
    UNSET = "unset"  # ... which holds none, though it is for nothing else
    COMPARED = "compared"  # with an address that may be in another mapping of the page
    TESTED = "tested"  # by a condition; of no site: something else was
    MOVED = "moved"
    PAGE_ADDRESS = "page-address"  # asked for the page, in place of the mapping
    POINTER = "pointer"  # given to a function pointer, and what that can be
    RELIES = "relies"  # given to one that needs preemption to be off
    AFTER_UNMAP = "after-unmap"  # accessed though it is unmapped
    DANGLING = "dangling"  # handed on though it is unmapped
    # ... and where else it goes.
    STORED = "stored"
    BEHIND = "behind"  # stored where a parameter points to
    RETURNED = "returned"
    ADDRESS_TAKEN = "address-taken"  # of the variable that holds it
    ESCAPES = "escapes"  # to a callee that keeps it or hands it on
    UNKNOWN = "unknown"  # to a callee of which that is not known
    OPAQUE = "opaque"  # used in a way that is not understood
    # Of the mapping.
    MAPPED_AGAIN = "mapped-again"  # while it is mapped
    REPLACED = "replaced"  # ended by the call that maps the next one
    NESTED = "nested"  # another one (`about`) is mapped while it is
    DISORDERED = "disordered"  # ended before another one (`about`), mapped later
    LEAKED = "leaked"  # still mapped where the function is left
    JUMPED = "jumped"  # on a path there, since it was mapped
    # Of its end.
    UNMAPPED = "unmapped"
    TWICE = "double"  # it was unmapped before
    CHANGED = "changed"  # what is unmapped may have been overwritten
    UNTRACED = "untraced"  # what is unmapped was not mapped here
    PARAMETER = "parameter"  # what is unmapped is the caller's
    # Of the function.
    CALLED = "called"  # a callee, while the mappings in `about` are alive
    FORBIDDEN = "forbidden"  # a call, behind one (DETAIL) after which none may sleep
    PASSED = "passed"  # the same, of a callee that maps or unmaps for its callers
    LEFT = "left"
    GRANTED = "granted"  # what rules out a path that is not followed

    # Members are singletons: their identity will do, and is asked for often.
    __hash__ = object.__hash__


# What stands against an address that is to stay in its thread.
AGAINST = (Kind.STORED, Kind.ADDRESS_TAKEN, Kind.ESCAPES, Kind.UNKNOWN, Kind.OPAQUE)
UNMAPS = (Kind.UNMAPPED, Kind.TWICE, Kind.CHANGED, Kind.UNTRACED, Kind.PARAMETER)


# Of a write by way of a member: not to that, but to where it points.
ELSEWHERE = "elsewhere"

Path = tuple[tuple[str, bool], ...]  # conditions, by their texts, and how they turn out


class Held(NamedTuple):
    """Which variables hold the address at an unmap: in any way, as it was mapped, and
    of these, those of which it is not known any more what was added at the map call;
    and the VALUE that is unmapped, where it was moved."""

    holders: frozenset[str]
    bases: frozenset[str]
    stale: frozenset[str]
    value: Value | None = None


class Outcome(NamedTuple):
    """One way to leave: what is returned (`text` as it is written), what is mapped
    then, and the one of these whose address is returned."""

    value: Value | None
    text: str
    live: tuple[Origin, ...]
    given: Origin | None = None


class Output(NamedTuple):
    """Where a caller finds an address: behind the parameter NUMBER, and how far it
    was moved by then (START, OFFSET, CURSOR of values.py)."""

    number: int
    moved: int


class Alive(NamedTuple):
    """The mappings that are alive, as they were mapped."""

    sites: tuple[Origin, ...]


class PassedBy(NamedTuple):
    """The lines of every `if` that guards nothing but an unmap, and was passed by."""

    lines: frozenset[int]


class Jumps(NamedTuple):
    """Where a path jumps, by `goto` or `break`, in its order."""

    points: tuple[Point, ...]


class Root(NamedTuple):
    """What it comes down to where an address is not safe with a callee, however many
    calls away: WHAT happens, to what it is stored in or who is called (NAME), and to
    whom that is given (ONTO), in which FUNCTION, and where that is."""

    what: str  # stored, address-taken, handed, pointer, unread, maps, relies, variable
    name: str
    onto: str = ""
    function: str = ""
    where: str = ""


class Callback(NamedTuple):
    """A call of what the parameter POINTER is, with an address as argument NUMBER, or
    (CONTENTS) behind that."""

    pointer: int
    number: int
    contents: bool = False


class Reason(NamedTuple):
    """What an event against an address comes down to, the function pointer that has to
    be known before it is certain, and the calls of what a caller gives, if it is these
    that the caller can tell more of."""

    root: Root | None = None
    awaits: Pointer | None = None
    callbacks: tuple[Callback, ...] = ()


About = Held | Outcome | Output | Alive | PassedBy | Jumps | Reason | Origin | None


class Event(NamedTuple):
    """Something that happens, of KIND, to the mapping SITE, or to what the caller gave
    (None: to nothing that is known), at PLACE; DETAIL says more in words, ABOUT in
    values, as KIND has it.

    PATH is how the conditions turned out that the function asks more than once, on the
    first path on which it was seen; SURE whether no other path to PLACE has something
    else there instead."""

    kind: Kind
    site: Origin | None
    place: Expr
    detail: str = ""
    about: About = None
    path: Path = ()
    sure: bool = True

    @property
    def root(self) -> Root | None:
        """What an event against an address comes down to, where that is known."""
        return self.about.root if isinstance(self.about, Reason) else None


class End(NamedTuple):
    """What an unmap does on some path: the mapping it ends, one of UNMAPS, and for
    CHANGED by what."""

    site: Origin | None
    kind: Kind
    by: str = ""

    @property
    def fine(self) -> bool:
        """Whether the unmap ends a mapping of this function."""
        return self.kind is Kind.UNMAPPED


def ends_only(ends: frozenset[End], site: Origin) -> bool:
    """Whether an unmap with these ENDS ends the mapping SITE, and nothing else."""
    return ends == {End(site, Kind.UNMAPPED)}
