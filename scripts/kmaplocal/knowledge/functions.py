# SPDX-License-Identifier: GPL-2.0-only
"""The one table of the kernel's functions, and the questions to it.

Most of what is called with an address is not in it but read, all over the tree
(callees.py).  A row is for leaves: assembly, macros, what is called so often that
reading its body each time is a waste; and for what a body does not say, as that
another context runs with what it is given.
"""

from __future__ import annotations

from collections.abc import Callable

from kmaplocal.knowledge import context, memory, pages, user, values
from kmaplocal.knowledge.row import ALWAYS, ASSERTS, FAULTS, ON_RT, PREEMPT, USES
from kmaplocal.knowledge.row import Row, expanded

_TABLES = (memory.ROWS, user.ROWS, pages.ROWS, context.ROWS, values.ROWS)
_ROWS = [row for table in _TABLES for row in expanded(table)]
TABLE = {row.name: row for row in _ROWS}
UNKNOWN = Row("")


def of(name: str) -> Row:
    """The row of a function; one that says nothing where there is none."""
    return TABLE.get(name, UNKNOWN)


def named(holds: Callable[[Row], object]) -> frozenset[str]:
    """The functions for whose row HOLDS is true."""
    return frozenset(name for name, row in TABLE.items() if holds(row))


def twice() -> set[str]:
    """The functions that have two rows; there must be none."""
    names = [row.name for row in _ROWS]
    return {name for name in names if names.count(name) > 1}


# Whose bodies nobody needs to read.
HARMLESS = named(lambda row: not row.keeps or row.repeats)
LINEAR = named(lambda row: row.linear)
REPEATING = named(lambda row: row.repeats)

FAULTS_OFF = named(lambda row: row.faults)
FAULTS_ASSERTED = named(lambda row: row.faults == ASSERTS)
PREEMPT_OFF = named(lambda row: row.preempt)
PER_CPU = named(lambda row: row.preempt == USES)
FAULTS_OFF_BY = named(lambda row: row.disables == FAULTS)
PREEMPT_OFF_BY = named(lambda row: row.disables == PREEMPT)
# What a region with preemption off must not call.
SLEEPING = named(lambda row: row.sleeps in (ALWAYS, ON_RT))

# By the name of a guard: what it begins by, where nothing may sleep in it.
GUARDS = {guard: row for row in _ROWS if row.until for guard in row.guards}
# The names of guards that sleep until they are got.
SLEEPING_GUARDS = {g for row in _ROWS if row.sleeps == ALWAYS for g in row.guards}


def opener(call: str) -> Row:
    """The row of what begins a region in which nothing may sleep, by the text of the
    CALL: `spin_lock(&l)`, `guard(spinlock)(&l)`, `scoped_guard(spinlock, &l)`."""
    guard = guard_named(call)
    return GUARDS.get(guard, UNKNOWN) if guard else of(call.partition("(")[0].strip())


def guard_named(call: str) -> str:
    """The name of the guard that CALL begins: "mutex" of `guard(mutex)(&m)`; "" where
    it is none."""
    name, _, rest = call.replace(" ", "").partition("(")
    began = name in ("guard", "scoped_guard", "scoped_cond_guard")
    return rest.replace(")", ",").partition(",")[0] if began else ""


# What replaces a mapping and what is done with it by one call.
HELPERS = named(lambda row: row.maps_itself)


def _picking(what: str) -> dict[str, int]:
    """By function: the first of the arguments it picks from."""
    picks = {name: row.picks for name, row in TABLE.items() if row.picks}
    return {name: first for name, (how, first) in picks.items() if how == what}


MINIMA, MAXIMA, CLAMPS = (_picking(what) for what in ("least", "most", "clamps"))
