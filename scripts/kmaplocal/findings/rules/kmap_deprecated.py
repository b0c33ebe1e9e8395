# SPDX-License-Identifier: GPL-2.0-only
"""Functions that call kmap() or kmap_atomic(): kmap-deprecated.

What to do about one is what `make apply` makes of it, from the same analysis.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from kmaplocal.findings.finding import CONVERTED, WARNING, Finding, Rule
from kmaplocal.certify.analysis import FileAnalysis
from kmaplocal.certify.certificate import CONVERT, Verdict
from kmaplocal.knowledge import api
from kmaplocal.c.oldcalls import old_calls
from kmaplocal.reasons import short
from kmaplocal.steps.steps import Steps

RULE = Rule("kmap-deprecated", WARNING, "kmap() or kmap_atomic() in new code")


class _Call(NamedTuple):
    line: int
    column: int
    name: str


def find_in_file(file: FileAnalysis, applied: FileAnalysis | None) -> Iterator[Finding]:
    """A finding a function of FILE that calls old functions, macros too: read from
    tokens, so that what spatch cannot parse has its finding as well.

    APPLIED is the file as apply sees it; None where that is not known."""
    calls: dict[tuple[str, int], list[_Call]] = defaultdict(list)
    for call in old_calls(file.outline):
        home = (call.span.name, call.span.line) if call.span else ("", call.line)
        calls[home].append(_Call(call.line, call.column, call.name))
    for macro in file.outline.macros_holding(api.OLD):
        names = [word for word in macro.words if word in api.OLD]
        calls[macro.name, macro.line] += [_Call(macro.line, 0, n) for n in names]
    for (function, line), found in calls.items():
        if function not in api.ALL:
            found_here = _finding(file.path, function, found, _advice(applied, line))
            yield replace(found_here, reason=_whole(applied, line))


def _whole(applied: FileAnalysis | None, line: int) -> str:
    """The whole reason why apply keeps the function that begins at LINE; "" where it
    does not, or that is not known."""
    verdicts = applied.verdicts if applied else ()
    verdict = next((v for v in verdicts if v.line == line), None)
    kept = verdict is not None and verdict.verdict != CONVERT
    return _reason(verdict) if verdict and kept else ""


def _finding(file: str, function: str, calls: list[_Call], advice: str) -> Finding:
    names = list(dict.fromkeys(f"{call.name}()" for call in calls))
    lines = sorted({call.line for call in calls})
    said = f"{' and '.join(names)} {'are' if len(names) > 1 else 'is'} deprecated"
    if len(lines) > 1:
        said += f" (lines {', '.join(map(str, lines))})"
    first = min(calls)
    where = (file, first.line, first.column + 1, RULE.id, RULE.severity, function)
    return Finding(*where, said, advice, also=tuple(lines[1:]))


def _advice(applied: FileAnalysis | None, line: int) -> str:
    """What is to be done about the function that begins at LINE."""
    if applied is None:
        return "use kmap_local_page(), or a helper such as memcpy_to_page()"
    lost = next((x for x in applied.lost if x.line in (line, 1)), None)
    if lost is not None:
        return f"make apply cannot read it: {short(lost.reason)}"
    verdict = next((v for v in applied.verdicts if v.line == line), None)
    if verdict is None:
        return "use kmap_local_page(): make apply has no say in it"
    if verdict.verdict == CONVERT:
        return CONVERTED
    step = Steps([applied]).of_function(applied, verdict)
    assert step, "what is not converted has a next step"
    return f"make apply keeps it: {short(_reason(verdict))}; next: {step.text}"


def _reason(verdict: Verdict) -> str:
    """Why a function is kept, that which fails before that which is not known."""
    bad = [c.failing for c in verdict.certificates if c.failing]
    first = verdict.reasons()[0]
    if bad and bad[0].line:
        return f"{bad[0].name}: line {bad[0].line}: {bad[0].evidence}"
    return f"{first.obligation}: line {first.line}: {first.reason}"
