# SPDX-License-Identifier: GPL-2.0-only
"""The prefix of a patch's subject: "fs/aio", "scsi: lpfc", "drm/i915".

Where the tree has a history, what its authors wrote most often for these files;
else what the place of the files says.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

from kmaplocal.tree import repository

MOST_COMMITS = 40
# A change over the whole tree has no prefix of the subsystem.
_FEWEST = 3
# Folders whose name says nothing that the next one does not.
_SILENT = {"drivers", "arch", "net", "sound", "kernel", "source", "src"}
_FILES = {"fs", "mm", "lib", "kernel", "crypto", "block", "init", "ipc"}


class Style(NamedTuple):
    """How subjects begin: PREFIX, and whether a capital follows it."""

    prefix: str
    capital: bool = True


def style_of(root: Path, paths: Sequence[str]) -> Style:
    """How the subject of a patch of PATHS, below ROOT, begins."""
    return from_subjects(_subjects(root, paths)) or Style(from_paths(paths))


def _subjects(root: Path, paths: Sequence[str]) -> list[str]:
    """The subjects of the latest commits of PATHS; none outside of git."""
    if not repository.encloses(root):
        return []
    limit = f"--max-count={MOST_COMMITS}"
    done = repository.git(
        root, "log", "--no-merges", limit, "--format=%s", "--", *paths
    )
    if done.returncode:
        return []
    return done.stdout.decode(errors="replace").splitlines()


def from_subjects(subjects: Sequence[str]) -> Style | None:
    """The prefix most of SUBJECTS have, in three of them at least; None when there
    is no such one: "scsi: lpfc: Fix it" has "scsi: lpfc"."""
    prefixes = [_prefix(subject) for subject in subjects]
    counts = Counter(filter(None, prefixes))
    if not counts:
        return None
    best, count = max(counts.items(), key=lambda each: (each[1], len(each[0])))
    if count < min(_FEWEST, len(subjects)):
        return None
    rests = [s[len(best) + 2 :] for s, p in zip(subjects, prefixes) if p == best]
    capitals = sum(rest[:1].isupper() for rest in rests)
    return Style(best, 2 * capitals >= len(rests))


def _prefix(subject: str) -> str:
    """All that stands before the last ": " and is made of single words."""
    parts = subject.split(": ")[:-1]
    words = []
    for part in parts:
        if " " in part or not part:
            break
        words.append(part)
    return ": ".join(words)


def from_paths(paths: Sequence[str]) -> str:
    """A prefix for PATHS by where they are: fs/aio.c has "fs/aio", the files of
    drivers/scsi/lpfc/ have "scsi: lpfc", those of fs/nilfs2/ "nilfs2"."""
    folder = PurePath(os.path.commonpath([str(PurePath(p).parent) for p in paths]))
    parts = list(folder.parts)
    stem = PurePath(paths[0]).stem if len(paths) == 1 else ""
    if not parts:
        return stem or "treewide"
    if len(parts) == 1:
        return _top(parts[0], stem)
    if parts[0] == "fs":
        return parts[1]
    words = [part for part in parts if part not in _SILENT] or parts[-1:]
    if parts[0] == "arch":
        return ": ".join(words[:2])
    if stem and len(parts) == 2 and parts[0] == "drivers":
        words.append(stem)
    return ": ".join(words[:3])


def _top(folder: str, stem: str) -> str:
    if folder in _FILES and stem:
        return f"{folder}/{stem}" if folder in ("fs", "mm", "lib") else stem
    return folder
