# SPDX-License-Identifier: GPL-2.0-only
"""Addresses that a function returns mapped, where whoever calls it from another file
unmaps them there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from kmaplocal.c.tags import TagsError
from kmaplocal.findings.finding import NOTE, WARNING, Finding
from kmaplocal.findings.rules import kmap_returned
from kmaplocal.findings.text import Texts
from kmaplocal.tree.definitions import Definitions
from kmaplocal.tree.search import SearchFailed


def ended_elsewhere(
    findings: Iterable[Finding], root: Path, tree: Definitions
) -> list[Finding]:
    """FINDINGS in the tree at ROOT; one that a mapping is returned is a note where
    another file names both the function and what unmaps it."""
    told, texts = list(findings), Texts(root)
    for number, finding in enumerate(told):
        if finding.rule == kmap_returned.RULE.id and finding.severity == WARNING:
            try:
                ended = any(_ends(finding, f, texts) for f in _users(finding, tree))
            except (SearchFailed, TagsError, OSError):
                ended = False
            told[number] = replace(finding, severity=NOTE) if ended else finding
    return told


def _users(finding: Finding, tree: Definitions) -> list[str]:
    """The other files that name the function."""
    named = tree.mentions([finding.function])[finding.function]
    return [file for file in named if file != finding.file]


def _ends(finding: Finding, file: str, texts: Texts) -> bool:
    """Whether FILE, which names the function, names what unmaps the mapping, too."""
    words = texts.outline(file).vocabulary
    return any(kmap_returned.remedy(name) == finding.remedy for name in words)
