# SPDX-License-Identifier: GPL-2.0-only
"""The control flow of a function: which statement may follow which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kmaplocal.c import guards
from kmaplocal.c.regions import regions
from kmaplocal.knowledge import functions
from kmaplocal.c.syntax import Expr, Function, Stmt, Variable, between

LOOPS = {"while", "do", "for"}
NO_RETURN = functions.named(lambda row: row.returns_never)
RETURNS = ("return_ptr", "RETURN")  # as `return` does


@dataclass(eq=False)
class Node:
    """One step: declarations and expressions to evaluate, then where to go.

    `truth` holds the two ways out of a condition; `next` the ways out of all
    others.  A node without any is the end of the function."""

    stmt: Stmt | None = None
    exprs: list[Expr] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    cond: Expr | None = None
    truth: dict[bool, "Node"] = field(default_factory=dict)
    next: list["Node"] = field(default_factory=list)
    returns: bool = False
    assigns: bool = False  # its expressions are assigned to (an iterator's)
    cleans: list[Expr] = field(default_factory=list)  # then, before it goes on
    guard: Expr | None = None  # that begins here, of which nothing may sleep
    dead_end: bool = False


class Unstructured(Exception):
    """A jump whose target was not found; says where."""


@dataclass
class _Loop:
    leave: Node
    again: Node | None
    depth: int = 0  # how many variables around it are cleaned up further out


class _Flow:
    def __init__(self, function: Function):
        self.labels: dict[str, Node] = {}
        self.defined: set[str] = set()
        self.cases: list[list[Node]] = []
        self.defaults: list[bool] = []
        self.cleanups = function.cleanups
        self.scopes: list[Expr] = []  # what is cleaned up around, the outer first
        self.depths: dict[str, int] = {}  # of these around each label
        labels = (s.label for s in function.statements() if s.kind == "label")
        self.targets = {name for name in labels if name not in function.variables}
        self.regions = regions(function)
        if self.cleanups or self.regions:
            self._measure(function.body, 0)

    def label(self, name: str) -> Node:
        return self.labels.setdefault(name, Node())

    def block(self, stmts: Sequence[Stmt], after: Node, loop: _Loop) -> Node:
        outer, inside = self.scopes, [self.scopes]
        for stmt in stmts:
            inside.append([*inside[-1], *self._cleaned(stmt)])
        after = self._cleaning(inside.pop()[len(outer) :], after)
        for stmt, self.scopes in zip(reversed(stmts), reversed(inside)):
            after = self.stmt(stmt, after, loop)
        self.scopes = outer
        return after

    def _measure(self, stmts: Sequence[Stmt], depth: int) -> None:
        for stmt in stmts:
            if stmt.kind == "label":
                self.depths[stmt.label] = depth
            inner = 1 if stmt.kind == "guard" and stmt in self.regions else 0
            self._measure(stmt.children, depth + inner)
            depth += len(self._cleaned(stmt))

    def _cleaned(self, stmt: Stmt) -> list[Expr]:
        """How the variables that STMT declares are cleaned up; and the guard that it
        is, up to the end of its block."""
        names = (variable.name for variable in stmt.variables)
        found = [self.cleanups[name] for name in names if name in self.cleanups]
        guard = self.regions.get(stmt) if stmt.kind != "guard" else None
        return [*found, guard] if guard else found

    def _cleaning(self, calls: list[Expr], after: Node) -> Node:
        """What cleans up by CALLS, the last first, and goes on to AFTER."""
        return Node(cleans=calls[::-1], next=[after]) if calls else after

    def stmt(self, stmt: Stmt, after: Node, loop: _Loop) -> Node:
        handler = getattr(self, "on_" + stmt.kind, self.on_expression)
        return handler(stmt, after, loop)

    def on_compound(self, stmt, after, loop):
        return self.block(stmt.children, after, loop)

    def on_expression(self, stmt, after, loop):
        node = Node(stmt, stmt.exprs, stmt.variables, next=[after])
        node.guard = self.regions.get(stmt)
        callee = stmt.exprs[0].callee if len(stmt.exprs) == 1 else ""
        if callee in NO_RETURN:
            node.next, node.dead_end = [], True
        elif callee in RETURNS:
            node.next, node.returns, node.cleans = [], True, self.scopes[::-1]
        elif callee:
            node.next = self._jumps(stmt.exprs[0], after)
        return node

    def _jumps(self, call: Expr, after: Node) -> list[Node]:
        """Where CALL leads to, which may be a macro that is given a label: as its
        first argument, as GOTO(out, rc), it goes there, else it may."""
        for number, argument in call.arguments.items():
            name = argument.bare().text
            if name in self.targets:
                calls = self.scopes[self.depths.get(name, 0) :]
                target = self._cleaning(calls, self.label(name))
                return [target] if number == 0 else [after, target]
        return [after]

    def on_return(self, stmt, after, loop):
        return Node(stmt, stmt.exprs, returns=True, cleans=self.scopes[::-1])

    def on_goto(self, stmt, after, loop):
        words = stmt.text.split()
        if len(words) < 2 or words[1] == "*":
            raise Unstructured(f"line {stmt.start[0]}: computed goto")
        calls = self.scopes[self.depths.get(words[1], 0) :]
        return Node(stmt, next=[self._cleaning(calls, self.label(words[1]))])

    def on_label(self, stmt, after, loop):
        node = self.label(stmt.label)
        self.defined.add(stmt.label)
        node.stmt = stmt
        node.next = [self.block(stmt.children, after, loop)]
        return node

    def on_break(self, stmt, after, loop):
        return Node(stmt, next=[self._leaving(loop, loop.leave)])

    def on_continue(self, stmt, after, loop):
        if not loop.again:
            raise Unstructured(f"line {stmt.start[0]}: continue outside a loop")
        return Node(stmt, next=[self._leaving(loop, loop.again)])

    def _leaving(self, loop: _Loop, target: Node) -> Node:
        return self._cleaning(self.scopes[loop.depth :], target)

    def _loop(self, leave: Node, again: Node | None) -> _Loop:
        return _Loop(leave, again, len(self.scopes))

    def branch(self, stmt: Stmt, cond: Expr | None, yes: Node, no: Node) -> Node:
        node = Node(stmt, cond=cond)
        if cond:
            node.truth = {True: yes, False: no}
        else:
            node.next = [yes]
        return node

    def on_if(self, stmt, after, loop):
        arms = [self.stmt(child, after, loop) for child in stmt.children]
        arms = (arms + [after, after])[:2]
        cond = stmt.exprs[0] if stmt.exprs else None
        if cond is None:
            raise Unstructured(f"line {stmt.start[0]}: an if without a condition")
        return self.branch(stmt, cond, *arms)

    def on_while(self, stmt, after, loop):
        head = Node(stmt)
        body = self.block(stmt.children, head, self._loop(after, head))
        cond = stmt.exprs[0] if stmt.exprs else None
        head.next = [self.branch(stmt, cond, body, after)]
        return head

    def on_do(self, stmt, after, loop):
        entry, test = Node(stmt), Node(stmt)
        entry.next = [self.block(stmt.children, test, self._loop(after, test))]
        cond = stmt.exprs[0] if stmt.exprs else None
        test.next = [self.branch(stmt, cond, entry, after)]
        return entry

    def on_for(self, stmt, after, loop):
        declared = [c for c in stmt.children if c.kind == "declaration"]
        body = [c for c in stmt.children if c.kind != "declaration"]
        init, cond, step = _header(stmt)
        head = Node(stmt)
        onward = Node(stmt, step, next=[head])
        inside = self.block(body, onward, self._loop(after, onward))
        head.next = [self.branch(stmt, cond[0] if cond else None, inside, after)]
        return self.block(declared, Node(stmt, init, next=[head]), loop)

    def on_iterator(self, stmt, after, loop):
        head = Node(stmt, stmt.exprs, assigns=True)
        head.next = [self.block(stmt.children, head, self._loop(after, head)), after]
        return head

    def on_guard(self, stmt, after, loop):
        # The block is run once; `break` and `continue` leave it alone.
        guard, loop = self.regions.get(stmt), self._loop(after, after)
        outer, ends = self.scopes, [guard] if guard else []
        self.scopes = [*outer, *ends]
        inside = self.block(stmt.children, self._cleaning(ends, after), loop)
        self.scopes = outer
        passed = [after] if guards.may_fail(stmt.text) else []
        # Where it was not got nothing is forbidden: it begins behind that.
        entered = Node(stmt, guard=guard, next=[inside])
        return Node(stmt, stmt.exprs, next=[entered, *passed])

    def on_switch(self, stmt, after, loop):
        self.cases.append([])
        self.defaults.append(False)
        self.block(stmt.children, after, self._loop(after, loop.again))
        targets, has_default = self.cases.pop(), self.defaults.pop()
        if not has_default:
            targets.append(after)
        return Node(stmt, stmt.exprs, next=targets)

    def on_case(self, stmt, after, loop):
        if not self.cases:
            raise Unstructured(f"line {stmt.start[0]}: case outside a switch")
        entry = self.block(stmt.children, after, loop)
        self.cases[-1].append(entry)
        return entry

    def on_default(self, stmt, after, loop):
        if not self.cases:
            raise Unstructured(f"line {stmt.start[0]}: default outside a switch")
        self.defaults[-1] = True
        return self.on_case(stmt, after, loop)


def _header(stmt: Stmt) -> tuple[list[Expr], list[Expr], list[Expr]]:
    """The three parts of a `for` header, by the semicolons between them."""
    parts: tuple[list[Expr], list[Expr], list[Expr]] = ([], [], [])
    gaps = between(stmt.text, [e.text for e in stmt.exprs])
    if not gaps:
        raise Unstructured(f"line {stmt.start[0]}: the for header is not understood")
    place = 0
    for gap, expr in zip(gaps, stmt.exprs):
        place += gap.count(";")
        parts[min(place, 2)].append(expr)
    return parts


def control_flow(function: Function) -> Node:
    """The first node of FUNCTION's control flow.

    Raises Unstructured for a jump into nowhere (a computed goto, a label that
    a macro or an unread half of an #if holds)."""
    flow = _Flow(function)
    end = Node(returns=True)
    entry = flow.block(function.body, end, _Loop(end, None))
    missing = set(flow.labels) - flow.defined
    if missing:
        raise Unstructured(f"no label {', '.join(sorted(missing))}")
    return entry
