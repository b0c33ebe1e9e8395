# SPDX-License-Identifier: GPL-2.0-only
"""The draft of a series of conversions: what `make apply` writes, a patch a topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from kmaplocal.apply.conversion import Conversion, prepare
from kmaplocal.apply.outcomes import convert_all
from kmaplocal.console import Console
from kmaplocal.prove import trial
from kmaplocal.series import message
from kmaplocal.series.account import Account, account
from kmaplocal.series.cover import Conversions
from kmaplocal.series.draft import Draft, told_apart
from kmaplocal.series.grouping import patches
from kmaplocal.series.left import left
from kmaplocal.series.mails import Patch
from kmaplocal.series.maintainers import Maintainers
from kmaplocal.series.prefix import style_of
from kmaplocal.series.recipients import recipients
from kmaplocal.series.request import Request
from kmaplocal.tree.kernel import Tree
from kmaplocal.tree.outcome import Outcome
from kmaplocal.tree.spatch import find_spatch
from kmaplocal.workers import run_all

DOORS = frozenset(trial.TABLE)


def draft(tree: Tree, request: Request, console: Console) -> Draft:
    """The series of REQUEST.  Raises KmaplocalError."""
    conversion, outcomes = _converted(tree, request, console)
    changed = {str(o.path): o for o in outcomes if o.after != o.before}
    groups = _groups(tree, conversion, changed, request)
    accounts = {p: account(conversion.files[p], o) for p, o in changed.items()}
    make = partial(_patch, tree, accounts)
    with console.progress("asking for maintainers", len(groups)) as progress:
        made = run_all(groups, make, workers=request.jobs, progress=progress)
    apis = {p: tuple(each.apis) for p, each in accounts.items()}
    return Draft(
        told_apart(made),
        {path: outcome.before for path, outcome in changed.items()},
        {path: outcome.after for path, outcome in changed.items()},
        Conversions(
            tree.version,
            request.command(),
            outcomes,
            apis,
            request.report(),
            left(conversion.files, outcomes),
            len(tree.candidates((".",))) - len(outcomes) + len(conversion.joined),
        ),
        DOORS,
    )


def _converted(
    tree: Tree, request: Request, console: Console
) -> tuple[Conversion, list[Outcome]]:
    """What becomes of the files, and the analysis that says why."""
    kept: list[Conversion] = []
    named = tree.scope(request.files)

    def scope(path: str) -> bool:
        return named(path) and request.wants(Path(path))

    def converter(*given) -> Conversion:
        kept.append(partial(prepare, scope=scope)(*given))
        return kept[0]

    paths = [path for path in tree.candidates(request.files) if request.wants(path)]
    outcomes = convert_all(tree, paths, find_spatch(), request, console, converter)
    return kept[0], outcomes


def _groups(
    tree: Tree, conversion: Conversion, changed: Mapping[str, Outcome], request: Request
) -> list[list[str]]:
    files = conversion.files
    partners = {path: files[path].partners & changed.keys() for path in changed}
    return patches(changed, partners, Maintainers.of(tree.root), request.split)


def _patch(tree: Tree, accounts: Mapping[str, Account], group: Sequence[str]) -> Patch:
    told = [accounts[path] for path in group]
    return Patch(
        tuple(group),
        message.subject(told, style_of(tree.root, group)),
        message.body(told),
        recipients(tree.root, group),
        message.notes(told),
    )
