# SPDX-License-Identifier: GPL-2.0-only
"""Addresses that are used after the unmap of their page: kmap-use-after-unmap."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.findings.finding import ERROR, NOTE, WARNING, Finding, Rule
from kmaplocal.findings.rules.held import uses_after_put
from kmaplocal.findings.rules.members import member_uses
from kmaplocal.findings.context import CheckContext
from kmaplocal.knowledge import functions
from kmaplocal.bounds import plain
from kmaplocal.flow.events import Event, Kind
from kmaplocal.flow.trace import Site
from kmaplocal.c.syntax import Expr, Stmt

RULE = Rule(
    "kmap-use-after-unmap",
    ERROR,
    "the address is used after its unmap",
    on_path=True,
    of_highmem=True,
)
READING_FORMATS = ("%s", "%*ph", "%.", "%pU", "%pM", "%pI")


def find(context: CheckContext) -> Iterator[Finding]:
    """Uses of an address after the unmap of its page, or after that is given away."""
    yield from _uses(context)
    yield from uses_after_put(context)
    yield from member_uses(context)


def _uses(context: CheckContext) -> Iterator[Finding]:
    for site in context.sites:
        done: set[str | int] = set()
        uses = context.uses(site, Kind.AFTER_UNMAP, Kind.DANGLING)
        for use in (u for u in uses if _is_use(context, u)):
            gone, line = context.gone(use, site), use.place.start[0]
            if {gone, line} & done or _is_another(context, site, use.place):
                continue
            found = _used(context, site, use)
            done.add(line if found.severity == NOTE else gone)
            yield found


def _is_another(context: CheckContext, site: Site, place: Expr) -> bool:
    """Whether PLACE speaks of another variable of the name that the mapping's has, as
    one of an inner block."""
    home, here = context.statement(site.call), context.statement(place)
    named = any(node.text == site.variable for node in place.walk())
    if home is None or here is None or not named:
        return False
    one, other = (context.places.declaration(site.variable, s) for s in (home, here))
    return one != other


def _is_use(context: CheckContext, use: Event) -> bool:
    """Whether what was recorded reads or writes, for all that is known."""
    if use.detail == "member" or (use.detail == "cursor" and use.kind is Kind.DANGLING):
        return False
    if functions.of(use.place.callee).looks:
        return False
    if _prints(context, use):
        return _reads(use.place)
    if use.kind is Kind.DANGLING and use.place.kind == "call" and _as_number(use.place):
        return False
    parent = use.place.parent
    while parent is not None and parent.kind in ("paren", "member"):
        parent = parent.parent
    return parent is None or parent.kind != "unary" or parent.op != "&"


def _prints(context: CheckContext, use: Event) -> bool:
    """Whether a use is a call that prints the address, by itself or by what it hands
    it to."""
    reads = context.trace.reads(use.site)
    numbers = [
        number
        for number, argument in use.place.arguments.items()
        if any(node in reads for node in argument.walk())
    ]
    return bool(numbers) and all(context.called.prints(use.place, n) for n in numbers)


def _used(context: CheckContext, site: Site, use: Event) -> Finding:
    returned = any(u.place is use.place for u in context.uses(site, Kind.RETURNED))
    how = "is returned" if returned else f"is used by {plain(use.place.text)}"
    message = f"{context.named(site)} {how} after {context.gone(use, site)} unmapped it"
    sure = use.kind is Kind.AFTER_UNMAP or returned
    sure = sure and not _asks_place(context, site, use)
    remedy = "unmap after the last use, or copy what is needed before"
    severity = "" if sure else WARNING
    if _mapped_anew(context, site, use) or _asks_how_left(context, site, use):
        severity = NOTE
    ends = [e for e in context.unmaps(site) if e.start < use.place.start]
    ends = ends[-1:] or context.unmaps(site)[-1:]
    steps = [*context.begun(site), *(context.step(e, "unmapped here") for e in ends)]
    return context.finding(use.place, message, remedy, severity, steps=steps)


def _mapped_anew(context: CheckContext, site: Site, use: Event) -> bool:
    """Whether the variable is given a mapping in a loop, after the unmap and under a
    condition of its own: that may be met whenever it is used again."""
    last = [e for e in context.unmaps(site) if e.start < use.place.start][-1:]
    others = [
        other.call
        for other in context.sites
        if other.variable == site.variable
        and all(unmap.start < other.call.start for unmap in last)
    ]
    return any(
        stmt.kind == "if" and _inside(stmt, call) and list(context.loops(call))
        for call in others
        for stmt in context.function.statements()
        if not any(_inside(stmt, unmap) for unmap in context.unmaps(site))
    )


def _asks_how_left(context: CheckContext, site: Site, use: Event) -> bool:
    """Whether the mapping is left alive by a `break` of the loop that else unmaps it,
    and what that loop counts by is asked for before the use."""
    loops = [loop for end in context.unmaps(site) for loop in context.loops(end)]
    for loop in [loop for loop in loops if loop.end <= use.place.start]:
        counted = {
            node.children[0].bare().text
            for root in loop.exprs
            for node in root.walk()
            if node.kind in ("assign", "postfix") or node.op in ("++", "--")
        }
        asked = (
            node.text
            for stmt in context.function.statements()
            if stmt.kind in ("if", "switch") and stmt.exprs
            if loop.end <= stmt.start < use.place.start
            for node in stmt.exprs[0].walk()
        )
        left = any(_leaves_it(context, site, stmt) for stmt in loop.walk())
        if left and not counted.isdisjoint(asked):
            return True
    return False


def _asks_place(context: CheckContext, site: Site, use: Event) -> bool:
    """Whether each unmap before USE stands under a question where in its page an
    address is: whether it ever comes to the page's end is not known."""
    ends = [e for e in context.unmaps(site) if e.start < use.place.start]
    asking = [
        stmt
        for stmt in context.function.statements()
        if stmt.kind == "if" and stmt.exprs
        if any(_places(node) for node in stmt.exprs[0].walk())
    ]
    return bool(ends) and all(
        any(_inside(stmt, end) and not _inside(stmt, use.place) for stmt in asking)
        for end in ends
    )


def _places(node: Expr) -> bool:
    """Whether NODE tells where in its page an address is."""
    cuts = node.op in ("&", "%") and any(
        n.text in ("PAGE_MASK", "PAGE_SIZE") for n in node.walk()
    )
    return cuts or node.callee in ("offset_in_page", "PAGE_ALIGNED", "IS_ALIGNED")


def _leaves_it(context: CheckContext, site: Site, stmt: Stmt) -> bool:
    """Whether STMT is a `break` that is come to with SITE mapped: nothing before it in
    the blocks around it unmaps that."""
    if stmt.kind != "break":
        return False
    unmaps = [*map(context.statement, context.unmaps(site))]
    ends = [s for s in context.standing_before(stmt) if s in unmaps]
    return not any(s.start > site.call.start for s in ends)


def _inside(stmt: Stmt, expr: Expr) -> bool:
    return stmt.start <= expr.start and expr.end <= stmt.end


def _as_number(call: Expr) -> bool:
    """Whether a call is given an address as a number only."""
    casts = [a for a in call.arguments.values() if a.kind == "cast"]
    return bool(casts) and all("*" not in cast.op for cast in casts)


def _reads(call: Expr) -> bool:
    """Whether a printing function reads what an address points at."""
    texts = [a.text for a in call.arguments.values() if a.text[:1] == '"']
    return any(form in text for text in texts for form in READING_FORMATS)
