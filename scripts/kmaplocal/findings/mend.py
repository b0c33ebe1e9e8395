# SPDX-License-Identifier: GPL-2.0-only
"""Mends what has one right answer, by the semantic patch that flags."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from kmaplocal import deadline, names, scratch
from kmaplocal.tree.facts import ENVIRONMENT
from kmaplocal.errors import KmaplocalError
from kmaplocal.findings.finding import Finding
from kmaplocal.findings.survey import Survey
from kmaplocal.tree.spatch import Spatch

RULES = Path(__file__).resolve().parents[3] / "cocci" / "flag.cocci"


class NotMended(KmaplocalError):
    """The semantic patch did not do what a finding says; why."""


def mended(
    file: str, text: bytes, findings: Sequence[Finding], spatch: Spatch, timeout: float
) -> bytes:
    """What becomes of FILE, which holds TEXT, by the fixes of FINDINGS in it.

    Raises NotMended; OSError."""
    with scratch.folder() as folder:
        copy = Path(folder) / names.plain(file)
        copy.write_bytes(text)
        handed = Path(folder) / "findings.json"
        handed.write_text(json.dumps({"places": Survey(list(findings)).places()}))
        result = Path(folder) / f"after-{copy.name}"
        run = spatch.run(
            RULES,
            copy,
            virtuals=["patch"],
            timeout=deadline.RUN.within(timeout),
            env={**ENVIRONMENT, "KMAPLOCAL_PLAN": str(handed)},
            options=["--keep-comments", "-o", str(result)],
        )
        if run.failures or not result.exists():
            why = "; ".join(run.failures) or "it changed nothing"
            raise NotMended(f"{file}: {RULES.name}: {why}")
        return result.read_bytes()
