# SPDX-License-Identifier: GPL-2.0-only
"""Mappings of one kind, unmapped by another: kmap-mixed-pair."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.findings.finding import ERROR, Finding, Rule
from kmaplocal.findings.context import CheckContext
from kmaplocal.bounds import plain
from kmaplocal.flow.trace import Site
from kmaplocal.knowledge import api
from kmaplocal.c.syntax import Expr

RULE = Rule(
    "kmap-mixed-pair", ERROR, "mapped by one kind, unmapped by another", on_path=True
)

EFFECTS = {
    "kunmap": "kunmap() does not undo it on HIGHMEM",
    "kunmap_atomic": "preemption and page faults are enabled once too often",
    "kunmap_local": "preemption and page faults stay disabled",
}


def find(context: CheckContext) -> Iterator[Finding]:
    """Unmaps of a mapping of another kind."""
    for expr in context.trace.unmaps:
        sites = ended(context, expr)
        if sites and all(site.api.ends != context.kind(expr) for site in sites):
            yield _mixed(context, sites[0], expr)
        elif sites:
            yield from _on_another_way(context, expr)
            yield from _of_another_kind(context, expr, sites)


def _of_another_kind(
    context: CheckContext, expr: Expr, sites: list[Site]
) -> Iterator[Finding]:
    """An unmap that is right on one way, and on another ends a mapping of another kind,
    which no unmap of its own kind ends."""
    for site in sites:
        own = any(context.kind(e) == site.api.ends for e in context.unmaps(site))
        if site.api.ends != context.kind(expr) and not own:
            yield _mixed(context, site, expr)
            return


def _on_another_way(context: CheckContext, expr: Expr) -> Iterator[Finding]:
    """A kunmap() that is right on one way, and on another is given the page of a
    mapping of another kind, which nothing ends."""
    page = context.argument(expr)
    if page is None or expr not in context.untraced:
        return
    for site in context.sites:
        wrong = site.api.ends != context.kind(expr) and not context.unmaps(site)
        if wrong and site.call.start < expr.start and _is_of(site, page.bare()):
            yield _mixed(context, site, expr)
            return


def ended(context: CheckContext, expr: Expr) -> list[Site]:
    """The mappings that an unmap is given; for kunmap(page) also those of the
    page, or of its folio, that it does not end."""
    sites = [site for site in context.trace.ended(expr) if site in context.sites]
    page = context.argument(expr)
    if sites or context.knowledge.unmaps[expr.callee].given != api.PAGE or page is None:
        return sites
    return [
        site
        for site in context.sites
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


def _mixed(context: CheckContext, site: Site, expr: Expr) -> Finding:
    kind = context.kind(expr)
    effect = EFFECTS[kind]
    if site.api.ends == "kunmap" and kind == "kunmap_local":
        effect = "the page stays mapped, and a slot of another mapping may be cleared"
    if site.api.ends == "kunmap_local" and kind == "kunmap":
        effect = "the local mapping stays on the thread's stack"
    return context.finding(
        expr,
        f"{plain(expr.text)} ends what line {site.call.start[0]} mapped by"
        f" {context.by(site)}: {effect}",
        f"unmap by {site.api.ends}()",
        fix=_right_unmap(context, site, expr),
        steps=context.begun(site),
    )


def _right_unmap(context: CheckContext, site: Site, expr: Expr) -> str:
    """The unmap that belongs to a mapping, in place of another one; "" where it
    is not certain what to pass."""
    given = expr.arguments.get(0)
    if given is None or expr.callee not in api.UNMAPS or site.api.by:
        return ""
    if site.api.ends != "kunmap":
        by_address = expr.callee != "kunmap"
        address = plain(given.text) if by_address else context.holder(site)
        return f"{site.api.ends}({address})" if address else ""
    return f"kunmap({plain(site.page)})" if page_stays(context, site) else ""


def page_stays(context: CheckContext, site: Site) -> bool:
    """Whether the page is one variable that is never set after the map call."""
    return site.page.isidentifier() and not any(
        e.kind in ("assign", "postfix", "unary")
        and (e.kind == "assign" or e.op in ("++", "--", "&"))
        and e.children[0].bare().text == site.page
        and e.start > site.call.start
        for e in context.function.exprs
    )
