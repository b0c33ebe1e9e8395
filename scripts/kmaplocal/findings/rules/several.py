# SPDX-License-Identifier: GPL-2.0-only
"""Several mappings that one function makes for its callers, in an array by a loop, or
behind its parameters, and another one unmaps: how they are called, and their order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from kmaplocal.bounds import plain
from kmaplocal.c.cfg import LOOPS
from kmaplocal.c.syntax import Expr, Function, Stmt
from kmaplocal.findings.context import CheckContext
from kmaplocal.findings.finding import ERROR, WARNING, Finding
from kmaplocal.findings.rules.arrays import element, grows
from kmaplocal.knowledge import api


BEHIND = "*"


class Elements(NamedTuple):
    """What a function maps or unmaps of its parameter NUMBER: the elements of a MEMBER
    of what it points to, in a loop, UP from the first one or down; what is behind it
    (MEMBER is BEHIND); or the parameter itself ("").  KIND: the unmap."""

    number: int
    member: str
    kind: str
    up: bool


class Pair(NamedTuple):
    """The call of what maps, and of what unmaps the same place, and whether both go
    through an array from its first element on."""

    first: Expr
    last: Expr
    place: str
    upwards: bool


def left_by_callers(context: CheckContext) -> Iterator[Finding]:
    """Ways out between the call of what maps an array and of what unmaps it."""
    told = {site.call for site in context.trace.sites}
    made: dict[Expr, list[Pair]] = defaultdict(list)
    for pair in _pairs(context):
        made[pair.first].append(pair)
    for first, pairs in made.items():
        where = " and ".join(dict.fromkeys(pair.place for pair in pairs))
        last = min((pair.last for pair in pairs), key=lambda call: call.start)
        for stmt in context.function.statements():
            between = first.end <= stmt.start < last.start
            leaves = stmt.kind == "return" and between and first not in told
            ended = leaves and _may_be_ended(context, first, stmt)
            if leaves and not ended and not _failed(context, first, stmt):
                yield context.finding(
                    stmt,
                    f"what {first.callee}() of line {first.start[0]} mapped into"
                    f" {where} is still mapped where line {stmt.start[0]} leaves",
                    f"call {last.callee}() before leaving",
                    WARNING,
                    steps=[context.step(first, "mapped here")],
                )


def _may_be_ended(context: CheckContext, first: Expr, stmt: Stmt) -> bool:
    """Whether a call between FIRST and STMT may unmap what it is given."""
    return any(
        context.called.unmaps(call, number)
        for call in context.function.exprs
        if call.kind == "call" and first.end <= call.start < stmt.start
        for number in call.arguments
    )


def upwards_by_callees(context: CheckContext) -> Iterator[Finding]:
    """Arrays that one function maps, and another unmaps, from the first element on."""
    for first, last, where, upwards in _pairs(context):
        if upwards:
            yield context.finding(
                last,
                f"{last.callee}() unmaps {where} from its first element on, as"
                f" {first.callee}() of line {first.start[0]} mapped it",
                "unmap in the reverse order of mapping",
                ERROR,
                steps=[context.step(first, "mapped here")],
            )


def _pairs(context: CheckContext) -> Iterator[Pair]:
    """Each call of what maps, and for each place that it maps into, the first call
    behind that unmaps what is there."""
    calls = [e for e in context.function.exprs if e.kind == "call" and e.callee]
    calls = sorted(calls, key=lambda e: e.start)
    for first in calls:
        mapped = _mapped(context, first) if first.callee not in api.ALL else []
        for each in mapped:
            place = _place(first, each)
            behind = (
                (call, other)
                for call in calls
                if call.start > first.start
                for other in _ended(context, call)
                if place and _place(call, other) == place and other.kind == each.kind
            )
            for call, other in [*behind][:1]:
                yield Pair(first, call, place, each.up and other.up)


def _place(call: Expr, of: Elements) -> str:
    """The place OF which the function that CALL calls maps or unmaps, as the caller
    names it; "" where it has no name."""
    given = call.arguments.get(of.number)
    node = given.bare() if given is not None else None
    if node is None:
        return ""
    if of.member != BEHIND:
        return f"{plain(node.text)}->{of.member}[]" if of.member else plain(node.text)
    return plain(node.children[0].text) if node.op == "&" else ""


def _mapped(context: CheckContext, call: Expr) -> list[Elements]:
    """What the function that CALL calls maps in loops, or behind several of its
    parameters, and unmaps nowhere."""
    found: list[Elements] = []
    for _, function in context.called.definitions(call.callee):
        for made in function.calls(api.MAPS) if not function.calls(api.UNMAPS) else ():
            target = made.parent
            while target is not None and target.kind in ("paren", "cast"):
                target = target.parent
            rule, kept = api.MAPS[made.callee], target and target.kind == "assign"
            if target is not None and kept and rule.stacked:
                into = target.children[0]
                found += _elements(function, into, target, rule.ends)
                found += _behind(function, into, rule.ends)
    return found


def _ended(context: CheckContext, call: Expr) -> list[Elements]:
    """What the function that CALL calls unmaps, in loops or its parameters, and maps
    nowhere."""
    if call.callee in api.UNMAPS:
        return [Elements(0, "", call.callee, False)]
    found: list[Elements] = []
    for _, function in context.called.definitions(call.callee):
        for unmap in function.calls(api.UNMAPS) if not function.calls(api.MAPS) else ():
            given = unmap.arguments.get(0)
            if given is not None:
                found += _elements(function, given, unmap, unmap.callee)
                found += _given(function, given, unmap.callee)
    return found


def _behind(function: Function, into: Expr, kind: str) -> Iterator[Elements]:
    """INTO as `*p` of a parameter of FUNCTION."""
    node = into.bare()
    if node.kind == "unary" and node.op == "*":
        for each in _given(function, node.children[0], kind):
            yield each._replace(member=BEHIND)


def _given(function: Function, expr: Expr, kind: str) -> Iterator[Elements]:
    """EXPR as a parameter of FUNCTION."""
    names = [parameter.name for parameter in function.params]
    if expr.bare().text in names:
        yield Elements(names.index(expr.bare().text), "", kind, False)


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


def out_of_order_in_helper(context: CheckContext) -> Iterator[Finding]:
    """Two mappings that are given to one helper, which unmaps the first of them before
    the later one."""
    nested = [(a, b) for a, b in context.trace.own(context.trace.nested)]
    for call in context.function.exprs:
        ended = _in_turn(context, call) if call.kind == "call" and nested else []
        for first, later in nested:
            names = [first.variable, later.variable]
            kinds = {first.api.ends, later.api.ends}
            stacked = first.api.stacked and later.api.stacked and all(names)
            if (
                stacked
                and ended == names
                and later.call.start < call.start
                and (len(kinds) == 1)
            ):
                yield context.finding(
                    call,
                    f"{call.callee}() unmaps {names[0]} (line {first.call.start[0]})"
                    f" while {names[1]} (line {later.call.start[0]}), mapped after it,"
                    " still is mapped",
                    "unmap in the reverse order of mapping",
                    steps=context.begun(first, later),
                )


def _in_turn(context: CheckContext, call: Expr) -> list[str]:
    """The two arguments of CALL that its function unmaps one after the other in any
    case, and nothing else, in that order."""
    definitions = context.called.definitions(call.callee)
    if len(definitions) != 1 or call.callee in api.ALL:
        return []
    function = definitions[0][1]
    unmaps = function.calls(api.UNMAPS)
    plain_ones = [e for s in function.body if s.kind == "expression" for e in s.exprs]
    if len(unmaps) != 2 or not all(unmap in plain_ones for unmap in unmaps):
        return []
    given = [
        each
        for unmap in unmaps
        for argument in unmap.arguments.values()
        for each in _given(function, argument, unmap.callee)
    ]
    return [_place(call, each) for each in given]


def _failed(context: CheckContext, first: Expr, stmt: Stmt) -> bool:
    """Whether the call FIRST may have failed where STMT leaves the function: STMT
    stands under an `if` that asks for what FIRST returned."""
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
