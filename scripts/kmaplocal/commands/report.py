# SPDX-License-Identifier: GPL-2.0-only
"""Prints the certificate of every mapping: make report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from kmaplocal.commands import apply as main_job
from kmaplocal.commands import merge
from kmaplocal.options import FILES, JOBS, KERNEL, OUT, SHARD, TARGET, TIMEOUT, together
from kmaplocal.report import listing, output, report
from kmaplocal.certify.analysis import Analysis, FileAnalysis
from kmaplocal.certify.parallel import in_parts
from kmaplocal.certify.certificate import KEEP
from kmaplocal.console import Console
from kmaplocal.errors import ALL_DONE, FLAGGED, NOT_ANALYSED
from kmaplocal.prove import record
from kmaplocal.cache import incremental
from kmaplocal.knowledge import api
from kmaplocal.steps import callers
from kmaplocal.tree.kernel import Module, Tree
from kmaplocal.tree.shard import by_folder
from kmaplocal.tree.spatch import Spatch, find_spatch
from kmaplocal.tree.target import Target

TEXT, JSON = FORMATS = ("text", "json")


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
    made = partial(_made, tree, aim, spatch, request, console)
    results, _ = incremental.answer(aim, spatch, asked, made)
    parts = [results[folder] for folder in sorted(results)]
    found = merge.joined([report.report(tree.version, []), *parts])
    proofs = _proofs(tree, request.files)
    if request.shard:
        mine = request.shard.chosen(proofs)
        found["shard"] = str(request.shard)
        proofs = {path: proofs[path] for path in mine}
    found = report.with_proofs(found, proofs)
    text = report.as_json(found) if form == JSON else listing.as_text(found)
    output.hand_out(text, out, console)
    if out:
        console.say(f"{out}: {listing.totals(found)[-1]}")
    return _status(found, request.fail_on)


def _made(
    tree: Tree,
    aim: Target,
    spatch: Spatch,
    request: main_job.Request,
    console: Console,
    earlier: incremental.Earlier | None,
) -> incremental.Made:
    """The report of each folder of what REQUEST names, without proofs."""
    with console.waiting("searching"):
        paths = _paths(tree, request, earlier)
    mine = request.shard.chosen(paths) if request.shard else paths
    held = earlier.holding(paths, api.OLD) if earlier else {}
    left = [path for path in mine if os.path.dirname(path) not in held]
    definitions = earlier.tree if earlier and held else aim.definitions()
    given = (spatch, request.timeout, request.jobs, definitions)
    scope = tree.scope(request.files)
    first = Analysis(aim.root, *given, kernels=aim.kernels, scope=scope)
    names = earlier.dependencies.names if earlier else None
    with console.progress("reading", len(left)) as progress:
        made = partial(_by_folder, tree.version)
        found: dict[str, dict]
        found, failed, dependencies = in_parts(
            first, left, paths, made, progress, names
        )
    fresh = incremental.Made(found, {"paths": paths}, not failed, dependencies)
    return earlier.joined(held, fresh) if earlier else fresh


def _paths(
    tree: Tree, request: main_job.Request, earlier: incremental.Earlier | None
) -> list[str]:
    if earlier:
        return earlier.candidates("paths", tree, request.files, api.OLD)
    return [str(path) for path in tree.candidates(request.files)]


def _by_folder(
    version: str, analysis: Analysis, files: Sequence[FileAnalysis]
) -> dict[str, dict]:
    """The report of each folder of FILES."""
    callers.ask(files, analysis.definitions)  # of all in one pass
    known = {file.path: file for file in files}
    return {
        folder: report.report(version, (known[p] for p in paths), analysis.definitions)
        for folder, paths in by_folder(known).items()
    }


def _proofs(tree: Tree, names: Sequence[str]) -> dict[str, list[record.Proof]]:
    """By what the files below NAMES of a kernel, as they are now, were checked."""
    if not tree.version:
        return {}
    places, found = [tree.locate(name) for name in names], {}
    for path in record.spoken_of(tree.root):
        if any(path.is_relative_to(place) for place in places):
            file = tree.root / path
            now = file.read_bytes() if file.is_file() else b""
            found[str(path)] = record.proved(record.recorded(tree.root, path, now))
    return {path: proofs for path, proofs in found.items() if proofs}


def _status(found: dict, fail_on: frozenset[str]) -> int:
    if found["not_analysed"]:
        return NOT_ANALYSED
    kept = found["totals"]["functions"][KEEP] or found["totals"]["macros"]
    return FLAGGED if kept and "kept" in fail_on else ALL_DONE


@click.command("report")
@together(KERNEL, TARGET, JOBS, TIMEOUT, OUT, SHARD, FILES)
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json", "html")),
    default="text",
    show_default=True,
    help="for people, for programs, or a page for a browser in the folder OUT",
)
@click.option(
    "--also",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="another kernel on the page",
)
@click.option(
    "--fail-on",
    multiple=True,
    type=click.Choice(("kept",)),
    help="exit 1 for a kept function",
)
def command(
    fail_on: tuple[str, ...],
    files: tuple[str, ...],
    form: str,
    out: Path | None,
    also: tuple[Path, ...],
    **asked,
) -> int:
    """Print the certificate of every mapping in FILES.

    Without FILES of all. The JSON is described by kmaplocal/report.schema.json.
    Nothing is changed.
    """
    request = main_job.Request(
        files=files or (".",), dry_run=True, fail_on=frozenset(fail_on), **asked
    )
    screen = Console()
    if form == "html":
        from kmaplocal.commands import html

        return html.print_page(request, also, screen, out)
    if also:
        raise click.UsageError("--also goes with --format html")
    return print_report(request, screen, form, out)
