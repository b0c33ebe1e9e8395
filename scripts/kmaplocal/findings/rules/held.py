# SPDX-License-Identifier: GPL-2.0-only
"""Pages that the function itself maps and then takes for what they are not: asks for
a linear address that a highmem page has not, or goes on after it gave the page away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kmaplocal.findings.finding import WARNING, Finding
from kmaplocal.findings.rules.kmap_handoff import ALLOCATING, is_lowmem
from kmaplocal.findings.context import CheckContext
from kmaplocal.bounds import plain
from kmaplocal.bounds.offsets import values_of
from kmaplocal.c.places import names_in
from kmaplocal.flow.events import Kind
from kmaplocal.flow.trace import Site
from kmaplocal.c.syntax import Expr, Stmt
from kmaplocal.knowledge import functions

HIGH = {"GFP_HIGHUSER", "GFP_HIGHUSER_MOVABLE", "__GFP_HIGHMEM"}
HIGHMEM = ("PageHighMem", "folio_test_highmem", "is_highmem")
# Exist on 64-bit machines alone (lib/Kconfig.kmsan of Linux 6.1), or are what an
# architecture makes of them, mostly nothing.
NO_HIGHMEM = ("kmsan_", "arch_")
# Give away the reference to what is argument 0; and take another one.
PUTTING = ("put_page", "__free_page", "__free_pages", "folio_put")
FREEING = ("__free_page", "__free_pages")
FREEING_VIRTUAL = ("vfree", "kvfree")
GETTING = ("get_page", "folio_get", "try_get_page", "folio_try_get")


def linear_addresses(context: CheckContext) -> Iterator[Finding]:
    """page_address() of a page that is mapped locally: where it is a highmem page, it
    has no such address."""
    if _asks(context):
        return
    for call in context.function.calls(functions.LINEAR):
        site = _mapped(context, call)
        if site is None or site.api.by or is_lowmem(context, site):
            continue
        given = call.parent.callee if call.parent is not None else ""
        if given in context.knowledge.unmaps or given.startswith(NO_HIGHMEM):
            continue  # of the first another rule speaks
        if _apart(context, site.call, call) or _is_another(context, site.call, call):
            continue
        alive = any(site.number in sites for sites in context.trace.alive(call))
        yield context.finding(
            call,
            f"{plain(call.text)} is NULL for a highmem page: {site.name}() of line"
            f" {site.call.start[0]} gives it no address there",
            f"use {site.variable or 'the address that was mapped'}"
            + ("" if alive else ", and leave it mapped until then"),
            "" if alive else WARNING,
            steps=context.begun(site),
        )


def _asks(context: CheckContext) -> bool:
    """Whether the function asks for the kind of a page, or whether there is highmem,
    or one of the same file that it calls does."""
    asks = {*HIGHMEM, "CONFIG_HIGHMEM"}
    named = {e.text for e in context.function.exprs if e.kind == "identifier"}
    outline = context.knowledge.outline
    if outline is None or asks & named:
        return bool(asks & named)
    spans = (span for span in outline.functions if span.name in named)
    return any(asks & outline.words(span) for span in spans)


def _apart(context: CheckContext, one: Expr, other: Expr) -> bool:
    """Whether two calls stand in two arms of the same condition."""
    return any(
        arm.holds(one) and any(a.holds(other) for a in arms if a is not arm)
        for arms in _arms(context)
        for arm in arms
    )


def _is_another(context: CheckContext, one: Expr, other: Expr) -> bool:
    """Whether the variable that two calls name is not the same in both."""
    homes = [context.statement(call) for call in (one, other)]
    name = other.arguments[0].bare().text
    found = [context.places.declaration(name, home) for home in homes if home]
    return len(found) == 2 and found[0] != found[1]


def _arms(context: CheckContext) -> Iterator[Sequence[Expr] | Sequence[Stmt]]:
    """The arms of each condition."""
    yield from (e.children[1:] for e in context.function.exprs if e.kind == "ternary")
    yield from (s.children for s in context.function.statements() if s.kind == "if")


def own_highmem(context: CheckContext) -> Iterator[Finding]:
    """page_address() of a page that the function itself took from highmem, and has
    mapped nowhere."""
    if _asks(context):
        return
    taken = {
        name: call
        for call in context.function.calls(ALLOCATING)
        if any(_is_high(n) for a in call.arguments.values() for n in a.walk())
        for name in context.given_to(call)
        if len(values_of(name, context.function)) == 1
    }
    mapped = {_page(site) for site in context.sites}
    for call in context.function.calls(functions.LINEAR):
        argument = call.arguments.get(0)
        page = argument.bare().text if argument is not None else ""
        if page in taken and page not in mapped:
            line = taken[page].start[0]
            yield context.finding(
                call,
                f"{plain(call.text)} is NULL where line {line} took a highmem page",
                "map it by kmap_local_page(), or take a page without __GFP_HIGHMEM",
                steps=[context.step(taken[page], "taken here")],
            )


def _is_high(node: Expr) -> bool:
    """Whether a flag asks for highmem, and is not taken away: `& ~__GFP_HIGHMEM`."""
    outer = node.parent
    return node.text in HIGH and (outer is None or outer.op != "~")


def _mapped(context: CheckContext, call: Expr) -> Site | None:
    """The local mapping of the page that CALL is given, and no kmap() of it."""
    argument = call.arguments.get(0)
    text = argument.bare().text if argument is not None else ""
    same = [site for site in context.sites if text and _page(site) == text]
    if not same or not all(site.api.stacked for site in same):
        return None
    before = [site for site in same if site.call.start < call.start]
    return (before or same)[-1]


def _page(site: Site) -> str:
    page = site.call.arguments.get(0)
    return page.bare().text if page is not None else ""


def uses_after_put(context: CheckContext) -> Iterator[Finding]:
    """Accesses to a page after the function gave its own reference away, in the same
    run of statements."""
    for put in context.function.calls((*PUTTING, *FREEING_VIRTUAL)):
        argument = put.arguments.get(0)
        given = argument.bare().text if argument is not None else ""
        for site in context.sites:
            if given not in _owners(context, site, put) or not given:
                continue
            if not _is_last(context, given, put):
                continue
            if not any(site.number in sites for sites in context.trace.alive(put)):
                continue
            use = _next_use(context, site, put)
            if use is not None:
                yield _after_put(context, site, put, use)


def _owners(context: CheckContext, site: Site, put: Expr) -> set[str]:
    """What PUT is given where it gives the page of SITE away: that, or the address by
    which vmalloc_to_page() found it."""
    page = site.call.arguments.get(0)
    if page is None or put.callee in PUTTING:
        return {_page(site)}
    sources = values_of(page.bare().text, context.function) or [page]
    asked = (value.bare() for value in sources)
    found = [v.arguments[0] for v in asked if v.callee == "vmalloc_to_page"]
    return {name for address in found for name in names_in(address)}


def put_while_mapped(context: CheckContext, site: Site) -> Iterator[Finding]:
    """The reference to a page that is given away, as the last thing that becomes of it,
    while what kmap() made of it stays."""
    pages = context.pages(site)
    for put in context.function.calls(PUTTING):
        argument = put.arguments.get(0)
        given = argument.bare().text if argument is not None else ""
        alive = any(site.number in sites for sites in context.trace.alive(put))
        if not alive or given not in pages or not _is_last(context, given, put):
            continue
        if not context.uses(site, Kind.RETURNED, Kind.ADDRESS_TAKEN):
            yield context.finding(
                put,
                f"{plain(put.text)} gives the page away that {context.by(site)} of line"
                f" {site.call.start[0]} mapped, and nothing unmaps it",
                "call kunmap() before",
                WARNING,
                steps=context.begun(site),
            )
            return


def _is_last(context: CheckContext, page: str, put: Expr) -> bool:
    """Whether no reference is taken to the page that is kept besides."""
    others = context.function.calls(GETTING)
    given = {a.bare().text for call in others for a in call.arguments.values()}
    puts = context.function.calls([put.callee])
    return page not in given and all(
        other is put or not _follows(context, put, other) for other in puts
    )


def _next_use(context: CheckContext, site: Site, put: Expr) -> Expr | None:
    """The first access to the page that follows PUT whatever is the case."""
    ends = {*context.unmaps(site)}
    for use in context.uses(site, Kind.ACCESS):
        if use.place not in ends and _follows(context, put, use.place):
            return use.place
    return None


def _follows(context: CheckContext, first: Expr, later: Expr) -> bool:
    """Whether LATER is in a statement behind that of FIRST in the same block, with no
    way out between."""
    home = context.statement(first)
    for stmt in context.sequel(home) if home is not None else ():
        if stmt.holds(later):
            return True
    return False


def _after_put(context: CheckContext, site: Site, put: Expr, use: Expr) -> Finding:
    return context.finding(
        use,
        f"{context.named(site)} is used by {plain(use.text)} after {put.callee}() of"
        f" line {put.start[0]}, which may have freed the page",
        "put the page after the last use, and after the unmap",
        "" if put.callee in (*FREEING, *FREEING_VIRTUAL) else WARNING,
        steps=[*context.begun(site), context.step(put, "put here")],
    )
