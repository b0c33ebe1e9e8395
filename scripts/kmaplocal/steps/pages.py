# SPDX-License-Identifier: GPL-2.0-only
"""What is mapped besides, asked for elsewhere, or is more than one page."""

from __future__ import annotations

from kmaplocal.c.syntax import Expr
from kmaplocal.c.text import plain
from kmaplocal.certify import aliases
from kmaplocal.certify.certificate import LOCAL, ONE_PAGE, PAIRED
from kmaplocal.flow.events import Kind
from kmaplocal.knowledge import functions
from kmaplocal.steps import passed
from kmaplocal.steps.kept import Kept

_AGAIN = ("vmap", "vm_map_ram")


def mapped_in_turn(kept: Kept) -> str:
    """kmap() of pages that vmap() maps in the same function."""
    again = sorted(kept.called().intersection(_AGAIN))
    if not again or not kept.analysis.pages.dropped(kept.site):
        return ""
    ends = kept.site.api.ends
    return f"delete it and its {ends}(): {again[0]}() maps the same pages"


def asked_for(kept: Kept) -> str:
    """kmap() whose value is dropped, with page_address() in the same function."""
    asked = kept.uses(Kind.PAGE_ADDRESS)
    if not asked:
        return ""
    what, line = plain(asked[0].place.text), asked[0].place.start[0]
    new = f"what kmap_local_page({kept.page}) returns"
    text = f"keep {new}, and use it for {what} of line {line}"
    first = kept.bad(LOCAL) and (passed.called(kept) or passed.unread(kept))
    return f"{text}; before that, {first}" if first else text


def asked_elsewhere(kept: Kept) -> str:
    """kmap() whose value is dropped, with page_address() elsewhere."""
    if not kept.analysis.pages.dropped(kept.site):
        return ""
    return (
        f"take {kept.page} from memory without __GFP_HIGHMEM (mapping_set_gfp_mask()"
        " for a page cache): then page_address() needs no mapping, and this goes"
    )


def asked_by_callee(kept: Kept) -> str:
    """A page that is given to a function which asks page_address() for it."""
    call, _ = kept.analysis.pages.asking(kept.site) or (None, "")
    if call is None:
        return ""
    given = f"{call.callee}()" if call.callee else plain(call.children[0].text)
    new = f"what kmap_local_page({kept.page}) returns"
    return f"give {given} of line {call.start[0]} {new}, beside the page or for it"


def compared(kept: Kept) -> str:
    """An address that is compared with one which may be of the same page."""
    found = aliases.compared(kept.analysis.pages.extents, kept.site)
    event, other = next(found, (None, None))
    if event is None or kept.site.api.atomic:
        return ""
    if event.place.callee and other is not None:
        return f"map {kept.page} once where it is {plain(other.page)} as well"
    line = event.place.start[0]
    return f"compare pages and offsets, not addresses, in line {line}"


def beyond(kept: Kept) -> str:
    """An access that may pass the end of the page."""
    if kept.bad(PAIRED) is not None or kept.bad(ONE_PAGE) is None:
        return ""
    found = next(kept.analysis.pages.extents.beyond(kept.site), None)
    if found is None:
        return ""
    expr = found.access.expr
    by = f"a {_helper(kept, expr)} for each page"
    return f"split {plain(expr.text)} of line {expr.start[0]} at page borders: {by}"


def unnamed(kept: Kept) -> str:
    """A page left mapped on some path as well, whose address nothing holds at the
    unmap: with the address kept, there is no path to tell apart."""
    bad = kept.bad(ONE_PAGE)
    return moved(kept) if bad and kept.uses(Kind.LEAKED) and kept.unmaps else ""


def moved(kept: Kept) -> str:
    """An unmap whose argument may be off the page, or no address at all."""
    bad = kept.bad(ONE_PAGE)
    if bad is None:
        return ""
    new = f"kmap_local_page({kept.page})"
    return f"keep what {new} returns in a variable of its own, and unmap that"


def _helper(kept: Kept, access: Expr) -> str:
    """What makes ACCESS, a call or anything else, for one page."""
    helper = (functions.of(access.callee).helper or (0, ""))[1]
    target = access.arguments.get(0)
    reads = kept.trace.reads(kept.site.number)
    if helper == "memcpy_from_page" and target is not None:
        to_page = any(node in reads for node in target.walk())
        helper = "memcpy_to_page" if to_page else helper
    return f"{helper}()" if helper else "map call"
