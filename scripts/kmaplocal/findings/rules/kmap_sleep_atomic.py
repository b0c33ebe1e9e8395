# SPDX-License-Identifier: GPL-2.0-only
"""Sleeping where it is forbidden: kmap-sleep-atomic."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.findings.finding import ERROR, Finding, Rule
from kmaplocal.findings.rules.contexts import kmap_in_handler, sleeps_in_region
from kmaplocal.findings.rules.sleeps import sleeps
from kmaplocal.findings.rules.walkers import sleeps_in_walk
from kmaplocal.findings.context import CheckContext

RULE = Rule("kmap-sleep-atomic", ERROR, "a sleep where that is forbidden", on_path=True)


def find(context: CheckContext) -> Iterator[Finding]:
    """What may sleep where kmap_atomic(), a lock or an interrupt forbids it."""
    yield from sleeps(context)
    yield from sleeps_in_region(context)
    yield from kmap_in_handler(context)
    yield from sleeps_in_walk(context)
