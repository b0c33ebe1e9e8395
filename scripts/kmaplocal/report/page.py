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
from kmaplocal.tree.outcome import Outcome
from kmaplocal.report import events
from kmaplocal.series.maintainers import Maintainers

_HERE = Path(__file__).parent
_AROUND = 4
MOST_LINES = 160  # of code, around one mapping
_NONE = "(nobody in particular)"


@dataclass(frozen=True)
class Tree:
    """What is shown of one kernel: its VERSION, the REPORT (report.py), the FILES it
    speaks of, what became of them, the FINDINGS, and who maintains what."""

    version: str
    report: Mapping
    files: Mapping[str, FileAnalysis]
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    maintainers: Maintainers = field(default_factory=lambda: Maintainers(""))


def page(trees: Sequence[Tree], made: str) -> str:
    """The page of TREES, oldest first, MADE by a version of kmaplocal, as HTML."""
    shown = [_tree(tree) for tree in trees]
    for this, following in zip(shown, shown[1:]):
        _compare(this, following)
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
    return {
        "version": tree.version,
        "mappings": [_mapping(tree, each) for each in tree.report["mappings"]],
        "findings": [_finding(tree, each) for each in tree.findings],
        "lost": [_lost(tree, each) for each in tree.report["not_analysed"]],
    }


def _compare(this: dict, following: dict) -> None:
    """Say of each mapping of THIS tree whether its function still maps so in the
    FOLLOWING one."""
    left = {(m["file"], m["function"]) for m in following["mappings"]}
    version = following["version"]
    gone = set()
    for mapping in this["mappings"]:
        key = mapping["file"], mapping["function"]
        still = key in left
        how = "still has old calls" if still else "has none any more"
        mapping["later"] = f"in Linux {version} the function {how}"
        if not still:
            gone.add(key)
    this["gone"] = len(gone)


def _common(tree: Tree, file: str) -> dict:
    parts = PurePath(file).parts
    title, _ = tree.maintainers.closest(file)
    folder = "/".join(parts[:2]) if len(parts) > 2 else parts[0]
    return {"folder": folder, "maintainer": title or _NONE}


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
