# SPDX-License-Identifier: GPL-2.0-only
"""What is advised where apply converts the function: what apply does.

A finding and a repair look at the same code; where a repair answers what a
finding asks for, it is the advice, and another one would contradict it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from kmaplocal.findings.finding import Finding
from kmaplocal.certify.analysis import FileAnalysis
from kmaplocal.certify.certificate import CONVERT, REPAIRED, Obligation, Verdict


def agreeing(
    findings: Iterable[Finding], applied: FileAnalysis | None, line: int
) -> Iterator[Finding]:
    """FINDINGS of the function that begins at LINE, with the advice that agrees with
    what APPLIED, the file as apply sees it, makes of it."""
    verdicts = applied.verdicts if applied else ()
    verdict = next((v for v in verdicts if v.line == line), None)
    for finding in findings:
        repair = _repair(verdict, finding) if verdict else None
        yield _advised(finding, repair) if repair else finding


def _repair(verdict: Verdict, finding: Finding) -> Obligation | None:
    """The repair by which apply answers FINDING; None when it has none."""
    if verdict.verdict != CONVERT or not finding.answered:
        return None
    found = (
        obligation
        for certificate in verdict.certificates
        for obligation in certificate.obligations
        if obligation.name == finding.answered and obligation.state == REPAIRED
    )
    return next(found, None)


def _advised(finding: Finding, repair: Obligation) -> Finding:
    at = f"line {repair.line}: " if repair.line not in (0, finding.line) else ""
    advice = f"make apply repairs it: {repair.repaired_by} ({at}{repair.evidence})"
    return replace(finding, remedy=advice)
