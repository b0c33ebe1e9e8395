# SPDX-License-Identifier: GPL-2.0-only
"""Page helpers that are to go on beyond the one page they map: kmap-off-page."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.findings.rules.entries import entry_length, whole_vector
from kmaplocal.findings.finding import ERROR, WARNING, Finding
from kmaplocal.findings.scene import Scene
from kmaplocal.bounds import plain
from kmaplocal.bounds.extents import Access
from kmaplocal.c.syntax import Expr
from kmaplocal.knowledge import functions

RANGES = functions.named(lambda row: row.ranges)
VECTORS = functions.named(lambda row: row.vector is not None)
_FURTHER = "go page by page, or use the helpers for folios"


def helper_ranges(scene: Scene) -> Iterator[Finding]:
    """Calls of page helpers whose offset and length are not kept to one page."""
    if scene.function.name in {*RANGES, *VECTORS}:
        return
    for call in scene.function.calls(RANGES):
        ranges = functions.of(call.callee).ranges
        found = (_beyond(scene, call, *numbers) for numbers in ranges)
        finding = next(filter(None, found), None)
        if finding is not None:
            yield finding
    for call in scene.function.calls(VECTORS):
        number = functions.of(call.callee).vector
        vector = call.arguments.get(number) if number is not None else None
        if vector is not None and whole_vector(scene, vector, call):
            what = f"{plain(vector.text)} may be of many pages"
            yield _finding(scene, call, what, WARNING)


def _beyond(
    scene: Scene, call: Expr, page: int, offset: int, length: int
) -> Finding | None:
    if not {page, offset, length} <= call.arguments.keys():
        return None
    given = call.arguments
    access = Access(call, [(given[offset], 1, 1)], given[length])
    beyond = scene.judge.pages.extents.judged(access)
    if beyond is None:
        found = entry_length(scene, call, given[page], access)
        what = f"nothing here keeps {plain(found.text)} to one page" if found else ""
        return _finding(scene, call, what, WARNING) if found else None
    if beyond.many is None:
        return _finding(scene, call, beyond.why, ERROR)
    return _finding(scene, call, f"it goes up to {plain(beyond.many.text)}", WARNING)


def _finding(scene: Scene, call: Expr, why: str, severity: str) -> Finding:
    message = f"{plain(call.text)}: {why}, but {call.callee}() maps one page"
    return scene.finding(call, message, _FURTHER, severity)
