# SPDX-License-Identifier: GPL-2.0-only
"""A report as JSON; findings.schema.json, beside this file, describes it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from kmaplocal.findings.report import Report

SCHEMA = Path(__file__).with_name("findings.schema.json")

_FIELDS = (
    "rule",
    "severity",
    "file",
    "line",
    "column",
    "function",
    "message",
    "remedy",
    "reason",
)


def as_json(report: Report) -> str:
    """REPORT as JSON text, the same for the same report."""
    found: dict = {
        "findings": [
            {name: readable(getattr(finding, name)) for name in _FIELDS}
            | {"steps": [step._asdict() for step in finding.steps]}
            for finding in report.findings
        ],
        "not_analysed": [
            {name: readable(value) for name, value in asdict(lost).items()}
            for lost in report.lost
        ],
    }
    if report.shard:
        found["shard"] = report.shard
    return as_text(found)


def as_text(found: dict) -> str:
    """What as_json() makes of a report, FOUND, as text."""
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def readable(value: str | int) -> str | int:
    """VALUE with bytes that are no UTF-8, as file names may have, written out."""
    if isinstance(value, int):
        return value
    return value.encode(errors="surrogateescape").decode(errors="backslashreplace")
