# SPDX-License-Identifier: GPL-2.0-only
"""What happens to a mapping, line by line, in the words of a reader."""

from __future__ import annotations

from kmaplocal.certify.certificate import Certificate
from kmaplocal.flow.events import UNMAPS, Kind

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


def marks(certificate: Certificate) -> list[dict]:
    """The lines on which something happens to a mapping, in order, each with what:
    [{"line": 12, "text": "mapped"}, ...]."""
    found: dict[int, dict[str, None]] = {}
    mapping, ends = certificate.mapping, dict[int, bool]()

    def add(line: int, text: str) -> None:
        found.setdefault(line, {}).setdefault(text)

    add(mapping.line, f"mapped by {mapping.api}()")
    for event in certificate.events:
        line = event.place.start[0]
        if event.kind in _WORDS:
            add(line, _WORDS[event.kind].format(event.detail))
        elif event.kind in UNMAPS:
            ends[line] = ends.get(line, False) or event.kind is Kind.TWICE
    for line, again in ends.items():
        add(line, "unmapped, again on a path" if again else "unmapped")
    return [{"line": n, "text": "; ".join(found[n])} for n in sorted(found)]
