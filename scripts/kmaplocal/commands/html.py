# SPDX-License-Identifier: GPL-2.0-only
"""Makes the page of one or several trees: make report FORMAT=html."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from kmaplocal import VERSION
from kmaplocal.console import Console
from kmaplocal.apply.conversion import Conversion, prepare
from kmaplocal.apply.outcomes import convert_all
from kmaplocal.errors import ALL_DONE, NOT_ANALYSED, KmaplocalError
from kmaplocal.findings.rules import kmap_deprecated
from kmaplocal.findings.survey import survey
from kmaplocal.history import history
from kmaplocal.prove import record
from kmaplocal.knowledge import api
from kmaplocal.tree import kernel
from kmaplocal.tree.definitions import Definitions
from kmaplocal.tree.spatch import find_spatch
from kmaplocal.report.page import Tree, page
from kmaplocal.series.maintainers import Maintainers
from kmaplocal.commands import apply as main_job
from kmaplocal.report import output, report

NAME = "index.html"


class NoFolder(KmaplocalError):
    """OUT is not given, or no folder."""


def print_page(
    request: main_job.Request, also: Sequence[Path], console: Console, out: Path | None
) -> int:
    """Write the page of REQUEST's kernel and those ALSO named into the folder OUT.

    Returns the exit status: 0, or 2 when something was not analysed.  Raises
    KmaplocalError when nothing could be done; OSError."""
    out = _folder(out)
    kernels = [kernel.Tree(root) for root in (request.kernel, *also)]
    kernels.sort(key=lambda tree: [int(n) for n in tree.version.split(".")])
    for name in request.files:
        if not any((tree.root / name).exists() for tree in kernels):
            kernels[-1].locate(name)
    trees = [_tree(tree, request, console) for tree in kernels]
    for n, tree in enumerate(trees[:-1]):
        done = history.deeds(kernels[n].root, tree.files, kernels[n + 1].root)
        trees[n] = replace(tree, deeds=done)
    output.write(out / NAME, page(trees, f"kmaplocal {VERSION}"))
    console.say(f"{out / NAME}: {_tally(trees)}")
    lost = any(tree.report["not_analysed"] for tree in trees)
    return NOT_ANALYSED if lost else ALL_DONE


def _folder(out: Path | None) -> Path:
    """OUT, made where it is not: better found now than after the work."""
    if out is None or (out.exists() and not out.is_dir()):
        raise NoFolder(f"{out or 'OUT'}: a page goes into a folder; OUT= names one")
    output.make_folder(out)
    output.check(out / NAME)
    return out


def _tree(tree: kernel.Tree, request: main_job.Request, console: Console) -> Tree:
    spatch = find_spatch()
    # A file that came or went between the kernels is one that the page speaks of.
    names = tuple(n for n in request.files if (tree.root / n).exists())
    asked = replace(request, kernel=tree.root, files=names)
    paths = tree.candidates(names)
    kept: list[Conversion] = []

    def converter(*given) -> Conversion:
        kept.append(partial(prepare, scope=tree.scope(names))(*given))
        return kept[0]

    outcomes = convert_all(tree, paths, spatch, asked, console, converter)
    files = kept[0].files
    named = tree.candidates(names, api.ALL)
    with console.progress("looking for findings", len(named)) as progress:
        look = partial(survey, tree.root, named, spatch, request.timeout)
        found = look(request.jobs, progress)
    proofs = {
        str(o.path): record.proved(record.recorded(tree.root, o.path, o.after))
        for o in outcomes
        if o.after != o.before
    }
    return Tree(
        tree.version,
        report.with_proofs(
            report.report(tree.version, files.values(), Definitions(tree.root)), proofs
        ),
        files,
        {str(o.path): o for o in outcomes},
        [f for f in found.findings if f.rule != kmap_deprecated.RULE.id],
        Maintainers.of(tree.root),
    )


def _tally(trees: Sequence[Tree]) -> str:
    said = (f"{len(t.report['mappings'])} of {t.version}" for t in trees)
    return f"mappings: {', '.join(said)}"
