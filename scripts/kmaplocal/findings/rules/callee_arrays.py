# SPDX-License-Identifier: GPL-2.0-only
"""Mappings that the loop of one function makes, an array in a structure keeps, and the
loop of another one unmaps: their callers, and their order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kmaplocal.bounds import plain
from kmaplocal.c.cfg import LOOPS
from kmaplocal.c.syntax import Expr, Function, Stmt
from kmaplocal.findings.context import CheckContext
from kmaplocal.findings.finding import ERROR, WARNING, Finding
from kmaplocal.findings.rules.arrays import element, grows
from kmaplocal.knowledge import api


class Elements(NamedTuple):
    """What a loop of a function maps or unmaps: the elements of a member of what its
    parameter NUMBER points to, by one kind of unmap, and whether from the first on."""

    number: int
    member: str
    kind: str
    up: bool


class Pair(NamedTuple):
    """The call of what maps an array, and of what unmaps it, which is a finding's."""

    first: Expr
    last: Expr
    array: str
    upwards: bool


def left_by_callers(context: CheckContext) -> Iterator[Finding]:
    """Ways out between the call of what maps an array and of what unmaps it."""
    told = {site.call for site in context.trace.sites}
    for first, last, array, _ in _pairs(context):
        for stmt in context.function.statements():
            between = first.end <= stmt.start < last.start
            leaves = stmt.kind == "return" and between and first not in told
            if leaves and not _failed(context, first, stmt):
                yield context.finding(
                    stmt,
                    f"what {first.callee}() of line {first.start[0]} mapped into"
                    f" {array}[] is still mapped where line {stmt.start[0]} leaves",
                    f"call {last.callee}() before leaving",
                    WARNING,
                    steps=[context.step(first, "mapped here")],
                )


def upwards_by_callees(context: CheckContext) -> Iterator[Finding]:
    """Arrays that one function maps, and another unmaps, from the first element on."""
    for first, last, array, upwards in _pairs(context):
        if upwards:
            yield context.finding(
                last,
                f"{last.callee}() unmaps {array}[] from its first element on, as"
                f" {first.callee}() of line {first.start[0]} mapped it",
                "unmap in the reverse order of mapping",
                ERROR,
                steps=[context.step(first, "mapped here")],
            )


def _pairs(context: CheckContext) -> Iterator[Pair]:
    calls = [e for e in context.function.exprs if e.kind == "call" and e.callee]
    calls = [e for e in calls if e.callee not in api.ALL]
    made = [(call, each) for call in calls for each in _mapped(context, call)]
    for first, mapped in made:
        for last in calls if first.arguments else ():
            ended = _ended(context, last) if last.start > first.start else ()
            for each in ended:
                one = first.arguments[mapped.number]
                other = last.arguments.get(each.number)
                same = other is not None and other.bare().text == one.bare().text
                if same and mapped[1:3] == each[1:3]:
                    array = f"{plain(one.text)}->{mapped.member}"
                    yield Pair(first, last, array, mapped.up and each.up)


def _mapped(context: CheckContext, call: Expr) -> list[Elements]:
    """What the function that CALL calls maps in loops, and unmaps nowhere."""
    found: list[Elements] = []
    for _, function in context.called.definitions(call.callee):
        for made in function.calls(api.MAPS) if not function.calls(api.UNMAPS) else ():
            target = made.parent
            while target is not None and target.kind in ("paren", "cast"):
                target = target.parent
            rule, kept = api.MAPS[made.callee], target and target.kind == "assign"
            if target is not None and kept and rule.stacked:
                of = _elements(function, target.children[0], target, rule.ends)
                found += [each for each in of if each.number in call.arguments]
    return found


def _ended(context: CheckContext, call: Expr) -> list[Elements]:
    """What the function that CALL calls unmaps in loops, and maps nowhere."""
    return [
        each
        for _, function in context.called.definitions(call.callee)
        if not function.calls(api.MAPS)
        for unmap in function.calls(api.UNMAPS)
        if 0 in unmap.arguments
        for each in _elements(function, unmap.arguments[0], unmap, unmap.callee)
    ]


def _elements(
    function: Function, expr: Expr, at: Expr, kind: str
) -> Iterator[Elements]:
    """EXPR, in a loop of FUNCTION that AT is in: elements of a parameter's member."""
    array, index = element(expr)
    name, _, member = array.partition("->")
    names = [parameter.name for parameter in function.params]
    loops = function.around(at, LOOPS)
    if member.isidentifier() and name in names and loops:
        yield Elements(names.index(name), member, kind, grows(loops, index))


def _failed(context: CheckContext, first: Expr, stmt: Stmt) -> bool:
    """Whether STMT is left by where the call FIRST did not do what it is for: under a
    condition that asks for what it returned."""
    result = {first.text, *context.given_to(first)}
    guard = stmt
    while guard.parent is not None and guard.kind != "if":
        guard = guard.parent
    if guard.kind != "if" or not guard.exprs:
        return False
    asked = {node.text for node in guard.exprs[0].walk()}
    set_anew = any(
        e.kind == "assign" and e.children[0].bare().text in result
        for e in context.function.exprs
        if first.end < e.start < guard.start
    )
    return not asked.isdisjoint(result) and not set_anew
