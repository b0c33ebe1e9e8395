# SPDX-License-Identifier: GPL-2.0-only
"""Prints the certificate of every mapping: make report."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from kmaplocal.commands import apply as main_job
from kmaplocal.commands import merge
from kmaplocal.options import FILES, JOBS, KERNEL, OUT, SHARD, TARGET, TIMEOUT, together
from kmaplocal.report import listing, output, report
from kmaplocal.certify.tied import in_parts
from kmaplocal.certify.certificate import KEEP
from kmaplocal.console import Console
from kmaplocal.errors import ALL_DONE, FLAGGED, NOT_ANALYSED
from kmaplocal.prove import record
from kmaplocal.cache import again
from kmaplocal.tree.kernel import Module, Tree
from kmaplocal.tree.search import Search
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
    output.hand_out(text, out, console)
    if out:
        console.say(f"{out}: {listing.totals(found)[-1]}")
    return _status(found, request.fail_on)


def _made(
    tree: Tree, aim: Target, spatch: Spatch, request: main_job.Request, console: Console
) -> again.Made:
    """The report of what REQUEST names, without proofs."""
    with console.waiting("searching"):
        paths = [str(path) for path in tree.candidates(request.files)]
    mine = request.shard.chosen(paths) if request.shard else paths
    with console.progress("reading", len(mine)) as progress:
        made = partial(report.report, tree.version, search=Search(tree.root))
        given = (spatch, request.timeout, request.jobs, made, progress)
        parts: list[dict]
        parts, failed = in_parts(aim, mine, paths, *given)
    return again.Made(merge.joined(parts), not failed)


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
