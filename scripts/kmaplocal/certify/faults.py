# SPDX-License-Identifier: GPL-2.0-only
"""Does the code between depend on page faults being disabled?"""

from __future__ import annotations

from kmaplocal.certify.certificate import FAULTS, Obligation, fails, holds
from kmaplocal.certify.context import context
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.flow.trace import Site
from kmaplocal.knowledge import api
from kmaplocal.c.syntax import Expr


def faults(site: Site, analysis: FunctionAnalysis) -> Obligation:
    """The obligation of SITE in a function."""
    other = chosen(site)
    if other is not None:
        why = f"{site.name}() or {other.callee}() is chosen at run time"
        return fails(FAULTS, site.call, f"{why}: the choice is the fault policy")
    if not site.api.atomic:
        return holds(FAULTS, f"{site.name}() leaves page faults enabled")
    return context(FAULTS, site, analysis)


def chosen(site: Site) -> Expr | None:
    """The other map call in `x ? kmap(page) : kmap_atomic(page)`."""
    node = site.call.parent
    while node is not None:
        if node.kind == "ternary":
            calls = [n for n in node.walk() if n.callee in api.MAPS]
            return next((c for c in calls if c.callee != site.name), None)
        node = node.parent
    return None
