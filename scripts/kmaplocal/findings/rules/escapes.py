# SPDX-License-Identifier: GPL-2.0-only
"""Addresses that leave the thread or the function: kmap-handoff, kmap-returned."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.findings.finding import NOTE, WARNING, Finding
from kmaplocal.findings.peers import ASKING
from kmaplocal.findings.scene import Scene, lasting
from kmaplocal.knowledge import api, functions
from kmaplocal.knowledge.row import CONTEXT, DIRECT_MAP, FREED, PUBLISHED
from kmaplocal.bounds import plain
from kmaplocal.flow.events import Event, Kind
from kmaplocal.flow.trace import Site
from kmaplocal.c.syntax import Expr

HANDOFF, RETURNED = "kmap-handoff", "kmap-returned"

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
# Unmap what they are given, besides something else.
RELEASES = frozenset(
    name for name, call in api.KERNEL_UNMAPS.items() if call.given == api.ADDRESS
)
LOWMEM = {"GFP_KERNEL", "GFP_ATOMIC", "GFP_NOIO", "GFP_NOFS", "GFP_DMA", "GFP_DMA32"}
LOWMEM |= {"GFP_NOWAIT", "GFP_KERNEL_ACCOUNT"}


def handoffs(scene: Scene) -> Iterator[Finding]:
    """Addresses that another thread, a device or the direct map is asked to
    understand."""
    for site in scene.sites:
        for use in scene.uses(site, Kind.ESCAPES):
            found = _given(scene, site, use)
            if found:
                yield found
                break
        if not lasting(site):
            yield from _stored(scene, site)


def _given(scene: Scene, site: Site, use: Event) -> Finding | None:
    chain = _chain(scene, site, use)
    if chain is None:
        return None
    last, way = chain
    page = scene.named(site)
    if last in TRANSLATING:
        message = (
            f"the address {page} goes to {way}: {functions.of(last).how}, which is"
            " wrong for a highmem page"
        )
        remedy = "pass the page and the offset, as to sg_set_page() or dma_map_page()"
        severity = NOTE if is_lowmem(scene, site) else ""
        return scene.finding(
            HANDOFF, use.place, message, remedy, severity, steps=scene.begun(site)
        )
    message = (
        f"the address {page} goes to {way}: another context reads it, but"
        f" {site.name}() is valid in this thread only"
    )
    remedy = "pass the page and map it where it is used"
    return scene.finding(HANDOFF, use.place, message, remedy, steps=scene.begun(site))


def _chain(scene: Scene, site: Site, use: Event) -> tuple[str, str] | None:
    """The function that cannot have the address, and how it gets there."""
    if scene.function.calls(ASKING):
        return None
    names = set(TRANSLATING)
    if not lasting(site):
        names |= HANDING | PUBLISHING
    for number, argument in use.place.arguments.items():
        if not _holds(scene, site, argument):
            continue
        if scene.knowledge.argument(use.place.callee, number).verdict == "escapes":
            chain = scene.peers.handed(scene.file, use.place, number, names)
            if chain and (chain[0] not in OWN or chain[0] == use.place.callee):
                return chain
    return None


def _holds(scene: Scene, site: Site, argument: Expr) -> bool:
    """Whether an argument is made of the address."""
    reads = scene.trace.reads(site.number)
    return any(node in reads or node is site.call for node in argument.walk())


def is_lowmem(scene: Scene, site: Site) -> bool:
    """Whether the page was allocated here, and not from highmem."""
    for call in scene.function.calls(ALLOCATING):
        if site.page in scene.given_to(call):
            words = {n.text for a in call.arguments.values() for n in a.walk()}
            return bool(words & LOWMEM) and "__GFP_HIGHMEM" not in words
    return False


# -- stored -----------------------------------------------------------------


def _stored(scene: Scene, site: Site) -> Iterator[Finding]:
    for use in scene.uses(site, Kind.STORED):
        if use.place.kind != "assign":
            continue
        target = use.place.children[0].bare()
        root = _root(target)
        if root is None:
            continue
        reader = _reader(scene, site, use, target, root)
        if reader:
            remedy = "keep the page, and map it where the address is used"
            message = (
                f"the address is stored in {plain(target.text)}, and {reader}, but"
                f" {site.name}() is valid in this thread only"
            )
            yield scene.finding(
                HANDOFF, use.place, message, remedy, steps=scene.begun(site)
            )
            return
        if _leaves_with(scene, site, root):
            yield _kept(scene, site, use, target)
            return


def _reader(scene: Scene, site: Site, use: Event, target: Expr, root: Expr) -> str:
    """Which other context can read what was stored; "" when none is seen."""
    if not _is_local(scene, root):
        return f"every thread can read {root.text}"
    for call in sorted(scene.trace.during(site.number), key=lambda e: e.start):
        after = call.start > use.place.start
        if after and call.callee in HANDING and _mentions(call, root.text):
            return f"{call.callee}() of line {call.start[0]} hands {root.text} on"
    if target.kind == "member" and _outlives(scene, root):
        callback = _callback_reading(scene, target.label)
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


def _is_local(scene: Scene, root: Expr) -> bool:
    variable = scene.function.variables.get(root.text)
    return variable is not None and not variable.static


def _outlives(scene: Scene, root: Expr) -> bool:
    """Whether what was stored below ROOT is still there, and mapped, when the
    function returns."""
    variable = scene.function.variables[root.text]
    if not variable.is_pointer or ("[" in variable.type and not _is_given(scene, root)):
        return False
    given = [scene.argument(call) for call in scene.untraced]
    words = {n.text for argument in given if argument for n in argument.walk()}
    return root.text not in words


def _is_given(scene: Scene, root: Expr) -> bool:
    return root.text in {variable.name for variable in scene.function.params}


def _leaves_with(scene: Scene, site: Site, root: Expr) -> bool:
    """Whether the function ends with the mapping alive and kept by the caller."""
    return _outlives(scene, root) and bool(scene.uses(site, Kind.LEAKED))


def _kept(scene: Scene, site: Site, use: Event, target: Expr) -> Finding:
    return scene.finding(
        HANDOFF,
        use.place,
        f"{plain(target.text)} keeps the address of {site.name}() after the function"
        " returns: only this thread may use and unmap it",
        "keep the page, unless one thread does all of it before it sleeps in another",
        NOTE,
    )


def _callback_reading(scene: Scene, member: str) -> str:
    """A function of this file that another context runs and that reads MEMBER,
    without having come through the function that stored it."""
    outline = scene.knowledge.outline
    if outline is None:
        return ""
    readers = {span.name for span in outline.holding([member])}
    for span in outline.holding(REGISTERING):
        for _, function in scene.peers.definitions(span.name):
            for name in _registered(function) & readers:
                if _reads_member(scene, name, member):
                    return name
    return ""


def _registered(function) -> set[str]:
    calls = function.calls(REGISTERING)
    return {a.bare().text for c in calls for a in c.arguments.values()}


def _reads_member(scene: Scene, name: str, member: str) -> bool:
    for home, function in scene.peers.definitions(name):
        if scene.peers.calls(home, function, scene.function.name):
            continue
        if any(e.kind == "member" and e.label == member for e in function.exprs):
            return True
    return False


# -- returned -----------------------------------------------------------------


def returns(scene: Scene) -> Iterator[Finding]:
    """Addresses that the function returns while their page is mapped."""
    for site in scene.sites:
        gone = {use.place for use in scene.uses(site, Kind.DANGLING)}
        alive = [u for u in scene.uses(site, Kind.RETURNED) if u.place not in gone]
        for use in alive[:1]:
            yield _returned(scene, site, use)


def _returned(scene: Scene, site: Site, use: Event) -> Finding:
    message = f"the address of {plain(site.call.text)} is returned still mapped"
    unmapped = unmapped_in_file(scene, site)
    if not unmapped:
        message += f", and no function of this file calls {site.api.ends}()"
    remedy = f"say in a comment that the caller is to call {site.api.ends}()"
    severity = NOTE if unmapped else WARNING
    return scene.finding(RETURNED, use.place, message, remedy, severity)


def unmapped_in_file(scene: Scene, site: Site) -> bool:
    """Whether the file holds an unmap for a mapping, or its users are elsewhere."""
    if site.name not in api.ALL:
        return True  # what maps for its callers has a counterpart where it is
    return speaks_of_unmap(scene, site)


def speaks_of_unmap(scene: Scene, site: Site) -> bool:
    """Whether the file names what unmaps a mapping, or is a header."""
    outline = scene.knowledge.outline
    if outline is None or scene.file.endswith(".h"):
        return True
    words = {t.text for t in outline.tokens}
    return not words.isdisjoint((site.api.ends, *RELEASES))
