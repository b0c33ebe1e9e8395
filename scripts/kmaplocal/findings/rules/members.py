# SPDX-License-Identifier: GPL-2.0-only
"""Addresses that a member of somebody's structure keeps: used, or unmapped once more,
in the statements behind their unmap."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.findings.finding import Finding
from kmaplocal.findings.context import CheckContext
from kmaplocal.findings.rules.walkers import STOPPED, WALKS
from kmaplocal.bounds import plain
from kmaplocal.flow.events import Kind
from kmaplocal.knowledge import api, functions
from kmaplocal.c.places import changes, names_in
from kmaplocal.c.syntax import Expr, Function, Stmt


def member_uses(context: CheckContext) -> Iterator[Finding]:
    """What is done by way of a member after the address in it was unmapped, until it
    may be another one."""
    for unmap, member, use in _uses(context):
        around = _around(use)
        if around.callee not in context.knowledge.unmaps:
            yield context.finding(
                use,
                f"{plain(member)} is used by {plain(around.text)[:60]} after line"
                f" {unmap.start[0]} unmapped it",
                "unmap after the last use, or copy what is needed before",
                steps=[context.step(unmap, "unmapped here")],
            )


def members_again(context: CheckContext) -> Iterator[Finding]:
    """Unmaps of what a member keeps, after it was unmapped."""
    for unmap, member, use in _uses(context):
        around = _around(use)
        if around.callee in context.knowledge.unmaps:
            yield context.finding(
                around,
                f"{plain(member)} is already unmapped here: line {unmap.start[0]} did",
                f"call {around.callee}() once on every path",
                steps=[context.step(unmap, "unmapped here")],
            )


def _uses(context: CheckContext) -> Iterator[tuple[Expr, str, Expr]]:
    """Unmaps, the member that holds the address, and the first use of it behind."""
    told = {
        event.place.start[0]
        for site in context.trace.sites
        for event in context.trace.of(site.number, Kind.AFTER_UNMAP, Kind.DANGLING)
    }
    for unmap in context.function.calls(context.knowledge.unmaps):
        for member in _members(context, unmap):
            found = _after(context, unmap, member)
            if found is not None and found.start[0] not in told:
                told.add(found.start[0])
                yield unmap, member, found


def _around(use: Expr) -> Expr:
    """The call that a use stands in, or all of what it stands in."""
    around = use
    while around.parent is not None and around.kind != "call":
        around = around.parent
    return around


def _members(context: CheckContext, unmap: Expr) -> list[str]:
    """What holds the address that UNMAP unmaps: the member that is its argument, or
    what a mapping was stored in that it ends; and the variables set to that."""
    argument, given = (
        context.argument(unmap),
        context.knowledge.unmaps[unmap.callee].given,
    )
    if argument is None:
        return []
    if given == api.HOLDER:
        members = [*_held(context, unmap, argument), *_walked(context, unmap)]
    elif given == api.ADDRESS and argument.bare().kind == "member":
        members = [argument.bare().text]
    else:
        members = _stored(context, unmap)
    return [*members, *(n for m in members for n in _copies(context, unmap, m))]


def _held(context: CheckContext, unmap: Expr, argument: Expr) -> Iterator[str]:
    """The members of what ARGUMENT points to that UNMAP unmaps."""
    given = argument.bare()
    for label in _labels(context, unmap):
        if given.kind == "unary" and given.op == "&":
            yield f"{given.children[0].bare().text} . {label}"
        elif given.kind == "identifier":
            yield f"{given.text} -> {label}"


def _walked(context: CheckContext, unmap: Expr) -> Iterator[str]:
    """The variables that a walk leaves its address in which UNMAP stops."""
    for name, walk in WALKS.items():
        if walk.stops != unmap.callee or walk.result is None:
            continue
        for call in context.function.calls([name]):
            same = call.arguments[walk.state].bare().text
            result = call.arguments[walk.result].bare()
            if same == unmap.arguments[0].bare().text and result.op == "&":
                yield result.children[0].bare().text


def _labels(context: CheckContext, unmap: Expr) -> Iterator[str]:
    """The same by their names alone: by what the function of UNMAP does with its
    parameter, where the kernel's is not known."""
    if unmap.callee in STOPPED:
        yield STOPPED[unmap.callee]
        return
    number = context.knowledge.unmaps[unmap.callee].number
    for _, function in context.called.definitions(unmap.callee):
        calls = function.calls(api.UNMAPS) if number < len(function.params) else []
        for call in calls:
            node = call.arguments[0].bare() if 0 in call.arguments else call
            named = node.kind == "member" and node.children[0].bare()
            if named and named.text == function.params[number].name:
                yield node.label


def _stored(context: CheckContext, unmap: Expr) -> list[str]:
    """The members that a mapping was stored in that UNMAP ends."""
    stored = [
        event.place.children[0].bare()
        for site in context.sites
        if unmap in context.unmaps(site)
        for event in context.uses(site, Kind.STORED)
        if event.place.kind == "assign" and event.place.start < unmap.start
    ]
    return [target.text for target in stored if target.kind == "member"]


def _copies(context: CheckContext, unmap: Expr, member: str) -> Iterator[str]:
    """The variables and members that are set to MEMBER, somewhere behind it, or to what
    returns it, before UNMAP and in a block that it stands in, where both have kept
    their values since."""
    for stmt in context.before(unmap):
        for name, value in _settings(stmt):
            same = _is_at(value, member) or _is_got(context, value, member)
            if same and not _changes_since(context, stmt, unmap, name):
                yield name


def _is_got(context: CheckContext, value: Expr, member: str) -> bool:
    """Whether VALUE is a call of a function that returns MEMBER of what it is given; or
    where MEMBER is a page, the member that it keeps the address in."""
    base, _, label = member.partition(" -> ")
    given = [n for n, a in value.arguments.items() if a.bare().text == base]
    definitions = context.called.definitions(value.callee) if given and label else []
    return bool(definitions) and all(
        _returned(function) in _kept_at(function, f"{name} -> {label}")
        for _, function in definitions
        for name in [v.name for v in function.params[given[0] : given[0] + 1]]
    )


def _returned(function: Function) -> str:
    """What FUNCTION returns wherever that is not NULL, where it is one thing."""
    values = [
        _written(s.exprs[-1].bare())
        for s in function.statements()
        if s.exprs and s.kind == "return"
    ]
    found = set(values) - {"NULL"}
    return found.pop() if len(found) == 1 else ""


def _written(value: Expr) -> str:
    """The text of VALUE, or of the last of what a comma stands between; that of a
    member without the parentheses that a macro has round its parameters."""
    while value.kind == "comma":
        value = value.children[-1].bare()
    if value.kind != "member":
        return value.text
    return f"{value.children[0].bare().text} {value.op} {value.label}"


def _kept_at(function: Function, member: str) -> set[str]:
    """MEMBER, and where FUNCTION keeps the address at which it maps the page in it."""
    return {member} | {
        e.children[0].bare().text
        for e in function.exprs
        if e.kind == "assign" and e.children[1].bare().callee in api.MAPS
        if e.children[1].bare().arguments[0].bare().text == member
    }


def _settings(stmt: Stmt) -> Iterator[tuple[str, Expr]]:
    """The variables that STMT sets, each with what it is set to."""
    for expr in stmt.exprs:
        if expr.kind == "assign" and expr.op == "=":
            yield expr.children[0].bare().text, expr.children[1].bare()
        yield from (
            (v.name, expr.bare()) for v in stmt.variables if v.value_at == expr.start
        )


def _is_at(value: Expr, member: str) -> bool:
    """Whether VALUE is MEMBER, or that and what is added to it."""
    while value.kind == "binary" and value.op in ("+", "-"):
        value = value.children[0].bare()
    return value.text == member


def _changes_since(context: CheckContext, stmt: Stmt, unmap: Expr, name: str) -> bool:
    """Whether the variable or member NAME that STMT sets is no pointer, or may be
    another one when UNMAP is called."""
    nodes = [n for n in context.function.exprs if stmt.end <= n.start < unmap.start]
    if " " in name:
        return any(_may_change(node, name) for node in nodes)
    variable = context.function.variables.get(name)
    return variable is None or any(changes(node, {name}) for node in nodes)


def _after(context: CheckContext, unmap: Expr, member: str) -> Expr | None:
    """The first use of MEMBER behind UNMAP in the same block, before anything may
    have changed it."""
    home = context.statement(unmap)
    if home is None or home.exprs != [unmap]:
        return None
    for stmt in context.sequel(home):
        uses = [n for n in _nodes(stmt) if n.text == member and _is_use(context, n)]
        uses += [n for n in _nodes(stmt) if _lends(n, member)]
        changes = [n for n in _nodes(stmt) if _may_change(n, member)]
        first = min(uses, key=lambda n: n.start, default=None)
        # What a call is given is evaluated before it changes anything.
        if first is not None and all(
            first.start <= n.start or n.kind == "call" and n.holds(first)
            for n in changes
        ):
            return first
        if changes:
            return None
    return None


def _lends(node: Expr, member: str) -> bool:
    """Whether NODE is a call that is lent the address and the length in a kvec."""
    base, _, label = member.partition(" . ")
    if label != "iov_base" or not base.isidentifier() or node.kind != "call":
        return False
    given = (a.bare() for a in node.arguments.values())
    return any(a.op == "&" and a.children[0].bare().text == base for a in given)


def _nodes(stmt: Stmt) -> Iterator[Expr]:
    for inner in stmt.walk():
        for root in inner.exprs:
            yield from root.walk()


def _may_change(node: Expr, member: str) -> bool:
    """Whether NODE assigns to the member or what it is of, or is a call that is given
    that: it may set the member anew."""
    base = member.split()[0]
    if node.kind in ("assign", "postfix") or node.op in ("++", "--"):
        target = node.children[0].bare().text
        return target == member or target == base
    row = functions.of(node.callee)
    if node.kind != "call" or row.by_value or row.repeats or row.prints:
        return False
    return any(
        base in names_in(argument)
        and argument.bare().text != member
        and not argument.bare().text.startswith(f"{base} . ")  # a copy of its value
        for argument in node.arguments.values()
    )


def _is_use(context: CheckContext, node: Expr) -> bool:
    """Whether what NODE points to is read, written, or unmapped again."""
    child = node
    while child.parent is not None and child.parent.kind in ("paren", "cast"):
        child = child.parent
    parent = child.parent
    if parent is None:
        return False
    if parent.kind == "index":
        return parent.children[0] is child
    if parent.kind == "unary":
        return parent.op == "*"
    if parent.kind == "member":
        return parent.op == "->"
    if parent.kind != "call":
        return False
    known = functions.of(parent.callee)
    number = next((n for n, a in parent.arguments.items() if a is child), -1)
    again = parent.callee in context.knowledge.unmaps
    # What neither keeps a pointer nor looks at its value alone goes where it points.
    value = known.looks or known.prints or known.by_value or known.repeats
    return again or number in (*known.reads, *known.writes) or not value
