# SPDX-License-Identifier: GPL-2.0-only
"""Pages that are named by their bio_vec: what is called for a bio_vec instead.

    kmap(bv.bv_page) + bv.bv_offset                           bvec_kmap_local(&bv)
    memcpy_from_page(to, bv.bv_page, bv.bv_offset, bv.bv_len) memcpy_from_bvec(to, &bv)

Source: include/linux/bvec.h of Linux 5.15, which wants a bio_vec of one page: that is
for the bounds to show.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from kmaplocal.bounds.segments import LENGTH, OFFSET, PAGE, STRUCT
from kmaplocal.c.places import base_type, scale_of
from kmaplocal.c.syntax import Expr, Function
from kmaplocal.knowledge import functions

MAP = "bvec_kmap_local"
# By the helper for a part of a page, the one for all of a bio_vec.
_HELPERS = {
    "memcpy_to_page": "memcpy_to_bvec",
    "memcpy_from_page": "memcpy_from_bvec",
    "memzero_page": "memzero_bvec",
}


def vector_of(page: Expr | None, function: Function) -> Expr | None:
    """The bio_vec that PAGE is a member of, where that is a variable."""
    node = page.bare() if page is not None else None
    if node is None or node.kind != "member" or node.label != PAGE:
        return None
    vector = node.children[0].bare()
    variable = function.variables.get(vector.text)
    words = base_type(variable.type).split() if variable else []
    constant = variable is not None and "const" in variable.type.split()
    pointer = ["*"] if node.op == "->" else []
    return vector if words == [*STRUCT.split(), *pointer] and not constant else None


def given(page: Expr, vector: Expr) -> str:
    """How VECTOR, of which PAGE is a member, is given to a helper."""
    return f"{'' if page.bare().op == '->' else '&'}{vector.text}"


def helper(
    name: str,
    page: Expr,
    arguments: Sequence[str],
    function: Function,
    known: Collection[str] | None,
) -> str:
    """The call of the helper for the bio_vec of PAGE instead of NAME with ARGUMENTS,
    which are all of the bio_vec; "" where there is none among those that are KNOWN
    (None: all are)."""
    vector, instead = vector_of(page, function), _HELPERS.get(name, "")
    if vector is None or not instead or not (known is None or instead in known):
        return ""
    (part,) = functions.of(name).ranges
    wanted = {
        number: f"{vector.text}{page.bare().op}{label}"
        for number, label in ((part.offset, OFFSET), (part.length, LENGTH))
    }
    if any("".join(arguments[n].split()) != text for n, text in wanted.items()):
        return ""
    left = [
        given(page, vector) if number == part.page else text
        for number, text in enumerate(arguments)
        if number not in wanted
    ]
    return f"{instead}({', '.join(left)})"


def mapped(call: Expr, function: Function) -> str:
    """What becomes of `map(bv.bv_page) + bv.bv_offset` around the map CALL; "" where
    that is not what CALL stands in."""
    page, added = call.arguments.get(0), added_to(call)
    vector = vector_of(page, function)
    if page is None or vector is None or added is None:
        return ""
    first, offset = added.children
    if offset.kind != "member" or (first is not call and scale_of(first.op) != 1):
        return ""
    told = (offset.children[0].text, offset.op, offset.label)
    wanted = (vector.text, page.bare().op, OFFSET)
    return f"{MAP}({given(page, vector)})" if told == wanted else ""


def added_to(call: Expr) -> Expr | None:
    """The sum `call() + n`, or `(T *)call() + n`, of which CALL is the first part."""
    cast = call.parent
    first = cast if cast is not None and cast.kind == "cast" else call
    added = first.parent
    if added is None or (added.kind, added.op) != ("binary", "+"):
        return None
    return added if added.children[0] is first else None
