# SPDX-License-Identifier: GPL-2.0-only
"""Flags: what the flag rules say of the files after a change, but not before."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

from kmaplocal.findings import survey
from kmaplocal.findings.finding import NOTE, Finding
from kmaplocal.prove import record
from kmaplocal.prove.bench import BEFORE, Bench, Result
from kmaplocal.tree.definitions import Definitions
from kmaplocal.tree.outcome import Lost
from kmaplocal.tree.spatch import find_spatch

# An old call that stays is no mistake of the change.
_EXPECTED = "kmap-deprecated"


def results(bench: Bench, timeout: float, jobs: int | None) -> list[Result]:
    """What there is to say of each file of the bench. Errors: SpatchMissing, and
    those of survey()."""
    spatch, run = find_spatch(), survey.survey
    # grep finds no callees in a farm of links; they are the same on both sides.
    tree = Definitions(bench.root)
    after = run(bench.root, list(bench.aligned), spatch, timeout, jobs, tree=tree)
    findings: dict[Path, list[Finding]] = defaultdict(list)
    for finding in filter(_counts, after.findings):
        findings[Path(finding.file)].append(finding)
    if findings:
        # Only what is flagged now can be new.
        bench.show(BEFORE)
        farm = bench.farm.folder
        before = run(farm, list(findings), spatch, timeout, jobs, tree=tree)
        known = Counter(map(_key, before.findings))
        findings = {path: _new(found, known) for path, found in findings.items()}
    lost = {Path(lost.file): lost for lost in after.lost}
    return [
        _result(path, findings.get(path, []), lost.get(path)) for path in bench.aligned
    ]


def _counts(finding: Finding) -> bool:
    return finding.severity != NOTE and finding.rule != _EXPECTED


def _key(finding: Finding) -> tuple[str, str, str]:
    return finding.file, finding.rule, finding.function


def _new(findings: list[Finding], known: Counter) -> list[Finding]:
    """Those that are one too many of their kind in their function."""
    left, found = Counter(known), []
    for finding in findings:
        left[_key(finding)] -= 1
        if left[_key(finding)] < 0:
            found.append(finding)
    return found


def _result(path: Path, fresh: list[Finding], lost: Lost | None) -> Result:
    door = record.FLAG
    if fresh:
        remarks = [
            f"{f.file}:{f.line}: {door}: {f.severity}: {f.message} [{f.rule}]"
            for f in fresh
        ]
        return Result(path, door, record.FAILED, f"{len(fresh)} new", "", remarks)
    if lost:
        why = f"not analysed: {lost.function}: {lost.reason}"
        remark = f"{path}:{lost.line}: {door}: {why}"
        return Result(path, door, record.UNCHECKED, "-", why, [remark])
    return Result(path, door, record.PASSED, "ok")
