# SPDX-License-Identifier: GPL-2.0-only
"""The flag door: findings of a tree, or of a patch to it, less those accepted."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from kmaplocal.console import Console, wants_colour
from kmaplocal.errors import KmaplocalError
from kmaplocal.flag import baseline, changes, mail, suppression, survey
from kmaplocal.flag.acceptance import Acceptance
from kmaplocal.flag.baseline import Entry
from kmaplocal.flag.changes import Change
from kmaplocal.flag.finding import ERROR, Finding
from kmaplocal.flag.fingerprint import fingerprints
from kmaplocal.flag.formats import FORMATS, TEXT
from kmaplocal.flag.report import Report, status
from kmaplocal.flag.scope import Scope
from kmaplocal.flag.since import changed
from kmaplocal.flag.text import Texts
from kmaplocal.read import api
from kmaplocal.read.kernel import CTree
from kmaplocal.read.spatch import find_spatch
from kmaplocal.tell import output

CALLS = (*api.MAPS, *api.UNMAPS)
STDIN = Path("-")


class BadRequest(KmaplocalError):
    """Settings that do not go together."""


@dataclass(frozen=True)
class Request:
    """What the user asked for.

    SINCE is a revision, PATCH a file, - for standard input, STRIP its -p; at most
    one of SINCE and PATCH.  WHOLE asks for functions instead of lines.  REASON is
    for what WRITE_BASELINE accepts; FORM is one of FORMATS, FAIL_ON of
    report.FAIL_ON."""

    kernel: Path
    files: tuple[str, ...]
    since: str | None = None
    patch: Path | None = None
    strip: int | None = None
    whole: bool = False
    baseline: Path | None = None
    write_baseline: bool = False
    reason: str = ""
    form: str = TEXT
    out: Path | None = None
    fail_on: str = ERROR
    jobs: int | None = None
    timeout: float = 120.0

    @property
    def _of_change(self) -> bool:
        return self.since is not None or self.patch is not None

    def check(self) -> None:
        """Raise BadRequest for what does not go together, CannotWrite for a file
        that could not be written in the end."""
        if self.since is not None and self.patch:
            raise BadRequest("SINCE= and PATCH=: give one of them")
        if self.strip is not None and not self.patch:
            raise BadRequest("-p is for a patch: give PATCH= too")
        if self.whole and not self._of_change:
            raise BadRequest("WHOLE= says what to show of a change: give SINCE=")
        if self.write_baseline:
            self._check_baseline()
        if self.out:
            output.check(self.out)

    def _check_baseline(self) -> None:
        if not self.baseline:
            raise BadRequest("WRITE_BASELINE=: give BASELINE= too, its file")
        if self._of_change:
            raise BadRequest("WRITE_BASELINE= is for a whole tree: without a patch")
        if not self.reason.strip():
            raise BadRequest("WRITE_BASELINE=: REASON= says why they are accepted")
        output.check(self.baseline, "BASELINE")


def flag(request: Request, console: Console) -> int:
    """Survey what REQUEST asks for and print the findings, or write them to a file.

    Returns the exit status: 0; 1 for a finding as bad as REQUEST.fail_on; 2 when
    something was not analysed.  Raises KmaplocalError when nothing could be done;
    OSError."""
    request.check()
    tree = CTree(request.kernel)
    entries, texts = _entries(request), Texts(tree.root)
    paths = tree.candidates(request.files, CALLS)
    marked = tree.candidates(request.files, (suppression.WORD,))
    known = _changes(request, texts, {*paths, *marked})
    paths, marked = (_of_these(files, known) for files in (paths, marked))
    found = _survey(tree, paths, request, console) if paths else survey.Survey()
    accepted = Acceptance(found, texts)
    accepted.read_comments(marked)
    _apply_baseline(accepted, request, entries, partial(_covers, tree, request, known))
    report = _report(accepted, request, known, len(paths))
    _hand_out(report, request, console)
    return report.status


def _survey(
    tree: CTree, paths: Sequence[str], request: Request, console: Console
) -> survey.Survey:
    spatch = find_spatch()
    with console.progress("reading", len(paths)) as progress:
        return survey.survey(
            tree.root, paths, spatch, request.timeout, request.jobs, progress
        )


def _entries(request: Request) -> list[Entry]:
    if not request.baseline:
        return []
    if request.write_baseline and not request.baseline.exists():
        return []
    return baseline.read(request.baseline)


def _changes(
    request: Request, texts: Texts, files: Iterable[Path]
) -> dict[str, Change] | None:
    """What changed in FILES, by file; None when everything is asked for."""
    if request.since is not None:
        return changed(texts, request.since, files)
    if not request.patch:
        return None
    name = "standard input" if request.patch == STDIN else str(request.patch)
    patches = mail.texts(_read(request.patch))
    return changes.changes(patches, name, texts, request.strip)


def _read(path: Path) -> bytes:
    try:
        # Descriptor 0, for sys.stdin is None when it is closed.
        with open(0 if path == STDIN else path, "rb") as file:
            return file.read()
    except OSError as trouble:
        raise BadRequest(f"{path}: {trouble.strerror}; PATCH= names a patch") from None


def _of_these(files: Iterable[Path], known: dict[str, Change] | None) -> list[str]:
    return [str(file) for file in files if known is None or str(file) in known]


def _covers(
    tree: CTree, request: Request, known: dict[str, Change] | None, file: str
) -> bool:
    """Whether this run looks at all of FILE, which may be gone."""
    if known is not None:
        return file in known
    places = [tree.locate(name) for name in request.files]
    return any(Path(file).is_relative_to(place) for place in places)


def _apply_baseline(
    accepted: Acceptance,
    request: Request,
    entries: Sequence[Entry],
    covers: Callable[[str], bool],
) -> None:
    if request.write_baseline:
        fresh = accepted.accept_all(entries, covers, request.reason)
        output.write(request.baseline, baseline.as_text(fresh))
    elif request.baseline:
        path = _shown(request.baseline, accepted.texts.root)
        accepted.apply_baseline(entries, path, covers)


def _report(
    accepted: Acceptance,
    request: Request,
    known: dict[str, Change] | None,
    files: int,
) -> Report:
    """What is told: what is not accepted; of KNOWN changes, what is theirs."""
    shown, lost, elsewhere = [*accepted.left, *accepted.complaints], accepted.lost, 0
    texts = accepted.texts
    if known is not None:
        scope = Scope(known, texts, request.whole)
        texts.outline_all({f.file for f in shown if f.file in known})
        theirs = [f for f in shown if scope.holds(f)]
        near = sum(scope.touches(f.file, f.line) for f in shown if f not in theirs)
        lost = [loss for loss in lost if scope.concerns(loss)]
        shown, elsewhere = theirs, near
    shown = sorted([*shown, *accepted.stale])
    return Report(
        root=texts.root,
        findings=shown,
        prints=accepted.prints | fingerprints(_own(shown), texts),
        lost=lost,
        files=files,
        by_comment=len(accepted.by_comment),
        by_baseline=len(accepted.by_baseline),
        elsewhere=elsewhere,
        status=status(shown, lost, request.fail_on),
    )


def _own(findings: Iterable[Finding]) -> list[Finding]:
    return [f for f in findings if f.rule == suppression.SUPPRESSION.id]


def _shown(path: Path, root: Path) -> Path:
    """PATH as a finding names it: below the tree, or whole."""
    whole = Path(os.path.abspath(path))
    return whole.relative_to(root) if whole.is_relative_to(root) else whole


def _hand_out(report: Report, request: Request, console: Console) -> None:
    make = FORMATS[request.form]
    if request.out:
        output.write(request.out, make(report))
        console.say(f"{request.out}: {report.tally()}")
    elif request.form == TEXT:
        text = make(report, colour=wants_colour(sys.stdout))
        console.say(text.removesuffix("\n"))
    else:
        console.say(make(report).removesuffix("\n"))
