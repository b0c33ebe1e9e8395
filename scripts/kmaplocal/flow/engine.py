# SPDX-License-Identifier: GPL-2.0-only
"""Follows every mapping of a function along every path.

An abstract execution: a state is the stack of mappings that are alive, what
each local variable holds (an address of which mapping, NULL, a constant) and
which conditions were decided how, so that `if (n) map ... if (n) unmap` is
one path and not two.  What happens to an address is recorded; no verdict
is made here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kmaplocal import deadline
from kmaplocal.c.cfg import LOOPS, Node, Unstructured, control_flow
from kmaplocal.flow.conditions import atoms_of, decided_of
from kmaplocal.flow.evaluator import Results
from kmaplocal.flow.events import Jumps, Kind, Outcome, PassedBy
from kmaplocal.flow.maps import MapCalls
from kmaplocal.flow.state import State, forget, pass_by, plain, put_behind
from kmaplocal.flow.state import forbid_sleep, leave_guard, reached
from kmaplocal.flow.trace import Trace
from kmaplocal.flow.values import CURSOR, Given, Origin, Value
from kmaplocal.c.assembly import Operand, keeps_nothing, operands
from kmaplocal.c.syntax import Expr, Point, Stmt
from kmaplocal.c.text import plain as plain_text

MOST_STEPS = 30000
# States of a node; past them, conditions on no mapping are forgotten, and past twice as
# many, all but that of a page, and what tells no mapping.
MOST_STATES = 48
MOST_UNMAPPED = 16  # ... where there is no mapping that conditions could go with
MOST_HASTY = 2  # ... where it is only to be found out what is asked for


class TooManyPaths(Exception):
    """The function has more paths than are followed."""


class _At(NamedTuple):
    """A node, the state that comes to it, and from where it did first."""

    node: Node
    state: State
    before: _At | None = None


class Tracer(MapCalls):
    """Runs one function: from its entry, each node in each state that comes to it."""

    def __init__(self, *about, **how):
        """As Evaluator."""
        super().__init__(*about, **how)
        self._at: _At | None = None
        self._remembered: dict[tuple, set[str]] = {}  # by what _to_remember() is given
        self._jumped: set[tuple[int, int]] = set()  # sites and lines told of

    def run(self) -> Trace:
        """Follow all paths.  Raises Unstructured, TooManyPaths."""
        self._all_read()
        entry = control_flow(self.function)
        work = [_At(entry, state) for state in self._ways_in()]
        seen: dict[Node, set[State]] = defaultdict(set)
        most = MOST_STATES if self._is_mapping() else MOST_UNMAPPED
        steps = 0
        while work:
            at = work.pop()
            node, state, _ = at
            known = seen[node]
            count = len(known)
            if count >= MOST_HASTY and self.knowledge.hasty:
                self.knowledge.rushed = True
                continue
            if count >= most:
                state = self._less(state, count < 2 * most)
                at = at._replace(state=state)
            known.add(state)
            if len(known) == count:
                continue
            steps += 1
            deadline.RUN.check()
            if steps > MOST_STEPS:
                raise TooManyPaths("too many paths to follow")
            self._at = at
            work += [_At(*after, at) for after in self.step(node, state)]
        return self.trace

    def _is_mapping(self) -> bool:
        """Whether a mapping begins, ends or is kept in the function."""
        known = self.log.sites or self.mapped or self.holder
        return bool(known or self.function.calls(self.unmaps))

    def _less(self, state: State, guarded: bool) -> State:
        """STATE without what tells it from too many others; GUARDED: with what guards
        maps and unmaps."""
        known = (guarded, state.pages)
        if known not in self._remembered:
            self._remembered[known] = self._to_remember(*known)
        state = forget(state, self._remembered[known])
        return state if guarded else plain(state, self.function.variables)

    def _to_remember(
        self, guarded: bool, pages: Sequence[tuple[Origin, str]]
    ) -> set[str]:
        """The conditions on PAGES, and those of the map calls; GUARDED: and what guards
        these."""
        texts = [site.page for site in self.log.sites]
        texts += [text for _, text in pages]
        names = [text.removeprefix("* ") for text in texts]
        found = {name for name in names if name.isidentifier()}
        found |= {f"IS_ERR ( {page} )" for page in found}
        return found | (self.relevant.guards if guarded else set())

    @property
    def trace(self) -> Trace:
        """What was seen so far."""
        return self.log.trace()

    def _ways_in(self) -> list[State]:
        """The states in which the function is entered."""
        state, holder = self._entered(), self.holder
        if holder is None or not holder.entries:
            return [state]
        return [holder.with_kept(state, kept) for kept in holder.entries]

    def _call(self, expr, state):
        results = super()._call(expr, state)
        holder = self.holder
        given = [argument.bare().text for argument in expr.arguments.values()]
        if holder is None or holder.argument not in given:
            return results
        return [
            r for value, after in results for r in self._held_on(expr, value, after)
        ]

    def _held_on(self, expr: Expr, value: Value | None, state: State) -> Results:
        """VALUE, and the states after the call EXPR, which was given what keeps
        addresses, and may have ended what that held."""
        holder = self.holder
        assert holder is not None, "it is given to EXPR"
        kept, other = holder.kept(state), holder.elsewhere(state)
        if kept is None or other:
            who = expr.callee or plain_text(expr.children[0].text)
            holder.object(f"what it holds where {who}() is given it is not known")
            return [(value, state)]
        after = holder.after(expr, kept)
        return [(value, holder.with_kept(state, each)) for each in sorted(after)]

    def _entered(self) -> State:
        """The state in which the function is entered."""
        names = [parameter.name for parameter in self.function.params]
        given = (*self.mapped[: len(self.mapped) - len(self._origins)],)
        state = State(given, tuple((p, names[p.number]) for p in self.pages))
        for number, name in self._parameters():
            state = state.hold(name, Value("address", Given(number)))
        for number, _ in self.contents:
            inside = Value("address", Given(number, behind=True))
            state = put_behind(state, Given(number), inside)
        return state

    def _all_read(self) -> None:
        """Every use of an address must be in a statement that is followed.
        Raises Unstructured."""
        for root in self.function.stray:
            named = {n.text for n in root.walk()} & (
                self.relevant.tracked | self.relevant.structures
            )
            if named or any(n in self.site_of for n in root.walk()):
                raise Unstructured(
                    f"line {root.start[0]}: {root.text} is in no statement"
                )

    @property
    def _origins(self) -> tuple[Given, ...]:
        return self.holder.origins if self.holder else ()

    def _parameters(self):
        order = {v.name: n for n, v in enumerate(self.function.params)}
        return [(order[name], name) for name in self.params if name in order]

    def step(self, node: Node, state: State) -> list[tuple[Node, State]]:
        """What follows NODE when STATE comes to it: where to go, and in what state."""
        self.log.path = state.decided
        if _is_idle(node):
            return [(following, state) for following in node.next]
        if node.cond is not None:
            ways = self.condition(node.cond, self._unbiased(node, state))
            self._rule_out(node, state, {truth for truth, _ in ways})
            if node.stmt in self.relevant.unmapping and len({t for t, _ in ways}) > 1:
                line = node.stmt.start[0]
                ways = [(t, s if t else pass_by(s, line)) for t, s in ways]
            return [(node.truth[t], s) for t, s in ways]
        if node.stmt is not None and node.stmt.kind == "asm":
            state = self._operands(node.stmt, state)
        states = self._declare(node, [state])
        results: Results = [(None, s) for s in states]
        for expr in node.exprs:
            if node.variables and self._initialises(node, expr):
                continue
            results = [r for before in states for r in self.evaluate(expr, before)]
            if node.returns:
                results = [(v or self._in_member(expr, s), s) for v, s in results]
            states = [self._consume(node, expr, *each) for each in results]
            if node.assigns:
                states = [self._forget_assigned(expr, s) for s in states]
        if node.guard is not None:
            states = [forbid_sleep(s, node.guard) for s in states]
        for call in node.cleans:
            results = [r for each in results for r in self._cleaned(call, *each)]
            states = [after for _, after in results]
        if node.returns:
            for value, after in results:
                if node.cleans and value and value.kind == "address":
                    self._gone(value, node.exprs[-1], after)
                self._leave(node, value, after)
        if node.dead_end:
            return []
        return [(following, s) for s in states for following in node.next]

    def _rule_out(self, node: Node, state: State, ways: set[bool]) -> None:
        """Note what is granted where an `if` can turn out in one of WAYS alone, by what
        was true of an earlier page, and the other arm uses what is unmapped."""
        if node.cond is None or node.stmt is None or node.stmt.kind != "if":
            return
        atoms = self.relevant.lasting.intersection(atoms_of(node.cond))
        if len(ways) != 1 or not atoms:
            return
        arm = node.stmt.children[1:] if True in ways else node.stmt.children[:1]
        addresses = ((n, v) for n, v in state.held if v.kind == "address")
        dead = {n for n, v in addresses if not self._alive(v, state)}
        if _reads_first(arm, dead):
            callee = min(atoms).partition(" ")[0]
            why = f"{callee}() of a page holds for all pages behind it"
            self.log.note(Kind.GRANTED, None, node.cond, why)

    def _cleaned(self, call: Expr, value: Value | None, state: State) -> Results:
        """VALUE, and the state after CALL cleaned up a variable, if it holds what is
        to be; or after the guard that CALL is."""
        if not call.callee:
            return [(value, leave_guard(state, call))]
        held = state.get(call.arguments[0].text)
        if held is None or held.kind not in ("address", "changed"):
            return [(value, state)]
        return [(value, after) for _, after in self.evaluate(call, state)]

    def _operands(self, stmt: Stmt, state: State) -> State:
        """Assembly may do anything with an address it names, unless its operands
        show that there is nowhere to keep it."""
        words = set(stmt.text.split())
        named = {n: v for n, v in state.held if n in words and v.kind == "address"}
        shown = operands(stmt.text) or [] if named else []
        harmless = all(self._page_only(o, named, stmt) for o in shown)
        expr = self._shown(stmt, Expr(stmt.start, stmt.end, stmt.text))
        for value in reached(words, state):
            self.log.note(Kind.OPAQUE, value.site, expr, "assembly")
        for name, value in named.items():
            self.log.note(Kind.WRITTEN, value.site, expr)
            if not harmless or not any(o.variable == name for o in shown):
                self.log.note(Kind.OPAQUE, value.site, expr, "assembly")
                continue
            self._touch(value, expr, state)
            if any(o.variable == name and o.output for o in shown):
                self.log.note(Kind.MOVED, value.site, expr)
                state = state.put(name, value.onward(CURSOR))
        return state

    def _page_only(self, operand: Operand, named: dict[str, Value], stmt: Stmt) -> bool:
        """Whether assembly cannot keep an address by way of OPERAND: it is such an
        address, a number, plain memory, or a result that nothing reads."""
        if operand.variable in named:
            return True
        if operand.output:
            return self._local(operand.variable) and not any(
                e.text == operand.variable and not stmt.start <= e.start < stmt.end
                for e in self.function.exprs
            )
        return all(
            keeps_nothing(self.function.variables[word].type)
            for word in operand.words
            if word in self.function.variables
        )

    def _unbiased(self, node: Node, state: State) -> State:
        """A loop's condition changes by what the loop does: nothing that was
        decided of it holds."""
        if node.stmt is None or node.stmt.kind not in LOOPS:
            return state
        atoms = set(atoms_of(node.cond)) if node.cond else set()
        kept = tuple(d for d in state.decided if d[0] not in atoms)
        return state._replace(decided=kept)

    def _initialises(self, node: Node, expr: Expr) -> bool:
        return any(v.value_at == expr.start for v in node.variables)

    def _consume(
        self, node: Node, expr: Expr, value: Value | None, state: State
    ) -> State:
        """The state after a statement that has an address for its value, or a variable
        that is filled with it; notes what becomes of it."""
        if node.returns and value and value.kind == "address":
            self.log.note(Kind.RETURNED, value.site, expr)
            self._gone(value, expr, state)
        elif node.variables and value and value.kind == "address":
            return self._filled(node.variables[0].name, expr, value, state)
        return state

    def _in_member(self, expr: Expr, state: State) -> Value | None:
        """The address that the member EXPR of what a pointer points to keeps."""
        site = self._held(expr, state) if expr.bare().kind == "member" else None
        return Value("address", site) if site in state.live else None

    def _forget_assigned(self, expr: Expr, state: State) -> State:
        if expr.kind == "identifier":
            return state.put(expr.text, None)
        return state

    def _declare(self, node: Node, states: list[State]) -> list[State]:
        for variable in node.variables:
            value = next((e for e in node.exprs if e.start == variable.value_at), None)
            if self.holder is not None and variable.name == self.holder.base:
                filled = variable.value_at is not None
                states = [self.holder.declared(s, filled) for s in states]
            if value is None:
                states = [s.put(variable.name, None) for s in states]
                continue
            states = [
                self._bind(variable.name, v, value, s)
                for before in states
                for v, s in self.evaluate(value, before)
            ]
        return states

    def _leave(self, node: Node, value: Value | None, state: State) -> None:
        text = node.exprs[-1].bare().text if node.exprs and node.returns else ""
        known = value or state.get(text) or decided_of(text, state)
        given = value.site if value and value.kind == "address" else None
        if self.holder is not None:
            state = self.holder.leave(state, not self.holder.entries)
        line = node.stmt.start[0] if node.stmt else self.function.last
        place = node.exprs[-1] if node.exprs else self._end(node, line)
        outcome = Outcome(known, text, state.live, given)
        self.log.note(Kind.LEFT, None, place, str(line), outcome)
        for site in state.live:
            if isinstance(site, int):
                expr = node.exprs[-1] if node.exprs else self.log.sites[site].call
                passed = PassedBy(frozenset(state.passed))
                self.log.note(Kind.LEAKED, site, expr, str(line), passed)
                if (site, line) not in self._jumped:
                    self._jumped.add((site, line))
                    jumps = Jumps(tuple(self._jumps(self.log.sites[site].call)))
                    self.log.note(Kind.JUMPED, site, expr, str(line), jumps)

    def _jumps(self, call: Expr) -> Iterator[Point]:
        """Where the path since CALL jumps by a statement, in its order."""
        at, found = self._at, []
        while at is not None:
            node = at.node
            if any(call in expr.walk() for expr in node.exprs):
                break
            if node.stmt is not None and node.stmt.kind in ("goto", "break"):
                found.append(node.stmt.start)
            at = at.before
        yield from reversed(found)

    def _end(self, node: Node, line: int) -> Expr:
        """What stands where the function is left without a value."""
        start = node.stmt.start if node.stmt else (line, 0)
        return self._shown(node, Expr(start, start, "return"))

    def _shown(self, what: Node | Stmt, expr: Expr) -> Expr:
        """EXPR, which stands for WHAT among the events, the same each time."""
        return self._places.setdefault(what, expr)


def _is_idle(node: Node) -> bool:
    """Whether nothing happens at NODE, and it leads on."""
    if node.exprs or node.cond is not None or node.variables or node.cleans:
        return False
    if node.returns or node.dead_end or node.guard is not None:
        return False
    return node.stmt is None or node.stmt.kind != "asm"


def _reads_first(arm: Sequence[Stmt], names: set[str]) -> bool:
    """Whether ARM, in the order of the text, does more with the first of NAMES in it
    than to assign to it; where there is no arm, whether there are NAMES."""
    found = [
        node
        for root in arm
        for stmt in root.walk()
        for expr in stmt.exprs
        for node in expr.walk()
        if node.kind == "identifier" and node.text in names
    ]
    if not arm or not found:
        return bool(names) and not arm
    first = min(found, key=lambda node: node.start)
    outer = first.parent
    sets = outer is not None and outer.kind == "assign" and outer.op == "="
    return not (sets and outer is not None and outer.children[0] is first)
