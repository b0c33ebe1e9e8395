# SPDX-License-Identifier: GPL-2.0-only
"""A report as SARIF 2.1.0, the OASIS format for results of static analysis."""

from __future__ import annotations

import json
import os
from urllib.parse import quote

from kmaplocal import VERSION
from kmaplocal.findings.finding import ERROR, Finding
from kmaplocal.findings.formats.document import readable
from kmaplocal.findings.handbook import EVERY, page, summary
from kmaplocal.findings.report import FLAGGED, Report
from kmaplocal.tree.outcome import Lost

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"
    "sarif-schema-2.1.0.json"
)
# What all of it is about.
_CONTRACT = "https://docs.kernel.org/mm/highmem.html"
_PRINT = "kmaplocal/v1"
_BASE = "TREE"
_RULES = tuple(EVERY)


def as_sarif(report: Report) -> str:
    """REPORT as SARIF.  A finding's partial fingerprint stays when lines move; what
    was not analysed is a notification, and the execution not successful."""
    run = {
        "tool": {"driver": _driver()},
        "invocations": [_invocation(report)],
        "originalUriBaseIds": {_BASE: {"uri": f"{report.root.as_uri()}/"}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, report) for finding in report.findings],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=1, ensure_ascii=False) + "\n"


def _driver() -> dict:
    told = {"name": "kmaplocal", "version": VERSION, "informationUri": _CONTRACT}
    return {**told, "rules": _rules()}


def _rules() -> list[dict]:
    return [
        {
            "id": rule.id,
            "shortDescription": {"text": rule.title},
            "fullDescription": {"text": summary(rule.id)},
            "help": {"text": page(rule.id), "markdown": page(rule.id)},
            "defaultConfiguration": {"level": rule.severity},
        }
        for rule in EVERY.values()
    ]


def _invocation(report: Report) -> dict:
    return {
        "executionSuccessful": report.status <= FLAGGED,
        "exitCode": report.status,
        "toolExecutionNotifications": [_notification(lost) for lost in report.lost],
    }


def _notification(lost: Lost) -> dict:
    said = f"{lost.function}: not analysed: {lost.reason}"
    return {
        "level": ERROR,
        "message": {"text": readable(said)},
        "locations": [_location(lost.file, {"startLine": lost.line}, lost.function)],
    }


def _result(finding: Finding, report: Report) -> dict:
    region = {"startLine": finding.line, "startColumn": finding.column}
    found = {
        "ruleId": finding.rule,
        "ruleIndex": _RULES.index(finding.rule),
        "level": finding.severity,
        "message": {"text": readable(_words(finding))},
        "locations": [_location(finding.file, region, finding.function)],
        "partialFingerprints": {_PRINT: report.prints[finding].digest()},
    }
    if finding.steps:
        way = [
            _step(finding, step.line, step.column, step.said) for step in finding.steps
        ]
        last = _step(finding, finding.line, finding.column, finding.message)
        places = [{"id": number, **step} for number, step in enumerate(way, start=1)]
        flow = [{"location": place} for place in (*way, last)]
        found["relatedLocations"] = places
        found["codeFlows"] = [{"threadFlows": [{"locations": flow}]}]
    return found


def _step(finding: Finding, line: int, column: int, said: str) -> dict:
    region = {"startLine": line, "startColumn": column}
    place = _location(finding.file, region, finding.function)
    return {**place, "message": {"text": readable(said)}}


def _words(finding: Finding) -> str:
    return "\n".join(filter(None, (finding.message, finding.remedy)))


def _location(file: str, region: dict, function: str) -> dict:
    place = {"artifactLocation": _artifact(file), "region": region}
    if not function:
        return {"physicalLocation": place}
    logical = {"name": readable(function), "kind": "function"}
    return {"physicalLocation": place, "logicalLocations": [logical]}


def _artifact(file: str) -> dict:
    uri = quote(os.fsencode(file))
    if file.startswith("/"):
        return {"uri": f"file://{uri}"}
    return {"uri": uri, "uriBaseId": _BASE}
