# SPDX-License-Identifier: GPL-2.0-only
"""A file in which pages go with their addresses: what becomes of it, and its text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from kmaplocal.c.outline import Outline
from kmaplocal.c.syntax import Point, Stmt
from kmaplocal.repairs.carry import Carrying
from kmaplocal.repairs.heads import with_parameters


@dataclass
class Carried:
    """What becomes of one file where pages go with their addresses: CHANGES, of its
    functions, by their lines; the new parameters, as C text by the function's name, of
    those it defines (PARAMETERS), and of those whose declarations do not change with a
    definition (DECLARED); the lines of comments that describe parameters (DESCRIBES),
    by the line that each follows."""

    changes: dict[int, Carrying] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    declared: dict[str, str] = field(default_factory=dict)
    describes: dict[int, str] = field(default_factory=dict)
    heads: dict[int, str] = field(default_factory=dict)  # lines outside of functions
    certified: dict[int, list[str]] = field(default_factory=dict)  # what each becomes

    def add(self, other: Carried) -> None:
        """Take what is changed by OTHER as well."""
        self.changes |= other.changes
        self.parameters |= other.parameters
        self.declared |= other.declared
        self.describes |= other.describes
        self.heads |= other.heads
        self.certified |= other.certified

    @property
    def gains(self) -> dict[str, str]:
        """All parameters that are new in the file."""
        return self.parameters | self.declared


def written(outline: Outline, made: Carried) -> str:
    """The text of OUTLINE as MADE leaves it, but for the layout."""
    lines = outline.text.split("\n")
    for start, end, text in sorted(_splices(outline, made), reverse=True):
        (first, column), (last, to) = start, end
        head, tail = lines[first - 1][:column], lines[last - 1][to:]
        lines[first - 1 : last] = [head + text + tail]
        lines[first:first] = [""] * (last - first)
    return "\n".join(lines)


def _beside(change: Carrying) -> dict[tuple[Stmt, str], list[str]]:
    """What CHANGE puts before and after statements."""
    found: dict[tuple[Stmt, str], list[str]] = {}
    for stmt, where, text in change.beside:
        found.setdefault((stmt, where), []).append(text)
    return found


def _splices(outline: Outline, made: Carried) -> Iterator[tuple[Point, Point, str]]:
    for change in made.changes.values():
        for edit in change.edits:
            yield edit.expr.start, edit.expr.end, edit.text
        for stmt in change.dropped:
            yield stmt.start, stmt.end, ""
        for (stmt, where), texts in _beside(change).items():
            at = stmt.end if where == "after" else stmt.start
            yield at, at, f" {'; '.join(texts)}; "
        for stmt, early, name in change.declared:
            at = stmt.start if early else stmt.end
            yield at, at, f" void *{name}; "
    for place, text in with_parameters(outline, made.gains):
        yield place, place, text
