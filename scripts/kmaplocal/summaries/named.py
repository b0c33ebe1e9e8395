# SPDX-License-Identifier: GPL-2.0-only
"""By what the callers of a map function name the mapping, beside its address.

    void *get(struct ctx *c, struct page **pagep)

may map `c->page`, then what unmaps the page of `c` ends it; or leave the page behind
PAGEP, then kunmap() of that does.
"""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.bounds.offsets import values_of
from kmaplocal.flow.events import Kind
from kmaplocal.flow.trace import Site, Trace
from kmaplocal.knowledge import api
from kmaplocal.c.syntax import Expr, Function

Names = tuple[tuple[int, str], ...]


def names_of(trace: Trace, site: Site) -> Names:
    """The numbers of the parameters that name the mapping SITE, each with how."""
    function = trace.function
    found = set(_of_page(function, site)) if site.api.ends == "kunmap" else set()
    for use in trace.of(site.number, Kind.STORED):
        target = use.place.children[0].bare() if use.place.kind == "assign" else None
        number = _holder(function, target) if target is not None else None
        found |= {(number, api.HOLDER)} if number is not None else set()
    return tuple(sorted(found))


def _of_page(function: Function, site: Site) -> Iterator[tuple[int, str]]:
    """By what the page is named, that the map call is given or leaves somewhere."""
    own = ((0, api.PAGE),) if site.name in api.MAPS else site.api.named
    for number, how in own:
        argument = site.call.arguments.get(number)
        node = argument.bare() if argument is not None else None
        if node is not None and how == api.HOLDER:
            held = _parameter(function, _base(node))
            yield from ((n, api.HOLDER) for n in (held,) if n is not None)
        elif node is not None and how == api.OUTPUT and node.op == "&":
            yield from _by(function, node.children[0].bare())
        elif node is not None and how == api.PAGE:
            yield from _by(function, node)


def _by(function: Function, page: Expr) -> Iterator[tuple[int, str]]:
    """By what the expression PAGE is named to the callers of FUNCTION."""
    number = _parameter(function, page)
    if number is not None:
        yield number, api.PAGE
    for expr in function.exprs if page.kind == "identifier" else ():
        pair = [child.bare() for child in expr.children]
        if expr.kind != "assign" or pair[1].text != page.text:
            continue
        how = api.OUTPUT if pair[0].op == "*" else api.HOLDER
        stored = _holder(function, pair[0])
        yield from ((n, how) for n in (stored,) if n is not None)
    holder = holder_of(function, page)
    if holder is not None:
        yield holder, api.HOLDER


def holder_of(function: Function, expr: Expr) -> int | None:
    """The one parameter of FUNCTION by way of whose structure, or behind which, EXPR is
    found; None where there is none."""
    nodes = list(expr.walk())
    for name in [n.text for n in nodes if n.kind == "identifier"]:
        local = name in function.variables and _number(function, name) is None
        values = values_of(name, function) if local else []
        nodes += [n for v in values[:1] if len(values) == 1 for n in v.walk()]
    found = {_holder(function, node) for node in nodes} - {None}
    return found.pop() if len(found) == 1 else None


def _holder(function: Function, node: Expr) -> int | None:
    """The parameter P where NODE is `P->a.b`, `*P` or the like."""
    if node.kind != "member" and node.op != "*":
        return None
    return _parameter(function, _base(node))


def _base(node: Expr) -> Expr:
    while node.kind in ("member", "index", "unary", "paren", "cast"):
        node = node.children[0]
    return node


def _parameter(function: Function, node: Expr) -> int | None:
    """The number of the parameter that NODE is, which keeps its value."""
    kept = node.kind == "identifier" and not values_of(node.text, function)
    return _number(function, node.text) if kept else None


def _number(function: Function, name: str) -> int | None:
    names = [parameter.name for parameter in function.params]
    return names.index(name) if name in names else None
