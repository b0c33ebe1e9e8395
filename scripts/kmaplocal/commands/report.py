# SPDX-License-Identifier: GPL-2.0-only
"""The doors that change nothing: the report, and the comparison with history."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kmaplocal.commands import apply as main_job
from kmaplocal.history import history
from kmaplocal.report import listing, output, report
from kmaplocal.certify.tied import analysed
from kmaplocal.certify.certificate import CONVERT, KEEP, NOT_ANALYSED
from kmaplocal.console import Console
from kmaplocal.apply.conversion import prepare
from kmaplocal.apply.outcomes import convert_all, tally
from kmaplocal.prove import record
from kmaplocal.cache import again
from kmaplocal.tree.kernel import Module, Tree
from kmaplocal.tree.outcome import Outcome
from kmaplocal.tree.search import Search
from kmaplocal.tree.spatch import Spatch, find_spatch
from kmaplocal.tree.target import Target

TEXT, JSON = FORMATS = ("text", "json")

_WORST_LAST = (CONVERT, NOT_ANALYSED, KEEP)


def print_report(
    request: main_job.Request, console: Console, form: str, out: Path | None
) -> int:
    """Print the certificates of what REQUEST names, or write them to OUT.

    FORM is one of FORMATS.  Returns the exit status, as apply() does.  Raises
    KmaplocalError when nothing could be done; OSError."""
    tree, spatch = Module(request.kernel), find_spatch()
    if out:
        output.check(out)
    asked = ("report", str(request.shard), str(request.oldest), *request.files)
    aim = request.target(tree.root)
    found = again.answer(
        aim, spatch, asked, lambda: _made(tree, aim, spatch, request, console)
    )
    proofs = _proofs(tree, request.files)
    if request.shard:
        mine = request.shard.chosen(proofs)
        found["shard"] = str(request.shard)
        proofs = {path: proofs[path] for path in mine}
    found = report.with_proofs(found, proofs)
    text = report.as_json(found) if form == JSON else listing.as_text(found)
    _hand_out(text, out, console)
    if out:
        console.say(f"{out}: {listing.totals(found)[-1]}")
    return _status(found, request.fail_on)


def _made(
    tree: Tree, aim: Target, spatch: Spatch, request: main_job.Request, console: Console
) -> again.Made:
    """The report of what REQUEST names, without proofs."""
    paths = [str(path) for path in tree.candidates(request.files)]
    mine = request.shard.chosen(paths) if request.shard else paths
    with console.progress("reading", len(mine)) as progress:
        files, failed = analysed(
            aim, mine, paths, spatch, request.timeout, request.jobs, progress
        )
    asked = [files[path] for path in mine]
    found = report.report(tree.version, asked, Search(tree.root))
    return again.Made(found, not failed)


def _proofs(tree: Tree, names: Sequence[str]) -> dict[str, list[record.Proof]]:
    """By what the files below NAMES of a kernel, as they are now, were checked."""
    if not tree.version:
        return {}
    places, found = [tree.locate(name) for name in names], {}
    for path in record.spoken_of(tree.root):
        if any(path.is_relative_to(place) for place in places):
            file = tree.root / path
            now = file.read_bytes() if file.is_file() else b""
            found[str(path)] = record.proved(tree.root, path, now)
    return {path: proofs for path, proofs in found.items() if proofs}


def _status(found: dict, fail_on: frozenset[str]) -> int:
    if found["not_analysed"]:
        return main_job.NOT_ANALYSED
    kept = found["totals"]["functions"][KEEP] or found["totals"]["macros"]
    return main_job.FLAGGED if kept and "kept" in fail_on else main_job.ALL_DONE


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
    outcomes = convert_all(tree, paths, spatch, request, console, prepare)
    rows = history.judged(tree.root, newer.root, texts(outcomes), reasons(outcomes))
    text = history.as_json(rows) if form == JSON else history.render(rows)
    _hand_out(text, out, console)
    if out:
        console.say(f"{out}: {tally(outcomes)}")
    lost = any(outcome.unanalysed for outcome in outcomes)
    return main_job.NOT_ANALYSED if lost else main_job.ALL_DONE


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


def _hand_out(text: str, out: Path | None, console: Console) -> None:
    if out:
        output.write(out, text)
    else:
        console.say(text.removesuffix("\n"))
