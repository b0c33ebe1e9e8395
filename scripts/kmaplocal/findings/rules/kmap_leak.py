# SPDX-License-Identifier: GPL-2.0-only
"""Mappings that a path leaves behind: kmap-leak."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kmaplocal.findings.additions import Addition
from kmaplocal.findings.rules.kmap_null_check import never_run
from kmaplocal.findings.rules.kmap_returned import speaks_of_unmap
from kmaplocal.findings.finding import ADDED, ERROR, JUMPS, NOTE, WARNING, Finding, Rule
from kmaplocal.findings.rules.kmap_mixed_pair import ended
from kmaplocal.findings.rules.arrays import arrays_left
from kmaplocal.findings.rules.several import left_by_callers
from kmaplocal.findings.rules.held import put_while_mapped
from kmaplocal.findings.rules.takers import by_result, how_sure, is_for_later, takers
from kmaplocal.findings.rules.untraced import left_before
from kmaplocal.findings.rules.walkers import WALKS, walks_left
from kmaplocal.findings.context import CheckContext, lasting
from kmaplocal.bounds import plain
from kmaplocal.flow.escape import given as argument_of, root_of
from kmaplocal.flow.events import Kind
from kmaplocal.flow.trace import Site
from kmaplocal.knowledge import api
from kmaplocal.c.syntax import Expr, Point, Stmt

RULE = Rule("kmap-leak", ERROR, "a path leaves the page mapped", on_path=True)
CALLS = tuple(WALKS)
# What gives an address to who may unmap it.
TAKEN = (Kind.STORED, Kind.ADDRESS_TAKEN, Kind.ESCAPES)


def find(context: CheckContext) -> Iterator[Finding]:
    """The mappings that some path of the function never unmaps, where nobody
    else can; one for each place where that path leaves."""
    places: dict[tuple[int, int], Finding] = {}
    for finding in _leaks(context):
        places.setdefault((finding.line, finding.column), finding)
    yield from places.values()
    yield from _kept_left(context)
    yield from walks_left(context)
    yield from arrays_left(context)
    yield from left_by_callers(context)


def _kept_left(context: CheckContext) -> Iterator[Finding]:
    """Ways out with a mapping that a structure keeps, where it goes wrong, and the
    function unmaps it where it goes well."""
    for site in context.trace.sites:
        if not site.api.kept or site.name in (*WALKS, *api.KERNEL_MAPS):
            continue
        for found in _on_path(context, site) if context.unmaps(site) else ():
            leaving = context.leaving(found.line)
            sure = by_result(context, site, leaving) if leaving else ""
            sure = sure or (ERROR if _is_in_own(context, site) else "")
            if sure and found.severity != NOTE:
                yield replace(found, severity=sure, fix="")


def _is_in_own(context: CheckContext, site: Site) -> bool:
    """Whether what keeps the mapping is a variable of this function, of which nobody
    else has a copy or is given the address, but who is seen not to unmap."""
    argument = site.call.arguments.get(site.api.where)
    name = argument.bare().text.removeprefix("& ") if argument is not None else ""
    if argument is None or argument.bare().op != "&" or not name.isidentifier():
        return False
    if name != root_of(argument.bare().children[0].bare(), context.function):
        return False
    uses = [e.parent for e in context.function.exprs if e.text == name]
    return all(
        use is not None
        and (use.kind == "member" or use.op == "&" and _is_lent(context, use))
        for use in uses
        if use is None or use.kind != "call" or use.children[0].text != name
    )


def _is_lent(context: CheckContext, address: Expr) -> bool:
    """Whether ADDRESS is given to a call that is read, and does not unmap but as it is
    known to."""
    place = argument_of(address)
    if place is None:
        return False
    call, number = place
    known = call.callee in (*context.knowledge.maps, *context.knowledge.unmaps)
    read = bool(context.called.definitions(call.callee))
    return known or read and not context.called.unmaps(call, number)


def _leaks(context: CheckContext) -> Iterator[Finding]:
    for site in context.sites:
        if _unmapped_by_calls(context, site):
            continue
        if _unmapped_untraced(context, site):
            yield from left_before(context, site)
            continue
        if _is_kept(context, site):
            if lasting(site) and not context.unmaps(site):
                yield from put_while_mapped(context, site)
            continue
        again = list(_in_loop(context, site))
        yield from again
        for found in _on_path(context, site):
            # Behind the loop it is the same path that was forgotten.
            if not again or _in_same_loop(context, site, found.line):
                yield found


def _unmapped_by_calls(context: CheckContext, site: Site) -> bool:
    """Whether the address, or the page of a kmap(), is given to who may unmap it."""
    if _unmapped_by_page(context, site):
        return True
    return any(
        context.called.unmaps(call, number)
        for call in context.trace.during(site.number)
        if call is not site.call and call.callee not in context.knowledge.unmaps
        for number, argument in call.arguments.items()
        if _names(argument, site)
    )


def _is_kept(context: CheckContext, site: Site) -> bool:
    """Whether the address is stored where others may unmap it."""
    return bool(context.uses(site, *TAKEN)) and not _own(context, site)


def _unmapped_by_page(context: CheckContext, site: Site) -> bool:
    """Whether a function is given what the one that mapped by kmap() was, and unmaps a
    page that it finds by that in its turn."""
    if not (lasting(site) and site.api.by):
        return False
    given = {a.bare().text for a in site.call.arguments.values()}
    return any(
        given & {a.bare().text for a in call.arguments.values()}
        and any(f.calls(["kunmap"]) for _, f in context.called.definitions(call.callee))
        for call in context.trace.during(site.number)
        if call is not site.call and call.callee not in context.knowledge.unmaps
    )


def _own(context: CheckContext, site: Site) -> bool:
    """Whether the address is stored in a member, but unmapped by this function
    after that, where it goes well."""
    other = context.uses(site, Kind.ADDRESS_TAKEN, Kind.ESCAPES)
    stores = [use.place for use in context.uses(site, Kind.STORED)]
    places = all(
        expr.kind == "assign" and expr.children[0].bare().kind == "member"
        for expr in stores
    )
    first = min((expr.start for expr in stores), default=(0, 0))
    later = any(unmap.start > first for unmap in context.unmaps(site))
    return not other and places and later


def _names(argument: Expr, site: Site) -> bool:
    words = {node.text for node in argument.walk()}
    if site.variable and site.variable in words:
        return True
    return lasting(site) and bool(site.page) and site.page in words


def _unmapped_untraced(context: CheckContext, site: Site) -> bool:
    """Whether an unmap that nothing is known of may be meant for this mapping:
    another rule speaks of it where it is wrong."""
    # Of a page in a variable it is known which one is unmapped, where any is.
    plain_page = lasting(site) and site.page.isidentifier()
    own = context.unmaps(site) if plain_page else []
    return any(
        context.kind(expr) == site.api.ends or site in ended(context, expr)
        for expr in context.untraced
        if expr not in own and not (own and _of_next_page(context, site, expr))
    )


def _of_next_page(context: CheckContext, site: Site, unmap: Expr) -> bool:
    """Whether UNMAP is given the variable of the page of SITE, which was set to what a
    call returns since: to another page."""
    argument = context.argument(unmap)
    if argument is None or argument.bare().text != site.page:
        return False
    return any(
        e.kind == "assign" and e.op == "=" and e.children[0].bare().text == site.page
        for stmt in context.before(unmap)
        if stmt.start > site.call.end
        for e in stmt.exprs
        if e.kind == "assign" and e.children[1].bare().callee
    )


def _in_loop(context: CheckContext, site: Site) -> Iterator[Finding]:
    given = takers(context, site)
    if given and not context.unmaps(site):
        return
    if any(how == api.HOLDER for _, how in site.api.named):
        return  # it may unmap first what the structure kept
    for use in context.uses(site, Kind.MAPPED_AGAIN)[:1]:
        if set(use.detail.split()) - {site.variable}:
            return  # another variable goes on with the earlier turn's address
        yield context.finding(
            use.place,
            f"{plain(site.call.text)} is mapped again while a path of the loop has"
            " not unmapped it",
            f"call {context.ending(site)}() on every way to the next turn",
            WARNING if given else "",
        )


def _in_same_loop(context: CheckContext, site: Site, line: int) -> bool:
    loops = list(context.loops(site.call))
    return any(loop.start[0] <= line <= loop.end[0] for loop in loops[-1:])


def _on_path(context: CheckContext, site: Site) -> Iterator[Finding]:
    returned = {use.place for use in context.uses(site, Kind.RETURNED)}
    left = [u for u in context.uses(site, Kind.LEAKED) if u.place not in returned]
    if not left:
        return
    name, remedy = context.named(site), f"call {context.ending(site)}() before leaving"
    given = takers(context, site)
    if not context.unmaps(site) and not returned and not given:
        # What is mapped for good, and what a structure keeps, may end elsewhere.
        elsewhere = site.api.kept and not speaks_of_unmap(context, site)
        if lasting(site) or elsewhere:
            yield from put_while_mapped(context, site)
            return
        by = f", {context.mapped(site)}," if site.api.by else ""
        message = f"{name}{by} is never unmapped: no path has {site.api.ends}()"
        yield context.finding(site.call, message, remedy)
        return
    told: set[Point] = set()
    for line in sorted({int(use.detail) for use in left}):
        leaving = context.leaving(line)
        at = leaving or site.call
        if leaving and never_run(context, site, leaving):
            continue
        if leaving and _hands_page_on(context, site, leaving):
            continue
        message = f"{name}, {context.mapped(site)}, is still mapped"
        severity = WARNING if context.uses(site, *TAKEN) else ""
        if severity and is_for_later(context, site, leaving):
            continue
        if given:
            if any(site.number == later for _, later in context.trace.disordered):
                continue  # of which the order speaks
            sure = how_sure(context, site, leaving)
            if not sure or _guarded(context, site, line):
                continue
            severity = severity or sure
        severity = NOTE if _guarded(context, site, line) else severity
        message += f" where line {line} leaves"
        steps = context.begun(site) if leaving else []
        jumps = context.trace.jumps(site.number, line)
        if told & {*jumps[-1:]}:
            continue  # the same jump, and then another way on
        told |= {*jumps[-1:]}
        steps += [context.step(jump, JUMPS) for jump in jumps[-1:]]
        found = context.finding(at, message, remedy, severity, steps=steps)
        yield found if severity else _mendable(found, Addition(context, site, leaving))


def _mendable(finding: Finding, addition: Addition) -> Finding:
    """FINDING, to be mended by ADDITION where it is known where."""
    if not addition.places:
        on = addition.depends
        told = f"{finding.remedy}, where it is mapped: that depends on {on}"
        return replace(finding, remedy=told) if on else finding
    places = tuple((line, column + 1) for line, column in addition.places)
    return replace(finding, fix=f"{ADDED}{addition.text}", places=places)


def _hands_page_on(context: CheckContext, site: Site, leaving: Stmt) -> bool:
    """Whether the caller is given the page of a kmap(), and so all of the mapping: it
    is returned, or stored where others find it."""
    if not lasting(site):
        return False
    names = {node.text for root in leaving.exprs for node in root.walk()}
    pages = context.pages(site)
    stores = (e for e in context.function.exprs if e.kind == "assign")
    return bool(names & pages) or any(
        store.children[1].bare().text in pages
        and not root_of(store.children[0].bare(), context.function)
        and leaving in _following(context, store)
        for store in stores
    )


def _following(context: CheckContext, expr: Expr) -> list[Stmt]:
    """What follows the statement of EXPR, which may be behind a label."""
    home = context.statement(expr)
    return [*context.following(home)] if home is not None else []


def _guarded(context: CheckContext, site: Site, line: int) -> bool:
    """Whether all paths that leak at LINE pass an `if` by that guards nothing but the
    unmap: it may well know what it guards."""
    passed = context.trace.passed_by(site.number, line)
    return any(stmt.start[0] in passed for stmt in _around(context, site, line))


def _around(context: CheckContext, site: Site, line: int) -> Iterator[Stmt]:
    """Each `if` around an unmap of SITE, behind the map call and before LINE."""
    for unmap in context.unmaps(site):
        stmt = context.statement(unmap)
        while stmt is not None:
            before = stmt.end[0] <= line and stmt.start > site.call.start
            if stmt.kind == "if" and before:
                yield stmt
            stmt = stmt.parent
