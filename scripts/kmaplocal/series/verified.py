# SPDX-License-Identifier: GPL-2.0-only
"""Has each patch of a draft go through make verify, and each commit built in its turn;
what something stands against is withheld.  What is known is not asked for again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kmaplocal.console import Console
from kmaplocal.prove import record, trial
from kmaplocal.prove.bench import Bench
from kmaplocal.prove.reference import Change
from kmaplocal.prove.steps import Built, Steps
from kmaplocal.prove.trial import counter
from kmaplocal.series.checked import TARGETS, sentences
from kmaplocal.series.draft import Draft
from kmaplocal.series.mails import Patch
from kmaplocal.series.request import COMMITS, Request
from kmaplocal.series.words import plural
from kmaplocal.tree.kernel import Tree


def verified(tree: Tree, draft: Draft, request: Request, console: Console) -> Draft:
    """DRAFT without the patches that one of its doors has something against.

    Raises KmaplocalError; OSError."""
    doors = draft.doors & request.doors
    court = trial.Court(request.build, doors, request.cc, request.jobs, request.timeout)
    changes = [draft.change(path) for path in draft.paths]
    new = [change for change in changes if _unasked(tree, change, court)]
    trial.results(tree, new, court, console)
    kept, withheld = [], list(draft.withheld)
    for patch in draft.patches:
        bad = _against(tree, draft, patch, court)
        if bad:
            withheld.append(f"{patch.subject}: {bad}")
        else:
            kept.append(patch)
    rest = replace(draft, patches=tuple(kept), withheld=tuple(withheld))
    return _built(tree, rest, request, console) if COMMITS in request.doors else rest


def _built(tree: Tree, draft: Draft, request: Request, console: Console) -> Draft:
    """DRAFT without the patches after which an object is not made any more."""
    changes = [draft.change(path) for path in draft.paths]
    bench = Bench(tree.root, changes, request.build, request.cc, request.jobs)
    groups = [[Path(path) for path in patch.paths] for patch in draft.patches]
    with bench.open(), console.progress("building", len(bench.stems())) as progress:
        found = Steps(bench, groups, counter(progress, len(bench.stems()))).run()
    each = list(zip(draft.patches, found))
    bad = tuple(f"{p.subject}: {built.error}" for p, built in each if built.error)
    good = [(patch, built) for patch, built in each if not built.error]
    return replace(
        draft,
        patches=tuple(patch for patch, _ in good),
        withheld=draft.withheld + bad,
        built=_sentence([built for _, built in good]),
    )


def _sentence(found: Sequence[Built]) -> str:
    """How the commits of a series were built, in a sentence."""
    objects = {stem for built in found for stem in built.objects}
    without = sum(not built.objects for built in found)
    if not objects:
        return ""
    where = TARGETS[record.X86_64]
    count = f"{len(objects)} {plural(len(objects), 'object', 'objects')}"
    text = f"The objects of each commit build in its turn for {where}: {count}"
    if not without:
        return text
    have = plural(without, "commit has", "commits have")
    return f"{text}; {without} {have} none there"


def checked(tree: Tree, draft: Draft, request: Request) -> Draft:
    """DRAFT, each patch with what is recorded of its checks in its message."""
    made = []
    for patch in draft.patches:
        each = [draft.change(path) for path in patch.paths]
        proofs = [record.proved(_said(tree, c, request.build)) for c in each]
        made.append(patch.with_sentences(sentences(proofs)))
    return replace(draft, patches=tuple(made))


def _unasked(tree: Tree, change: Change, court: trial.Court) -> bool:
    return not court.doors <= {proof.door for proof in _said(tree, change, court.build)}


def _against(tree: Tree, draft: Draft, patch: Patch, court: trial.Court) -> str:
    """What stands against PATCH, the first of it."""
    for path in patch.paths:
        for proof in _said(tree, draft.change(path), court.build):
            if proof.door in court.doors and proof.outcome == record.FAILED:
                return proof.detail or proof.door
    return ""


def _said(tree: Tree, change: Change, build: Path) -> list[record.Proof]:
    folder = build / "proofs"
    return record.recorded(tree.root, change.path, change.after, change.before, folder)
