# SPDX-License-Identifier: GPL-2.0-only
"""What kmap_atomic() disables on the side, and code may depend on."""

from __future__ import annotations

from kmaplocal.certify.certificate import DISABLE, Obligation
from kmaplocal.certify.certificate import fails, holds, repaired
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.flow.trace import Site
from kmaplocal.repairs.repair import ExplicitDisable
from kmaplocal.summaries.chains import depending


def context(name: str, site: Site, seen: FunctionAnalysis) -> Obligation:
    """The obligation NAME, FAULTS or PREEMPT, of SITE in a function."""
    needing = seen.needing(site, name)
    if not needing and name not in seen.beside:
        return holds(name, "nothing between map and unmap depends on it")
    call = needing[0] if needing else site.call
    why = f"the other arm of the #if has {DISABLE[name][0]}()"
    chain = seen.chain(site, call, name) if needing else ()
    if needing:
        why = depending(chain, name)
    around = seen.explicit(name)
    if site.number not in around:
        return fails(name, call, why)
    repair = ExplicitDisable(*DISABLE[name], around[site.number], chain)
    return repaired(name, why, repair, at=call)
