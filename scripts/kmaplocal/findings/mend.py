# SPDX-License-Identifier: GPL-2.0-only
"""Mends what has one right answer, by the semantic patch that flags."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kmaplocal.errors import KmaplocalError
from kmaplocal.findings.finding import Finding
from kmaplocal.findings.survey import Survey
from kmaplocal.tree.patching import NotPatched, patched
from kmaplocal.tree.spatch import Spatch

RULES = Path(__file__).resolve().parents[3] / "cocci" / "flag.cocci"


class NotMended(KmaplocalError):
    """The semantic patch did not do what a finding says; why."""


def mended(
    file: str, text: bytes, findings: Sequence[Finding], spatch: Spatch, timeout: float
) -> bytes:
    """What becomes of FILE, which holds TEXT, by the fixes of FINDINGS in it.

    Raises NotMended; OSError."""
    places = {"places": Survey(list(findings)).places()}
    try:
        return patched(RULES, file, text, places, spatch, timeout, "--keep-comments")
    except NotPatched as error:
        raise NotMended(f"{file}: {error}") from None
