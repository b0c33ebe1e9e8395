# SPDX-License-Identifier: GPL-2.0-only
"""Unmaps of what was never mapped, beside a mapping that stays: kmap-wrong-argument."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.findings.finding import WARNING, Finding
from kmaplocal.findings.context import PASSED_ON, CheckContext
from kmaplocal.bounds import plain
from kmaplocal.bounds.offsets import values_of
from kmaplocal.c.places import changes, names_in
from kmaplocal.flow.events import Kind
from kmaplocal.flow.trace import Site
from kmaplocal.c.syntax import Expr, Stmt


def unmaps_astray(context: CheckContext) -> Iterator[Finding]:
    """Unmaps of another page or pointer than the one mapping of their kind, which
    nothing ends: it is mixed up with what is unmapped instead."""
    for unmap in context.untraced:
        argument = context.argument(unmap)
        following = _maps_next(context, unmap, argument) if argument else None
        if argument is not None and following is not None:
            yield _too_early(context, unmap, plain(argument.text), following)
            continue
        kept = _kept_beside(context, argument) if argument is not None else None
        if argument is not None and kept is not None:
            yield _astray(context, kept, unmap, argument)
            continue
        left = [site for site in context.sites if _stays(context, site, unmap)]
        if len(left) != 1 or argument is None:
            continue
        if _is_another(context, left[0], argument.bare()):
            yield _astray(context, left[0], unmap, argument)
        elif _is_other_member(context, left[0], argument.bare()):
            yield _astray(context, left[0], unmap, argument, WARNING)


def _kept_beside(context: CheckContext, argument: Expr) -> Site | None:
    """The mapping whose address is kept in the element of another array than ARGUMENT,
    of the same index, and that nothing ends; the arrays are parameters."""
    node = argument.bare()
    if node.kind != "index" or not _is_given(context, node.children[0].text):
        return None
    array, index = (child.text for child in node.children)
    for site in context.sites:
        for use in context.uses(site, Kind.STORED):
            kept = use.place.children[0].bare() if use.place.children else node
            if kept.kind != "index" or context.unmaps(site):
                continue
            other, at = (child.text for child in kept.children)
            if at == index and other != array and _is_parameter(context, other):
                return site
    return None


def _maps_next(context: CheckContext, unmap: Expr, page: Expr) -> Site | None:
    """The mapping that is made behind UNMAP of the very PAGE that this unmaps, which
    was stepped to before: the step comes too early."""
    home = context.statement(unmap)
    if home is None or context.kind(unmap) != "kunmap":
        return None
    text, names = page.bare().text, names_in(page)
    for site in context.sites:
        start = context.statement(site.call)
        if site.page != text or start not in [*context.sequel(home)][:1]:
            continue
        block = context.places.siblings(home)
        before = block[: block.index(home)][-1:]
        stepped = [n for stmt in before for n in _nodes(stmt) if changes(n, names)]
        if stepped and site.call.start not in {s.start for s in before}:
            return site
    return None


def _too_early(context: CheckContext, unmap: Expr, page: str, site: Site) -> Finding:
    return context.finding(
        unmap,
        f"{plain(unmap.text)}: line {site.call.start[0]} has yet to map {page}, and the"
        " page before it stays mapped",
        "unmap first, and go on to the next page then",
        steps=[context.step(site.call, "mapped only here")],
    )


def _stays(context: CheckContext, site: Site, unmap: Expr) -> bool:
    """Whether nothing ends a mapping that UNMAP would be of the kind for."""
    if site.api.ends != context.kind(unmap) or site.call.start > unmap.start:
        return False
    uses = context.uses(site, *PASSED_ON, Kind.RETURNED)
    passed = any(use.place not in unmap.walk() for use in uses)
    return not passed and not context.unmaps(site)


def _is_another(context: CheckContext, site: Site, argument: Expr) -> bool:
    """Whether ARGUMENT cannot be what was mapped: the address of a variable, a
    parameter that keeps its value, or another element of an array."""
    if _is_moved_on(context, site, argument) or _is_beside(context, site, argument):
        return True
    if argument.kind == "unary" and argument.op == "&":
        return argument.children[0].bare().kind == "identifier"
    if _is_first(context, site, argument):
        return True
    if argument.kind == "identifier":
        page = site.call.arguments.get(0)
        same = {n.text for n in page.walk()} if page is not None else set()
        whole = page.bare().text if page is not None else ""
        apart = argument.text not in same or site.api.ends != "kunmap"
        elsewhere = _is_given(context, argument.text) or _is_unmapped(
            context, site, argument.text
        )
        return argument.text != whole and apart and elsewhere
    if _is_of_another(context, site, argument):
        return True
    return argument.kind == "index" and _is_other_element(context, argument)


def _is_beside(context: CheckContext, site: Site, argument: Expr) -> bool:
    """Whether ARGUMENT is a page where the mapped one is some pages behind it, or the
    reverse: `page` for `page + n`."""
    page = site.call.arguments.get(0)
    if page is None or site.api.ends != "kunmap":
        return False
    for one, other in ((page.bare(), argument), (argument, page.bare())):
        if one.op == "+" and one.kind == "binary" or one.callee == "nth_page":
            first, number = list(one.arguments.values()) or one.children
            names = names_in(number) | names_in(first)
            same = first.bare().text == other.text and number.bare().text != "0"
            if same and all(_is_given(context, name) for name in names):
                return True
    return False


def _is_first(context: CheckContext, site: Site, argument: Expr) -> bool:
    """Whether ARGUMENT is the first page of the compound page that the mapped one is a
    part of."""
    sources = values_of(argument.text, context.function) or [argument]
    page = site.page if site.api.ends == "kunmap" else ""
    return bool(page) and all(
        v.callee == "compound_head" and v.arguments[0].bare().text == page
        for v in sources
    )


def _is_of_another(context: CheckContext, site: Site, argument: Expr) -> bool:
    """Whether ARGUMENT is the same part of another parameter than the page that was
    mapped: `b->pages[0]` for `a->pages[0]`."""
    page = site.call.arguments.get(0)
    if page is None or argument.kind not in ("member", "index"):
        return False
    mapped, given = (_leftmost(node) for node in (page.bare(), argument))
    same = page.bare().text[len(mapped) :] == argument.text[len(given) :]
    kept = _is_given(context, given) and (
        _is_given(context, mapped) or _is_gone_through(context, site, mapped)
    )
    return same and kept and mapped != given


def _is_gone_through(context: CheckContext, site: Site, name: str) -> bool:
    """Whether NAME is what a loop around the mapping goes through a list by, and is set
    by nothing else."""
    heads = (loop for loop in context.loops(site.call) if loop.kind == "iterator")
    goes = any(e.bare().text == name for loop in heads for e in loop.exprs)
    return goes and not any(changes(node, {name}) for node in context.function.exprs)


def _leftmost(node: Expr) -> str:
    while node.children and node.kind in ("member", "index", "paren"):
        node = node.children[0]
    return node.text


def _is_moved_on(context: CheckContext, site: Site, argument: Expr) -> bool:
    """Whether ARGUMENT is, word for word, the page that was mapped, but a variable in
    it has been stepped since, or by mapping it, whatever was the case."""
    page, home = site.call.arguments.get(0), context.statement(site.call)
    if page is not None and argument.kind == "index":
        page = context.analysis.bounds().reaching.value(page.bare()) or page
        home = context.statement(page)
    if page is None or home is None or site.api.ends != "kunmap":
        return False
    stepped = _steps_itself(page.bare(), argument)
    if not stepped and page.bare().text != argument.text:
        return False
    names = {n.text for n in argument.walk() if n.kind == "identifier"}
    places = {n.text for i in _indices(argument) for n in i.walk()}
    for stmt in context.sequel(home):
        if stmt.start <= argument.start < stmt.end:
            return stepped
        if stepped and any(changes(n, names) for e in stmt.walk() for n in _nodes(e)):
            return False
        if any(n.op != "&" and _sets(n, names, places) for n in stmt.exprs):
            return True
    return False


def _indices(argument: Expr) -> Iterator[Expr]:
    """What elements are chosen by in ARGUMENT."""
    return (n.children[1] for n in argument.walk() if n.kind == "index")


def _sets(node: Expr, names: set[str], places: set[str]) -> bool:
    """Whether NODE changes one of the variables NAMES, or of the members PLACES."""
    if changes(node, names):
        return True
    steps = node.kind in ("assign", "postfix") or node.op in ("++", "--")
    return steps and node.children[0].bare().text in places


def _steps_itself(page: Expr, argument: Expr) -> bool:
    """Whether PAGE is `a[i++]` where ARGUMENT is `a[i]`."""
    if page.kind != "index" or argument.kind != "index":
        return False
    array, index = page.children
    return (
        array.text == argument.children[0].text
        and index.kind == "postfix"
        and index.children[0].text == argument.children[1].text
    )


def _nodes(stmt: Stmt) -> Iterator[Expr]:
    return (node for root in stmt.exprs for node in root.walk())


def _is_unmapped(context: CheckContext, site: Site, name: str) -> bool:
    """Whether the variable NAME is only ever set to what page_address() says of
    another page than the mapped one."""
    page = site.call.arguments.get(0)
    sources = values_of(name, context.function)
    if page is None or not sources:
        return False
    return all(
        source.callee == "page_address"
        and source.arguments[0].bare().text != page.bare().text
        for source in sources
    )


def _is_other_member(context: CheckContext, site: Site, argument: Expr) -> bool:
    """Whether ARGUMENT is another member of what the mapped page is a member of, with
    nothing called that may have changed it."""
    page = site.call.arguments.get(0)
    node = page.bare() if page is not None else argument
    while node.kind == "index":
        node = node.children[0].bare()
    if argument.kind != "member" or node.kind != "member" or site.api.stacked:
        return False
    base, other = argument.children[0].bare(), node.children[0].bare()
    return (
        argument.label != node.label
        and base.text == other.text
        and all(_is_given(context, name) for name in {_leftmost(base)})
        and not any(changes(n, {argument.label}) for n in context.function.exprs)
    )


def _is_parameter(context: CheckContext, name: str) -> bool:
    """Whether NAME is a parameter that is not set, though what it points to may be."""
    targets = (e.children[0].bare() for e in context.function.exprs if e.children)
    given = name in {variable.name for variable in context.function.params}
    return given and not any(
        t.text == name
        and t.parent is not None
        and t.parent.kind in ("assign", "postfix")
        for t in targets
    )


def _is_given(context: CheckContext, name: str) -> bool:
    """Whether NAME is a parameter to which nothing is assigned."""
    given = {variable.name for variable in context.function.params}
    return name in given and not any(
        changes(node, {name}) for node in context.function.exprs
    )


def _is_other_element(context: CheckContext, argument: Expr) -> bool:
    """Whether ARGUMENT is an element of an array of which another is mapped, both by
    parameters that keep their values."""
    array, index = argument.children
    for site in context.sites:
        page = site.call.arguments.get(0)
        mapped = page.bare() if page is not None else None
        if mapped is None or mapped.kind != "index":
            continue
        if mapped.text == argument.text:
            return False
        if mapped.children[0].text != array.text:
            continue
        names = names_in(index) | names_in(mapped.children[1])
        given = bool(names) and all(_is_given(context, name) for name in names)
        return given or _is_constant(context, site, index.bare(), mapped.children[1])
    return False


def _is_constant(context: CheckContext, site: Site, index: Expr, counter: Expr) -> bool:
    """Whether INDEX is a number where that of the mapped element is the COUNTER of the
    loop around its mapping."""
    name = counter.bare().text
    return index.kind == "constant" and any(
        changes(node, {name})
        for loop in context.loops(site.call)
        if loop.kind == "for"
        for node in loop.exprs
    )


def _astray(
    context: CheckContext, site: Site, unmap: Expr, argument: Expr, severity: str = ""
) -> Finding:
    given, page = plain(argument.text), plain(site.page)
    wanted = page if site.api.ends == "kunmap" else context.named(site)
    return context.finding(
        unmap,
        f"{plain(unmap.text)}: {given} was not mapped here, and {page}, mapped in line"
        f" {site.call.start[0]}, stays mapped",
        f"pass {wanted}",
        severity,
        steps=context.begun(site),
    )
