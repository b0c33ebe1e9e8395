# SPDX-License-Identifier: GPL-2.0-only
"""The page: all mappings, findings and what was not analysed, of several trees.

page.html, page.css and page.js beside this file become one file, with the data
in it: nothing is loaded from anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from kmaplocal.apply.patch import unified
from kmaplocal.findings import handbook
from kmaplocal.findings.finding import Finding
from kmaplocal.certify.analysis import FileAnalysis
from kmaplocal.certify.certificate import CONVERT
from kmaplocal.history import history
from kmaplocal.tree.outcome import Outcome
from kmaplocal.report import events
from kmaplocal.series.left import left
from kmaplocal.series.maintainers import Maintainers

_HERE = Path(__file__).parent
_AROUND = 4
MOST_LINES = 160  # of code, around one mapping
_NONE = "(nobody in particular)"
_READY = "nothing stands against it: make apply, or make series for the mails"
_UNREAD = "read it: it was not analysed"
# What upstream did by the next kernel, in words for the table.
_LATER = {
    history.RENAMED: "calls renamed",
    history.CONVERTED: "converted, and changed",
    history.DROPPED: "maps nothing any more",
    history.GONE: "function is gone",
    history.KEPT: "still has old calls",
}


@dataclass(frozen=True)
class Tree:
    """What is shown of one kernel: its VERSION, the REPORT (report.py), the FILES it
    speaks of, what became of them, the FINDINGS, who maintains what, and what
    upstream did by the next kernel with each (file, function) that maps."""

    version: str
    report: Mapping
    files: Mapping[str, FileAnalysis]
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    maintainers: Maintainers = field(default_factory=lambda: Maintainers(""))
    deeds: Mapping[tuple[str, str], str] = field(default_factory=dict)


def page(trees: Sequence[Tree], made: str) -> str:
    """The page of TREES, oldest first, MADE by a version of kmaplocal, as HTML."""
    shown = [_tree(tree) for tree in trees]
    for tree, this, following in zip(trees, shown, shown[1:]):
        _compare(tree.deeds, this, following)
    rules = {f["rule"]: None for tree in shown for f in tree["findings"]}
    data = {
        "made": made,
        "trees": shown,
        "rules": {rule: handbook.page(rule) for rule in rules},
    }
    html = (_HERE / "page.html").read_text(encoding="utf-8")
    for name, text in (
        ("CSS", (_HERE / "page.css").read_text(encoding="utf-8")),
        ("JS", (_HERE / "page.js").read_text(encoding="utf-8")),
        ("DATA", _as_script(data)),
    ):
        html = html.replace(f"@{name}@", text.rstrip("\n"), 1)
    return html


def _as_script(data: dict) -> str:
    """DATA as JSON that cannot end the element it stands in, whatever is in it."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e")


def _tree(tree: Tree) -> dict:
    tasks = {
        (kept.file, kept.function): kept.task.value
        for kept in left(tree.files, tuple(tree.outcomes.values()))
    }
    return {
        "version": tree.version,
        "mappings": [
            _mapping(tree, each) | {"task": _task(each, tasks)}
            for each in tree.report["mappings"]
        ],
        "findings": [_finding(tree, each) for each in tree.findings],
        "lost": [_lost(tree, each) for each in tree.report["not_analysed"]],
    }


def _task(entry: Mapping, tasks: Mapping[tuple[str, str], str]) -> str:
    if entry["verdict"] == CONVERT:
        return _READY
    return tasks.get((entry["file"], entry["function"]), _UNREAD)


def _compare(deeds: Mapping, this: dict, following: dict) -> None:
    """Say of each mapping of THIS tree what upstream did with its function, by DEEDS,
    and how many mappings are in the FOLLOWING one alone."""
    for mapping in this["mappings"]:
        deed = deeds.get((mapping["file"], mapping["function"]), history.GONE)
        mapping["later"] = _LATER[deed]
    known = {(m["file"], m["function"]) for m in this["mappings"]}
    new = [m for m in following["mappings"] if (m["file"], m["function"]) not in known]
    following["fresh"] = len(new)


def _common(tree: Tree, file: str) -> dict:
    parts = PurePath(file).parts
    title, _ = tree.maintainers.closest(file)
    folder = "/".join(parts[:2]) if len(parts) > 2 else parts[0]
    people = "; ".join(tree.maintainers.people(title)) if title else ""
    return {"folder": folder, "maintainer": title or _NONE, "people": people}


def _mapping(tree: Tree, entry: Mapping) -> dict:
    path = entry["file"]
    failing = next((o for o in entry["obligations"] if _bad(o)), None)
    obligations = [
        (o["name"], o["state"], o["evidence"], o["repair"])
        for o in entry["obligations"]
    ]
    shown = {
        **{key: entry[key] for key in ("file", "line", "function", "api", "page")},
        "verdict": entry["verdict"],
        "why": entry["reason"],
        "obligations": obligations,
        "failing": failing["name"] if failing and entry["reason"] else "",
        "next": entry.get("next", ""),
        "proof": _proof(tree, path),
        **_common(tree, path),
    }
    file = tree.files.get(path)
    if file is not None:
        shown |= _code(tree, file, entry)
    return shown


def _bad(obligation: Mapping) -> bool:
    return obligation["state"] in ("fails", "unknown")


def _proof(tree: Tree, path: str) -> list[str]:
    proved = tree.report.get("proved", ())
    return next((entry["by"] for entry in proved if entry["file"] == path), [])


def _code(tree: Tree, file: FileAnalysis, entry: Mapping) -> dict:
    """The lines around a mapping, what happens to its address on them, and what
    becomes of its function."""
    line = entry["line"]
    marks = [*_marks(file, line, entry["column"] - 1)]
    lines = file.outline.text.split("\n")
    seen = [line, *(mark["line"] for mark in marks)]
    span = file.outline.around(line)
    lowest, highest = (span.line, span.end) if span else (1, len(lines))
    first = max(lowest, min(seen) - _AROUND, line - MOST_LINES)
    last = min(highest, max(seen) + _AROUND, first + MOST_LINES)
    code = {"first": first, "lines": lines[first - 1 : last]}
    outcome = tree.outcomes.get(file.path)
    edit = _edit(outcome, (lowest, highest)) if outcome else []
    return {"code": code, "marks": marks, "edit": edit}


def _marks(file: FileAnalysis, line: int, column: int) -> Iterable[dict]:
    for verdict in file.verdicts:
        for certificate in verdict.certificates:
            mapping = certificate.mapping
            if (mapping.line, mapping.column) == (line, column):
                yield from events.marks(certificate)


def _edit(outcome: Outcome, span: tuple[int, int]) -> list[str]:
    """The removed and added lines of a file's change that lie in SPAN."""
    if outcome.after == outcome.before:
        return []
    patch = unified(outcome.path, outcome.before, outcome.after, context=1)
    shown: list[str] = []
    inside = False
    for text in patch.decode(errors="replace").split("\n")[3:]:
        if text.startswith("@@"):
            line = int(text.split()[1].lstrip("-").split(",")[0])
            inside = span[0] <= line + 1 <= span[1]
            if inside and shown:
                shown.append("")
        elif text and inside:
            shown.append(text)
    return shown


def _finding(tree: Tree, finding: Finding) -> dict:
    shown = {
        "file": finding.file,
        "line": finding.line,
        "function": finding.function,
        "rule": finding.rule,
        "verdict": finding.severity,
        "why": finding.message,
        "next": finding.remedy,
        **_common(tree, finding.file),
    }
    file = tree.files.get(finding.file)
    if file is not None:
        lines = file.outline.text.split("\n")
        first = max(1, finding.line - 2 * _AROUND)
        shown["code"] = {
            "first": first,
            "lines": lines[first - 1 : finding.line + _AROUND],
        }
    return shown


def _lost(tree: Tree, entry: Mapping) -> dict:
    return {
        **{key: entry[key] for key in ("file", "line", "function")},
        "why": entry["reason"],
        **_common(tree, entry["file"]),
    }
