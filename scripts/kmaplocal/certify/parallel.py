# SPDX-License-Identifier: GPL-2.0-only
"""The analysis of a part of the files, as it is in that of all of them; and of all of
them in parts, a process each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

from kmaplocal import faults
from kmaplocal.cache import cache
from kmaplocal.cache.incremental import Dependencies
from kmaplocal.tree.facts import TREE_READERS
from kmaplocal.certify.analysis import Analysis, FileAnalysis
from kmaplocal.certify.dependencies import DependencyGraph
from kmaplocal.knowledge import api
from kmaplocal.tree.processes import in_processes
from kmaplocal.tree.shard import by_folder, dealt, homes_of, names_of, with_tied
from kmaplocal.workers import cores
from kmaplocal.progress import Progress, silent

Result = TypeVar("Result")
Made = Callable[[Analysis, list[FileAnalysis]], dict[str, Result]]  # by folder
Names = Mapping[str, list[str]]  # of the functions of files

ENOUGH = 1500  # lines of functions with calls that are worth a process of their own


class _Part(NamedTuple):
    """What a process finds: what was made of its files, whether spatch failed, what
    went wrong in kmaplocal, and what was made rests on."""

    made: Any
    failed: bool
    caught: list[str]
    dependencies: Dependencies


def analysed(
    first: Analysis,
    mine: Collection[str],
    paths: Collection[str],
    names: Names,
    progress: Progress = silent,
) -> tuple[Analysis, dict[str, FileAnalysis]]:
    """The analysis of MINE, files of PATHS, and of all others of PATHS that map or
    unmap for them, by the NAMES of their functions; as FIRST, which knows nothing yet,
    would do it.

    Errors: TagsError, OSError."""

    def spoken(files: set[str]) -> list[frozenset[str]]:
        first.outline(sorted(files))
        return [first.outlines[file].spoken for file in files]

    wanted, failed = set(mine), False
    files: dict[str, FileAnalysis] = {}
    if len(mine) < len(paths):
        wanted = with_tied(mine, homes_of(names), spoken)
    analysis = first
    while wanted - files.keys():
        analysis = first.again()
        files = analysis.run(sorted(wanted), progress)
        failed = failed or analysis.failed
        wanted |= analysis.beyond.intersection(paths)
    analysis.failed = failed
    return analysis, files


def in_parts(
    first: Analysis,
    mine: Sequence[str],
    paths: Collection[str],
    made: Made,
    progress: Progress = silent,
    names: Names | None = None,
) -> tuple[dict[str, Result], bool, Dependencies]:
    """What is MADE of the folders of MINE, which analysed() gives the analysis of; what
    is made is pickled.

    Errors: as analysed(), Died."""
    names = names_in(first, paths) if names is None else names
    first.outline(sorted(mine))
    parts = _parts(first, mine, first.jobs or cores())
    work = partial(_work, first, paths, names, made)
    if len(parts) == 1:
        told = [work(mine, progress)]
    else:
        if first.definitions:
            first.definitions.prepare()
            first.generated.pasted()
        for outline in first.outlines.values():
            outline.forget()  # each process needs its part
        first.jobs = max(1, (first.jobs or cores()) // len(parts))
        told = in_processes(partial(_work_apart, work), parts, progress)
        for part in told:
            faults.CAUGHT.extend(part.caught)
    found: dict[str, Result] = {}
    dependencies = Dependencies(names=dict(names))
    for part in told:
        found |= part.made
        dependencies.add(part.dependencies)
    return found, any(part.failed for part in told), dependencies


def names_in(first: Analysis, paths: Iterable[str]) -> Names:
    """The functions by which each of PATHS may map or unmap for others."""
    first.outline(sorted(paths))
    return {p: names_of(p, first.outlines[p], first.view.calls) for p in paths}


def dependencies_of(
    analysis: Analysis, mine: Iterable[str], names: Names
) -> Dependencies:
    """What the results of the folders of MINE, files that ANALYSIS looked at, rest
    on."""
    rests = DependencyGraph(analysis, homes_of(names))
    found = rests.of(by_folder(mine))
    if analysis.definitions and analysis.definitions.own.search.unread:
        rests.known.partial = True
    return Dependencies({**found}, dict(names), rests.known)


def _work(
    first: Analysis,
    paths: Collection[str],
    names: Names,
    made: Made,
    mine: Sequence[str],
    progress: Progress,
) -> _Part:
    """Do a part."""
    before = len(faults.CAUGHT)
    analysis, files = analysed(first, mine, paths, names, progress)
    done = made(analysis, [files[path] for path in mine])
    dependencies = dependencies_of(analysis, mine, names)
    return _Part(done, analysis.failed, faults.CAUGHT[before:], dependencies)


def _work_apart(work: Callable, mine: Sequence[str], progress: Progress) -> _Part:
    """Do a part in a process of its own."""
    try:
        return work(mine, progress)
    finally:
        TREE_READERS.close()
        cache.close()


def _parts(first: Analysis, paths: Sequence[str], most: int) -> list[list[str]]:
    """PATHS in at most so many parts, by the lines of their functions with calls."""
    weights = {path: 1 + _lines(first, path) for path in paths}
    count = max(1, min(most, sum(weights.values()) // ENOUGH))
    return [part for part in dealt(weights, count) if part] or [[]]


def _lines(first: Analysis, path: str) -> int:
    return sum(s.end - s.line for s in first.outlines[path].holding(api.OLD))
