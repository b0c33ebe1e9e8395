# SPDX-License-Identifier: GPL-2.0-only
"""Answers to what the semantic patches ask from inside spatch: see inline.py.

A question is a line of JSON, {"what": "plan" or "findings", "file": path, "rule":
ids, or "" for all, "ignore": ids, "oldest": version or "", "source": folder or "",
"idioms": whether only helpers for what is local already are asked for}; so is its
answer, the edits or the findings by place. Of other files nothing is known, but by a
source. What was not analysed goes to stderr.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from kmaplocal import console
from kmaplocal.apply.conversion import plan_file
from kmaplocal.findings.registry import RULES
from kmaplocal.findings.handbook import named
from kmaplocal.findings.survey import survey_file
from kmaplocal.tree.outcome import Lost
from kmaplocal.tree.spatch import Spatch, find_spatch
from kmaplocal.tree.target import version


def serve(questions: Iterable[str], answers: TextIO) -> None:
    """Answer each of QUESTIONS on ANSWERS.

    Errors: NoSuchRule, BadTarget, NotAKernelTree, SpatchMissing, TagsError, OSError."""
    spatch = find_spatch()
    for line in questions:
        print(json.dumps(_answer(json.loads(line), spatch)), file=answers, flush=True)


def _answer(question: dict[str, Any], spatch: Spatch) -> dict:
    file = Path(question["file"])
    if question["what"] == "plan":
        oldest = version(question["oldest"]) if question["oldest"] else None
        source = Path(question["source"]) if question["source"] else None
        plan, lost = plan_file(file, spatch, oldest, source, bool(question["idioms"]))
        _tell(lost)
        return plan.as_json()
    rules, ignored = named(question["rule"]), named(question["ignore"])
    found = survey_file(file, spatch)
    _tell(found.lost)
    return {"places": found.places({*(rules or RULES)} - {*ignored})}


def _tell(lost: Iterable[Lost]) -> None:
    for gap in lost:
        console.error(f"{gap.file}:{gap.line}: not analysed: {gap.reason}")
