# SPDX-License-Identifier: GPL-2.0-only
"""How far accesses by way of a mapping go, and where its addresses are in the page.

What is said of an access is certain (it ends behind the page whatever the page
is), or it speaks of many pages: `PAGE_SIZE << order`, `index * PAGE_SIZE + n`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kmaplocal.knowledge import functions
from kmaplocal.bounds import INSIDE, OUTSIDE, Answer, Bounds, Place
from kmaplocal.bounds.many import Pages
from kmaplocal.bounds.offsets import Amount, Term, terms_of
from kmaplocal.c.places import scale_of
from kmaplocal.c.cfg import LOOPS
from kmaplocal.c.linear import PAGE
from kmaplocal.flow.events import Event, Kind
from kmaplocal.flow.trace import Site, Trace
from kmaplocal.c.syntax import Expr, Function, Stmt

_EARLY = {"break", "return", "goto"}


class Access(NamedTuple):
    """`length` bytes (an expression, a number, or "sizeof(T)") at an offset in the
    page, which is a sum of terms, None when that is not known."""

    expr: Expr
    offset: Sequence[Amount] | None
    length: Expr | int | str


class Beyond(NamedTuple):
    """An access that is not kept to the page: why, and what speaks of many pages;
    None where it is certain."""

    access: Access
    why: str
    many: Expr | None = None


class Extents:
    """Answers for one function."""

    def __init__(self, function: Function, trace: Trace, bounds: Bounds):
        self.function = function
        self.trace = trace
        self.bounds = bounds
        self.pages = Pages(function, bounds)

    # -- addresses ----------------------------------------------------------

    def mapped_at(self, site: Site) -> list[Term] | None:
        """The offset in `v = map(page) + offset`."""
        begin = self.begin(site)
        return terms_of(begin.whole(), begin.text, self.function)

    def begin(self, site: Site) -> Expr:
        """The call that gives the address: the map call, or the page_address()
        behind a map call whose value is dropped."""
        asked = self.trace.of(site.number, Kind.PAGE_ADDRESS)
        return asked[0].place if asked else site.call

    def offset(self, site: Site, address: Expr) -> Sequence[Amount] | None:
        """How far from the beginning of the page ADDRESS is where it stands."""
        return self._offset(site, address, self.bounds.reaching.place(address), 8)

    def _offset(self, site: Site, node: Expr, place: Place, depth: int):
        whole = terms_of(node, self.begin(site).text, self.function)
        name = _base(node)
        if whole is not None or not name or not depth:
            return whole
        terms = terms_of(node, name, self.function)
        rest = self._variable(site, name, place, depth - 1)
        return None if terms is None or rest is None else [*rest, *terms]

    def _variable(self, site: Site, name: str, place: Place, depth: int):
        """How far from the beginning of the page the variable NAME points."""
        reaching = self.bounds.reaching
        known = reaching.definition(name, place)
        if known and not known[1].loose:
            return self._offset(site, *known, depth)
        step = reaching.step(name, place)
        if step and depth:
            rest = self._variable(site, name, step[1], depth - 1)
            more = self._step(name, step[0])
            return None if rest is None or more is None else [*rest, more]
        if name == site.variable and not self.trace.of(site.number, Kind.MOVED):
            return self.mapped_at(site)
        return None

    def _step(self, name: str, step: Expr) -> Amount | None:
        variable = self.function.variables.get(name)
        size = scale_of(variable.type) if variable else None
        if size is None:
            return None
        sign = -1 if step.op in ("-=", "--") else 1
        return (step.children[1] if step.kind == "assign" else None, size, sign)

    def after_loops(
        self, terms: Sequence[Amount], at: Expr
    ) -> Iterator[tuple[Sequence[Amount], bool]]:
        """TERMS with the end of a loop before AT instead of what counts up to it, and
        whether that loop may be left early: `off` is PAGE_SIZE or more behind
        `for (off = 0; off < PAGE_SIZE; off += size)`."""
        for number, (expr, scale, sign) in enumerate(terms):
            name = expr.bare().text if expr is not None and sign > 0 else ""
            for test in self._last_tests(name, at) if name.isidentifier() else ():
                limit = test.bare().children[1]
                ended = [*terms[:number], (limit, scale, 1), *terms[number + 1 :]]
                reaching = self.bounds.reaching
                left = reaching.place(test), False, reaching.place(at)
                yield ended, not reaching.decides(*left)

    def _last_tests(self, name: str, at: Expr) -> Iterator[Expr]:
        """`name < n` of the loop behind which the variable NAME is the same until
        AT."""
        reaching, there = self.bounds.reaching, self.bounds.reaching.place(at)
        for loop in self.function.statements():
            test = _limit(loop, name) if loop.kind in LOOPS else None
            if test is None or loop.holds(at) or not reaching.local(name):
                continue
            here = reaching.place(test)
            if reaching.passes(here, there) and all(
                loop.holds(change.place)
                for change in reaching.changing(name, here, there)
            ):
                yield test

    # -- accesses -------------------------------------------------------------

    def accesses(self, site: Site) -> Iterator[Access]:
        """The accesses by way of a mapping whose length is known."""
        found = self.trace.of(site.number, Kind.ACCESS)
        for use in sorted(found, key=lambda use: use.place.start):
            yield from self._access(site, use)

    def _access(self, site: Site, use: Event) -> Iterator[Access]:
        expr = use.place
        if expr.kind == "index":
            size = self._size(expr.children[0])
            base = self.offset(site, expr.children[0])
            if size is not None and base is not None:
                yield Access(expr, [*base, (expr.children[1], size, 1)], size)
        elif expr.kind == "unary" and expr.op == "*":
            size = self._size(expr.children[0])
            if size is not None:
                yield Access(expr, self.offset(site, expr.children[0]), size)
        else:
            known = functions.of(expr.callee)
            length = PAGE if known.page_long else self._given(expr, known.length)
            numbers = (
                (*known.writes, *known.reads) if known.page_long else known.accesses
            )
            if length is None:
                return
            for number in numbers:
                if number in expr.arguments:
                    offset = self.offset(site, expr.arguments[number])
                    yield Access(expr, offset, length)

    def _given(self, call: Expr, number: int | None) -> Expr | None:
        return None if number is None else call.arguments.get(number)

    def _size(self, pointer: Expr) -> int | str | None:
        """The size of what an expression points to, where its variable or a cast
        says it."""
        node = pointer
        while node.kind in ("paren", "cast", "binary"):
            if node.kind == "cast":
                return scale_of(node.op)
            node = node.children[0]
        variable = self.function.variables.get(node.text)
        return scale_of(variable.type) if variable else None

    # -- verdicts ---------------------------------------------------------------

    def beyond(self, site: Site) -> Iterator[Beyond]:
        """The accesses that visibly pass the end of the page, or speak of many."""
        for access in self.accesses(site):
            found = self.checked(access)
            if found is not None:
                yield found
        yield from self._stepped(site)

    def _stepped(self, site: Site) -> Iterator[Beyond]:
        """Accesses in a loop that goes on by a page, or by more, in each turn."""
        for use in self.trace.of(site.number, Kind.MOVED):
            move = use.place
            loops = [
                s for s in self.function.around(move, LOOPS) if not s.holds(site.call)
            ]
            if move.op != "+=" or not loops or not self._is_page(move):
                continue
            name = move.children[0].bare().text
            for access in self.trace.of(site.number, Kind.ACCESS):
                words = {node.text for node in access.place.walk()}
                if name in words and loops[0].holds(access.place):
                    step = move.children[1]
                    yield Beyond(Access(access.place, None, 1), "", step)
                    return

    def _is_page(self, move: Expr) -> bool:
        """Whether `p += n` moves by a page at least, or by many."""
        term = self._step(move.children[0].bare().text, move)
        if term is not None and self.bounds.fits([term], 1, move).answer == OUTSIDE:
            return True
        return self.pages.many(move.children[1]) is not None

    def checked(self, access: Access) -> Beyond | None:
        """What is to be said of one access."""
        answer = Answer("", "")
        if access.offset is not None:
            answer = self.bounds.fits(access.offset, access.length, access.expr)
        if answer.answer == OUTSIDE:
            return Beyond(access, answer.reason)
        if answer.answer == INSIDE:
            return None
        counted = self._counted(access)
        if counted is not None:
            return counted
        many = self._many(access)
        return Beyond(access, "", many) if many is not None else None

    def _counted(self, access: Access) -> Beyond | None:
        """Whether the last turn of a loop around it passes the end."""
        if access.offset is None or not self._reached(access.expr):
            return None
        answer = self.bounds.fits(access.offset, access.length, access.expr, True)
        return Beyond(access, answer.reason) if answer.answer == OUTSIDE else None

    def _reached(self, expr: Expr) -> bool:
        """Whether an expression in a loop is evaluated in each turn of it, as far
        as the loop's body says."""
        around = [s for s in self.function.statements() if s.holds(expr)]
        loops = [s for s in around if s.kind in LOOPS]
        if not loops or any(s.kind in _EARLY for s in loops[0].walk()):
            return False
        inner = around[around.index(loops[0]) :]
        return not any(s.kind in ("if", "switch") for s in inner)

    def _many(self, access: Access) -> Expr | None:
        """What in an access speaks of many pages."""
        if isinstance(access.length, Expr):
            many = self.pages.many(access.length)
            if many is not None:
                return many
        for expr, _, sign in access.offset or ():
            many = self.pages.many(expr) if expr is not None and sign > 0 else None
            if many is None and expr is not None and sign > 0:
                many = self._many_turns(expr.bare().text, access.expr)
            if many is not None:
                return many
        return None

    def _many_turns(self, name: str, at: Expr) -> Expr | None:
        """What of many pages NAME counts up to in a loop around AT, in which nothing
        else is asked about it."""
        for loop in self.function.around(at, LOOPS):
            test = _limit(loop, name) if not _is_compared(loop, name) else None
            end = test.bare().children[1].bare() if test is not None else None
            while end is not None and end.op == "/" and len(end.children) == 2:
                end = end.children[0].bare()
            many = self.pages.many(end) if end is not None else None
            if many is not None:
                return many
        return None


def _is_compared(loop: Stmt, name: str) -> bool:
    """Whether a statement in the body of LOOP compares NAME with something."""
    asked = (s.exprs for s in loop.walk() if s is not loop and s.kind == "if")
    nodes = (node for exprs in asked for expr in exprs for node in expr.walk())
    compared = (n for n in nodes if n.op in ("==", "!=", "<", "<=", ">", ">="))
    return any(c.bare().text == name for n in compared for c in n.children)


def _limit(loop: Stmt, name: str) -> Expr | None:
    """`name < N` of a loop that goes on while it is true."""
    tests = loop.exprs[1:2] if loop.kind == "for" else loop.exprs[:1]
    for test in tests if loop.kind != "for" or len(loop.exprs) == 3 else ():
        node = test.bare()
        if node.kind == "binary" and node.op in ("<", "!="):
            if node.children[0].bare().text == name:
                return test
    return None


def _base(node: Expr) -> str:
    """The variable that an address is made from: `p` in `(u8 *)p + n`, `&p[n]`."""
    while node.kind in ("paren", "cast", "binary", "unary", "index"):
        if node.kind == "unary" and node.op != "&":
            return ""
        if node.kind == "binary" and node.op not in ("+", "-"):
            return ""
        node = node.children[-1 if node.kind == "cast" else 0]
    return node.text if node.kind == "identifier" else ""
