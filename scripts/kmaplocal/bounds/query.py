# SPDX-License-Identifier: GPL-2.0-only
"""Whether one access stays inside the page, for one size of a long."""

from __future__ import annotations

from typing import NamedTuple

from kmaplocal.c.exprtypes import ExprTypes
from kmaplocal.c.dominance import Place
from kmaplocal.c.reaching import Reaching
from kmaplocal.bounds.guards import Guards
from kmaplocal.bounds.limits import Limits
from kmaplocal.c.linear import PAGE, PAGE_SIZE, ZERO, Linear, constant
from kmaplocal.bounds.prover import Option, Prover
from kmaplocal.c.text import plain, tokens
from kmaplocal.bounds.translate import Values
from kmaplocal.c.types import Types
from kmaplocal.c.syntax import Expr

INSIDE, OUTSIDE, UNKNOWN = "inside", "outside", "unknown"


class Term(NamedTuple):
    """A part of an offset: `expr` (None: 1) times `scale`, in bytes or as
    "sizeof(struct foo)"; `sign` -1 when it is subtracted."""

    expr: Expr | None
    scale: int | str = 1
    sign: int = 1


class Answer(NamedTuple):
    """`answer`: inside, outside or unknown; `reason` says why."""

    answer: str
    reason: str


class Question(NamedTuple):
    """`length` bytes at the sum of `terms`, accessed `there`; `attained`: when the
    loops around have counted up to their ends."""

    terms: list[Term]
    length: Expr | int | str
    there: Place
    attained: bool


class Proof:
    """Bounds of what is evaluated on the way to one place.  `exact`: a page is
    SMALLEST_PAGE bytes and not more; `attained`: a counter is as large as its loop
    lets it become."""

    def __init__(
        self,
        reaching: Reaching,
        types: Types,
        there: Place,
        exact: bool,
        attained: bool,
    ):
        self.prover = Prover(exact)
        typed = ExprTypes(types, reaching.function, reaching.shared)
        self.values = Values(self.prover, typed, reaching, there, self._bound)
        self._limits = Limits(self.values, attained)
        self.prover.learn(Guards(self.values).facts)

    def _bound(self, node: Expr, place: Place, upper: bool) -> list[Option]:
        return self._limits.bound(node, place, upper)


class Query:
    """One access, for one size of a long."""

    def __init__(self, reaching: Reaching, types: Types, question: Question):
        self.reaching, self.types = reaching, types
        self.terms, self.length, self.there, self.attained = question

    def answer(self) -> Answer:
        """Inside, outside or unknown."""
        sums = self._sums(exact=False)
        found = self._inside(*sums) or self._outside()
        return found or Answer(UNKNOWN, self._doubt(*sums))

    def _sums(self, exact: bool) -> tuple[Proof, Linear, Linear]:
        attained = self.attained and exact
        proof = Proof(self.reaching, self.types, self.there, exact, attained)
        offset = ZERO
        for term in self.terms:
            offset += self._value(proof, term).times(term.sign)
        return proof, offset, self._length(proof)

    def _value(self, proof: Proof, term: Term) -> Linear:
        size = self._scale(proof, term.scale)
        if term.expr is None:
            return size
        return proof.prover.product(self._expr(proof, term.expr), size)

    def _length(self, proof: Proof) -> Linear:
        if isinstance(self.length, Expr):
            return self._expr(proof, self.length)
        return self._scale(proof, self.length)

    def _expr(self, proof: Proof, expr: Expr) -> Linear:
        return proof.values.of(expr, self.reaching.place(expr))

    def _scale(self, proof: Proof, scale: int | str) -> Linear:
        if isinstance(scale, int):
            return constant(scale)
        if scale == PAGE:
            return PAGE_SIZE
        words = tokens(scale)
        type_ = " ".join(words[2:-1] if words[0] == "sizeof" else words)
        extent = self.types.extent(type_)
        if extent:
            return proof.values.size(type_, extent)
        return proof.prover.made(f"sizeof({type_})", lambda upper: [])

    def _inside(self, proof: Proof, offset: Linear, length: Linear) -> Answer | None:
        low = proof.prover.holds(offset.times(-1))
        if low is None:
            return None
        high = proof.prover.holds(offset + length - PAGE_SIZE)
        if high is None:
            return None
        reasons = high + [r for r in low if r not in high]
        return Answer(INSIDE, _because("offset + length is at most PAGE_SIZE", reasons))

    def _outside(self) -> Answer | None:
        proof, offset, length = self._sums(exact=True)
        beyond = PAGE_SIZE + constant(1) - offset - length
        reasons = proof.prover.holds(beyond)
        if reasons is not None:
            return Answer(OUTSIDE, _because("it ends beyond the page", reasons))
        reasons = proof.prover.holds(offset + constant(1))
        if reasons is not None:
            return Answer(OUTSIDE, _because("it starts before the page", reasons))
        return None

    def _doubt(self, proof: Proof, offset: Linear, length: Linear) -> str:
        """What could not be bounded."""
        if proof.prover.holds(offset.times(-1)) is None:
            return f"nothing in sight says that {self._text()} is not negative"
        if proof.prover.holds(offset - PAGE_SIZE) is None and not length.atoms:
            return f"nothing in sight bounds {self._text()}"
        text = self.length
        text = plain(text.text) if isinstance(text, Expr) else str(text)
        what = f"{self._text()} + {text}" if offset.terms else text
        return f"nothing in sight says that {what} is at most PAGE_SIZE"

    def _text(self) -> str:
        texts = []
        for expr, scale, sign in self.terms:
            text = plain(expr.text) if expr else str(scale)
            scaled = expr and scale != 1
            text = f"({text}) * {scale}" if scaled else text
            texts.append(("- " if sign < 0 else "+ ") + text)
        return " ".join(texts).removeprefix("+ ") or "the offset"


def _because(claim: str, reasons: list[str]) -> str:
    return f"{claim}: {', '.join(reasons)}" if reasons else claim
