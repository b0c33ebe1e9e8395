# SPDX-License-Identifier: GPL-2.0-only
"""Where the variables of a function change, by the positions of the text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Iterable

from kmaplocal.knowledge import functions
from kmaplocal.c.syntax import Expr, Function, Point, Stmt, Variable

# Calls that store nothing this looks at; a call not named here may change
# whatever is not a plain local variable.
SILENT = functions.named(lambda row: row.silent)
# Macros that store into what looks like an argument by value, and those that look as
# if they did.
STORING = functions.named(lambda row: row.assigns)
READING = functions.named(lambda row: row.by_value)

LOOPS = {"for", "while", "do", "iterator"}


@dataclass(frozen=True, eq=False)
class Place:
    """Where something is evaluated: its statement and the extent of the whole
    expression it stands in.  `loose`: no path from there was checked."""

    stmt: Stmt | None
    start: Point
    end: Point
    loose: bool = False


@dataclass(eq=False)
class Change:
    """A place where a variable may change: `value`, if that is all it does, is what
    it is set to; `step` the whole of `v += n` or `v++`, a statement of its own."""

    start: Point
    end: Point
    value: Expr | None = None
    place: Place | None = None
    step: Expr | None = None


MEMORY = "*"  # everything that is no local variable, as a name that changes


class Flow:
    """Which variables of a function change where, and what is passed when."""

    def __init__(self, function: Function, macros, branches):
        self.function, self.macros = function, macros
        self.branches = list(branches)
        self.stmts = list(function.statements())
        self._places: dict[Expr, Place] = {}  # by the whole expression
        self._ways: dict[tuple, Point | None] = {}
        self.changes: dict[str, list[Change]] = {}
        self.foreign: set[str] = set()  # address taken, or static
        self.shared: set[str] = set()  # names of more than one variable
        self._declared()
        for expr in function.exprs:
            self._stores(expr)
        for stmt in self.stmts:
            if stmt.kind in ("iterator", "guard", "asm"):
                self._all_change([n for e in stmt.exprs for n in e.walk()])

    def place(self, node: Expr | Stmt) -> Place:
        """Where `node` is evaluated."""
        if isinstance(node, Stmt) and node.kind == "expression" and node.exprs:
            node = node.exprs[0]
        if isinstance(node, Stmt):
            return Place(node, node.start, node.end)
        while node.parent:
            node = node.parent
        if node not in self._places:
            home = None
            for stmt in self.stmts:  # in the order of the text: the last is inmost
                if stmt.start <= node.start and node.end <= stmt.end:
                    home = stmt
            self._places[node] = Place(home, node.start, node.end)
        return self._places[node]

    @cached_property
    def ifs(self) -> list[Stmt]:
        """The ifs of which no branch is missing among the facts."""
        return [s for s in self.stmts if s.kind == "if" and _is_whole(s)]

    @cached_property
    def checks(self) -> list[Stmt]:
        """The statements BUG_ON(condition)."""
        found = [s for s in self.stmts if s.kind == "expression" and len(s.exprs) == 1]
        calls = [(s, s.exprs[0]) for s in found]
        return [s for s, c in calls if c.callee == "BUG_ON" and len(c.children) == 2]

    def _add(self, name: str, change: Change) -> None:
        self.changes.setdefault(name, []).append(change)

    def _declared(self) -> None:
        """Initialisers; names of more than one variable are not followed."""
        params = {v.name for v in self.function.params}
        seen = set(params)
        for stmt in self.stmts:
            for variable in stmt.variables:
                if variable.name in seen:
                    self.shared.add(variable.name)
                if variable.static:
                    self.foreign.add(variable.name)
                seen.add(variable.name)
                if variable.value_at:
                    self._initialised(stmt, variable)

    def _initialised(self, stmt: Stmt, variable: Variable) -> None:
        value = [e for e in stmt.exprs if e.start == variable.value_at]
        change = Change(variable.at, variable.value_at or variable.at)
        if value:
            change.value, change.end = value[0], value[0].end
            change.place = Place(stmt, value[0].start, value[0].end)
        self._add(variable.name, change)

    def _stores(self, expr: Expr) -> None:
        if expr.kind == "assign":
            self._assigned(expr)
        elif expr.kind == "postfix" or expr.op in ("++", "--"):
            change = Change(expr.start, expr.end)
            self._stepped(expr, change, self.place(expr))
            self._target(expr.children[0], change)
        elif expr.kind == "unary" and expr.op == "&":
            node = expr.children[0].bare()
            while node.kind in ("member", "index") and node.op != "->":
                node = node.children[0].bare()
            self.foreign.add(node.text)
        elif expr.kind == "call":
            self._called(expr)
        elif expr.kind in ("opaque", "statement-expression", "compound-literal"):
            self._all_change(expr.walk())
            for word in expr.text.split():
                self._add(word, Change(expr.start, expr.end))

    def _assigned(self, expr: Expr) -> None:
        change = Change(expr.start, expr.end)
        place = self.place(expr)
        home = place.stmt if expr.parent is None else None
        if expr.op == "=" and home and home.kind == "expression":
            change.value, change.place = expr.children[1], place
        elif expr.op in ("+=", "-="):
            self._stepped(expr, change, place)
        self._target(expr.children[0], change)

    def _stepped(self, expr: Expr, change: Change, place: Place) -> None:
        """Note that a statement does nothing but to move a variable on or back."""
        if expr.parent is None and place.stmt and place.stmt.kind == "expression":
            change.step, change.place = expr, place

    def _target(self, target: Expr, change: Change) -> None:
        node = target.bare()
        self._add(node.text if node.kind == "identifier" else MEMORY, change)

    def _called(self, expr: Expr) -> None:
        change = Change(expr.start, expr.end)
        name = expr.callee
        if name not in SILENT:  # its own arguments are evaluated before
            self._add(MEMORY, Change(expr.end, expr.end))
        loud = name.isupper() and name not in READING
        if loud or name in STORING or name in self.macros:
            for argument in expr.children[1:]:
                self._target(argument, change)

    def _all_change(self, exprs: Iterable[Expr]) -> None:
        for expr in exprs:
            change = Change(expr.start, expr.end)
            self._add(MEMORY, change)
            if expr.kind == "identifier":
                self._add(expr.text, change)

    def local(self, name: str) -> bool:
        """True when only what `changes` says of the name can change it."""
        known = name in self.function.variables
        return known and name not in self.foreign | self.shared

    def names(self, expr: Expr) -> set[str] | None:
        """What the value of an expression depends on; None: on too much."""
        found = set()
        for node in expr.walk():
            if node.kind == "identifier":
                call = node.parent
                if call and call.kind == "call" and call.children[0] is node:
                    continue
                if node.text in self.shared:
                    return None
                found.add(node.text)
                if not self.local(node.text) and not node.text.isupper():
                    found.add(MEMORY)
            elif node.kind in ("member", "index") or node.op == "*":
                found.add(MEMORY)
            elif node.kind in ("assign", "postfix", "opaque", "statement-expression"):
                return None
            elif node.op in ("++", "--"):
                return None
            elif node.kind == "call" and node.callee not in SILENT:
                return None
        return found

    def steady(self, names: set[str], here: Place, there: Place, but=None) -> bool:
        """True when none of `names` changes on any way from `here` (where it
        is passed last) to `there`; the change `but` aside."""
        changes = [c for n in names for c in self.changes.get(n, ()) if c is not but]
        if not changes:
            return True
        end = self.reach(here, there)
        if end is None:
            return False
        return not any(c.end > here.start and c.start < end for c in changes)

    def reach(self, here: Place, there: Place) -> Point | None:
        """How far down the text a way from `here` to `there` can go, without
        another way in; None when `there` can be reached without `here`."""
        ends = (here, there)
        key = tuple((p.stmt, p.start, p.end, p.loose) for p in ends)
        if key not in self._ways:
            self._ways[key] = self._reach(here, there)
        return self._ways[key]

    def _reach(self, here: Place, there: Place) -> Point | None:
        if _overlap(here, there):
            return max(here.end, there.end)
        block = self._block(here, there)
        if here.loose or there.loose or block is None:
            return None
        end = self._loops(there.start, here, there.end)
        while True:
            wider = self._labels(here, end, block)
            if wider is None or wider == end:
                return wider
            end = wider

    def _block(self, here: Place, there: Place) -> tuple[Point, Point] | None:
        """The extent in which whatever follows `here` comes after it."""
        stmt = here.stmt
        if stmt is None or self._other_branch(here, there) or there.start < here.end:
            return None
        if stmt.start <= there.start and there.end <= stmt.end:
            header = stmt.kind in ("if", "while", "switch", "declaration")
            return (stmt.start, stmt.end) if header else None
        if stmt.kind in ("for", "do", "iterator", "guard", "compound"):
            return None
        while stmt.parent and stmt.parent.kind in ("label", "case", "default"):
            stmt = stmt.parent
        block = stmt.parent
        if block is None:
            return (stmt.start, max(s.end for s in self.stmts))
        if block.kind not in ("compound", "switch") or there.start >= block.end:
            return None
        return (block.start, block.end)

    def _other_branch(self, here: Place, there: Place) -> bool:
        """True when an #if may take `here` out, but not `there`."""
        line, other = here.start[0], there.start[0]
        return any(a <= line <= b and not a <= other <= b for a, b in self.branches)

    def _loops(self, point: Point, here: Place, end: Point) -> Point:
        """`end`, or the end of the loops around `point` but not `here`."""
        for stmt in self.stmts:
            around = stmt.start <= point < stmt.end
            if stmt.kind in LOOPS and around and stmt.start > here.start:
                end = max(end, stmt.end)
        return end

    def _labels(self, here: Place, end: Point, block) -> Point | None:
        """`end` with the jumps to labels before it, unless one comes from
        outside of what follows `here`."""
        for stmt in self.stmts:
            if not here.start < stmt.start < end:
                continue
            if stmt.kind in ("case", "default"):
                if not self._within(stmt, here):
                    return None
            elif stmt.label:
                jumps = self._jumps(stmt.label)
                if jumps is None:
                    return None
                for jump in jumps:
                    if not here.end <= jump.start < block[1]:
                        return None
                    end = self._loops(jump.start, here, max(end, jump.end))
        return end

    def _switch(self, stmt: Stmt) -> Stmt:
        while stmt.parent and stmt.kind != "switch":
            stmt = stmt.parent
        return stmt

    def _within(self, case: Stmt, here: Place) -> bool:
        """True when the switch of `case` is entered after `here`."""
        switch = self._switch(case)
        return switch.start > here.start or switch is here.stmt

    def _jumps(self, label: str) -> list[Stmt] | None:
        """The jumps to a label; None when there may be others."""
        found = []
        for stmt in self.stmts:
            words = stmt.text.split()
            if stmt.kind == "asm" and "goto" in words:
                return None
            if stmt.kind == "goto" and words[1:2] == ["*"]:
                return None
            if stmt.kind == "goto" and words[1:2] == [label]:
                found.append(stmt)
        return found

    def definition(self, name: str, place: Place) -> tuple[Expr, Place] | None:
        """What a local variable was last set to before `place`, and where."""
        changes = self.changes.get(name, [])
        if not self.local(name):
            return None
        last = self._last(name, place)
        if last and last.value and last.place:
            return last.value, _at(last.place, last.place.loose or place.loose)
        params = [v.name for v in self.function.params]
        if len(changes) != 1 or name in params:
            return None
        value, where = changes[0].value, changes[0].place
        return (value, _at(where, True)) if value and where else None

    def step(self, name: str, place: Place) -> tuple[Expr, Place] | None:
        """The `v += n` or `v++` by which a local variable changed last before
        `place`, and where: right before it, what it was is asked."""
        last = self._last(name, place) if self.local(name) else None
        if last is None or last.step is None or last.place is None:
            return None
        return last.step, Place(last.place.stmt, last.start, last.start)

    def _last(self, name: str, place: Place) -> Change | None:
        """The change of a variable that is the last one on every way to `place`."""
        before = [c for c in self.changes.get(name, ()) if c.end <= place.start]
        last = max(before, key=lambda c: c.start, default=None)
        if last is None or last.place is None:
            return None
        if not self.steady({name}, last.place, place, but=last):
            return None
        return last if self.reach(last.place, place) is not None else None


def _is_whole(stmt: Stmt) -> bool:
    """Whether no branch of an if is missing among the facts."""
    if len(stmt.exprs) != 1 or len(stmt.children) not in (1, 2):
        return False
    head = f"if ( {stmt.exprs[0].text} ) "
    body = stmt.text[len(head) :]
    then = stmt.children[0].text
    if not stmt.text.startswith(head) or not body.startswith(then[:900]):
        return False
    return (len(stmt.children) == 2) == body[len(then) :].startswith(" else")


def _at(place: Place, loose: bool) -> Place:
    return Place(place.stmt, place.start, place.end, loose)


def _overlap(one: Place, other: Place) -> bool:
    """True when both are evaluated together, as one lies in the other."""
    if one.start <= other.start and other.end <= one.end:
        return one.stmt is other.stmt
    return other.start <= one.start and one.end <= other.end
