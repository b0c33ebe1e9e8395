# SPDX-License-Identifier: GPL-2.0-only
"""Makes the series of a tree: a draft, what stands against it, commits, mails."""

from __future__ import annotations

from pathlib import Path

from kmaplocal.console import Console
from kmaplocal.errors import KmaplocalError
from kmaplocal.series import conversions, fixes, previous
from kmaplocal.series.draft import Draft
from kmaplocal.series.previous import Previous
from kmaplocal.series.request import Request
from kmaplocal.series.verified import checked, verified
from kmaplocal.series.words import plural
from kmaplocal.series.writing import write
from kmaplocal.tree.kernel import Tree

ALL_DONE, NOT_ANALYSED = 0, 2


class BadFolder(KmaplocalError):
    """OUT is no folder that mails can be written to."""


def series(request: Request, console: Console) -> int:
    """Make the series, say what is in it, and return the exit status: 0, or 2 when
    something was not analysed.  Raises KmaplocalError."""
    tree = Tree(request.kernel)
    if not request.dry_run:
        _check(request.out)
    sent = previous.read(request.previous) if request.previous else Previous()
    sketch = (fixes if request.fixes else conversions).draft(tree, request, console)
    if (request.verify or request.fixes) and not request.dry_run:
        sketch = verified(tree, sketch, request, console)
    sketch = checked(tree, sketch, request)
    if request.dry_run:
        _list(sketch, console)
    elif sketch.patches:
        write(tree, sketch, sent, request, console)
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


def _list(draft: Draft, console: Console) -> None:
    """The subjects and recipients, and nothing else."""
    for patch in draft.patches:
        console.say(patch.subject)
        console.say(patch.recipients.headers().removesuffix("\n") or "To: (nobody)")
