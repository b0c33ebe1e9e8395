# SPDX-License-Identifier: GPL-2.0-only
"""Follows every mapping of a function along every path.

An abstract execution: a state is the stack of mappings that are alive, what
each local variable holds (an address of which mapping, NULL, a constant) and
which conditions were decided how, so that `if (n) map ... if (n) unmap` is
one path and not two.  What happens to an address is recorded; nothing is
judged here.
"""

from __future__ import annotations

from collections import defaultdict

from kmaplocal import deadline
from kmaplocal.flow.cfg import LOOPS, Node, Unstructured, control_flow
from kmaplocal.flow.conditions import RELATIONS, TRANSPARENT, against_null, atom_of
from kmaplocal.flow.conditions import atoms_of, compared_call, compared_values
from kmaplocal.flow.conditions import decided_of, flag_of
from kmaplocal.flow.escape import Keepers, given, member_name, member_of
from kmaplocal.flow.escape import outputs, root_of
from kmaplocal.flow.events import Effect, Knowledge, Outcome, Site, Trace, Use
from kmaplocal.flow.events import contents_site
from kmaplocal.flow.state import State, added_to, after_call, after_write, changed_by
from kmaplocal.flow.state import forget, found_in, mapped_into, put_behind, reached
from kmaplocal.flow.state import unsure
from kmaplocal.flow.values import CURSOR, ERROR, NONZERO, NULL, OFFSET, START, Value
from kmaplocal.flow.values import constant_of, is_loaded, is_of, number_of, truth_of
from kmaplocal.judge.assembly import Operand, keeps_nothing, operands
from kmaplocal.judge.pointers import pointer_of
from kmaplocal.knowledge import api, functions
from kmaplocal.read.structs import struct_of
from kmaplocal.read.syntax import Expr, Function, Stmt

MOST_STEPS = 30000
MOST_COUNTED = 3  # a counter's value is known up to here
MOST_STATES = 48  # a node; past it, conditions on no mapping are forgotten
MOST_GUARDED = 96  # past it, all of them

TESTS = {"IS_ERR", "IS_ERR_OR_NULL"}
ERRORS = functions.named(lambda row: row.error)
COMPARISONS = {"==", "!=", "<", ">", "<=", ">=", "&&", "||"}


class TooManyPaths(Exception):
    """The function has more paths than are followed."""


HOLDS = "@"  # before the text of what keeps an address, among the pages
_ASKED = api.Unmap("page_address", 0, api.PAGE)
# What is returned instead of an address, and what says that the address is elsewhere.
_FAILURES = {"null": NULL, "error": ERROR, "zero": NULL, "nonzero": NONZERO}
_SUCCESSES = {"zero": NONZERO._replace(text="+"), "nonzero": NULL}


def _beside(source: Expr, call: Expr) -> str:
    """The variables and .members that SOURCE is made of beside CALL."""
    inner = set(call.walk())
    nodes = [n for n in source.walk() if n not in inner]
    members = [f".{n.label}" for n in nodes if n.kind == "member"]
    return " ".join([n.text for n in nodes if n.kind == "identifier"] + members)


Results = list[tuple[Value | None, State]]


class Tracer:
    """Runs one function."""

    def __init__(
        self,
        function: Function,
        knowledge: Knowledge,
        params=(),
        mapped=(),
        exchanged=None,
        contents=(),
        pages=(),
        results=False,
    ):
        """PARAMS: the names of parameters to follow; MAPPED: the numbers of those
        that hold the address of a mapping this function is to end; EXCHANGED: for
        some of its unmaps, those whose arguments they are to have; CONTENTS: the
        numbers of parameters behind which an address may lie, of a site by
        contents_site(); PAGES: those that are a page which kmap() mapped, to be
        unmapped here; RESULTS: whether what is returned is told by path."""
        self.function = function
        self.knowledge = knowledge
        self.maps, self.unmaps = knowledge.maps, knowledge.unmaps
        self.trace = Trace(function, exchanged=exchanged or {})
        self.site_of: dict[Expr, int] = {}
        self.params = params
        self.pages = tuple(-1 - number for number in pages)
        self.mapped = (*(-1 - number for number in mapped), *self.pages)
        self.returned = _returned(function) if results else set()
        self.contents = contents
        for call in function.calls(self.maps):
            self._add_site(call)
        self.tracked = self._tracked_names()
        self.outputs = {name for name, _ in outputs(function)} & self.tracked
        self.outputs |= {self._lent_to(call) for call in self.site_of} - {""}
        self.structures = {n.split(" . ")[0] for n in self.tracked if " . " in n}
        followed = {*api.ALL, *TRANSPARENT, "page_address"}
        self.keepers = Keepers(function, knowledge, followed)
        self.writing = False  # what is evaluated is the target of a store
        self.repeated = self._repeated_conditions()
        self.guards = self._guards()
        self._warm: dict[Expr, bool] = {}

    def _add_site(self, call: Expr) -> None:
        number = len(self.trace.sites)
        name = call.callee
        given = name in api.MAPS and 0 in call.arguments
        page = call.arguments[0].text if given else ""
        self.site_of[call] = number
        self.trace.sites.append(Site(number, call, self.maps[name], name, page))

    def _tracked_names(self) -> set[str]:
        """Variables that may hold an address, or a page that is unmapped."""
        names = set(self.params)
        pairs = [
            (_variable(e.children[0].bare()), e.children[1])
            for e in self.function.exprs
            if e.kind == "assign" and _variable(e.children[0].bare())
        ] + [
            (v.name, value)
            for s in self.function.statements()
            for v in s.variables
            for value in s.exprs
            if v.value_at and value.start == v.value_at
        ]
        pairs += outputs(self.function)
        mentions = [
            (name, {_variable(n) for n in value.walk() if _variable(n)}, value)
            for name, value in pairs
        ]
        for name, words, value in mentions:
            if words & set(self.maps):
                names.add(name)
        for call in self.function.calls((*self.maps, *self.unmaps)):
            unmap = self.unmaps.get(call.callee)
            argument = call.arguments.get(unmap.number if unmap else 0)
            if argument is not None and argument.bare().kind == "identifier":
                names.add(argument.bare().text)
            names |= {name for name in [self._lent_to(call)] if name}
        while True:
            more = {n for n, words, _ in mentions if words & names} - names
            if not more:
                return names
            names |= more

    def _lent_to(self, call: Expr) -> str:
        """The variable V where CALL maps and is given `&V` to put the address in."""
        rule = self.maps.get(call.callee)
        target = call.arguments.get(rule.where) if rule and not rule.kept else None
        node = target.bare() if target is not None else None
        if node is None or node.kind != "unary" or node.op != "&":
            return ""
        inner = node.children[0].bare()
        return inner.text if inner.kind == "identifier" else ""

    def _repeated_conditions(self) -> set[str]:
        """Conditions tested more than once: only these correlate."""
        seen, twice = set[str](), set[str]()
        for stmt in self.function.statements():
            if stmt.kind != "if":
                continue
            for expr in stmt.exprs:
                for atom in atoms_of(expr):
                    (twice if atom in seen else seen).add(atom)
        twice |= self.returned
        self.flags = {flag_of(atom) for atom in seen | twice} | self.returned
        calls = self.function.calls((*self.maps, *self.unmaps))
        given = {a.bare().text for call in calls for a in call.arguments.values()}
        self.memos = self.flags - given
        return twice

    def _guards(self) -> set[str]:
        """Conditions on which something is mapped or unmapped, and their words."""
        calls = set(self.function.calls((*self.maps, *self.unmaps)))
        found = {
            atom
            for stmt in self.function.statements()
            if stmt.kind == "if"
            and any(calls.intersection(e.walk()) for s in stmt.walk() for e in s.exprs)
            for expr in stmt.exprs
            for atom in atoms_of(expr)
        }
        return found.union(*(atom.split() for atom in found))

    # -- running ---------------------------------------------------------

    def run(self) -> Trace:
        """Follow all paths.  Raises Unstructured, TooManyPaths."""
        self._all_read()
        entry = control_flow(self.function)
        work = [(entry, self._entered())]
        seen: dict[Node, set[State]] = defaultdict(set)
        steps = 0
        while work:
            node, state = work.pop()
            if len(seen[node]) >= MOST_STATES:
                guards = self.guards if len(seen[node]) < MOST_GUARDED else set()
                state = forget(state, guards)
            if state in seen[node]:
                continue
            seen[node].add(state)
            steps += 1
            deadline.RUN.check()
            if steps > MOST_STEPS:
                raise TooManyPaths("too many paths to follow")
            work.extend(self.step(node, state))
        return self.trace

    def _entered(self) -> State:
        """The state in which the function is entered."""
        names = [parameter.name for parameter in self.function.params]
        state = State(self.mapped, tuple((n, names[-1 - n]) for n in self.pages))
        for number, name in self._parameters():
            state = state.hold(name, Value("address", -1 - number))
        for number in self.contents:
            inside = Value("address", contents_site(self.function, number))
            state = put_behind(state, -1 - number, inside)
        return state

    def _all_read(self) -> None:
        """Every use of an address must be in a statement that is followed.
        Raises Unstructured."""
        for root in self.function.stray:
            named = {n.text for n in root.walk()} & (self.tracked | self.structures)
            if named or any(n in self.site_of for n in root.walk()):
                raise Unstructured(
                    f"line {root.start[0]}: {root.text} is in no statement"
                )

    def _parameters(self):
        order = {v.name: n for n, v in enumerate(self.function.params)}
        return [(order[name], name) for name in self.params if name in order]

    def step(self, node: Node, state: State) -> list[tuple[Node, State]]:
        if node.cond is not None:
            ways = self.condition(node.cond, self._unbiased(node, state))
            return [(node.truth[t], s) for t, s in ways]
        if node.stmt is not None and node.stmt.kind == "asm":
            state = self._operands(node.stmt, state)
        states = self._declare(node, [state])
        results: Results = [(None, s) for s in states]
        for expr in node.exprs:
            if node.variables and self._initialises(node, expr):
                continue
            results = [r for before in states for r in self.evaluate(expr, before)]
            for value, after in results:
                self._consume(node, expr, value, after)
            states = [after for _, after in results]
            if node.assigns:
                states = [self._forget_assigned(expr, s) for s in states]
        if node.returns:
            for value, after in results:
                self._leave(node, value, after)
        if node.dead_end:
            return []
        return [(following, s) for s in states for following in node.next]

    def _operands(self, stmt: Stmt, state: State) -> State:
        """Assembly may do anything with an address it names, unless its operands
        show that there is nowhere to keep it."""
        words = set(stmt.text.split())
        named = {n: v for n, v in state.held if n in words and v.kind == "address"}
        shown = operands(stmt.text) or [] if named else []
        harmless = all(self._page_only(o, named, stmt) for o in shown)
        expr = Expr(stmt.start, stmt.end, stmt.text)
        for value in reached(words, state):
            self.trace.note(value.site, expr, "opaque", "assembly")
        for name, value in named.items():
            self.trace.written.add(value.site)
            if not harmless or not any(o.variable == name for o in shown):
                self.trace.note(value.site, expr, "opaque", "assembly")
                continue
            self._touch(value, expr, state)
            if any(o.variable == name and o.output for o in shown):
                self.trace.note(value.site, expr, "moved")
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

    def _consume(self, node: Node, expr: Expr, value: Value | None, state) -> None:
        """Note what becomes of an address that is a whole statement's value."""
        if node.returns and value and value.kind == "address":
            self.trace.note(value.site, expr, "returned")
            self.trace.returned.add(value.site)
            self._gone(value, expr, state)
        elif node.variables and value and value.kind == "address":
            name = node.variables[0].name
            detail = f"{name}{self._onward(name)}"
            self.trace.note(value.site, expr, "stored", detail)

    def _forget_assigned(self, expr: Expr, state: State) -> State:
        if expr.kind == "identifier":
            return state.put(expr.text, None)
        return state

    def _declare(self, node: Node, states: list[State]) -> list[State]:
        for variable in node.variables:
            value = next((e for e in node.exprs if e.start == variable.value_at), None)
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
        self.trace.results.add(value.kind if value else "")
        text = node.exprs[-1].bare().text if node.exprs and node.returns else ""
        known = value or state.get(text) or decided_of(text, state)
        self.trace.outcomes.setdefault(Outcome(known, text, state.live))
        given = value.site if value and value.kind == "address" else None
        for site in state.live:
            (self.trace.carried if site == given else self.trace.dropped).add(site)
            if site < 0:
                continue
            expr = node.exprs[-1] if node.exprs else self.trace.sites[site].call
            line = node.stmt.start[0] if node.stmt else self.function.last
            self.trace.note(site, expr, "leaked", str(line))

    # -- conditions ------------------------------------------------------

    def condition(self, expr: Expr, state: State) -> list[tuple[bool, State]]:
        """The ways EXPR can turn out, with the state after each."""
        node = expr.bare()
        if node.callee in TRANSPARENT and 0 in node.arguments:
            return self.condition(node.arguments[0], state)
        if node.kind == "unary" and node.op == "!":
            inside = self.condition(node.children[0], state)
            return [(not t, s) for t, s in inside]
        if node.kind == "binary" and node.op in ("&&", "||"):
            return self._short_circuit(node, state)
        results = []
        if against_null(node):
            truth = node.op == "!="
            ways = self.condition(node.children[0], state)
            return [(t == truth, s) for t, s in ways]
        for value, after in self.evaluate(node, state):
            self._tested(node, value)
            known = self._known(node, value, after)
            if known is not None:
                results.append((known, after))
            else:
                results.extend(self._both(node, after))
        return results

    def _tested(self, node: Expr, value: Value | None) -> None:
        """Note what a condition tests: a mapping's address, or (None) another."""
        site = None
        if value and value.kind == "address" and not value.moved:
            site = value.site
        self.trace.tested.setdefault(node, set()).add(site)

    def _short_circuit(self, node: Expr, state: State) -> list[tuple[bool, State]]:
        results = []
        for truth, after in self.condition(node.children[0], state):
            if truth == (node.op == "||"):
                results.append((truth, after))
            else:
                results.extend(self.condition(node.children[1], after))
        return results

    def _both(self, node: Expr, state: State) -> list[tuple[bool, State]]:
        atom, positive = atom_of(node)
        if atom in self.repeated:
            yes = state.decide(atom, positive)
            return [(True, yes), (False, state.decide(atom, not positive))]
        return [(True, state), (False, state)]

    def _known(self, node: Expr, value: Value | None, state: State) -> bool | None:
        if node.kind == "call" and node.callee in TESTS:
            inner = [v for v, _ in self.evaluate(node.arguments[0], state)]
            for tested in inner:
                self._tested(node.arguments[0].bare(), tested)
            kinds = {v.kind if v else "" for v in inner}
            if len(kinds) == 1 and kinds <= {"address", "error"}:
                return kinds == {"error"}
        if node.kind == "constant" and node.text in ("0", "1"):
            return node.text == "1"
        value = value or state.get(node.text)  # a number, that of a flag
        if value:
            truth = True if self._is_mapped(value) else truth_of(value)
            if truth is not None:
                return truth
        compared = compared_values(node, state)
        if compared is not None:
            return compared
        atom, positive = atom_of(node)
        decided = dict(state.decided)
        if atom in decided:
            return decided[atom] == positive
        return None

    def _is_mapped(self, value: Value) -> bool:
        """Whether VALUE is an address that this function is to unmap."""
        return value.site in self.mapped and value == Value("address", value.site)

    # -- expressions -----------------------------------------------------

    def warm(self, expr: Expr) -> bool:
        """Whether EXPR can matter: it names a tracked variable, or calls."""
        found = self._warm.get(expr)
        if found is None:
            found = any(
                n.kind in ("call", "assign", "postfix", "statement-expression")
                or (n.kind == "identifier" and n.text in self.tracked)
                or (n.kind == "identifier" and n.text in self.structures)
                or (n.kind == "unary" and n.op in ("++", "--", "&"))
                for n in expr.walk()
            )
            self._warm[expr] = found
        return found

    def evaluate(self, expr: Expr, state: State) -> Results:
        """The values EXPR can have, with the state after each."""
        if not self.warm(expr):
            return [(constant_of(expr), state)]
        handler = getattr(self, "on_" + expr.kind.replace("-", "_"), self.on_other)
        return handler(expr, state)

    def on_identifier(self, expr, state):
        if expr.text == "NULL":
            return [(NULL, state)]
        value = state.get(expr.text)
        if value and value.kind == "address":
            self.trace.reads[value.site].setdefault(expr)
        if expr.text in self.structures:
            for member in state.addresses(expr.text):
                self.trace.note(member.site, expr, "stored", f"a copy of {expr.text}")
        return [(value, state)]

    def on_paren(self, expr, state):
        return self.evaluate(expr.children[0], state)

    def on_cast(self, expr, state):
        return self.evaluate(expr.children[0], state)

    def on_other(self, expr, state):
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
            self.trace.note(value.site, expr, "opaque", expr.text[:60])

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
                self.trace.note(self.site_of[node], node, "opaque", "({ … })")
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
        if member_of(expr) in self.structures:
            value = state.get(member_name(expr))
            if value and value.kind == "address":
                self.trace.reads[value.site].setdefault(expr)
            return [(value, state)]
        results = []
        for value, after in self.evaluate(expr.children[0], state):
            if is_loaded(value) and expr.op == ".":
                results.append((value, after))
                continue
            results.append((self._loaded_member(expr, value, after), after))
            results += self._loads(value, after)
        return results

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

    def _alive(self, value: Value, state: State) -> bool:
        given = value.site < 0 and value.site not in self.mapped
        return given or value.site in state.live

    def _gone(self, value: Value, expr: Expr, state: State) -> None:
        """Note an address that is handed on after its unmap."""
        if not self._alive(value, state):
            text = "cursor" if value.moved == CURSOR else value.text
            self.trace.note(value.site, expr, "gone", text)

    def _touch(self, value: Value, expr: Expr, state: State) -> None:
        if self.writing:
            self.trace.written.add(value.site)
        what = "access" if self._alive(value, state) else "after-unmap"
        self.trace.note(value.site, expr, what, value.text)

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
            results.append((value if expr.op == "*" else None, after))
        return results

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
                    self.trace.note(moved.site, expr, "moved")
                after = after.put(target.text, moved or self._counted(expr, after))
            else:
                after = self._moved_member(expr, target, after_write(target, after))
            results.append((value, after))
        return results

    def _moved_member(self, expr: Expr, target: Expr, state: State) -> State:
        """The state after the member of a local structure went on."""
        name = member_name(target) if member_of(target) else ""
        old = state.get(name)
        if not old or old.kind != "address":
            return state
        self.trace.note(old.site, expr, "moved")
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
        if expr.op != "++" or name not in self.flags or number is None:
            return None
        if number >= MOST_COUNTED:
            return None
        return Value("constant", text=str(number + 1))

    def _address_of(self, expr, operand, state):
        node = operand.bare()
        state = unsure(state, root_of(node, self.function))
        if self._lends(expr, node, state):
            return [(Value("place", text=root_of(node, self.function)), state)]
        if node.kind == "identifier":
            value = state.get(node.text)
            if node.text in self.tracked:
                if value and value.kind == "address":
                    self.trace.note(value.site, expr, "address-taken", node.text)
                return [(None, state.put(node.text, None))]
            return [(None, state)]
        results = []
        for value, after in self.evaluate(operand, state):
            if value is None:
                value = self._root_address(node, after)
            elif is_loaded(value) and root_of(node, self.function):
                self.trace.note(value.site, expr, "address-taken", node.text)
            results.append((value, after))
        return results

    def _lends(self, expr: Expr, node: Expr, state: State) -> bool:
        """Whether EXPR, `&NODE`, lends a callee a local variable that holds an
        address, or may be given one."""
        name = root_of(node, self.function)
        if given(expr) is None or not name or self._through_pointer(node, state):
            return False
        wanted = state.addresses(name) or (node.text == name and name in self.outputs)
        return bool(wanted) and self.keepers.closed(name)

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
        results = []
        for left, middle in self.evaluate(expr.children[0], state):
            for right, after in self.evaluate(expr.children[1], middle):
                results.append((self._combined(expr, left, right), after))
        return results

    def _combined(self, expr, left, right) -> Value | None:
        sides = [v for v in (left, right) if v and v.kind == "address"]
        known = compared_call(expr, left) if expr.op in RELATIONS else None
        if known:
            return known
        if not sides or expr.op in COMPARISONS or len(sides) == 2:
            return left if left and left.kind == "changed" else None
        if expr.op in ("+", "-", "|") or expr.children[1].text == "PAGE_MASK":
            return sides[0].onward()
        if expr.op in ("&", "%", ">>", "^"):
            return None
        self._not_understood(expr, sides[0])
        return None

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
                    self.trace.note(old.site, expr, "moved")
            elif not self._local(target.text):
                self._stored(expr, target, value)
                return [(value, state.put(target.text, None))]
            elif _is_step(target, source) and value and value.kind == "address":
                value = value.onward(CURSOR)
                self.trace.note(value.site, expr, "moved")
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
        if member_of(target) in self.structures:
            return self._store_member(
                expr, target, value if is_address else None, state
            )
        behind = self._output(target, state) if is_address else 0
        if behind < 0 and value.site < 0 and value.site != behind:
            return self._hand_over(value, behind, state)
        self._stored(expr, target, value)
        return state

    def _store_member(self, expr, target, value, state) -> State:
        """The state after the address VALUE, or (None) anything else, was stored at
        TARGET, the member of a structure variable."""
        name = member_of(target)
        if value and not self.keepers.keeps(target):
            why = self.keepers.unknown(name)
            if why:
                detail = f"the address is stored in {target.text}; of {name} in turn "
                self.trace.note(value.site, expr, "unknown", detail + why)
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

    def _output(self, target: Expr, state: State) -> int:
        """The parameter P where TARGET is `*P`, as a site; 0 for another target."""
        if target.kind != "unary" or target.op != "*":
            return 0
        node = target.children[0].bare()
        value = state.get(node.text) if node.kind == "identifier" else None
        return self._whole_parameter(value)

    def _whole_parameter(self, value: Value | None) -> int:
        """The parameter that VALUE is, as a site; 0 when it is none, or moved."""
        if value is None or value != Value("address", value.site):
            return 0
        own = -len(self.function.params) <= value.site < 0
        return value.site if own and value.site not in self.mapped else 0

    def _hand_over(self, value: Value, behind: int, state: State) -> State:
        """The state after an address was stored where the caller will find it,
        behind the parameter with the site BEHIND."""
        known = self.trace.through[value.site]
        number = -1 - behind
        known[number] = max(known.get(number, 0), value.moved)
        return put_behind(state, behind, value)

    def _local(self, name: str) -> bool:
        variable = self.function.variables.get(name)
        return variable is not None and not variable.static

    def _stored(self, expr, target, value) -> None:
        if value and value.kind == "address":
            detail = target.text + self._onward(root_of(target, self.function))
            self.trace.note(value.site, expr, "stored", detail)

    def _onward(self, name: str) -> str:
        """Where the structure or array NAME of this call goes with what it holds."""
        for node in self.function.exprs if self._local(name) else ():
            inner = node.children[0].bare() if node.op == "&" else node
            place = given(node) if inner.text == name else None
            if place and place[0].callee:
                return f", and {name} goes to {place[0].callee}()"
        return ""

    def _bind(self, name: str, value: Value | None, source: Expr, state: State):
        """The state after the local NAME became VALUE, read from SOURCE."""
        if value and value.kind == "address" and not self._can_hold(name, value):
            value = None
        if name in self.memos and dict(state.decided).get(source.bare().text):
            value = Value("constant", text="1")  # as true as what it remembers
        if value is None:
            value = self._copied(name, source)
        if value is not None and value.kind == "address":
            taken = self.keepers.exposed(name)
            if taken:
                self.trace.note(value.site, taken, "address-taken", name)
        if value and value.kind == "address" and value.site >= 0:
            site = self.trace.sites[value.site]
            if any(n is site.call or n.callee == "page_address" for n in source.walk()):
                site.variable = name
                added = Value("added", text=_beside(source, site.call))
                after = state.put(name, value).hold(added_to(name), added)
                return after.hold(mapped_into(name), Value("added"))
            whole = source.parent
            if name == site.variable and value.moved == OFFSET and whole is not None:
                self.trace.note(value.site, whole, "moved")
        return state.put(name, value)

    def _can_hold(self, name: str, value: Value) -> bool:
        """Data read from the page is no address: what is put into a variable
        that is no pointer, but by way of a member, is data."""
        variable = self.function.variables.get(name)
        return value.text != "member" or variable is None or variable.is_pointer

    def _copied(self, name: str, source: Expr) -> Value | None:
        node = source.bare()
        constant = constant_of(node)
        if constant and (name in self.tracked or name in self.flags):
            return constant
        if name not in self.tracked or any(n.kind == "call" for n in node.walk()):
            return None
        if node.kind in ("identifier", "member", "index") and name != node.text:
            return Value("copy", text=node.text)
        return None

    # -- calls -----------------------------------------------------------

    def on_call(self, expr, state):
        if expr in self.site_of:
            return self._map(expr, state)
        if expr.callee in self.unmaps:
            return self._unmap(expr, state)
        if expr.callee in TRANSPARENT and 0 in expr.arguments:
            return self.evaluate(expr.arguments[0], state)
        if expr.callee == "page_address" and 0 in expr.arguments:
            return self._page_address(expr, state)
        return self._call(expr, state)

    def _page_address(self, expr, state):
        """The address of a page that kmap() mapped: the mapping's."""
        number = self._ended(expr, None, state)
        if number is None:
            return self._call(expr, state)
        self.trace.note(number, expr, "page-address")
        return [(Value("address", number), state)]

    def _map(self, expr, state):
        number = self.site_of[expr]
        site = self.trace.sites[number]
        results = []
        for values, after in self._arguments(expr, state):
            self._further(expr, values, after)
            if site.api.again:
                after = self._end_former(expr, after)
            if number in after.live and not site.api.kept:
                holders = " ".join(n for n, v in after.held if is_of(v, number))
                self.trace.note(number, expr, "mapped-again", holders)
                continue
            for outer in after.live:
                self.trace.nested.add((outer, number))
            site.page = site.page or expr.text
            results.append(self._mapped(site, dict(values), after))
            results += [(_FAILURES[how], after) for how in site.api.fails]
        return results

    def _mapped(self, site: Site, values, state: State):
        """The result of the map call, and the state after it mapped."""
        address, where = Value("address", site.number), site.api.where
        if where == api.RESULT:
            return address, self._begin(site, state)
        if site.number not in state.live:
            state = self._begin(site, state)
        target = values.get(where)
        if site.api.kept or where not in site.call.arguments:
            text = self._holder(site.call.arguments.get(where), state)
            pages = (p for p in state.pages if p[0] != site.number)
            state = state._replace(pages=(*pages, (site.number, text)))
        elif target and target.kind == "place" and self.keepers.takes(target.text):
            site.variable = target.text
            state = state.put(target.text, address)
        else:
            detail = self._where(site.call.arguments.get(where))
            self.trace.note(site.number, site.call, "stored", detail)
        succeeds = [_SUCCESSES[how] for how in site.api.fails]
        return (succeeds[0] if len(succeeds) == 1 else None), state

    def _holder(self, argument: Expr | None, state: State) -> str:
        """What a structure is called that keeps an address, by the ARGUMENT that
        points to it."""
        text = argument.bare().text if argument is not None else "?"
        return f"{HOLDS} {self._page(text, state)}"

    def _end_former(self, expr: Expr, state: State) -> State:
        """The state after a map call ended what it had mapped before."""
        rule = self.maps[expr.callee]
        holder = self._holder(expr.arguments.get(rule.where), state)
        for number, text in state.pages:
            if text == holder and number in state.live:
                state = self._pop(expr, number, None, state)
        return state

    def _further(self, expr: Expr, values, state: State, but: int = -1) -> None:
        """Note a call of a function that maps or unmaps for its callers, and what it
        does with the addresses it is given besides, all but that of argument BUT."""
        if expr.callee in api.ALL:
            return
        for site in state.live:
            self.trace.during[site].setdefault(expr)
        for number, value in values:
            if value and value.kind == "address" and number != but:
                self._passed(expr, value, self._effect(expr, number), state)

    def _begin(self, site: Site, state: State) -> State:
        argument = site.call.arguments.get(0) if site.name in api.MAPS else None
        pages = state.pages
        if site.name == "kmap" and argument is not None and self._steady(argument):
            pages = tuple(p for p in pages if p[0] != site.number)
            pages += ((site.number, self._page(argument.bare().text, state)),)
        if argument is not None and argument.bare().kind == "identifier":
            # Only an existing page can be mapped.
            page = argument.bare().text
            state = state.decide(page, True).decide(f"IS_ERR ( {page} )", False)
        return state._replace(live=state.live + (site.number,), pages=pages)

    def _arguments(self, expr, state):
        states: list[tuple[tuple[tuple[int, Value | None], ...], State]] = [((), state)]
        for number in sorted(expr.arguments):
            states = [
                (values + ((number, value),), after)
                for values, before in states
                for value, after in self.evaluate(expr.arguments[number], before)
            ]
        return states

    def _call(self, expr, state):
        results = []
        if not expr.callee:
            self.evaluate(expr.children[0], state)  # what is read for the pointer
        for values, after in self._arguments(expr, state):
            if after.pages and not self.knowledge.is_pure(expr.callee):
                after = after_call(expr, after)
            self.trace.alive[expr].add(after.live)
            for site in after.live:
                self.trace.during[site].setdefault(expr)
            result = ERROR if expr.callee in ERRORS else None
            ways = [after]
            found = []
            for number, value in values:
                if value and value.kind == "address":
                    effect = self._effect(expr, number)
                    result = self._passed(expr, value, effect, after) or result
                    ways += self._put_out(expr, value, effect, dict(values), ways)
                for inside in found_in(value, after):
                    effect = self.knowledge.contents(expr.callee, number)
                    found.append(self._passed(expr, inside, effect, after))
                    ways += self._put_out(expr, inside, effect, dict(values), ways)
            ways = self._lent(expr, values, ways)
            returned = [result, *(v for v in found if v)]
            results += [(v, way) for v in returned for way in ways]
        return results

    def _effect(self, expr: Expr, number: int) -> Effect:
        """What the function that EXPR calls does with its argument NUMBER."""
        if expr.callee:
            return self.knowledge.argument(expr.callee, number)
        pointer = pointer_of(expr, self.function)
        return self.knowledge.through_pointer(pointer, number)

    def _put_out(self, expr, value, effect, values, ways) -> list[State]:
        """The further ways on, when a callee stores VALUE behind other arguments."""
        more = []
        for number, moved in effect.through:
            stored, target = value.onward(moved), values.get(number)
            behind = self._whole_parameter(target)
            if target and target.kind == "place" and self.keepers.takes(target.text):
                more += [way.put(target.text, stored) for way in ways]
            elif behind < 0 and value.site < 0 and value.site != behind:
                more += [self._hand_over(stored, behind, way) for way in ways]
            else:
                detail = f"{self._where(expr.arguments.get(number))} by {expr.callee}()"
                self.trace.note(value.site, expr, "stored", detail)
        return more

    def _where(self, argument: Expr | None) -> str:
        """Where an address is that a callee stored by way of ARGUMENT."""
        node = argument.bare() if argument else None
        if node is None or node.kind != "unary" or node.op != "&":
            return f"what {node.text if node else 'an argument'} points to"
        name = node.children[0].text
        return f"{name}, which others know," if self._local(name) else name

    def _lent(self, expr, values, ways: list[State]) -> list[State]:
        """The ways on, when the callee may have changed the variables that it was
        lent."""
        for number, value in values:
            if not value or value.kind != "place":
                continue
            if self.knowledge.argument(expr.callee, number).writes:
                ways += [changed_by(way, value.text, expr.callee) for way in ways]
        return list(dict.fromkeys(ways))

    def _passed(self, expr, value, effect, state) -> Value | None:
        """Note what becomes of an address that is given to a callee: of the result,
        when it is an address in the same page."""
        if effect.writes:
            self.trace.written.add(value.site)
        for text in effect.pointers:
            self.trace.note(value.site, expr, "pointer", text)
        if value.text == "member" and effect.verdict != "escapes":
            effect = effect._replace(verdict="harmless")
        if effect.verdict == "harmless":
            self._touch(value, expr, state)
        else:
            self.trace.note(value.site, expr, effect.verdict, effect.evidence)
            if effect.awaits:
                use = Use(value.site, expr, effect.verdict, effect.evidence)
                self.trace.awaited[use] = effect.awaits
            self._gone(value, expr, state)
        return value.onward() if effect.returns else None

    def _unmap(self, expr, state):
        results = []
        given = self.trace.given(expr)
        rule = self.unmaps[given.callee]
        if rule.given == api.HOLDER and self._ended(given, None, state) is None:
            return self._call(expr, state)
        for values, after in self._arguments(given, state):
            value = dict(values).get(rule.number)
            self._further(given, values, after, rule.number)
            site = self._ended(given, value, after)
            where = self.trace.unmaps.setdefault(expr, set())
            problem = self._problem(site, after)
            if value and value.kind == "changed" and not problem:
                problem = f"changed by {value.text}"
            where.add((site, problem))
            if site is not None and site in after.live:
                after = self._pop(expr, site, value, after)
            results.append((None, after))
        return results

    def _ended(self, expr, value, state) -> int | None:
        """Which mapping an unmap ends: by its address, by its page, or by what
        holds its address."""
        rule = self.unmaps.get(expr.callee, _ASKED)
        argument = expr.arguments.get(rule.number)
        if rule.given == api.ADDRESS:
            known = value and value.kind in ("address", "changed")
            return value.site if known else self._held(argument, state)
        if argument is None:
            return None
        page = self._page(argument.bare().text, state)
        if rule.given == api.HOLDER:
            page = self._holder(argument, state)
        found = [number for number, text in state.pages if text == page]
        alive = [number for number in found if number in state.live]
        if expr.callee == "page_address" or rule.given == api.HOLDER:
            found = alive
        if found and self._steady(argument):
            return (alive or found)[-1]
        return None

    def _held(self, argument: Expr | None, state: State) -> int | None:
        """The mapping whose address a structure keeps, where ARGUMENT is the member
        of that."""
        node = argument.bare() if argument is not None else None
        if node is None or node.kind != "member":
            return None
        base = node.children[0].bare().text
        holder = base if node.op == "->" else f"& {base}"
        text = f"{HOLDS} {self._page(holder, state)}"
        found = (n for n, kept in state.pages if kept == text and n in state.live)
        return next(found, None)

    def _steady(self, page: Expr) -> bool:
        """Whether a page expression means the same page each time it is read."""
        return all(
            n.kind != "assign"
            and n.kind != "postfix"
            and n.op not in ("++", "--")
            and (n.kind != "call" or self.knowledge.is_pure(n.callee))
            for n in page.walk()
        )

    def _page(self, text: str, state: State) -> str:
        """A page expression with variables replaced by what they copy."""
        for _ in range(4):
            value = state.get(text)
            if not value or value.kind != "copy":
                break
            text = value.text
        return text

    def _problem(self, site: int | None, state: State) -> str:
        if site is None:
            return "untraced"
        if site in state.live:
            return ""
        return "parameter" if site < 0 else "double"

    def _within(self, name: str, value: Value, number: int, state: State) -> bool:
        """Whether the variable NAME holds the mapping's address, or that of the
        offset at which it was mapped."""
        if value.kind != "address" or value.site != number:
            return False
        as_mapped = number >= 0 and state.get(mapped_into(name)) is not None
        as_mapped = as_mapped and name == self.trace.sites[number].variable
        return value.moved <= (OFFSET if as_mapped else START)

    def _pop(self, expr, site, value, state):
        """End the mapping: note the order, and who holds its address."""
        place = state.live.index(site)
        for later in state.live[place + 1 :]:
            self.trace.disordered.setdefault((site, later), expr)
        variables = [(n, v) for n, v in state.held if n.isidentifier()]
        anywhere = {n for n, v in variables if v.kind == "address" and v.site == site}
        known = self.trace.holders.get(expr)
        self.trace.holders[expr] = anywhere if known is None else known & anywhere
        here = {n for n, v in variables if self._within(n, v, site, state)}
        self.trace.stale[expr] |= {n for n in here if not state.get(added_to(n))}
        known = self.trace.bases.get(expr)
        self.trace.bases[expr] = here if known is None else known & here
        if value and value.kind == "address" and value.moved:
            self.trace.moved[expr] = value
        live = state.live[:place] + state.live[place + 1 :]
        return state._replace(live=live)


def _returned(function: Function) -> set[str]:
    """The variables that FUNCTION returns."""
    results = [
        s.exprs[-1].bare()
        for s in function.statements()
        if s.kind == "return" and s.exprs
    ]
    return {node.text for node in results if node.kind == "identifier"}


def _is_step(target: Expr, source: Expr) -> bool:
    """Whether `target = source` moves TARGET from where it is: `p = p + n`,
    `p = (void *)p - n`, `p = &p[n]`."""
    node = source.bare()
    if node.kind == "unary" and node.op == "&":
        node = node.children[0].bare()
    if node.kind != "index" and (node.kind != "binary" or node.op not in ("+", "-")):
        return False
    return node.children[0].bare().text == target.text


def _variable(node: Expr) -> str:
    """What the variable, or the member of a structure variable, that NODE is is
    called; "" for others."""
    if node.kind == "identifier":
        return node.text
    return member_name(node) if member_of(node) else ""


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
