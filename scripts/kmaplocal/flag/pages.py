# SPDX-License-Identifier: GPL-2.0-only
"""Accesses and unmaps outside of the mapped page: kmap-off-page."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.flag.finding import NOTE, WARNING, Finding
from kmaplocal.flag.scene import Scene
from kmaplocal.judge.bounds import OUTSIDE, plain
from kmaplocal.judge.offsets import Term, several_pages, terms_of
from kmaplocal.judge.trace import CURSOR, Site, Use
from kmaplocal.read.syntax import Expr, Stmt

RULE = "kmap-off-page"

# Calls that access as much as an argument says: the numbers of addresses and of
# the length.
SIZED = {
    "memcpy": ((0, 1), 2),
    "memmove": ((0, 1), 2),
    "memset": ((0,), 2),
    "memcmp": ((0, 1), 2),
    "memchr_inv": ((0,), 2),
    "copy_to_user": ((1,), 2),
    "copy_from_user": ((0,), 2),
    "__copy_to_user_inatomic": ((1,), 2),
    "__copy_from_user_inatomic": ((0,), 2),
    "copy_to_iter": ((0,), 1),
    "copy_from_iter": ((0,), 1),
    "crc32": ((1,), 2),
    "crc32c": ((1,), 2),
    "crc32_le": ((1,), 2),
    "memcpy_fromio": ((0,), 2),
    "memcpy_toio": ((1,), 2),
    "memzero_explicit": ((0,), 1),
    "get_random_bytes": ((0,), 1),
    "strscpy": ((0,), 2),
    "snprintf": ((0,), 1),
}

# Iterate over entries that may be of many pages.
BVECS = {"bio_for_each_bvec", "bio_for_each_bvec_all", "rq_for_each_bvec"}
VECTOR = "bi_io_vec"
HIGHMEM = ("PageHighMem", "folio_test_highmem")
ENTRIES = {"for_each_sg", "for_each_sgtable_sg", "for_each_sgtable_dma_sg"}


def off_page(scene: Scene) -> Iterator[Finding]:
    """Accesses and unmap arguments that leave the page, as far as can be told."""
    for site in scene.sites:
        found = [
            *_accesses(scene, site),
            *_indexes(scene, site),
            *_entries(scene, site),
            *_highmem_only(scene, site),
        ]
        yield from found
        if not found:
            yield from _unmaps(scene, site)


def _accesses(scene: Scene, site: Site) -> Iterator[Finding]:
    for use in scene.uses(site, "access"):
        if use.expr.callee not in SIZED:
            continue
        numbers, size = SIZED[use.expr.callee]
        length = use.expr.arguments.get(size)
        if length is None:
            continue
        addresses = [use.expr.arguments[n] for n in numbers if n in use.expr.arguments]
        whys = (_beyond(scene, site, a, length, use) for a in addresses)
        why = next(filter(None, whys), "")
        many = several_pages(length, scene.function)
        if why:
            yield _outside(scene, use.expr, why)
            return
        if many is not None and (not many.callee or length.bare() is many):
            yield _many(scene, site, use, many)
            return
        if any(_unbounded(scene, site, a, length) for a in addresses):
            yield _loose(scene, use.expr, length)
            return


def _beyond(scene: Scene, site: Site, address: Expr, length: Expr, use: Use) -> str:
    """Why the bytes from ADDRESS are not all in the page; "" when they may be."""
    terms = _terms(scene, site, address)
    if terms is None:
        return ""
    answer = scene.judge.bounds().fits(terms, length, use.expr)
    return answer.reason if answer.answer == OUTSIDE else ""


def _unbounded(scene: Scene, site: Site, address: Expr, length: Expr) -> bool:
    """Whether bytes from somewhere inside the page go as far as a parameter says
    that nothing in the function limits."""
    name = length.bare().text
    terms = _terms(scene, site, address)
    if not terms or name not in {v.name for v in scene.function.params}:
        return False
    inside = any(_in_page(scene, term[0]) for term in terms if term[0] is not None)
    return inside and not any(
        _limits(node, name) for node in scene.function.exprs if node is not length
    )


def _in_page(scene: Scene, offset: Expr) -> bool:
    """Whether an offset was cut to one page: it can be anywhere in it."""
    node = offset.bare()
    if node.kind == "identifier":
        found = scene.judge.bounds().flow.definition(
            node.text, scene.judge.bounds().flow.place(offset)
        )
        node = found[0].bare() if found else node
    if node.callee == "offset_in_page":
        return True
    words = {n.text for n in node.walk()}
    return node.op in ("&", "%") and bool(words & {"PAGE_MASK", "PAGE_SIZE"})


def _limits(node: Expr, name: str) -> bool:
    """Whether an expression compares NAME, changes it, or computes with it."""
    if node.kind not in ("binary", "assign", "postfix", "unary", "call"):
        return False
    if node.kind == "call" and node.callee in SIZED:
        return False
    operands = node.arguments.values() if node.kind == "call" else node.children
    return any(operand.bare().text == name for operand in operands)


def _loose(scene: Scene, at: Expr, length: Expr) -> Finding:
    message = (
        f"{plain(at.text)} begins inside the page, and nothing here says that"
        f" {plain(length.text)} ends there"
    )
    remedy = "go no further than PAGE_SIZE minus the offset, as memcpy_to_page() checks"
    return scene.finding(RULE, at, message, remedy, NOTE)


def _terms(scene: Scene, site: Site, address: Expr) -> list[Term] | None:
    """How far in the page an address is, as terms of a sum."""
    whole = terms_of(address, site.call.text, scene.function)
    if whole is not None:
        return whole
    if not site.variable:
        return None
    terms = terms_of(address, site.variable, scene.function)
    start = scene.judge.mapped_at(site)
    if terms is None or start is None:
        return None
    return [*start, *terms]


def _outside(scene: Scene, at: Expr, why: str) -> Finding:
    message = f"{plain(at.text)} leaves the mapped page: {why}"
    return scene.finding(RULE, at, message, "split it at the page's end")


def _many(scene: Scene, site: Site, use: Use, size: Expr) -> Finding:
    return scene.finding(
        RULE,
        use.expr,
        f"{plain(use.expr.text)} goes up to {plain(size.text)}, but {site.name}() maps"
        " one page of it",
        "map page by page, or use folio_zero_range(), memcpy_to_folio() and the like",
        WARNING,
    )


def _indexes(scene: Scene, site: Site) -> Iterator[Finding]:
    for use in scene.uses(site, "access"):
        if use.expr.kind == "index" and scene.judge.index_beyond(site, use.expr):
            yield _outside(scene, use.expr, "the index is beyond its end")
            return


# -- entries of many pages ----------------------------------------------------


def _entries(scene: Scene, site: Site) -> Iterator[Finding]:
    """A bio_vec or scatterlist entry that may be of many pages, walked through
    the mapping of its first."""
    for loop in scene.loops(site.call):
        name = loop.text.split()[0]
        if loop.kind != "iterator" or not loop.exprs:
            continue
        if name in BVECS and _is_of(site, loop.exprs[0]):
            yield _walked(scene, site, name, "a bio_vec", "bio_for_each_segment()")
        elif name in ENTRIES and len(loop.exprs) > 1 and _is_of(site, loop.exprs[1]):
            if _whole_entry(scene, site):
                yield _walked(scene, site, name, "an entry", "sg_miter_start()")
    if _vector(scene, site):
        yield _walked(scene, site, VECTOR, "an element", "bio_for_each_segment()")


def _vector(scene: Scene, site: Site) -> bool:
    """Whether the page is that of an element of bi_io_vec, up to whose length an
    access goes: no iterator has cut it to a page."""
    argument = site.call.arguments.get(0)
    if argument is None or not _whole_entry(scene, site, "bv_len"):
        return False
    node = argument.bare()
    while node.kind in ("member", "index", "paren", "unary") and node.label != VECTOR:
        node = node.children[0]
    if node.kind == "identifier":
        flow = scene.judge.bounds().flow
        found = flow.definition(node.text, flow.place(site.call))
        node = found[0] if found else node
    return any(inner.label == VECTOR for inner in node.walk())


def _is_of(site: Site, entry: Expr) -> bool:
    argument = site.call.arguments.get(0)
    words = {n.text for n in argument.walk()} if argument is not None else set()
    return entry.bare().text in words


def _whole_entry(scene: Scene, site: Site, length: str = "length") -> bool:
    """Whether an access goes as far as the entry's length."""
    lengths = [
        use.expr.arguments[SIZED[use.expr.callee][1]]
        for use in scene.uses(site, "access")
        if use.expr.callee in SIZED and SIZED[use.expr.callee][1] in use.expr.arguments
    ]
    return any(a.bare().kind == "member" and a.bare().label == length for a in lengths)


def _walked(scene: Scene, site: Site, loop: str, what: str, better: str) -> Finding:
    source = f"{loop}[]" if loop == VECTOR else f"{loop}()"
    return scene.finding(
        RULE,
        site.call,
        f"{what} of {source} may be of many pages, but {site.name}() maps its first",
        f"go page by page, as {better} does",
        WARNING,
    )


# -- bounds for highmem only ------------------------------------------------------


def _highmem_only(scene: Scene, site: Site) -> Iterator[Finding]:
    """A length that is kept in the page only where the page is of highmem: with
    CONFIG_DEBUG_KMAP_LOCAL_FORCE_MAP, which is for x86, every page is mapped by
    itself."""
    if scene.file.startswith("arch/") and not scene.file.startswith("arch/x86/"):
        return
    for stmt in scene.function.statements():
        if stmt.kind != "if" or not stmt.exprs or not stmt.children:
            continue
        if not any(n.callee in HIGHMEM for n in stmt.exprs[0].walk()):
            continue
        if stmt.start <= site.call.start < stmt.end or not _serves(scene, site, stmt):
            continue
        yield scene.finding(
            RULE,
            site.call,
            f"line {stmt.start[0]} keeps to the page for highmem only, but with"
            f" CONFIG_DEBUG_KMAP_LOCAL_FORCE_MAP {site.name}() maps any page alone",
            "ask folio_test_partial_kmap(), or keep to the page always",
            WARNING,
        )
        return


def _serves(scene: Scene, site: Site, guard: Stmt) -> bool:
    """Whether a length that GUARD cuts at the page's end is one of this mapping's
    accesses."""
    cut = {
        node.children[0].bare().text
        for stmt in guard.children[0].walk()
        for root in stmt.exprs
        for node in root.walk()
        if node.kind == "assign" and node.op == "=" and _speaks_of_pages(node)
    }
    return any(
        argument.bare().text in cut
        for call in scene.trace.during[site.number]
        for argument in call.arguments.values()
    )


def _speaks_of_pages(assign: Expr) -> bool:
    return any(node.text == "PAGE_SIZE" for node in assign.children[1].walk())


# -- unmap arguments ------------------------------------------------------------


def _unmaps(scene: Scene, site: Site) -> Iterator[Finding]:
    for expr in scene.unmaps(site):
        if expr.callee == "kunmap" or 0 not in expr.arguments:
            continue
        value = scene.trace.moved.get(expr)
        if value is None or value.moved != CURSOR:
            if scene.judge.unmap_beyond(site, expr):
                yield _elsewhere(scene, expr, "is in another page", "")
            elif scene.judge.stale(expr):
                why = "takes off what was added, but that changed since"
                yield _elsewhere(scene, expr, why, WARNING)
        elif expr.arguments[0].bare().op != "-" and _moves_far(scene, site):
            why = "was moved and may point behind the page"
            yield _elsewhere(scene, expr, why, WARNING)


def _elsewhere(scene: Scene, expr: Expr, why: str, severity: str) -> Finding:
    return scene.finding(
        RULE,
        expr,
        f"{plain(expr.arguments[0].text)} {why}: {expr.callee}() is to be given an"
        " address in the page it unmaps",
        "keep the address that was mapped, and unmap that",
        severity,
    )


def _moves_far(scene: Scene, site: Site) -> bool:
    """Whether a loop after the mapping moves the address step by step, or it
    moves to the end of what was accessed."""
    around = list(scene.loops(site.call))
    moved = {use.expr.children[0].bare().text for use in scene.uses(site, "moved")}
    for call in scene.function.calls(["offset_in_page"]):
        if moved & {node.text for node in call.walk()}:
            return False  # it knows where the page ends
    return any(
        _past_access(scene, site, use.expr)
        or any(loop not in around for loop in scene.loops(use.expr))
        for use in scene.uses(site, "moved")
    )


def _past_access(scene: Scene, site: Site, move: Expr) -> bool:
    """Whether `p += n` follows an access of n bytes at p."""
    if move.op != "+=":
        return False
    name, step = (child.bare().text for child in move.children)
    for use in scene.uses(site, "access"):
        numbers, size = SIZED.get(use.expr.callee, ((), None))
        length = use.expr.arguments.get(size)
        if length is None or length.bare().text != step or use.expr.start > move.start:
            continue
        if any(use.expr.arguments[n].bare().text == name for n in numbers):
            return True
    return False
