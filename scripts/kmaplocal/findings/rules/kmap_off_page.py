# SPDX-License-Identifier: GPL-2.0-only
"""Accesses and unmaps outside of the mapped page: kmap-off-page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kmaplocal.findings.finding import ERROR, NOTE, WARNING, Finding, Rule
from kmaplocal.findings.scene import Scene
from kmaplocal.findings.rules.entries import entries
from kmaplocal.findings.rules.helper_ranges import RANGES, VECTORS, helper_ranges
from kmaplocal.bounds import plain
from kmaplocal.certify.certificate import ONE_PAGE
from kmaplocal.knowledge import functions
from kmaplocal.bounds.extents import Access
from kmaplocal.c.places import names_in
from kmaplocal.flow.events import Kind
from kmaplocal.flow.trace import Site
from kmaplocal.flow.values import CURSOR
from kmaplocal.c.syntax import Expr, Stmt

RULE = Rule(
    "kmap-off-page",
    ERROR,
    "an access or unmap outside of the mapped page",
    answered=(ONE_PAGE,),
    of_highmem=True,
)
CALLS = (*RANGES, *VECTORS)

HIGHMEM = ("PageHighMem", "folio_test_highmem")


def find(scene: Scene) -> Iterator[Finding]:
    """Accesses and unmap arguments that leave the page, as far as can be told."""
    yield from _of_sites(scene)
    yield from helper_ranges(scene)


def _of_sites(scene: Scene) -> Iterator[Finding]:
    for site in scene.sites:
        steps = tuple(scene.begun(site))
        for finding in _of_site(scene, site):
            yield finding if finding.steps else replace(finding, steps=steps)


def _of_site(scene: Scene, site: Site) -> Iterator[Finding]:
    for rule in (_accesses, _unlimited, entries, _highmem_only):
        found = list(rule(scene, site))
        yield from found
        if found:
            break
    if not any(f.severity == ERROR for f in found):
        yield from _unmaps(scene, site)


def _accesses(scene: Scene, site: Site) -> Iterator[Finding]:
    found = list(scene.judge.pages.extents.beyond(site))
    certain = [beyond for beyond in found if beyond.many is None]
    if scene.function.calls(("folio_test_partial_kmap", *HIGHMEM)):
        found = certain  # what else it does where the pages follow one another
    for beyond in (certain or found)[:1]:
        if beyond.many is None:
            yield _outside(scene, beyond.access.expr, beyond.why)
        else:
            yield _many(scene, site, beyond.access.expr, beyond.many)


def _unlimited(scene: Scene, site: Site) -> Iterator[Finding]:
    for access in scene.judge.pages.extents.accesses(site):
        if isinstance(access.length, Expr) and _unbounded(scene, access):
            yield _loose(scene, access.expr, access.length)
            return


def _unbounded(scene: Scene, access: Access) -> bool:
    """Whether bytes from somewhere inside the page go as far as a parameter says
    that nothing in the function limits."""
    name = access.length.bare().text if isinstance(access.length, Expr) else ""
    if not access.offset or name not in {v.name for v in scene.function.params}:
        return False
    terms = access.offset
    inside = any(_in_page(scene, term[0]) for term in terms if term[0] is not None)
    return inside and not any(
        _limits(node, name)
        for node in scene.function.exprs
        if node is not access.length
    )


def _in_page(scene: Scene, offset: Expr) -> bool:
    """Whether an offset was cut to one page: it can be anywhere in it."""
    node = offset.bare()
    if node.kind == "identifier":
        node = (scene.judge.bounds().reaching.value(node) or node).bare()
    if node.callee == "offset_in_page":
        return True
    words = {n.text for n in node.walk()}
    return node.op in ("&", "%") and bool(words & {"PAGE_MASK", "PAGE_SIZE"})


def _limits(node: Expr, name: str) -> bool:
    """Whether an expression compares NAME, changes it, or computes with it."""
    if node.kind not in ("binary", "assign", "postfix", "unary", "call"):
        return False
    if node.kind == "call" and functions.of(node.callee).accesses:
        return False
    operands = node.arguments.values() if node.kind == "call" else node.children
    return any(operand.bare().text == name for operand in operands)


def _loose(scene: Scene, at: Expr, length: Expr) -> Finding:
    message = (
        f"{plain(at.text)} begins inside the page, and nothing here says that"
        f" {plain(length.text)} ends there"
    )
    remedy = "go no further than PAGE_SIZE minus the offset, as memcpy_to_page() checks"
    return scene.finding(at, message, remedy, NOTE)


def _outside(scene: Scene, at: Expr, why: str) -> Finding:
    message = f"{plain(at.text)} leaves the mapped page: {why}"
    return scene.finding(at, message, "split it at the page's end")


def _many(scene: Scene, site: Site, at: Expr, size: Expr) -> Finding:
    return scene.finding(
        at,
        f"{plain(at.text)} goes up to {plain(size.text)}, but {site.name}() maps"
        " one page of it",
        "map page by page, or use folio_zero_range(), memcpy_to_folio() and the like",
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
        for call in scene.trace.during(site.number)
        for argument in call.arguments.values()
    )


def _speaks_of_pages(assign: Expr) -> bool:
    return any(node.text == "PAGE_SIZE" for node in assign.children[1].walk())


# -- unmap arguments ------------------------------------------------------------


def _unmaps(scene: Scene, site: Site) -> Iterator[Finding]:
    for expr in scene.unmaps(site):
        argument = scene.argument(expr)
        if scene.kind(expr) == "kunmap" or argument is None:
            continue
        value = scene.trace.moved(expr)
        if scene.judge.pages.unmap_beyond(site, expr):
            yield _elsewhere(scene, expr, "is in another page", "")
        elif scene.judge.pages.counts_beyond(site, expr):
            why = "is in another page when the loop runs to its end"
            yield _elsewhere(scene, expr, why, WARNING)
        elif value is None or value.moved != CURSOR:
            if scene.judge.pages.stale(expr):
                why = "takes off what was added, but that changed since"
                yield _elsewhere(scene, expr, why, WARNING)
        elif _left_inside(scene, site, expr):
            continue
        elif not _goes_back(scene, site, expr) and _moves_far(scene, site, expr):
            why = "was moved and may point behind the page"
            yield _elsewhere(scene, expr, why, WARNING)


def _elsewhere(scene: Scene, expr: Expr, why: str, severity: str) -> Finding:
    argument = scene.argument(expr)
    given = plain(argument.text) if argument is not None else ""
    return scene.finding(
        expr,
        f"{given} {why}: {expr.callee}() is to be given an"
        " address in the page it unmaps",
        "keep the address that was mapped, and unmap that",
        severity,
    )


def _left_inside(scene: Scene, site: Site, unmap: Expr) -> bool:
    """Whether UNMAP is for who leaves the loops that move the address in their midst:
    where such a loop comes to its end, another unmap stands right behind it."""
    around = list(scene.loops(site.call))
    loops = [
        loop
        for move in _moves(scene, site, unmap)
        for loop in [*scene.loops(move)][-1:]
        if loop not in around
    ]
    behind = [list(scene.sequel(loop)) for loop in loops]
    ends = [[e for e in scene.unmaps(site) if _stands(e, seq)] for seq in behind]
    return bool(loops) and all(each and unmap not in each for each in ends)


def _stands(expr: Expr, stmts: list[Stmt]) -> bool:
    return any(stmt.start <= expr.start < stmt.end for stmt in stmts)


def _goes_back(scene: Scene, site: Site, unmap: Expr) -> bool:
    """Whether the last that happens to the address before its unmap is a step back:
    `p -= n` behind the loop that moved it, or `kunmap_local(p - n)`."""
    argument = scene.argument(unmap)
    if argument is not None and argument.bare().op == "-":
        return True
    moves = [m for m in _moves(scene, site, unmap) if m.start < unmap.start]
    if not moves or not _is_back(moves[-1]):
        return False
    around = list(scene.loops(site.call))
    return all(loop in around for loop in scene.loops(moves[-1]))


def _moves(scene: Scene, site: Site, unmap: Expr) -> list[Expr]:
    """Where the variable that an unmap is given, or one that it was set to, moves."""
    argument = scene.argument(unmap)
    names = names_in(argument) if argument is not None else set()
    sets = [e for e in scene.function.exprs if e.kind == "assign" and e.op == "="]
    while True:
        values = [e.children[1] for e in sets if e.children[0].bare().text in names]
        more = set().union(*(names_in(value) for value in values)) - names
        if not more:
            break
        names |= more
    found = [use.place for use in scene.uses(site, Kind.MOVED) if use.place.children]
    return [move for move in found if move.children[0].bare().text in names]


def _is_back(move: Expr) -> bool:
    if move.op == "=":
        return move.children[1].bare().op == "-"
    return move.op in ("-=", "--")


def _moves_far(scene: Scene, site: Site, unmap: Expr) -> bool:
    """Whether a loop after the mapping moves the address step by step, or it
    moves to the end of what was accessed."""
    around = list(scene.loops(site.call))
    moves = _moves(scene, site, unmap)
    moved = {move.children[0].bare().text for move in moves}
    for call in scene.function.calls(["offset_in_page"]):
        if moved & {node.text for node in call.walk()}:
            return False  # it knows where the page ends
    return any(
        _past_access(scene, site, move)
        or any(loop not in around for loop in scene.loops(move))
        for move in moves
    )


def _ends_before(scene: Scene, move: Expr, step: str) -> bool:
    """Whether MOVE stands under a condition that there is more than STEP."""
    return any(
        {">": node.children[1], "<": node.children[0]}[node.op].bare().text == step
        for stmt in scene.function.statements()
        if stmt.kind == "if" and stmt.exprs and stmt.start <= move.start < stmt.end
        for node in stmt.exprs[0].walk()
        if node.kind == "binary" and node.op in ("<", ">")
    )


def _past_access(scene: Scene, site: Site, move: Expr) -> bool:
    """Whether `p += n` follows an access of n bytes at p."""
    if move.op != "+=":
        return False
    name, step = (child.bare().text for child in move.children)
    for use in scene.uses(site, Kind.ACCESS):
        known = functions.of(use.place.callee)
        length = use.place.arguments.get(-1 if known.length is None else known.length)
        if length is None or length.bare().text != step or use.place.start > move.start:
            continue
        if _ends_before(scene, move, step):
            continue
        if any(use.place.arguments[n].bare().text == name for n in known.accesses):
            return True
    return False
