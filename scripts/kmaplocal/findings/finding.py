# SPDX-License-Identifier: GPL-2.0-only
"""A finding: one thing that is wrong, where, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

# How a fix begins that is a statement to be added before the place.
ADDED = "before "
ERROR, WARNING, NOTE = SEVERITIES = ("error", "warning", "note")


JUMPS = "jumps here"  # what is said of a step that does
CONVERTED = "make apply converts it"  # what to do about an old call


class Rule(NamedTuple):
    """What is looked for: its id, how bad a finding is, and a title.

    EVERYWHERE: it is to be found in every reading of #if arms that has the line, or is
    none. ON_PATH: the cause may be on another line than the finding: an unmap that was
    taken away is missed where the function returns. OF_HIGHMEM: it does no harm where
    every page has a linear address."""

    id: str
    severity: str
    title: str
    everywhere: bool = False
    on_path: bool = False
    of_highmem: bool = False


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
    lines it speaks of; STEPS: those of its path, in order, up to three; PLACES: lines
    and columns of what FIX is to be made of, where that is not the place itself.
    ANSWERED: the obligation whose repair by apply is the remedy."""

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
    places: tuple[tuple[int, int], ...] = ()
    reason: str = ""
    answered: str = ""
