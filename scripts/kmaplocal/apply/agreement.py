# SPDX-License-Identifier: GPL-2.0-only
"""What the readings of a function, one a choice of arms, make of it together.

A line that several readings show is changed by all of them alike, or the function is
left as it is."""

from __future__ import annotations

from collections.abc import Sequence

from kmaplocal.apply.edits import Edit, applied
from kmaplocal.apply.plan import Plan, make_plan
from kmaplocal.certify.analysis import FileAnalysis
from kmaplocal.certify.readings import said
from kmaplocal.c.lexer import tokens, words


class Disagreement(Exception):
    """Readings want different changes; says where."""


def plans(readings: Sequence[FileAnalysis]) -> list[Plan]:
    """The plan for each of READINGS, without idioms where they do not agree on these.
    Raises Disagreement."""
    try:
        return _plans(readings, True)
    except Disagreement:
        return _plans(readings, False)


def keeps_helpers(readings: Sequence[FileAnalysis]) -> bool:
    """Whether plans() of READINGS have their idioms."""
    try:
        _plans(readings, True)
    except Disagreement:
        return False
    return True


def _plans(readings: Sequence[FileAnalysis], idioms: bool) -> list[Plan]:
    found = [make_plan(reading, idioms) for reading in readings]
    for reading, plan in zip(readings, found):
        if plan.trouble:
            raise Disagreement(said(readings, [reading], plan.trouble))
        for place, edit in plan.edits.items():
            line = int(place.partition(":")[0])
            for other, its in zip(readings, found):
                if other.shows(line) and its.edits.get(place) != edit:
                    raise Disagreement(_differs(readings, reading, line))
    return found


def merged(readings: Sequence[FileAnalysis], made: Sequence[list[Edit]]) -> list[Edit]:
    """The edits MADE for READINGS, each once, in order.  Raises Disagreement."""
    made = [_parted(reading, mine, made) for reading, mine in zip(readings, made)]
    for reading, mine in zip(readings, made):
        for edit in mine:
            if not _sees(reading, edit):
                raise Disagreement(f"line {edit.first + 1} is not what was analysed")
            for other, its in zip(readings, made):
                if edit not in its and _touches(other, edit):
                    raise Disagreement(_differs(readings, reading, edit.first + 1))
    found = sorted({edit for mine in made for edit in mine}, key=_place)
    for before, after in zip(found, found[1:]):
        if before.last > after.first or _place(before) == _place(after):
            raise Disagreement(f"line {after.first + 1} is changed in two ways")
    return found


def _parted(
    reading: FileAnalysis, mine: list[Edit], made: Sequence[list[Edit]]
) -> list[Edit]:
    """The edits MINE of READING; one with lines between that it does not see is the
    same as several of the others MADE, where there are such."""
    found: list[Edit] = []
    for edit in mine:
        within = ([e for e in its if _inside(e, edit)] for its in made if its != mine)
        alike = (its for its in within if its and _same(reading, edit, its))
        found += [edit] if _sees(reading, edit) else next(alike, [edit])
    return found


def _inside(inner: Edit, outer: Edit) -> bool:
    return outer.first <= inner.first and inner.last <= outer.last


def _same(reading: FileAnalysis, edit: Edit, parts: list[Edit]) -> bool:
    """Whether PARTS make of READING what EDIT does."""
    text = reading.outline.text
    one, other = (applied(text, each) for each in ([edit], parts))
    return words(tokens(one)) == words(tokens(other))


def _place(edit: Edit) -> tuple[int, int]:
    return edit.first, edit.last


def _differs(readings: Sequence, reading: FileAnalysis, line: int) -> str:
    why = f"line {line} is for several arms of an #if, but would not change alike for"
    return said(readings, [reading], f"{why} them: write it into each of them")


def _sees(reading: FileAnalysis, edit: Edit) -> bool:
    """Whether all that EDIT changes is in READING."""
    if not _lines(edit):
        return reading.shows_gap(edit.first + 1)
    return all(reading.shows(line) for line in _lines(edit))


def _touches(reading: FileAnalysis, edit: Edit) -> bool:
    """Whether something of what EDIT changes is in READING."""
    if not _lines(edit):
        return reading.shows_gap(edit.first + 1)
    return any(reading.shows(line) for line in _lines(edit))


def _lines(edit: Edit) -> range:
    """The lines, from 1, that EDIT replaces."""
    return range(edit.first + 1, edit.last + 1)
