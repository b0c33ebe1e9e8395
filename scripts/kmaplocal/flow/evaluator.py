# SPDX-License-Identifier: GPL-2.0-only
"""What all steps have in common: one is taken by the kind of its expression, and
what is seen of an address is noted."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from kmaplocal.flow.conditions import TRANSPARENT
from kmaplocal.flow.escape import EscapeAnalysis
from kmaplocal.flow.events import ELSEWHERE, Kind
from kmaplocal.flow.holder import Holder
from kmaplocal.flow.relevance import Relevance
from kmaplocal.flow.state import State
from kmaplocal.flow.trace import Log, Site
from kmaplocal.flow.tree import Effect, Inside, Knowledge
from kmaplocal.flow.values import CURSOR, Given, Value, constant_of
from kmaplocal.knowledge import api
from kmaplocal.c.cfg import Node
from kmaplocal.c.structs import struct_of
from kmaplocal.c.syntax import Expr, Function, Stmt

Results = list[tuple[Value | None, State]]


class Evaluator:
    """The base of a chain of classes, each of which adds some kinds of steps.

    An expression has others of any kind in it, so that every kind needs all the
    others: the chain is one object, each module has a part of it. The order is
    Evaluator, Branches, Stores, Transfer, Calls, MapCalls, Tracer; an instance is
    always a Tracer."""

    def __init__(
        self,
        function: Function,
        knowledge: Knowledge,
        params=(),
        mapped=(),
        exchanged=None,
        contents: Sequence[Inside] = (),
        pages=(),
        results=False,
        errors=False,
        holder: Holder | None = None,
    ):
        """PARAMS: the names of parameters to follow; MAPPED: the numbers of those
        that hold the address of a mapping this function is to end; EXCHANGED: for
        some of its unmaps, those whose arguments they are to have; CONTENTS: behind
        which parameters an address may lie; PAGES: those that are a
        page which kmap() mapped, to be unmapped here; RESULTS: whether what is returned
        is told by path; ERRORS: and whether it is an error, too; HOLDER: what keeps
        addresses from call to call."""
        self.errors = errors
        self.holder = holder
        self.function = function
        self.knowledge = knowledge
        self.maps, self.unmaps = knowledge.maps, knowledge.unmaps
        self.log = Log(function, exchanged or {})
        self._places: dict[Node | Stmt, Expr] = {}
        self.site_of: dict[Expr, int] = {}
        self.params = params
        self.pages = tuple(Given(number) for number in pages)
        self.mapped = (*(Given(number) for number in mapped), *self.pages)
        self.mapped += holder.origins if holder else ()
        self.contents = contents
        for call in function.calls(self.maps):
            self._add_site(call)
        names = [*params, *(holder.names.values() if holder else ())]
        self.relevant = Relevance(function, self.maps, self.unmaps, names, results)
        followed = {*api.ALL, *TRANSPARENT, "page_address"}
        self.escapes = EscapeAnalysis(function, knowledge, followed, self._lent)
        self.writing = False  # what is evaluated is the target of a store

    def _add_site(self, call: Expr) -> None:
        number = len(self.log.sites)
        name = call.callee
        given = name in api.MAPS and 0 in call.arguments
        page = call.arguments[0].text if given else call.text
        self.site_of[call] = number
        self.log.sites.append(Site(number, call, self.maps[name], name, page))

    def evaluate(self, expr: Expr, state: State) -> Results:
        """The values EXPR can have, with the state after each."""
        if not self.relevant.matters(expr):
            return [(constant_of(expr), state)]
        handler = getattr(self, _handler(expr.kind), self.on_other)
        return handler(expr, state)

    def on_other(self, expr, state):
        """An expression of a kind that nobody has a handler for."""
        return self._each(expr, expr.children, state)

    def _each(self, expr: Expr, operands: list[Expr], state: State) -> Results:
        """Evaluate the operands in order; an address in them is a use that is
        not understood."""
        states = [state]
        for operand in operands:
            following = []
            for before in states:
                for value, after in self.evaluate(operand, before):
                    self._not_understood(expr, value)
                    following.append(after)
            states = following
        return [(None, s) for s in states]

    def _not_understood(self, expr: Expr, value: Value | None) -> None:
        if value and value.kind == "address":
            self.log.note(Kind.OPAQUE, value.site, expr, expr.text[:60])

    def _alive(self, value: Value, state: State) -> bool:
        """Whether the mapping that VALUE is an address of has not ended."""
        if isinstance(value.site, Given) and value.site not in self.mapped:
            return True
        return value.site in state.live

    def _gone(self, value: Value, expr: Expr, state: State) -> None:
        """Note an address that is handed on after its unmap."""
        if not self._alive(value, state):
            text = "cursor" if value.moved == CURSOR else value.text
            self.log.note(Kind.DANGLING, value.site, expr, text)

    def _touch(self, value: Value, expr: Expr, state: State) -> None:
        if self.writing:
            self.log.note(Kind.WRITTEN, value.site, expr, self._member(expr, value))
        kind = Kind.ACCESS if self._alive(value, state) else Kind.AFTER_UNMAP
        self.log.note(kind, value.site, expr, value.text)

    def _lent(self, call: Expr, number: int) -> Effect:
        """What CALL does with the address of a variable, its argument NUMBER."""
        raise NotImplementedError

    def _member(self, place: Expr, value: Value) -> str:
        """The member "struct.member" that PLACE is, read by way of VALUE as it was
        given; "" for another place, ELSEWHERE where it points to what is written."""
        if isinstance(value.site, Given) and self._points(place):
            return ELSEWHERE
        if place.kind != "member" or place.op != "->" or value.moved or value.text:
            return ""
        struct = struct_of(place.children[0], self.function, lambda *_: "")
        return f"{struct}.{place.label}" if struct else ""

    def _points(self, place: Expr) -> bool:
        """Whether what is written is where the member PLACE, a pointer, points to."""
        node = place
        while node.parent is not None and node.parent.kind in ("paren", "cast"):
            node = node.parent
        outer = node.parent
        if place.kind != "member" or outer is None or outer.children[0] is not node:
            return False
        if outer.kind == "member":
            return outer.op == "->"
        if outer.kind != "index" and (outer.kind, outer.op) != ("unary", "*"):
            return False
        types = self.knowledge.member_type
        struct = struct_of(place.children[0], self.function, types)
        return bool(struct) and self.knowledge.is_array(place.label, struct) is False

    def _tested(self, node: Expr, value: Value | None) -> None:
        """Note what a condition tests: a mapping's address, or (None) another."""
        site = None
        if value and value.kind == "address" and not value.moved:
            site = value.site
        self.log.note(Kind.TESTED, site, node)

    def _local(self, name: str) -> bool:
        """Whether NAME is a variable of this call alone."""
        variable = self.function.variables.get(name)
        return variable is not None and not variable.static

    def _is_mapped(self, value: Value) -> bool:
        """Whether VALUE is an address that this function is to unmap."""
        return value.site in self.mapped and value == Value("address", value.site)


@cache
def _handler(kind: str) -> str:
    """The name of what evaluates an expression of a KIND."""
    return "on_" + kind.replace("-", "_")
