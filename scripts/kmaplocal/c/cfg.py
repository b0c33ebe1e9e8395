# SPDX-License-Identifier: GPL-2.0-only
"""The control flow of a function: which statement may follow which."""

from __future__ import annotations

from dataclasses import dataclass, field

from kmaplocal.knowledge import functions
from kmaplocal.c.syntax import Expr, Function, Stmt, Variable, between

LOOPS = {"while", "do", "for"}
NO_RETURN = functions.named(lambda row: row.returns_never)


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
    dead_end: bool = False


class Unstructured(Exception):
    """A jump whose target was not found; says where."""


@dataclass
class _Loop:
    leave: Node
    again: Node | None


class _Flow:
    def __init__(self):
        self.labels: dict[str, Node] = {}
        self.defined: set[str] = set()
        self.cases: list[list[Node]] = []
        self.defaults: list[bool] = []

    def label(self, name: str) -> Node:
        return self.labels.setdefault(name, Node())

    def block(self, stmts: list[Stmt], after: Node, loop: _Loop) -> Node:
        for stmt in reversed(stmts):
            after = self.stmt(stmt, after, loop)
        return after

    def stmt(self, stmt: Stmt, after: Node, loop: _Loop) -> Node:
        handler = getattr(self, "on_" + stmt.kind, self.on_expression)
        return handler(stmt, after, loop)

    def on_compound(self, stmt, after, loop):
        return self.block(stmt.children, after, loop)

    def on_expression(self, stmt, after, loop):
        node = Node(stmt, stmt.exprs, stmt.variables, next=[after])
        if len(stmt.exprs) == 1 and stmt.exprs[0].callee in NO_RETURN:
            node.next, node.dead_end = [], True
        return node

    def on_return(self, stmt, after, loop):
        return Node(stmt, stmt.exprs, returns=True)

    def on_goto(self, stmt, after, loop):
        words = stmt.text.split()
        if len(words) < 2 or words[1] == "*":
            raise Unstructured(f"line {stmt.start[0]}: computed goto")
        return Node(stmt, next=[self.label(words[1])])

    def on_label(self, stmt, after, loop):
        node = self.label(stmt.label)
        self.defined.add(stmt.label)
        node.stmt = stmt
        node.next = [self.block(stmt.children, after, loop)]
        return node

    def on_break(self, stmt, after, loop):
        return Node(stmt, next=[loop.leave])

    def on_continue(self, stmt, after, loop):
        if not loop.again:
            raise Unstructured(f"line {stmt.start[0]}: continue outside a loop")
        return Node(stmt, next=[loop.again])

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
        body = self.block(stmt.children, head, _Loop(after, head))
        cond = stmt.exprs[0] if stmt.exprs else None
        head.next = [self.branch(stmt, cond, body, after)]
        return head

    def on_do(self, stmt, after, loop):
        entry, test = Node(stmt), Node(stmt)
        entry.next = [self.block(stmt.children, test, _Loop(after, test))]
        cond = stmt.exprs[0] if stmt.exprs else None
        test.next = [self.branch(stmt, cond, entry, after)]
        return entry

    def on_for(self, stmt, after, loop):
        declared = [c for c in stmt.children if c.kind == "declaration"]
        body = [c for c in stmt.children if c.kind != "declaration"]
        init, cond, step = _header(stmt)
        head = Node(stmt)
        onward = Node(stmt, step, next=[head])
        inside = self.block(body, onward, _Loop(after, onward))
        head.next = [self.branch(stmt, cond[0] if cond else None, inside, after)]
        return self.block(declared, Node(stmt, init, next=[head]), loop)

    def on_iterator(self, stmt, after, loop):
        head = Node(stmt, stmt.exprs, assigns=True)
        head.next = [self.block(stmt.children, head, _Loop(after, head)), after]
        return head

    def on_switch(self, stmt, after, loop):
        self.cases.append([])
        self.defaults.append(False)
        self.block(stmt.children, after, _Loop(after, loop.again))
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
    flow = _Flow()
    end = Node(returns=True)
    entry = flow.block(function.body, end, _Loop(end, None))
    missing = set(flow.labels) - flow.defined
    if missing:
        raise Unstructured(f"no label {', '.join(sorted(missing))}")
    return entry
