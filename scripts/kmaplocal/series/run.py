# SPDX-License-Identifier: GPL-2.0-only
"""Makes the series of a tree: analysis, patches, commits, mails."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from kmaplocal.console import Console
from kmaplocal.apply.conversion import Conversion, prepare
from kmaplocal.errors import KmaplocalError
from kmaplocal.prove import record
from kmaplocal.tree.kernel import Tree
from kmaplocal.tree.outcome import Outcome
from kmaplocal.tree.spatch import find_spatch
from kmaplocal.tree.workers import run_all
from kmaplocal.series import cover, message, previous
from kmaplocal.series.account import Account, account
from kmaplocal.series.checked import sentences
from kmaplocal.series.commits import Commits, commits, is_tracked, person
from kmaplocal.series.grouping import DRIVER, patches
from kmaplocal.series.mails import Patch, complete, complete_cover
from kmaplocal.series.maintainers import Maintainers
from kmaplocal.series.prefix import style_of
from kmaplocal.series.previous import Previous
from kmaplocal.series.recipients import Recipients, recipients, together
from kmaplocal.commands import apply as main_job


class BadFolder(KmaplocalError):
    """OUT is no folder that mails can be written to."""


@dataclass(frozen=True)
class Request:
    """What the user asked for: the series for FILES of KERNEL, as mails in OUT and,
    where the kernel is in git, on a new BRANCH ("": none). SPLIT says what is one
    patch; only patches of files below ONLY, none of files below SKIP. CONTEXT
    lines stand around a change. PREVIOUS: the folder with the mails that were sent
    before, of which this is the next version."""

    kernel: Path
    files: tuple[str, ...]
    out: Path
    branch: str = ""
    split: str = DRIVER
    skip: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    dry_run: bool = False
    context: int = 3
    previous: Path | None = None
    jobs: int | None = None
    timeout: float = 120.0


def series(request: Request, console: Console) -> int:
    """Make the series, say what is in it, and return the exit status: 0, or 2 when
    something was not analysed.  Raises KmaplocalError."""
    tree = Tree(request.kernel)
    if not request.dry_run:
        _check(request.out)
    sent = previous.read(request.previous) if request.previous else Previous()
    paths = [p for p in tree.candidates(request.files) if _wanted(p, request)]
    conversion, outcomes = _converted(tree, paths, request, console)
    made = _patches(tree, conversion, outcomes, request, console)
    if request.dry_run or not made:
        _list(made, console)
    else:
        _write(tree, made, outcomes, sent, request, console)
    console.say(f"{len(made)} patches; {main_job.tally(outcomes)}")
    unread = any(outcome.unanalysed for outcome in outcomes)
    return main_job.NOT_ANALYSED if unread else main_job.ALL_DONE


def _check(out: Path) -> None:
    """Raise BadFolder unless OUT is empty or can be made: mails of two series in one
    folder would be sent together."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadFolder(f"{out}: is not an empty folder; OUT= names a new one")


def _wanted(path: Path, request: Request) -> bool:
    if any(path.is_relative_to(place) for place in request.skip):
        return False
    return not request.only or any(path.is_relative_to(p) for p in request.only)


def _converted(
    tree: Tree, paths: Sequence[Path], request: Request, console: Console
) -> tuple[Conversion, list[Outcome]]:
    """What becomes of PATHS, and the analysis that says why."""
    kept: list[Conversion] = []

    def converter(*given) -> Conversion:
        kept.append(prepare(*given))
        return kept[0]

    asked = main_job.Request(
        request.kernel, request.files, jobs=request.jobs, timeout=request.timeout
    )
    outcomes = main_job.convert_all(
        tree, paths, find_spatch(), asked, console, converter
    )
    return kept[0], outcomes


def _patches(
    tree: Tree,
    conversion: Conversion,
    outcomes: Sequence[Outcome],
    request: Request,
    console: Console,
) -> list[Patch]:
    changed = {str(o.path): o for o in outcomes if o.after != o.before}
    files = conversion.files
    partners = {path: files[path].partners & changed.keys() for path in changed}
    groups = patches(changed, partners, Maintainers.of(tree.root), request.split)
    accounts = {path: account(files[path], changed[path]) for path in changed}
    make = partial(_patch, tree, changed, accounts)
    with console.progress("asking for maintainers", len(groups)) as progress:
        return run_all(groups, make, workers=request.jobs, progress=progress)


def _patch(
    tree: Tree,
    changed: Mapping[str, Outcome],
    accounts: Mapping[str, Account],
    group: Sequence[str],
) -> Patch:
    told = [accounts[path] for path in group]
    proofs = {
        path: record.proved(tree.root, path, changed[path].after, changed[path].before)
        for path in group
    }
    return Patch(
        tuple(group),
        message.subject(told, style_of(tree.root, group)),
        message.body(told, sentences(proofs)),
        recipients(tree.root, group),
        message.notes(told),
    )


def _list(made: Sequence[Patch], console: Console) -> None:
    """The subjects and recipients, and nothing else."""
    for patch in made:
        console.say(patch.subject)
        console.say(patch.recipients.headers().removesuffix("\n") or "To: (nobody)")


def _write(
    tree: Tree,
    made: Sequence[Patch],
    outcomes: Sequence[Outcome],
    sent: Previous,
    request: Request,
    console: Console,
) -> None:
    before = {str(o.path): o.before for o in outcomes if o.after != o.before}
    after = {str(o.path): o.after for o in outcomes if o.after != o.before}
    who = person(tree.root)
    with commits(tree.root, before, who) as line:
        for patch in made:
            contents = {path: after[path] for path in patch.paths}
            line.add(contents, patch.message(who.sign_off))
        if request.branch and is_tracked(tree.root):
            line.branch(request.branch)
            console.say(f"{request.branch}: {len(made)} commits on top of HEAD")
        _mail(tree, line, made, outcomes, sent, request)
    console.say(f"{request.out}: {len(made) + 1} mails, nothing was sent")
    if not who.signed:
        console.say(
            "git's configuration names nobody: the mails are not signed off; set"
            " user.name and user.email"
        )


def _mail(
    tree: Tree,
    line: Commits,
    made: Sequence[Patch],
    outcomes: Sequence[Outcome],
    sent: Previous,
    request: Request,
) -> None:
    options = ["--cover-letter", f"-U{request.context}", "--thread=shallow"]
    if sent.version:
        options += [f"--reroll-count={sent.version + 1}"]
    if sent.message_id:
        options += [f"--in-reply-to={sent.message_id}"]
    letter, *mails = line.mails(request.out, options)
    for file, patch in zip(mails, made, strict=True):
        now = previous.changes(file.read_bytes().decode(errors="replace"))
        new = previous.changelog(
            sent, patch.subject, f"{patch.body}\n{line.person.sign_off}", now
        )
        complete(file, replace(patch, notes=new + patch.notes))
    everyone: Recipients = together(patch.recipients for patch in made)
    paths = [path for patch in made for path in patch.paths]
    gone = [each.subject for each in sent.gone(paths)]
    text = cover.text(tree.version, _command(request), outcomes, gone=gone)
    complete_cover(letter, cover.subject(outcomes), text, everyone)
    (request.out / "b4-cover-trailers").write_text(everyone.trailers())


def _command(request: Request) -> str:
    """What makes the same series, to be pasted into a shell."""
    settings = {
        "FILES": " ".join(request.files),
        "SPLIT": "" if request.split == DRIVER else request.split,
        "SKIP": " ".join(request.skip),
        "ONLY": " ".join(request.only),
    }
    words = [f"{k}={shlex.quote(v)}" for k, v in settings.items() if v]
    return " ".join(["make series KERNEL=linux", *words])
