# SPDX-License-Identifier: GPL-2.0-only
"""Which functions have a part that spatch did not read."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable

from kmaplocal.c import arms, cleanup, parsing
from kmaplocal.c.oldcalls import old_calls
from kmaplocal.tree.outcome import Lost
from kmaplocal.c.outline import JUMPS, Outline, Span
from kmaplocal.c.syntax import Function, Source


def holds_conditional(outline: Outline, wanted: Iterable[Span]) -> bool:
    """Whether an #if has a directive in one of the functions WANTED."""
    return any(
        span.line < line <= span.end
        for span in wanted
        for group in outline.conditionals
        for line in group.lines
    )


def lost(file, gaps, names: Collection[str]) -> Iterable[Lost]:
    """What of the functions of FILE, a FileAnalysis, that call one of NAMES was not
    read, by the GAPS spatch told of: every call that the tokens show must be among
    the facts."""
    shown = {e.start for f in file.source.functions for e in f.calls(names)}
    done: set[Span | None] = set()
    for call in old_calls(file.outline, names):
        span = call.span
        if span in done or (span and span.name == cleanup.DEFINES):
            continue
        if span is None and arms.is_never_compiled(file.outline, call.line):
            continue
        why = file.outline.unreadable(span) if span else ""
        if why:
            pass  # it was not given to spatch
        elif isinstance(gaps, str):
            why = gaps
        elif span is None:
            why = f"{call.name}() is called outside of every function that is known"
        else:
            why = _gap_in(span, gaps, file.outline)
            if not why and (call.line, call.column) not in shown:
                why = f"line {call.line}: {call.name}() is not in what spatch read"
        if why:
            done.add(span)
            name = span.name if span else "(outside of functions)"
            yield Lost(file.path, span.line if span else call.line, name, why)


def note_gaps(source: Source, spans: Iterable[Span], gaps, outline: Outline) -> None:
    """Note in the functions of SOURCE, which are those of SPANS, what was not read."""
    if isinstance(gaps, str):
        return  # nothing is in SOURCE then
    for function in source.functions:
        own = [s for s in spans if s.name == function.name and within(function, s)]
        for span in own[:1]:
            function.unread = _gap_in(span, gaps, outline) or _left(span, outline)


def _left(span: Span, outline: Outline) -> str:
    """Whether an arm of an #if, read before the others, may leave for good."""
    groups = [g for g in outline.conditionals if span.line < g.lines[0] <= span.end]
    code = (
        outline.between(span.line, max(g.lines[-1] for g in groups)) if groups else ()
    )
    jumps = [t.line for t in code if t.text in JUMPS and not t.directive]
    for group in groups:
        for line, following in zip(group.lines, group.lines[1:-1]):
            if bisect_left(jumps, following) > bisect_right(jumps, line):
                return f"line {line}: what is behind this half of an #if is not read"
    return ""


def _gap_in(span: Span, gaps: Iterable[parsing.Gap], outline: Outline) -> str:
    """What spatch says it did not understand of a function."""
    gap = next((g for g in gaps if _overlap(g, span, outline)), None)
    if gap:
        return f"line {gap.at} is not understood: {gap.text}"
    included = (
        line
        for line, words in outline.directives.items()
        if span.line < line <= span.end and words[1:2] and words[1].text == "include"
    )
    line = min(included, default=0)
    return f"line {line}: what is included into it is not read" if line else ""


def _overlap(gap: parsing.Gap, span: Span, outline: Outline) -> bool:
    if gap.line > span.end or gap.last < span.line:
        return False
    # What does not parse begins behind the brace that ends the function before it,
    # on the same line.  Where an #if may hide braces, it may be another brace.
    behind = gap.line == span.end and gap.at > span.end
    return not behind or holds_conditional(outline, [span])


def settle(function: Function, wanted: list[Span]) -> bool:
    """Give a function the line of its span, where it is one of WANTED."""
    span = next((s for s in wanted if within(function, s)), None)
    if span is None:
        return False
    function.line = span.line
    return True


def within(function: Function, span: Span) -> bool:
    return any(span.line <= stmt.start[0] <= span.end for stmt in function.body)
