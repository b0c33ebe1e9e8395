# SPDX-License-Identifier: GPL-2.0-only
"""One way to have arrived somewhere: what is mapped then, what each variable
holds, and which conditions were decided how.

A state is never changed: what happens to it makes another.  Texts are those of
expressions, their words apart (`p -> len`), so that a word of one can be told.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping, Set
from typing import NamedTuple

from kmaplocal.flow.values import Origin, Value, speaks_of
from kmaplocal.knowledge import functions
from kmaplocal.c.syntax import Expr, Point, Variable


_NUMBERS = ("null", "constant", "nonzero")


class Part(NamedTuple):
    """What else is known beside what the variables hold: WHAT it is, of the variable
    OWNER, and WHICH one of several.  It is gone when that variable is given a value."""

    what: str
    owner: str
    which: tuple[Point | Origin | str, ...] = ()


class Region(NamedTuple):
    """In which nothing may sleep: the line and the call by which it began."""

    line: int
    call: str


Decided = tuple[tuple[str, bool], ...]


class State(NamedTuple):
    """One way to have arrived here."""

    live: tuple[Origin, ...] = ()
    # Of a kmap() the text of its page; of others what of somebody's keeps the address.
    pages: tuple[tuple[Origin, str], ...] = ()
    held: tuple[tuple[str, Value], ...] = ()
    decided: Decided = ()
    parts: tuple[tuple[Part, Value], ...] = ()
    passed: tuple[int, ...] = ()  # lines of ifs that guard an unmap, and did not hold
    regions: tuple[Region, ...] = ()

    def get(self, name: str) -> Value | None:
        """What the variable NAME holds, as far as that is known."""
        for held, value in self.held:
            if held == name:
                return value
        return None

    def part(self, part: Part) -> Value | None:
        """What is known as PART."""
        return next((v for p, v in self.parts if p == part), None)

    def put(self, name: str, value: Value | None) -> "State":
        """The state after NAME was given VALUE."""
        member = f"{name} . "
        held = [
            each
            for each in self.held
            if each[0] != name
            and not each[0].startswith(member)
            and not (name in each[1].text and speaks_of(each[1], name))
        ]
        if value is not None:
            insort(held, (name, value))
        decided = _without(self.decided, name)
        pages = self.pages and tuple(
            (site, text)
            for site, page in self.pages
            for text in (self._heir(name) if page == name else page,)
            if text and not _has(text, name)
        )
        parts = self.parts and tuple(
            p for p in self.parts if p[0].owner != name and not speaks_of(p[1], name)
        )
        after = self.live, pages, tuple(held), decided, parts
        return _made((*after, self.passed, self.regions))

    def _heir(self, name: str) -> str:
        """A variable that is a copy of NAME, and stays so when that gets another value;
        "" for none."""
        found = (n for n, v in self.held if v.kind == "copy" and v.text == name)
        return next((n for n in found if n != name), "")

    def hold(self, name: str, value: Value | None) -> "State":
        """The state after the member or what else is called NAME got VALUE."""
        held = [each for each in self.held if each[0] != name]
        if value is not None:
            insort(held, (name, value))
        return self._replace(held=tuple(held))

    def keep(self, part: Part, value: Value) -> "State":
        """The state in which PART is VALUE."""
        parts = [p for p in self.parts if p[0] != part]
        insort(parts, (part, value), key=str)
        return self._replace(parts=tuple(parts))

    def addresses(self, name: str) -> list[Value]:
        """The addresses that the variable NAME, or a part of it, holds."""
        found = [v for n, v in self.held if is_part(n, name)]
        found += [v for p, v in self.parts if p.owner == name]
        return [v for v in found if v.kind == "address"]

    def behind(self, site: Origin) -> list[Value]:
        """The addresses that may lie in what the address of SITE points to."""
        return [v for p, v in self.parts if p.what == _BEHIND and p.which[0] == site]

    def decide(self, text: str, truth: bool) -> "State":
        """The state in which the condition TEXT turned out as TRUTH."""
        decided = [d for d in self.decided if d[0] != text]
        insort(decided, (text, truth))
        return self._replace(decided=tuple(decided))


_made = State._make  # which asks for no names


def _without(decided: Decided, name: str) -> Decided:
    """What was DECIDED, but for the conditions with the word NAME."""
    lost = [d for d in decided if name in d[0] and _has(d[0], name)]
    return tuple(d for d in decided if d not in lost) if lost else decided


def _has(text: str, name: str) -> bool:
    # Most often not even the letters are there, and to look for these costs little.
    return name in text and name in text.split()


def meant(text: str, state: State) -> str:
    """The expression that TEXT is a copy of: of the page for a variable that was set
    to it."""
    for _ in range(4):
        value = state.get(text)
        if not value or value.kind != "copy":
            break
        text = value.text
    return text


HOLDER, MEMBER = "@", "."  # before the text of what keeps an address, among the pages


def kept(member: str) -> str:
    """How MEMBER, of what a pointer points to, is among the pages: it keeps an
    address."""
    return f"{MEMBER} {member}"


def is_part(held: str, name: str) -> bool:
    """Whether what is HELD is the variable NAME or a member of it."""
    return held == name or held.startswith(f"{name} . ")


_BEHIND = "behind"  # of no variable, but of an address


def added_to(name: str) -> Part:
    """What was added to the address that the variable NAME was given; it is gone once
    any of that changes."""
    return Part("added", name)


def as_given(name: str) -> Part:
    """Known while the variable NAME is as it was given the address by a map call."""
    return Part("as given", name)


def filled_at(name: str, place: Point) -> Part:
    """What was put into the variable NAME, at PLACE in its braces."""
    return Part("filled", name, (place,))


def bound_to(name: str, callee: str, value: Value) -> Part:
    """An address that CALLEE bound to the variable NAME, with what holds it."""
    return Part("bound", name, (callee, value.site))


def put_behind(state: State, site: Origin, value: Value) -> State:
    """The state in which VALUE may lie behind an address of SITE, as what else
    does: whether it is overwritten is not asked."""
    return state.keep(Part(_BEHIND, "", (site, value.site, value.moved)), value)


def found_in(value: Value | None, state: State) -> list[tuple[Value, str]]:
    """The addresses that lie where VALUE, an argument, points to, each with the member
    of the variable it is in, or ""."""
    if value and value.kind == "place":
        members = [(v, n.partition(" . ")[2]) for n, v in state.held]
        own = [m for m, h in zip(members, state.held) if is_part(h[0], value.text)]
        own += [(v, "") for p, v in state.parts if p.owner == value.text]
        return [(v, label) for v, label in own if v.kind == "address"]
    behind = state.behind(value.site) if value and value.kind == "address" else []
    return [(inside, "") for inside in behind]


def reached(words: Set[str], state: State) -> list[Value]:
    """The addresses that lie in, or behind, the variables named in WORDS."""
    inside = [v for n, v in state.held if n.split(" . ")[0] in words - {n}]
    inside += [v for p, v in state.parts if p.owner in words]
    found = [v for v in inside if v.kind == "address"]
    for name, value in state.held:
        if name in words and value.kind == "address":
            found += state.behind(value.site)
    return found


def unsure(state: State, name: str) -> State:
    """The state after somebody got the address of NAME, and may write to it: nothing
    is known of it but what it holds."""
    held = tuple(h for h in state.held if not speaks_of(h[1], name))
    parts = tuple(p for p in state.parts if not speaks_of(p[1], name))
    decided = _without(state.decided, name)
    return state._replace(held=held, decided=decided, parts=parts)


def changed_by(
    state: State, name: str, callee: str, only: Set[str] | None = None
) -> State:
    """The state after CALLEE wrote what is not known to the variable NAME; ONLY: to
    these members of it."""
    if only is not None:
        for label in sorted(only):
            state = _member_changed(state, f"{name} . {label}", label, callee)
        return state
    after = state.put(name, None)
    for member, value in state.held:
        if is_part(member, name) and value.kind in ("address", "changed"):
            after = after.hold(member, _changed(value, callee))
    for part, value in state.parts:
        if part.owner == name and value.kind in ("address", "changed"):
            after = after.keep(part, _changed(value, callee))
    return after


def _member_changed(state: State, member: str, label: str, callee: str) -> State:
    value = state.get(member)
    held = tuple(h for h in state.held if label not in h[1].text.split())
    parts = tuple(p for p in state.parts if f".{label}" not in p[1].text.split())
    decided = _without(state.decided, label)
    state = state._replace(held=held, parts=parts, decided=decided)
    known = value is not None and value.kind in ("address", "changed")
    return state.hold(member, _changed(value, callee) if value and known else None)


def _changed(value: Value, callee: str) -> Value:
    return Value("changed", value.site, text=f"{callee}()")


def after_write(target: Expr, state: State) -> State:
    """The state after a write to a place that is no plain variable: conditions,
    copies, sums and pages that mention its member are no longer known, nor pages that
    a function computes of what it reads."""
    name = target.label or target.text
    lost = {"copy": name, "added": f".{target.label}" if target.label else name}
    held = tuple(h for h in state.held if lost.get(h[1].kind) not in h[1].text.split())
    parts = tuple(
        p for p in state.parts if lost.get(p[1].kind) not in p[1].text.split()
    )
    decided = _without(state.decided, name)
    pages = tuple(
        p
        for p in state.pages
        if name not in p[1].split() and not (target.label and _computed(p[1]))
    )
    return state._replace(pages=pages, held=held, decided=decided, parts=parts)


def after_call(call: Expr, state: State) -> State:
    """The state after CALL, which may change what pages are computed of that it is
    given the variables of, and put another address where one was that has ended."""
    given = {n.text for e in call.arguments.values() for n in e.walk()}
    pages = tuple(
        p
        for p in state.pages
        if not given & set(p[1].split())
        or not (_computed(p[1]) or (p[1][:1] == MEMBER and p[0] not in state.live))
    )
    return state._replace(pages=pages)


def _computed(page: str) -> bool:
    """Whether the text of a page has a call of more than what the kernel's own macros
    compute."""
    words = page.split()
    called = {w for w, after in zip(words, words[1:]) if after == "("}
    called = {word for word in called if word.isidentifier() and word != "sizeof"}
    return bool(called - functions.REPEATING)


def pass_by(state: State, line: int) -> State:
    """The state after an `if` of LINE, that guards nothing but an unmap, did not hold
    for all that is known."""
    return state._replace(passed=tuple(sorted({*state.passed, line})))


def forbid_sleep(state: State, call: Expr) -> State:
    """The state after CALL, from which on nothing may sleep."""
    return state._replace(regions=tuple(sorted({*state.regions, _region_of(call)})))


def leave_guard(state: State, guard: Expr) -> State:
    """The state behind the scope of a GUARD in which nothing might sleep."""
    left = _region_of(guard)
    return state._replace(regions=tuple(r for r in state.regions if r != left))


def _region_of(call: Expr) -> Region:
    text = _region(call) if call.callee else call.text.replace(" ", "")
    return Region(call.start[0], text)


def allow_sleep(state: State, call: Expr, openers: Set[str]) -> State:
    """The state after CALL, that ends what one of OPENERS began: with the same
    argument, or where there is none such, with any."""
    own = [r for r in state.regions if r.call.partition("(")[0] in openers]
    argument = _region(call).partition("(")[2]
    same = [r for r in own if r.call.partition("(")[2] == argument]
    gone = {*(same[-1:] or own)}
    return state._replace(regions=tuple(r for r in state.regions if r not in gone))


def forbidders(state: State) -> list[str]:
    """What began that nothing may sleep: "12:spin_lock(&a->lock)", with its line."""
    return [f"{region.line}:{region.call}" for region in state.regions]


def _region(call: Expr) -> str:
    first = call.arguments.get(0)
    return f"{call.callee}({first.text.replace(' ', '') if first else ''})"


def forget(state: State, guards: Set[str]) -> State:
    """The state without the conditions and numbers that are not among GUARDS."""
    held = [h for h in state.held if h[1].kind != "constant" or h[0] in guards]
    decided = [d for d in state.decided if d[0] in guards]
    if len(held) == len(state.held) and len(decided) == len(state.decided):
        return state
    return state._replace(held=tuple(held), decided=tuple(decided))


def plain(state: State, variables: Mapping[str, Variable]) -> State:
    """The state without what is known of numbers, of what variables are copies of, and
    of the pages of mappings that have ended; VARIABLES are those of the function."""
    held = [
        each
        for each in state.held
        if each[1].kind != "copy"
        and (each[1].kind not in _NUMBERS or _points(each[0], variables))
    ]
    pages = [page for page in state.pages if page[0] in state.live]
    if len(held) == len(state.held) and len(pages) == len(state.pages):
        return state
    return state._replace(held=tuple(held), pages=tuple(pages))


def _points(name: str, variables: Mapping[str, Variable]) -> bool:
    variable = variables.get(name)
    return variable is None or variable.is_pointer
