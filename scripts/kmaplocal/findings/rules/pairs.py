# SPDX-License-Identifier: GPL-2.0-only
"""Unmaps that do not fit: kmap-mixed-pair and kmap-wrong-argument."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.findings.finding import Finding
from kmaplocal.findings.scene import Scene
from kmaplocal.bounds import plain
from kmaplocal.flow.trace import Site
from kmaplocal.knowledge import api
from kmaplocal.c.syntax import Expr

PAGE, FOLIO = "struct page *", "struct folio *"
DATA = ("void", "char", "u8", "unsigned char", "__u8", "uint8_t", "u32", "__le32")

EFFECTS = {
    "kunmap": "kunmap() does not undo it on HIGHMEM",
    "kunmap_atomic": "preemption and page faults are enabled once too often",
    "kunmap_local": "preemption and page faults stay disabled",
}


def mixed_pairs(scene: Scene) -> Iterator[Finding]:
    """Unmaps of a mapping of another kind."""
    for expr in scene.trace.unmaps:
        sites = ended(scene, expr)
        if sites and all(site.api.ends != scene.kind(expr) for site in sites):
            yield _mixed(scene, sites[0], expr)


def ended(scene: Scene, expr: Expr) -> list[Site]:
    """The mappings that an unmap is given; for kunmap(page) also those of the
    page, or of its folio, that it does not end."""
    sites = [site for site in scene.trace.ended(expr) if site in scene.sites]
    page = scene.argument(expr)
    if sites or scene.knowledge.unmaps[expr.callee].given != api.PAGE or page is None:
        return sites
    return [
        site
        for site in scene.sites
        if site.call.start < expr.start and _is_of(site, page.bare())
    ]


def _is_of(site: Site, page: Expr) -> bool:
    """Whether PAGE is what was mapped, or a page of the folio that was."""
    mapped = site.call.arguments.get(0)
    if mapped is None or site.name not in api.MAPS:
        return False
    if page.callee == "folio_page" or page.kind == "unary":
        return mapped.bare().text in {node.text for node in page.walk()}
    return mapped.bare().text == page.text


def _mixed(scene: Scene, site: Site, expr: Expr) -> Finding:
    kind = scene.kind(expr)
    effect = EFFECTS[kind]
    if site.api.ends == "kunmap" and kind == "kunmap_local":
        effect = "the page stays mapped, and a slot of another mapping may be cleared"
    if site.api.ends == "kunmap_local" and kind == "kunmap":
        effect = "the local mapping stays on the thread's stack"
    return scene.finding(
        "kmap-mixed-pair",
        expr,
        f"{plain(expr.text)} ends what line {site.call.start[0]} mapped by"
        f" {scene.by(site)}: {effect}",
        f"unmap by {site.api.ends}()",
        fix=_right_unmap(scene, site, expr),
        steps=scene.begun(site),
    )


def _right_unmap(scene: Scene, site: Site, expr: Expr) -> str:
    """The unmap that belongs to a mapping, in place of another one; "" where it
    is not certain what to pass."""
    given = expr.arguments.get(0)
    if given is None or expr.callee not in api.UNMAPS or site.api.by:
        return ""
    if site.api.ends != "kunmap":
        by_address = expr.callee != "kunmap"
        address = plain(given.text) if by_address else scene.holder(site)
        return f"{site.api.ends}({address})" if address else ""
    return f"kunmap({plain(site.page)})" if _page_stays(scene, site) else ""


def _page_stays(scene: Scene, site: Site) -> bool:
    """Whether the page is one variable that is never set after the map call."""
    return site.page.isidentifier() and not any(
        e.kind in ("assign", "postfix", "unary")
        and (e.kind == "assign" or e.op in ("++", "--", "&"))
        and e.children[0].bare().text == site.page
        and e.start > site.call.start
        for e in scene.function.exprs
    )


def wrong_arguments(scene: Scene) -> Iterator[Finding]:
    """Unmaps and maps given a page for an address, or the reverse."""
    for call in scene.function.calls((*api.ALL, *scene.knowledge.unmaps)):
        kind, argument = call.callee, call.arguments.get(0)
        if call.callee not in api.ALL:
            kind, argument = scene.kind(call), scene.argument(call)
        if argument is None or _holds(scene, call):
            continue
        wrong = _wrong(scene, kind, argument)
        if wrong:
            given, wanted = wrong
            yield scene.finding(
                "kmap-wrong-argument",
                call,
                f"{plain(call.text)}: {plain(argument.text)} is {given}, and"
                f" {call.callee}() takes {wanted}",
                f"pass {wanted}",
                fix=_right_argument(scene, call, argument),
            )


def _holds(scene: Scene, call: Expr) -> bool:
    """Whether CALL unmaps what the argument keeps, and not the argument."""
    rule = scene.knowledge.unmaps.get(call.callee)
    return rule is not None and rule.given == api.HOLDER


def _right_argument(scene: Scene, call: Expr, argument: Expr) -> str:
    """The call with the argument that belongs there; "" where that is not
    certain."""
    name = argument.bare().text
    for site in scene.sites:
        if site.api.ends != call.callee or not scene.holder(site):
            continue
        if call.callee not in api.UNMAPS:
            return ""
        if call.callee != "kunmap" and name == site.page:
            return f"{call.callee}({scene.holder(site)})"
        if name == scene.holder(site) and _page_stays(scene, site):
            return f"kunmap({plain(site.page)})" if call.callee == "kunmap" else ""
    return ""


def _wrong(scene: Scene, callee: str, argument: Expr) -> tuple[str, str] | None:
    """What an argument is, and what it is to be; None where it may be right."""
    type_, address = scene.type_of(argument), _is_address(scene, argument)
    if callee in ("kunmap_local", "kunmap_atomic"):
        if argument.bare().callee == "page_address":
            return "NULL for a highmem page", "the mapped address"
        what = {PAGE: "a page", FOLIO: "a folio"}.get(type_, "")
        if not address and _is_mapped_page(scene, argument):
            what = "the page"
        return (what, "the mapped address") if what else None
    if callee == "kunmap":
        wanted = "the page"
    elif callee in ("kmap", "kmap_atomic", "kmap_local_page"):
        wanted = "a page"
    else:
        return None
    if address or _is_data(type_):
        return "an address", wanted
    return ("a folio", wanted) if type_ == FOLIO else None


def _is_mapped_page(scene: Scene, argument: Expr) -> bool:
    """Whether the argument is, word for word, what a map call was given."""
    given = [s.call.arguments[0] for s in scene.sites if 0 in s.call.arguments]
    return argument.bare().text in {page.bare().text for page in given}


def _is_address(scene: Scene, argument: Expr) -> bool:
    """Whether the argument holds the address of a mapping."""
    if argument.bare().kind != "identifier":
        return False
    return argument.bare() in scene.trace.read


def _is_data(type_: str) -> bool:
    """Whether a type is a pointer to data that no page structure is."""
    words = type_.split()
    return len(words) >= 2 and words[-1] == "*" and " ".join(words[:-1]) in DATA[1:]
