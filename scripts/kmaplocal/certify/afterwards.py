# SPDX-License-Identifier: GPL-2.0-only
"""The functions of a family, as they are after the change: what they are to be, or what
stands against it."""

from __future__ import annotations

from collections.abc import Mapping

from kmaplocal.c.text import plain
from kmaplocal.certify.certificate import CONVERT
from kmaplocal.certify.family import Family, Key
from kmaplocal.certify.file import FileAnalysis
from kmaplocal.flow.events import AGAINST, Kind
from kmaplocal.flow.values import Given
from kmaplocal.knowledge import api
from kmaplocal.repairs.roles import ASKED, GIVEN, LATE, RESULT, Role
from kmaplocal.summaries import mappings

UNMAPPED = (Kind.AFTER_UNMAP, Kind.DANGLING, Kind.MAPPED_AGAIN, Kind.UNSET)


def is_fine(family: Family, key: Key, files: Mapping[str, FileAnalysis]) -> bool:
    """Whether the function of KEY, of FAMILY, is, in FILES, what it is to be."""
    after = files[key.file]
    seen = [(v, after.analyses.get(v.line)) for v in after.verdicts]
    found = [(v, a) for v, a in seen if v.function == key.name and a is not None]
    role = family.roles.get(key)
    asked = role is not None and role.kind in (ASKED, LATE)
    if asked and not found:
        return not after.lost and not family.functions[key].calls(api.OLD)
    if after.lost or len(found) != 1:
        return False
    ((verdict, analysis),) = found
    trace = analysis.trace
    if trace.disordered or any(e.kind in UNMAPPED for e in trace.events):
        return False
    if analysis.function.calls({"page_address", *api.OLD}):
        return False
    if role is None or asked:
        ends = [end for ends in trace.unmaps.values() for end in ends]
        called = analysis.function.calls(analysis.knowledge.unmaps)
        unmapped = all(end.fine for end in ends) and len(called) == len(trace.unmaps)
        return verdict.verdict == CONVERT and unmapped
    number = len(family.functions[key].params)
    if role.kind == GIVEN:
        return _unmaps(analysis, number)
    return _maps(analysis, number, role)


def against(key: Key, after: FileAnalysis) -> tuple[int, str]:
    """What stands against the function of KEY as it is AFTER the change, and how much
    it says, the least number first."""
    told = f"{key.name}() of {key.file}"
    for verdict in after.verdicts:
        analysis = after.analyses.get(verdict.line)
        if verdict.function == key.name and analysis:
            if analysis.trace.disordered:
                return 0, f"{told} does not unmap in reverse order"
            for doubt in verdict.reasons():
                return 1, f"{told}: {plain(doubt.reason)}"
    return 2, f"{told}: what becomes of the page was not followed"


def _unmaps(analysis, number: int) -> bool:
    """Whether a function unmaps the address that is its parameter NUMBER."""
    found = mappings.ending(analysis.function, analysis.knowledge, number)
    if found is None:
        return False
    rule, trace = found
    against = trace.of(Given(number), *AGAINST, Kind.RETURNED, *UNMAPPED)
    whole = len(analysis.function.calls(analysis.knowledge.unmaps)) == len(trace.unmaps)
    left = trace.left_live or trace.disordered or against or not trace.fine
    return rule == api.Unmap("kunmap_local", number) and whole and not left


def _maps(analysis, number: int, role: Role) -> bool:
    """Whether a function leaves a page mapped, its address behind its parameter
    NUMBER, and does nothing else with it."""
    trace = mappings.traced(analysis.function, analysis.knowledge, True)
    made = mappings.mapped(trace, True)
    if made is None or made.where != number or made.kept or not trace.fine:
        return False
    if made.returns and role.kind == RESULT:
        return False
    for site in trace.sites:
        for event in trace.of(site.number, *AGAINST, Kind.RETURNED):
            stored = event.kind is Kind.STORED and event.place.kind == "assign"
            handed = event.kind is Kind.STORED and event.place is site.call
            given = event.kind is Kind.RETURNED and made.returns
            if not (stored or handed or given):
                return False
    return made.ends == "kunmap_local"
