# SPDX-License-Identifier: GPL-2.0-only
"""Writes a draft: as commits, and as mails that git makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from kmaplocal.console import Console
from kmaplocal.errors import DirtyFiles
from kmaplocal.names import pasted, quoted
from kmaplocal.series import previous
from kmaplocal.series.commits import Commits, Person, commits, is_tracked
from kmaplocal.series.draft import Draft
from kmaplocal.series.mails import complete, complete_cover
from kmaplocal.series.previous import Previous
from kmaplocal.series.recipients import SCRIPT, together
from kmaplocal.series.request import Request
from kmaplocal.series.words import plural
from kmaplocal.tree.kernel import Tree


def write(
    tree: Tree,
    draft: Draft,
    who: Person,
    sent: Previous,
    request: Request,
    console: Console,
) -> None:
    """Write DRAFT, by WHO, the next version of what was SENT, where REQUEST says.

    Raises KmaplocalError; OSError."""
    _refuse_dirty(tree, draft)
    before = {path: draft.before[path] for path in draft.paths}
    with commits(tree.root, before, who) as line:
        for patch in draft.patches:
            contents = {path: draft.after[path] for path in patch.paths}
            line.add(contents, patch.message(who.sign_off))
        with _all_or_none(request.out):
            mails = _mails(line, draft, sent, request)
            if request.branch:
                line.branch(request.branch)
        if request.branch:
            count = len(draft.patches)
            what = plural(count, "commit", "commits")
            console.say(f"{request.branch}: {count} {what} on top of HEAD")
    what = plural(len(mails), "mail", "mails")
    console.say(f"{request.out}: {len(mails)} {what}, nothing was sent")
    _say_next(tree, mails, console)


def _refuse_dirty(tree: Tree, draft: Draft) -> None:
    """Raise DirtyFiles where a patch would have what somebody has not committed."""
    dirty = tree.dirty(list(map(Path, draft.paths))) if is_tracked(tree.root) else []
    for path in dirty:
        todo = "commit or stash them"
        raise DirtyFiles(f"{quoted(path)}: uncommitted changes; no mails, {todo}")


@contextmanager
def _all_or_none(out: Path) -> Iterator[None]:
    """Leave no part of a series in the folder OUT, where nothing was before."""
    try:
        yield
    except BaseException:
        for file in out.glob("*.patch"):
            file.unlink()
        raise


def _mails(line: Commits, draft: Draft, sent: Previous, request: Request) -> list[Path]:
    options = [f"-U{request.context}"]
    # One patch says all by itself.
    covered = len(draft.patches) > 1 or bool(draft.withheld)
    if covered:
        options += ["--cover-letter"]
    if sent.version:
        options += [f"--reroll-count={sent.version + 1}"]
        options += [f"--subject-prefix={sent.prefix}"]
    mails = line.mails(request.out, options, sent.message_id)
    for file, patch in zip(mails[covered:], draft.patches, strict=True):
        now = previous.changes(file.read_bytes().decode(errors="replace"))
        new = previous.changelog(
            sent, patch.subject, f"{patch.body}\n{line.person.sign_off}", now
        )
        complete(file, replace(patch, notes=new + patch.notes))
    everyone = together(patch.recipients for patch in draft.patches)
    if covered:
        gone = [each.subject for each in sent.gone(draft.paths)]
        subject = draft.letter.subject(draft.patches)
        text = draft.letter.text(draft, gone)
        complete_cover(mails[0], subject, text, everyone)
    (request.out / "b4-cover-trailers").write_text(everyone.trailers())
    return mails


def _say_next(tree: Tree, mails: Sequence[Path], console: Console) -> None:
    """How the mails can be sent, by somebody who has read them."""
    out = pasted(mails[0].parent)
    console.say(f"next: read them:  less {out}/*.patch")
    console.say(f"next: send them:  git send-email {out}/*.patch")
    if (tree.root / SCRIPT).is_file():
        command = f"{SCRIPT} --norolestats"
        console.say(
            f"      or, with Cc by the script itself, in {pasted(tree.root)}: git"
            f" send-email --cc-cmd='{command}' {out}/*.patch"
        )
    console.say(
        f"      or by b4: b4 prep -n NAME, git am {out}/*.patch, and the lines of"
        f" {out}/b4-cover-trailers below the text of b4 prep --edit-cover"
    )
