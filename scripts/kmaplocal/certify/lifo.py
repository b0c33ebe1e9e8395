# SPDX-License-Identifier: GPL-2.0-only
"""Are mappings that are alive together unmapped in reverse order, and are they few
enough for the stack of local mappings?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from kmaplocal.c.syntax import Expr
from kmaplocal.c.text import plain
from kmaplocal.certify.certificate import LIFO, UNKNOWN, Obligation
from kmaplocal.certify.certificate import fails, holds, repaired
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.flow.trace import Site, Trace
from kmaplocal.flow.values import Origin
from kmaplocal.knowledge import functions
from kmaplocal.repairs.repair import Exchanged

# include/asm-generic/kmap_size.h: a thread has 16 local mappings, past which
# kmap_local_idx_push() is a BUG().  Half are left to its callees and to interrupts.
SLOTS = 16
MOST_ALIVE = SLOTS // 2


def lifo(site: Site, analysis: FunctionAnalysis) -> Obligation:
    """The obligation of SITE in a function."""
    trace = analysis.trace
    return (
        _disordered(site, analysis)
        or _beside(site, analysis)
        or _deep(site, analysis)
        or _exchanged(site, analysis)
        or holds(
            LIFO,
            "nested, unmapped in reverse order"
            if any(site.number in pair for pair in trace.nested)
            else "not nested",
        )
    )


def _disordered(site: Site, analysis: FunctionAnalysis) -> Obligation | None:
    trace = analysis.trace
    for (first, later), unmap in trace.disordered.items():
        if site.number in (first, later):
            why = f"{trace.told(first)} is unmapped before"
            why += f" {trace.told(later)}, mapped later"
            if first == later:
                why = "its instances are not unmapped in reverse order"
            return fails(LIFO, unmap, why)
    return None


def _beside(site: Site, analysis: FunctionAnalysis) -> Obligation | None:
    """Whether a callee leaves a page mapped while SITE is: kmap() knew no order."""
    calls = sorted(analysis.trace.during(site.number), key=lambda call: call.start)
    for call in calls if not site.api.stacked else ():
        if analysis.knowledge.leaves_mapped(call):
            why = f"{call.callee}() leaves a page mapped, to be unmapped in turn"
            return fails(LIFO, call, why, UNKNOWN)
    return None


def _deep(site: Site, analysis: FunctionAnalysis) -> Obligation | None:
    """Whether local mappings in place of SITE and those beside it may be too many;
    kmap() has a pool for all, and kmap_atomic() these same slots."""
    if site.api.stacked:
        return None
    for call, before in _beneath(analysis.trace).items():
        if len(before) > MOST_ALIVE and site.number in before:
            why = f"more than {MOST_ALIVE} are mapped at once: a thread has {SLOTS}"
            return fails(LIFO, call, f"{why} local mappings for all it calls")
    during = analysis.trace.during(site.number)
    again = analysis.returning() if during else frozenset()
    ours = [c for c in during if not functions.of(c.callee).hands]  # others call back
    for call in sorted(ours, key=lambda call: call.start):
        if any(e.kind == "identifier" and e.text in again for e in call.walk()):
            why = f"{call.callee or plain(call.text)}() may map here again, ever deeper"
            why += f": a thread has {SLOTS} local mappings"
            return fails(LIFO, call, why, UNKNOWN)
    return None


def _beneath(trace: Trace) -> Mapping[Expr, set[Origin]]:
    """By the call of each mapping that is nested, those alive once it is made."""
    found: dict[Expr, set[Origin]] = defaultdict(set)
    for first, later in trace.nested:
        if isinstance(later, int):
            found[trace.sites[later].call] |= {first, later}
    return found


def _exchanged(site: Site, analysis: FunctionAnalysis) -> Obligation | None:
    for unmap, before in analysis.trace.exchanged.items():
        if any(end.site == site.number for end in analysis.trace.unmaps[unmap]):
            why = f"unmapped here instead of at line {before.start[0]}"
            return repaired(LIFO, why, Exchanged(before), at=unmap)
    return None
