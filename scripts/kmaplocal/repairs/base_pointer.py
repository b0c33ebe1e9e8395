# SPDX-License-Identifier: GPL-2.0-only
"""A variable of its own for the address of a mapping whose cursor moves on.

kunmap() is given the page and never minds where the cursor is; kunmap_local()
wants an address in the page.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from kmaplocal.knowledge import api
from kmaplocal.c.places import Places, changes, names_in
from kmaplocal.flow.trace import Site, Trace
from kmaplocal.repairs.repair import BasePointer
from kmaplocal.c.syntax import Expr, Function, Stmt

# What evaluates all its operands, and once.
_ALWAYS = ("paren", "cast", "binary", "unary", "call", "index", "member", "assign")
_LAZY = ("&&", "||", "&")  # `a & b` is not worth to be told from `&a`
NAMES = ("base", "kaddr", "vaddr", "mapped")
NEW = "void *"  # how one is declared


def sharing(trace: Trace, site: Site) -> list[Site]:
    """SITE, with the mappings that its unmaps end on other paths, and so on."""
    found = [site]
    for each in found:
        ended = (
            s for unmap in trace.unmaps_of(each.number) for s in trace.ended(unmap)
        )
        found += [other for other in dict.fromkeys(ended) if other not in found]
    return sorted(found, key=lambda each: each.call.start)


def base_pointers(
    function: Function,
    trace: Trace,
    calls: Mapping[Site, Expr],
    others: Mapping[int, BasePointer],
    branches: Sequence[tuple[int, int]],
) -> dict[int, BasePointer]:
    """A variable for the address of the mappings that CALLS begin, by the map call,
    beside those of OTHERS: one for all where they share their unmaps, one of them alive
    at a time.  {} when one of CALLS is neither in a plain assignment nor evaluated
    whenever its statement is, or when no block around all of it has room for one.
    BRANCHES: the first and last line of each branch of an #if."""
    sites = list(calls)
    unmaps = list(dict.fromkeys(u for s in sites for u in trace.unmaps_of(s.number)))
    found = [_beginning(function, site, call) for site, call in calls.items()]
    begins = [stmt for stmt in found if stmt is not None]
    if not unmaps or len(begins) < len(sites):
        return {}
    if not _apart(trace, sites, unmaps) or any(map(_declares, begins[1:])):
        return {}
    first, ends = begins[0], [*unmaps, *calls.values()]
    if _declares(first) and first.parent and not _encloses(first.parent, ends):
        return {}
    rooms = _declarations(function, begins, ends, branches)
    rooms = rooms or _openings(function, begins, ends, branches)
    beside = _beside(trace, sites, others)
    name, home, shared = _variable(Places(function), first, rooms, others, beside)
    if not name:
        return {}
    declared = home is not None and _declares(home)
    after, ahead = (home, None) if declared else (None, home)
    bases = [
        BasePointer(name, after, call, shared, ahead=ahead) for call in calls.values()
    ]
    bases[1:] = [
        replace(base, after=None, ahead=None, shared=True) for base in bases[1:]
    ]
    return {site.number: base for site, base in zip(sites, bases)}


def _variable(
    places: Places,
    begin: Stmt,
    rooms: Sequence[Stmt],
    others: Mapping[int, BasePointer],
    beside: Collection[str],
) -> tuple[str, Stmt | None, bool]:
    """The name of a variable for what BEGIN maps; the declaration, of ROOMS, behind
    which it is to be declared, or the statement before which, None for BEGIN itself;
    and whether it is that of one of OTHERS, declared already.  "" where there is
    none."""
    if _declares(begin):
        return _free_name(places, begin.parent, others, beside), None, False
    for other in others.values():
        if other.home in rooms and other.name not in beside:
            return other.name, None, True
    after = next(iter(rooms), None)
    name = _free_name(places, after.parent, others, beside) if after else ""
    return name, after, False


def _beginning(function: Function, site: Site, call: Expr) -> Stmt | None:
    """The statement in which CALL maps SITE, where that can be in one before it."""
    places = Places(function)
    begin = places.statement(call)
    if begin is None or not places.in_block(begin):
        return None
    plain = _plain(begin, call) or _is_evaluated(begin, call)
    return begin if plain and site.name in ("kmap", "kmap_atomic") else None


def _apart(trace: Trace, sites: Sequence[Site], unmaps: Sequence[Expr]) -> bool:
    """Whether UNMAPS end nothing but SITES, of which no two are alive at a time."""
    numbers = {site.number for site in sites}
    fine = all(
        end.fine and end.site in numbers for u in unmaps for end in trace.unmaps[u]
    )
    return fine and not any({*pair} <= numbers for pair in trace.nested)


def _declares(begin: Stmt) -> bool:
    return begin.kind == "declaration"


def _plain(stmt: Stmt, call: Expr) -> bool:
    """Whether the statement is `v = map(page) + offset;`, with a cast or without an
    offset, or the one declaration `T v = map(page) + offset;`."""
    if len(stmt.exprs) != 1:
        return False
    value = stmt.exprs[0]
    if stmt.kind == "expression" and value.kind == "assign" and value.op == "=":
        target, value = value.children
        if target.kind != "identifier":
            return False
    elif stmt.kind != "declaration" or len(stmt.variables) != 1:
        return False
    while value.kind in ("paren", "cast", "binary"):
        if value.kind == "binary" and value.op not in ("+", "-"):
            return False
        value = value.children[-1 if value.kind == "cast" else 0]
    return value is call


def _is_evaluated(stmt: Stmt, call: Expr) -> bool:
    """Whether the map CALL can be made before STMT: it is evaluated whenever that is,
    nothing else in STMT changes what its page is, and what the call steps itself, as
    in `kmap(*++p)`, is nowhere else in STMT."""
    one = stmt.kind == "expression" or (
        stmt.kind == "declaration" and len(stmt.variables) == 1
    )
    if not one or len(stmt.exprs) != 1:
        return False
    names = names_in(call.arguments[0]) if call.arguments else set()
    root, node = stmt.exprs[0], call
    while node is not root:
        around = node.parent
        if around is None or around.kind not in _ALWAYS or around.op in _LAZY:
            return False
        node = around
    own = set(call.walk())
    beside = [inner for inner in root.walk() if inner not in own]
    stepped = {name for name in names if any(changes(each, {name}) for each in own)}
    return not any(
        changes(each, names) or (each.kind == "identifier" and each.text in stepped)
        for each in beside
    )


def _beside(
    trace: Trace, sites: Sequence[Site], others: Mapping[int, BasePointer]
) -> set[str]:
    """The names of those of OTHERS whose mapping is alive beside one of SITES."""
    return {
        other.name
        for number, other in others.items()
        for site in sites
        if {(number, site.number), (site.number, number)} & trace.nested
    }


def _free_name(
    places: Places,
    block: Stmt | None,
    others: Mapping[int, BasePointer],
    beside: Collection[str],
) -> str:
    """A name for a variable of BLOCK, None for that of the function: that nothing in
    the function has, that is not of BESIDE, nor that of one of OTHERS which is seen
    in BLOCK or sees it."""
    function = places.function
    used = {e.text for e in function.exprs if e.kind == "identifier"}
    used |= {*function.variables, *beside}
    for other in others.values():
        home = other.home or places.statement(other.call)
        around = home.parent if home else None
        if _within(around, block) or _within(block, around):
            used.add(other.name)
    return next((name for name in NAMES if name not in used), "")


def _within(block: Stmt | None, other: Stmt | None) -> bool:
    """Whether BLOCK is OTHER or in it; None is the block of the function."""
    while block is not None and block is not other:
        block = block.parent
    return block is other


def _declarations(
    function: Function,
    begins: Sequence[Stmt],
    ends: list[Expr],
    branches: Sequence[tuple[int, int]],
) -> list[Stmt]:
    """The declarations before the first map call in the blocks around the mappings
    (their BEGINS and ENDS) that are compiled whenever these are: the innermost block
    first, and its last one."""
    return [
        stmt
        for stmts in _blocks(function, begins[0], ends)
        for stmt in reversed(stmts)
        if stmt.kind == "declaration"
        and stmt.end <= begins[0].start
        and not any(_hidden(stmt, each, branches) for each in begins)
    ]


def _openings(
    function: Function,
    begins: Sequence[Stmt],
    ends: list[Expr],
    branches: Sequence[tuple[int, int]],
) -> list[Stmt]:
    """The first statements of the blocks without a declaration around the mappings
    (their BEGINS and ENDS), the innermost block first: one can come before them."""
    return [
        stmts[0]
        for stmts in _blocks(function, begins[0], ends)
        if not any(map(_declares, stmts))
        and _is_clear(function, stmts[0], begins, branches)
    ]


def _blocks(
    function: Function, begin: Stmt, ends: list[Expr]
) -> Iterator[Sequence[Stmt]]:
    """The statements of each block around BEGIN that holds all ENDS, the innermost
    first; the last are those of the function."""
    block = begin.parent
    while block is not None:
        if block.kind == "compound" and _encloses(block, ends):
            yield block.children
        block = block.parent
    yield function.body


def _is_clear(
    function: Function,
    stmt: Stmt,
    begins: Sequence[Stmt],
    branches: Sequence[tuple[int, int]],
) -> bool:
    """Whether STMT is compiled whenever BEGINS are, and is the first of them, or has
    nothing to be converted."""
    if any(_hidden(stmt, each, branches) for each in begins) or stmt.kind == "label":
        return False
    calls = function.calls(api.OLD)
    return stmt is begins[0] or not any(stmt.holds(call) for call in calls)


def _hidden(stmt: Stmt, begin: Stmt, branches: Sequence[tuple[int, int]]) -> bool:
    """Whether STMT is in a branch of an #if that BEGIN is not in."""
    lines = stmt.start[0], begin.start[0]
    within = [tuple(a < line < b for line in lines) for a, b in branches]
    return (True, False) in within


def _encloses(block: Stmt, exprs: list[Expr]) -> bool:
    return all(block.holds(expr) for expr in exprs)
