# SPDX-License-Identifier: GPL-2.0-only
"""Mappings and unmaps that do not pair, or not in order."""

from __future__ import annotations

from kmaplocal.c.text import plain
from kmaplocal.certify.certificate import LIFO, PAIRED, UNKNOWN
from kmaplocal.flow.values import Origin
from kmaplocal.flow.events import Kind
from kmaplocal.knowledge import api
from kmaplocal.steps.kept import Kept


def disordered(kept: Kept) -> str:
    """Unmapped in another order than the reverse of mapping."""
    bad = kept.bad(LIFO)
    if bad is None:
        return ""
    pairs = [p for p in kept.trace.disordered if kept.site.number in p]
    if not pairs:
        return f"unmap before line {bad.line}, where {bad.evidence}"
    first, later = pairs[0]
    if first == later:
        return f"walk backwards where line {bad.line} unmaps: the last mapped is first"
    what = plain(kept.trace.told(later))
    if {first, later} <= {n for n, _ in _reversed(kept)}:
        return f"unmap both and map both again, {what} last: the order is in the data"
    return f"unmap {what}, which was mapped last, before line {bad.line}"


def _reversed(kept: Kept) -> set[tuple[Origin, Origin]]:
    """Mappings that are nested one way and the other."""
    nested = kept.trace.nested
    return {pair for pair in nested if (pair[1], pair[0]) in nested}


def again(kept: Kept) -> str:
    """Mapped again before the unmap."""
    found = kept.uses(Kind.MAPPED_AGAIN)
    if not found:
        return ""
    if kept.unmaps:
        return (
            "end the mapping before the page of the next turn is mapped: the unmap"
            " and the map call under one condition, the unmap first"
        )
    return f"vmap() the pages, or unmap {kept.page} before the next turn maps"


def left(kept: Kept) -> str:
    """A way out with the page still mapped, where others unmap it."""
    if not kept.unmaps or not _is_left(kept):
        return ""
    lines = sorted({use.detail for use in kept.uses(Kind.LEAKED)}, key=int)
    ways = f"line {lines[0]} leaves" if len(lines) == 1 else "each of the lines "
    if len(lines) > 1:
        ways += f"{', '.join(lines)} leaves"
    return (
        f"call {kept.site.api.ends}() before {ways}; where nothing is mapped there, map"
        " and unmap under one condition"
    )


def _is_left(kept: Kept) -> bool:
    bad = kept.bad(PAIRED)
    told = bad is not None and not bad.evidence.startswith("unmapped by")
    return told and kept.leaks


def left_to(kept: Kept) -> str:
    """A mapping that no path of the function ends, and another function does."""
    put = kept.partner() if not kept.unmaps and _is_left(kept) else ""
    return (
        f"convert {kept.name}() and {put}(), which unmaps, in one change" if put else ""
    )


def of_its_own(kept: Kept) -> str:
    """Where the function unmaps something, but nothing tells that it is this."""
    if kept.unmaps or not _is_left(kept):
        return ""
    ends = kept.site.api.ends
    for unmap in kept.function.calls(api.ALL):
        if unmap.callee == ends:
            what = f"what {ends}() of line {unmap.start[0]} unmaps may be another page"
            return f"keep the address in a variable of its own: {what}"
    for unmap in kept.function.calls(api.UNMAPS):
        return f"unmap by {ends}(), not {unmap.callee}() (line {unmap.start[0]})"
    return f"find who unmaps {kept.page}, and convert both in one change"


def by_callee(kept: Kept) -> str:
    """Unmapped, it may be, by a callee that finds the page by itself."""
    bad = kept.bad(PAIRED)
    for call in kept.trace.during(kept.site.number):
        if bad is not None and call.start[0] == bad.line:
            ender = kept.analysis.knowledge.ender(call)
            if ender:
                return (
                    f"give {ender}() the address that it is to unmap, and convert"
                    " both in one change"
                )
    return ""


def wrong(kept: Kept) -> str:
    """Used after the unmap, unmapped twice, or by another kind of call."""
    bad = kept.bad(PAIRED)
    if bad is None:
        return ""
    for use in kept.uses(Kind.AFTER_UNMAP):
        what, line = plain(use.place.text), use.place.start[0]
        return (
            f"unmap after line {line}, or split the paths: {what} comes after the"
            " unmap on one of them"
        )
    why = f"line {bad.line}: {plain(bad.evidence)}"
    if bad.state == UNKNOWN:
        return f"unmap by a variable of its own: {why}"
    return f"first put right what is wrong today: {why}"
