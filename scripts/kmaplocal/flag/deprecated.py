# SPDX-License-Identifier: GPL-2.0-only
"""Calls of kmap() and kmap_atomic(): kmap-deprecated."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.flag.finding import RULES, Finding
from kmaplocal.knowledge import api
from kmaplocal.read.oldcalls import old_calls
from kmaplocal.read.outline import Outline

RULE = RULES["kmap-deprecated"]


def deprecated(file: str, outline: Outline) -> Iterator[Finding]:
    """The calls of old functions in a file, macros' included: read from tokens,
    so that what spatch cannot parse has its findings too."""
    for call in old_calls(outline):
        function = call.span.name if call.span else ""
        if function not in api.ALL:
            yield _finding(file, call.line, call.column, call.name, function)
    for macro in outline.macros_holding(api.OLD):
        if macro.name not in api.ALL:
            name = next(word for word in macro.words if word in api.OLD)
            yield _finding(file, macro.line, 0, name, macro.name)


def _finding(file: str, line: int, column: int, name: str, function: str) -> Finding:
    new = api.MAPS[name].new if name in api.MAPS else "kunmap_local"
    return Finding(
        file,
        line,
        column + 1,
        RULE.id,
        RULE.severity,
        function,
        f"{name}() is deprecated",
        f"use {new}(); make apply converts what is safe to convert",
    )
