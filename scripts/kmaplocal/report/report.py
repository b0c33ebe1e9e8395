# SPDX-License-Identifier: GPL-2.0-only
"""The report: the certificate of every mapping, findings, and what was not read.

report.schema.json says what it looks like; lines and columns count from 1.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kmaplocal.knowledge import api
from kmaplocal.certify.analysis import FileAnalysis
from kmaplocal.certify.certificate import (
    CONVERT,
    FAILS,
    HOLDS,
    KEEP,
    NOT_ANALYSED,
    OBLIGATIONS,
    REPAIRED,
    UNKNOWN,
    Certificate,
    Obligation,
    Verdict,
)
from kmaplocal.prove.record import Proof
from kmaplocal.c.oldcalls import Call, old_calls
from kmaplocal.steps.steps import Steps
from kmaplocal.tree.outcome import Lost
from kmaplocal.tree.definitions import Definitions

SCHEMA = Path(__file__).with_name("report.schema.json")

VERDICTS = (CONVERT, KEEP, NOT_ANALYSED)
STATES = (HOLDS, REPAIRED, FAILS, UNKNOWN)
OUTSIDE = "(outside of functions)"

Place = tuple[int, int]


@dataclass
class Function:
    """A function that maps or unmaps: its calls, its verdict if it has one, and
    why it was not analysed, if it was not."""

    name: str
    line: int
    calls: list[Call] = field(default_factory=list)
    verdict: Verdict | None = None
    lost: str = ""

    @property
    def state(self) -> str:
        """One of VERDICTS."""
        if self.lost or self.verdict is None:
            return NOT_ANALYSED
        return self.verdict.verdict


def report(
    version: str, files: Iterable[FileAnalysis], tree: Definitions | None = None
) -> dict:
    """What is reported of FILES of a kernel of VERSION (as 6.1), as JSON; TREE: they
    are from, to count callers all over it.

    Out: see report.schema.json; in the order of file, line and column.
    """
    found: dict = {"kernel": {"version": version}}
    lists: dict[str, list] = {"mappings": [], "findings": [], "not_analysed": []}
    functions: dict[str, int] = dict.fromkeys(VERDICTS, 0)
    files = sorted(files, key=lambda file: file.path)
    steps = Steps(files, tree)
    for file in files:
        known = functions_of(file)
        for function in known:
            functions[function.state] += function.state != NOT_ANALYSED
        lists["mappings"] += _ordered(_mappings(file, known, steps))
        lists["findings"] += _ordered(_findings(file))
        lists["not_analysed"] += _ordered(_not_analysed(file, known))
    functions[NOT_ANALYSED] = len(lists["not_analysed"])
    macros = sum(
        v.line not in {*file.analyses, *file.readings}
        for file in files
        for v in file.verdicts
    )
    totals = {"files": len(files), "functions": functions, "macros": macros}
    return {**found, **lists, "totals": {**totals, **_counts(lists)}}


def with_proofs(found: dict, proofs: Mapping[str, Sequence[Proof]]) -> dict:
    """The report FOUND, and by which PROOFS the change of a file was checked."""
    if not proofs:
        return found
    proved = [
        {"file": file, "by": [str(proof) for proof in proofs[file]]}
        for file in sorted(proofs)
    ]
    totals = found["totals"]
    return {k: v for k, v in found.items() if k != "totals"} | {
        "proved": proved,
        "totals": totals,
    }


def as_json(found: dict) -> str:
    """A report as JSON text, the same for the same report."""
    return json.dumps(found, indent=1) + "\n"


# -- functions ---------------------------------------------------------------


def functions_of(file: FileAnalysis) -> list[Function]:
    """The functions of FILE that call an old function, by line.

    A call that spatch did not show makes its function one not analysed."""
    verdicts = _verdicts_by_call(file)
    reasons = {lost.line: lost.reason for lost in file.lost}
    found: dict[tuple[int, str], Function] = {}
    for call in _all_calls(file):
        verdict = verdicts.get((call.line, call.column))
        home = _home(call, verdict)
        function = found.setdefault(home, Function(home[1], home[0]))
        function.calls.append(call)
        function.verdict = function.verdict or verdict
        unseen = f"line {call.line}: {call.name}() was not shown by spatch"
        if call.span and call.span.line in reasons:
            function.lost = reasons[call.span.line]
        elif verdict is None:
            function.lost = function.lost or unseen
    for function in found.values():
        function.lost = function.lost or _untraced(function)
    return sorted(found.values(), key=lambda function: function.line)


def _verdicts_by_call(file: FileAnalysis) -> dict[Place, Verdict]:
    by_line = {verdict.line: verdict for verdict in file.verdicts}
    found = {
        call.start: by_line[line]
        for line, analysed in file.analyses.items()
        for call in analysed.function.calls(api.OLD)
    }
    for call in old_calls(file.outline):
        line = call.span.line if call.span else 0
        if line in file.readings and line in by_line:
            found[call.line, call.column] = by_line[line]
    return found


def _all_calls(file: FileAnalysis) -> list[Call]:
    """The calls the tokens show, and those only a certificate speaks of."""
    calls = old_calls(file.outline)
    seen = {(call.line, call.column) for call in calls}
    for verdict in file.verdicts:
        for c in verdict.certificates:
            if (c.mapping.line, c.mapping.column) not in seen:
                m = c.mapping
                calls.append(Call(m.api, m.line, m.column, m.page, None))
    return sorted(calls, key=lambda call: (call.line, call.column))


def _home(call: Call, verdict: Verdict | None) -> tuple[int, str]:
    if call.span:
        return call.span.line, call.span.name
    if verdict:
        return verdict.line, verdict.function
    return call.line, OUTSIDE


def _untraced(function: Function) -> str:
    """Why a function cannot be converted though nothing was found against it."""
    if function.state != CONVERT or function.verdict is None:
        return ""
    traced = {(c.mapping.line, c.mapping.column) for c in function.verdict.certificates}
    for call in function.calls:
        if call.name in api.OLD_MAPS and (call.line, call.column) not in traced:
            return f"line {call.line}: no path to {call.name}() was found"
    return ""


# -- mappings ----------------------------------------------------------------


def _mappings(
    file: FileAnalysis, known: Iterable[Function], steps: Steps
) -> Iterable[dict]:
    for function in known:
        verdict = function.verdict
        certificates = {
            (c.mapping.line, c.mapping.column): c
            for c in (verdict.certificates if verdict else ())
        }
        for call in function.calls:
            if call.name in api.OLD_MAPS:
                found = certificates.get((call.line, call.column))
                step = ""
                if verdict and function.state == KEEP:
                    step = steps.of(file, verdict, found)
                yield _mapping(file.path, function, call, found, step)


def _mapping(
    path: str, function: Function, call: Call, found: Certificate | None, step: str
) -> dict:
    return {
        "file": path,
        "line": call.line,
        "column": call.column + 1,
        "function": function.name,
        "api": call.name,
        "page": call.page,
        "variable": found.mapping.variable if found else "",
        "verdict": function.state,
        "obligations": _obligations(path, function, call, found),
        "reason": _reason(path, function, found),
        "next": step,
    }


def _obligations(
    path: str, function: Function, call: Call, found: Certificate | None
) -> list[dict]:
    if found and not function.lost:
        return [_obligation(found, obligation) for obligation in found.obligations]
    why = f"not analysed: {function.lost or 'no path to this call was followed'}"
    evidence = f"{path}:{call.line}: {why}"
    unknown = {"state": UNKNOWN, "evidence": evidence, "repair": ""}
    return [{"name": name, **unknown} for name in OBLIGATIONS]


def _obligation(found: Certificate, obligation: Obligation) -> dict:
    shown: dict[str, object] = {
        "name": obligation.name,
        "state": obligation.state,
        "evidence": _located(found, obligation),
        "repair": obligation.repaired_by,
    }
    if obligation.line:
        shown |= {"line": obligation.line, "column": obligation.column + 1}
    return shown


def _located(found: Certificate, obligation: Obligation) -> str:
    line = obligation.line or found.mapping.line
    return f"{found.mapping.file}:{line}: {obligation.evidence}"


def _reason(path: str, function: Function, found: Certificate | None) -> str:
    """Why a mapping is not converted: by its own fault, or by its function's."""
    if function.state == CONVERT:
        return ""
    if function.state == NOT_ANALYSED:
        return function.lost
    if found and found.failing:
        return f"{found.failing.name}: {_located(found, found.failing)}"
    assert function.verdict, "a function that was analysed has a verdict"
    first = function.verdict.reasons()[0]
    why = f"{first.obligation}: {path}:{first.line}: {first.reason}"
    return f"{function.name}() is kept: {why}"


# -- the rest ----------------------------------------------------------------


def _findings(file: FileAnalysis) -> Iterable[dict]:
    for verdict in file.verdicts:
        for doubt in verdict.doubts:
            yield {
                "file": file.path,
                "line": doubt.line,
                "column": doubt.column + 1,
                "function": verdict.function,
                "obligation": doubt.obligation,
                "reason": doubt.reason,
            }


def _not_analysed(file: FileAnalysis, known: Iterable[Function]) -> list[dict]:
    """What FILE says it lost, and what it lost without knowing."""
    lost = {(loss.line, loss.function): loss for loss in file.lost}
    for function in known:
        if function.lost:
            key = (function.line, function.name)
            lost.setdefault(key, Lost(file.path, *key, function.lost))
    return [
        {"file": x.file, "line": x.line, "function": x.function, "reason": x.reason}
        for x in lost.values()
    ]


def _ordered(entries: Iterable[dict]) -> list[dict]:
    unique = {json.dumps(entry, sort_keys=True): entry for entry in entries}
    return sorted(
        unique.values(),
        key=lambda e: (e["line"], e.get("column", 0), e["function"], e["reason"]),
    )


def _counts(lists: dict[str, list]) -> dict:
    verdicts = dict.fromkeys(VERDICTS, 0)
    states = {name: dict.fromkeys(STATES, 0) for name in OBLIGATIONS}
    for mapping in lists["mappings"]:
        verdicts[mapping["verdict"]] += 1
        for obligation in mapping["obligations"]:
            states[obligation["name"]][obligation["state"]] += 1
    findings = len(lists["findings"])
    return {"mappings": verdicts, "obligations": states, "findings": findings}
