# SPDX-License-Identifier: GPL-2.0-only
"""bio_vecs that were cut to pages: bv_offset + bv_len is at most PAGE_SIZE in them.

Source: bvec_iter_bvec() in include/linux/bvec.h, which bio_for_each_segment() and its
like set their bio_vec to in each turn.
"""

from __future__ import annotations

from kmaplocal.c.dominance import Place
from kmaplocal.c.places import base_type
from kmaplocal.c.reaching import Change, Reaching
from kmaplocal.c.syntax import Expr, Function, Stmt
from kmaplocal.knowledge import functions

PAGE, OFFSET, LENGTH = "bv_page", "bv_offset", "bv_len"
STRUCT = "struct bio_vec"


def cut(vector: Expr, place: Place, reaching: Reaching) -> bool:
    """Whether VECTOR is a local bio_vec that is cut to a page at PLACE, and that
    nothing in the function writes a member of, or takes the address of."""
    name = vector.bare().text
    variable = reaching.function.variables.get(name)
    if variable is None or base_type(variable.type) != STRUCT:
        return False
    if not reaching.local(name) or _written(name, reaching.function):
        return False
    found = reaching.definition(name, place)
    if found and not found[1].loose:
        return _cuts(found[0].bare().callee, reaching)
    loops = [s for s in reaching.function.statements() if _sets(s, name)]
    around = [s for s in loops if any(child.holds(place) for child in s.children)]
    return (
        bool(around)
        and _cuts(around[-1].text.split()[0], reaching)
        and all(
            _of_header(change, around[-1]) for change in reaching.changes.get(name, ())
        )
    )


def sibling(member: Expr, function: Function) -> Expr | None:
    """bv_len where MEMBER is bv_offset of the same bio_vec, or the reverse; None where
    FUNCTION does not speak of it."""
    label = LENGTH if member.label == OFFSET else OFFSET
    vector = member.children[0].text
    return next(
        (
            e
            for e in function.exprs
            if e.label == label and e.children[0].text == vector
        ),
        None,
    )


def _cuts(name: str, reaching: Reaching) -> bool:
    return functions.of(name).cuts and name not in reaching.macros


def _sets(loop: Stmt, name: str) -> bool:
    """Whether LOOP is an iterator's that sets the variable NAME in each turn."""
    return (
        loop.kind == "iterator"
        and loop.exprs[:1] != []
        and (loop.exprs[0].bare().text == name)
    )


def _of_header(change: Change, loop: Stmt) -> bool:
    """Whether a CHANGE is made by the header of LOOP, or outside of it."""
    return not any(child.holds(change.place) for child in loop.children)


def _written(name: str, function: Function) -> bool:
    """Whether a member of the variable NAME is assigned to, or stepped."""
    targets = (
        node.children[0].bare()
        for node in function.exprs
        if node.kind in ("assign", "postfix") or node.op in ("++", "--")
    )
    return any(
        t.kind == "member" and t.children[0].bare().text == name for t in targets
    )
