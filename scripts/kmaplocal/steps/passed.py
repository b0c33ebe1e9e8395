# SPDX-License-Identifier: GPL-2.0-only
"""Addresses that a callee is given and may keep."""

from __future__ import annotations

from kmaplocal.c.text import plain
from kmaplocal.flow.events import Root
from kmaplocal.flow.events import Kind
from kmaplocal.knowledge import functions
from kmaplocal.knowledge.row import DIRECT_MAP
from kmaplocal.steps.kept import Kept


def translated(kept: Kept) -> str:
    """The direct map is asked about the address."""
    found = kept.root(Kind.ESCAPES)
    if found is None or functions.of(found[1].name).hands != DIRECT_MAP:
        return ""
    how = functions.of(found[1].name).how
    who = found[0].place.callee or "the callee"
    return f"give {who}() the page and the offset: {how}, which is for lowmem alone"


def handed(kept: Kept) -> str:
    """Another context is given the address."""
    found = kept.root(Kind.ESCAPES)
    if found is None:
        return ""
    root = found[1]
    last = root.name if root.what == "handed" else root.onto
    how = functions.of(last).how if functions.of(last).hands else ""
    if not how:
        return ""
    who = found[0].place.callee or last
    return f"give {who}() the page and map it where it is used: {how}"


def called(kept: Kept) -> str:
    """A callee stores the address where it may be read later."""
    found = kept.root(Kind.ESCAPES)
    if found is None:
        return ""
    use, root = found
    done = f"{use.place.callee}() returns" if use.place.callee else "the callee returns"
    place = f" ({root.where})" if root.where else ""
    if root.onto:
        held = plain(root.name)
        done = f"when {done}, and reads it in this thread alone"
        first = f"see that {root.onto}() is done with {held}{place} {done}"
    elif root.what == "stored":
        first = f"see that nothing reads {plain(root.name)}{place} when {done}"
    elif root.what == "address-taken":
        taken = f"the address of {root.name}, which {root.function}() takes{place}"
        first = f"see that nobody keeps {taken}"
    else:
        first = f"see that nothing reads what {root.name}() stores{place} when {done}"
    return f"{first}; then {kept.renamed} will do"


def taken(kept: Kept) -> str:
    """A variable that holds the address, and whose own address is taken, or that a
    callee stores the address in."""
    for use in kept.uses(Kind.ADDRESS_TAKEN, Kind.STORED):
        what = plain(use.detail.split(",")[0])
        line = use.place.start[0]
        return (
            f"see that nothing reads {what} after the unmap, which line {line} lets"
            f" others do; then {kept.renamed} will do"
        )
    for use in kept.uses(Kind.OPAQUE):
        return f"read line {use.place.start[0]} and see that it keeps no address there"
    return ""


def by_reference(kept: Kept) -> str:
    """A structure of this function that keeps the address, and is given on to what is
    not known, until this function unmaps."""
    found = kept.root(Kind.UNKNOWN)
    passed = found is not None and found[1].what in ("stored", "maps")
    passed = passed and found is not None and not found[1].function
    return unread(kept) if passed and kept.unmaps else ""


def unread(kept: Kept) -> str:
    """What could not be read of a callee."""
    found = kept.root(Kind.UNKNOWN)
    if found is None:
        return ""
    use, root = found
    first = _read(root)
    if root.what == "far" and use.place.callee not in ("", root.name):
        first = (
            f"see that {use.place.callee}() is done with the address when it returns,"
            " and uses it in this thread alone: it was followed as far as"
            f" {root.name}()"
        )
    return f"{first}; then {kept.renamed} will do" if first else ""


def _read(root: Root) -> str:
    place = f" ({root.where})" if root.where else ""
    if root.what == "relies":
        return (
            f"see that {root.name}() does not count on page faults or preemption being"
            " off, or disable them by name around the call"
        )
    if root.what == "pointer":
        who = f"the function pointer {root.name}" if root.name else "a function pointer"
        through = f" of {root.function}()" if root.function else ""
        return f"see that nothing behind {who}{through}{place} keeps the address"
    if root.what == "maps":
        return (
            f"see that {root.name}(), which is called back while the page is mapped,"
            " leaves nothing mapped and unmaps nothing that was mapped before it, or"
            " map the page in there"
        )
    if root.what == "far":
        return (
            f"follow the address on into {root.name}(), and see that nothing keeps it"
        )
    if root.what == "variable":
        return f"see that {root.name}() only prints it, or take it out of the message"
    if root.what == "stored":
        whom = f" by {root.onto}()" if root.onto else ""
        held = f"{plain(root.name)} is not kept{whom}{place}"
        return f"see that {held}, and read in this thread alone"
    who = root.name if root.what == "unread" else root.function
    return f"read {who}(){place} and see that it keeps no address"
