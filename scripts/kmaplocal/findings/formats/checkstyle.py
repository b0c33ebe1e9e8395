# SPDX-License-Identifier: GPL-2.0-only
"""A report as checkstyle's XML, which many CI servers read."""

from __future__ import annotations

from itertools import groupby
from xml.etree import ElementTree

from kmaplocal.findings.finding import ERROR, NOTE, WARNING
from kmaplocal.findings.formats.document import readable
from kmaplocal.findings.report import Report

_SEVERITIES = {ERROR: "error", WARNING: "warning", NOTE: "info"}


def as_xml(report: Report) -> str:
    """REPORT as XML; what was not analysed is an error of the source
    kmaplocal.not-analysed."""
    rows: list[tuple[str, int, int, str, str, str]] = [
        (f.file, f.line, f.column, _SEVERITIES[f.severity], f.rule, _words(f))
        for f in report.findings
    ]
    for lost in report.lost:
        words = f"{lost.function}: not analysed: {lost.reason}"
        rows.append((lost.file, lost.line, 0, "error", "not-analysed", words))
    top = ElementTree.Element("checkstyle", version="4.3")
    for file, group in groupby(sorted(rows), lambda row: row[0]):
        element = ElementTree.SubElement(top, "file", name=_clean(file))
        for _file, line, column, severity, rule, words in group:
            told = {"line": str(line)}
            if column:
                told["column"] = str(column)
            told |= {"severity": severity, "message": _clean(words)}
            told["source"] = f"kmaplocal.{rule}"
            ElementTree.SubElement(element, "error", told)
    ElementTree.indent(top)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f"{head}{ElementTree.tostring(top, encoding='unicode')}\n"


def _words(finding) -> str:
    return " ".join(filter(None, (finding.message, finding.remedy)))


def _clean(text: str) -> str:
    """TEXT without what XML has no way to write."""
    return "".join(c if c.isprintable() else " " for c in str(readable(text)))
