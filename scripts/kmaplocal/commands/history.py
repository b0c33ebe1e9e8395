# SPDX-License-Identifier: GPL-2.0-only
"""What upstream did to each mapping function, beside what we do: make history."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from kmaplocal.apply.conversion import prepare
from kmaplocal.apply.outcomes import convert_all, tally
from kmaplocal.certify.certificate import CONVERT, KEEP, NOT_ANALYSED
from kmaplocal.commands import apply as main_job
from kmaplocal import errors
from kmaplocal.console import Console
from kmaplocal.history import history
from kmaplocal.options import FORMAT, JOBS, OUT, PLACE, TIMEOUT, together
from kmaplocal.report import output
from kmaplocal.tree.kernel import Tree
from kmaplocal.tree.outcome import Outcome
from kmaplocal.tree.spatch import find_spatch

_WORST_LAST = (CONVERT, NOT_ANALYSED, KEEP)


def print_history(
    request: main_job.Request, new: Path, console: Console, form: str, out: Path | None
) -> int:
    """Convert REQUEST's kernel in memory, and print what upstream did by NEW
    beside it, or write that to OUT.

    Returns the exit status: 0, or 2 when something was not analysed.  Raises
    KmaplocalError when nothing could be done; OSError."""
    tree, newer, spatch = Tree(request.kernel), Tree(new), find_spatch()
    if out:
        output.check(out)
    paths = tree.candidates(request.files)
    converter = partial(prepare, scope=tree.scope(request.files))
    outcomes = convert_all(tree, paths, spatch, request, console, converter)
    rows = history.compared(tree.root, newer.root, texts(outcomes), reasons(outcomes))
    text = history.as_json(rows) if form == "json" else history.render(rows)
    output.hand_out(text, out, console)
    if out:
        console.say(f"{out}: {tally(outcomes)}")
    lost = any(outcome.unanalysed for outcome in outcomes)
    return errors.NOT_ANALYSED if lost else errors.ALL_DONE


def texts(outcomes: Sequence[Outcome]) -> dict[str, str]:
    """The new text of each file that changes."""
    return {
        str(outcome.path): outcome.after.decode(errors="surrogateescape")
        for outcome in outcomes
        if outcome.after != outcome.before
    }


def reasons(outcomes: Sequence[Outcome]) -> dict[history.Key, tuple[str, str]]:
    """The verdict on each function and the first reason for it.

    Of a name that is defined twice in a file, the worst: a function kept."""
    found: dict[history.Key, tuple[str, str]] = {}

    def note(file: str, function: str, verdict: str, reason: str) -> None:
        said = found.get((file, function), ("", ""))[0]
        if not said or _WORST_LAST.index(said) < _WORST_LAST.index(verdict):
            found[file, function] = verdict, reason

    for outcome in outcomes:
        for name in outcome.converted:
            note(str(outcome.path), name, CONVERT, "")
        for doubt in outcome.kept:
            why = f"{doubt.obligation}: line {doubt.line}: {doubt.reason}"
            note(doubt.file, doubt.function, KEEP, why)
        for lost in outcome.unanalysed:
            note(lost.file, lost.function, NOT_ANALYSED, lost.reason)
    return found


@click.command("history")
@together(JOBS, TIMEOUT, FORMAT, OUT)
@click.argument("old", type=PLACE)
@click.argument("new", type=PLACE)
def command(old: Path, new: Path, form: str, out: Path | None, **asked) -> int:
    """Show what upstream did, beside what is done here.

    By NEW to each mapping function of OLD, both kernel trees. Nothing is changed in
    them.
    """
    request = main_job.Request(kernel=old, files=(".",), dry_run=True, **asked)
    return print_history(request, new, Console(), form, out)
