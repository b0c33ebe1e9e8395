# SPDX-License-Identifier: GPL-2.0-only
"""Writes the goldens anew: what apply makes of files today."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from kmaplocal.apply import goldens, patch
from kmaplocal.apply.outcomes import convert_all, tally
from kmaplocal.commands import apply as main_job
from kmaplocal.console import Console
from kmaplocal.errors import ALL_DONE, NOT_ANALYSED
from kmaplocal.tree.kernel import Tree
from kmaplocal.tree.outcome import Outcome
from kmaplocal.tree.spatch import find_spatch


@click.command("goldens")
@main_job.COMMON
def command(files: tuple[str, ...], **asked) -> int:
    """Write the goldens of FILES anew, and show what changed.

    Without FILES, fs/aio.c.
    """
    request = main_job.Request(
        files=files or main_job.DEFAULT_FILES, dry_run=True, **asked
    )
    from kmaplocal.apply.conversion import prepare

    tree = Tree(request.kernel)
    screen = Console()
    paths = tree.candidates(request.files)
    converter = partial(prepare, scope=tree.scope(request.files))
    outcomes = convert_all(tree, paths, find_spatch(), request, screen, converter)
    for outcome in outcomes:
        _write_golden(request.expected, tree.version, outcome, screen)
    screen.say(f"{len(outcomes)} files; {tally(outcomes)}")
    unread = any(outcome.unanalysed for outcome in outcomes)
    return NOT_ANALYSED if unread else ALL_DONE


def _write_golden(
    expected: Path, version: str, outcome: Outcome, screen: Console
) -> None:
    golden = goldens.golden_path(expected, version, outcome.path)
    shown = goldens.shown(expected, golden)
    if goldens.is_converted(golden, outcome.before):
        screen.say(f"{shown}: not written, the tree's file is already converted")
        return
    old = golden.read_bytes() if golden.exists() else b""
    new = goldens.render(outcome.path, outcome.before, outcome.after)
    golden.parent.mkdir(parents=True, exist_ok=True)
    golden.write_bytes(new)
    screen.say(f"{shown}: {'unchanged' if old == new else 'written'}")
    screen.patch(patch.unified(shown, old, new))
