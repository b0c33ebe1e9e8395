# SPDX-License-Identifier: GPL-2.0-only
"""A report as compilers print theirs: a line a finding, the line of the source with
a caret below, what to do, and the lines of the path to it.

A function that calls old functions is one line, whatever else is found in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from kmaplocal.findings.finding import ERROR, NOTE, WARNING, Finding
from kmaplocal.findings.report import DEPRECATED, Report
from kmaplocal.findings.text import Texts
from kmaplocal.names import line, quoted

_COLOURS = {ERROR: "\033[1;31m", WARNING: "\033[1;35m", NOTE: "\033[1;36m"}
_BOLD, _RESET = "\033[1m", "\033[0m"
MOST_SHOWN = 200  # characters of a line of source


def as_text(report: Report, colour: bool = False) -> str:
    """The findings of REPORT by function, what was not analysed, and the tally;
    with COLOUR for a terminal."""
    lines: list[str] = []
    texts = Texts(report.root)
    for (file, function), group in groupby(report.findings, _home):
        found = list(group)
        if function and any(finding.rule != DEPRECATED for finding in found):
            home = _bold(f"{quoted(file)}:", colour)
            lines.append(f"{home} In function '{function}':")
        for finding in found:
            lines += _shown(finding, texts, colour)
    for lost in report.lost:
        where, why = f"{quoted(lost.file)}:{lost.line}", line(lost.reason)
        lines.append(f"{where}: not analysed: {lost.function}: {why}")
    lines += filter(None, [report.old_calls()])
    return "".join(f"{line}\n" for line in [*lines, report.tally()])


def _home(finding: Finding) -> tuple[str, str]:
    return finding.file, finding.function


def _shown(finding: Finding, texts: Texts, colour: bool) -> Iterator[str]:
    if finding.rule == DEPRECATED:
        more = f": {line(finding.remedy)}" if finding.remedy else ""
        home = f"{finding.function}(): " if finding.function else ""
        yield _line(finding, f"{home}{line(finding.message)}{more}", colour)
        return
    yield _line(finding, line(finding.message), colour)
    yield from _source(texts, finding.file, finding.line, finding.column)
    if finding.remedy:
        yield f"    {line(finding.remedy)}"
    for step in finding.steps:
        place = f"{quoted(finding.file)}:{step.line}:{step.column}:"
        yield f"{_bold(place, colour)} {step.said}"
        yield from _source(texts, finding.file, step.line, step.column)


def _line(finding: Finding, said: str, colour: bool) -> str:
    where = f"{quoted(finding.file)}:{finding.line}:{finding.column}:"
    place = _bold(where, colour)
    severity = f"{finding.severity}:"
    if colour:
        severity = f"{_COLOURS[finding.severity]}{severity}{_RESET}"
    return f"{place} {severity} {said} [{finding.rule}]"


def _source(texts: Texts, file: str, number: int, column: int) -> Iterator[str]:
    """A line of source, and a caret below the character at COLUMN; of a long line what
    is around it."""
    text = texts.line(file, number).rstrip()
    if not text or column > len(text):
        return
    if len(text) > MOST_SHOWN:
        start = max(0, min(column - MOST_SHOWN // 2, len(text) - MOST_SHOWN))
        text, column = text[start : start + MOST_SHOWN], column - start
    shown = "".join(c if c == "\t" or c.isprintable() else " " for c in text)
    below = "".join(c if c == "\t" else " " for c in shown[: column - 1])
    yield f"{number:5} | {shown}"
    yield f"{'':5} | {below}^"


def _bold(text: str, colour: bool) -> str:
    return f"{_BOLD}{text}{_RESET}" if colour else text
