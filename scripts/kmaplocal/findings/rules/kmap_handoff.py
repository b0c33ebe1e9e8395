# SPDX-License-Identifier: GPL-2.0-only
"""Addresses that leave the thread: kmap-handoff."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.findings.finding import ERROR, NOTE, Finding, Rule
from kmaplocal.findings.called import ASKING
from kmaplocal.findings.context import CheckContext, lasting
from kmaplocal.knowledge import functions
from kmaplocal.knowledge.row import CONTEXT, DIRECT_MAP, FREED, PUBLISHED
from kmaplocal.bounds import plain
from kmaplocal.flow.events import Event, Kind
from kmaplocal.flow.trace import Site
from kmaplocal.flow.tree import Escape
from kmaplocal.c.syntax import Expr

RULE = Rule(
    "kmap-handoff",
    ERROR,
    "the address reaches another thread or device",
    of_highmem=True,
)

# Wrong for every highmem mapping, whatever made it ...
TRANSLATING = functions.named(lambda row: row.hands in (DIRECT_MAP, FREED))
# ... and for one that is not for all threads.
HANDING = functions.named(lambda row: row.hands == CONTEXT)
PUBLISHING = functions.named(lambda row: row.hands == PUBLISHED)
# What a callee frees or puts on a list is mostly its own.
OWN = functions.named(lambda row: row.hands in (PUBLISHED, FREED))
# Name the function that another context is to run.
REGISTERING = functions.named(lambda row: row.registers)
ALLOCATING = functions.named(lambda row: row.allocates_pages)
LOWMEM = {"GFP_KERNEL", "GFP_ATOMIC", "GFP_NOIO", "GFP_NOFS", "GFP_DMA", "GFP_DMA32"}
LOWMEM |= {"GFP_NOWAIT", "GFP_KERNEL_ACCOUNT"}


def find(context: CheckContext) -> Iterator[Finding]:
    """Addresses that another thread, a device or the direct map is asked to
    understand."""
    for site in context.sites:
        for use in context.uses(site, Kind.ESCAPES):
            found = _given(context, site, use)
            if found:
                yield found
                break
        if not lasting(site):
            yield from _stored(context, site)


def _given(context: CheckContext, site: Site, use: Event) -> Finding | None:
    chain = _chain(context, site, use)
    if chain is None:
        return None
    last, way = chain
    page = context.named(site)
    if last in TRANSLATING:
        message = (
            f"the address {page} goes to {way}: {functions.of(last).how}, which is"
            " wrong for a highmem page"
        )
        remedy = "pass the page and the offset, as to sg_set_page() or dma_map_page()"
        severity = NOTE if is_lowmem(context, site) else ""
        return context.finding(
            use.place, message, remedy, severity, steps=context.begun(site)
        )
    message = (
        f"the address {page} goes to {way}: another context reads it, but"
        f" {site.name}() is valid in this thread only"
    )
    remedy = "pass the page and map it where it is used"
    return context.finding(use.place, message, remedy, steps=context.begun(site))


def _chain(context: CheckContext, site: Site, use: Event) -> tuple[str, str] | None:
    """The function that cannot have the address, and how it gets there."""
    if context.function.calls(ASKING):
        return None
    names = set(TRANSLATING)
    if not lasting(site):
        names |= HANDING | PUBLISHING
    for number, argument in use.place.arguments.items():
        if not _holds(context, site, argument):
            continue
        if context.knowledge.argument(use.place.callee, number).escape is Escape.YES:
            chain = context.called.handed(context.file, use.place, number, names)
            if chain and (chain[0] not in OWN or chain[0] == use.place.callee):
                return chain
    return None


def _holds(context: CheckContext, site: Site, argument: Expr) -> bool:
    """Whether an argument is made of the address."""
    reads = context.trace.reads(site.number)
    return any(node in reads or node is site.call for node in argument.walk())


def is_lowmem(context: CheckContext, site: Site) -> bool:
    """Whether the page was allocated here, and not from highmem."""
    for call in context.function.calls(ALLOCATING):
        if site.page in context.given_to(call):
            words = {n.text for a in call.arguments.values() for n in a.walk()}
            return bool(words & LOWMEM) and "__GFP_HIGHMEM" not in words
    return False


# -- stored -----------------------------------------------------------------


def _stored(context: CheckContext, site: Site) -> Iterator[Finding]:
    for use in context.uses(site, Kind.STORED):
        if use.place.kind != "assign":
            continue
        target = use.place.children[0].bare()
        root = _root(target)
        if root is None:
            continue
        reader = _reader(context, site, use, target, root)
        if reader:
            remedy = "keep the page, and map it where the address is used"
            message = (
                f"the address is stored in {plain(target.text)}, and {reader}, but"
                f" {site.name}() is valid in this thread only"
            )
            yield context.finding(use.place, message, remedy, steps=context.begun(site))
            return
        if _leaves_with(context, site, root):
            yield _kept(context, site, use, target)
            return


def _reader(
    context: CheckContext, site: Site, use: Event, target: Expr, root: Expr
) -> str:
    """Which other context can read what was stored; "" when none is seen."""
    if not _is_local(context, root):
        return f"every thread can read {root.text}"
    for call in sorted(context.trace.during(site.number), key=lambda e: e.start):
        after = call.start > use.place.start
        if after and call.callee in HANDING and _mentions(call, root.text):
            return f"{call.callee}() of line {call.start[0]} hands {root.text} on"
    if target.kind == "member" and _outlives(context, root):
        callback = _callback_reading(context, target.label)
        if callback:
            return f"{callback}(), which runs in another context, reads it"
    return ""


def _mentions(call: Expr, name: str) -> bool:
    return any(n.text == name for a in call.arguments.values() for n in a.walk())


def _root(target: Expr) -> Expr | None:
    """The variable that a place belongs to."""
    node = target
    while node.kind in ("member", "index", "paren", "unary", "cast"):
        node = node.children[0]
    return node if node.kind == "identifier" else None


def _is_local(context: CheckContext, root: Expr) -> bool:
    variable = context.function.variables.get(root.text)
    return variable is not None and not variable.static


def _outlives(context: CheckContext, root: Expr) -> bool:
    """Whether what was stored below ROOT is still there, and mapped, when the
    function returns."""
    variable = context.function.variables[root.text]
    if not variable.is_pointer or (
        "[" in variable.type and not _is_given(context, root)
    ):
        return False
    given = [context.argument(call) for call in context.trace.unmaps]
    words = {n.text for argument in given if argument for n in argument.walk()}
    return root.text not in words


def _is_given(context: CheckContext, root: Expr) -> bool:
    return root.text in {variable.name for variable in context.function.params}


def _leaves_with(context: CheckContext, site: Site, root: Expr) -> bool:
    """Whether the function ends with the mapping alive and kept by the caller."""
    return _outlives(context, root) and bool(context.uses(site, Kind.LEAKED))


def _kept(context: CheckContext, site: Site, use: Event, target: Expr) -> Finding:
    return context.finding(
        use.place,
        f"{plain(target.text)} keeps the address of {site.name}() after the function"
        " returns: only this thread may use and unmap it",
        "keep the page, unless one thread does all of it before it sleeps in another",
        NOTE,
        steps=context.begun(site),
    )


def _callback_reading(context: CheckContext, member: str) -> str:
    """A function of this file that another context runs and that reads MEMBER,
    without having come through the function that stored it."""
    outline = context.knowledge.outline
    if outline is None:
        return ""
    readers = {span.name for span in outline.holding([member])}
    for span in outline.holding(REGISTERING):
        for _, function in context.called.definitions(span.name):
            for name in _registered(function) & readers:
                if _reads_member(context, name, member):
                    return name
    return ""


def _registered(function) -> set[str]:
    calls = function.calls(REGISTERING)
    return {a.bare().text for c in calls for a in c.arguments.values()}


def _reads_member(context: CheckContext, name: str, member: str) -> bool:
    for home, function in context.called.definitions(name):
        if context.called.calls(home, function, context.function.name):
            continue
        if any(e.kind == "member" and e.label == member for e in function.exprs):
            return True
    return False
