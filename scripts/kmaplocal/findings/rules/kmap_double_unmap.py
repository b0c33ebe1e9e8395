# SPDX-License-Identifier: GPL-2.0-only
"""Mappings that a path unmaps twice: kmap-double-unmap."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.findings.finding import ERROR, Finding, Rule, Step
from kmaplocal.findings.rules.members import members_again
from kmaplocal.findings.scene import Scene
from kmaplocal.flow.escape import given, member_of
from kmaplocal.flow.events import Kind
from kmaplocal.flow.trace import Site
from kmaplocal.c.syntax import Expr

RULE = Rule("kmap-double-unmap", ERROR, "a mapping is unmapped twice", on_path=True)


def find(scene: Scene) -> Iterator[Finding]:
    """Unmaps of a mapping that some path has unmapped before."""
    yield from _twice(scene)
    yield from members_again(scene)


def _twice(scene: Scene) -> Iterator[Finding]:
    for expr, ends in scene.trace.unmaps.items():
        again = {e.site for e in ends if e.kind is Kind.TWICE}
        for site in scene.trace.sites:
            if site.number not in again:
                continue
            if site not in scene.sites or _is_lent(scene, expr):
                continue
            if _is_chosen_alike(scene, site, expr):
                continue
            yield scene.finding(
                expr,
                f"{scene.named(site)}, {scene.mapped(site)}, is already"
                f" unmapped here on the path through {_before(scene, site, expr)}",
                f"call {expr.callee}() once on every path",
                steps=[*scene.begun(site), *_first_end(scene, site, expr)],
            )


def _is_lent(scene: Scene, unmap: Expr) -> bool:
    """Whether the address is kept in a structure that a call is given: what else
    that may change, as a flag in it, decides which paths there are."""
    held = {member_of(n) for a in unmap.arguments.values() for n in a.walk()}
    return any(
        e.kind == "unary" and e.op == "&" and e.children[0].bare().text in held
        for e in scene.function.exprs
        if given(e)
    )


def _is_chosen_alike(scene: Scene, site: Site, unmap: Expr) -> bool:
    """Whether a loop maps in the turn that a condition chooses, and another one unmaps,
    there alone, in the turn that the same condition chooses."""
    begun, ended = _asked(scene, site.call), _asked(scene, unmap)
    loops = [set(scene.loops(each)) for each in (site.call, unmap)]
    alone = scene.unmaps(site) == [unmap]
    return alone and bool(begun & ended) and all(loops) and loops[0] != loops[1]


def _asked(scene: Scene, expr: Expr) -> set[str]:
    """The conditions under which EXPR stands."""
    return {
        stmt.exprs[0].text
        for stmt in scene.function.statements()
        if stmt.kind == "if" and stmt.exprs and stmt.start <= expr.start < stmt.end
    }


def _first_end(scene: Scene, site: Site, expr: Expr) -> list[Step]:
    """The step at which a mapping ended before EXPR."""
    others = [e for e in scene.unmaps(site) if e is not expr][:1]
    return [scene.step(e, "unmapped here") for e in others]


def _before(scene: Scene, site: Site, expr: Expr) -> str:
    lines = [e.start[0] for e in scene.unmaps(site) if e is not expr]
    return f"line {lines[0]}" if lines else "the loop around it"
