# SPDX-License-Identifier: GPL-2.0-only
"""Functions and macros of other functions' calls, as pieces to be read: one with #ifs
that matter once for each choice of their arms, each as a definition of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kmaplocal.c.arms import Arms, Kernels, Reading, TooMany
from kmaplocal.c.outline import Macro, Outline, Span
from kmaplocal.c.syntax import Function
from kmaplocal.certify import gaps
from kmaplocal.tree.facts import Facts, Piece

HALF = "an arm of an #if is not understood"
ELSEWHERE = "is defined elsewhere where another arm of an #if holds"


@dataclass(frozen=True)
class Called:
    """What of FILE, which OUTLINE is of, is read in one piece: SPANS and MACROS; the
    number of the READING, 0 for all of it as it is."""

    file: str
    outline: Outline
    spans: frozenset[Span]
    macros: frozenset[Macro] = frozenset()
    reading: int = 0

    def piece(self) -> Piece:
        """The functions on their own lines, and the macros as functions on theirs, so
        that evidence names the right place."""
        lines = self.outline.alone(self.spans).split("\n")
        for macro in self.macros:
            lines[macro.line - 1] += macro.as_function().replace("\n", " ")
        held = gaps.holds_conditional(self.outline, self.spans)
        return Piece(self.file, "\n".join(lines), held)

    def take(self, told: Facts) -> list[Function]:
        """The functions and macros among the facts TOLD of the piece."""
        macros = {(m.name, m.line) for m in self.macros}
        known = {s.name for s in self.spans} | {name for name, _ in macros}
        source = told.source
        source.functions = [f for f in source.functions if f.name in known]
        gaps.note_gaps(source, self.spans, told.lost, self.outline)
        for function in source.functions:
            function.reading = self.reading
            function.macro = (function.name, function.line) in macros
        return source.functions


def apart(
    file: str,
    outline: Outline,
    spans: Iterable[Span],
    macros: Iterable[Macro],
    kernels: Kernels,
) -> Iterator[Called]:
    """How SPANS and MACROS of FILE are to be read for KERNELS."""
    whole = set(spans)
    for span in sorted(whole, key=lambda s: s.line):
        chosen = _readings(outline, span, kernels)
        whole -= {span} if chosen else set()
        for number, each in enumerate(chosen, 1):
            only = outline.without(each.hidden)
            yield Called(file, only, frozenset({span}), reading=number)
    if whole or macros:
        yield Called(file, outline, frozenset(whole), frozenset(macros))


def _readings(outline: Outline, span: Span, kernels: Kernels) -> list[Reading]:
    try:
        return Arms(outline, span, kernels).readings()
    except TooMany:
        return []


def note_halves(parts: Sequence[tuple[Called, list[Function]]]) -> None:
    """Note in the functions of PARTS, all that were read, where another reading of the
    same function was not understood."""
    without = {(c.file, s) for c, found in parts for s in c.spans if not found}
    for called, found in parts:
        if called.reading and any((called.file, s) in without for s in called.spans):
            for function in found:
                function.unread = function.unread or HALF


def declared_besides(outline: Outline, name: str) -> bool:
    """Whether a function NAME of OUTLINE is defined in an arm of an #if, and another
    arm of that has a declaration of it: there it is defined elsewhere."""
    spans = [span for span in outline.functions if span.name == name]
    lines = [
        line
        for line in (outline.lines({name}) if spans else ())
        if outline.around(line) is None and line not in outline.directives
    ]
    return any(
        group.branch(line) not in (-1, group.branch(span.line))
        for group in outline.conditionals
        for span in spans
        if group.branch(span.line) >= 0
        for line in lines
    )
