# SPDX-License-Identifier: GPL-2.0-only
"""What an expression of C is as a sum of atoms."""

from __future__ import annotations

from typing import Callable

from kmaplocal.c.exprtypes import ExprTypes
from kmaplocal.c.dominance import Place
from kmaplocal.c.reaching import Reaching
from kmaplocal.c.linear import PAGE, PAGE_SIZE, Linear, arithmetic, constant
from kmaplocal.bounds.prover import Atom, Option, Prover
from kmaplocal.c.sizes import NARROW, base
from kmaplocal.c.text import integer, plain
from kmaplocal.c.types import Extent, closing
from kmaplocal.c.syntax import Expr

# The bounds of an expression evaluated at a place (True: from above).
Bound = Callable[[Expr, Place, bool], list[Option]]


class Values:
    """The values of one function's expressions, for what is evaluated on the way to
    `there`; `bound` says how far an expression goes that is an atom."""

    def __init__(
        self,
        prover: Prover,
        typed: ExprTypes,
        reaching: Reaching,
        there: Place,
        bound: Bound,
    ):
        self.prover, self.typed, self.there, self.bound = prover, typed, there, bound
        self.types, self.reaching = typed.types, reaching
        self.count = 0

    def of(self, node: Expr, place: Place) -> Linear:
        """An expression, evaluated at `place`, as a sum."""
        method = getattr(self, "_value_" + node.kind, None)
        found = method(node, place) if method else None
        return self.atom(node, place) if found is None else found

    def atom(self, node: Expr, place: Place) -> Linear:
        """An expression as an atom; the same one while it does not change."""
        names = self.reaching.names(node)
        name = node.text
        if names is None or not self.reaching.steady(names, place, place):
            self.count += 1
            name += f" #{self.count}"
        elif not self.reaching.steady(names, place, self.there):
            self.count += place.loose
            name += f" @{place.start}" + f" #{self.count}" * place.loose
        if name not in self.prover.atoms:
            self.prover.atoms[name] = Atom(
                lambda upper: self.bound(node, place, upper),
                lambda: not self.typed.unsigned(node),
            )
        return Linear.of({name: 1})

    def _value_paren(self, node, place):
        return self.of(node.children[0], place)

    def _value_cast(self, node, place):
        width = self.types.width(node.op)
        if width is None or width in NARROW:
            return None
        return self.of(node.children[-1], place)

    def _value_constant(self, node, place):
        number = integer(node.text)
        return None if number is None else constant(number)

    def _value_identifier(self, node, place):
        if node.text == PAGE:
            return PAGE_SIZE
        if node.text in self.reaching.function.variables:
            return None
        return self.types.words([node.text])

    def _value_sizeof(self, node, place):
        type_ = self.typed.size_type(node)
        extent = self.types.extent(type_) if type_ else None
        return self.size(type_, extent) if type_ and extent else None

    def size(self, type_: str, extent: Extent) -> Linear:
        """A size, as an atom where padding is not known."""
        if extent.low == extent.high:
            return extent.low
        name = f"sizeof({plain(' '.join(base(type_)))})"

        def bound(upper):
            limit = extent.high if upper else extent.low
            return [Option([limit], f"{name} is known")] if limit else []

        return self.prover.made(name, bound)

    def _value_assign(self, node, place):
        return self.of(node.children[1], place) if node.op == "=" else None

    def _value_call(self, node, place):
        if node.callee in ("likely", "unlikely") and len(node.children) == 2:
            return self.of(node.children[1], place)
        if node.callee == "ARRAY_SIZE" and len(node.children) == 2:
            return self._count(node.children[1])
        return None

    def _count(self, array: Expr) -> Linear | None:
        words = base(self.typed.of(array) or "")
        if "[" not in words:
            return None
        first = words.index("[")
        return self.types.words(words[first + 1 : closing(words, first)])

    def _value_unary(self, node, place):
        child = node.children[0].bare()
        if node.op == "~" and child.text == "PAGE_MASK":
            return PAGE_SIZE - constant(1)
        if node.op in ("-", "+"):
            return self.of(child, place).times(-1 if node.op == "-" else 1)
        return None

    def _value_binary(self, node, place):
        left, right = (self.of(c, place) for c in node.children)
        known = arithmetic(node.op, left, right)
        if known is None and node.op == "<<" and left == constant(1):
            if node.children[1].bare().text == "PAGE_SHIFT":
                return PAGE_SIZE
        if known is None and node.op == "*":
            return self.prover.product(left, right)
        one, other = left.number, right.number
        bitwise = node.op in ("&", "|", "^", "%")
        if bitwise and one is not None and other is not None:
            return self._bits(node.op, one, other)
        return known

    def _bits(self, op: str, left: int, right: int) -> Linear | None:
        if left < 0 or right < 0 or op == "%" and not right:
            return None
        results = {"&": left & right, "|": left | right, "^": left ^ right}
        return constant(left % right if op == "%" else results[op])
