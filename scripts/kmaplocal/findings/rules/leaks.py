# SPDX-License-Identifier: GPL-2.0-only
"""Mappings that a path leaves behind: kmap-leak."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.findings.rules.checks import never_run
from kmaplocal.findings.rules.escapes import unmapped_in_file
from kmaplocal.findings.finding import NOTE, WARNING, Finding
from kmaplocal.findings.rules.pairs import ended
from kmaplocal.findings.scene import Scene, lasting
from kmaplocal.bounds import plain
from kmaplocal.flow.events import Site
from kmaplocal.knowledge import functions
from kmaplocal.c.syntax import Expr, Stmt

RULE = "kmap-leak"
ABOUT_PAGES = ("Page", "SetPage", "ClearPage", "TestSetPage", "page_", "set_page_")
LEAVING = ("return", "goto", "break", "continue")


def leaks(scene: Scene) -> Iterator[Finding]:
    """The mappings that some path of the function never unmaps, where nobody
    else can; one for each place where that path leaves."""
    places: dict[tuple[int, int], Finding] = {}
    for finding in _leaks(scene):
        places.setdefault((finding.line, finding.column), finding)
    yield from places.values()


def _leaks(scene: Scene) -> Iterator[Finding]:
    for site in scene.sites:
        if _unmapped_by_others(scene, site):
            continue
        yield from _in_loop(scene, site)
        yield from _on_path(scene, site)


def _unmapped_by_others(scene: Scene, site: Site) -> bool:
    """Whether the address, or the page of a kmap(), goes where it may be
    unmapped."""
    if scene.passed_on(site) and not _own(scene, site):
        return True
    if _unmapped_untraced(scene, site):
        return True
    return any(
        scene.peers.unmaps(call, number) or _may_unmap(scene, call, argument, site)
        for call in scene.function.exprs
        if call.kind == "call" and call is not site.call
        for number, argument in call.arguments.items()
        if _names(argument, site) and call.callee not in scene.knowledge.unmaps
    )


def _own(scene: Scene, site: Site) -> bool:
    """Whether the address is stored in a member, but unmapped by this function
    after that, where it goes well."""
    other = scene.uses(site, "address-taken", "escapes", "unknown", "opaque")
    stores = [use.expr for use in scene.uses(site, "stored")]
    places = all(
        expr.kind == "assign" and expr.children[0].bare().kind == "member"
        for expr in stores
    )
    first = min((expr.start for expr in stores), default=(0, 0))
    later = any(unmap.start > first for unmap in scene.unmaps(site))
    return not other and places and later


def _may_unmap(scene: Scene, call: Expr, argument: Expr, site: Site) -> bool:
    """Whether a function that could not be read is given the page of a kmap()."""
    if not lasting(site) or argument.bare().text != site.page or not call.callee:
        return False
    if functions.of(call.callee).takes_page or call.callee.startswith(ABOUT_PAGES):
        return False
    return not scene.peers.definitions(call.callee)


def _names(argument: Expr, site: Site) -> bool:
    words = {node.text for node in argument.walk()}
    if site.variable and site.variable in words:
        return True
    return lasting(site) and bool(site.page) and site.page in words


def _unmapped_untraced(scene: Scene, site: Site) -> bool:
    """Whether an unmap that nothing is known of may be meant for this mapping:
    another rule speaks of it where it is wrong."""
    return any(
        scene.kind(expr) == site.api.ends or site in ended(scene, expr)
        for expr in scene.untraced
    )


def _in_loop(scene: Scene, site: Site) -> Iterator[Finding]:
    for use in scene.uses(site, "mapped-again")[:1]:
        if set(use.detail.split()) - {site.variable}:
            return  # another variable goes on with the earlier turn's address
        yield scene.finding(
            RULE,
            use.expr,
            f"{plain(site.call.text)} is mapped again while a path of the loop has"
            " not unmapped it",
            f"call {scene.ending(site)}() on every way to the next turn",
        )


def _on_path(scene: Scene, site: Site) -> Iterator[Finding]:
    returned = {use.expr for use in scene.uses(site, "returned")}
    leaving = [u for u in scene.uses(site, "leaked") if u.expr not in returned]
    if not leaving:
        return
    name, remedy = scene.named(site), f"call {scene.ending(site)}() before leaving"
    if not scene.unmaps(site) and not returned:
        # Where nothing at all unmaps, the function that maps has been told so.
        if lasting(site) or (site.api.by and not unmapped_in_file(scene, site)):
            return
        by = f", {scene.mapped(site)}," if site.api.by else ""
        message = f"{name}{by} is never unmapped: no path has {site.api.ends}()"
        yield scene.finding(RULE, site.call, message, remedy)
        return
    for line in sorted({int(use.detail) for use in leaving}):
        at = scene.leaving(line) or site.call
        if isinstance(at, Stmt) and never_run(scene, site, at):
            continue
        message = f"{name}, {scene.mapped(site)}, is still mapped"
        severity = WARNING if scene.passed_on(site) else ""
        severity = NOTE if _guarded(scene, site, line) else severity
        message += f" where line {line} leaves"
        yield scene.finding(RULE, at, message, remedy, severity)


def _guarded(scene: Scene, site: Site, line: int) -> bool:
    """Whether the path to LINE only leaks where it passes an `if` by that guards
    nothing but the unmap: it may well know what it guards."""
    for unmap in scene.unmaps(site):
        home = scene.statement(unmap)
        arm = home
        while arm is not None and arm.parent is not None and arm.parent.kind != "if":
            arm = arm.parent
        guard = arm.parent if arm is not None else None
        if (
            arm is None
            or guard is None
            or guard.start < site.call.start
            or guard.end[0] > line
        ):
            continue
        plain_arm = [s for s in arm.walk() if s.kind not in ("compound", "declaration")]
        if plain_arm[:1] == [home]:
            return not any(s.kind in LEAVING for s in plain_arm)
    return False
