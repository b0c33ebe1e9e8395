# SPDX-License-Identifier: GPL-2.0-only
"""How far the value of an expression goes: types, min(), masks, loops, definitions."""

from __future__ import annotations

from fractions import Fraction

from kmaplocal.c.dominance import Place
from kmaplocal.c.linear import PAGE, PAGE_SIZE, ZERO, Linear, constant
from kmaplocal.bounds.prover import Option
from kmaplocal.c.sizes import NARROW, base
from kmaplocal.c.text import plain
from kmaplocal.bounds.segments import LENGTH, OFFSET, cut, sibling
from kmaplocal.bounds.translate import Values
from kmaplocal.knowledge.functions import CLAMPS, MAXIMA, MINIMA
from kmaplocal.c.syntax import Expr, Stmt


class Limits:
    """The bounds of one function's expressions; `attained`: a counter is as large as
    its loop lets it become."""

    def __init__(self, values: Values, attained: bool):
        self.values, self.attained = values, attained
        self.prover, self.typed = values.prover, values.typed
        self.types, self.reaching = values.types, values.reaching

    def bound(self, node: Expr, place: Place, upper: bool) -> list[Option]:
        """The bounds of an expression evaluated at a place, from above or below."""
        method = getattr(self, "_bound_" + node.kind, None)
        found = list(method(node, place, upper)) if method else []
        return found + self._by_type(node, upper)

    def _by_type(self, node: Expr, upper: bool) -> list[Option]:
        type_ = self.typed.of(node)
        unsigned = self.types.unsigned(type_)
        width = self.types.width(type_)
        text = plain(node.text)
        if not upper:
            return [Option([ZERO])] if unsigned and width else []
        limit = 1 if {"bool", "_Bool"} & set(base(type_ or "")) else None
        limit = limit or (NARROW.get(width or 0) if unsigned else None)
        return [Option([constant(limit)], f"{text} is {type_}")] if limit else []

    def _bound_identifier(self, node, place, upper):
        type_ = self.typed.declared(node.text)
        width = self.types.width(type_)
        if width is None:
            return
        yield from self._counted(node, place, upper)
        found = self.reaching.definition(node.text, place)
        if not found:
            return
        value = self.values.of(*found)
        unsigned = self.types.unsigned(type_)
        if upper:
            fits = not unsigned or self.prover.regular(value)
        else:
            fits = width not in NARROW or self._small(value)
            fits = fits and (unsigned or self._small(value) or not value.atoms)
        if fits:
            reason = f"{node.text} is {plain(found[0].text)}"
            yield Option([value], reason)

    def _small(self, value: Linear) -> bool:
        """True when no type that holds an offset can cut off `value`."""
        if value.number is not None:
            return 0 <= value.number < 128
        limit = value - PAGE_SIZE.times(4)
        return not value.atoms or self.prover.holds(limit) is not None

    def _counted(self, node, place, upper):
        """for (i = first; i < last; i++): i in its body."""
        for loop in self.reaching.function.statements():
            header = loop.exprs
            if loop.kind != "for" or len(header) != 3 or not loop.children:
                continue
            body = loop.children[-1]
            if body.holds(place):
                yield from self._counter(node, loop, place, upper)

    def _counter(self, node, loop, place, upper):
        first, test, step = loop.exprs
        name = node.text
        if not self.reaching.local(name) or not self._counts(name, loop, place):
            return
        if first.op != "=" or first.children[0].text != name:
            return
        by = self._counts_by(step, name)
        if by is None:
            return
        limited = test.op in ("<", "<=") and test.children[0].text == name
        if not upper:
            value = self.values.of(first.children[1], self.reaching.place(first))
            yield Option([value], f"{name} counts from {plain(value_text(first))}")
        if not limited or not (upper or self.attained):
            return
        value = self.values.of(test.children[1], self.reaching.place(test))
        value -= (by if not upper else constant(1)) if test.op == "<" else ZERO
        if not upper:
            value -= by - constant(1) if test.op == "<=" else ZERO
            yield Option([value], f"{name} goes up to {plain(test.text)}")
        elif self.prover.regular(value):
            yield Option([value], plain(test.text))

    def _counts_by(self, step: Expr, name: str) -> Linear | None:
        """What `i++` or `i += n` adds to the counter; None when it is neither, or
        may be negative."""
        if step.op not in ("++", "+=") or step.children[0].text != name:
            return None
        if step.op == "++":
            return constant(1)
        value = self.values.of(step.children[1], self.reaching.place(step))
        return value if self.prover.positive(value) else None

    def _counts(self, name: str, loop: Stmt, place: Place) -> bool:
        """True when nothing but the header of `loop`, which is passed on every path to
        `place`, changes `name` in it."""
        first, test, step = map(self.reaching.place, loop.exprs)
        return (
            self.reaching.passes(first, place)
            and self.reaching.decides(test, True, place)
            and all(
                change.place in (first, step)
                for change in self.reaching.changing(name, first, place)
            )
        )

    def _bound_member(self, node, place, upper):
        """bv_offset and bv_len of a bio_vec that is cut to a page end in it."""
        if node.label not in (OFFSET, LENGTH):
            return
        if not cut(node.children[0], place, self.reaching):
            return
        reason = f"{plain(node.children[0].text)} is of one page"
        if not upper:
            yield Option([ZERO], reason)
            return
        yield Option([PAGE_SIZE - constant(node.label == OFFSET)], reason)
        other = sibling(node, self.reaching.function)
        if other is not None:
            yield Option([PAGE_SIZE - self.values.of(other, place)], reason)

    def _bound_cast(self, node, place, upper):
        value = self.values.of(node.children[-1], place)
        if upper and self.prover.positive(value):
            yield Option([value])

    def _bound_unary(self, node, place, upper):
        if node.op == "!":
            yield Option([constant(1) if upper else ZERO])

    def _bound_ternary(self, node, place, upper):
        if len(node.children) == 3:
            values = [self.values.of(c, place) for c in node.children[1:]]
            yield Option(values, "either way of " + plain(node.text))

    def _bound_binary(self, node, place, upper):
        left, right = (self.values.of(c, place) for c in node.children)
        if node.op in ("&", "|", "^"):
            return self._bound_bits(node, left, right, upper)
        if node.op == "%":
            return self._bound_modulo(node, left, right, upper)
        if node.op in ("/", ">>"):
            return self._bound_quotient(node, left, right, upper)
        if node.op in ("<", ">", "<=", ">=", "==", "!=", "&&", "||"):
            return [Option([constant(1) if upper else ZERO])]
        return []

    def _bound_bits(self, node, left, right, upper):
        text = plain(node.text)
        positive = [v for v in (left, right) if self.prover.positive(v)]
        if node.op == "&" and upper:
            return [Option([v], f"{text} masks") for v in positive]
        if node.op == "&":
            return [Option([ZERO])] if positive else []
        if len(positive) < 2:
            return []
        return [Option([left + right if upper else ZERO], text)]

    def _bound_modulo(self, node, left, right, upper):
        positive = self.prover.positive(left) or self._converted(*node.children)
        text = f"{plain(node.text)} is a remainder"
        if not upper:
            return [Option([ZERO])] if positive else []
        if not self.prover.positive(right):
            return []
        found = [Option([right - constant(1)], text)]
        return found + ([Option([left], text)] if self.prover.positive(left) else [])

    def _converted(self, left: Expr, right: Expr) -> bool:
        """True when unsigned arithmetic makes of `left` what is not negative."""
        width = self.types.width(self.typed.of(left.bare()))
        wide = right.bare().kind == "sizeof" or right.bare().text == PAGE
        if self.typed.unsigned(left):
            return True
        return wide and width is not None and width <= self.types.long

    def _bound_quotient(self, node, left, right, upper):
        number = right.number
        if number is None or number <= 0 or not self.prover.positive(left):
            return []
        number = 1 << number if node.op == ">>" else number
        exact = left.times(Fraction(1, number))
        low = exact - constant(Fraction(number - 1, number))
        return [Option([exact if upper else low], plain(node.text))]

    def _bound_call(self, node, place, upper):
        name, reason = node.callee, plain(node.text)
        if name == "offset_in_page":
            limit = PAGE_SIZE - constant(1) if upper else ZERO
            return [Option([limit], f"{reason} is less than PAGE_SIZE")]
        for table, least in ((MINIMA, True), (MAXIMA, False)):
            if name in table:
                values = self._arguments(node, place, table[name])
                return self._extreme(node, values, least, upper)
        if name in CLAMPS:
            values = self._arguments(node, place, CLAMPS[name])
            if len(values) == 3:
                return [Option([values[2 if upper else 1]], reason)]
        return []

    def _arguments(self, node, place, first: int) -> list[Linear]:
        numbers = sorted(n for n in node.arguments if n >= first)
        if numbers != list(range(first, first + len(numbers))):
            return []
        return [self.values.of(node.arguments[n], place) for n in numbers]

    def _extreme(self, node, values, least: bool, upper: bool) -> list[Option]:
        """The bounds of a minimum (`least`) or a maximum."""
        reason = plain(node.text)
        if len(values) < 2:
            return []
        if least != upper:
            typed = node.callee in ("min_t", "max_t")
            if not upper and typed and not self.typed.unsigned(node):
                return []
            return [Option(values, reason)]
        return [Option([v], reason) for v in values if self.regular_in(node, v)]

    def regular_in(self, node: Expr, value: Linear) -> bool:
        """True when the type of a min_t() leaves an operand as it is."""
        return not self.typed.unsigned(node) or self.prover.regular(value)


def value_text(assignment: Expr) -> str:
    """The text of what an assignment stores."""
    return assignment.children[1].text
