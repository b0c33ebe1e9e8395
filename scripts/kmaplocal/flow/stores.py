# SPDX-License-Identifier: GPL-2.0-only
"""Assignments: to variables, to their members, to anything else."""

from __future__ import annotations

from kmaplocal.flow.branches import Branches
from kmaplocal.flow.conditions import lasts
from kmaplocal.flow.escape import given, member_name, member_of, root_of
from kmaplocal.flow.evaluator import Results
from kmaplocal.flow.events import Kind, Output, Reason, Root
from kmaplocal.flow.state import State, added_to, after_write, as_given, filled_at
from kmaplocal.flow.state import kept, put_behind
from kmaplocal.flow.values import CURSOR, OFFSET, Given, Origin, Value
from kmaplocal.flow.values import constant_of, number_of
from kmaplocal.c.syntax import Expr
from kmaplocal.knowledge import functions

MOST_COUNTED = 3  # a counter's value is known up to here


class Stores(Branches):
    """Steps that put a value somewhere: `=`, `+=` and their like, `++`, `--`."""

    def on_assign(self, expr, state):
        target, source = expr.children
        results = []
        for value, after in self.evaluate(source, state):
            results.extend(self._assign(expr, target.bare(), source, value, after))
        return results

    def _assign(self, expr, target, source, value, state):
        if target.kind == "identifier":
            if expr.op != "=":
                old = state.get(target.text)
                address = old and old.kind == "address"
                value = old.onward(CURSOR) if address else None
                if address:
                    self.log.note(Kind.MOVED, old.site, expr)
            elif not self._local(target.text):
                self._stored(expr, target, value)
                return [(value, state.put(target.text, None))]
            elif _is_step(target, source) and value and value.kind == "address":
                value = value.onward(CURSOR)
                self.log.note(Kind.MOVED, value.site, expr)
            after = self._bind(target.text, value, source, state)
            return [(after.get(target.text), after)]
        results = []
        for _, after in self._target(target, state):
            last = after_write(target, after)
            if expr.op == "=":
                last = self._store(expr, target, value, last)
            else:
                last = self._moved_member(expr, target, last)
            results.append((value, last))
        return results

    def _store(self, expr, target, value, state) -> State:
        """The state after VALUE was stored at TARGET, which is no plain variable."""
        is_address = value and value.kind == "address"
        if member_of(target) in self.relevant.structures:
            return self._store_member(
                expr, target, value if is_address else None, state
            )
        behind = self._output(target, state) if is_address else None
        if behind and isinstance(value.site, Given) and value.site != behind:
            return self._hand_over(expr, value, behind, state)
        self._stored(expr, target, value)
        if is_address and target.kind == "member" and isinstance(value.site, int):
            return state._replace(pages=(*state.pages, (value.site, kept(target.text))))
        return state

    def _filled(self, name: str, expr: Expr, value: Value, state: State) -> State:
        """The state after the address VALUE was put into the new variable NAME among
        others, by EXPR in its braces."""
        if name in self.relevant.filled and self.escapes.not_escaped(name):
            return state.keep(filled_at(name, expr.start), value)
        why = self.escapes.unread(name) if name in self.relevant.filled else ""
        if why:
            detail = f"the address is stored in {name}; of {name} in turn {why}"
            reason = Reason(Root("stored", name, self._onward(name)))
            self.log.note(Kind.UNKNOWN, value.site, expr, detail, reason)
        else:
            self._note_stored(value.site, expr, name, name)
        return state

    def _store_member(self, expr, target, value, state) -> State:
        """The state after the address VALUE, or (None) anything else, was stored at
        TARGET, the member of a structure variable."""
        name = member_of(target)
        if value and not self.escapes.is_variable(target):
            why = self.escapes.unread(name)
            if why:
                detail = f"the address is stored in {target.text}; of {name} in turn "
                stored = Root("stored", target.text, self._onward(name))
                reason = Reason(self.escapes.mapping_callee(why) or stored)
                self.log.note(Kind.UNKNOWN, value.site, expr, detail + why, reason)
            else:
                self._stored(expr, target, value)
                value = self._shared(name, value)
        return state.hold(member_name(target), value)

    def _shared(self, name: str, value: Value) -> Value | None:
        """What is known later of a member that holds the address VALUE, where more
        than this call can know of the structure NAME."""
        if not self._local(name):
            return None
        return Value("changed", value.site, text="others who know it")

    def _output(self, target: Expr, state: State) -> Given | None:
        """The parameter P where TARGET is `*P`; None for another target."""
        if target.kind != "unary" or target.op != "*":
            return None
        node = target.children[0].bare()
        value = state.get(node.text) if node.kind == "identifier" else None
        return self._whole_parameter(value)

    def _whole_parameter(self, value: Value | None) -> Given | None:
        """The parameter that VALUE is; None when it is none, or moved."""
        if value is None or value != Value("address", value.site):
            return None
        given = value.site if isinstance(value.site, Given) else None
        return given if given and not (given.behind or given in self.mapped) else None

    def _hand_over(
        self, expr: Expr, value: Value, behind: Given, state: State
    ) -> State:
        """The state after an address was stored where the caller will find it,
        BEHIND a parameter."""
        output = Output(behind.number, value.moved)
        self.log.note(Kind.BEHIND, value.site, expr, about=output)
        return put_behind(state, behind, value)

    def _stored(self, expr, target, value) -> None:
        if value and value.kind == "address":
            name = root_of(target, self.function)
            self._note_stored(value.site, expr, target.text, name)

    def _note_stored(self, site: Origin, expr: Expr, where: str, name: str) -> None:
        """Record that an address is stored WHERE, which lies in the variable NAME."""
        onto, detail = self._onward(name), where
        if onto:
            detail += f", and {name} goes to {onto}()"
        reason = Reason(Root("stored", where, onto))
        self.log.note(Kind.STORED, site, expr, detail, reason)

    def _onward(self, name: str) -> str:
        """Whom the structure or array NAME of this call is given to with what it
        holds, the first to hand it on, or ""."""
        found = []
        for node in self.function.exprs if self._local(name) else ():
            inner = node.children[0].bare() if node.op == "&" else node
            place = given(node) if inner.text == name else None
            if place and place[0].callee:
                found.append(place[0].callee)
        handing = [callee for callee in found if functions.of(callee).hands]
        return next(iter(handing + found), "")

    def _bind(self, name: str, value: Value | None, source: Expr, state: State):
        """The state after the local NAME became VALUE, read from SOURCE."""
        if value and value.kind == "address" and not self._can_hold(name, value):
            value = None
        if name in self.relevant.memos and dict(state.decided).get(source.bare().text):
            value = Value("constant", text="1")  # as true as what it remembers
        if value is None:
            value = self._copied(name, source)
        if value is not None and value.kind == "page":
            after = state.put(name, None)
            after = after.decide(name, True).decide(f"IS_ERR ( {name} )", False)
            return after._replace(pages=(*after.pages, (value.site, name)))
        if value is not None and value.kind == "address":
            taken = self.escapes.address_taken(name)
            if taken:
                self.log.note(Kind.ADDRESS_TAKEN, value.site, taken, name)
        if value and value.kind == "address" and isinstance(value.site, int):
            site = self.log.sites[value.site]
            if any(n is site.call or n.callee == "page_address" for n in source.walk()):
                self.log.name(site.number, name)
                added = Value("added", text=_beside(source, site.call))
                after = state.put(name, value).keep(added_to(name), added)
                return after.keep(as_given(name), Value("added"))
            whole = source.parent
            if name == site.variable and value.moved == OFFSET and whole is not None:
                self.log.note(Kind.MOVED, value.site, whole)
        return state.put(name, value)

    def _can_hold(self, name: str, value: Value) -> bool:
        """Data read from the page is no address: what is put into a variable
        that is no pointer, but by way of a member, is data."""
        variable = self.function.variables.get(name)
        return value.text != "member" or variable is None or variable.is_pointer

    def _copied(self, name: str, source: Expr) -> Value | None:
        node = source.bare()
        constant = constant_of(node)
        if constant and (name in self.relevant.tracked or name in self.relevant.flags):
            return constant
        if name not in self.relevant.tracked or any(
            n.kind == "call" for n in node.walk()
        ):
            return None
        if node.kind in ("identifier", "member", "index") and name != node.text:
            return Value("copy", text=node.text)
        return None

    def on_postfix(self, expr, state):
        return self._step_variable(expr, state)

    def _step_variable(self, expr, state):
        target = expr.children[0].bare()
        results = []
        for value, after in self._target(expr.children[0], state):
            if target.kind == "identifier":
                moved = value if value and value.kind == "address" else None
                moved = moved.onward(CURSOR) if moved else None
                if moved:
                    self.log.note(Kind.MOVED, moved.site, expr)
                last = after.put(target.text, moved or self._counted(expr, after))
                after = self._stepped(expr, target.text, last, after)
            else:
                after = self._moved_member(expr, target, after_write(target, after))
            results.append((value, after))
        return results

    def _stepped(self, expr: Expr, name: str, state: State, before: State) -> State:
        """STATE, after the pointer NAME went on by EXPR, with what was true BEFORE of
        the page it pointed to, and is so of the next."""
        lasting = [a for a, true in before.decided if true and lasts(a, name)]
        for atom in lasting if expr.op == "++" else ():
            state = state.decide(atom, True)
        return state

    def _moved_member(self, expr: Expr, target: Expr, state: State) -> State:
        """The state after the member of a local structure went on."""
        name = member_name(target) if member_of(target) else ""
        old = state.get(name)
        if not old or old.kind != "address":
            return state
        self.log.note(Kind.MOVED, old.site, expr)
        return state.hold(name, old.onward(CURSOR))

    def _target(self, target: Expr, state: State) -> Results:
        """Evaluate what is written to: what its way leads through is touched."""
        outer, self.writing = self.writing, target.bare().kind != "identifier"
        try:
            return self.evaluate(target, state)
        finally:
            self.writing = outer

    def _counted(self, expr: Expr, state: State) -> Value | None:
        """The small number that a counter is after `++`, if it was known."""
        name = expr.children[0].bare().text
        number = number_of(state.get(name))
        if expr.op != "++" or name not in self.relevant.flags or number is None:
            return None
        if number >= MOST_COUNTED:
            return None
        return Value("constant", text=str(number + 1))


def _beside(source: Expr, call: Expr) -> str:
    """The variables and .members that SOURCE is made of beside CALL."""
    inner = set(call.walk())
    nodes = [n for n in source.walk() if n not in inner]
    members = [f".{n.label}" for n in nodes if n.kind == "member"]
    return " ".join([n.text for n in nodes if n.kind == "identifier"] + members)


def _is_step(target: Expr, source: Expr) -> bool:
    """Whether `target = source` moves TARGET from where it is: `p = p + n`,
    `p = (void *)p - n`, `p = &p[n]`."""
    node = source.bare()
    if node.kind == "unary" and node.op == "&":
        node = node.children[0].bare()
    if node.kind != "index" and (node.kind != "binary" or node.op not in ("+", "-")):
        return False
    return node.children[0].bare().text == target.text
