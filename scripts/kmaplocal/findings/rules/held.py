# SPDX-License-Identifier: GPL-2.0-only
"""Pages that the function itself maps and then takes for what they are not: asks for
a linear address that a highmem page has not, or goes on after it gave the page away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kmaplocal.findings.finding import WARNING, Finding
from kmaplocal.findings.rules.kmap_handoff import ALLOCATING, is_lowmem
from kmaplocal.findings.scene import Scene
from kmaplocal.bounds import plain
from kmaplocal.bounds.offsets import values_of
from kmaplocal.flow.events import Kind
from kmaplocal.flow.trace import Site
from kmaplocal.c.syntax import Expr, Stmt

# The linear address of what is argument 0.
LINEAR = ("page_address", "lowmem_page_address", "folio_address")
HIGH = {"GFP_HIGHUSER", "GFP_HIGHUSER_MOVABLE", "__GFP_HIGHMEM"}
HIGHMEM = ("PageHighMem", "folio_test_highmem", "is_highmem")
# Exist on 64-bit machines alone (lib/Kconfig.kmsan of Linux 6.1), or are what an
# architecture makes of them, mostly nothing.
NO_HIGHMEM = ("kmsan_", "arch_")
# Give away the reference to what is argument 0; and take another one.
PUTTING = ("put_page", "__free_page", "__free_pages", "folio_put")
FREEING = ("__free_page", "__free_pages")
GETTING = ("get_page", "folio_get", "try_get_page", "folio_try_get")


def linear_addresses(scene: Scene) -> Iterator[Finding]:
    """page_address() of a page that is mapped locally: where it is a highmem page, it
    has no such address."""
    if _asks(scene):
        return
    for call in scene.function.calls(LINEAR):
        site = _mapped(scene, call)
        if site is None or site.api.by or is_lowmem(scene, site):
            continue
        given = call.parent.callee if call.parent is not None else ""
        if given in scene.knowledge.unmaps or given.startswith(NO_HIGHMEM):
            continue  # of the first another rule speaks
        if _apart(scene, site.call, call) or _is_another(scene, site.call, call):
            continue
        alive = any(site.number in sites for sites in scene.trace.alive(call))
        yield scene.finding(
            call,
            f"{plain(call.text)} is NULL for a highmem page: {site.name}() of line"
            f" {site.call.start[0]} gives it no address there",
            f"use {site.variable or 'the address that was mapped'}"
            + ("" if alive else ", and leave it mapped until then"),
            "" if alive else WARNING,
            steps=scene.begun(site),
        )


def _asks(scene: Scene) -> bool:
    """Whether the function asks for the kind of a page, or whether there is highmem."""
    named = {e.text for e in scene.function.exprs if e.kind == "identifier"}
    return not named.isdisjoint((*HIGHMEM, "CONFIG_HIGHMEM"))


def _apart(scene: Scene, one: Expr, other: Expr) -> bool:
    """Whether two calls stand in two arms of the same condition."""
    return any(
        arm.holds(one) and any(a.holds(other) for a in arms if a is not arm)
        for arms in _arms(scene)
        for arm in arms
    )


def _is_another(scene: Scene, one: Expr, other: Expr) -> bool:
    """Whether the variable that two calls name is not the same in both."""
    homes = [scene.statement(call) for call in (one, other)]
    name = other.arguments[0].bare().text
    found = [scene.places.declaration(name, home) for home in homes if home]
    return len(found) == 2 and found[0] != found[1]


def _arms(scene: Scene) -> Iterator[Sequence[Expr] | Sequence[Stmt]]:
    """The arms of each condition."""
    yield from (e.children[1:] for e in scene.function.exprs if e.kind == "ternary")
    yield from (s.children for s in scene.function.statements() if s.kind == "if")


def own_highmem(scene: Scene) -> Iterator[Finding]:
    """page_address() of a page that the function itself took from highmem, and has
    mapped nowhere."""
    if _asks(scene):
        return
    taken = {
        name: call
        for call in scene.function.calls(ALLOCATING)
        if HIGH & {n.text for a in call.arguments.values() for n in a.walk()}
        for name in scene.given_to(call)
        if len(values_of(name, scene.function)) == 1
    }
    mapped = {_page(site) for site in scene.sites}
    for call in scene.function.calls(LINEAR):
        argument = call.arguments.get(0)
        page = argument.bare().text if argument is not None else ""
        if page in taken and page not in mapped:
            line = taken[page].start[0]
            yield scene.finding(
                call,
                f"{plain(call.text)} is NULL where line {line} took a highmem page",
                "map it by kmap_local_page(), or take a page without __GFP_HIGHMEM",
                steps=[scene.step(taken[page], "taken here")],
            )


def _mapped(scene: Scene, call: Expr) -> Site | None:
    """The local mapping of the page that CALL is given, and no kmap() of it."""
    argument = call.arguments.get(0)
    text = argument.bare().text if argument is not None else ""
    same = [site for site in scene.sites if text and _page(site) == text]
    if not same or not all(site.api.stacked for site in same):
        return None
    before = [site for site in same if site.call.start < call.start]
    return (before or same)[-1]


def _page(site: Site) -> str:
    page = site.call.arguments.get(0)
    return page.bare().text if page is not None else ""


def uses_after_put(scene: Scene) -> Iterator[Finding]:
    """Accesses to a page after the function gave its own reference away, in the same
    run of statements."""
    for put in scene.function.calls(PUTTING):
        argument = put.arguments.get(0)
        page = argument.bare().text if argument is not None else ""
        for site in scene.sites:
            if _page(site) != page or not _is_last(scene, page, put):
                continue
            if not any(site.number in sites for sites in scene.trace.alive(put)):
                continue
            use = _next_use(scene, site, put)
            if use is not None:
                yield _after_put(scene, site, put, use)


def _is_last(scene: Scene, page: str, put: Expr) -> bool:
    """Whether no reference is taken to the page that is kept besides."""
    others = scene.function.calls(GETTING)
    given = {a.bare().text for call in others for a in call.arguments.values()}
    puts = scene.function.calls([put.callee])
    return page not in given and all(
        other is put or not _follows(scene, put, other) for other in puts
    )


def _next_use(scene: Scene, site: Site, put: Expr) -> Expr | None:
    """The first access to the page that follows PUT whatever is the case."""
    ends = {*scene.unmaps(site)}
    for use in scene.uses(site, Kind.ACCESS):
        if use.place not in ends and _follows(scene, put, use.place):
            return use.place
    return None


def _follows(scene: Scene, first: Expr, later: Expr) -> bool:
    """Whether LATER is in a statement behind that of FIRST in the same block, with no
    way out between."""
    home = scene.statement(first)
    for stmt in scene.sequel(home) if home is not None else ():
        if stmt.holds(later):
            return True
    return False


def _after_put(scene: Scene, site: Site, put: Expr, use: Expr) -> Finding:
    return scene.finding(
        use,
        f"{scene.named(site)} is used by {plain(use.text)} after {put.callee}() of line"
        f" {put.start[0]}, which may have freed the page",
        "put the page after the last use, and after the unmap",
        "" if put.callee in FREEING else WARNING,
        steps=[*scene.begun(site), scene.step(put, "put here")],
    )
