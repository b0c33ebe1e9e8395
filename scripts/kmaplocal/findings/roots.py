# SPDX-License-Identifier: GPL-2.0-only
"""One bug, one finding: what several rules find where one unmap is wrong.

An unmap that is given another mapping's address ends that one twice, out of order, and
leaves its own: the address is to be put right in one place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from kmaplocal.findings.context import CheckContext
from kmaplocal.findings.finding import Finding, Step
from kmaplocal.flow.trace import Site
from kmaplocal.c.syntax import Point

TWICE, LEFT, ORDER = "kmap-double-unmap", "kmap-leak", "kmap-nesting-order"
MIXED = "kmap-mixed-pair"


def one_each(context: CheckContext, findings: Iterable[Finding]) -> Iterator[Finding]:
    """FINDINGS of a function, those of the same bug told as one."""
    found = list(findings)
    mixed: dict[Finding, Site] = {}
    for finding in found:
        left = _left_for(context, finding, found) if finding.rule == TWICE else []
        if left:
            mixed[finding] = left[0]
    told = {_place(site): twice for twice, site in mixed.items()}
    # What ends by another kind of unmap stays mapped by its own.
    told |= {p: f for f in found if f.rule == MIXED for p in _begins(f)}
    for finding in found:
        if finding in mixed:
            yield _mixed_up(context, finding, mixed[finding])
        elif not _is_told(finding, told) and not _is_forgotten(context, finding, found):
            yield finding


def _is_forgotten(context: CheckContext, order: Finding, found: list[Finding]) -> bool:
    """Whether what is out of ORDER is that the later mapping is forgotten on this way:
    it is still mapped where the function leaves next, and found there."""
    if order.rule != ORDER or len(order.steps) < 2:
        return False
    later = order.steps[1]
    # What is unmapped before the later one is mapped is so by the end of its scope.
    scope = (order.line, order.column) < (later.line, later.column)
    behind = _leaving_behind(context, order)
    return any(
        f.rule == LEFT
        and (later.line, later.column - 1) in _begins(f)
        and (scope or f.line in behind)
        for f in found
    )


def _left_for(
    context: CheckContext, twice: Finding, found: list[Finding]
) -> list[Site]:
    """The mappings that stay because another one is unmapped TWICE: of its kind, mapped
    before, and never unmapped, or not where what follows the second unmap leaves."""
    first = [site for site in context.sites if _place(site) in _begins(twice)]
    behind = _leaving_behind(context, twice)
    leaks = [_begins(f) for f in found if f.rule == LEFT and f.line in behind]
    return [
        site
        for site in context.sites
        if first and site not in first and site.api.ends == first[0].api.ends
        if site.call.start < (twice.line, twice.column)
        if not context.unmaps(site) or any(_place(site) in places for places in leaks)
    ]


def _leaving_behind(context: CheckContext, at: Finding) -> set[int]:
    """The lines that return in the block of the unmap that a finding is at, behind
    it."""
    homes = [
        context.statement(unmap)
        for unmap in context.trace.unmaps
        if unmap.start == (at.line, at.column - 1)
    ]
    return {
        stmt.start[0]
        for home in homes
        if home is not None
        for stmt in context.following(home)
        if stmt.kind == "return"
    }


def _mixed_up(context: CheckContext, twice: Finding, left: Site) -> Finding:
    name, line = context.named(left), left.call.start[0]
    message = f"{twice.message}; {name} of line {line} stays mapped"
    return replace(twice, message=message, remedy=f"unmap {name} once, and it once")


def _is_told(finding: Finding, told: dict[Point, Finding]) -> bool:
    """Whether FINDING speaks of a mapping that stays for another that ends twice."""
    if finding.rule == LEFT:
        return not _begins(finding).isdisjoint(told)
    if finding.rule != ORDER:
        return False
    begins = _begins(finding)
    return any(
        place in begins and not begins.isdisjoint(_begins(twice))
        for place, twice in told.items()
    )


def _begins(finding: Finding) -> set[Point]:
    """The places of the map calls that a finding speaks of."""
    steps = {(s.line, s.column - 1) for s in finding.steps if _begins_there(s)}
    return steps or {(finding.line, finding.column - 1)}


def _begins_there(step: Step) -> bool:
    return step.said.endswith("mapped here") and "unmapped" not in step.said


def _place(site: Site) -> Point:
    return site.call.start
