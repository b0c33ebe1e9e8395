# SPDX-License-Identifier: GPL-2.0-only
"""Addresses that a function returns to its caller: kmap-returned."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.findings.finding import NOTE, WARNING, Finding, Rule
from kmaplocal.findings.context import CheckContext
from kmaplocal.bounds import plain
from kmaplocal.flow.events import Event, Kind
from kmaplocal.flow.trace import Site
from kmaplocal.knowledge import api

RULE = Rule(
    "kmap-returned", WARNING, "the address is returned to the caller", of_highmem=True
)
# Unmap what they are given, besides something else.
RELEASES = frozenset(
    name for name, call in api.KERNEL_UNMAPS.items() if call.given == api.ADDRESS
)


def find(context: CheckContext) -> Iterator[Finding]:
    """Addresses that the function returns while their page is mapped."""
    for site in context.sites:
        gone = {use.place for use in context.uses(site, Kind.DANGLING)}
        alive = [u for u in context.uses(site, Kind.RETURNED) if u.place not in gone]
        for use in alive[:1]:
            yield _returned(context, site, use)


def _returned(context: CheckContext, site: Site, use: Event) -> Finding:
    message = f"the address of {plain(site.call.text)} is returned still mapped"
    # Of who calls a static function without an unmap kmap-leak speaks.
    unmapped = unmapped_in_file(context, site) or _is_static(context)
    unmapped = unmapped or bool(context.uses(site, Kind.STORED))
    if not unmapped_in_file(context, site):
        message += f", and no function of this file calls {site.api.ends}()"
    severity, begun = NOTE if unmapped else WARNING, context.begun(site)
    advice = remedy(site.api.ends)
    return context.finding(use.place, message, advice, severity, steps=begun)


def remedy(ends: str) -> str:
    """What is to be done where ENDS is what unmaps the mapping."""
    return f"say in a comment that the caller is to call {ends}()"


def unmapped_in_file(context: CheckContext, site: Site) -> bool:
    """Whether the file holds an unmap for a mapping, or its users are elsewhere."""
    if site.name not in api.ALL:
        return True  # what maps for its callers has a counterpart where it is
    return speaks_of_unmap(context, site)


def _is_static(context: CheckContext) -> bool:
    """Whether the function can be called in this file alone."""
    outline = context.knowledge.outline
    name, line = context.function.name, context.function.line
    if outline is None:
        return False
    spans = (s for s in outline.functions if s.name == name)
    return any(outline.is_static(s) for s in spans if s.line <= line <= s.end)


def speaks_of_unmap(context: CheckContext, site: Site) -> bool:
    """Whether the file names what unmaps a mapping, or is a header."""
    outline = context.knowledge.outline
    if outline is None or context.file.endswith(".h"):
        return True
    words = outline.vocabulary
    return not words.isdisjoint((site.api.ends, *RELEASES))
