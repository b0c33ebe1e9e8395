# SPDX-License-Identifier: GPL-2.0-only
"""What is advised where apply converts the function: what apply does.

A finding and a repair look at the same code; where a repair answers what a
finding asks for, it is the advice, and another one would contradict it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from kmaplocal.findings.finding import Finding
from kmaplocal.certify.analysis import FileAnalysis
from kmaplocal.certify.certificate import CONVERT, REPAIRED, Certificate, Obligation
from kmaplocal.certify.certificate import Verdict
from kmaplocal.knowledge import api
from kmaplocal.repairs.repair import LowmemPage


def agreeing(
    findings: Iterable[Finding], applied: FileAnalysis | None, line: int
) -> Iterator[Finding]:
    """FINDINGS of the function that begins at LINE, with the advice that agrees with
    what APPLIED, the file as apply sees it, makes of it."""
    verdicts = applied.verdicts if applied else ()
    verdict = next((v for v in verdicts if v.line == line), None)
    changed = verdict if verdict and verdict.verdict == CONVERT else None
    for finding in findings:
        yield _advised(finding, changed) if changed else finding


def converted(
    findings: Iterable[Finding], applied: Mapping[str, FileAnalysis]
) -> list[Finding]:
    """FINDINGS with the unmap that apply writes in place of the old one where an advice
    names it, in the functions that it converts; APPLIED: the files as apply sees them.
    """
    verdicts = [v for file in applied.values() for v in file.verdicts]
    done = {(v.file, v.function) for v in verdicts if v.verdict == CONVERT}
    return [
        replace(f, remedy=_renamed(f.remedy)) if (f.file, f.function) in done else f
        for f in findings
    ]


def _renamed(remedy: str) -> str:
    for name in api.OLD_UNMAPS:
        remedy = remedy.replace(f" {name}()", " kunmap_local()")
    return remedy


def _advised(finding: Finding, verdict: Verdict) -> Finding:
    """FINDING with the repair of VERDICT for its remedy, where apply answers it so."""
    repair = next(_repairs(verdict, finding), None)
    if repair is None:
        return finding
    at = f"line {repair.line}: " if repair.line not in (0, finding.line) else ""
    advice = f"make apply repairs it: {repair.repaired_by} ({at}{repair.evidence})"
    return replace(finding, remedy=advice)


def _repairs(verdict: Verdict, finding: Finding) -> Iterator[Obligation]:
    """The repaired obligations by which apply answers FINDING."""
    for certificate in verdict.certificates:
        for obligation in certificate.obligations:
            asked = obligation.name == finding.answered
            asked = asked or _is_lowmem(certificate, obligation, finding)
            if asked and obligation.state == REPAIRED:
                yield obligation


def _is_lowmem(
    certificate: Certificate, obligation: Obligation, finding: Finding
) -> bool:
    """Whether the mapping that FINDING speaks of goes, as its page needs none: then
    nothing is unmapped too early, and nothing is kept that somebody has to unmap."""
    if not any(isinstance(repair, LowmemPage) for repair in obligation.repairs):
        return False
    mapping = certificate.mapping
    places = {(finding.line, finding.column)}
    places |= {(step.line, step.column) for step in finding.steps}
    return (mapping.line, mapping.column + 1) in places
