# SPDX-License-Identifier: GPL-2.0-only
"""Does the code between depend on preemption, migration or interrupts being off?"""

from __future__ import annotations

from kmaplocal.certify.certificate import PREEMPT, Obligation, holds
from kmaplocal.certify.context import context
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.flow.trace import Site


def preempt(site: Site, analysis: FunctionAnalysis) -> Obligation:
    """The obligation of SITE in a function."""
    if not site.api.atomic:
        return holds(PREEMPT, f"{site.name}() leaves preemption enabled")
    return context(PREEMPT, site, analysis)
