# SPDX-License-Identifier: GPL-2.0-only
"""What a person is to read, where a function as a whole is kept."""

from __future__ import annotations

from kmaplocal.c.text import plain
from kmaplocal.certify.analysis import FileAnalysis
from kmaplocal.certify.certificate import PAIRED, Doubt, Verdict
from kmaplocal.certify.doubts import COMMENT, LEAVING, MACRO, SYNTAX, WITHIN
from kmaplocal.steps.unmapping import Unmapping
from kmaplocal.certify.wrappers import TOGETHER


def of_function(file: FileAnalysis, verdict: Verdict, unmapping: Unmapping) -> str:
    """The step for a function by the first of its reasons to be kept."""
    first = verdict.reasons()[0]
    maps = unmapping.mappers(file.path, verdict.function, first.line)
    if first.obligation == PAIRED and maps:
        names = " and ".join(f"{name}()" for name in maps)
        return f"convert it with {names}, whose mapping line {first.line} ends"
    return _step(verdict.function, first)


def _step(function: str, doubt: Doubt) -> str:
    line = f"line {doubt.line}"
    if doubt.reason.startswith(TOGETHER):
        return f"what it is converted with comes first: {doubt.reason[len(TOGETHER):]}"
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
    if doubt.obligation == PAIRED:
        return f"convert it with what maps: {line}: {plain(doubt.reason)}"
    return f"with {line}: {plain(doubt.reason)}"
