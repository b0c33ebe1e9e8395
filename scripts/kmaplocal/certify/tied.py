# SPDX-License-Identifier: GPL-2.0-only
"""The analysis of a part of the files, as it is in that of all of them."""

from __future__ import annotations

from collections.abc import Callable, Collection

from kmaplocal.certify.analysis import Analysis, FileAnalysis
from kmaplocal.knowledge import api
from kmaplocal.c.outline import outlines
from kmaplocal.tree.shard import with_tied
from kmaplocal.tree.spatch import Spatch
from kmaplocal.tree.target import Target

Progress = Callable[[int], None]


def analysed(
    aim: Target,
    mine: Collection[str],
    paths: Collection[str],
    spatch: Spatch,
    timeout: float,
    jobs: int | None,
    progress: Progress = lambda done: None,
) -> tuple[dict[str, FileAnalysis], bool]:
    """The analysis of MINE, files of PATHS of the tree that AIM is about, by their
    obligations, and of all others of PATHS that map or unmap for them; and whether
    spatch failed.

    Errors: TagsError, OSError."""
    wanted, failed = set(mine), False
    files: dict[str, FileAnalysis] = {}
    if len(mine) < len(paths):
        wanted = with_tied(mine, outlines(aim.root, sorted(paths)), api.OLD)
    while wanted - files.keys():
        tree = aim.definitions()
        analysis = Analysis(aim.root, spatch, timeout, jobs, tree, kernels=aim.kernels)
        files = analysis.run(sorted(wanted), progress)
        failed = failed or analysis.failed
        wanted |= analysis.beyond.intersection(paths)
    return files, failed
