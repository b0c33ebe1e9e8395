# SPDX-License-Identifier: GPL-2.0-only
"""A finding: one thing that is wrong, where, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

ERROR, WARNING, NOTE = SEVERITIES = ("error", "warning", "note")


CONVERTED = "make apply converts it"  # what to do about an old call


class Rule(NamedTuple):
    """What is looked for: its id, how bad a finding is, and it in a few words."""

    id: str
    severity: str
    title: str


RULES = {
    rule.id: rule
    for rule in (
        Rule("kmap-nested", NOTE, "mappings alive together"),
        Rule("kmap-nesting-order", ERROR, "mappings not unmapped in reverse order"),
        Rule("kmap-handoff", ERROR, "the address reaches another thread or device"),
        Rule("kmap-returned", WARNING, "the address is returned to the caller"),
        Rule("kmap-leak", ERROR, "a path leaves the page mapped"),
        Rule("kmap-double-unmap", ERROR, "a mapping is unmapped twice"),
        Rule("kmap-use-after-unmap", ERROR, "the address is used after its unmap"),
        Rule("kmap-mixed-pair", ERROR, "mapped by one kind, unmapped by another"),
        Rule("kmap-wrong-argument", ERROR, "a page for an address, or the reverse"),
        Rule("kmap-off-page", ERROR, "an access or unmap outside of the mapped page"),
        Rule("kmap-sleep-atomic", ERROR, "a sleep where that is forbidden"),
        Rule("kmap-null-check", WARNING, "a NULL check of what cannot be NULL"),
        Rule("kmap-deprecated", WARNING, "kmap() or kmap_atomic() in new code"),
    )
}


class Step(NamedTuple):
    """A line on the way to a finding, in the same file: its column counts from 1,
    `said` is as "mapped here"."""

    line: int
    column: int
    said: str


@dataclass(frozen=True, order=True)
class Finding:
    """RULE (an id) does not hold at FILE:LINE:COLUMN (1-based) in FUNCTION; MESSAGE
    says what happens on which path, REMEDY what to do.  SEVERITY may differ from
    the rule's own where less is certain.  FIX is what cocci/flag.cocci makes of the
    place in patch mode: C text, "swap" or "remove"; "" for nothing.  ALSO: further
    lines it speaks of; STEPS: those of its path, in order, up to three."""

    file: str
    line: int
    column: int
    rule: str
    severity: str
    function: str
    message: str
    remedy: str = ""
    fix: str = ""
    also: tuple[int, ...] = ()
    steps: tuple[Step, ...] = ()
