# SPDX-License-Identifier: GPL-2.0-only
"""The formats of a report: a function each, which makes it text."""

from collections.abc import Callable

from kmaplocal.findings.formats import checkstyle, document, github, lines, sarif

TEXT = "text"

FORMATS: dict[str, Callable[..., str]] = {
    TEXT: lines.as_text,
    "json": document.as_json,
    "sarif": sarif.as_sarif,
    "github": github.as_annotations,
    "checkstyle": checkstyle.as_xml,
}
