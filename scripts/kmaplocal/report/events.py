# SPDX-License-Identifier: GPL-2.0-only
"""What happens to a mapping, line by line, in the words of a reader."""

from __future__ import annotations

from kmaplocal.certify.obligations import Judge
from kmaplocal.flow.events import End, Kind
from kmaplocal.flow.trace import Site

_WORDS = {
    Kind.ACCESS: "is read or written",
    Kind.MOVED: "moves on",
    Kind.STORED: "is stored in {}",
    Kind.RETURNED: "is returned",
    Kind.ADDRESS_TAKEN: "the address of {} is taken",
    Kind.ESCAPES: "{}",
    Kind.UNKNOWN: "{}",
    Kind.OPAQUE: "used in a way not understood: {}",
    Kind.AFTER_UNMAP: "used after the unmap",
    Kind.DANGLING: "used after the unmap, through another variable",
    Kind.LEAKED: "still mapped where the function is left",
    Kind.MAPPED_AGAIN: "mapped again while still mapped",
    Kind.PAGE_ADDRESS: "page_address() relies on the mapping",
    Kind.POINTER: "{}",
}


def marks(judge: Judge, site: Site) -> list[dict]:
    """The lines on which something happens to the mapping SITE, in order, each with
    what: [{"line": 12, "text": "mapped"}, ...]."""
    found: dict[int, dict[str, None]] = {}

    def add(line: int, text: str) -> None:
        found.setdefault(line, {}).setdefault(text)

    add(site.call.start[0], f"mapped by {site.name}()")
    for use in judge.trace.of(site.number):
        if use.kind in _WORDS:
            add(use.place.start[0], _WORDS[use.kind].format(use.detail))
    for unmap in judge.trace.unmaps_of(site.number):
        again = End(site.number, Kind.TWICE) in judge.trace.unmaps[unmap]
        add(unmap.start[0], "unmapped, again on a path" if again else "unmapped")
    return [{"line": n, "text": "; ".join(found[n])} for n in sorted(found)]
