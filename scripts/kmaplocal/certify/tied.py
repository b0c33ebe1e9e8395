# SPDX-License-Identifier: GPL-2.0-only
"""The analysis of a part of the files, as it is in that of all of them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from kmaplocal.certify.analysis import Analysis, FileAnalysis
from kmaplocal.knowledge import api
from kmaplocal.tree.definitions import Definitions
from kmaplocal.c.outline import outlines
from kmaplocal.tree.shard import with_tied
from kmaplocal.tree.spatch import Spatch

Progress = Callable[[int], None]


def analysed(
    root: Path,
    mine: Collection[str],
    paths: Collection[str],
    spatch: Spatch,
    timeout: float,
    jobs: int | None,
    progress: Progress = lambda done: None,
) -> tuple[dict[str, FileAnalysis], bool]:
    """The analysis of MINE, files of PATHS below ROOT, by their obligations, and of
    all others of PATHS that map or unmap for them; and whether spatch failed.

    Errors: TagsError, OSError."""
    wanted, failed = set(mine), False
    files: dict[str, FileAnalysis] = {}
    if len(mine) < len(paths):
        wanted = with_tied(mine, outlines(root, sorted(paths)), api.OLD)
    while wanted - files.keys():
        analysis = Analysis(root, spatch, timeout, jobs, Definitions(root))
        files = analysis.run(sorted(wanted), progress)
        failed = failed or analysis.failed
        wanted |= analysis.beyond.intersection(paths)
    return files, failed
