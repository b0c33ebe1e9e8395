# SPDX-License-Identifier: GPL-2.0-only
"""Makes the series of a tree: a draft, what stands against it, commits, mails."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import click

from kmaplocal.console import Console
from kmaplocal.errors import ALL_DONE, NOT_ANALYSED, KmaplocalError
from kmaplocal.home import BUILD
from kmaplocal.options import FILES, JOBS, KERNEL, PLACE, TIMEOUT, together
from kmaplocal.prove import trial
from kmaplocal.series import conversions, fixes, previous
from kmaplocal.series.branches import branch_for
from kmaplocal.series.commits import person
from kmaplocal.series.draft import Draft
from kmaplocal.series.previous import Previous
from kmaplocal.series.request import DOORS, Request
from kmaplocal.series.verified import checked, verified
from kmaplocal.series.words import plural
from kmaplocal.series.writing import write
from kmaplocal.tree.kernel import Tree


class BadFolder(KmaplocalError):
    """OUT is no folder that mails can be written to."""


def series(request: Request, console: Console) -> int:
    """Make the series, say what is in it, and return the exit status: 0, or 2 when
    something was not analysed.  Raises KmaplocalError."""
    tree = Tree(request.kernel)
    for name in (*request.only, *request.skip):
        tree.locate(name)
    who = None
    if not request.dry_run:
        _check(request.out)
        who = person(tree.root)
        branch = branch_for(tree.root, request.branch)
        request = replace(request, branch=branch)
    sent = previous.read(request.previous) if request.previous else Previous()
    sketch = (fixes if request.fixes else conversions).draft(tree, request, console)
    if (request.verify or request.fixes) and not request.dry_run:
        sketch = verified(tree, sketch, request, console)
    sketch = checked(tree, sketch, request)
    if who is None:
        _list(sketch, console)
    elif sketch.patches:
        write(tree, sketch, who, sent, request, console)
    for each in sketch.withheld:
        console.say(f"withheld: {each}")
    count = len(sketch.patches)
    console.say(f"{count} {plural(count, 'patch', 'patches')}; {sketch.letter.tally}")
    return ALL_DONE if sketch.letter.complete else NOT_ANALYSED


def _check(out: Path) -> None:
    """Raise BadFolder unless OUT is empty or can be made: mails of two series in one
    folder would be sent together."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadFolder(f"{out}: is not an empty folder; OUT= names a new one")
    above = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise BadFolder(f"{out}: may not be written; OUT= names another folder")


def _list(draft: Draft, console: Console) -> None:
    """The subjects and recipients, and nothing else."""
    for patch in draft.patches:
        console.say(patch.subject)
        console.say(patch.recipients.headers().removesuffix("\n") or "To: (nobody)")


@click.command("series")
@together(KERNEL, JOBS, TIMEOUT, FILES)
@click.option(
    "--out",
    type=PLACE,
    default=BUILD / "series",
    metavar="FOLDER",
    help="where the mails go, a new or empty folder",
)
@click.option(
    "--branch",
    default="",
    metavar="NAME",
    help="of the commits, on a git tree; default kmaplocal/DATE; none: only mails",
)
@click.option(
    "--split",
    type=click.Choice(("file", "driver", "subsystem")),
    default="driver",
    show_default=True,
    help="what is one patch",
)
@click.option("--skip", multiple=True, metavar="PATH", help="leave out what is below")
@click.option("--only", multiple=True, metavar="PATH", help="only what is below")
@click.option("--dry-run", is_flag=True, help="list subjects and recipients")
@click.option(
    "--previous",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="the mails sent before: make the next version of them",
)
@click.option(
    "--context",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    help="lines around a change",
)
@click.option(
    "--fixes",
    type=click.Choice(("error", "warning")),
    help="no conversions: mend findings as bad as that with one right answer",
)
@click.option(
    "--verify", is_flag=True, help="only what nothing stands against; of fixes always"
)
@click.option(
    "--door",
    "doors",
    multiple=True,
    metavar="NAME",
    help="of --verify, and as it: only this one, of those of verify and commits, which"
    " builds each commit in its turn",
)
@click.option("--cc", metavar="COMMAND", help="the compiler for --verify")
@click.option(
    "--build",
    type=PLACE,
    default=BUILD,
    metavar="FOLDER",
    help="where --verify compiles, and where what was checked is recorded",
)
def command(
    files: tuple[str, ...], doors: tuple[str, ...], verify: bool, **asked
) -> int:
    """Write the patch series for FILES as mails.

    Without FILES for all. Each has an argument, recipients and what was checked.
    Nothing is sent, and nothing in the work tree changes.
    """
    named, asking = trial.named(doors, DOORS), verify or bool(doors)
    request = Request(files=files or (".",), doors=named, verify=asking, **asked)
    return series(request, Console())
