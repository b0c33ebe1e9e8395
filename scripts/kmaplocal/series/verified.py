# SPDX-License-Identifier: GPL-2.0-only
"""Has each patch of a draft go through make verify; what something stands against is
withheld.  What is recorded of a change is not asked for again.
"""

from __future__ import annotations

from dataclasses import replace

from kmaplocal.console import Console
from kmaplocal.prove import record, trial
from kmaplocal.prove.reference import Change
from kmaplocal.series.checked import sentences
from kmaplocal.series.draft import Draft
from kmaplocal.series.mails import Patch
from kmaplocal.series.request import Request
from kmaplocal.tree.kernel import Tree


def verified(tree: Tree, draft: Draft, request: Request, console: Console) -> Draft:
    """DRAFT without the patches that one of its doors has something against.

    Raises KmaplocalError; OSError."""
    court = trial.Court(
        request.build, draft.doors, request.cc, request.jobs, request.timeout
    )
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
    return replace(draft, patches=tuple(kept), withheld=tuple(withheld))


def checked(tree: Tree, draft: Draft, request: Request) -> Draft:
    """DRAFT, each patch with what is recorded of its checks in its message."""
    folder = request.build / "proofs"
    made = []
    for patch in draft.patches:
        each = [draft.change(path) for path in patch.paths]
        proofs = [
            record.proved(tree.root, c.path, c.after, c.before, folder) for c in each
        ]
        made.append(patch.with_sentences(sentences(proofs)))
    return replace(draft, patches=tuple(made))


def _unasked(tree: Tree, change: Change, court: trial.Court) -> bool:
    return not court.doors <= {proof.door for proof in _said(tree, change, court)}


def _against(tree: Tree, draft: Draft, patch: Patch, court: trial.Court) -> str:
    """What stands against PATCH, the first of it."""
    for path in patch.paths:
        for proof in _said(tree, draft.change(path), court):
            if proof.door in court.doors and proof.outcome == record.FAILED:
                return proof.detail or proof.door
    return ""


def _said(tree: Tree, change: Change, court: trial.Court) -> list[record.Proof]:
    folder = court.build / "proofs"
    return record.recorded(tree.root, change.path, change.after, change.before, folder)
