# SPDX-License-Identifier: GPL-2.0-only
"""Whether an access stays inside the page, for a reason visible in the code.

Offset and length become sums of atoms (what is not known further) with a
coefficient each, where PAGE_SIZE is an atom of at least 4096.  A search then
replaces atoms by their bounds: definitions, types, min(), masks, guards.

What is looked at once for 32 and once for 64 bits is the size of a long.

translate (an expression as a sum), limits guards (what bounds its atoms), prover (the
search), query (one access).  With these: offsets (how far from a pointer), many
(numbers of bytes of many pages), extents (the accesses of a mapping).
"""

from __future__ import annotations

from typing import Iterable, Mapping

from kmaplocal.bounds.query import INSIDE, OUTSIDE, UNKNOWN
from kmaplocal.bounds.query import Answer, Query, Question, Term
from kmaplocal.c.text import integer, plain
from kmaplocal.c.types import Layout, Types
from kmaplocal.c.dominance import Place
from kmaplocal.c.reaching import Reaching
from kmaplocal.c.syntax import Expr, Function, Source

__all__ = ["INSIDE", "OUTSIDE", "UNKNOWN", "Answer", "Bounds", "Layout", "Place"]
__all__ += ["Term", "integer", "plain"]


class Bounds:
    """Answers about the accesses of one function.

    In: the function and the source it is from; `macros`, name -> words of the
    `#define`s of the file; `branches`, the first and last line of every branch
    of an `#if`; `layout`, where to ask for structures of other files, too."""

    def __init__(
        self,
        function: Function,
        source: Source,
        macros: Mapping[str, Iterable[str]] | None = None,
        branches: Iterable[tuple[int, int]] = (),
        layout: Layout | None = None,
    ):
        self.source, self.layout = source, layout
        self._fits: dict[tuple, Answer] = {}  # those that rest on the function alone
        self.macros = {k: list(v) for k, v in (macros or {}).items()}
        self.reaching = Reaching(function, self.macros, branches)

    def fits(
        self,
        offset: Iterable[tuple[Expr | None, int | str, int]],
        length: Expr | int | str,
        at: Expr,
        attained: bool = False,
    ) -> Answer:
        """Whether `length` bytes at `offset`, accessed in `at`, are inside of
        the page.  The length is an expression, bytes, or "sizeof(T)"; every
        expression is one of the function's, and means its value where it is.
        `attained`: ask when the loops around have counted up to their ends."""
        terms = [Term(*t) for t in offset]
        asked = (*terms, length, at, attained)
        if asked not in self._fits:
            question = Question(terms, length, self.reaching.place(at), attained)
            answer = self._answer(question)
            if self.layout:  # which may be known better the next time
                return answer
            self._fits[asked] = answer
        return self._fits[asked]

    def _answer(self, question: Question) -> Answer:
        found = []
        for long in (4, 8):
            types = Types(self.source, self.macros, long, self.layout)
            found.append(Query(self.reaching, types, question).answer())
        if found[0].answer == found[1].answer:
            return found[0]
        return Answer(UNKNOWN, "it depends on the size of a long")
