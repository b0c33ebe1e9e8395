# SPDX-License-Identifier: GPL-2.0-only
"""Page helpers that are to go on beyond the one page they map: kmap-off-page."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.findings.rules.entries import entry_length, whole_vector
from kmaplocal.findings.finding import ERROR, WARNING, Finding
from kmaplocal.findings.context import CheckContext
from kmaplocal.bounds import INSIDE, plain
from kmaplocal.bounds.extents import Access
from kmaplocal.c.syntax import Expr
from kmaplocal.knowledge import functions

RANGES = functions.named(lambda row: row.ranges)
VECTORS = functions.named(lambda row: row.vector is not None)
_FURTHER = "go page by page, or use the helpers for folios"


def helper_ranges(context: CheckContext) -> Iterator[Finding]:
    """Calls of page helpers whose offset and length are not kept to one page."""
    if context.function.name in {*RANGES, *VECTORS}:
        return
    for call in context.function.calls(RANGES):
        ranges = functions.of(call.callee).ranges
        found = (_beyond(context, call, *numbers) for numbers in ranges)
        finding = next(filter(None, found), None)
        if finding is not None:
            yield finding
    for call in context.function.calls(VECTORS):
        number = functions.of(call.callee).vector
        vector = call.arguments.get(number) if number is not None else None
        if vector is not None and whole_vector(context, vector, call):
            what = f"{plain(vector.text)} may be of many pages"
            yield _finding(context, call, what, WARNING)


def _beyond(
    context: CheckContext, call: Expr, page: int, offset: int, length: int
) -> Finding | None:
    if not {page, offset, length} <= call.arguments.keys():
        return None
    given = call.arguments
    access = Access(call, [(given[offset], 1, 1)], given[length])
    extents = context.analysis.pages.extents
    beyond = extents.checked(access)
    if beyond is None:
        start, size = given[offset].bare(), given[length].bare()
        inside = extents.bounds.fits([(start, 1, 1)], size, call).answer == INSIDE
        if size.text == "PAGE_SIZE" and start.text.isidentifier() and not inside:
            return _finding(context, call, f"{start.text} may be more than 0", WARNING)
        found = entry_length(context, call, given[page], access)
        what = f"nothing here keeps {plain(found.text)} to one page" if found else ""
        return _finding(context, call, what, WARNING) if found else None
    if beyond.many is None:
        return _finding(context, call, beyond.why, ERROR)
    return _finding(context, call, f"it goes up to {plain(beyond.many.text)}", WARNING)


def _finding(context: CheckContext, call: Expr, why: str, severity: str) -> Finding:
    message = f"{plain(call.text)}: {why}, but {call.callee}() maps one page"
    return context.finding(call, message, _FURTHER, severity)
