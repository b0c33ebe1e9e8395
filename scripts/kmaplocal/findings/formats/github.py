# SPDX-License-Identifier: GPL-2.0-only
"""A report as commands of GitHub Actions, which shows them beside the code.

Source: "Workflow commands for GitHub Actions" in GitHub's documentation, and the
escapes of its @actions/core.
"""

from __future__ import annotations

import os
from pathlib import Path

from kmaplocal.findings.finding import ERROR, NOTE, WARNING
from kmaplocal.findings.report import Report

_COMMANDS = {ERROR: "error", WARNING: "warning", NOTE: "notice"}
_IN_MESSAGES = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTIES = {**_IN_MESSAGES, ":": "%3A", ",": "%2C"}


def as_annotations(report: Report) -> str:
    """A command for each finding of REPORT and all that was not analysed, and the
    tally as a plain line."""
    below = _below_workspace(report.root)
    lines = []
    for f in report.findings:
        # The baseline may be outside of the tree, and has its whole path then.
        file = f.file if f.file.startswith("/") else below + f.file
        place = {"file": file, "line": f.line, "col": f.column}
        text = f"{f.message}\n{f.remedy}" if f.remedy else f.message
        lines.append(_command(_COMMANDS[f.severity], place, f.rule, text))
    for lost in report.lost:
        place = {"file": below + lost.file, "line": lost.line}
        text = f"{lost.function}: {lost.reason}"
        lines.append(_command("warning", place, "not analysed", text))
    return "".join(f"{line}\n" for line in [*lines, report.tally()])


def _command(name: str, place: dict, title: str, text: str) -> str:
    properties = {**place, "title": title}
    said = ",".join(
        f"{key}={_escaped(str(value), _IN_PROPERTIES)}"
        for key, value in properties.items()
    )
    return f"::{name} {said}::{_escaped(text, _IN_MESSAGES)}"


def _escaped(text: str, escapes: dict[str, str]) -> str:
    return text.translate({ord(letter): said for letter, said in escapes.items()})


def _below_workspace(root: Path) -> str:
    """What leads from the workspace, which GitHub shows, to the tree."""
    workspace = Path(os.environ.get("GITHUB_WORKSPACE") or root).resolve()
    if root == workspace or not root.is_relative_to(workspace):
        return ""
    return f"{root.relative_to(workspace)}/"
