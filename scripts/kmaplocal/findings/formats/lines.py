# SPDX-License-Identifier: GPL-2.0-only
"""A report as compilers print theirs: a line a finding, then what to do."""

from __future__ import annotations

from itertools import groupby

from kmaplocal.findings.finding import ERROR, NOTE, WARNING, Finding
from kmaplocal.findings.report import Report
from kmaplocal.names import line, quoted

_COLOURS = {ERROR: "\033[1;31m", WARNING: "\033[1;35m", NOTE: "\033[1;36m"}
_BOLD, _RESET = "\033[1m", "\033[0m"


def as_text(report: Report, colour: bool = False) -> str:
    """The findings of REPORT by function, what was not analysed, and the tally;
    with COLOUR for a terminal."""
    lines = []
    for (file, function), group in groupby(report.findings, _home):
        if function:
            home = _bold(f"{quoted(file)}:", colour)
            lines.append(f"{home} In function '{function}':")
        for finding in group:
            lines.append(_line(finding, colour))
            lines += [f"    {line(finding.remedy)}"] if finding.remedy else []
    for lost in report.lost:
        where, why = f"{quoted(lost.file)}:{lost.line}", line(lost.reason)
        lines.append(f"{where}: not analysed: {lost.function}: {why}")
    return "".join(f"{line}\n" for line in [*lines, report.tally()])


def _home(finding: Finding) -> tuple[str, str]:
    return finding.file, finding.function


def _line(finding: Finding, colour: bool) -> str:
    where = f"{quoted(finding.file)}:{finding.line}:{finding.column}:"
    place = _bold(where, colour)
    severity = f"{finding.severity}:"
    if colour:
        severity = f"{_COLOURS[finding.severity]}{severity}{_RESET}"
    return f"{place} {severity} {line(finding.message)} [{finding.rule}]"


def _bold(text: str, colour: bool) -> str:
    return f"{_BOLD}{text}{_RESET}" if colour else text
