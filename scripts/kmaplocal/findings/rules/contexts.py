# SPDX-License-Identifier: GPL-2.0-only
"""Sleeping where the function itself, or who calls it, has forbidden it: kmap() with
a lock held or in a handler, and what sleeps between map and unmap with preemption
off: kmap-sleep-atomic."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.findings.finding import WARNING, Finding
from kmaplocal.findings.rules.sleeps import PAGING, may_sleep, named, sleeps_by_callee
from kmaplocal.findings.rules.walkers import maps_by_kmap
from kmaplocal.findings.context import CheckContext
from kmaplocal.bounds import plain
from kmaplocal.flow.events import Kind
from kmaplocal.knowledge import functions
from kmaplocal.knowledge.row import FAULTS
from kmaplocal.c.syntax import Expr, Stmt

# What runs the function that it names as that argument in an interrupt, and what that
# is called.  Source: include/linux/{interrupt,timer}.h of Linux 6.1.
HANDLERS = {
    "request_irq": (1, "an interrupt handler"),
    "request_threaded_irq": (1, "an interrupt handler"),
    "devm_request_irq": (2, "an interrupt handler"),
    "devm_request_threaded_irq": (2, "an interrupt handler"),
    "tasklet_init": (1, "a tasklet"),
    "tasklet_setup": (1, "a tasklet"),
    "timer_setup": (1, "a timer"),
    "call_rcu": (1, "an RCU callback"),
}


def sleeps_in_region(context: CheckContext) -> Iterator[Finding]:
    """kmap(), and what else sleeps between map and unmap, where a lock is held or
    preemption is off."""
    done: set[str] = set()
    forbidden = context.trace.of(None, Kind.FORBIDDEN)
    for event in sorted(forbidden, key=lambda event: event.place.start):
        call, (line, began) = event.place, event.detail.split(":", 1)
        found = _sleeps(context, call, began)
        if found and event.detail not in done:
            done.add(event.detail)
            yield _finding(context, call, int(line), began, *found)


def kmap_in_handler(context: CheckContext) -> Iterator[Finding]:
    """kmap() in a function that an interrupt runs."""
    maps = [site.call for site in context.sites if site.name == "kmap"]
    what = _handler(context) if maps else ""
    if what and not context.function.calls(["in_interrupt", "in_task", "in_irq"]):
        yield context.finding(
            maps[0],
            f"kmap() may sleep, but {context.function.name}() is {what}",
            "map by kmap_local_page()",
        )


def _sleeps(context: CheckContext, call: Expr, began: str) -> tuple[str, str] | None:
    """How a call sleeps behind one that BEGAN a region, and the severity; None when
    it does not, or is no matter of mappings."""
    opener = functions.opener(began)
    faults_only = opener.disables == FAULTS
    mild = WARNING if faults_only or opener.name == "rcu_read_lock" else ""
    if any(site.call is call and site.name == "kmap" for site in context.sites):
        return None if faults_only else ("kmap()", mild)
    if maps_by_kmap(context, call):
        return None if faults_only else (f"{call.callee}()", mild)
    if not context.trace.alive(call) - {()}:
        return None
    if functions.of(call.callee).sleeps in PAGING:
        return None if faults_only else (f"{call.callee}()", mild or WARNING)
    if may_sleep(call):
        return named(call), mild
    chain = sleeps_by_callee(context, call)
    return (chain, WARNING) if chain else None


def _finding(
    context: CheckContext, call: Expr, line: int, began: str, chain: str, severity: str
) -> Finding:
    maps = chain == "kmap()"
    place = _opener(context, line, began)
    steps = [context.step(place, "from here on nothing may sleep")] if place else []
    remedy = "map by kmap_local_page(), which never sleeps" if maps else "move it out"
    message = f"{chain} may sleep, and {plain(began)} of line {line} forbids it"
    return context.finding(call, message, remedy, severity, steps=steps)


def _opener(context: CheckContext, line: int, began: str) -> Expr | Stmt | None:
    """The call, or guard, of LINE that BEGAN a region."""
    name = began.partition("(")[0]
    calls = [e for e in context.function.exprs if e.callee == name]
    blocks = [s for s in context.function.statements() if s.kind == "guard"]
    openers: list[Expr | Stmt] = [*calls, *blocks]
    return next((opener for opener in openers if opener.start[0] == line), None)


def _handler(context: CheckContext) -> str:
    """What runs this function, where its file says so; "" for nothing known."""
    outline = context.knowledge.outline
    tokens = outline.code if outline is not None else []
    for at, token in enumerate(tokens):
        number, what = HANDLERS.get(token.text, (0, ""))
        if what and _argument([t.text for t in tokens[at + 1 : at + 40]], number) == [
            context.function.name
        ]:
            return what
    return ""


def _argument(words: list[str], number: int) -> list[str]:
    """The words of argument NUMBER, of a call whose WORDS begin with its bracket; the
    `&` of a function's address and its casts aside."""
    depth, at, found = 0, 0, []
    for word in words:
        depth += (word in "([{") - (word in ")]}")
        if depth == 0:
            break
        if word == "," and depth == 1:
            at += 1
        elif at == number and word not in "(&":
            found.append(word)
    return found
