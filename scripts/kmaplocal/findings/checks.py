# SPDX-License-Identifier: GPL-2.0-only
"""What the rules say of the functions of a tree."""

from __future__ import annotations

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from kmaplocal import faults
from kmaplocal.findings.rules.astray import unmaps_astray
from kmaplocal.findings.rules.checks import null_checks
from kmaplocal.findings.rules.contexts import kmap_in_handler, sleeps_in_region
from kmaplocal.findings.rules.escapes import handoffs, returns
from kmaplocal.findings.finding import Finding
from kmaplocal.findings.rules.held import linear_addresses, uses_after_put
from kmaplocal.findings.rules.helpers import CALLS as HELPERS
from kmaplocal.findings.rules.helpers import folio_offsets, helper_ranges
from kmaplocal.findings.rules.leaks import leaks
from kmaplocal.findings.rules.lifetimes import double_unmaps, uses_after_unmap
from kmaplocal.findings.rules.members import member_uses
from kmaplocal.findings.rules.nesting import disordered, nested
from kmaplocal.findings.rules.pages import off_page
from kmaplocal.findings.rules.pairs import mixed_pairs, wrong_arguments
from kmaplocal.findings.scene import Scene, is_api
from kmaplocal.findings.rules.sleeps import sleeps
from kmaplocal.findings.rules.walkers import WALKS, sleeps_in_walk, walks_left
from kmaplocal.certify.certificate import Verdict
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.certify.view import View
from kmaplocal.summaries.callees import FileKnowledge
from kmaplocal.knowledge import api
from kmaplocal.c.syntax import Function

# The functions that call one of these are looked at.
CALLS = (*api.ALL, *HELPERS, *WALKS)

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
    linear_addresses,
    uses_after_put,
    member_uses,
    walks_left,
    sleeps_in_walk,
    null_checks,
)


@dataclass
class Checked:
    """What the rules found in one function, and what went wrong in one of them."""

    findings: list[Finding] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


class Checks:
    """Folds the events of functions by the rules, and keeps what was found."""

    def __init__(self) -> None:
        self._of = WeakKeyDictionary[FunctionAnalysis, Checked]()
        self.view = View(CALLS, _every, self.fold)

    def fold(self, seen: FunctionAnalysis) -> Verdict:
        """An empty verdict on a function; what was found in it of() tells."""
        checked = self._of[seen] = Checked()
        if not seen.unfollowed and not is_api(seen.function.name):
            scene = Scene(seen)
            for rule in RULES:
                with faults.net(checked.broken.append):
                    checked.findings += rule(scene)
        return Verdict(seen.file, seen.function.name, seen.function.line)

    def of(self, seen: FunctionAnalysis) -> Checked:
        """What was found in a function."""
        return self._of[seen]


def _every(knowledge: FileKnowledge, function: Function) -> FileKnowledge:
    """KNOWLEDGE of what FUNCTION maps and unmaps by, whatever that is."""
    knowledge.maps, knowledge.unmaps = api.MAPS, api.UNMAPS
    return knowledge.following(function)
