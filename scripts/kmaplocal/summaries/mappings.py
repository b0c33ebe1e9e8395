# SPDX-License-Identifier: GPL-2.0-only
"""What a function does to the mappings of its callers: a summary.

A function that leaves a page mapped is a map function to its callers, one that
unmaps what it is given an unmap function.  Both follow from its own trace, so a
wrapper of a wrapper is one as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kmaplocal.c.cfg import Unstructured
from kmaplocal.flow.events import End, Kind, Outcome
from kmaplocal.flow.trace import Site, Trace
from kmaplocal.flow.values import Given, Value
from kmaplocal.flow.engine import TooManyPaths, Tracer
from kmaplocal.knowledge import api
from kmaplocal.summaries.named import Names, holder_of, names_of
from kmaplocal.c.syntax import Expr, Function

FAILURES = {"null", "error"}


class Mappings(NamedTuple):
    """A function as a map or unmap function; whether it may leave a page mapped,
    on the stack, in another way than that; and whether it may unmap a page that it
    neither mapped nor was given."""

    map: api.Map | None = None
    unmap: api.Unmap | None = None
    leaves: bool = False
    ends: bool = False


NONE = Mappings()
KERNEL = {
    **{name: Mappings(map=rule) for name, rule in api.KERNEL_MAPS.items()},
    **{name: Mappings(unmap=rule) for name, rule in api.KERNEL_UNMAPS.items()},
}


def alias(name: str) -> Mappings:
    """What another name for the map or unmap function NAME is."""
    made = api.PAGE_MAPS.get(name)
    map_ = made._replace(new="", by=name) if made else None
    return Mappings(map_, api.PAGE_UNMAPS.get(name))


def fits(found: Mappings, call: Expr) -> bool:
    """Whether CALL can be one of a function of which FOUND is said: the argument
    that it speaks of is there, and is no number."""
    numbers = [found.map.where] if found.map and found.map.where >= 0 else []
    numbers += [found.unmap.number] if found.unmap else []
    given = [call.arguments.get(number) for number in numbers]
    return all(a is not None and a.bare().kind != "constant" for a in given)


def summary(function: Function, knowledge, errors: bool = False) -> Mappings:
    """What FUNCTION does to mappings, where KNOWLEDGE knows the map and unmap
    functions that it calls; ERRORS: whether the page that it returns may be one."""
    calls = function.calls({**knowledge.maps, **knowledge.unmaps})
    if function.name in api.ALL or not calls:
        return Mappings(ends=bool(function.calls(knowledge.ending)))
    try:
        trace = traced(function, knowledge, errors)
    except (Unstructured, TooManyPaths):
        knowledge.cut = True
        by_page = any(
            knowledge.unmaps[n].given == api.PAGE for n in _unmapping(calls, knowledge)
        )
        return Mappings(leaves=_maps_only(function, knowledge), ends=by_page)
    ends = _ends_others(function, knowledge, trace)
    made = mapped(trace, errors)
    left = _left(trace)
    stacked = any(trace.sites[number].api.stacked for number in left)
    if not trace.fine:
        made = None  # it ends what its caller mapped, as well
    if made or left:
        return Mappings(map=made, leaves=stacked and made is None, ends=ends)
    return Mappings(unmap=_unmap(function, knowledge, trace), ends=ends)


def _unmapping(calls: list[Expr], knowledge) -> list[str]:
    return [call.callee for call in calls if call.callee in knowledge.unmaps]


def _ends_others(function: Function, knowledge, trace: Trace) -> bool:
    """Whether FUNCTION unmaps, by its page, what it found elsewhere than in itself or
    in a parameter, or calls what does."""
    own = {parameter.name for parameter in function.params}
    return bool(function.calls(knowledge.ending)) or any(
        end.kind is Kind.UNTRACED
        and knowledge.unmaps[call.callee].given == api.PAGE
        and call.arguments[0].bare().text not in own
        for call, ends in trace.unmaps.items()
        for end in ends
    )


def traced(function: Function, knowledge, errors: bool) -> Trace:
    """FUNCTION as it was followed for what it does to its callers, as summary() has
    it.  Raises Unstructured, TooManyPaths."""
    names = [parameter.name for parameter in function.params]
    return Tracer(function, knowledge, names, results=True, errors=errors).run()


def _maps_only(function: Function, knowledge) -> bool:
    """Whether a function that could not be followed has only calls that map."""
    return bool(function.calls(knowledge.maps)) and not function.calls(knowledge.unmaps)


def _left(trace: Trace) -> set[int]:
    """The mappings that are alive on some way out."""
    return {n for outcome in trace.outcomes for n in outcome.live if isinstance(n, int)}


# -- what maps ---------------------------------------------------------------


def mapped(trace: Trace, errors: bool = False) -> api.Map | None:
    """The map function that a traced function is: it leaves one page mapped, the
    address always in the same place, and its result tells where it maps nothing.
    ERRORS: an address that is returned may be beside one behind a parameter."""
    left = _left(trace)
    ways = [(o, [n for n in o.live if isinstance(n, int)]) for o in trace.outcomes]
    if not left or any(len(live) > 1 for _, live in ways):
        return None
    rules = [trace.sites[number].api for number in sorted(left)]
    if any(
        (rule.ends, rule.atomic) != (rules[0].ends, rules[0].atomic) for rule in rules
    ):
        return None
    if any(rule.under for rule in rules):
        return None  # its callers do not see of what
    with_page = [(o, live[0]) for o, live in ways if live]
    without = [o for o, live in ways if not live]
    site = trace.sites[min(left)]
    made = site.api._replace(new="", by=site.api.by or site.name, again=False)
    made = made._replace(named=_common_names(trace, sorted(left)))
    if not errors and all(_is_page(o, trace.sites[n]) for o, n in with_page):
        return _page_given(made, without)
    if all(_is_address(outcome.value, number) for outcome, number in with_page):
        beside = _beside(trace, made, without) if errors else None
        if beside:
            return beside
        kinds = {o.value.kind if o.value else "" for o in without}
        returned = {n for n in trace.returned if isinstance(n, int)}
        alone = returned == left and kinds <= FAILURES
        fails = tuple(sorted(kinds))
        return (
            made._replace(where=api.RESULT, kept=False, fails=fails) if alone else None
        )
    return _elsewhere(trace, made, [o for o, _ in with_page], without)


def _is_address(value: Value | None, site: int) -> bool:
    return value is not None and value.kind == "address" and value.site == site


def _common_names(trace: Trace, left: list[int]) -> Names:
    """By what the callers name whichever mapping it is of those LEFT."""
    found = [set(names_of(trace, trace.sites[number])) for number in left]
    return tuple(sorted(set.intersection(*found)))


def _is_page(outcome: Outcome, site: Site) -> bool:
    """Whether the page of SITE, which every thread sees mapped, is what is returned."""
    own = site.name in api.MAPS and site.page.isidentifier()
    lasting = site.api.ends == "kunmap" and not site.api.kept
    return own and lasting and outcome.text == site.page


def _page_given(made: api.Map, without: list[Outcome]) -> api.Map | None:
    """The map function that returns the page it mapped: its result tells where it
    mapped none."""
    kinds = {o.value.kind if o.value else "" for o in without}
    fails = tuple(sorted(kinds))
    told = kinds <= FAILURES
    return made._replace(fails=fails, gives_page=True) if told else None


def _elsewhere(
    trace: Trace, made: api.Map, with_page: list[Outcome], without: list[Outcome]
) -> api.Map | None:
    """The map function that puts the address behind a parameter."""
    places = {place for n in _left(trace) for place in _places(trace, n)}
    if len(places) != 1 or trace.returned & _left(trace):
        return None
    (where, kept), *_ = places
    made = made._replace(where=where, kept=kept, fails=())
    if where == api.RESULT or not without:
        return made if where != api.RESULT else None
    says = {_sign(o) for o in with_page}, {_sign(o) for o in without}
    fails = {("zero", "nonzero"): "nonzero", ("nonzero", "zero"): "zero"}
    fails |= {("nonzero", "error"): "error"}
    if any(len(signs) != 1 for signs in says):
        return None
    how = fails.get((says[0].pop(), says[1].pop()))
    return made._replace(fails=(how,)) if how else None


def _beside(trace: Trace, made: api.Map, without: list[Outcome]) -> api.Map | None:
    """The map function that returns an address in the page, and puts the one it was
    mapped at behind a parameter: `*kaddr = addr`."""
    found = {
        place
        for n in _left(trace)
        for use in trace.of(n, Kind.STORED)
        for place in [_place(trace.function, use.place, trace.sites[n])]
    }
    kinds = {o.value.kind if o.value else "" for o in without}
    if len(found) != 1 or not kinds <= FAILURES:
        return None
    ((where, kept),) = found
    if where == api.RESULT or kept:
        return None
    return made._replace(where=where, fails=tuple(sorted(kinds)), returns=True)


def _sign(outcome: Outcome) -> str:
    """Whether what is returned is "zero", "nonzero", or not known ("")."""
    value = outcome.value
    if value is None:
        return "nonzero" if outcome.text.startswith("PTR_ERR (") else ""
    kinds = {"null": "zero", "constant": "nonzero", "nonzero": "nonzero"}
    kinds |= {"pointer": "nonzero", "error": "error"}
    return kinds.get(value.kind, "")


def _places(trace: Trace, number: int) -> Iterator[tuple[int, bool]]:
    """Where the address of a mapping is left: the numbers of parameters, and
    whether in their structures; RESULT for a place that is none of that."""
    site = trace.sites[number]
    targets = [use.place for use in trace.of(number, Kind.STORED, Kind.ESCAPES)]
    own = targets and _is_local(trace.function, site.call.arguments.get(site.api.where))
    if site.api.where != api.RESULT and site.call not in targets and not own:
        targets.append(site.call)
    found = [_place(trace.function, expr, site) for expr in targets]
    yield from found or [(api.RESULT, False)]


def _is_local(function: Function, target: Expr | None) -> bool:
    """Whether TARGET is `&address` of a variable that is gone when FUNCTION returns."""
    node = target.bare() if target is not None else None
    if node is None or node.kind != "unary" or node.op != "&":
        return False
    variable = function.variables.get(node.children[0].bare().text)
    return variable is not None and not variable.static


def _place(function: Function, expr: Expr, site) -> tuple[int, bool]:
    nowhere = (api.RESULT, False)
    if expr is site.call:
        target = expr.arguments.get(site.api.where)
        kept = site.api.kept
    elif expr.kind == "assign":
        target, kept = expr.children[0], True
    else:
        return nowhere
    if target is None:
        return nowhere
    node: Expr | None = target.bare()
    assert node is not None
    if expr.kind == "assign" and node.kind == "unary" and node.op == "*":
        node, kept = node.children[0].bare(), False
    elif node.kind != "identifier":
        node, kept = _base(node), True
    names = [parameter.name for parameter in function.params]
    if node is None or node.text not in names:
        return nowhere
    if expr.kind == "assign" and node is target.bare():
        return nowhere
    return names.index(node.text), kept


def _base(node: Expr) -> Expr | None:
    """The pointer P where NODE lies in what P points to: of `P->a.b[i]`, `&P->a`."""
    while node.kind in ("member", "index", "unary", "paren", "cast"):
        node = node.children[0]
    return node if node.kind == "identifier" else None


# -- what unmaps -------------------------------------------------------------


def _unmap(function: Function, knowledge, trace: Trace) -> api.Unmap | None:
    """The unmap function that FUNCTION is: one of its parameters is unmapped."""
    found = dict.fromkeys(_ended(function, knowledge, trace))
    # Of `virt - sg->offset` it is VIRT that is unmapped.
    plain = [unmap for unmap in found if unmap.given != api.HOLDER] or [*found]
    return plain[0] if len(plain) == 1 else None


def _ended(function: Function, knowledge, trace: Trace) -> Iterator[api.Unmap]:
    numbers = {p.name: number for number, p in enumerate(function.params)}
    for call, ends in trace.unmaps.items():
        rule = knowledge.unmaps[call.callee]
        argument = call.arguments.get(rule.number)
        if argument is None:
            continue
        if rule.given == api.PAGE and not all(end.fine for end in ends):
            holder = holder_of(function, argument.bare())
            yield from (
                api.Unmap(rule.kind, n, api.HOLDER) for n in (holder,) if n is not None
            )
        for name in [n for n in numbers if n in {x.text for x in argument.walk()}]:
            held = _is_held(argument, name) or rule.given == api.HOLDER
            if held and rule.given == api.PAGE:
                continue
            if held and not all(end.fine for end in ends):
                yield api.Unmap(rule.kind, numbers[name], api.HOLDER)
            elif not held:
                ended = unmaps(function, knowledge, numbers[name], rule.given)
                if ended:
                    yield ended
    for call in function.calls(knowledge.unmaps):
        rule = knowledge.unmaps[call.callee]
        if rule.given == api.HOLDER and call not in trace.unmaps:
            argument = call.arguments.get(rule.number)
            base = _base(argument.bare()) if argument is not None else None
            if base is not None and base.text in numbers:
                yield api.Unmap(rule.kind, numbers[base.text], api.HOLDER)


def _is_held(argument: Expr, name: str) -> bool:
    """Whether an unmap's ARGUMENT is what a structure holds that the parameter NAME
    points to."""
    return any(
        node.kind == "member"
        and (base := _base(node)) is not None
        and base.text == name
        for node in argument.walk()
    )


def unmaps(
    function: Function, knowledge, number: int, given: str = api.ADDRESS
) -> api.Unmap | None:
    """The unmap function that FUNCTION is: parameter NUMBER, an address or a page
    that is mapped, is unmapped on every path, once."""
    found = ending(function, knowledge, number, given)
    return found[0] if found else None


def ending(
    function: Function, knowledge, number: int, given: str = api.ADDRESS
) -> tuple[api.Unmap, Trace] | None:
    """The same, and what was seen of the parameter in it."""
    how = {"pages": [number]} if given == api.PAGE else {"mapped": [number]}
    names = [] if given == api.PAGE else [function.params[number].name]
    try:
        trace = Tracer(function, knowledge, names, **how).run()
    except (Unstructured, TooManyPaths):
        return None
    site = Given(number)
    kinds = {
        knowledge.unmaps[call.callee].kind
        for call, ends in trace.unmaps.items()
        if End(site, Kind.UNMAPPED) in ends
    }
    again = any(end.kind is Kind.PARAMETER for end in _ends(trace, site))
    again = again or any(knowledge.unmaps[call.callee].under for call in trace.unmaps)
    if site in trace.left_live or again or len(kinds) != 1:
        return None
    return api.Unmap(min(kinds), number, given), trace


def _ends(trace: Trace, site: Given) -> Iterator[End]:
    """What the unmaps do to SITE."""
    for ends in trace.unmaps.values():
        yield from (end for end in ends if end.site == site)
