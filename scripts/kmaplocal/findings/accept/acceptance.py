# SPDX-License-Identifier: GPL-2.0-only
"""Acceptance: which findings of a survey comments and the baseline take out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from kmaplocal.findings.accept import baseline, suppression
from kmaplocal.findings.accept.baseline import Entry
from kmaplocal.findings.finding import Finding
from kmaplocal.findings.accept.fingerprint import fingerprints
from kmaplocal.findings.survey import Survey
from kmaplocal.findings.text import Texts


class Acceptance:
    """A survey's findings and their `prints`; of them those accepted `by_comment`
    and `by_baseline`; and `complaints` about comments and `stale` about entries that
    are faulty or accept nothing, which are findings too."""

    def __init__(self, found: Survey, texts: Texts):
        self.findings = sorted(set(found.findings))
        self.lost = found.lost
        self.texts = texts
        self.prints = fingerprints(self.findings, texts)
        self.by_comment: set[Finding] = set()
        self.by_baseline: set[Finding] = set()
        self.complaints: list[Finding] = []
        self.stale: list[Finding] = []

    @property
    def left(self) -> list[Finding]:
        """The findings that nothing accepts."""
        gone = self.by_comment | self.by_baseline
        return [finding for finding in self.findings if finding not in gone]

    def read_comments(self, files: Sequence[str]) -> None:
        """Take out what comments in FILES accept.  Errors: TagsError, OSError."""
        self.texts.outline_all(files)
        found = [
            s for file in files for s in suppression.suppressions(file, self.texts)
        ]
        self.by_comment, complaints = suppression.accepted(self.findings, found)
        self.complaints = [
            c for c in complaints if not self._is_lost(c.file, c.function)
        ]

    def apply_baseline(
        self, entries: Sequence[Entry], path: Path, covers: Callable[[str], bool]
    ) -> None:
        """Take out what ENTRIES of the baseline at PATH accept.  COVERS(file) says
        whether the survey has all there is to find in a file."""
        left = self._prints_of(self.left)
        idle = self._idle(entries, covers)
        self.by_baseline, self.stale = baseline.accepted(left, entries, path, idle)

    def accept_all(
        self, entries: Sequence[Entry], covers: Callable[[str], bool], reason: str
    ) -> list[Entry]:
        """Take out what is left, and return the entries of the baseline that does:
        ENTRIES, where they are still good, and new ones for REASON.  COVERS as
        above."""
        left, idle = self._prints_of(self.left), self._idle(entries, covers)
        self.by_baseline = set(left)
        return baseline.renewed(left, entries, idle, reason)

    def _prints_of(self, findings: Iterable[Finding]) -> dict:
        return {finding: self.prints[finding] for finding in findings}

    def _idle(
        self, entries: Sequence[Entry], covers: Callable[[str], bool]
    ) -> list[Entry]:
        """The entries that accept nothing, as far as the survey can tell."""
        there = set(self._prints_of(self.left).values())
        return [
            entry
            for entry in entries
            if entry.fingerprint not in there
            and covers(entry.fingerprint.file)
            and not self._is_lost(entry.fingerprint.file, entry.fingerprint.function)
        ]

    def _is_lost(self, file: str, function: str) -> bool:
        """Whether a function was not analysed, by itself or with its file."""
        return any(
            lost.file == file
            and (lost.function == function or not lost.function.isidentifier())
            for lost in self.lost
        )
