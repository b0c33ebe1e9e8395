# SPDX-License-Identifier: GPL-2.0-only
"""Calls of any function: what becomes of the addresses that it is given."""

from __future__ import annotations

from kmaplocal.c.places import base_type
from kmaplocal.flow.escape import bound
from kmaplocal.flow.events import Alive, Callback, Kind, Reason, Root
from kmaplocal.flow.state import State, after_call, bound_to, changed_by, found_in
from kmaplocal.flow.transfer import Transfer
from kmaplocal.flow.tree import Effect, Escape, Inside
from kmaplocal.flow.values import ERROR, Given, Value
from kmaplocal.flow.pointers import Pointer, named_function, parameter, pointer_of
from kmaplocal.knowledge import functions
from kmaplocal.c.syntax import Expr

# Of an address that is not in a variable, but in what that has a pointer to.
BOUND = "bound"
_KINDS = {Escape.UNKNOWN: Kind.UNKNOWN, Escape.YES: Kind.ESCAPES}
_ERRORS = functions.named(lambda row: row.error)


class Calls(Transfer):
    """Steps into a callee: its arguments, its result, and the variables it is
    given the address of."""

    def _call(self, expr, state):
        results = []
        if not expr.callee:
            self.evaluate(expr.children[0], state)  # what is read for the pointer
        for values, after in self._arguments(expr, state):
            if after.pages and not self.knowledge.is_pure(expr.callee):
                after = after_call(expr, after)
            after = self._given_anew(expr, values, after)
            after = self._joined(expr, dict(values), after)
            if functions.of(expr.callee).overlaps:
                two = dict(values).get(0), dict(values).get(1)
                self._compared(expr, two, (expr.arguments[0], expr.arguments[1]))
            if after.live:
                self.log.note(Kind.CALLED, None, expr, about=Alive(after.live))
            result = ERROR if expr.callee in _ERRORS else None
            ways = [after]
            found = []
            for number, value in values:
                if value and value.kind == "address":
                    effect = self._effect(expr, number)
                    result = self._passed(expr, value, effect, after) or result
                    ways += self._put_out(expr, value, effect, dict(values), ways)
                for inside, label in found_in(value, after):
                    place = Inside(number, self._member_of(value, label))
                    effect = self._on_contents(expr, place, inside)
                    found.append(self._passed(expr, inside, effect, after))
                    ways += self._put_out(expr, inside, effect, dict(values), ways)
            ways = self._written_by_reference(expr, values, ways)
            returned = [result, *(v for v in found if v)]
            results += [(v, way) for v in returned for way in ways]
        return results

    def _given_anew(self, expr, values, state: State) -> State:
        """The state before the callee, without the addresses of what is unmapped in
        variables that it is given by reference and may write: it puts others there."""
        for number, value in values:
            if value is None or value.kind != "place":
                continue
            held = state.get(value.text)
            over = held and held.kind == "address" and not self._alive(held, state)
            if over and self.knowledge.overwrites(expr.callee, number):
                state = state.put(value.text, None)
        return state

    def _joined(self, expr, values, state: State) -> State:
        """The state after the callee put what one argument points to behind another:
        a variable that holds the addresses from then on as if they were its own."""
        binds = functions.of(expr.callee).binds
        if not binds:
            return state
        onto = bound(expr, self.function)
        for value, _ in found_in(values.get(binds[0]), state):
            if onto and self.escapes.not_escaped(onto):
                inside = bound_to(onto, expr.callee, value)
                state = state.keep(inside, value._replace(text=BOUND))
            else:
                detail = (
                    f"{self._where(expr.arguments.get(binds[1]))} by {expr.callee}()"
                )
                self.log.note(Kind.STORED, value.site, expr, detail)
        return state

    def _arguments(self, expr, state):
        states: list[tuple[tuple[tuple[int, Value | None], ...], State]] = [((), state)]
        for number in sorted(expr.arguments):
            states = [
                (values + ((number, value),), after)
                for values, before in states
                for value, after in self.evaluate(expr.arguments[number], before)
            ]
        return states

    def _effect(self, expr: Expr, number: int) -> Effect:
        """What the function that EXPR calls does with its argument NUMBER."""
        if expr.callee:
            return self._called_back(expr, self.knowledge.argument(expr.callee, number))
        pointer = pointer_of(expr, self.function)
        effect = self.knowledge.through_pointer(pointer, number)
        return _calling_back(pointer, effect, number)

    def _member_of(self, value: Value | None, label: str) -> str:
        """Where the address is that VALUE leads to, as "struct.member": in the member
        LABEL of a variable, or where the caller put it; "" where that is not known."""
        if value is not None and value.kind == "place":
            tag = self._tag_of(value.text)
            return f"{tag}.{label}" if tag and label and "." not in label else ""
        given = value.site if value is not None and not value.moved else None
        known = (i.where for i in self.contents if given == Given(i.number))
        return next(known, "")

    def _tag_of(self, name: str) -> str:
        """The structure that the variable NAME is, or ""."""
        variable = self.function.variables.get(name)
        words = base_type(variable.type).split() if variable else []
        return words[1] if len(words) == 2 and words[0] == "struct" else ""

    def _called_back(self, expr: Expr, effect: Effect, where: str = "") -> Effect:
        """EFFECT of a callee, where that does no harm by itself, but calls what EXPR
        gives it: with what those functions do, also with an address that lies WHERE."""
        if effect.escape is Escape.NO or not effect.callbacks:
            return effect
        found, onward = [], []
        for back in effect.callbacks:
            node = named_function(expr.arguments.get(back.pointer))
            own = parameter(node.text, self.function) if node is not None else None
            if node is None or (node.text in self.function.variables and own is None):
                return effect._replace(callbacks=())
            if own is not None:
                onward.append(back._replace(pointer=own.number))
                continue
            inside = Inside(back.number, where) if back.contents else None
            each = self.knowledge.called_back(node.text, back.number, inside)
            if each.escape is Escape.NO:
                told = f"{expr.callee}() calls {node.text}() with it"
                each = each._replace(pointers=(told, *each.pointers))
            found.append(each)
        if onward:
            return effect._replace(callbacks=tuple(onward) if not found else ())
        worst = max(found, key=lambda each: each.escape.value)
        known = [each.members for each in found if each.members is not None]
        whole = effect.members is None or len(known) < len(found)
        members = None if whole else frozenset(effect.members or ()).union(*known)
        if worst.escape is not Escape.NO:
            why = f"{expr.callee}() calls it back: {worst.evidence}"
            return worst._replace(evidence=why, members=members)
        writes = effect.writes or any(each.writes for each in found)
        return worst._replace(
            returns=effect.returns,
            through=effect.through,
            writes=writes,
            members=members,
            pointers=tuple(p for each in found for p in each.pointers),
            relies=next((e.relies for e in found if e.relies), ""),
        )

    def _lent(self, call: Expr, number: int) -> Effect:
        effect = self.knowledge.by_reference(call.callee, number)
        return self._called_back(call, effect)

    def _members_changed(
        self, expr: Expr, number: int, name: str
    ) -> frozenset[str] | None:
        """The members of the structure variable NAME that a callee may change, lent it
        as argument NUMBER; None: any."""
        effect = self._lent(expr, number)
        if effect.members is None:
            return None
        whole = {m.partition(".")[0] for m in effect.members} <= {self._tag_of(name)}
        return frozenset(m.partition(".")[2] for m in effect.members) if whole else None

    def _on_contents(self, expr: Expr, place: Inside, inside: Value) -> Effect:
        """What the function that EXPR calls does with the address INSIDE, which it
        finds at PLACE; where it lies behind what is there in turn, only the table can
        say."""
        effect = self.knowledge.contents(expr.callee, place)
        if expr.callee:
            effect = self._called_back(expr, effect, place.where)
        else:
            pointer = pointer_of(expr, self.function)
            effect = _calling_back(pointer, effect, place.number, True)
        if inside.text != BOUND or not functions.of(expr.callee).keeps_behind:
            return effect
        return effect._replace(
            escape=Escape.UNKNOWN,
            evidence=f"what holds the address is passed to {expr.callee}()",
            root=Root("unread", expr.callee),
        )

    def _put_out(self, expr, value, effect, values, ways) -> list[State]:
        """The further ways on, when a callee stores VALUE behind other arguments."""
        more = []
        for number, moved in effect.through:
            stored, target = value.onward(moved), values.get(number)
            behind = self._whole_parameter(target)
            if (
                target
                and target.kind == "place"
                and self.escapes.is_output(target.text)
            ):
                more += [way.put(target.text, stored) for way in ways]
            elif behind and isinstance(value.site, Given) and value.site != behind:
                more += [self._hand_over(expr, stored, behind, way) for way in ways]
            else:
                detail = f"{self._where(expr.arguments.get(number))} by {expr.callee}()"
                self.log.note(Kind.STORED, value.site, expr, detail)
        return more

    def _where(self, argument: Expr | None) -> str:
        """Where an address is that a callee stored by way of ARGUMENT."""
        node = argument.bare() if argument else None
        if node is None or node.kind != "unary" or node.op != "&":
            return f"what {node.text if node else 'an argument'} points to"
        name = node.children[0].text
        return f"{name}, which others know," if self._local(name) else name

    def _written_by_reference(self, expr, values, ways: list[State]) -> list[State]:
        """The ways on, when the callee may have changed the variables that it
        was given by reference."""
        for number, value in values:
            if not value or value.kind != "place":
                continue
            if self.knowledge.overwrites(expr.callee, number):
                only = self._members_changed(expr, number, value.text)
                ways += [changed_by(way, value.text, expr.callee, only) for way in ways]
        return list(dict.fromkeys(ways))

    def _passed(self, expr, value, effect, state) -> Value | None:
        """Note what becomes of an address that is given to a callee: of the result,
        when it is an address in the same page."""
        if effect.writes:
            self.log.note(Kind.WRITTEN, value.site, expr)
        for text in effect.pointers:
            self.log.note(Kind.POINTER, value.site, expr, text)
        if value.text == "member" and effect.escape is not Escape.YES:
            effect = effect._replace(escape=Escape.NO)
        if effect.escape is Escape.NO:
            if effect.relies:
                self.log.note(Kind.RELIES, value.site, expr, effect.relies)
            self._touch(value, expr, state)
        else:
            reason = Reason(effect.root, effect.awaits, effect.callbacks)
            kind = _KINDS[effect.escape]
            self.log.note(kind, value.site, expr, effect.evidence, reason)
            self._gone(value, expr, state)
        return value.onward() if effect.returns else None


def _calling_back(
    pointer: Pointer | None, effect: Effect, number: int, contents: bool = False
) -> Effect:
    """EFFECT of what POINTER can be on its argument NUMBER, or on an address behind
    that: a caller may tell which function it is, if it is a parameter."""
    if effect.escape is Escape.NO or pointer is None or not pointer.function:
        return effect
    return effect._replace(callbacks=(Callback(pointer.number, number, contents),))
