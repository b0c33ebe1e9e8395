# SPDX-License-Identifier: GPL-2.0-only
"""Local variables that keep an address where called functions can reach it.

A callee may be given the variable's own address: it stores an address there,
or finds one.  What the variable holds is known as long as nobody else has the
variable's address, and nobody has it any longer than the call takes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from kmaplocal.c.places import Places, base_type
from kmaplocal.knowledge import functions
from kmaplocal.c.syntax import Expr, Function, Variable
from kmaplocal.flow.events import Root
from kmaplocal.flow.tree import Effect, Escape

_TYPE_OF = ("struct", "union")


def member_of(node: Expr) -> str:
    """The variable S where NODE is `S.member`, or ""."""
    if node.kind != "member" or node.op != ".":
        return ""
    inner = node.children[0].bare()
    return inner.text if inner.kind == "identifier" else ""


def member_name(node: Expr) -> str:
    """What the member `S.member` is called as a variable of its own."""
    return f"{member_of(node)} . {node.label}"


def root_of(node: Expr, function: Function) -> str:
    """The variable of FUNCTION that a place lies in, where no pointer is followed:
    S of `S`, `S.a.b` and `S.a[i]`, V of `V[i]` when V is an array; "" for others."""
    indexed = False
    while node.kind == "index" or (node.kind == "member" and node.op == "."):
        indexed = node.kind == "index"
        node = node.children[0].bare()
    variable = function.variables.get(node.text)
    if node.kind != "identifier" or variable is None:
        return ""
    return "" if indexed and "[" not in variable.type else node.text


def given(expr: Expr) -> tuple[Expr, int] | None:
    """The call that EXPR is an argument of, casts aside, and its number."""
    node = expr
    while node.parent is not None and node.parent.kind in ("paren", "cast"):
        node = node.parent
    call = node.parent
    if call is None or call.kind != "call":
        return None
    numbers = [n for n, argument in call.arguments.items() if argument is node]
    return (call, numbers[0]) if numbers else None


def bound(call: Expr, function: Function) -> str:
    """The variable V where CALL puts what one argument points to behind another, which
    is `&V` or `&V.part`, and FUNCTION reads nothing of that; "" for others."""
    binds = functions.of(call.callee).binds
    onto = call.arguments.get(binds[1]) if binds else None
    node = onto.bare() if onto is not None else None
    if node is None or node.kind != "unary" or node.op != "&":
        return ""
    place = node.children[0].bare()
    name = place.text if place.kind == "identifier" else member_of(place)
    if not name or root_of(place, function) != name:
        return ""
    others = [e for e in function.exprs if e.kind == "identifier" and e.text == name]
    return "" if any(_reads(e, place.label) for e in others) else name


def _reads(variable: Expr, part: str) -> bool:
    """Whether more is done with the VARIABLE, or with its PART where it has a name,
    than to lend its address."""
    node = _outer(variable)
    if part and node.kind == "member" and node.op == ".":
        if node.label != part:
            return False
        node = _outer(node)
    return node.kind != "unary" or node.op != "&"


def _outer(node: Expr) -> Expr:
    """What NODE is an operand of; itself where it is none of any."""
    while node.parent is not None and node.parent.kind == "paren":
        node = node.parent
    return node.parent or node


def outputs(function: Function) -> Iterator[tuple[str, Expr]]:
    """The pointer variables whose address a call is given, each with the other
    arguments of that call."""
    for call in function.exprs:
        if call.kind != "call":
            continue
        for argument in call.arguments.values():
            name = _address_in(argument, function)
            if name:
                others = (a for a in call.arguments.values() if a is not argument)
                yield from ((name, other) for other in others)


def _address_in(argument: Expr, function: Function) -> str:
    node = argument.bare()
    if node.kind != "unary" or node.op != "&":
        return ""
    name = node.children[0].bare().text
    variable = function.variables.get(name)
    return name if variable and _is_pointer(variable) else ""


def _is_pointer(variable: Variable) -> bool:
    return base_type(variable.type).endswith("*")


class EscapeAnalysis:
    """The local variables of one function, and who can reach them."""

    def __init__(
        self,
        function: Function,
        knowledge,
        followed: Collection[str],
        lent: Callable[[Expr, int], Effect],
    ):
        """FOLLOWED: the calls that are not looked at as calls of functions; LENT: what
        a call does with the address of a variable."""
        self.lent = lent
        self.function = function
        self.knowledge = knowledge
        self.followed = followed
        self._against_of: dict[str, set[str]] = {}
        self._roots: dict[str, Root | None] = {}  # of what is not known
        self._taken: dict[str, Expr | None] = {}
        self._aliased: dict[str, bool] = {}

    def is_variable(self, member: Expr) -> bool:
        """Whether MEMBER, `S.member`, is as good as a variable of its own: S is a
        local structure, and the member shares its place with no other."""
        name = member_of(member)
        variable = self.function.variables.get(name)
        words = base_type(variable.type).split() if variable else []
        if len(words) != 2 or words[0] != "struct":
            return False
        type_ = self.knowledge.own_place(words[1], member.label)
        whole = bool(type_) and "[" not in type_ and not _is_structure(type_)
        return whole and self.not_escaped(name) and not self._named_whole(name)

    def _named_whole(self, name: str) -> bool:
        """Whether a call is given the structure NAME itself: what it is written
        like may be a macro that takes its address."""
        return any(
            e.kind == "identifier" and e.text == name and given(e)
            for e in self.function.exprs
        )

    def is_output(self, name: str) -> bool:
        """Whether NAME is a pointer variable that a callee can be given to store
        an address in."""
        variable = self.function.variables.get(name)
        if variable is None:
            return False
        return _is_pointer(variable) and self.not_escaped(name)

    def not_escaped(self, name: str) -> bool:
        """Whether the variable NAME is this call's own, and its address is given
        to none but functions that do not keep it."""
        return not self._against(name)

    def address_taken(self, name: str) -> Expr | None:
        """Where the address of the variable NAME is taken, and may be kept."""
        if name not in self._taken:
            taken = [n for n in self.function.exprs if self._is_address(n, name)]
            kept = (node for node in taken if self._keeping(node))
            self._taken[name] = next(kept, None)
        return self._taken[name]

    def aliased(self, name: str) -> bool:
        """Whether the address of the variable NAME is not only lent to callees."""
        if name not in self._aliased:
            taken = (n for n in self.function.exprs if self._is_address(n, name))
            self._aliased[name] = any(given(node) is None for node in taken)
        return self._aliased[name]

    def unread(self, name: str) -> str:
        """What it is that a function does with the address of NAME, where that is
        not known and nothing else stands against it; or ""."""
        found = self._against(name)
        return "" if "" in found else min(found, default="")

    def mapping_callee(self, why: str) -> Root | None:
        """What it comes down to that is not known (WHY), if that is a function which
        maps or unmaps for its callers."""
        root = self._roots.get(why)
        return root if root is not None and root.what == "maps" else None

    def _against(self, name: str) -> set[str]:
        """By what NAME may escape: "", or what is not known."""
        if name not in self._against_of:
            found = set() if self._is_automatic(name) else {""}
            for node in self.function.exprs:
                if self._is_address(node, name):
                    found |= self._keeping(node)
            self._against_of[name] = found
        return self._against_of[name]

    def _is_address(self, node: Expr, name: str) -> bool:
        """Whether NODE is the address of the variable NAME, or of a part of it."""
        if node.kind != "unary" or node.op != "&":
            return False
        return root_of(node.children[0].bare(), self.function) == name

    def _is_automatic(self, name: str) -> bool:
        """Whether NAME is declared once, as a variable of this call."""
        homes = [
            stmt
            for stmt in self.function.statements()
            if any(v.name == name for v in stmt.variables)
        ]
        if len(homes) != 1 or any(v.name == name for v in self.function.params):
            return False
        return {"static", "extern"}.isdisjoint(homes[0].text.split()[:3])

    def _keeping(self, address: Expr) -> set[str]:
        """What speaks for ADDRESS, `&variable` or of a part of it, being kept when
        the call that it is given to returns: "", or what is not known."""
        place = given(address)
        if place is None or place[0].callee in self.followed or _hidden(address):
            return {""}
        binds = functions.of(place[0].callee).binds
        if binds and place[1] == binds[0]:
            onto = bound(place[0], self.function)
            return self._against(onto) if onto else {""}
        effect = self.lent(place[0], place[1])
        if effect.escape is Escape.UNKNOWN:
            self._roots[effect.evidence] = effect.root
            return {effect.evidence}
        returned = effect.returns and not self._dropped(place[0])
        kept = effect.escape is Escape.YES or returned or effect.through
        return {""} if kept else set()

    def _dropped(self, call: Expr) -> bool:
        """Whether CALL is a whole statement, whose value nothing takes."""
        home = Places(self.function).statement(call)
        return call.parent is None and home is not None and home.kind == "expression"


def _is_structure(type_: str) -> bool:
    """Whether a member of this type holds others."""
    words = base_type(type_).split()
    return "*" not in type_ and bool(words) and words[0] in _TYPE_OF


def _hidden(node: Expr) -> bool:
    """Whether NODE is in a statement expression, which is not followed."""
    while node.parent is not None:
        node = node.parent
        if node.kind == "statement-expression":
            return True
    return False
