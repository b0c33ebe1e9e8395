# SPDX-License-Identifier: GPL-2.0-only
"""One way to have arrived somewhere: what is mapped then, what each variable
holds, and which conditions were decided how.

A state is never changed: what happens to it makes another.  Texts are those of
expressions, their words apart (`p -> len`), so that a word of one can be told.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Set
from typing import NamedTuple

from kmaplocal.flow.values import Value, speaks_of
from kmaplocal.knowledge import functions
from kmaplocal.c.syntax import Expr


# What else is decided on a path: a word each, as no condition has.
_PASSED, _FORBIDDEN = "#passed-by:", "#no-sleep:"


class State(NamedTuple):
    """One way to have arrived here."""

    live: tuple[int, ...] = ()
    pages: tuple[tuple[int, str], ...] = ()  # of a kmap(): its page's text
    held: tuple[tuple[str, Value], ...] = ()
    decided: tuple[tuple[str, bool], ...] = ()

    def get(self, name: str) -> Value | None:
        """What the variable NAME holds, as far as that is known."""
        return next((v for n, v in self.held if n == name), None)

    def put(self, name: str, value: Value | None) -> "State":
        """The state after NAME was given VALUE."""
        part = f"{name} . "
        held = [
            (n, v)
            for n, v in self.held
            if n != name and not n.startswith(part) and not speaks_of(v, name)
        ]
        if value is not None:
            insort(held, (name, value))
        decided = tuple(d for d in self.decided if name not in d[0].split())
        pages = tuple(p for p in self.pages if name not in p[1].split())
        return State(self.live, pages, tuple(held), decided)

    def hold(self, name: str, value: Value | None) -> "State":
        """The state after the member or what else is called NAME got VALUE."""
        held = [(n, v) for n, v in self.held if n != name]
        if value is not None:
            insort(held, (name, value))
        return State(self.live, self.pages, tuple(held), self.decided)

    def addresses(self, name: str) -> list[Value]:
        """The addresses that the variable NAME, or a member of it, holds."""
        found = [v for n, v in self.held if is_part(n, name)]
        return [v for v in found if v.kind == "address"]

    def behind(self, site: int) -> list[Value]:
        """The addresses that may lie in what the address of SITE points to."""
        first = behind_name(site)
        return [v for n, v in self.held if n.startswith(first)]

    def decide(self, text: str, truth: bool) -> "State":
        """The state in which the condition TEXT turned out as TRUTH."""
        decided = [d for d in self.decided if d[0] != text]
        insort(decided, (text, truth))
        return State(self.live, self.pages, self.held, tuple(decided))


def meant(text: str, state: State) -> str:
    """The expression that TEXT is a copy of: of the page for a variable that was set
    to it."""
    for _ in range(4):
        value = state.get(text)
        if not value or value.kind != "copy":
            break
        text = value.text
    return text


def is_part(held: str, name: str) -> bool:
    """Whether what is HELD is the variable NAME or a member of it."""
    return held == name or held.startswith(f"{name} . ")


def behind_name(site: int) -> str:
    """What is held behind an address of SITE is called so, with more after it."""
    return f"* {site} "


def added_to(name: str) -> str:
    """What was added to the address that the variable NAME was given is held by
    this name, a part of it; it is gone once any of that changes."""
    return f"{name} . +"


def mapped_into(name: str) -> str:
    """Held by this name, a part of it, while the variable NAME is as it was given
    the address by a map call."""
    return f"{name} . @"


def put_behind(state: State, site: int, value: Value) -> State:
    """The state in which VALUE may lie behind an address of SITE, as what else
    does: whether it is overwritten is not asked."""
    name = f"{behind_name(site)}{value.site} {value.moved}"
    return state.hold(name, value)


def found_in(value: Value | None, state: State) -> list[Value]:
    """The addresses that lie where VALUE, an argument, points to."""
    if value and value.kind == "place":
        return state.addresses(value.text)
    return state.behind(value.site) if value and value.kind == "address" else []


def reached(words: Set[str], state: State) -> list[Value]:
    """The addresses that lie in, or behind, the variables named in WORDS."""
    inside = [v for n, v in state.held if n.split(" . ")[0] in words - {n}]
    found = [v for v in inside if v.kind == "address"]
    for name, value in state.held:
        if name in words and value.kind == "address":
            found += state.behind(value.site)
    return found


def unsure(state: State, name: str) -> State:
    """The state after somebody got the address of NAME, and may write to it: nothing
    is known of it but what it holds."""
    held = tuple(h for h in state.held if not speaks_of(h[1], name))
    decided = tuple(d for d in state.decided if name not in d[0].split())
    return state._replace(held=held, decided=decided)


def changed_by(state: State, name: str, callee: str) -> State:
    """The state after CALLEE wrote what is not known to the variable NAME."""
    after = state.put(name, None)
    for part, value in state.held:
        if is_part(part, name) and value.kind in ("address", "changed"):
            after = after.hold(part, Value("changed", value.site, text=f"{callee}()"))
    return after


def after_write(target: Expr, state: State) -> State:
    """The state after a write to a place that is no plain variable: conditions,
    copies, sums and pages that mention its member are no longer known, nor pages that
    a function computes of what it reads."""
    name = target.label or target.text
    lost = {"copy": name, "added": f".{target.label}" if target.label else name}
    held = tuple(h for h in state.held if lost.get(h[1].kind) not in h[1].text.split())
    decided = tuple(d for d in state.decided if name not in d[0].split())
    pages = tuple(
        p
        for p in state.pages
        if name not in p[1].split() and not (target.label and _computed(p[1]))
    )
    return State(state.live, pages, held, decided)


def after_call(call: Expr, state: State) -> State:
    """The state after CALL, which may change what pages are computed of that it is
    given the variables of."""
    given = {n.text for e in call.arguments.values() for n in e.walk()}
    pages = tuple(
        p for p in state.pages if not (_computed(p[1]) and given & set(p[1].split()))
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
    return state.decide(f"{_PASSED}{line}", True)


def passed_by(state: State) -> set[int]:
    """The lines of these."""
    texts = (text for text, _ in state.decided if text.startswith(_PASSED))
    return {int(text.removeprefix(_PASSED)) for text in texts}


def forbid_sleep(state: State, call: Expr) -> State:
    """The state after CALL, from which on nothing may sleep."""
    return state.decide(_region_of(call), True)


def leave_guard(state: State, guard: Expr) -> State:
    """The state behind the scope of a GUARD in which nothing might sleep."""
    kept = tuple(d for d in state.decided if d[0] != _region_of(guard))
    return state._replace(decided=kept)


def _region_of(call: Expr) -> str:
    text = _region(call) if call.callee else call.text.replace(" ", "")
    return f"{_FORBIDDEN}{call.start[0]}:{text}"


def allow_sleep(state: State, call: Expr, openers: Set[str]) -> State:
    """The state after CALL, that ends what one of OPENERS began: with the same
    argument, or where there is none such, with any."""
    began = [text for text, _ in state.decided if text.startswith(_FORBIDDEN)]
    own = [text for text in began if _opener(text) in openers]
    argument = _region(call).partition("(")[2]
    same = [text for text in own if text.partition("(")[2] == argument]
    gone = {*(same[-1:] or own)}
    kept = tuple(d for d in state.decided if d[0] not in gone)
    return state._replace(decided=kept)


def forbidders(state: State) -> list[str]:
    """What began that nothing may sleep: "12:spin_lock(&a->lock)", with its line."""
    texts = (text for text, _ in state.decided if text.startswith(_FORBIDDEN))
    return [text.removeprefix(_FORBIDDEN) for text in texts]


def _opener(text: str) -> str:
    return text.removeprefix(_FORBIDDEN).split(":")[1].partition("(")[0]


def _region(call: Expr) -> str:
    first = call.arguments.get(0)
    return f"{call.callee}({first.text.replace(' ', '') if first else ''})"


def asked(state: State) -> tuple[tuple[str, bool], ...]:
    """The conditions that were decided on the way."""
    others = (_PASSED, _FORBIDDEN)
    return tuple(d for d in state.decided if not d[0].startswith(others))


def forget(state: State, guards: Set[str]) -> State:
    """The state without the conditions and numbers that are not among GUARDS."""
    held = tuple(h for h in state.held if h[1].kind != "constant" or h[0] in guards)
    decided = tuple(
        d
        for d in state.decided
        if d[0] in guards or d[0].startswith((_PASSED, _FORBIDDEN))
    )
    return State(state.live, state.pages, held, decided)
