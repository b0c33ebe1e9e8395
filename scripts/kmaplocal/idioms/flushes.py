# SPDX-License-Identifier: GPL-2.0-only
"""Writes through a mapping that lack the flush_dcache_page() of their like.

Where a file flushes the pages of one structure member after it wrote to them,
a write to such a page without a flush is an oversight: on machines with
aliasing data caches user space may not see it.
Source: Documentation/core-api/cachetlb.rst.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from kmaplocal.knowledge import functions
from kmaplocal.certify.analysis import FileAnalysis
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.c.places import Places, changes, names_in, slice_of
from kmaplocal.c.syntax import Expr
from kmaplocal.flow.events import Kind
from kmaplocal.flow.trace import Site

FLUSH = "flush_dcache_page"


@dataclass
class _Write:
    analysis: FunctionAnalysis
    site: Site
    unmaps: list[Expr]
    flushed: bool


def kind_of_page(page: Expr | None) -> str:
    """The structure member a page is reached by, or ""."""
    node = page.bare() if page else None
    while node is not None and node.kind in ("index", "paren", "cast"):
        node = node.children[0] if node.kind == "index" else node.children[-1]
    return node.label if node is not None and node.kind == "member" else ""


def missing_flushes(
    file: FileAnalysis,
) -> dict[FunctionAnalysis, list[tuple[Expr, str]]]:
    """By function: the unmaps a flush is missing after, and of which page."""
    kinds: dict[str, list[_Write]] = defaultdict(list)
    for analysis in file.analyses.values():
        for site in analysis.trace.sites:
            kind = kind_of_page(site.call.arguments.get(0))
            if kind and _is_written(analysis, site):
                kinds[kind].append(_describe(analysis, site, kind))
    missing: dict[FunctionAnalysis, list[tuple[Expr, str]]] = defaultdict(list)
    for writes in kinds.values():
        if not any(write.flushed for write in writes):
            continue
        for write in writes:
            if not write.flushed and write.site.api.new and _can_follow(write):
                page = slice_of(file.outline.text, write.site.call.arguments[0])
                missing[write.analysis] += [(unmap, page) for unmap in write.unmaps]
    return missing


def _can_follow(write: _Write) -> bool:
    """Whether the page's expression still means the same page at the unmaps, and
    each of them is a statement of a block, so that another can follow."""
    places = Places(write.analysis.function)
    page = write.site.call.arguments[0]
    start, end = write.site.call.end, max(e.start for e in write.unmaps)
    changed = any(
        start < node.start < end and changes(node, names_in(page))
        for node in write.analysis.function.exprs
    )
    stmts = [places.statement(unmap) for unmap in write.unmaps]
    return not changed and all(
        stmt is not None and stmt.exprs == [unmap] and places.in_block(stmt)
        for stmt, unmap in zip(stmts, write.unmaps)
    )


def _describe(analysis: FunctionAnalysis, site: Site, kind: str) -> _Write:
    unmaps = analysis.trace.unmaps_of(site.number)
    later = [
        other.call.start
        for other in analysis.trace.sites
        if other.call.start > site.call.start and other.page == site.page
    ]
    end = min(later, default=(1 << 30, 0))
    flushed = any(
        site.call.start < call.start < end
        and kind_of_page(call.arguments.get(0)) == kind
        for call in analysis.function.calls({FLUSH})
    )
    return _Write(analysis, site, unmaps, flushed)


def _is_written(analysis: FunctionAnalysis, site: Site) -> bool:
    return any(
        _writes(use.place, analysis)
        for use in analysis.trace.of(site.number, Kind.ACCESS)
    )


def _writes(expr: Expr, analysis: FunctionAnalysis) -> bool:
    """Whether an access is the target of an assignment, or of a call that
    writes to its first argument."""
    if expr.kind == "call":
        names = {n.text for n in expr.arguments[0].walk()} if expr.arguments else set()
        return 0 in functions.of(expr.callee).writes and bool(
            names & _holders(analysis)
        )
    node = expr
    while node.parent is not None and node.parent.kind in ("member", "index", "paren"):
        if node.parent.kind == "index" and node.parent.children[0] is not node:
            return False
        node = node.parent
    parent = node.parent
    if parent is None:
        return False
    if parent.kind == "assign":
        return parent.children[0] is node
    return parent.kind == "postfix" or parent.op in ("++", "--")


def _holders(analysis: FunctionAnalysis) -> set[str]:
    return {e.text for e in analysis.trace.read}
