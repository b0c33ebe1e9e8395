# SPDX-License-Identifier: GPL-2.0-only
"""Are mappings that are alive together unmapped in reverse order?"""

from __future__ import annotations

from kmaplocal.certify.certificate import LIFO, UNKNOWN, Obligation
from kmaplocal.certify.certificate import fails, holds, repaired
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.flow.trace import Site
from kmaplocal.repairs.repair import Exchanged


def lifo(site: Site, seen: FunctionAnalysis) -> Obligation:
    """The obligation of SITE in a function."""
    trace = seen.trace
    return (
        _disordered(site, seen)
        or _beside(site, seen)
        or _exchanged(site, seen)
        or holds(
            LIFO,
            "nested, unmapped in reverse order"
            if any(site.number in pair for pair in trace.nested)
            else "not nested",
        )
    )


def _disordered(site: Site, seen: FunctionAnalysis) -> Obligation | None:
    trace = seen.trace
    for (first, later), unmap in trace.disordered.items():
        if site.number in (first, later):
            why = f"{trace.told(first)} is unmapped before"
            why += f" {trace.told(later)}, mapped later"
            if first == later:
                why = "its instances are not unmapped in reverse order"
            return fails(LIFO, unmap, why)
    return None


def _beside(site: Site, seen: FunctionAnalysis) -> Obligation | None:
    """Whether a callee leaves a page mapped while SITE is: kmap() knew no order."""
    calls = sorted(seen.trace.during(site.number), key=lambda call: call.start)
    for call in calls if not site.api.stacked else ():
        if seen.knowledge.leaves_mapped(call):
            why = f"{call.callee}() leaves a page mapped, to be unmapped in turn"
            return fails(LIFO, call, why, UNKNOWN)
    return None


def _exchanged(site: Site, seen: FunctionAnalysis) -> Obligation | None:
    for unmap, before in seen.trace.exchanged.items():
        if any(end.site == site.number for end in seen.trace.unmaps[unmap]):
            why = f"unmapped here instead of at line {before.start[0]}"
            return repaired(LIFO, why, Exchanged(before), at=unmap)
    return None
