# SPDX-License-Identifier: GPL-2.0-only
"""Whether a variable is the same mapped page wherever its address stands for it."""

from __future__ import annotations

from kmaplocal.c.reaching import READING
from kmaplocal.c.syntax import Expr, Function
from kmaplocal.repairs.roles import OUTPUT, RESULT, Refused, Roles, name_of


class Steady:
    """The variables of FUNCTION, which has, and calls functions that have, ROLES."""

    def __init__(self, function: Function, roles: Roles):
        self.function, self.roles = function, roles
        self.role = roles.get(function.name)
        self.params = [v.name for v in function.params]

    def check(self, name: str, ways: set[str]) -> None:
        """Raise Refused where the page NAME may be another one than that whose
        address goes with it."""
        if name in self.params and "got" in ways:
            raise Refused(f"{name} is a parameter, and mapped here")
        self._hidden(name)
        declared = [v for s in self.function.statements() for v in s.variables]
        same = [v for v in [*self.function.params, *declared] if v.name == name]
        if len(same) != 1:
            raise Refused(f"{name} is the name of several variables")
        own = 0
        for node in self.function.exprs:
            target = node.children[0].bare().text if node.kind == "assign" else ""
            if target == name and not self._gets(node.children[1].bare()):
                own += 1
            if node.kind == "assign" and node.children[1].bare().text == name:
                self._copied(node)
            if (
                node.kind == "unary"
                and node.op == "&"
                and name == name_of(node.children[0])
            ):
                if not self._lent(node):
                    raise Refused(f"the address of {name} is taken")
        own += self._initialised(name)
        if own > ("mapped" in ways) or (own and name in self.params):
            raise Refused(f"{name} is given another page")

    def _hidden(self, name: str) -> None:
        """Raise Refused where NAME may be changed, or copied, by other than an
        assignment."""
        for stmt in self.function.statements():
            words = {n.text for e in stmt.exprs for n in e.walk()}
            if stmt.kind in ("iterator", "guard", "asm") and name in words:
                raise Refused(f"line {stmt.start[0]} may change {name}")
            for variable in stmt.variables:
                at = variable.value_at
                value = next((e for e in stmt.exprs if e.start == at), None)
                if value is not None and value.bare().text == name:
                    raise Refused(f"{variable.name} is the same page")
        for node in self.function.exprs:
            loud = node.callee.isupper() and node.callee not in READING
            named = any(name_of(e) == name for e in node.arguments.values())
            if node.kind in ("opaque", "statement-expression", "compound-literal"):
                named = loud = name in node.text.split()
            if loud and named:
                raise Refused(f"{node.text} may change {name}")

    def _initialised(self, name: str) -> int:
        """How many declarations give NAME a value that is no mapped page, nor NULL."""
        found = 0
        for stmt in self.function.statements():
            for variable in stmt.variables:
                at = variable.value_at
                value = next((e for e in stmt.exprs if e.start == at), None)
                if variable.name == name and value is not None:
                    found += not self._gets(value.bare())
        return found

    def _gets(self, value: Expr) -> bool:
        """Whether VALUE is a mapped page, or none."""
        role = self.roles.get(value.callee)
        return value.text == "NULL" or (role is not None and role.kind == RESULT)

    def _copied(self, store: Expr) -> None:
        """Raise Refused where a page is copied to anything but a parameter's page."""
        target = store.children[0].bare()
        if target.kind == "unary" and target.op == "*":
            if self._output_of(target) is not None:
                return
        raise Refused(f"the page goes to {store.children[0].text}")

    def _output_of(self, target: Expr) -> int | None:
        """The number of the parameter that TARGET, `*p`, lies behind, where the
        function leaves its page there."""
        name = name_of(target.children[0])
        if self.role is None or self.role.kind != OUTPUT or name not in self.params:
            return None
        number = self.params.index(name)
        return number if number == self.role.number else None

    def _lent(self, node: Expr) -> bool:
        """Whether `&page` is what a function leaves its page in."""
        call = node
        while call.parent is not None and call.kind != "call":
            call = call.parent
        role = self.roles.get(call.callee)
        argument = call.arguments.get(role.number) if role else None
        output = role is not None and role.kind == OUTPUT
        return output and argument is not None and argument.bare() is node
