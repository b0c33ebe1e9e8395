# SPDX-License-Identifier: GPL-2.0-only
"""From what was seen of a function to its verdict: a certificate a mapping, and what
else stands against a conversion."""

from __future__ import annotations

from kmaplocal.certify.certificate import (
    PAIRED,
    Certificate,
    Doubt,
    Mapping,
    Obligation,
)
from kmaplocal.certify.certificate import Verdict
from kmaplocal.certify.doubts import cleanup_doubts, statement_doubts
from kmaplocal.certify.faults import faults
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.certify.lifo import lifo
from kmaplocal.certify.local import local
from kmaplocal.certify.paired import paired
from kmaplocal.certify.preempt import preempt
from kmaplocal.flow.events import Kind
from kmaplocal.flow.trace import Site
from kmaplocal.knowledge import api


def one_page(site: Site, analysis: FunctionAnalysis) -> Obligation:
    """Do the accesses and the unmap argument stay inside the page?"""
    return analysis.pages.obligation(site)


OBLIGATIONS = (paired, lifo, local, faults, preempt, one_page)


def certify(analysis: FunctionAnalysis) -> Verdict:
    """The verdict on a function that was followed."""
    verdict = Verdict(analysis.file, analysis.function.name, analysis.function.line)
    analysis.ask()
    if analysis.unfollowed:
        known = (*analysis.knowledge.maps, *analysis.knowledge.unmaps)
        first = analysis.function.calls(known)[0]
        verdict.doubts.append(Doubt(PAIRED, *first.start, analysis.unfollowed))
    for site in analysis.trace.sites:
        if site.api.new or site.name in analysis.knowledge.wrapped:
            verdict.certificates.append(certificate(site, analysis))
    verdict.doubts.extend(_unmap_doubts(analysis))
    verdict.doubts.extend(statement_doubts(analysis.function))
    verdict.doubts.extend(cleanup_doubts(analysis.function))
    return verdict


def certificate(site: Site, analysis: FunctionAnalysis) -> Certificate:
    """The certificate of one mapping."""
    mapping = Mapping(analysis.file, analysis.function.name, site)
    obligations = tuple(fold(site, analysis) for fold in OBLIGATIONS)
    return Certificate(mapping, analysis.trace.about(site), obligations)


def _unmap_doubts(analysis: FunctionAnalysis) -> list[Doubt]:
    """Unmaps of what this function did not map, or cannot be traced."""
    doubts = []
    names = {*api.OLD_UNMAPS, *analysis.knowledge.wrapped} & {
        *analysis.knowledge.unmaps
    }
    for expr, ends in analysis.trace.unmaps.items():
        if expr.callee not in names:
            continue
        if any(end.kind in (Kind.UNTRACED, Kind.PARAMETER) for end in ends):
            argument = expr.arguments[0].text if expr.arguments else ""
            why = f"{argument} is unmapped here but not mapped in this function"
            doubts.append(Doubt(PAIRED, *expr.start, why))
    missed = [
        e for e in analysis.function.calls(names) if e not in analysis.trace.unmaps
    ]
    if not doubts:
        for expr in missed:
            why = "no path to this unmap was found"
            doubts.append(Doubt(PAIRED, *expr.start, why))
    return doubts
