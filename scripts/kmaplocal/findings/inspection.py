# SPDX-License-Identifier: GPL-2.0-only
"""An inspection: what the rules say about one function."""

from __future__ import annotations

from kmaplocal import faults
from kmaplocal.findings.rules.astray import unmaps_astray
from kmaplocal.findings.rules.checks import null_checks
from kmaplocal.findings.rules.contexts import kmap_in_handler, sleeps_in_region
from kmaplocal.findings.rules.escapes import handoffs, returns
from kmaplocal.findings.finding import Finding
from kmaplocal.findings.rules.helpers import folio_offsets, helper_ranges
from kmaplocal.findings.rules.leaks import leaks
from kmaplocal.findings.rules.lifetimes import double_unmaps, uses_after_unmap
from kmaplocal.findings.rules.nesting import disordered, nested
from kmaplocal.findings.rules.pages import off_page
from kmaplocal.findings.rules.pairs import mixed_pairs, wrong_arguments
from kmaplocal.findings.scene import Scene, is_api
from kmaplocal.findings.rules.sleeps import sleeps
from kmaplocal.certify.certificate import Verdict
from kmaplocal.certify.obligations import Judge
from kmaplocal.summaries.callees import FileKnowledge
from kmaplocal.knowledge import api
from kmaplocal.c.syntax import Function

RULES = (
    nested,
    disordered,
    handoffs,
    returns,
    leaks,
    double_unmaps,
    uses_after_unmap,
    mixed_pairs,
    wrong_arguments,
    unmaps_astray,
    off_page,
    helper_ranges,
    folio_offsets,
    sleeps,
    sleeps_in_region,
    kmap_in_handler,
    null_checks,
)


class Inspection(Judge):
    """Judges one function by the rules instead of the obligations."""

    new_only = False

    def __init__(self, file: str, function: Function, knowledge: FileKnowledge):
        knowledge.maps, knowledge.unmaps = api.MAPS, api.UNMAPS
        super().__init__(file, function, knowledge)
        self.findings: list[Finding] = []
        self.broken: list[str] = []  # what went wrong in a rule

    def judge(self) -> Verdict:
        """An empty verdict; what was found is in `findings`."""
        self.follow()
        if not self.unfollowed and not is_api(self.function.name):
            scene = Scene(self)
            for rule in RULES:
                with faults.net(self.broken.append):
                    self.findings += rule(scene)
        return Verdict(self.file, self.function.name, self.function.line)
