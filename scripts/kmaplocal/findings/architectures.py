# SPDX-License-Identifier: GPL-2.0-only
"""Machines without highmem: what is wrong for a highmem page alone is a note in the
code of an architecture that has none, or that is built for such machines only, for
whoever takes it elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path, PurePath

from kmaplocal.findings.finding import NOTE, Finding
from kmaplocal.findings.registry import RULES
from kmaplocal.tree import objects
from kmaplocal.tree.kconfig import Kconfig
from kmaplocal.tree.search import SearchFailed

# With one of these a page may have no linear address, or is not reached by it.
HIGHMEM, FORCED = "HIGHMEM", "DEBUG_KMAP_LOCAL_FORCE_MAP"
ALLOWS_FORCED = "ARCH_SUPPORTS_KMAP_LOCAL_FORCE_MAP"


def noted(findings: Iterable[Finding], root: Path) -> list[Finding]:
    """FINDINGS in the tree at ROOT, with those as notes that need highmem, and are in
    code for machines that have none."""
    machines = _Machines(root)
    told = []
    for finding in findings:
        if RULES[finding.rule].of_highmem and finding.severity != NOTE:
            why = machines.without(finding.file)
            if why:
                message = f"{finding.message} ({why})"
                finding = replace(finding, severity=NOTE, message=message)
        told.append(finding)
    return told


class _Machines:
    """What a tree says of the machines that its files are for."""

    def __init__(self, root: Path):
        self.root = root
        self.kconfig = Kconfig(root)
        self._known: dict[str, str] = {}

    def without(self, file: str) -> str:
        """Why FILE runs on machines without highmem alone; "" for all that is
        known it may on others."""
        if file not in self._known:
            try:
                self._known[file] = self._without(file)
            except SearchFailed:
                self._known[file] = ""
        return self._known[file]

    def _without(self, file: str) -> str:
        name = _architecture(file)
        if name and not (self.root / "arch" / name / "Kconfig").is_file():
            return ""
        needed = objects.settings(self.root, file)
        if name:
            needed = set() if self._none(set(), {name}) else needed
        some = {name} if name else self._with_highmem
        if not (name or needed) or not some or not self._none(needed, some):
            return ""
        alone = (s for s in sorted(needed) if self._none({s}, some))
        what = next(alone, " and ".join(sorted(needed)))
        return f"CONFIG_{what} rules highmem out" if what else f"{name} has no highmem"

    @cached_property
    def _with_highmem(self) -> set[str]:
        known = self.kconfig.architectures(HIGHMEM)
        return (known | self.kconfig.selecting(ALLOWS_FORCED)) - {""}

    def _none(self, needed: set[str], architectures: Iterable[str]) -> bool:
        """Whether no machine of ARCHITECTURES for which NEEDED is set has highmem."""
        needs = dict.fromkeys(needed, True)
        return not any(
            self.kconfig.possible({**needs, high: True}, each)
            for each in architectures
            for high in (HIGHMEM, FORCED)
        )


def _architecture(file: str) -> str:
    """The architecture whose code FILE, below the tree, is; "" for other code."""
    parts = PurePath(file).parts
    return parts[1] if len(parts) > 2 and parts[0] == "arch" else ""
