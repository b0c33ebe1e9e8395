# SPDX-License-Identifier: GPL-2.0-only
"""The report as text for people: by folder, a line a mapping, totals at the end."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import PurePath

from kmaplocal.names import line, quoted
from kmaplocal.reasons import short
from kmaplocal.certify.certificate import NOT_ANALYSED


def as_text(found: dict) -> str:
    """A report (see report.py) as text; it ends with a line of totals or more."""
    folders: dict[str, list[tuple[tuple, str]]] = defaultdict(list)
    for kind, line_of in _LINES.items():
        for entry in found[kind]:
            place = (entry["file"], entry["line"], entry.get("column", 0))
            folder = str(PurePath(entry["file"]).parent)
            told = [line(line_of(entry))]
            if entry.get("next"):
                told.append(line(f"    next: {entry['next']}"))
            folders[folder].append((place, "\n".join(told)))
    verdicts: dict[str, Counter] = defaultdict(Counter)
    for mapping in found["mappings"]:
        folder = str(PurePath(mapping["file"]).parent)
        verdicts[folder][mapping["verdict"]] += 1
    lines = []
    for folder in sorted(folders):
        lines.append(
            f"{quoted(folder)}/: {_tally(verdicts[folder])}".removesuffix(": ")
        )
        lines += [line for _place, line in sorted(folders[folder])] + [""]
    proved = [_proved(entry) for entry in found.get("proved", ())]
    lines += [*proved, ""] if proved else []
    return "\n".join(lines + totals(found)) + "\n"


def totals(found: dict) -> list[str]:
    """The closing lines: obligations that do not hold, functions, mappings."""
    counts = found["totals"]
    states = counts["obligations"]
    lines = [f"{name}: {_tally(found)}" for name, found in states.items()]
    functions, mappings = counts["functions"], counts["mappings"]
    lines.append(f"{sum(functions.values())} functions: {_tally(functions, True)}")
    lines.append(f"{counts['macros']} macros, {counts['findings']} findings")
    lines.append(
        f"{sum(mappings.values())} mappings in {counts['files']} files:"
        f" {_tally(mappings, True)}"
    )
    return lines


def _tally(counts: Mapping[str, int], every: bool = False) -> str:
    shown = [f"{n} {name}" for name, n in sorted(counts.items()) if n or every]
    return ", ".join(shown)


def _mapping(entry: dict) -> str:
    call = f"{entry['function']} {entry['api']}({entry['page']})"
    reason = f": {short(entry['reason'])}" if entry["reason"] else ""
    return f"{_place(entry)} {call} {entry['verdict']}{reason}"


def _finding(entry: dict) -> str:
    why = f"{entry['obligation']}: {entry['reason']}"
    return f"{_place(entry)} {entry['function']} finding: {why}"


def _lost(entry: dict) -> str:
    place = f"{quoted(entry['file'])}:{entry['line']}"
    return f"{place} {entry['function']} {NOT_ANALYSED}: {entry['reason']}"


def _proved(entry: dict) -> str:
    return f"{quoted(entry['file'])} proved by: {', '.join(entry['by'])}"


def _place(entry: dict) -> str:
    return f"{quoted(entry['file'])}:{entry['line']}:{entry['column']}"


_LINES = {"mappings": _mapping, "findings": _finding, "not_analysed": _lost}
