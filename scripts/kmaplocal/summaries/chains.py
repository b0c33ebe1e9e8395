# SPDX-License-Identifier: GPL-2.0-only
"""Chains of calls to what needs page faults or preemption to be off."""

from __future__ import annotations

from collections.abc import Sequence

from kmaplocal.knowledge import functions

PROTECTING = functions.FAULTS_OFF_BY | functions.PREEMPT_OFF_BY
# What disabling preemption by name does not help, or harms.
BEYOND = (functions.PREEMPT_OFF - functions.PER_CPU) | functions.SLEEPING


def depending(chain: Sequence[str], kind: str) -> str:
    """The sentence that CHAIN, each of which calls the next, needs page faults
    (`faults`) or preemption (`preempt`) to be off; "" for an empty one."""
    what = "page faults" if kind == "faults" else "preemption"
    told = ": ".join(f"{name}()" for name in chain)
    return f"{told} may depend on {what} being disabled" if told else ""


def links(told: str) -> tuple[str, ...]:
    """The names in "a(): b()"."""
    return tuple(name.removesuffix("()") for name in told.split(": ") if name)
