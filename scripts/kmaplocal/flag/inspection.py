# SPDX-License-Identifier: GPL-2.0-only
"""An inspection: what the rules say about one function."""

from __future__ import annotations

from kmaplocal import faults
from kmaplocal.flag.astray import unmaps_astray
from kmaplocal.flag.checks import null_checks
from kmaplocal.flag.escapes import handoffs, returns
from kmaplocal.flag.finding import Finding
from kmaplocal.flag.helpers import folio_offsets, helper_ranges
from kmaplocal.flag.leaks import leaks
from kmaplocal.flag.lifetimes import double_unmaps, uses_after_unmap
from kmaplocal.flag.nesting import disordered, nested
from kmaplocal.flag.pages import off_page
from kmaplocal.flag.pairs import mixed_pairs, wrong_arguments
from kmaplocal.flag.scene import Scene, is_api
from kmaplocal.flag.sleeps import sleeps
from kmaplocal.judge.certificate import Verdict
from kmaplocal.judge.obligations import Judge
from kmaplocal.judge.callees import FileKnowledge
from kmaplocal.knowledge import api
from kmaplocal.read.syntax import Function

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
