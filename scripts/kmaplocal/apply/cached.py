# SPDX-License-Identifier: GPL-2.0-only
"""What becomes of the files of whole folders, as far as it was found out before."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from kmaplocal.apply.outcomes import Convert, Settings, converted
from kmaplocal.apply.together import settled
from kmaplocal.cache import incremental
from kmaplocal.console import Console
from kmaplocal.knowledge import api
from kmaplocal.tree.kernel import Tree
from kmaplocal.tree.outcome import Outcome, from_json
from kmaplocal.tree.shard import by_folder
from kmaplocal.tree.spatch import Spatch

# As conversion.prepare_rest().
Converter = Callable[..., tuple[Convert, incremental.Dependencies, bool]]


def convert_all(
    tree: Tree,
    paths: Sequence[Path],
    spatch: Spatch,
    request: Settings,
    console: Console,
    converter: Converter,
    about: Sequence[str],
) -> list[Outcome]:
    """The outcome of each of PATHS, in that order; nothing is written.  ABOUT says all
    that it depends on, but the tree.  Raises ReplaceFailed where one of them changed
    since it was read."""
    aim = request.target(tree.root)
    make = partial(_made, tree, paths, spatch, request, console, converter)
    results, _ = incremental.answer(aim, spatch, ("apply", *about), make)
    saved = {each["path"]: each for folder in results.values() for each in folder}
    joined = sorted(saved.keys() - {str(path) for path in paths})
    every = [*map(str, paths), *joined]
    return settled([_outcome(tree, saved[path]) for path in every])


def _outcome(tree: Tree, saved: dict) -> Outcome:
    before = b""  # of one that may not be read, which is lost
    with suppress(OSError):
        before = (tree.root / saved["path"]).read_bytes()
    return from_json(saved, before)


def _made(
    tree: Tree,
    paths: Sequence[Path],
    spatch: Spatch,
    request: Settings,
    console: Console,
    converter: Converter,
    earlier: incremental.Earlier | None,
) -> incremental.Made:
    """The outcomes of each folder."""
    names = [str(path) for path in paths]
    held = earlier.holding(names, api.OLD) if earlier else {}
    known = (
        earlier.tree if earlier and held else request.target(tree.root).definitions()
    )
    left = [path for path in paths if os.path.dirname(path) not in held]
    homes = earlier.dependencies.names if earlier else None
    with console.progress("reading", len(left)) as progress:
        given = (spatch, request, known, homes, progress)
        convert, dependencies, failed = converter(tree.root, left, paths, *given)
    every = [*left, *convert.joined]
    made = {str(o.path): o for o in converted(tree, every, request, console, convert)}
    groups = _groups(made, set(map(str, left)))
    results = {
        folder: [made[path].as_json() for first in each for path in groups[first]]
        for folder, each in by_folder(groups).items()
    }
    torn = any(_was_not_applied(outcome) for outcome in made.values())
    fresh = incremental.Made(
        results, {"paths": names}, not (failed or torn), dependencies
    )
    return earlier.joined(held, fresh) if earlier else fresh


def _groups(
    made: Mapping[str, Outcome], asked: Collection[str]
) -> dict[str, list[str]]:
    """Each of the files ASKED for, with those that are joined to it first."""
    found = {path: [path] for path in sorted(asked)}
    for path in sorted(made.keys() - asked):
        for home in sorted(made[path].partners.intersection(asked))[:1]:
            found[home].append(path)
    return found


def _was_not_applied(outcome: Outcome) -> bool:
    return any(lost.reason.startswith("not applied") for lost in outcome.unanalysed)
