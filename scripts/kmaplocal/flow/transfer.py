# SPDX-License-Identifier: GPL-2.0-only
"""Expressions: what one evaluates to, and what its way there does to addresses."""

from __future__ import annotations

from collections.abc import Sequence

from kmaplocal.flow.conditions import RELATIONS, compared_call
from kmaplocal.flow.escape import given, member_name, member_of, root_of
from kmaplocal.flow.evaluator import Results
from kmaplocal.flow.events import Kind
from kmaplocal.flow.state import State, reached, unsure
from kmaplocal.flow.stores import Stores
from kmaplocal.flow.values import NULL, ONE, Given, Value, is_loaded
from kmaplocal.c.structs import struct_of
from kmaplocal.c.syntax import Expr

_COMPARISONS = {"==", "!=", "<", ">", "<=", ">=", "&&", "||"}


class Transfer(Stores):
    """Steps that compute: every kind of expression but assignments and calls."""

    def on_identifier(self, expr, state):
        if expr.text == "NULL":
            return [(NULL, state)]
        value = state.get(expr.text)
        if value and value.kind == "address":
            self.log.note(Kind.READ, value.site, expr)
        kept = expr.text in self.knowledge.addresses
        if kept and not self._is_mapped_now(value, state):
            self.log.note(Kind.UNSET, None, expr)
        if expr.text in self.relevant.structures:
            for member in state.addresses(expr.text):
                self.log.note(Kind.STORED, member.site, expr, f"a copy of {expr.text}")
        return [(value, state)]

    def _is_mapped_now(self, value: Value | None, state: State) -> bool:
        """Whether VALUE is an address of a mapping that is alive."""
        if value is None or value.kind != "address":
            return False
        return self._alive(value, state)

    def on_paren(self, expr, state):
        return self.evaluate(expr.children[0], state)

    def on_cast(self, expr, state):
        return self.evaluate(expr.children[0], state)

    def on_sizeof(self, expr, state):
        return [(None, state)]

    def on_statement_expression(self, expr, state):
        names = {v[0] for v in state.held if v[1].kind == "address"}
        words = {n.text for n in expr.walk() if n.kind == "identifier"}
        for value in reached(words, state):
            self._not_understood(expr, value)
        for node in expr.walk():
            if node.kind == "identifier" and node.text in names:
                self._not_understood(expr, state.get(node.text))
            if node in self.site_of:
                self.log.note(Kind.OPAQUE, self.site_of[node], node, "({ … })")
        return [(None, state)]

    def on_comma(self, expr, state):
        results = []
        for _, after in self.evaluate(expr.children[0], state):
            results.extend(self.evaluate(expr.children[1], after))
        return results

    def on_ternary(self, expr, state):
        if len(expr.children) != 3:
            return self._each(expr, expr.children, state)
        results = []
        for truth, after in self.condition(expr.children[0], state):
            arm = expr.children[1 if truth else 2]
            results.extend(self.evaluate(arm, after))
        return results

    def on_member(self, expr, state):
        if member_of(expr) in self.relevant.structures:
            value = state.get(member_name(expr))
            if value and value.kind == "address":
                self.log.note(Kind.READ, value.site, expr)
            return [(value, state)]
        results = []
        for value, after in self.evaluate(expr.children[0], state):
            if is_loaded(value) and expr.op == ".":
                results.append((value, after))
                continue
            results.append((self._loaded_member(expr, value, after), after))
            if not self._is_elsewhere(expr, value):
                results += self._loads(value, after)
        return results

    def _is_elsewhere(self, expr: Expr, value: Value | None) -> bool:
        """Whether the member EXPR, read by way of VALUE, is another one than that in
        which the caller's address lies."""
        known = (i for i in self.contents if value and value.site == Given(i.number))
        tag, _, label = next((i.where for i in known), "").partition(".")
        if not label or expr.label == label:
            return False
        return struct_of(expr.children[0], self.function, lambda *_: "") == tag

    def _loads(self, value: Value | None, state: State) -> Results:
        """What may be read by way of an address, beside data."""
        found = state.behind(value.site) if value and value.kind == "address" else []
        return [(inside._replace(text="loaded"), state) for inside in found]

    def _loaded_member(
        self, expr: Expr, value: Value | None, state: State
    ) -> Value | None:
        """Of `a->m`: an array member is an address in the page, any other is
        data; for `(*a).m` and `a[i].m` the operand is already an address."""
        if not value or value.kind != "address":
            return None
        self._touch(value, expr, state)
        operand, types = expr.children[0], self.knowledge.member_type
        struct = struct_of(operand, self.function, types)
        array = self.knowledge.is_array(expr.label, struct)
        if array is False:
            return None
        return value.onward()._replace(text="" if array else "member")

    def on_index(self, expr, state):
        results = []
        for value, after in self.evaluate(expr.children[0], state):
            for inner, last in self.evaluate(expr.children[1], after):
                self._not_understood(expr, inner)
                if is_loaded(value) and not self._is_loaded_pointer(expr.children[0]):
                    results.append((value, last))
                    continue
                results.append((self._element(expr, value, last), last))
                results += self._loads(value, last)
        return results

    def _is_loaded_pointer(self, base: Expr) -> bool:
        """Whether BASE, which was read by way of an address, is surely a pointer,
        and no array of pointers in the same place."""
        node = base.bare()
        if node.kind == "member":
            operand, types = node.children[0], self.knowledge.member_type
            struct = struct_of(operand, self.function, types)
            return self.knowledge.is_array(node.label, struct) is False
        variable = self.function.variables.get(node.text)
        return variable is not None and "[" not in variable.type

    def _element(self, expr: Expr, value: Value | None, state: State) -> Value | None:
        """`a[i]` reads data, unless its address or a member of it is meant."""
        if not value or value.kind != "address":
            return None
        self._touch(value, expr, state)
        return value.onward() if _is_place(expr) else None

    def on_unary(self, expr, state):
        operand = expr.children[0]
        if expr.op == "&":
            return self._address_of(expr, operand, state)
        if expr.op in ("++", "--"):
            return self._step_variable(expr, state)
        results = []
        for value, after in self.evaluate(operand, state):
            if expr.op == "*" and value and value.kind == "address":
                results += self._loads(value, after)
                self._touch(value, expr, after)
                value = value.onward() if _is_place(expr) else None
            elif expr.op == "!":
                self._tested(operand.bare(), value)
                value = None
            elif expr.op in ("~", "-") and value and not self._is_read(operand, value):
                self._not_understood(expr, value)
            results.append((value if expr.op == "*" else None, after))
        return results

    def _address_of(self, expr, operand, state):
        node = operand.bare()
        state = unsure(state, root_of(node, self.function))
        if self._is_by_reference(expr, node, state):
            return [(Value("place", text=root_of(node, self.function)), state)]
        if node.kind == "identifier":
            value = state.get(node.text)
            if node.text in self.relevant.tracked:
                if value and value.kind == "address":
                    self.log.note(Kind.ADDRESS_TAKEN, value.site, expr, node.text)
                return [(None, state.put(node.text, None))]
            return [(None, state)]
        results = []
        for value, after in self.evaluate(operand, state):
            if value is None:
                value = self._root_address(node, after)
            elif value.text == "member" and self._in_page(node, after):
                value = value._replace(text="")
            elif is_loaded(value) and root_of(node, self.function):
                self.log.note(Kind.ADDRESS_TAKEN, value.site, expr, node.text)
            results.append((value, after))
        return results

    def _in_page(self, node: Expr, state: State) -> bool:
        """Whether the member NODE lies where the pointer points that it is read by,
        which is an address: `p->a` and `p->a.b` do, what `p->a->b` is may not."""
        while node.kind == "member" and node.op == ".":
            node = node.children[0].bare()
        base = node.children[0].bare() if node.kind == "member" else node
        value = state.get(base.text) if base.kind == "identifier" else None
        return value is not None and value.kind == "address" and not value.text

    def _is_by_reference(self, expr: Expr, node: Expr, state: State) -> bool:
        """Whether EXPR, `&NODE`, lends a callee a local variable that holds an
        address, or may be given one."""
        name = root_of(node, self.function)
        if given(expr) is None or not name or self._through_pointer(node, state):
            return False
        wanted = state.addresses(name) or (
            node.text == name and name in self.relevant.outputs
        )
        return bool(wanted) and self.escapes.not_escaped(name)

    def _through_pointer(self, node: Expr, state: State) -> bool:
        """Whether `a.b[i]` goes to where the member `a.b` points."""
        while node.kind in ("index", "member"):
            if node.kind == "index" and member_of(node.children[0].bare()):
                if state.get(member_name(node.children[0].bare())):
                    return True
            node = node.children[0].bare()
        return False

    def _root_address(self, node: Expr, state: State) -> Value | None:
        """Of `&a->b.c[i]`: an address in the page when `a` is one.  Where the
        path loads a pointer from the page, it still counts: on the safe side."""
        while node.kind in ("member", "index", "paren", "cast", "unary"):
            if node.kind == "unary" and node.op != "*":
                return None
            node = node.children[0]
        value = state.get(node.text) if node.kind == "identifier" else None
        return value.onward() if value and value.kind == "address" else None

    def on_binary(self, expr, state):
        if self.holder is not None and expr.op in ("&&", "||"):
            ways = self.condition(expr, state)
            return [(ONE if truth else NULL, after) for truth, after in ways]
        results = []
        for left, middle in self.evaluate(expr.children[0], state):
            for right, after in self.evaluate(expr.children[1], middle):
                self._compared(expr, (left, right), expr.children)
                results.append((self._combined(expr, left, right), after))
        return results

    def _compared(self, expr: Expr, values, nodes: Sequence[Expr]) -> None:
        """Note the addresses among the two VALUES of NODES that EXPR compares, one with
        the other, where they need not be of one mapping."""
        if expr.kind == "binary" and expr.op not in (*RELATIONS, "-"):
            return
        for value, (other, node) in zip(values, [*zip(values, nodes)][::-1]):
            if value is None or value.kind != "address" or value.text:
                continue
            apart = other is not None and other.kind == "address" and not other.text
            if apart and other.site != value.site:
                self.log.note(Kind.COMPARED, value.site, expr, about=other.site)
            elif other is None and self._may_point(node):
                self.log.note(Kind.COMPARED, value.site, expr, node.bare().text)

    def _may_point(self, node: Expr) -> bool:
        """Whether NODE is a variable that holds an address."""
        variable = self.function.variables.get(node.bare().text)
        return variable is not None and "*" in variable.type

    def _is_read(self, node: Expr, value: Value) -> bool:
        """Whether NODE, of VALUE, is data that was read from the page: `p->n` is no
        array in `p->n >> 3` or `~p->n`, as none can be shifted or inverted without a
        cast.  An address that lies there, or in a structure here, is another thing."""
        while node.kind == "paren":
            node = node.children[0]
        if node.kind != "member" or value.text not in ("", "member"):
            return False
        return member_of(node) not in self.relevant.structures

    def _is_distance(self, expr: Expr) -> bool:
        """Whether EXPR subtracts a pointer: a number is the difference of two."""
        node = expr.children[1]
        while node.kind == "paren":
            node = node.children[0]
        pointer = "*" in node.op if node.kind == "cast" else self._may_point(node)
        return expr.op == "-" and pointer

    def _combined(self, expr, left, right) -> Value | None:
        sides = [v for v in (left, right) if v and v.kind == "address"]
        if self.knowledge.carried and sides == [right] and self._is_distance(expr):
            return None
        if len(sides) == 2:  # nobody adds two addresses: what a member has is a number
            sides = [v for v in sides if v.text != "member"] or sides
        known = compared_call(expr, left) if expr.op in RELATIONS else None
        if known:
            return known
        if not sides or expr.op in _COMPARISONS or len(sides) == 2:
            return left if left and left.kind == "changed" else None
        own, other = expr.children if left is sides[0] else expr.children[::-1]
        if expr.op in ("+", "-", "|") or (expr.op == "&" and _aligns(other)):
            return sides[0].onward()
        if expr.op not in ("&", "%") and not self._is_read(own, sides[0]):
            self._not_understood(expr, sides[0])
        return None


def _aligns(mask: Expr) -> bool:
    """Whether `& MASK` leaves the page of an address, as `~15`, `-size` and PAGE_MASK
    do, and not where in the page it is."""
    node = mask.bare()
    if node.kind != "unary" or node.op not in ("~", "-"):
        return node.text == "PAGE_MASK"
    return node.children[0].bare().text != "PAGE_MASK"


def _is_place(expr: Expr) -> bool:
    """Whether `*a` or `a[i]` names a place, more of whose path follows."""
    parent = expr.parent
    while parent is not None and parent.kind == "paren":
        parent = parent.parent
    if parent is None:
        return False
    return parent.kind in ("member", "index") or (
        parent.kind == "unary" and parent.op == "&"
    )
