# SPDX-License-Identifier: GPL-2.0-only
"""Does every path from the map reach exactly one unmap of it?"""

from __future__ import annotations

from kmaplocal.certify.certificate import PAIRED, UNKNOWN, Obligation, fails, holds
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.flow.events import End, Kind
from kmaplocal.flow.trace import Site
from kmaplocal.knowledge import api
from kmaplocal.c.syntax import Expr


def paired(site: Site, analysis: FunctionAnalysis) -> Obligation:
    """The obligation of SITE in a function."""
    if analysis.function.name in api.ALL:
        why = f"this is {analysis.function.name}() itself, not a user of it"
        return fails(PAIRED, site.call, why)
    wrong = _again(site, analysis) or _left(site, analysis) or _used(site, analysis)
    wrong = wrong or _by_others(site, analysis)
    return wrong or _ended(site, analysis)


def _again(site: Site, analysis: FunctionAnalysis) -> Obligation | None:
    for event in analysis.trace.of(site.number, Kind.MAPPED_AGAIN):
        why = f"mapped again while it is still mapped{_somewhere(site, analysis)}"
        return fails(PAIRED, event.place, why)
    return None


def _left(site: Site, analysis: FunctionAnalysis) -> Obligation | None:
    if site.number in analysis.handed and site.number not in analysis.trace.left_live:
        return None
    for event in analysis.trace.of(site.number, Kind.LEAKED):
        where = f"where line {event.detail} leaves the function"
        why = f"still mapped {where}{_somewhere(site, analysis)}"
        ending = analysis.knowledge.ends_by_page(analysis.function, site.page)
        if ending is not None:
            why = f"unmapped by its page in {ending.callee}(), not by its address"
        return fails(PAIRED, ending or site.call, why)
    return None


def _used(site: Site, analysis: FunctionAnalysis) -> Obligation | None:
    for event in analysis.trace.of(site.number, Kind.AFTER_UNMAP):
        why = f"{event.place.text} is used after the unmap{_somewhere(site, analysis)}"
        return fails(PAIRED, event.place, why)
    return None


def _by_others(site: Site, analysis: FunctionAnalysis) -> Obligation | None:
    """Whether a callee, or what it calls back, may have unmapped the page, which that
    finds by itself."""
    by_page = analysis.knowledge.unmaps[site.api.ends].given == api.PAGE
    for call in analysis.trace.during(site.number) if by_page else ():
        ender = analysis.knowledge.ender(call)
        if ender:
            why = f"{ender}() may unmap its page"
            if ender != call.callee:
                why = f"{ender}(), which may be called back, may unmap its page"
            return fails(PAIRED, call, why, UNKNOWN)
    return None


def _ended(site: Site, analysis: FunctionAnalysis) -> Obligation:
    """By what the unmaps of a mapping say, where nothing else is against it."""
    unmaps = analysis.trace.unmaps_of(site.number)
    for unmap in unmaps:
        ends = [end for end in analysis.trace.unmaps[unmap] if end.site == site.number]
        wrong = _wrong(site, analysis, unmap, ends)
        if wrong:
            return wrong
    if site.number in analysis.handed:
        return holds(PAIRED, "every caller that is given it unmaps it once")
    if analysis.holder is not None:
        names = " or ".join(analysis.holder.names.values())
        why = f"what {names} keeps is unmapped once, in all functions that have it"
        return holds(PAIRED, why)
    if not unmaps:
        return fails(PAIRED, site.call, "no unmap of it in this function")
    granted = dict.fromkeys(e.detail for e in analysis.trace.of(None, Kind.GRANTED))
    return holds(PAIRED, "; ".join(["one unmap on every path", *granted]))


def _wrong(
    site: Site, analysis: FunctionAnalysis, unmap: Expr, ends: list[End]
) -> Obligation | None:
    if any(end.kind is Kind.TWICE for end in ends):
        return fails(PAIRED, unmap, "unmapped twice on a path")
    for end in ends:
        if end.kind is Kind.CHANGED:
            why = f"{unmap.arguments[0].text} may be changed by {end.by}"
            return fails(PAIRED, unmap, why, UNKNOWN)
    by = analysis.trace.given(unmap).callee
    if analysis.knowledge.unmaps[by].kind != site.api.ends:
        return fails(PAIRED, unmap, f"mapped by {site.name}(), unmapped by {by}()")
    return None


def _somewhere(site: Site, analysis: FunctionAnalysis) -> str:
    """What is to be added where it is right on another path, or a condition that
    is not understood decides: this function does unmap, too."""
    return " on some path" if analysis.function.calls((site.api.ends,)) else ""
