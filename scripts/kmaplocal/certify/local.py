# SPDX-License-Identifier: GPL-2.0-only
"""Does the address stay in this thread, with nobody who outlives the mapping?"""

from __future__ import annotations

from kmaplocal.certify import aliases
from kmaplocal.certify.certificate import LOCAL, UNKNOWN, Obligation
from kmaplocal.certify.certificate import fails, holds, repaired
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.flow.events import Event, Kind
from kmaplocal.flow.trace import Site
from kmaplocal.repairs.repair import Together

_SENTENCES = {
    Kind.STORED: "the address is stored in {}",
    Kind.RETURNED: "the address is returned",
    Kind.ADDRESS_TAKEN: "the address of {}, which holds the mapping, is taken",
    Kind.ESCAPES: "{}",
}
_UNKNOWN = {
    Kind.UNKNOWN: "{}",
    Kind.OPAQUE: "the address is used in a way not understood: {}",
}


def local(site: Site, analysis: FunctionAnalysis) -> Obligation:
    """The obligation of SITE in a function."""
    handed = site.number in analysis.handed
    for event in _events(site, analysis, *_SENTENCES):
        if not handed or event.kind is not Kind.RETURNED:
            why = _SENTENCES[event.kind].format(event.detail)
            return fails(LOCAL, event.place, why)
    for event in _events(site, analysis, *_UNKNOWN):
        why = _UNKNOWN[event.kind].format(event.detail)
        return fails(LOCAL, event.place, why, UNKNOWN)
    if not site.api.atomic:
        for event, other in aliases.compared(analysis.pages.extents, site):
            page = other.page if other else ""
            return fails(LOCAL, event.place, _compared(event, page))
    if handed:
        why = "returned to callers that are local, all of them read"
        return repaired(LOCAL, why, Together())
    why = "every use of the address reads, writes or compares"
    if analysis.holder is not None:
        why += (
            f"; {analysis.holder.base} is on the stack, and all who have it were read"
        )
    taken = dict.fromkeys(e.detail for e in _events(site, analysis, Kind.POINTER))
    return holds(LOCAL, "; ".join([why, *taken]))


def _compared(event: Event, page: str) -> str:
    """What is to be said of an EVENT in which an address is compared with that of a
    mapping of PAGE, or of one that is not known."""
    whose = f"that of {page}" if page else event.detail
    by = f"{event.place.callee}() compares" if event.place.callee else "it compares"
    return f"{by} the address with {whose}, another one if it is of the same page"


def _events(site: Site, analysis: FunctionAnalysis, *kinds: Kind) -> list[Event]:
    found = analysis.trace.of(site.number, *kinds)
    return sorted(found, key=lambda event: event.place.start)
