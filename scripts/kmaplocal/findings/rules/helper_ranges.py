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

# The numbers of the arguments that are a page, an offset in it and a length.
# Source: include/linux/highmem.h of Linux 6.1 and 7.2.
RANGES = {
    "memcpy_to_page": ((0, 1, 3),),
    "memcpy_from_page": ((1, 2, 3),),
    "memset_page": ((0, 1, 3),),
    "memzero_page": ((0, 1, 2),),
    "memcpy_page": ((0, 1, 4), (2, 3, 4)),
    "memmove_page": ((0, 1, 4), (2, 3, 4)),
}
# The number of the argument that is a bio_vec of one page.  Source:
# include/linux/bvec.h of Linux 6.1 and 7.2.
VECTORS = {"memcpy_from_bvec": 1, "memcpy_to_bvec": 0, "memzero_bvec": 0}
_FURTHER = "go page by page, or use the helpers for folios"


def helper_ranges(scene: Scene) -> Iterator[Finding]:
    """Calls of page helpers whose offset and length are not kept to one page."""
    if scene.function.name in {*RANGES, *VECTORS}:
        return
    for call in scene.function.calls(RANGES):
        found = (_beyond(scene, call, *numbers) for numbers in RANGES[call.callee])
        finding = next(filter(None, found), None)
        if finding is not None:
            yield finding
    for call in scene.function.calls(VECTORS):
        vector = call.arguments.get(VECTORS[call.callee])
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
