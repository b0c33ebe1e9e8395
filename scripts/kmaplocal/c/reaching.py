# SPDX-License-Identifier: GPL-2.0-only
"""Reaching definitions: what a variable was last set to on every path to a place."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from kmaplocal.c.dominance import Dominance, Place
from kmaplocal.c.syntax import Expr, Function, Stmt, Variable
from kmaplocal.knowledge import functions

# Calls that store nothing this looks at; a call not named here may change
# whatever is not a plain local variable.
SILENT = functions.named(lambda row: row.silent)
# Macros that store into what looks like an argument by value, and those that look as
# if they did.
STORING = functions.named(lambda row: row.assigns)
READING = functions.named(lambda row: row.by_value)

MEMORY = "*"  # everything that is no local variable, as a name that changes
_OPAQUE = ("opaque", "statement-expression", "compound-literal")


@dataclass(eq=False)
class Change:
    """Where a variable may change: `place`.  `last`: when all of that is evaluated.
    `value`, if that is all it does, is what it is set to; `step` the whole of `v += n`
    or `v++`."""

    place: Place
    last: bool = False
    value: Expr | None = None
    step: Expr | None = None


class Reaching:
    """Which variables of a function change where, and what reaches a place."""

    def __init__(
        self,
        function: Function,
        macros: Collection[str] = (),
        branches: Iterable[tuple[int, int]] = (),
    ):
        """MACROS: the names of those that may store into an argument.  BRANCHES: the
        first and last line of every branch of an `#if`."""
        self.function, self.macros = function, macros
        self.branches = list(branches)
        self.paths = Dominance(function)
        self.changes: dict[str, list[Change]] = {}
        self.foreign: set[str] = set()  # address taken, or static
        self.shared: set[str] = set()  # names of more than one variable
        self._declared()
        for expr in function.exprs:
            self._stores(expr)
        for stmt in function.statements():
            if stmt.kind in ("iterator", "guard", "asm"):
                self._all_change([n for e in stmt.exprs for n in e.walk()])
        for node in self.paths.nodes:
            if node.cleans:
                at = node.stmt or function.body[-1]
                self._add(MEMORY, Change(Place(node, len(node.exprs), at.end, at.end)))

    # -- what changes ---------------------------------------------------------

    def place(self, expr: Expr) -> Place:
        """Where EXPR is evaluated."""
        return self.paths.place(expr)

    def _add(self, name: str, change: Change) -> None:
        self.changes.setdefault(name, []).append(change)

    def _declared(self) -> None:
        """Initialisers; names of more than one variable are not followed."""
        seen = {v.name for v in self.function.params}
        for stmt in self.function.statements():
            for variable in stmt.variables:
                if variable.name in seen:
                    self.shared.add(variable.name)
                if variable.static:
                    self.foreign.add(variable.name)
                seen.add(variable.name)
                if variable.value_at:
                    self._initialised(stmt, variable)

    def _initialised(self, stmt: Stmt, variable: Variable) -> None:
        value = next((e for e in stmt.exprs if e.start == variable.value_at), None)
        place = Place(None, 0, stmt.start, stmt.end)
        if value is not None:
            place = self.place(value)
        self._add(variable.name, Change(place, True, value))

    def _stores(self, expr: Expr) -> None:
        if expr.kind == "assign":
            self._assigned(expr)
        elif expr.kind == "postfix" or expr.op in ("++", "--"):
            whole = expr.parent is None
            change = Change(self.place(expr), whole, step=expr if whole else None)
            self._target(expr.children[0], change)
        elif expr.kind == "unary" and expr.op == "&":
            node = expr.children[0].bare()
            while node.kind in ("member", "index") and node.op != "->":
                node = node.children[0].bare()
            self.foreign.add(node.text)
        elif expr.kind == "call":
            self._called(expr)
        elif expr.kind in _OPAQUE:
            self._all_change(expr.walk())
            for word in expr.text.split():
                self._add(word, Change(self.place(expr)))

    def _assigned(self, expr: Expr) -> None:
        whole = expr.parent is None
        change = Change(self.place(expr), whole)
        if whole and expr.op == "=":
            change.value = expr.children[1]
        elif whole and expr.op in ("+=", "-="):
            change.step = expr
        self._target(expr.children[0], change)

    def _target(self, target: Expr, change: Change) -> None:
        node = target.bare()
        self._add(node.text if node.kind == "identifier" else MEMORY, change)

    def _called(self, expr: Expr) -> None:
        name, place = expr.callee, self.place(expr)
        if name not in SILENT:  # its own arguments are evaluated before
            self._add(MEMORY, Change(place, _is_last(expr)))
        loud = name.isupper() and name not in READING
        if loud or name in STORING or name in self.macros:
            for argument in expr.children[1:]:
                self._target(argument, Change(place))

    def _all_change(self, exprs: Iterable[Expr]) -> None:
        for expr in exprs:
            change = Change(self.place(expr))
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

    # -- what reaches a place ---------------------------------------------------

    def steady(
        self, names: Iterable[str], here: Place, there: Place, but: Change | None = None
    ) -> bool:
        """True when none of NAMES changes on any path from HERE, where it is passed
        last, to THERE; the change BUT aside."""
        changes = [c for n in names for c in self.changes.get(n, ()) if c is not but]
        if not changes:
            return True
        if here.is_with(there):
            return not any(c.place.is_with(here) and not c.last for c in changes)
        if not self.passes(here, there):
            return False
        return not any(self._lies_between(c, here, there) for c in changes)

    def passes(self, here: Place, there: Place) -> bool:
        """Whether every path to THERE passes HERE before, in every arm of an #if."""
        if here.loose or there.loose or self._other_branch(here, there):
            return False
        return self.paths.dominates(here, there)

    def decides(self, condition: Place, truth: bool, there: Place) -> bool:
        """Whether CONDITION was TRUTH when it was evaluated last before THERE, which
        no path reaches without."""
        if there.loose or self._other_branch(condition, there):
            return False
        return self.paths.decides(condition, truth, there)

    def changing(self, name: str, here: Place, there: Place) -> Sequence[Change]:
        """The changes of a variable on the paths from HERE, that all pass, to THERE."""
        changes = self.changes.get(name, [])
        return [c for c in changes if self._lies_between(c, here, there)]

    def _other_branch(self, here: Place, there: Place) -> bool:
        """True when an #if may take `here` out, but not `there`."""
        line, other = here.start[0], there.start[0]
        return any(a <= line <= b and not a <= other <= b for a, b in self.branches)

    def _lies_between(self, change: Change, here: Place, there: Place) -> bool:
        """Whether a path from HERE to THERE, which passes HERE no second time, may
        pass the change.  One that the graph does not hold may be anywhere."""
        node, number = change.place.node, change.place.number
        if node is None or here.node is None or there.node is None:
            return True
        first, last = here.number, there.number - change.last
        if here.node is there.node:
            return node is here.node and first <= number <= last
        if node is here.node:
            return first <= number
        if node is there.node and number <= last:
            return True
        return node in self.paths.between(here.node, there.node)

    def value(self, variable: Expr) -> Expr | None:
        """What a local variable was last set to, where VARIABLE names it."""
        found = self.definition(variable.text, self.place(variable))
        return found[0] if found else None

    def definition(self, name: str, place: Place) -> tuple[Expr, Place] | None:
        """What a local variable was last set to before PLACE, and where."""
        if not self.local(name):
            return None
        changes = self.changes.get(name, [])
        last = self._last(name, place)
        if last and last.value:
            return last.value, last.place
        params = [v.name for v in self.function.params]
        if len(changes) != 1 or name in params or not changes[0].value:
            return None
        return changes[0].value, replace(changes[0].place, loose=True)

    def step(self, name: str, place: Place) -> tuple[Expr, Place] | None:
        """The `v += n` or `v++` by which a local variable changed last before
        PLACE, and where."""
        last = self._last(name, place) if self.local(name) else None
        return (last.step, last.place) if last and last.step else None

    def _last(self, name: str, place: Place) -> Change | None:
        """The change of a variable that is the last one on every path to PLACE."""
        for change in self.changes.get(name, ()):
            if (
                (change.value or change.step)
                and self.passes(change.place, place)
                and self.steady([name], change.place, place, but=change)
            ):
                return change
        return None


def _is_last(expr: Expr) -> bool:
    """Whether a call is what is evaluated last of the whole expression around it:
    `v = call()`, `!call()`, `call() < 0`."""
    while expr.parent is not None:
        node = expr.parent
        others = [child for child in node.children if child is not expr]
        if node.kind == "assign":
            if node.op != "=" or node.children[1] is not expr:
                return False
        elif node.kind not in ("paren", "cast", "unary", "binary"):
            return False
        elif any(other.kind != "constant" for other in others):
            return False
        expr = node
    return True
