# SPDX-License-Identifier: GPL-2.0-only
"""What a person is to read, where a function as a whole is kept."""

from __future__ import annotations

from kmaplocal.c.text import plain
from kmaplocal.certify.analysis import FileAnalysis
from kmaplocal.certify.certificate import PAIRED, Doubt, Verdict
from kmaplocal.certify.doubts import COMMENT, LEAVING, MACRO, SYNTAX, WITHIN
from kmaplocal.steps.task import Step, Task
from kmaplocal.steps.unmapping import Unmapping
from kmaplocal.certify.wrappers import TOGETHER


def of_function(file: FileAnalysis, verdict: Verdict, unmapping: Unmapping) -> Step:
    """The step for a function by the first of its reasons to be kept."""
    first = verdict.reasons()[0]
    maps = unmapping.mappers(file.path, verdict.function, first.line)
    if first.obligation == PAIRED and maps:
        names = " and ".join(f"{name}()" for name in maps)
        text = f"convert it with {names}, whose mapping line {first.line} ends"
        return Step(Task.ENDS, text)
    if first.reason.startswith(TOGETHER):
        other = first.reason.removeprefix(TOGETHER)
        return Step(Task.TOGETHER, f"what it is converted with comes first: {other}")
    text = _to_read(verdict.function, first)
    if not text and first.obligation == PAIRED:
        where = f"line {first.line}: {plain(first.reason)}"
        return Step(Task.ENDS, f"convert it with what maps: {where}")
    return Step(Task.PERSON, text or f"with line {first.line}: {plain(first.reason)}")


def _to_read(function: str, doubt: Doubt) -> str:
    line = f"line {doubt.line}"
    if doubt.reason.startswith(COMMENT):
        return (
            f"see whether the comment of {line} still holds; then rename, and reword it"
        )
    if doubt.reason == WITHIN:
        return f"make kunmap() of {line} a statement of its own: kunmap_local() is one"
    if LEAVING in doubt.reason:
        macro = doubt.reason.split(LEAVING, maxsplit=1)[0].strip()
        return f"see that {macro} of {line} leaves nothing mapped, or write it out"
    if doubt.reason.startswith(MACRO):
        users = doubt.reason.removeprefix(MACRO).removeprefix(": ")
        whom = f" ({users})" if users else ""
        return (
            f"make {function}() an inline function, or convert it with its users{whom}"
        )
    if doubt.obligation == SYNTAX:
        return f"read {line} of {function}(): {plain(doubt.reason)}"
    return ""
