# SPDX-License-Identifier: GPL-2.0-only
"""What happens to a mapping, line by line, in the words of a reader."""

from __future__ import annotations

from kmaplocal.certify.obligations import Judge
from kmaplocal.flow.events import Site

_WORDS = {
    "access": "is read or written",
    "moved": "moves on",
    "stored": "is stored in {}",
    "returned": "is returned",
    "address-taken": "the address of {} is taken",
    "escapes": "{}",
    "unknown": "{}",
    "opaque": "used in a way not understood: {}",
    "after-unmap": "used after the unmap",
    "gone": "used after the unmap, through another variable",
    "leaked": "still mapped where the function is left",
    "mapped-again": "mapped again while still mapped",
    "page-address": "page_address() relies on the mapping",
    "pointer": "{}",
}


def marks(judge: Judge, site: Site) -> list[dict]:
    """The lines on which something happens to the mapping SITE, in order, each with
    what: [{"line": 12, "text": "mapped"}, ...]."""
    found: dict[int, dict[str, None]] = {}

    def add(line: int, text: str) -> None:
        found.setdefault(line, {}).setdefault(text)

    add(site.call.start[0], f"mapped by {site.name}()")
    for use in judge.trace.uses:
        if use.site == site.number and use.what in _WORDS:
            add(use.expr.start[0], _WORDS[use.what].format(use.detail))
    for unmap, ends in judge.trace.unmaps.items():
        problems = [problem for number, problem in ends if number == site.number]
        if problems:
            again = "double" in problems
            add(unmap.start[0], "unmapped, again on a path" if again else "unmapped")
    return [{"line": n, "text": "; ".join(found[n])} for n in sorted(found)]
