# SPDX-License-Identifier: GPL-2.0-only
"""The analysis of a part of the files, as it is in that of all of them; and of all of
them in parts, a process each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

from kmaplocal import faults
from kmaplocal.cache import cache
from kmaplocal.tree.facts import TREE_READERS
from kmaplocal.certify.analysis import Analysis, FileAnalysis
from kmaplocal.knowledge import api
from kmaplocal.tree.processes import in_processes
from kmaplocal.tree.shard import dealt, with_tied
from kmaplocal.tree.spatch import Spatch
from kmaplocal.tree.target import Target
from kmaplocal.workers import cores
from kmaplocal.progress import Progress, silent

Result = TypeVar("Result")
Made = Callable[[list[FileAnalysis]], Result]

ENOUGH = 1500  # lines of functions with calls that are worth a process of their own


class _Part(NamedTuple):
    """What a process finds: what was made of its files, whether spatch failed, and
    what went wrong in kmaplocal."""

    made: Any
    failed: bool
    caught: list[str]


def analysed(
    aim: Target,
    mine: Collection[str],
    paths: Collection[str],
    spatch: Spatch,
    timeout: float,
    jobs: int | None,
    progress: Progress = silent,
) -> tuple[dict[str, FileAnalysis], bool]:
    """The analysis of MINE, files of PATHS of the tree that AIM is about, by their
    obligations, and of all others of PATHS that map or unmap for them; and whether
    spatch failed.

    Errors: TagsError, OSError."""
    tree = aim.definitions()
    first = Analysis(aim.root, spatch, timeout, jobs, tree, kernels=aim.kernels)
    return _analysed(first, mine, paths, progress)


def in_parts(
    aim: Target,
    mine: Sequence[str],
    paths: Collection[str],
    spatch: Spatch,
    timeout: float,
    jobs: int | None,
    made: Made,
    progress: Progress = silent,
) -> tuple[list[Result], bool]:
    """What is MADE of each part of MINE, which analysed() gives the analysis of; what
    is made is pickled.

    Errors: as analysed(), Died."""
    tree = aim.definitions()
    first = Analysis(aim.root, spatch, timeout, jobs, tree, kernels=aim.kernels)
    first.outline(sorted(paths))
    parts = _parts(first, mine, jobs or cores())
    if len(parts) == 1:
        files, failed = _analysed(first, mine, paths, progress)
        return [made([files[path] for path in mine])], failed
    tree.prepare()
    for outline in first.outlines.values():
        outline.forget()  # each process needs its part
    first.jobs = max(1, (jobs or cores()) // len(parts))
    told: list[_Part] = in_processes(
        partial(_work, first, paths, made), parts, progress
    )
    for part in told:
        faults.CAUGHT.extend(part.caught)
    return [part.made for part in told], any(part.failed for part in told)


def _work(
    first: Analysis,
    paths: Collection[str],
    made: Made,
    mine: Sequence[str],
    progress: Progress,
) -> _Part:
    """Do a part, in a process of its own."""
    before = len(faults.CAUGHT)
    try:
        files, failed = _analysed(first, mine, paths, progress)
        done = made([files[path] for path in mine])
        return _Part(done, failed, faults.CAUGHT[before:])
    finally:
        TREE_READERS.close()
        cache.close()


def _analysed(
    first: Analysis, mine: Collection[str], paths: Collection[str], progress: Progress
) -> tuple[dict[str, FileAnalysis], bool]:
    wanted, failed = set(mine), False
    files: dict[str, FileAnalysis] = {}
    if len(mine) < len(paths):
        first.outline(sorted(paths))
        outlines = {path: first.outlines[path] for path in paths}
        wanted = with_tied(mine, outlines, api.OLD)
    while wanted - files.keys():
        analysis = first.again()
        files = analysis.run(sorted(wanted), progress)
        failed = failed or analysis.failed
        wanted |= analysis.beyond.intersection(paths)
    return files, failed


def _parts(first: Analysis, paths: Sequence[str], most: int) -> list[list[str]]:
    """PATHS in at most so many parts, by the lines of their functions with calls."""
    weights = {path: 1 + _lines(first, path) for path in paths}
    count = max(1, min(most, sum(weights.values()) // ENOUGH))
    return [part for part in dealt(weights, count) if part] or [[]]


def _lines(first: Analysis, path: str) -> int:
    return sum(s.end - s.line for s in first.outlines[path].holding(api.OLD))
