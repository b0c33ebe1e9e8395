# SPDX-License-Identifier: GPL-2.0-only
"""What of a function can matter for where an address goes: the variables to follow,
and the conditions to remember."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from kmaplocal.flow.conditions import RELATIONS, atoms_of, flag_of, lasts
from kmaplocal.flow.escape import bound, member_name, member_of, outputs
from kmaplocal.knowledge import api, functions
from kmaplocal.c.outline import JUMPS
from kmaplocal.c.syntax import Expr, Function, Stmt


_COUNTING = {
    name: functions.of(name).counts for name in functions.named(lambda row: row.counts)
}
_PLAIN = ("compound", "declaration")  # do nothing by themselves


class Relevance:
    """The variables and conditions of one function that can matter."""

    def __init__(
        self,
        function: Function,
        maps: Mapping[str, api.Map],
        unmaps: Mapping[str, api.Unmap],
        params: Collection[str],
        results: bool,
    ):
        """MAPS and UNMAPS: the functions that map and unmap; PARAMS: the names of
        parameters to follow; RESULTS: whether what is returned matters."""
        self.function = function
        self.maps, self.unmaps = maps, unmaps
        self.params = params
        self.returned = _returned(function) if results else set()
        self.tracked = self._tracked_names()
        self.alternatives = self._alternatives()
        self.outputs = {name for name, _ in outputs(function)} & self.tracked
        self.outputs |= {self._lent_to(call) for call in function.calls(maps)} - {""}
        self.structures = {n.split(" . ")[0] for n in self.tracked if " . " in n}
        self.filled = _filled(function)
        self.structures |= self.filled
        self.structures |= {bound(call, function) for call in function.exprs} - {""}
        self.ends = self._ends()
        self.repeated = self._repeated_conditions() | self.ends
        self.guards = self._guards()
        self.unmapping = self._unmapping()
        self.counts = self._counts()
        self._matters: dict[Expr, bool] = {}

    def matters(self, expr: Expr) -> bool:
        """Whether EXPR can matter: it names a tracked variable, or calls."""
        found = self._matters.get(expr)
        if found is None:
            found = any(
                n.kind in ("call", "assign", "postfix", "statement-expression")
                or (n.kind == "identifier" and n.text in self.tracked)
                or (n.kind == "identifier" and n.text in self.structures)
                or (n.kind == "unary" and n.op in ("++", "--", "&"))
                for n in expr.walk()
            )
            self._matters[expr] = found
        return found

    def _tracked_names(self) -> set[str]:
        """Variables that may hold an address, or a page that is unmapped."""
        names = set(self.params)
        pairs = [*self._sets(), *outputs(self.function)]
        mentions = [
            (name, {_variable(n) for n in value.walk() if _variable(n)}, value)
            for name, value in pairs
        ]
        for name, words, value in mentions:
            if words & set(self.maps):
                names.add(name)
        for call in self.function.calls((*self.maps, *self.unmaps)):
            unmap = self.unmaps.get(call.callee)
            argument = call.arguments.get(unmap.number if unmap else 0)
            if argument is not None and argument.bare().kind == "identifier":
                names.add(argument.bare().text)
            names |= {name for name in [self._lent_to(call)] if name}
        while True:
            more = {n for n, words, _ in mentions if words & names} - names
            if not more:
                return names
            names |= more

    def _sets(self) -> list[tuple[str, Expr]]:
        """The variables and members that are set, each with what it is set to."""
        assigned = (e for e in self.function.exprs if e.kind == "assign")
        named = ((_variable(e.children[0].bare()), e.children[1]) for e in assigned)
        return [(name, value) for name, value in named if name] + [
            (v.name, value)
            for s in self.function.statements()
            for v in s.variables
            for value in s.exprs
            if v.value_at and value.start == v.value_at
        ]

    def _counts(self) -> dict[str, set[str]]:
        """The variables that have the number of entries of what a function gives, by
        those that have what it gives, where that is all they are ever set to."""
        if not self.function.calls(_COUNTING):
            return {}
        changed = _changed(self.function)
        constant = {v.name for v in self.function.params} - changed
        constant -= {name for name, _ in self._sets()}
        found: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for name, value in self._sets():
            call = value.bare()
            of = call.arguments[0].text if len(call.arguments) == 1 else ""
            found[name].add((call.callee, of if of in constant else ""))
        alone = {
            n: w.pop() for n, w in found.items() if len(w) == 1 and n not in changed
        }
        return {
            listed: {
                name
                for name, (callee, of) in alone.items()
                if of and (_COUNTING.get(callee), of) == what
            }
            for listed, what in alone.items()
        }

    def _alternatives(self) -> set[frozenset[str]]:
        """The variables that are set to one another, of those that are tracked."""
        arms = [
            (name, arm.bare())
            for name, value in self._sets()
            for arm in (value.bare().children[1:] or [value])
            if value.bare().kind == "ternary" or arm is value
        ]
        return {
            frozenset((name, arm.text))
            for name, arm in arms
            if name in self.tracked and arm.kind == "identifier"
        }

    def _lent_to(self, call: Expr) -> str:
        """The variable V where CALL maps and is given `&V` to put the address in."""
        rule = self.maps.get(call.callee)
        target = call.arguments.get(rule.where) if rule and not rule.kept else None
        node = target.bare() if target is not None else None
        if node is None or node.kind != "unary" or node.op != "&":
            return ""
        inner = node.children[0].bare()
        return inner.text if inner.kind == "identifier" else ""

    def _repeated_conditions(self) -> set[str]:
        """Conditions tested more than once: only these correlate."""
        seen, twice = set[str](), set[str]()
        for expr in self._asked():
            for atom in atoms_of(expr):
                (twice if atom in seen else seen).add(atom)
        self.lasting = self._lasting(seen)
        failed = {f"IS_ERR ( {name} )" for name in self.returned} & seen
        twice |= self.returned | self.lasting | failed
        self.flags = {flag_of(atom) for atom in seen | twice} | self.returned
        calls = self.function.calls((*self.maps, *self.unmaps))
        given = {a.bare().text for call in calls for a in call.arguments.values()}
        self.memos = self.flags - given
        return twice

    def _asked(self) -> Iterator[Expr]:
        """The conditions of each `if`, and of each `?:` that maps or unmaps."""
        for stmt in self.function.statements():
            if stmt.kind == "if":
                yield from stmt.exprs
        calls = set(self.function.calls((*self.maps, *self.unmaps)))
        for expr in self.function.exprs:
            if expr.kind == "ternary" and not calls.isdisjoint(expr.walk()):
                yield expr.children[0]

    def _lasting(self, atoms: Collection[str]) -> set[str]:
        """Those of ATOMS that stay true of a pointer when it goes on by `++`."""
        stepped = {
            node.children[0].bare().text
            for node in self.function.exprs
            if node.op == "++"
        }
        return {atom for atom in atoms if any(lasts(atom, name) for name in stepped)}

    def _ends(self) -> set[str]:
        """The conditions `i < n` of loops that count by `i++` and may be left by
        `break`, where an `if` compares the same two."""
        asked = {
            tuple(child.bare().text for child in node.children)
            for stmt in self.function.statements()
            if stmt.kind == "if"
            for expr in stmt.exprs
            for node in expr.walk()
            if node.kind == "binary" and node.op in RELATIONS
        }
        return {
            test.text
            for stmt in self.function.statements()
            if stmt.kind == "for" and len(stmt.exprs) == 3
            for test in [stmt.exprs[1].bare()]
            if test.kind == "binary" and test.op == "<"
            if tuple(child.bare().text for child in test.children) in asked
            if _counts_up(stmt, test.children[0].bare().text)
        }

    def _unmapping(self) -> set[Stmt]:
        """Each `if` that guards nothing but an unmap."""
        calls = set(self.function.calls(self.unmaps))
        return {
            stmt
            for stmt in self.function.statements()
            if stmt.kind == "if" and len(stmt.children) == 1
            for inner in [[s for s in stmt.children[0].walk() if s.kind not in _PLAIN]]
            if inner and calls.intersection(inner[0].exprs)
            if not any(s.kind in JUMPS for s in inner)
        }

    def _guards(self) -> set[str]:
        """Conditions on which something is mapped or unmapped, and their words."""
        calls = set(self.function.calls((*self.maps, *self.unmaps)))
        found = {
            atom
            for stmt in self.function.statements()
            if stmt.kind == "if"
            and any(calls.intersection(e.walk()) for s in stmt.walk() for e in s.exprs)
            for expr in stmt.exprs
            for atom in atoms_of(expr)
        }
        return found.union(*(atom.split() for atom in found))


def _filled(function: Function) -> set[str]:
    """The structure variables that are filled where they are declared, and of which
    no member is read by its name."""
    new = {
        variable.name
        for stmt in function.statements()
        for variable in stmt.variables[:1]
        if stmt.exprs and variable.type.split()[:1] == ["struct"]
        if not {"*", "["} & {*variable.type.split()}
        if not any(e.start == variable.value_at for e in stmt.exprs)
    }
    read = {
        member_of(e)
        for e in function.exprs
        if member_of(e) in new and not _is_written(e)
    }
    return new - read


def _is_written(member: Expr) -> bool:
    """Whether a member is no more than assigned to."""
    outer = member.parent
    if outer is None or outer.kind != "assign" or outer.op != "=":
        return False
    return outer.children[0] is member


def _counts_up(loop: Stmt, name: str) -> bool:
    """Whether all that LOOP does to the variable NAME is `NAME++` at its end, and it
    may be left by `break`."""
    step = loop.exprs[2].bare()
    changes = [
        node
        for stmt in loop.walk()
        for root in stmt.exprs
        for node in root.walk()
        if node.kind in ("assign", "postfix") or node.op in ("++", "--", "&")
        if node.children[0].bare().text == name and node.start > loop.exprs[1].end
    ]
    left = any(stmt.kind == "break" for stmt in loop.walk())
    return left and step.op == "++" and changes == [step]


def _changed(function: Function) -> set[str]:
    """The variables of which more is done than to set them with `=`, or whose address
    is taken."""
    return {
        node.children[0].bare().text
        for node in function.exprs
        if node.kind == "postfix"
        or node.op in ("++", "--", "&")
        or (node.kind == "assign" and node.op != "=")
    }


def _returned(function: Function) -> set[str]:
    """The variables that FUNCTION returns."""
    results = [
        s.exprs[-1].bare()
        for s in function.statements()
        if s.kind == "return" and s.exprs
    ]
    return {node.text for node in results if node.kind == "identifier"}


def _variable(node: Expr) -> str:
    """What the variable, or the member of a structure variable, that NODE is is
    called; "" for others."""
    if node.kind == "identifier":
        return node.text
    return member_name(node) if member_of(node) else ""
