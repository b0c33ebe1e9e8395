# SPDX-License-Identifier: GPL-2.0-only
"""Sleeping between kmap_atomic() and its unmap: kmap-sleep-atomic.

What sleeps: the functions of include/linux/{mutex,rwsem,semaphore,wait,delay,
sched,completion,slab,gfp,uaccess,pagemap,workqueue}.h of Linux 6.1 and 6.12 that
say might_sleep(), or may with the GFP flags given.
"""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.findings.finding import NOTE, WARNING, Finding
from kmaplocal.findings.context import CheckContext
from kmaplocal.knowledge import functions
from kmaplocal.knowledge.row import ALWAYS, BY_FLAGS, BY_ITERATOR, PAGING_IN
from kmaplocal.bounds import plain
from kmaplocal.flow.trace import Site
from kmaplocal.c.syntax import Expr, Function, Stmt

WAITING = frozenset(
    """
GFP_KERNEL GFP_KERNEL_ACCOUNT GFP_USER GFP_HIGHUSER GFP_HIGHUSER_MOVABLE GFP_NOFS
GFP_NOIO __GFP_DIRECT_RECLAIM __GFP_RECLAIM GFP_TRANSHUGE
""".split()
)

MOST_DEEP = 2
EXPECTED = ("likely", "unlikely")
PAGING = (PAGING_IN, BY_ITERATOR)


def sleeps(context: CheckContext) -> Iterator[Finding]:
    """What may sleep while a kmap_atomic() is alive."""
    for site in context.sites:
        if not site.api.atomic:
            continue
        for call in _during(context, site):
            found = _sleep(context, call)
            if found:
                yield found_in(context, site, call, *found)
                break


def _during(context: CheckContext, site: Site) -> list[Expr]:
    """The calls made while a mapping is alive, map calls and what begins a guarded
    block too."""
    nested = context.trace.own(context.trace.nested)
    calls = [*context.trace.during(site.number)]
    calls += [inner.call for outer, inner in nested if outer is site]
    blocks = (s for s in context.function.statements() if s.kind == "guard")
    calls += [
        Expr(block.start, block.end, block.text)
        for block in blocks
        if not block.holds(site.call) and any(block.holds(call) for call in calls)
    ]
    return sorted(calls, key=lambda call: call.start)


def found_in(
    context: CheckContext, site: Site, call: Expr, chain: str, severity: str
) -> Finding:
    """The finding, of SEVERITY, for a call that sleeps by way of CHAIN."""
    how = functions.of(call.callee).sleeps
    if how in PAGING:
        user = "user memory" if how == BY_ITERATOR else "what it copies"
        what = f"{call.callee}() cannot page in {user}"
        remedy = (
            "map by kmap_local_page(), with a pagefault_disable() of its own where the"
            " copy is meant to fail"
        )
    else:
        what = f"{chain} may sleep"
        remedy = f"move it out, or map {plain(site.page)} by kmap_local_page()"
    return context.finding(
        call,
        f"{what} while {context.by(site)} of line {site.call.start[0]} has disabled"
        " page faults and preemption",
        remedy,
        severity,
        steps=context.begun(site),
    )


def _sleep(context: CheckContext, call: Expr) -> tuple[str, str] | None:
    """How a call may sleep, and the severity where it is not the rule's."""
    how = functions.of(call.callee).sleeps
    if may_sleep(call):
        return named(call), ""
    if how in PAGING:
        if _may_fail(context) or _is_of_kernel(context, call):
            return None
        if _falls_back(context, call):
            return f"{call.callee}()", NOTE  # it may well be meant to fail
        return f"{call.callee}()", WARNING if how == BY_ITERATOR else ""
    chain = sleeps_by_callee(context, call)
    return (chain, "") if chain else None


def _may_fail(context: CheckContext) -> bool:
    """Whether the function counts on user copies that fail: it disables page
    faults itself, or has a mapping without kmap_atomic() for when they do."""
    if context.function.calls(functions.FAULTS_OFF_BY):
        return True
    kinds: dict[str, set[bool]] = {site.page: set() for site in context.sites}
    for site in context.sites:
        kinds[site.page].add(site.api.atomic)
    return any(len(atomic) > 1 for atomic in kinds.values())


def _is_of_kernel(context: CheckContext, call: Expr) -> bool:
    """Whether CALL, by an iterator, stands where that was asked to be one of memory of
    the kernel: a pipe, a kvec or a bvec (include/linux/uio.h)."""
    return any(
        node.callee in ("iov_iter_is_pipe", "iov_iter_is_kvec", "iov_iter_is_bvec")
        for stmt in context.function.statements()
        if stmt.kind == "if" and stmt.exprs and stmt.children[0].holds(call)
        for node in [stmt.exprs[0].bare()]
        for node in [node.arguments[0].bare() if node.callee in EXPECTED else node]
    )


def _falls_back(context: CheckContext, call: Expr) -> bool:
    """Whether a user copy that fails is an answer like others: its result goes on,
    and the function has no error of its own for it."""
    parent = call.parent
    goes_on = parent is not None or call not in _whole_statements(context.function)
    return goes_on and not any(e.text == "EFAULT" for e in context.function.exprs)


def _whole_statements(function: Function) -> list[Expr]:
    return [s.exprs[0] for s in function.statements() if s.kind == "expression"]


def named(call: Expr) -> str:
    """A call, or what begins a guard, by its name."""
    guard = functions.guard_named(call.text)
    return f"guard({guard})" if guard else f"{call.callee}()"


def may_sleep(call: Expr) -> bool:
    """Whether a call itself, or what begins a guard, may sleep."""
    if functions.guard_named(call.text) in functions.SLEEPING_GUARDS:
        return True
    sleeps = functions.of(call.callee).sleeps
    return sleeps == ALWAYS or (sleeps == BY_FLAGS and bool(_flags(call) & WAITING))


def sleeps_by_callee(context: CheckContext, call: Expr) -> str:
    """By which calls of its own the callee of CALL sleeps whatever is the case; ""
    where that is not seen."""
    return _by_callee(context, context.file, call.callee, MOST_DEEP)


def _flags(call: Expr) -> set[str]:
    """The names in the flags an allocation is given."""
    words = {n.text for a in call.arguments.values() for n in a.walk()}
    return words if "GFP_ATOMIC" not in words else set()


def _by_callee(context: CheckContext, file: str, name: str, deep: int) -> str:
    if not deep or not name or name in functions.HARMLESS:
        return ""
    for home, function in context.called.definitions(name, file):
        for call in _always_called(function):
            if may_sleep(call):
                return f"{name}(), which calls {call.callee}(),"
            chain = _by_callee(context, home, call.callee, deep - 1)
            if chain:
                return f"{name}(), which calls {chain}"
    return ""


def _always_called(function: Function) -> Iterator[Expr]:
    """The calls of a function that no condition guards."""
    for stmt in function.body:
        if stmt.kind in ("if", "switch", "while", "for", "iterator"):
            yield from _calls(stmt)
            if _may_leave(stmt):
                return
        elif stmt.kind in ("return", "goto"):
            yield from _calls(stmt)
            return
        else:
            yield from _calls(stmt)


def _calls(stmt: Stmt) -> list[Expr]:
    """The calls among what stands directly in a statement, evaluated always."""
    return [n for root in stmt.exprs for n in _always(root) if n.kind == "call"]


def _always(expr: Expr) -> Iterator[Expr]:
    if expr.kind == "ternary" or expr.op in ("&&", "||"):
        yield from _always(expr.children[0])
        return
    for child in expr.children:
        yield from _always(child)
    yield expr


def _may_leave(stmt: Stmt) -> bool:
    return any(s.kind in ("return", "goto") for s in stmt.walk())
