# SPDX-License-Identifier: GPL-2.0-only
"""Calls that map and unmap: which mapping begins, and which one ends."""

from __future__ import annotations

from kmaplocal.flow.calls import Calls
from kmaplocal.flow.conditions import TAKING, TRANSPARENT
from kmaplocal.flow.events import Alive, Held, Kind
from kmaplocal.flow.state import State, added_to, allow_sleep, as_given, forbid_sleep
from kmaplocal.flow.state import HOLDER, forbidders, kept, meant
from kmaplocal.flow.trace import Site
from kmaplocal.flow.values import CURSOR, ERROR, NONZERO, NULL, OFFSET, POINTER, START
from kmaplocal.flow.values import Given, Origin, Value, is_of
from kmaplocal.knowledge import api, functions
from kmaplocal.c.syntax import Expr

_ASKED = api.Unmap("page_address", 0, api.PAGE)
# What is returned instead of an address, and what says that the address is elsewhere.
_FAILURES = {"null": NULL, "error": ERROR, "zero": NULL, "nonzero": NONZERO}
_SUCCESSES = {
    "zero": NONZERO._replace(text="+"),
    "nonzero": NULL,
    "error": POINTER,
    "null": POINTER,
}


# What begins a region in which nothing may sleep, and by what ends which of them.
REGIONS = functions.named(lambda row: row.until)
ENDING = {
    name: {region for region in REGIONS if name in functions.of(region).until}
    for region in REGIONS
    for name in functions.of(region).until
}


def _asked_for_page(unmap: Expr) -> Expr | None:
    """The address by which UNMAP, `kunmap(kmap_to_page(address))`, names the page."""
    page = unmap.arguments.get(0)
    asked = page.bare() if unmap.callee == "kunmap" and page is not None else None
    address = asked and asked.callee == "kmap_to_page" and asked.arguments.get(0)
    return address if address and not any(map(_does_more, address.walk())) else None


def _does_more(node: Expr) -> bool:
    """Whether NODE does more than to have a value."""
    return node.kind in ("assign", "postfix", "call") or node.op in ("++", "--")


def _region(call: Expr, state: State) -> State:
    """The state after CALL began or ended a region in which nothing may sleep."""
    if call.callee in REGIONS:
        return forbid_sleep(state, call)
    return allow_sleep(state, call, ENDING[call.callee])


class MapCalls(Calls):
    """Steps that begin or end a mapping; other calls are told from them here."""

    def on_call(self, expr, state):
        for began in forbidders(state):
            self.log.note(Kind.FORBIDDEN, None, expr, began)
        if expr.callee in REGIONS or expr.callee in ENDING:
            return [(value, _region(expr, s)) for value, s in self._call(expr, state)]
        if expr in self.site_of:
            return self._map(expr, state)
        if expr.callee in self.unmaps:
            return self._unmap(expr, state)
        if expr.callee in TRANSPARENT and 0 in expr.arguments:
            return self.evaluate(expr.arguments[0], state)
        if expr.callee in TAKING and 0 in expr.arguments:
            return self._taken(expr.arguments[0], state)
        if expr.callee == "page_address" and 0 in expr.arguments:
            return self._page_address(expr, state)
        return self._call(expr, state)

    def _taken(self, variable: Expr, state: State):
        """The value of VARIABLE, which is NULL then."""
        name = variable.bare().text
        return [(v, s.put(name, NULL)) for v, s in self.evaluate(variable, state)]

    def _page_address(self, expr, state):
        """The address of a page that kmap() mapped: the mapping's."""
        number = self._ended(expr, None, state)
        if number is None:
            return self._call(expr, state)
        self.log.note(Kind.PAGE_ADDRESS, number, expr)
        return [(Value("address", number), state)]

    def _map(self, expr, state):
        number = self.site_of[expr]
        site = self.log.sites[number]
        results = []
        for values, after in self._arguments(expr, state):
            self._further(expr, values, after)
            if site.api.again:
                after = self._end_former(expr, after)
            if number in after.live and not site.api.kept:
                holders = " ".join(n for n, v in after.held if is_of(v, number))
                self.log.note(Kind.MAPPED_AGAIN, number, expr, holders)
                continue
            for outer in after.live:
                self.log.note(Kind.NESTED, outer, expr, about=number)
            results.append(self._mapped(site, dict(values), after))
            results += [(_FAILURES[how], after) for how in site.api.fails]
        return results

    def _mapped(self, site: Site, values, state: State):
        """The result of the map call, and the state after it mapped."""
        address, where = Value("address", site.number), site.api.where
        if site.api.gives_page:
            return Value("page", site.number), self._named(
                site, self._begin(site, state)
            )
        if where == api.RESULT:
            return address, self._named(site, self._begin(site, state))
        if site.number not in state.live:
            state = self._begin(site, state)
        target = values.get(where)
        if site.api.kept or where not in site.call.arguments:
            text = self._holder(site.call.arguments.get(where), state)
            pages = (p for p in state.pages if p[0] != site.number)
            state = state._replace(pages=(*pages, (site.number, text)))
        elif target and target.kind == "place" and self.escapes.is_output(target.text):
            self.log.name(site.number, target.text)
            state = state.put(target.text, address)
        else:
            detail = self._where(site.call.arguments.get(where))
            self.log.note(Kind.STORED, site.number, site.call, detail)
        if site.api.returns:
            return address.onward(CURSOR), state
        succeeds = [_SUCCESSES[how] for how in site.api.fails]
        return (succeeds[0] if len(succeeds) == 1 else None), state

    def _named(self, site: Site, state: State) -> State:
        """The state in which a mapping is known by the arguments that name it."""
        pages = state.pages
        for number, how in site.api.named:
            argument = site.call.arguments.get(number)
            node = argument.bare() if argument is not None else None
            if node is None or not self._steady(node):
                continue
            if how != api.PAGE:
                pages += ((site.number, self._holder(argument, state)),)
            if how == api.OUTPUT and node.op == "&":
                pages += ((site.number, node.children[0].bare().text),)
            if how == api.PAGE:
                pages += ((site.number, meant(node.text, state)),)
        return state._replace(pages=tuple(dict.fromkeys(pages)))

    def _holder(self, argument: Expr | None, state: State) -> str:
        """What a structure is called that keeps an address, by the ARGUMENT that
        points to it."""
        text = argument.bare().text if argument is not None else "?"
        return f"{HOLDER} {meant(text, state)}"

    def _end_former(self, expr: Expr, state: State) -> State:
        """The state after a map call ended what it had mapped before."""
        rule = self.maps[expr.callee]
        holder = self._holder(expr.arguments.get(rule.where), state)
        for number, text in state.pages:
            if text == holder and number in state.live:
                self.log.note(Kind.REPLACED, number, expr)
                state = self._pop(expr, number, state)
        return state

    def _further(self, expr: Expr, values, state: State, but: int = -1) -> None:
        """Note a call of a function that maps or unmaps for its callers, and what it
        does with the addresses it is given besides, all but that of argument BUT."""
        if expr.callee in api.ALL:
            return
        if state.live:
            self.log.note(Kind.PASSED, None, expr, about=Alive(state.live))
        for number, value in values:
            if value and value.kind == "address" and number != but:
                self._passed(expr, value, self._effect(expr, number), state)

    def _begin(self, site: Site, state: State) -> State:
        argument = site.call.arguments.get(0) if site.name in api.MAPS else None
        pages = state.pages
        text = self._page_behind(argument) if argument is not None else ""
        if site.name == "kmap" and text:
            pages = tuple(p for p in pages if p[0] != site.number)
            # Both: what the variable is a copy of may change, or the variable.
            texts = dict.fromkeys((meant(text, state), text))
            pages += tuple((site.number, each) for each in texts)
        if argument is not None and argument.bare().kind == "identifier":
            # Only an existing page can be mapped.
            page = argument.bare().text
            if not self.escapes.aliased(page):
                state = state.decide(page, True).decide(f"IS_ERR ( {page} )", False)
        elif argument is not None:
            state = self._counted_in(argument.bare(), state)
            state = self._followed(argument.bare(), state)
        return state._replace(live=state.live + (site.number,), pages=pages)

    def _followed(self, page: Expr, state: State) -> State:
        """The state after PAGE was mapped: what is `*p` was read by way of a P that is
        not NULL."""
        text = self._page_behind(page).removeprefix("* ")
        if page.kind != "unary" or page.op != "*" or not self._local(text):
            return state
        if self.escapes.aliased(text):
            return state
        return state.decide(text, True)

    def _counted_in(self, page: Expr, state: State) -> State:
        """The state after a PAGE of a list was mapped: there is the list, and so the
        number of its entries is not zero."""
        listed = page.arguments[0].bare().text if page.callee == "sg_page" else ""
        for name in sorted(self.relevant.counts.get(listed, ())):
            why = f"where {name} is 0, {listed} is NULL, and no page of it is mapped"
            self.log.note(Kind.GRANTED, None, page, why)
            state = state.decide(name, True)
        return state

    def _unmap(self, expr, state):
        results = []
        given = self.log.given(expr)
        rule = self.unmaps[given.callee]
        if rule.given == api.HOLDER and self._ended(given, None, state) is None:
            return self._call(expr, state)
        for value, values, after in self._unmapped(given, rule, state):
            self._further(given, values, after, rule.number)
            site = self._ended(given, value, after)
            kind, by = self._end_of(site, after), ""
            if value and value.kind == "changed" and kind is Kind.UNMAPPED:
                kind, by = Kind.CHANGED, value.text
            held = None
            if site is not None and site in after.live:
                held = self._holding(site, value, after)
                after = self._pop(expr, site, after)
            if value == NULL and kind is Kind.UNTRACED:
                by = NULL.kind
            self.log.note(kind, site, expr, by, held)
            results.append((None, self._further_held(expr, rule, after)))
        return results

    def _unmapped(self, given: Expr, rule: api.Unmap, state: State):
        """What an unmap is given, all its arguments, and the state after that; of
        `kunmap(kmap_to_page(address))` the address."""
        address = _asked_for_page(given)
        if address is not None:
            return [(value, [], s) for value, s in self.evaluate(address, state)]
        ways = self._arguments(given, state)
        return [(dict(values).get(rule.number), values, s) for values, s in ways]

    def _further_held(self, expr: Expr, rule: api.Unmap, state: State) -> State:
        """The state after EXPR ended what else the structure keeps that it is given."""
        while rule.given == api.HOLDER:
            site = self._ended(expr, None, state)
            if site is None:
                break
            state = self._pop(expr, site, state)
            self.log.note(Kind.UNMAPPED, site, expr)
        return state

    def _ended(self, expr, value, state) -> Origin | None:
        """Which mapping an unmap ends: by its address, by its page, or by what
        holds its address."""
        rule = self.unmaps.get(expr.callee, _ASKED)
        argument = expr.arguments.get(rule.number)
        if _asked_for_page(expr) is not None:
            return value.site if value and value.kind == "address" else None
        if rule.given == api.ADDRESS:
            known = value and value.kind in ("address", "changed")
            return value.site if known else self._held(argument, state)
        if argument is None:
            return None
        page = meant(argument.bare().text, state)
        if rule.given == api.HOLDER:
            page = self._holder(argument, state)
        members = f"{kept(argument.bare().text)} -> "
        by_member = rule.given == api.HOLDER
        inside = f"{argument.bare().text} -> " if rule.kind == "kunmap" else members
        found = [
            number
            for number, text in state.pages
            if text == page or (by_member and text.startswith((members, inside)))
            if not by_member or self._ends_by(number) == rule.kind
        ]
        alive = [number for number in found if number in state.live]
        if expr.callee == "page_address" or rule.given == api.HOLDER:
            found = alive
        if found and self._steady(argument):
            return (alive or found)[-1]
        return None

    def _ends_by(self, site: Origin) -> str:
        """What ends a mapping of this function."""
        return self.log.sites[site].api.ends if isinstance(site, int) else ""

    def _held(self, argument: Expr | None, state: State) -> Origin | None:
        """The mapping whose address a structure keeps, where ARGUMENT is the member
        of that, or somewhere behind it."""
        node = argument.bare() if argument is not None else None
        while node is not None and node.kind == "binary" and node.op in ("+", "-"):
            node = node.children[0].bare()
        if node is None:
            return None
        member = kept(meant(node.text, state))
        found = [number for number, text in state.pages if text == member]
        if node.kind == "member":
            base = node.children[0].bare().text
            holder = base if node.op == "->" else f"& {base}"
            text = f"{HOLDER} {meant(holder, state)}"
            found += [n for n, of in state.pages if of == text and n in state.live]
        alive = [number for number in found if number in state.live]
        return next(iter((alive or found)[-1:]), None)

    def _page_behind(self, argument: Expr) -> str:
        """What the page of ARGUMENT is called once that is evaluated: `* p` of `*++p`;
        "" where it is another one each time."""
        node = argument.bare()
        step = (
            node.children[0].bare() if (node.kind, node.op) == ("unary", "*") else node
        )
        if step.kind == "unary" and step.op in ("++", "--") and step is not node:
            variable = step.children[0].bare()
            return f"* {variable.text}" if self._local(variable.text) else ""
        return node.text if self._steady(argument) else ""

    def _steady(self, page: Expr) -> bool:
        """Whether a page expression means the same page each time it is read."""
        return all(
            n.kind != "assign"
            and n.kind != "postfix"
            and n.op not in ("++", "--")
            and (n.kind != "call" or self.knowledge.is_pure(n.callee))
            for n in page.walk()
        )

    def _end_of(self, site: Origin | None, state: State) -> Kind:
        if site is None:
            return Kind.UNTRACED
        if site in state.live:
            return Kind.UNMAPPED
        return Kind.PARAMETER if isinstance(site, Given) else Kind.TWICE

    def _within(self, name: str, value: Value, number: Origin, state: State) -> bool:
        """Whether the variable NAME holds the mapping's address, or that of the
        offset at which it was mapped."""
        if value.kind != "address" or value.site != number:
            return False
        as_mapped = (
            isinstance(number, int)
            and state.part(as_given(name)) is not None
            and name == self.log.sites[number].variable
        )
        return value.moved <= (OFFSET if as_mapped else START)

    def _holding(self, site: Origin, value: Value | None, state: State) -> Held:
        """Who holds the address of a mapping that is to end, of which VALUE is what
        is unmapped."""
        variables = [(n, v) for n, v in state.held if n.isidentifier()]
        anywhere = (n for n, v in variables if v.kind == "address" and v.site == site)
        here = [n for n, v in variables if self._within(n, v, site, state)]
        stale = (n for n in here if not state.part(added_to(n)))
        moved = value if value and value.kind == "address" and value.moved else None
        return Held(frozenset(anywhere), frozenset(here), frozenset(stale), moved)

    def _pop(self, expr: Expr, site: Origin, state: State) -> State:
        """The state after SITE ended at EXPR."""
        place = state.live.index(site)
        for later in state.live[place + 1 :]:
            self.log.note(Kind.DISORDERED, site, expr, about=later)
        live = state.live[:place] + state.live[place + 1 :]
        return state._replace(live=live)
