# SPDX-License-Identifier: GPL-2.0-only
"""Two mappings that may be of one page, told apart by their addresses: kmap-alias."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.bounds import plain
from kmaplocal.certify import aliases
from kmaplocal.findings.context import CheckContext
from kmaplocal.findings.finding import WARNING, Finding, Rule
from kmaplocal.flow.events import Event
from kmaplocal.flow.trace import Site

RULE = Rule(
    "kmap-alias",
    WARNING,
    "addresses of two mappings of one page are compared",
    of_highmem=True,
)


def find(context: CheckContext) -> Iterator[Finding]:
    """The comparisons of an address with that of another mapping, of which one at
    least has an address of its own."""
    for site in context.sites:
        for event, other in aliases.compared(context.analysis.pages.extents, site):
            if other is None or other.number < site.number:
                continue  # told of the other one
            if (site.api.stacked or other.api.stacked) and other in context.sites:
                yield _finding(context, event, site, other)


def _finding(context: CheckContext, event: Event, site: Site, other: Site) -> Finding:
    line, call = other.call.start[0], event.place.callee
    where = f"{context.named(site)} and {context.named(other)} of line {line}"
    by = f"{call}() does not see that" if call else f"{plain(event.place.text)}:"
    so = "source and destination overlap" if call else "it takes them for two"
    return context.finding(
        event.place,
        f"{by} {so} where {where} are of one page: each has an address of its own",
        f"map {plain(site.page)} once where it is {plain(other.page)} as well"
        if call
        else "compare the pages, and offsets in them",
        steps=context.begun(site),
    )
