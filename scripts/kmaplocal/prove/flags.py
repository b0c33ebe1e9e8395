# SPDX-License-Identifier: GPL-2.0-only
"""Flags: what the flag rules say of the files after a change, but not before."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from kmaplocal.flag import survey
from kmaplocal.flag.finding import NOTE, Finding
from kmaplocal.prove import record
from kmaplocal.prove.bench import AFTER, BEFORE, SIDES, Bench, Result
from kmaplocal.read.spatch import find_spatch

# An old call that stays is no mistake of the change.
_EXPECTED = "kmap-deprecated"


def results(bench: Bench, timeout: float, jobs: int | None) -> list[Result]:
    """What there is to say of each file of the bench. Errors: SpatchMissing, and
    those of survey()."""
    run = getattr(survey, "survey", None)
    if run is None:
        return []
    spatch, sides = find_spatch(), {}
    for side in SIDES:
        bench.show(side)
        sides[side] = run(
            bench.farm.folder,
            list(bench.aligned),
            spatch,
            timeout,
            jobs,
            lambda done: None,
        )
    known = Counter(_key(bench, finding) for finding in sides[BEFORE].findings)
    news = Counter()
    fresh: dict[Path, list[Finding]] = {path: [] for path in bench.aligned}
    for finding in sides[AFTER].findings:
        key = _key(bench, finding)
        news[key] += 1
        if news[key] > known[key] and _counts(finding):
            fresh[Path(finding.file)].append(finding)
    lost = {Path(lost.file): lost for lost in sides[AFTER].lost}
    return [_result(bench, path, fresh[path], lost.get(path)) for path in fresh]


def _counts(finding: Finding) -> bool:
    return finding.severity != NOTE and finding.rule != _EXPECTED


def _key(bench: Bench, finding: Finding) -> tuple:
    place = bench.aligned[Path(finding.file)].place(finding.line)
    return finding.file, finding.rule, finding.function, place


def _result(bench: Bench, path: Path, fresh: list[Finding], lost) -> Result:
    remarks = [
        f"{bench.place(f.file, f.line)}: flag: {f.severity}: {f.message} [{f.rule}]"
        for f in fresh
    ]
    if fresh:
        return Result(
            path, record.FLAG, record.FAILED, f"{len(fresh)} new", "", remarks
        )
    if lost:
        place = bench.place(lost.file, lost.line)
        remark = f"{place}: flag: not analysed: {lost.function}: {lost.reason}"
        return Result(path, record.FLAG, record.UNCHECKED, "-", lost.reason, [remark])
    return Result(path, record.FLAG, record.PASSED, "ok")
