# SPDX-License-Identifier: GPL-2.0-only
"""What the rules say of the functions of a tree."""

from __future__ import annotations

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from kmaplocal import faults
from kmaplocal.findings import registry
from kmaplocal.findings.finding import Finding
from kmaplocal.findings.context import CheckContext, is_api
from kmaplocal.findings.roots import one_each
from kmaplocal.certify.certificate import Verdict
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.certify.view import View
from kmaplocal.summaries.knowledge import FileKnowledge
from kmaplocal.knowledge import api
from kmaplocal.c.syntax import Function


@dataclass
class Checked:
    """What the rules found in one function, and what went wrong in one of them."""

    findings: list[Finding] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


class Checks:
    """Folds the events of functions by the rules, and keeps what was found."""

    def __init__(self) -> None:
        self._of = WeakKeyDictionary[FunctionAnalysis, Checked]()
        self.view = View(registry.CALLS, _every, self.fold, words=registry.WORDS)

    def fold(self, analysis: FunctionAnalysis) -> Verdict:
        """An empty verdict on a function: what is found in it is kept, for of()."""
        checked = self._of[analysis] = Checked()
        if not analysis.unfollowed and not is_api(analysis.function.name):
            context = CheckContext(analysis)
            for rule, find in registry.FOLDS:
                with faults.net(checked.broken.append):
                    checked.findings += find(context.by_rule(rule))
            checked.findings = list(one_each(context, checked.findings))
        return Verdict(analysis.file, analysis.function.name, analysis.function.line)

    def of(self, analysis: FunctionAnalysis) -> Checked:
        """What was found in a function."""
        return self._of[analysis]


def _every(knowledge: FileKnowledge, function: Function) -> FileKnowledge:
    """KNOWLEDGE of what FUNCTION maps and unmaps by, whatever that is."""
    knowledge.maps, knowledge.unmaps = api.MAPS, api.UNMAPS
    return knowledge.following(function)
