# SPDX-License-Identifier: GPL-2.0-only
"""Architectures without highmem: what is wrong there for a highmem page alone is a
note, for whoever takes the code elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePath

from kmaplocal.findings.finding import NOTE, Finding
from kmaplocal.findings.registry import RULES


def noted(findings: Iterable[Finding], root: Path) -> list[Finding]:
    """FINDINGS in the tree at ROOT, with those as notes that need highmem, and are in
    the code of an architecture that has none."""
    without: dict[str, bool] = {}
    told = []
    for finding in findings:
        name = _architecture(finding.file)
        if name and RULES[finding.rule].of_highmem:
            if name not in without:
                without[name] = _has_none(root / "arch" / name / "Kconfig")
            if without[name]:
                message = f"{finding.message} ({name} has no highmem)"
                finding = replace(finding, severity=NOTE, message=message)
        told.append(finding)
    return told


def _architecture(file: str) -> str:
    """The architecture whose code FILE, below the tree, is; "" for other code."""
    parts = PurePath(file).parts
    return parts[1] if len(parts) > 2 and parts[0] == "arch" else ""


def _has_none(kconfig: Path) -> bool:
    """Whether an architecture's own KCONFIG knows no CONFIG_HIGHMEM."""
    try:
        lines = kconfig.read_text(errors="replace").split("\n")
    except OSError:
        return False
    return not any(line.split() == ["config", "HIGHMEM"] for line in lines)
