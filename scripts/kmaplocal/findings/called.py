# SPDX-License-Identifier: GPL-2.0-only
"""What a called function does to the mappings of its caller."""

from __future__ import annotations

from collections.abc import Collection

from kmaplocal.summaries.callees import Callees
from kmaplocal.summaries.knowledge import FileKnowledge
from kmaplocal.bounds.offsets import values_of
from kmaplocal.c.cfg import Unstructured
from kmaplocal.flow.events import Event, Kind
from kmaplocal.flow.trace import Trace
from kmaplocal.flow.values import Given
from kmaplocal.flow.engine import TooManyPaths, Tracer
from kmaplocal.c.outline import VARIADIC
from kmaplocal.flow.escape import given
from kmaplocal.flow.tree import Escape
from kmaplocal.knowledge import api, functions
from kmaplocal.c.syntax import Expr, Function

MOST_DEEP = 3
# Tell a mapped address from one of the direct map: who asks, knows.
ASKING = ("is_kmap_addr", "virt_addr_valid")


class CalledFunctions:
    """Answers about the functions that one file calls."""

    def __init__(self, file: str, callees: Callees):
        self.file = file
        self.callees = callees

    def definitions(self, name: str, file: str = "") -> list[tuple[str, Function]]:
        """The definitions NAME can mean, each with its file; none where none is
        known. Who asks has NAME looked for, and may know more in the next round."""
        return self.callees.find(file or self.file, name) if name else []

    def unmaps(self, call: Expr, number: int) -> bool:
        """Whether CALL may unmap what its argument NUMBER is: an address, a page,
        or a structure that holds one of them."""
        return self._unmaps(self.file, call, number, MOST_DEEP)

    def _unmaps(self, file: str, call: Expr, number: int, deep: int) -> bool:
        if call.callee in api.UNMAPS:
            return True
        if call.callee in api.MAPS or not deep:
            return False
        return any(
            self._ends(home, function, number, deep - 1)
            for home, function in self.definitions(call.callee, file)
        )

    def _ends(self, file: str, function: Function, number: int, deep: int) -> bool:
        if number >= len(function.params):
            return False
        names = _copies(function, function.params[number].name)
        return any(
            names & {n.text for n in argument.walk()}
            and self._unmaps(file, call, place, deep)
            for call in function.exprs
            if call.kind == "call" and call.callee != function.name
            for place, argument in call.arguments.items()
        )

    def prints(self, call: Expr, number: int) -> bool:
        """Whether all that becomes of argument NUMBER of CALL is that it is printed."""
        return self._prints(self.file, call, number, MOST_DEEP)

    def _prints(self, file: str, call: Expr, number: int, deep: int) -> bool:
        if functions.of(call.callee).prints:
            return True
        found = self.definitions(call.callee, file) if deep else []
        return bool(found) and all(
            self._hands_to_print(home, function, number, deep - 1)
            for home, function in found
        )

    def _hands_to_print(self, file, function: Function, number: int, deep) -> bool:
        names = [variable.name for variable in function.params]
        if names[-1:] == [VARIADIC] and number >= 0:
            number = min(number, len(names) - 1)
        if number >= len(names):
            return False
        name = names[number]
        uses = [e for e in function.exprs if e.text == name]
        places = [given(use) for use in uses]
        last = -1 if name == VARIADIC else None  # it is not the format that they are
        return bool(uses) and all(
            place is not None and self._prints(file, place[0], last or place[1], deep)
            for place in places
        )

    def calls(self, file: str, function: Function, name: str, deep: int = 3) -> bool:
        """Whether FUNCTION, of FILE, calls NAME, at most DEEP calls away."""
        called = sorted({e.callee for e in function.exprs if e.callee})
        if name in called:
            return True
        return deep > 0 and any(
            self.calls(home, found, name, deep - 1)
            for inner in called
            if inner in self.callees.sources.get(file, {})
            for home, found in self.definitions(inner, file)
        )

    def handed(
        self, file: str, call: Expr, number: int, names: Collection[str]
    ) -> tuple[str, str] | None:
        """The one of NAMES that in the end gets the address which CALL, in FILE, is
        given as argument NUMBER: its name, and through which calls; None where no
        one of them does."""
        return self._handed(file, call, number, names, MOST_DEEP)

    def _handed(self, file, call, number, names, deep) -> tuple[str, str] | None:
        if call.callee in names:
            return call.callee, f"{call.callee}()"
        if not deep:
            return None
        for home, function in self.definitions(call.callee, file):
            if function.calls(ASKING):
                continue
            for use in self._escapes(home, function, number):
                for place in self._escaping(home, use.place, function, number):
                    inner = self._handed(home, use.place, place, names, deep - 1)
                    if inner:
                        return inner[0], f"{call.callee}(), which calls {inner[1]}"
        return None

    def _escapes(self, file: str, function: Function, number: int) -> list[Event]:
        """The calls to which a function's parameter escapes."""
        trace = follow(self.callees, file, function)
        found = trace.of(Given(number), Kind.ESCAPES) if trace else []
        return [use for use in found if use.place.kind == "call"]

    def _escaping(
        self, file: str, call: Expr, function: Function, number: int
    ) -> list[int]:
        """The arguments of a call that escape: those that name the parameter
        NUMBER of FUNCTION, or where none does, all."""
        knowledge = FileKnowledge(file, self.callees)
        found = [
            place
            for place in call.arguments
            if knowledge.argument(call.callee, place).escape is Escape.YES
        ]
        name = function.params[number].name if number < len(function.params) else ""
        own = [n for n in found if name in {x.text for x in call.arguments[n].walk()}]
        return own or found


def _copies(function: Function, name: str) -> set[str]:
    """The variables of FUNCTION that are set to what is made of its parameter NAME, and
    that parameter."""
    names = {name}
    while True:
        more = {
            each
            for each, variable in function.variables.items()
            if variable.is_pointer and each not in names
            for value in values_of(each, function)
            if names & {n.text for n in value.walk()}
        }
        if not more:
            return names
        names |= more


def follow(callees: Callees, file: str, function: Function) -> Trace | None:
    """The trace of a called function with an address in every parameter; None
    where its paths could not be followed."""
    names = [variable.name for variable in function.params]
    tracer = Tracer(function, FileKnowledge(file, callees), names)
    try:
        return tracer.run()
    except (Unstructured, TooManyPaths):
        return None
