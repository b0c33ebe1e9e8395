# SPDX-License-Identifier: GPL-2.0-only
"""What a function does with an address that it is given, from its trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kmaplocal.c.cfg import Unstructured
from kmaplocal.c.syntax import Function
from kmaplocal.flow.memo import Recorder
from kmaplocal.flow.engine import TooManyPaths, Tracer
from kmaplocal.flow.events import AGAINST, ELSEWHERE, Event, Kind, Reason, Root
from kmaplocal.flow.trace import Trace
from kmaplocal.flow.tree import Effect, Escape, Inside
from kmaplocal.flow.values import Given

NOTHING = Effect(Escape.NO, writes=False)
POINTER = "the address is passed through a function pointer"


@dataclass
class Summary:
    """A function as its callers see it: an effect a parameter, and the calls
    in it that need page faults or preemption to be off."""

    place: str
    effects: list[Effect]
    context: dict[str, str] = field(default_factory=dict)

    def says(self) -> list[Effect]:
        """The effects without their evidence."""
        return [effect._replace(evidence="", root=None) for effect in self.effects]


def summarised(
    file: str, function: Function, inside: Inside | None, knowledge: Recorder
) -> Summary:
    names = [v.name for v in function.params]
    contents = [inside] if inside else []
    followed = [names[inside.number]] if inside else names
    try:
        trace = Tracer(function, knowledge, followed, contents=contents).run()
    except (Unstructured, TooManyPaths) as error:
        knowledge.cut = True
        return unknown(file, function, f"{function.name}() in {file}: {error}")
    sites = [Given(number) for number in range(len(names))]
    if inside:
        sites[inside.number] = Given(inside.number, behind=True)
    effects = [_effect_of(file, function, trace, s) for s in sites]
    return Summary(file, [_doubted(e, file, function) for e in effects])


def _doubted(effect: Effect, file: str, function: Function) -> Effect:
    """EFFECT, unknown where the part of FUNCTION that was read is harmless."""
    if not function.unread or effect.escape is not Escape.NO:
        return effect
    why = f"{function.name}() in {file}: {function.unread}"
    root = Root("unread", function.name, where=file)
    return effect._replace(escape=Escape.UNKNOWN, evidence=why, root=root)


def unknown(file: str, function: Function, why: str, what="unread") -> Summary:
    effect = Effect(Escape.UNKNOWN, False, why, root=Root(what, function.name))
    return Summary(file, [effect] * len(function.params))


def _effect_of(file: str, function: Function, trace: Trace, site: Given) -> Effect:
    """The effect on one parameter, from the trace of the function."""
    effect = Effect(
        Escape.NO,
        site in trace.returned,
        f"{function.name}() ({file})",
        tuple(sorted(trace.outputs(site).items())),
        site in trace.written,
    )
    name = function.name
    ended = trace.unmaps_of(site) if isinstance(site, Given) and site.behind else []
    if ended:
        where = f"{file}:{ended[0].start[0]}"
        told = f"{name}() unmaps it ({where})"
        root = Root("maps", name, where=where)
        return effect._replace(escape=Escape.YES, evidence=told, root=root)
    effect = _with_callbacks(effect, trace, site)
    for use in trace.of(site, Kind.ESCAPES, Kind.STORED, Kind.ADDRESS_TAKEN):
        what = {
            Kind.STORED: f"stores it in {use.detail}",
            Kind.ADDRESS_TAKEN: f"takes the address of {use.detail}",
            Kind.ESCAPES: use.detail,
        }[use.kind]
        where = f"{file}:{use.place.start[0]}"
        told = f"{name}() {what} ({where})"
        root = _root_of(use, name, where)
        return effect._replace(escape=Escape.YES, evidence=told, root=root)
    for use in trace.of(site, Kind.UNKNOWN, Kind.OPAQUE):
        where = f"{file}:{use.place.start[0]}"
        why = use.detail if use.kind is Kind.UNKNOWN else f"does {use.detail}"
        told = f"{name}(): {why} ({where})"
        awaits, root = trace.awaits(site), _root_of(use, name, where)
        return effect._replace(
            escape=Escape.UNKNOWN, evidence=told, awaits=awaits, root=root
        )
    pointers = dict.fromkeys(u.detail for u in trace.of(site, Kind.POINTER))
    relies = next((u.detail for u in trace.of(site, Kind.RELIES)), "")
    relies = f"{name}(): {relies}" if relies else ""
    return effect._replace(pointers=tuple(pointers), relies=relies)


def _with_callbacks(effect: Effect, trace: Trace, site: Given) -> Effect:
    """EFFECT on SITE, with the calls of what the caller gives, where nothing else
    stands against it, and what is written besides."""
    against = [event.about for event in trace.of(site, *AGAINST)]
    reasons = [about for about in against if isinstance(about, Reason)]
    callbacks = tuple(dict.fromkeys(c for r in reasons for c in r.callbacks))
    if len(reasons) < len(against) or not all(r.callbacks for r in reasons):
        callbacks = ()
    calls = {event.place for event in trace.of(site, *AGAINST)} if callbacks else set()
    written = [e for e in trace.of(site, Kind.WRITTEN) if e.place not in calls]
    members = frozenset(event.detail for event in written) - {ELSEWHERE}
    return effect._replace(
        callbacks=callbacks,
        writes=bool(written),
        members=None if "" in members else members,
    )


def _root_of(use: Event, name: str, where: str) -> Root:
    """What USE, in the function NAME, comes down to: here, or where it is known
    already."""
    root = use.root or Root(use.kind.value, use.detail)
    return root if root.function else root._replace(function=name, where=where)


def worst_of(effects: Sequence[Effect]) -> Effect:
    """What functions do, one of which is called: the verdict on the worst, and
    what any of them does besides."""
    worst = max(effects, key=lambda e: (e.escape.value, e.awaits is None))
    return worst._replace(
        returns=any(e.returns for e in effects),
        through=tuple(sorted({t for e in effects for t in e.through})),
        writes=any(e.writes for e in effects),
        relies=next((e.relies for e in effects if e.relies), ""),
    )
