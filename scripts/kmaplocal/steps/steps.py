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
from kmaplocal.steps.unmapping import Unmapping
from kmaplocal.tree.definitions import Definitions

RULES: tuple[Callable[[Kept], str], ...] = (
    handed.itself,
    pages.mapped_in_turn,
    handed.dropped,
    handed.by_page,
    pages.asked_for,
    stored.vector,
    stored.kept,
    passed.translated,
    passed.handed,
    passed.called,
    context.chosen,
    handed.together,
    handed.returned,
    paths.disordered,
    passed.by_reference,
    paths.again,
    pages.unnamed,
    paths.left,
    paths.wrong,
    context.asserted,
    context.relied_on,
    pages.beyond,
    pages.moved,
    passed.unread,
    passed.taken,
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
        own = self._own(file, verdict, found) if found else ""
        return own or self._of_function(file, verdict, found)

    def of_function(self, file: FileAnalysis, verdict: Verdict) -> str:
        """The next step for a function: that for the first mapping which has one of
        its own, or for what stands against the function."""
        if verdict.verdict == CONVERT:
            return ""
        steps = (self._own(file, verdict, c) for c in verdict.certificates)
        return next(filter(None, steps), "") or reading.of_function(
            file, verdict, self.unmapping
        )

    def _own(self, file: FileAnalysis, verdict: Verdict, found: Certificate) -> str:
        if found.good:
            return ""
        for analysed, site in _sites(file, found):
            kept = Kept(
                file, analysed, verdict, found, site, self.unmapping, self.callers
            )
            step = next(filter(None, (rule(kept) for rule in RULES)), "")
            if step:
                return step
        return ""

    def _of_function(
        self, file: FileAnalysis, verdict: Verdict, found: Certificate | None
    ) -> str:
        """The step for another mapping of the function, which this one waits for."""
        for other in verdict.certificates:
            step = self._own(file, verdict, other) if other is not found else ""
            if step:
                return f"with the mapping of line {other.mapping.line}: {step}"
        return reading.of_function(file, verdict, self.unmapping)


def _sites(
    file: FileAnalysis, found: Certificate
) -> Iterator[tuple[FunctionAnalysis, Site]]:
    for analysed in file.every_analysis():
        for site in analysed.trace.sites:
            if site.call.start == (found.mapping.line, found.mapping.column):
                yield analysed, site
