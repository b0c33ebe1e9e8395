# SPDX-License-Identifier: GPL-2.0-only
"""A draft: the patches of a series before they are written, and its cover letter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Protocol

from kmaplocal.prove.reference import Change
from kmaplocal.series.mails import Patch


class Letter(Protocol):
    """The cover letter of a series."""

    def subject(self, patches: Sequence[Patch]) -> str:
        """The subject of the letter for PATCHES."""

    def text(self, draft: Draft, gone: Sequence[str]) -> str:
        """The text of the letter for DRAFT.

        GONE: the subjects of patches that were sent and are not among these: there is
        nothing left to do, or their files were not asked for."""

    @property
    def tally(self) -> str:
        """What was done, in a line."""

    @property
    def complete(self) -> bool:
        """Whether everything was analysed."""


@dataclass(frozen=True)
class Draft:
    """PATCHES, what their files hold BEFORE and AFTER them, the cover letter, the
    DOORS that a patch is to go through, what is WITHHELD, and why, and how the commits
    were BUILT, a sentence ("": they were not)."""

    patches: tuple[Patch, ...]
    before: Mapping[str, bytes]
    after: Mapping[str, bytes]
    letter: Letter
    doors: frozenset[str]
    withheld: tuple[str, ...] = ()
    built: str = ""

    @property
    def paths(self) -> list[str]:
        """The files of all patches."""
        return [path for patch in self.patches for path in patch.paths]

    def change(self, path: str) -> Change:
        """What the series changes in the file at PATH."""
        return Change(Path(path), self.before[path], self.after[path])


def told_apart(patches: Sequence[Patch]) -> tuple[Patch, ...]:
    """PATCHES, those of the same subject with their file's name in it: "memstick:
    Replace" twice becomes "memstick: jmb38x_ms: Replace" and another."""
    counts = Counter(patch.subject for patch in patches)
    return tuple(_named(p) if counts[p.subject] > 1 else p for p in patches)


def _named(patch: Patch) -> Patch:
    prefix, found, rest = patch.subject.rpartition(": ")
    if not found or len(patch.paths) > 1:
        return patch
    stem = PurePath(patch.paths[0]).stem
    return replace(patch, subject=f"{prefix}: {stem}: {rest}")
