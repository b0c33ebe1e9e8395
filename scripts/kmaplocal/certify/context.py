# SPDX-License-Identifier: GPL-2.0-only
"""What kmap_atomic() disables on the side, and code may depend on."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.certify.certificate import DISABLE, FAULTS, UNKNOWN, Obligation
from kmaplocal.certify.certificate import fails, holds, repaired
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.c.syntax import Expr
from kmaplocal.c.text import plain
from kmaplocal.flow.trace import Site
from kmaplocal.repairs.repair import ExplicitDisable
from kmaplocal.summaries.chains import depending


def context(name: str, site: Site, analysis: FunctionAnalysis) -> Obligation:
    """The obligation NAME, FAULTS or PREEMPT, of SITE in a function."""
    needing = analysis.needing(site.number, name)
    pointer = next(_pointers(site, analysis, name), None)
    if not needing and name not in analysis.beside:
        if pointer is not None:
            return _unknown(name, pointer)
        return holds(name, f"nothing between map and unmap {_depends(site, analysis)}")
    call = needing[0] if needing else site.call
    why = f"the other arm of the #if has {DISABLE[name][0]}()"
    chain = analysis.chain(site.number, call, name) if needing else ()
    if needing:
        why = depending(chain, name)
    around = analysis.explicit(name)
    if site.number not in around:
        return fails(name, call, why)
    place = around[site.number]
    if pointer is not None and place is not None and not place.ends:
        return _unknown(name, pointer)
    return repaired(name, why, ExplicitDisable(*DISABLE[name], place, chain), at=call)


def _unknown(name: str, pointer: Expr) -> Obligation:
    """What is not known of the call POINTER."""
    what = "page faults" if name == FAULTS else "preemption"
    who = f"{plain(pointer.children[0].text)}(), which is called by a pointer,"
    why = f"{who} may depend on {what} being disabled"
    return fails(name, pointer, why, UNKNOWN)


def _depends(site: Site, analysis: FunctionAnalysis) -> str:
    """That no call depends on it, and of which that is not known."""
    unread = sorted({_unread(analysis, c) for c in analysis.trace.during(site.number)})
    names = ", ".join(name for name in unread if name)
    return f"depends on it{f', as far as it was read: not {names}' if names else ''}"


def _pointers(site: Site, analysis: FunctionAnalysis, name: str) -> Iterator[Expr]:
    """The calls by function pointers of which the targets were not looked at: they were
    where one is given the address."""
    given = {e.place for e in analysis.trace.events if e.site == site.number}
    for call in analysis.trace.during(site.number):
        if not call.callee and call not in given and not analysis.disabled(call, name):
            yield call


def _unread(analysis: FunctionAnalysis, call: Expr) -> str:
    """What CALL calls, where that was not read."""
    named = bool(call.callee) and analysis.knowledge.is_unread(call)
    return f"{call.callee}()" if named else ""
