# SPDX-License-Identifier: GPL-2.0-only
"""The next step for every mapping that is kept: one line, for a person.

The first rule that knows one says it; each is about what was seen to stand against
the mapping, or else its function, and none guesses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from kmaplocal.certify.analysis import FileAnalysis
from kmaplocal.certify.certificate import CONVERT, Certificate, Verdict
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.flow.trace import Site
from kmaplocal.steps import context, handed, pages, passed, paths, reading, stored
from kmaplocal.steps.callers import Callers
from kmaplocal.steps.kept import Kept
from kmaplocal.steps.task import Step, Task
from kmaplocal.steps.unmapping import Unmapping
from kmaplocal.tree.definitions import Definitions

RULES: tuple[tuple[Callable[[Kept], str], Task], ...] = (
    (handed.itself, Task.LAST),
    (pages.mapped_in_turn, Task.LOWMEM),
    (handed.dropped, Task.RETURN),
    (handed.by_page, Task.RETURN),
    (pages.asked_for, Task.ADDRESS),
    (pages.asked_elsewhere, Task.LOWMEM),
    (stored.vector, Task.PAGE),
    (stored.given_back, Task.KEEP),
    (stored.for_a_while, Task.READ),
    (stored.in_turn, Task.ORDER),
    (stored.with_its_unmap, Task.TOGETHER),
    (stored.kept, Task.KEEP),
    (passed.translated, Task.PAGE),
    (passed.handed, Task.PAGE),
    (passed.called, Task.READ),
    (context.chosen, Task.CONTEXT),
    (handed.together, Task.TOGETHER),
    (handed.returned, Task.TOGETHER),
    (paths.disordered, Task.ORDER),
    (passed.by_reference, Task.READ),
    (paths.again, Task.ORDER),
    (pages.unnamed, Task.ADDRESS),
    (paths.left, Task.ORDER),
    (paths.left_to, Task.TOGETHER),
    (paths.of_its_own, Task.ADDRESS),
    (paths.by_callee, Task.TOGETHER),
    (paths.wrong, Task.ORDER),
    (context.asserted, Task.CONTEXT),
    (context.relied_on, Task.CONTEXT),
    (pages.compared, Task.ADDRESS),
    (pages.asked_by_callee, Task.ADDRESS),
    (pages.beyond, Task.SPLIT),
    (pages.moved, Task.ADDRESS),
    (passed.unread, Task.READ),
    (passed.taken, Task.READ),
)


class Steps:
    """The next steps for the mappings of FILES; TREE: they are from, to count callers
    by."""

    def __init__(self, files: Iterable[FileAnalysis], tree: Definitions | None = None):
        known = {file.path: file for file in files}
        self.unmapping = Unmapping(known.values())
        self.callers = Callers(known, tree)

    def of(
        self, file: FileAnalysis, verdict: Verdict, found: Certificate | None
    ) -> str:
        """The next step for one mapping, by its certificate if it has one; "" where its
        function is converted."""
        if verdict.verdict == CONVERT:
            return ""
        own = self._own(file, verdict, found) if found else None
        return own.text if own else self._of_function(file, verdict, found)

    def of_function(self, file: FileAnalysis, verdict: Verdict) -> Step | None:
        """The next step for a function that is not converted: that for the first
        mapping which has one of its own, or for what stands against the function."""
        if verdict.verdict == CONVERT:
            return None
        steps = (self._own(file, verdict, c) for c in verdict.certificates)
        own = next(filter(None, steps), None)
        return own or reading.of_function(file, verdict, self.unmapping)

    def _own(
        self, file: FileAnalysis, verdict: Verdict, found: Certificate
    ) -> Step | None:
        if found.good:
            return None
        for analysed, site in _sites(file, found):
            kept = Kept(
                file, analysed, verdict, found, site, self.unmapping, self.callers
            )
            for rule, task in RULES:
                text = rule(kept)
                if text:
                    return Step(task, text)
        return None

    def _of_function(
        self, file: FileAnalysis, verdict: Verdict, found: Certificate | None
    ) -> str:
        """The step for another mapping of the function, which this one waits for."""
        for other in verdict.certificates:
            step = self._own(file, verdict, other) if other is not found else None
            if step:
                return f"with the mapping of line {other.mapping.line}: {step.text}"
        return reading.of_function(file, verdict, self.unmapping).text


def _sites(
    file: FileAnalysis, found: Certificate
) -> Iterator[tuple[FunctionAnalysis, Site]]:
    for analysed in file.every_analysis():
        for site in analysed.trace.sites:
            if site.call.start == (found.mapping.line, found.mapping.column):
                yield analysed, site
