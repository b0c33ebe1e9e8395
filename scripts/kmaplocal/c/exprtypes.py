# SPDX-License-Identifier: GPL-2.0-only
"""The types of expressions, as far as declarations say them."""

from __future__ import annotations

from collections.abc import Collection

from kmaplocal.c.linear import PAGE
from kmaplocal.c.sizes import base, pointee
from kmaplocal.c.text import integer
from kmaplocal.c.types import Types
from kmaplocal.c.syntax import Expr, Function


class ExprTypes:
    """Answers for the expressions of one function."""

    def __init__(self, types: Types, function: Function, shared: Collection[str]):
        """SHARED: the names of more than one variable."""
        self.types, self.function, self.shared = types, function, shared

    def of(self, node: Expr) -> str | None:
        """The text of an expression's type, or None."""
        if node.kind in ("paren", "assign"):
            return self.of(node.children[0])
        if node.kind == "cast":
            return node.op
        if node.kind == "identifier":
            return self.declared(node.text)
        if node.kind == "index" or node.kind == "unary" and node.op == "*":
            return pointee(self.of(node.children[0]) or "")
        if node.kind == "unary" and node.op == "&":
            inner = self.of(node.children[0])
            return inner and inner + " *"
        if node.kind == "member":
            return self._member(node)
        return None

    def declared(self, name: str) -> str | None:
        """The type a variable of that name is declared with, or None."""
        function = self.function
        if name in self.shared:
            return None
        variable = function.variables.get(name)
        if variable is None:
            variable = self.types.source.globals.get(name)
        elif variable in function.params and "[" in variable.type:
            return f"{pointee(variable.type)} *"
        return variable.type if variable else None

    def _member(self, node: Expr) -> str | None:
        type_ = self.of(node.children[0])
        type_ = pointee(type_ or "") if node.op == "->" else type_
        words = base(type_ or "")
        if words[:1] != ["struct"] or len(words) != 2:
            return None
        struct = self.types.source.structs.get(words[1])
        return dict(struct.members).get(node.label) if struct else None

    def size_type(self, node: Expr) -> str | None:
        """The type whose size a sizeof expression is."""
        if not node.children:
            words = node.text.split()
            return " ".join(words[2:-1]) if words[1:2] == ["("] else None
        found = self.of(node.children[0])
        inner = node.children[0].bare()
        if found is None and inner.kind == "identifier":
            known = inner.text not in self.function.variables
            return inner.text if known else None
        return found

    def unsigned(self, node: Expr) -> bool:
        """True when an expression's type says it is not negative."""
        node = node.children[0] if node.kind == "paren" else node
        if node.kind == "paren":
            return self.unsigned(node)
        if node.kind == "sizeof" or node.text == PAGE:
            return True
        if node.kind == "constant":
            return integer(node.text) is not None
        if node.kind == "call":
            return self._unsigned_call(node)
        if node.kind == "binary" and node.op in ("&", "|", "+", "*", "/", "%", ">>"):
            return all(self.unsigned(c) for c in node.children)
        return self.types.unsigned(self.of(node))

    def _unsigned_call(self, node: Expr) -> bool:
        if node.callee == "offset_in_page":
            return True
        if node.callee in ("min_t", "max_t", "clamp_t"):
            words = node.text.split(" , ")[0].split()[2:]
            return self.types.unsigned(" ".join(words))
        return False

    def signed(self, node: Expr) -> bool:
        """True when no unsigned operand can make a negative value a big one."""
        node = node.bare() if node.kind == "paren" else node
        if node.kind == "binary":
            return all(self.signed(c) for c in node.children)
        width = self.types.width(self.of(node))
        signed = width is not None and not self.types.unsigned(self.of(node))
        return signed or integer(node.text) is not None
