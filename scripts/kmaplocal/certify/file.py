# SPDX-License-Identifier: GPL-2.0-only
"""What is known of one file: its functions as they were followed, their verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from kmaplocal.knowledge import api
from kmaplocal.c.arms import Reading
from kmaplocal.c.outline import Outline, Span
from kmaplocal.c.syntax import Function, Source
from kmaplocal.certify import gaps
from kmaplocal.certify.certificate import Verdict
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.tree.outcome import WHOLE_FILE, Lost

if TYPE_CHECKING:
    from kmaplocal.certify.rewritten import Carried


@dataclass
class FileAnalysis:
    """All that is known of one file."""

    path: str
    outline: Outline
    excerpt: str
    source: Source
    wanted: list[Span]
    analyses: dict[int, FunctionAnalysis] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    late: bool = False  # spatch took too long for it
    unclear: frozenset[int] = frozenset()  # what spatch did not read with all others
    partners: set[str] = field(default_factory=set)  # converted with it or not at all
    users: list[FunctionAnalysis] = field(default_factory=list)  # of its wrappers
    reading: Reading | None = None  # where it is that of some arms of #ifs
    readings: dict[int, list[FileAnalysis]] = field(default_factory=dict)
    tied: set[int] = field(default_factory=set)  # of these, converted with others
    beside: frozenset[str] = frozenset()  # what the other arms disable by name
    hindered: dict[int, str] = field(
        default_factory=dict
    )  # why pages go alone, by line
    joined: bool = False  # it has no call of interest, and changes with others
    pending: bool = True  # something it asked for was not known yet
    carried: Carried | None = None  # the functions that give each other addresses

    def shows(self, line: int) -> bool:
        """Whether LINE was read."""
        return self.reading is None or line not in self.reading.hidden

    def shows_gap(self, line: int) -> bool:
        """Whether what is put before LINE would have been."""
        return self.reading is None or self.reading.shows_gap(line)

    def every_analysis(self) -> Iterator[FunctionAnalysis]:
        """What is known of its functions, and of each reading of one."""
        yield from self.analyses.values()
        for each in self.readings.values():
            for reading in each:
                yield from reading.analyses.values()

    def lose(self, function: Function | Span, reason: str) -> None:
        """Take FUNCTION for not analysed."""
        self.lost.append(Lost(self.path, function.line, function.name, reason))
        self.verdicts = [v for v in self.verdicts if v.line != function.line]
        self.analyses.pop(function.line, None)

    def lose_all(self, reason: str) -> None:
        """Take the whole file for not analysed."""
        self.lost = [Lost(self.path, 1, WHOLE_FILE, reason)]
        self.readings = {}
        self.source.functions, self.verdicts, self.analyses = [], [], {}
        self.pending = False


def unread(path: str, outline: Outline) -> FileAnalysis:
    """What is known of a file before any function of it was read."""
    source = Source([], {}, {})
    return FileAnalysis(path, outline, "", source, [], pending=False)


def has_old(file: FileAnalysis) -> bool:
    return bool(file.outline.holding(api.OLD) or file.outline.macros_holding(api.OLD))


def narrowed(file: FileAnalysis) -> FileAnalysis:
    """FILE with the functions alone that have an old call, not analysed yet."""
    wanted = file.outline.holding(api.OLD)
    functions = [
        f for f in file.source.functions if any(gaps.within(f, span) for span in wanted)
    ]
    lines = {span.line for span in wanted}
    lost = [x for x in file.lost if x.line in lines or x.function == WHOLE_FILE]
    source = replace(file.source, functions=functions)
    found = FileAnalysis(file.path, file.outline, file.excerpt, source, wanted)
    found.lost, found.unclear, found.late = lost, file.unclear, file.late
    return found
