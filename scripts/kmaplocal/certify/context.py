# SPDX-License-Identifier: GPL-2.0-only
"""What kmap_atomic() disables on the side, and code may depend on."""

from __future__ import annotations

from kmaplocal.certify.certificate import DISABLE, Obligation
from kmaplocal.certify.certificate import fails, holds, repaired
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.c.syntax import Expr
from kmaplocal.c.text import plain
from kmaplocal.flow.trace import Site
from kmaplocal.repairs.repair import ExplicitDisable
from kmaplocal.summaries.chains import depending


def context(name: str, site: Site, seen: FunctionAnalysis) -> Obligation:
    """The obligation NAME, FAULTS or PREEMPT, of SITE in a function."""
    needing = seen.needing(site.number, name)
    if not needing and name not in seen.beside:
        return holds(name, f"nothing between map and unmap {_depends(site, seen)}")
    call = needing[0] if needing else site.call
    why = f"the other arm of the #if has {DISABLE[name][0]}()"
    chain = seen.chain(site.number, call, name) if needing else ()
    if needing:
        why = depending(chain, name)
    around = seen.explicit(name)
    if site.number not in around:
        return fails(name, call, why)
    repair = ExplicitDisable(*DISABLE[name], around[site.number], chain)
    return repaired(name, why, repair, at=call)


def _depends(site: Site, seen: FunctionAnalysis) -> str:
    """That no call depends on it, and of which that is not known."""
    unread = sorted({_unread(site, seen, c) for c in seen.trace.during(site.number)})
    names = ", ".join(name for name in unread if name)
    return f"depends on it{f', as far as it was read: not {names}' if names else ''}"


def _unread(site: Site, seen: FunctionAnalysis, call: Expr) -> str:
    """What CALL calls, where that was not read; of a function pointer that is given
    the address its targets were."""
    if call.callee:
        return f"{call.callee}()" if seen.knowledge.is_unread(call) else ""
    given = any(e.place is call and e.site == site.number for e in seen.trace.events)
    return "" if given else plain(call.children[0].text) + "()"
