# SPDX-License-Identifier: GPL-2.0-only
"""What becomes of many files: each is converted by itself, and what belongs together
settled; nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from kmaplocal import deadline, faults
from kmaplocal.apply.together import settled
from kmaplocal.console import Console
from kmaplocal.tree.kernel import Tree
from kmaplocal.tree.outcome import WHOLE_FILE, Lost, Outcome
from kmaplocal.tree.spatch import Spatch
from kmaplocal.tree.target import Target
from kmaplocal.workers import run_all


class Convert(Protocol):
    """Converts one of the files that were read, and of those JOINED to them."""

    def __call__(self, path: Path) -> Outcome:
        """What becomes of the file at PATH."""

    @property
    def joined(self) -> Sequence[Path]:
        """Files that change with others, and were not asked for by themselves."""


# Given the tree's folder, the files, spatch, how it is asked and a progress callback:
# reads the files and returns what converts one of them.
Converter = Callable[..., Convert]


class Settings(Protocol):
    """How many files at a time, how long one run of spatch may take, and what the
    tree at a root is for."""

    def target(self, root: Path) -> Target:
        """Raises BadTarget, NotAKernelTree."""

    @property
    def jobs(self) -> int | None:
        """None: as many as there are processors."""

    @property
    def timeout(self) -> float:
        """In seconds."""


def convert_all(
    tree: Tree,
    paths: Sequence[Path],
    spatch: Spatch,
    request: Settings,
    console: Console,
    converter: Converter,
) -> list[Outcome]:
    """The outcome of each of PATHS, in that order, and of what is joined to them;
    nothing is written."""
    with console.progress("reading", len(paths)) as progress:
        convert = converter(tree.root, paths, spatch, request, progress)
    every = [*paths, *convert.joined]
    return settled(converted(tree, every, request, console, convert))


def converted(
    tree: Tree,
    paths: Sequence[Path],
    request: Settings,
    console: Console,
    convert: Convert,
) -> list[Outcome]:
    """What CONVERT makes of each of PATHS, whatever becomes of the others."""
    worker = partial(_convert, tree, convert)
    with console.progress("converting", len(paths)) as progress:
        return run_all(paths, worker, workers=request.jobs, progress=progress, name=str)


def tally(outcomes: Sequence[Outcome]) -> str:
    """The closing line: how many functions ended in which way."""
    converted = sum(len(outcome.converted) for outcome in outcomes)
    mappings = sum(outcome.mappings for outcome in outcomes)
    kept = {(d.file, d.function) for outcome in outcomes for d in outcome.kept}
    lost = {(x.file, x.function) for outcome in outcomes for x in outcome.unanalysed}
    return (
        f"{converted} functions converted ({mappings} mappings), {len(kept)} kept,"
        f" {len(lost)} not analysed"
    )


def _convert(tree: Tree, convert: Callable[[Path], Outcome], path: Path) -> Outcome:
    reasons: list[str] = []
    # One file must neither end the run nor drop out of it in silence.
    with faults.net(reasons.append):
        deadline.RUN.check()
        return convert(path)
    return _all_lost(tree, path, reasons[0])


def _all_lost(tree: Tree, path: Path, reason: str) -> Outcome:
    try:
        content = (tree.root / path).read_bytes()
    except OSError:
        content = b""
    lost = Lost(str(path), 1, WHOLE_FILE, reason)
    return Outcome(path, content, content, (), (), (lost,), 0)
