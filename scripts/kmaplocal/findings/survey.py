# SPDX-License-Identifier: GPL-2.0-only
"""Surveys files: the findings in them, and what was not analysed."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

from kmaplocal import faults
from kmaplocal.findings.accept.agreement import agreeing, converted
from kmaplocal.findings.architectures import noted
from kmaplocal.findings.elsewhere import ended_elsewhere
from kmaplocal.findings.finding import Finding, Step
from kmaplocal.findings.registry import RULES, in_file
from kmaplocal.findings.checks import Checks
from kmaplocal.certify import readings
from kmaplocal.certify.analysis import SYNTAX, Analysis, FileAnalysis
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.certify.local import local
from kmaplocal.certify.parallel import analysed, names_in
from kmaplocal.tree.definitions import Definitions
from kmaplocal.tree.outcome import WHOLE_FILE, Lost
from kmaplocal.tree.spatch import Spatch
from kmaplocal.summaries.users import SearchScope
from kmaplocal.tree.target import Target
from kmaplocal.progress import Progress, silent

TIMEOUT = 120.0


@dataclass
class Survey:
    """What was found, and what could not be looked at."""

    findings: list[Finding] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    complete: bool = True  # spatch failed on nothing
    unfound: set[str] = field(default_factory=set)  # given an address, defined nowhere

    def as_json(self) -> dict[str, list]:
        """All there is, for from_json()."""
        return {
            "findings": [asdict(finding) for finding in self.findings],
            "lost": [asdict(lost) for lost in self.lost],
            "unfound": sorted(self.unfound),
        }

    def places(
        self, rules: Collection[str] = RULES.keys()
    ) -> dict[str, dict[str, dict[str, str]]]:
        """The findings of RULES, as the semantic patch looks for them: by
        "line:column", columns from 0 as in spatch, and rule.

        Of a function one rule alone has fixes, the first: two could change the
        same statement."""
        found: dict[str, dict[str, dict[str, str]]] = {}
        chosen = [f for f in self.findings if f.rule in rules]
        fixing: dict[str, str] = {}
        for finding in chosen:
            if finding.fix:
                fixing.setdefault(finding.function, finding.rule)
        for finding in chosen:
            fixed = fixing.get(finding.function) == finding.rule
            fix = finding.fix if fixed else ""
            own = finding.line, finding.column
            places = finding.places or (own,)
            said = [(own, finding.message, fix if own in places else "")]
            said += [(at, "", fix) for at in places if fix and at != own]
            for (line, column), message, text in said:
                told = found.setdefault(f"{line}:{column - 1}", {})
                first = told.setdefault(finding.rule, {"message": "", "fix": ""})
                first["message"] = first["message"] or message
                first["fix"] = first["fix"] or text
        return found

    def lose(self, path: str, reason: str) -> None:
        """Take the file at PATH for not analysed."""
        self.lost.append(Lost(path, 1, WHOLE_FILE, reason))

    def add(
        self, file: FileAnalysis, applied: FileAnalysis | None, checks: Checks
    ) -> None:
        """Add what is known of one file, and was found by CHECKS; APPLIED: as apply
        sees it."""
        self.lost += file.lost
        self.findings += in_file(file, applied)
        for analysis in file.every_analysis():
            self.unfound |= _unfound(analysis)
        self._add_analysed(file, applied, checks)
        for each in file.readings.values():
            self._add_readings(each, applied, checks)

    def _add_analysed(
        self, file: FileAnalysis, applied: FileAnalysis | None, checks: Checks
    ) -> None:
        hidden = {
            v.line: [d for d in v.doubts if d.obligation == SYNTAX]
            for v in file.verdicts
        }
        for line, analysis in file.analyses.items():
            name, checked = analysis.function.name, checks.of(analysis)
            doubts = hidden.get(line, ())
            reasons = [analysis.unfollowed] if analysis.unfollowed else []
            reasons += [f"line {doubt.line}: {doubt.reason}" for doubt in doubts]
            if reasons:
                self.lost.append(Lost(file.path, line, name, reasons[0]))
                continue
            self.findings += agreeing(checked.findings, applied, line)
            for reason in checked.broken[:1]:
                self.lost.append(Lost(file.path, line, name, reason))

    def _add_readings(
        self, each: Sequence[FileAnalysis], applied: FileAnalysis | None, checks: Checks
    ) -> None:
        """Add what the readings of one function say, what several say once."""
        found: dict[tuple, tuple[Finding, list[FileAnalysis]]] = {}
        fixes: dict[tuple, set[tuple]] = defaultdict(set)
        for reading in each:
            told = Survey(lost=list(reading.lost))
            told._add_analysed(reading, applied, checks)
            reading.lost = told.lost
            for f in told.findings:
                place = f.line, f.column, f.rule, f.severity
                found.setdefault(place, (f, []))[1].append(reading)
                fixes[place].add((f.fix, f.places))
        for key, (finding, some) in found.items():
            seeing = [r for r in each if r.shows(finding.line)]
            if RULES[finding.rule].everywhere and len(some) < len(seeing):
                continue
            message = readings.said(each, some, finding.message)
            same = len(some) == len(each) and len(fixes[key]) == 1
            fix = finding.fix if same else ""
            self.findings.append(replace(finding, message=message, fix=fix))
        lost = readings.lost_of(each)
        self.lost += [lost] if lost else []


def _unfound(analysis: FunctionAnalysis) -> frozenset[str]:
    """The functions that are given the address of a mapping of SEEN and that nobody
    found, so that what they do with it is not known."""
    reasons = [local(site, analysis).evidence for site in analysis.trace.sites]
    return analysis.knowledge.callees.unfound(reasons)


def from_json(saved: dict[str, list]) -> Survey:
    """The survey that as_json() gave as SAVED."""
    findings = [
        replace(
            Finding(**finding),
            also=tuple(finding["also"]),
            steps=tuple(Step(*step) for step in finding["steps"]),
            places=tuple((line, column) for line, column in finding["places"]),
        )
        for finding in saved["findings"]
    ]
    lost = [Lost(**lost) for lost in saved["lost"]]
    return Survey(findings, lost, unfound=set(saved["unfound"]))


def survey(
    root: Path,
    paths: Iterable[str | Path],
    spatch: Spatch,
    timeout: float,
    jobs: int | None = None,
    progress: Progress = silent,
    tree: Definitions | None = None,
    among: Collection[str] = (),
    aim: Target | None = None,
    further: SearchScope = SearchScope(),
) -> Survey:
    """The findings in PATHS below ROOT, callees all over the tree included, in
    the order of file, line and column; and what was not analysed.

    PROGRESS is told how many files are read; AMONG: all files of the run of which
    PATHS are a part; AIM: what the tree is for; FURTHER: other files, whose users of
    wrappers are looked at.  Errors: TagsError, OSError."""
    names = [str(path) for path in paths]
    aim = aim or Target(root)
    tree = tree or aim.definitions()
    checks = Checks()
    analysis = Analysis(root, spatch, timeout, jobs, tree, checks.view, aim.kernels)
    analysis.further = further
    files = analysis.run(names, progress)
    if len(names) < len(among):
        first = Analysis(root, spatch, timeout, jobs, tree, kernels=aim.kernels)
        other, applied = analysed(first, names, among, names_in(first, among))
        failed = other.failed
    else:
        applied, failed = analysis.applied(files), False
    found = _collected(files, applied, checks)
    told = ended_elsewhere(noted(found.findings, root), root, tree)
    found.findings = converted(told, applied)
    found.complete = not (analysis.failed or failed)
    return found


def survey_file(path: Path, spatch: Spatch) -> Survey:
    """The findings in one file, knowing nothing of any other.

    Errors: TagsError, OSError."""
    file = Path(os.path.abspath(path))
    checks = Checks()
    analysis = Analysis(file.parent, spatch, TIMEOUT, jobs=1, view=checks.view)
    files = analysis.run([file.name])
    return _collected(files, analysis.applied(files), checks)


def _collected(
    files: Mapping[str, FileAnalysis],
    applied: Mapping[str, FileAnalysis],
    checks: Checks,
) -> Survey:
    found = Survey()
    for file in files.values():
        with faults.net(partial(found.lose, file.path)):
            found.add(file, applied.get(file.path), checks)
    found.findings = sorted(set(found.findings))
    found.lost.sort(key=lambda lost: (lost.file, lost.line))
    return found
