# SPDX-License-Identifier: GPL-2.0-only
"""The scope of a patch: which findings are its own."""

from __future__ import annotations

from kmaplocal.findings.change.changes import Change
from kmaplocal.findings.finding import Finding
from kmaplocal.findings.accept.suppression import SUPPRESSION
from kmaplocal.findings.text import Texts
from kmaplocal.findings.registry import RULES
from kmaplocal.tree.outcome import Lost
from kmaplocal.c.outline import Span

PATH_RULES = {rule.id for rule in RULES.values() if rule.on_path} | {SUPPRESSION.id}


class Scope:
    """What CHANGES, by file, are answerable for: their lines, or WHOLE functions.

    Its methods raise TagsError, OSError."""

    def __init__(self, changes: dict[str, Change], texts: Texts, whole: bool):
        self.changes = changes
        self.texts = texts
        self.whole = whole

    def holds(self, finding: Finding) -> bool:
        """Whether FINDING is theirs.

        It is when a line of it is new or changed; when whole functions are asked for
        and its function changed; and when it is about paths and a mapping call or
        a jump came or went in its function."""
        change = self.changes.get(finding.file)
        if not change:
            return False
        if any(change.holds(line) for line in (finding.line, *finding.also)):
            return True
        span = self._span(finding.file, finding.line)
        if span is None:
            return False
        if finding.rule in PATH_RULES and change.decides(span):
            return True
        return self.whole and change.touches(span)

    def touches(self, file: str, line: int) -> bool:
        """Whether the function that LINE of FILE is in changed; or, outside of
        functions, the line."""
        change = self.changes.get(file)
        if not change:
            return False
        span = self._span(file, line)
        return change.holds(line) if span is None else change.touches(span)

    def concerns(self, lost: Lost) -> bool:
        """Whether LOST is something that changed, or a whole file that did."""
        if lost.file not in self.changes:
            return False
        return not lost.function.isidentifier() or self.touches(lost.file, lost.line)

    def _span(self, file: str, line: int) -> Span | None:
        spans = self.texts.outline(file).functions
        return next((s for s in spans if s.line <= line <= s.end), None)
