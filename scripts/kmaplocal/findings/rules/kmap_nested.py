# SPDX-License-Identifier: GPL-2.0-only
"""Mappings alive together: kmap-nested."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.findings.finding import NOTE, Finding, Rule
from kmaplocal.findings.rules.kmap_nesting_order import out_of_order
from kmaplocal.findings.context import PASSED_ON, CheckContext, lasting
from kmaplocal.flow.events import UNMAPS, Kind
from kmaplocal.flow.trace import Site

RULE = Rule("kmap-nested", NOTE, "mappings alive together")


def find(context: CheckContext) -> Iterator[Finding]:
    """Mappings made while another one is alive, with their order."""
    wrong = {(first.number, later.number) for first, later, _ in out_of_order(context)}
    for first, later in context.trace.own(context.trace.nested - wrong):
        if lasting(first) or lasting(later) or first.api.kept or later.api.kept:
            continue
        yield context.finding(
            later.call,
            f"{context.named(later)} is mapped while {context.named(first)} of line"
            f" {first.call.start[0]} is: {context.named(later)} is to be unmapped"
            " first",
            _advice(context, first, later),
        )


def _advice(context: CheckContext, first: Site, later: Site) -> str:
    """What to do about mappings that are alive together: nothing, where both are
    seen to be unmapped, once, on every path."""
    wrong = (Kind.LEAKED, Kind.MAPPED_AGAIN, Kind.AFTER_UNMAP, *PASSED_ON)
    for site in (first, later):
        ended = context.trace.of(site.number, *UNMAPS)
        twice = any(event.kind is Kind.TWICE for event in ended)
        if twice or not ended or context.uses(site, *wrong):
            inner, outer = context.named(later), context.named(first)
            return f"unmap {inner} before {outer}, on every path"
    return "nothing, if it stays so"
