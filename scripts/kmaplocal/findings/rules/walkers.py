# SPDX-License-Identifier: GPL-2.0-only
"""Walks over many pages that map one after the other: sg_miter_next() and
skb_seq_read().  Who leaves one before its end has to stop it: kmap-leak; and who asked
for the atomic kind may not sleep in it: kmap-sleep-atomic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kmaplocal.findings.finding import JUMPS, Finding
from kmaplocal.findings.rules.sleeps import may_sleep, named, sleeps_by_callee
from kmaplocal.findings.context import CheckContext
from kmaplocal.bounds import plain
from kmaplocal.bounds.offsets import values_of
from kmaplocal.c.places import names_in
from kmaplocal.flow.escape import root_of
from kmaplocal.flow.events import Kind
from kmaplocal.flow.trace import Site
from kmaplocal.c.syntax import Expr, Point

ATOMIC = "SG_MITER_ATOMIC"
ON_STACK = {ATOMIC, "SG_MITER_LOCAL"}


class Walk(NamedTuple):
    """What begins, goes on with and stops a walk, and the number of the argument that
    its state is, of the one that goes on; and the member of it that is the address, or
    the number of the argument behind which that is."""

    begins: str
    stops: str
    state: int
    address: str = ""
    result: int | None = None


# Source: lib/scatterlist.c, net/core/skbuff.c of Linux 6.1.
WALKS = {
    "sg_miter_next": Walk("sg_miter_start", "sg_miter_stop", 0, "addr"),
    "skb_seq_read": Walk("skb_prepare_seq_read", "skb_abort_seq_read", 2, result=1),
}
STOPPED = {walk.stops: walk.address for walk in WALKS.values() if walk.address}


def walks_left(context: CheckContext) -> Iterator[Finding]:
    """Ways out of a walk that do not stop it."""
    for site, walk in _walks(context):
        if not _is_own(context, site, walk):
            continue
        lines = {int(e.detail) for e in context.trace.of(site.number, Kind.LEAKED)}
        for line in sorted(lines):
            at = context.leaving(line)
            jumps = context.trace.jumps(site.number, line)
            way = jumps[0] if jumps else at.start if at else site.call.start
            if _finds_none(context, site, walk, way):
                continue
            steps = [*context.begun(site), *(context.step(j, JUMPS) for j in jumps)]
            yield context.finding(
                at or site.call,
                f"what {site.name}() of line {site.call.start[0]} mapped is still"
                f" mapped where line {line} leaves",
                f"call {walk.stops}() before leaving",
                steps=steps if at else (),
            )


def sleeps_in_walk(context: CheckContext) -> Iterator[Finding]:
    """What sleeps in a walk that is begun with SG_MITER_ATOMIC."""
    for site, walk in _walks(context):
        if not any(ATOMIC in words for words in _flags(context, site.call)):
            continue
        for call in sorted(context.trace.during(site.number), key=lambda e: e.start):
            chain = named(call) if may_sleep(call) else ""
            chain = chain or sleeps_by_callee(context, call)
            if chain and call.callee not in (*WALKS, walk.stops):
                yield context.finding(
                    call,
                    f"{chain} may sleep, and {ATOMIC} forbids it from"
                    f" {plain(site.call.text)} of line {site.call.start[0]} on",
                    f"begin without {ATOMIC}, or move it out",
                    steps=context.begun(site),
                )
                break


def maps_by_kmap(context: CheckContext, call: Expr) -> bool:
    """Whether CALL is sg_miter_next() and maps by kmap(), which may sleep: the function
    begins its walk, and by flags that say so."""
    flags = _flags(context, call) if call.callee == "sg_miter_next" else []
    return bool(flags) and all(
        words and not words & ON_STACK and all(w.startswith("SG_MITER_") for w in words)
        for words in flags
    )


def is_on_stack(context: CheckContext, site: Site) -> bool:
    """Whether the function begins the walk of SITE by flags that put its mappings on
    the stack."""
    return any(words & ON_STACK for words in _flags(context, site.call))


def _flags(context: CheckContext, call: Expr) -> list[set[str]]:
    """The names in the flags by which each walk begins that CALL may go on with."""
    walk = WALKS[call.callee]
    state = call.arguments.get(walk.state)
    words = {n.text for n in state.walk()} if state is not None else set()
    return [
        names_in(begin.arguments[3])
        for begin in context.function.calls([walk.begins])
        if len(begin.arguments) > 3
        and words <= {n.text for n in begin.arguments[0].walk()}
    ]


def _walks(context: CheckContext) -> Iterator[tuple[Site, Walk]]:
    for site in context.trace.sites:
        if site.name in WALKS:
            yield site, WALKS[site.name]


def _is_own(context: CheckContext, site: Site, walk: Walk) -> bool:
    """Whether the walk begins in this function, its state is a variable of its own,
    and no other function is given it."""
    state = site.call.arguments.get(walk.state)
    name = _variable(context, state) if state is not None else ""
    known = {walk.begins, walk.stops, site.name, "sg_miter_skip"}
    others = (e for e in context.function.exprs if e.kind == "call")
    given = {
        call.callee
        for call in others
        for argument in call.arguments.values()
        if name and _variable(context, argument) == name
    }
    return bool(name) and walk.begins in given and given <= known


def _finds_none(context: CheckContext, site: Site, walk: Walk, place: Point) -> bool:
    """Whether PLACE stands under a test that `m.addr` or `m.length` is 0: where
    sg_miter_next() has mapped something they never are (lib/scatterlist.c)."""
    name = _variable(context, site.call.arguments[walk.state])
    members = (f"{name} . addr", f"{name} . length")
    return any(
        node.text in members
        or any(v.text in members for v in _last_value(context, node))
        for stmt in context.function.statements()
        if stmt.kind == "if" and stmt.exprs and stmt.children
        if stmt.children[0].start <= place < stmt.children[0].end
        for test in stmt.exprs[0].walk()
        if (test.kind, test.op) in (("unary", "!"), ("binary", "=="))
        for node in (child.bare() for child in test.children)
    )


def _last_value(context: CheckContext, node: Expr) -> list[Expr]:
    """What the variable that NODE is was set to last, in the order of the text."""
    found = values_of(node.text, context.function) if node.kind == "identifier" else []
    return sorted((v for v in found if v.start < node.start), key=lambda v: v.start)[
        -1:
    ]


def _variable(context: CheckContext, argument: Expr) -> str:
    """The local variable whose address ARGUMENT is; "" for another."""
    node = argument.bare()
    if node.kind != "unary" or node.op != "&":
        return ""
    return root_of(node.children[0].bare(), context.function)
