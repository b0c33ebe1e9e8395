# SPDX-License-Identifier: GPL-2.0-only
"""Chains of calls to what needs page faults or preemption to be off."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache

from kmaplocal.c.dominance import Dominance
from kmaplocal.c.syntax import Expr, Function
from kmaplocal.knowledge import functions

# What ends a region that was begun by name; with none begun it would end that of
# kmap_atomic() itself.
ENABLING = {
    "faults": functions.of("pagefault_disable").until,
    "preempt": functions.of("preempt_disable").until,
}
# What disabling preemption by name does not help, or harms.
BEYOND = (functions.PREEMPT_OFF - functions.PER_CPU) | functions.SLEEPING


def depending(chain: Sequence[str], kind: str) -> str:
    """The sentence that CHAIN, each of which calls the next, needs page faults
    (`faults`) or preemption (`preempt`) to be off; "" for an empty one."""
    what = "page faults" if kind == "faults" else "preemption"
    told = ": ".join(f"{name}()" for name in chain)
    return f"{told} may depend on {what} being disabled" if told else ""


def in_region(function: Function, call: Expr, openers: Collection[str]) -> bool:
    """Whether every path of FUNCTION to CALL passes one of OPENERS that is not ended
    before: `preempt_disable()` without its `preempt_enable()`."""
    began = [each for each in function.calls(openers) if each is not call]
    return any(_is_open(function, opener, call) for opener in began)


def all_in_region(function: Function, callee: str, names: Collection[str]) -> bool:
    """Whether all calls of CALLEE in FUNCTION have by name what NAMES, of which it is
    or calls one, need."""
    by_faults = functions.FAULTS_OFF.issuperset(names)
    openers = functions.FAULTS_OFF_BY if by_faults else functions.PREEMPT_OFF_BY
    return all(in_region(function, e, openers) for e in function.calls((callee,)))


def _is_open(function: Function, opener: Expr, call: Expr) -> bool:
    paths = _paths(function)
    here, there = paths.place(opener), paths.place(call)
    if not paths.dominates(here, there) or here.node is None or there.node is None:
        return False
    between = paths.between(here.node, there.node)
    return not any(
        place.node in between
        or (place.node is here.node and place.number >= here.number)
        or (place.node is there.node and place.number <= there.number)
        for place in (
            paths.place(e) for e in _enders(function, opener) if e is not call
        )
        if not (here.node is there.node and place.number > there.number)
    )


def _enders(function: Function, opener: Expr) -> list[Expr]:
    """The calls that may end what OPENER began: not those of another lock that is
    taken here as well."""
    others = {
        _subject(each)
        for each in function.calls((opener.callee,))
        if _subject(each) != _subject(opener)
    }
    ends = function.calls(functions.of(opener.callee).until)
    return [end for end in ends if _subject(end) not in others]


def _subject(call: Expr) -> str:
    first = call.arguments.get(0)
    return first.text if first is not None else ""


@lru_cache(maxsize=64)
def _paths(function: Function) -> Dominance:
    return Dominance(function)


def links(told: str) -> tuple[str, ...]:
    """The names in "a(): b()"."""
    return tuple(name.removesuffix("()") for name in told.split(": ") if name)
