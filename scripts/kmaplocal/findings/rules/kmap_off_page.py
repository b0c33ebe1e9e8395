# SPDX-License-Identifier: GPL-2.0-only
"""Accesses and unmaps outside of the mapped page: kmap-off-page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kmaplocal.findings.finding import ERROR, NOTE, WARNING, Finding, Rule
from kmaplocal.findings.context import CheckContext
from kmaplocal.findings.rules.entries import entries
from kmaplocal.findings.rules.helper_ranges import RANGES, VECTORS, helper_ranges
from kmaplocal.bounds import INSIDE, plain
from kmaplocal.certify.certificate import ONE_PAGE
from kmaplocal.knowledge import functions
from kmaplocal.knowledge.functions import MINIMA
from kmaplocal.bounds.extents import Access
from kmaplocal.bounds.offsets import scale_of, values_of
from kmaplocal.c.places import changes, names_in
from kmaplocal.flow.events import Kind
from kmaplocal.flow.trace import Site
from kmaplocal.flow.values import CURSOR
from kmaplocal.c.syntax import Expr, Stmt

RULE = Rule(
    "kmap-off-page",
    ERROR,
    "an access or unmap outside of the mapped page",
    of_highmem=True,
)
CALLS = (*RANGES, *VECTORS)

_CUTTING = ("&", "%", "&=", "%=")
HIGHMEM = ("PageHighMem", "folio_test_highmem")


def find(context: CheckContext) -> Iterator[Finding]:
    """Accesses and unmap arguments that leave the page, as far as can be told."""
    yield from _of_sites(context)
    yield from helper_ranges(context)


def _of_sites(context: CheckContext) -> Iterator[Finding]:
    for site in context.sites:
        steps = tuple(context.begun(site))
        for finding in _of_site(context, site):
            yield finding if finding.steps else replace(finding, steps=steps)


def _of_site(context: CheckContext, site: Site) -> Iterator[Finding]:
    for rule in (_accesses, _unlimited, _whole_page, entries, _highmem_only):
        found = list(rule(context, site))
        yield from found
        if found:
            break
    if not any(f.severity == ERROR for f in found):
        yield from _unmaps(context, site)


def _accesses(context: CheckContext, site: Site) -> Iterator[Finding]:
    found = list(context.analysis.pages.extents.beyond(site))
    certain = [beyond for beyond in found if beyond.many is None]
    if context.function.calls(("folio_test_partial_kmap", *HIGHMEM)):
        found = certain  # what else it does where the pages follow one another
    for beyond in (certain or found)[:1]:
        if beyond.many is None:
            yield _outside(context, beyond.access.expr, beyond.why)
        else:
            yield _many(context, site, beyond.access.expr, beyond.many)


def _unlimited(context: CheckContext, site: Site) -> Iterator[Finding]:
    for access in context.analysis.pages.extents.accesses(site):
        if isinstance(access.length, Expr) and _unbounded(context, access):
            yield _loose(context, access.expr, access.length)
            return


def _whole_page(context: CheckContext, site: Site) -> Iterator[Finding]:
    """A length that is cut to PAGE_SIZE, and not to what is left of the page, from
    somewhere inside of it on."""
    extents = context.analysis.pages.extents
    for access in extents.accesses(site):
        length, terms = access.length, access.offset or ()
        inside = [t for t, _, sign in terms if t is not None and sign > 0]
        if not isinstance(length, Expr) or len(inside) != 1 or len(terms) != 1:
            continue
        within = _in_page(context, inside[0])
        cut = _cut_to_page(context, length) and within
        if (cut or _all_of_page(length, inside[0], within)) and extents.bounds.fits(
            terms, length, access.expr
        ).answer != INSIDE:
            yield context.finding(
                access.expr,
                f"{plain(access.expr.text)} begins inside the page, at"
                f" {plain(inside[0].text)}, and {plain(length.text)} may be PAGE_SIZE",
                "go no further than PAGE_SIZE minus the offset",
                WARNING,
            )
            return


def _all_of_page(length: Expr, offset: Expr, within: bool) -> bool:
    """Whether LENGTH is all of a page, from an OFFSET on that can be more than 0:
    anywhere WITHIN a page, or a variable."""
    whole = length.bare().text == "PAGE_SIZE"
    return whole and (within or offset.bare().text.isidentifier())


def _cut_to_page(context: CheckContext, length: Expr) -> bool:
    """Whether a length is the least of PAGE_SIZE and something that nothing limits."""
    node = length.bare()
    if node.kind == "identifier":
        node = (context.analysis.bounds().reaching.value(node) or node).bare()
    if node.callee not in MINIMA:
        return False
    first = MINIMA[node.callee]
    picked = [a.bare().text for n, a in node.arguments.items() if n >= first]
    others = [text for text in picked if text != "PAGE_SIZE"]
    return len(others) == 1 and others[0].isidentifier() and len(picked) == 2


def _unbounded(context: CheckContext, access: Access) -> bool:
    """Whether bytes from somewhere inside the page go as far as a parameter says
    that nothing in the function limits."""
    name = access.length.bare().text if isinstance(access.length, Expr) else ""
    if not access.offset or name not in {v.name for v in context.function.params}:
        return False
    terms = access.offset
    inside = any(_in_page(context, term[0]) for term in terms if term[0] is not None)
    return inside and not any(
        _limits(node, name)
        for node in context.function.exprs
        if node is not access.length
    )


def _in_page(context: CheckContext, offset: Expr) -> bool:
    """Whether an offset was cut to one page: it can be anywhere in it."""
    node = offset.bare()
    if node.kind == "identifier":
        cut = _last_change(context, node)
        if cut is None:
            cut = context.analysis.bounds().reaching.value(node) or node
        node = cut.bare()
    if node.callee == "offset_in_page":
        return True
    words = {n.text for n in node.walk()}
    return node.op in _CUTTING and bool(words & {"PAGE_MASK", "PAGE_SIZE"})


def _last_change(context: CheckContext, node: Expr) -> Expr | None:
    """`off &= ...` where that is the last that changes the variable NODE before it."""
    before = (e for e in context.function.exprs if e.start < node.start)
    changed = [e for e in before if changes(e, {node.text})]
    last = max(changed, key=lambda e: e.start, default=None)
    return last if last is not None and last.op in _CUTTING else None


def _limits(node: Expr, name: str) -> bool:
    """Whether an expression compares NAME, changes it, or computes with it."""
    if node.kind not in ("binary", "assign", "postfix", "unary", "call"):
        return False
    if node.kind == "call" and functions.of(node.callee).accesses:
        return False
    operands = node.arguments.values() if node.kind == "call" else node.children
    return any(operand.bare().text == name for operand in operands)


def _loose(context: CheckContext, at: Expr, length: Expr) -> Finding:
    message = (
        f"{plain(at.text)} begins inside the page, and nothing here says that"
        f" {plain(length.text)} ends there"
    )
    remedy = "go no further than PAGE_SIZE minus the offset, as memcpy_to_page() checks"
    return context.finding(at, message, remedy, NOTE)


def _outside(context: CheckContext, at: Expr, why: str) -> Finding:
    message = f"{plain(at.text)} leaves the mapped page: {why}"
    return context.finding(at, message, "split it at the page's end")


def _many(context: CheckContext, site: Site, at: Expr, size: Expr) -> Finding:
    return context.finding(
        at,
        f"{plain(at.text)} goes up to {plain(size.text)}, but {site.name}() maps"
        " one page of it",
        "map page by page, or use folio_zero_range(), memcpy_to_folio() and the like",
        WARNING,
    )


# -- bounds for highmem only ------------------------------------------------------


def _highmem_only(context: CheckContext, site: Site) -> Iterator[Finding]:
    """A length that is kept in the page only where the page is of highmem: with
    CONFIG_DEBUG_KMAP_LOCAL_FORCE_MAP, which is for x86, every page is mapped by
    itself."""
    if context.file.startswith("arch/") and not context.file.startswith("arch/x86/"):
        return
    for stmt in context.function.statements():
        if stmt.kind != "if" or not stmt.exprs or not stmt.children:
            continue
        if not any(n.callee in HIGHMEM for n in stmt.exprs[0].walk()):
            continue
        if stmt.start <= site.call.start < stmt.end or not _serves(context, site, stmt):
            continue
        yield context.finding(
            site.call,
            f"line {stmt.start[0]} keeps to the page for highmem only, but with"
            f" CONFIG_DEBUG_KMAP_LOCAL_FORCE_MAP {site.name}() maps any page alone",
            "ask folio_test_partial_kmap(), or keep to the page always",
            WARNING,
        )
        return


def _serves(context: CheckContext, site: Site, guard: Stmt) -> bool:
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
        for call in context.trace.during(site.number)
        for argument in call.arguments.values()
    )


def _speaks_of_pages(assign: Expr) -> bool:
    return any(node.text == "PAGE_SIZE" for node in assign.children[1].walk())


# -- unmap arguments ------------------------------------------------------------


def _unmaps(context: CheckContext, site: Site) -> Iterator[Finding]:
    for expr in context.unmaps(site):
        argument = context.argument(expr)
        if context.kind(expr) == "kunmap" or argument is None:
            continue
        value = context.trace.moved(expr)
        if _before_page(context, site, expr):
            yield _elsewhere(context, expr, "is before the page", "")
            continue
        if context.analysis.pages.unmap_beyond(site, expr):
            yield _elsewhere(context, expr, "is in another page", "")
        elif context.analysis.pages.counts_beyond(site, expr):
            why = "is in another page when the loop runs to its end"
            yield _elsewhere(context, expr, why, WARNING)
        elif value is None or value.moved != CURSOR:
            if context.analysis.pages.stale(expr):
                why = "takes off what was added, but that changed since"
                yield _elsewhere(context, expr, why, WARNING)
        elif _left_inside(context, site, expr):
            continue
        elif not _goes_back(context, site, expr) and _moves_far(context, site, expr):
            why = "was moved and may point behind the page"
            yield _elsewhere(context, expr, why, WARNING)


def _before_page(context: CheckContext, site: Site, unmap: Expr) -> bool:
    """Whether UNMAP is given an address from which something is taken off, to which
    nothing was added since the page was mapped at its start."""
    extents, argument = context.analysis.pages.extents, context.argument(unmap)
    if extents.mapped_at(site) != [] or argument is None:
        return False
    node, name = argument.bare(), site.variable
    taken = _taken_off(node) if node.op == "-" else set()
    moves = [
        m for m in _moves(context, site, unmap) if m.children[0].bare().text == name
    ]
    if node.op == "-":
        return node.children[0].bare().text == name and not moves and name not in taken
    back = bool(moves) and all(map(_is_back, moves))
    return node.text == name and back and not any(name in _taken_off(m) for m in moves)


def _taken_off(node: Expr) -> set[str]:
    """The names in what `p - n`, `p -= n` or `p = p - n` takes off."""
    value = node.children[-1].bare()
    value = value.children[-1] if node.op == "=" and value.children else value
    return names_in(value) if len(node.children) > 1 else set()


def _elsewhere(context: CheckContext, expr: Expr, why: str, severity: str) -> Finding:
    argument = context.argument(expr)
    given = plain(argument.text) if argument is not None else ""
    return context.finding(
        expr,
        f"{given} {why}: {expr.callee}() is to be given an"
        " address in the page it unmaps",
        "keep the address that was mapped, and unmap that",
        severity,
        answered=ONE_PAGE,
    )


def _left_inside(context: CheckContext, site: Site, unmap: Expr) -> bool:
    """Whether UNMAP is for who leaves the loops that move the address in their midst:
    where such a loop comes to its end, another unmap stands right behind it."""
    around = list(context.loops(site.call))
    loops = [
        loop
        for move in _moves(context, site, unmap)
        for loop in [*context.loops(move)][-1:]
        if loop not in around
    ]
    behind = [list(context.sequel(loop)) for loop in loops]
    ends = [[e for e in context.unmaps(site) if _stands(e, seq)] for seq in behind]
    return bool(loops) and all(each and unmap not in each for each in ends)


def _stands(expr: Expr, stmts: list[Stmt]) -> bool:
    return any(stmt.start <= expr.start < stmt.end for stmt in stmts)


def _goes_back(context: CheckContext, site: Site, unmap: Expr) -> bool:
    """Whether the last that happens to the address before its unmap is a step back:
    `p -= n` behind the loop that moved it, or `kunmap_local(p - n)`."""
    argument = context.argument(unmap)
    if argument is not None and argument.bare().op == "-":
        return True
    moves = [m for m in _moves(context, site, unmap) if m.start < unmap.start]
    if not moves or not _is_back(moves[-1]):
        return False
    around = list(context.loops(site.call))
    return all(loop in around for loop in context.loops(moves[-1]))


def _moves(context: CheckContext, site: Site, unmap: Expr) -> list[Expr]:
    """Where the variable that an unmap is given, or one that it was set to, moves."""
    argument = context.argument(unmap)
    names = names_in(argument) if argument is not None else set()
    sets = [e for e in context.function.exprs if e.kind == "assign" and e.op == "="]
    while True:
        values = [e.children[1] for e in sets if e.children[0].bare().text in names]
        more = set().union(*(names_in(value) for value in values)) - names
        if not more:
            break
        names |= more
    found = [use.place for use in context.uses(site, Kind.MOVED) if use.place.children]
    return [move for move in found if move.children[0].bare().text in names]


def _is_back(move: Expr) -> bool:
    if move.op == "=":
        return move.children[1].bare().op == "-"
    return move.op in ("-=", "--")


def _moves_far(context: CheckContext, site: Site, unmap: Expr) -> bool:
    """Whether a loop after the mapping moves the address step by step, or it
    moves to the end of what was accessed."""
    around = list(context.loops(site.call))
    moves = _moves(context, site, unmap)
    moved = {move.children[0].bare().text for move in moves}
    for call in context.function.calls(["offset_in_page"]):
        if moved & {node.text for node in call.walk()}:
            return False  # it knows where the page ends
    return any(
        _past_access(context, site, move)
        or any(loop not in around for loop in context.loops(move))
        and not _stays_near(context, site, move, moves)
        for move in moves
    )


def _stays_near(
    context: CheckContext, site: Site, move: Expr, moves: list[Expr]
) -> bool:
    """Whether MOVE, the only one of its loop, has not left the page when that has
    counted to its end: `for (i = 0; i < 16; i++) *p++ = 0;`."""
    loops = [loop for loop in context.loops(move) if not loop.holds(site.call)]
    if len(loops) != 1 or loops[0].kind != "for" or len(loops[0].exprs) != 3:
        return False
    test, name = loops[0].exprs[1].bare(), move.children[0].bare().text
    variable = context.function.variables.get(name)
    size = scale_of(variable.type) if variable else None
    first = context.analysis.pages.extents.mapped_at(site)
    begins = [v.bare() for v in values_of(name, context.function)]
    if test.op != "<" or move.op != "++" or size is None or first is None:
        return False
    if any(v is not site.call and v.text != site.variable for v in begins):
        return False
    once = [m for m in moves if loops[0].holds(m)] == [move]
    terms, limit = [*first, (test.children[1], size, 1)], test.children[1]
    return once and context.analysis.bounds().fits(terms, 1, limit).answer == INSIDE


def _ends_before(context: CheckContext, move: Expr, step: str) -> bool:
    """Whether MOVE stands under a condition that there is more than STEP."""
    return any(
        {">": node.children[1], "<": node.children[0]}[node.op].bare().text == step
        for stmt in context.function.statements()
        if stmt.kind == "if" and stmt.exprs and stmt.start <= move.start < stmt.end
        for node in stmt.exprs[0].walk()
        if node.kind == "binary" and node.op in ("<", ">")
    )


def _past_access(context: CheckContext, site: Site, move: Expr) -> bool:
    """Whether `p += n` follows an access of n bytes at p."""
    if move.op != "+=":
        return False
    name, step = (child.bare().text for child in move.children)
    for use in context.uses(site, Kind.ACCESS):
        known = functions.of(use.place.callee)
        length = use.place.arguments.get(-1 if known.length is None else known.length)
        if length is None or length.bare().text != step or use.place.start > move.start:
            continue
        if _ends_before(context, move, step):
            continue
        if any(use.place.arguments[n].bare().text == name for n in known.accesses):
            return True
    return False
