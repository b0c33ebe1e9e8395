# SPDX-License-Identifier: GPL-2.0-only
"""The trace: all that was seen of the mappings of one function, on all paths.

The engine writes a Log, to which events are only added; who reads gets a Trace, which
never changes. What a reader asks a trace for is computed from its events.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from kmaplocal.flow.events import AGAINST, UNMAPS, About, Alive, End, Event, Held
from kmaplocal.flow.events import Jumps, Kind, Outcome, Output, PassedBy, Path, Reason
from kmaplocal.flow.events import ends_only
from kmaplocal.flow.pointers import Pointer
from kmaplocal.flow.values import Given, Origin, Value
from kmaplocal.knowledge.row import Map
from kmaplocal.c.syntax import Expr, Function, Point

_Key = tuple[Kind, Origin | None, Expr, str, About]

# Events at one place of which one alone can happen each time.
_APART = {Kind.ACCESS: 1, Kind.AFTER_UNMAP: 1, Kind.TESTED: 2}
_APART |= dict.fromkeys(UNMAPS, 3)


@dataclass(frozen=True, eq=False)
class Site:
    """A map call, and the variable that is given the address, "" where there is
    none."""

    number: int
    call: Expr
    api: Map
    name: str
    page: str
    variable: str = ""


class Log:
    """What the engine has seen of FUNCTION so far. EXCHANGED: for some of its unmaps,
    those whose arguments they are to have."""

    def __init__(self, function: Function, exchanged: Mapping[Expr, Expr]):
        self.function = function
        self.exchanged = exchanged
        self.sites: list[Site] = []
        self.path: Path = ()  # on which the engine is
        self._seen: dict[_Key, Path] = {}

    def note(
        self,
        kind: Kind,
        site: Origin | None,
        place: Expr,
        detail: str = "",
        about: About = None,
    ) -> None:
        """Add an event."""
        self._seen.setdefault((kind, site, place, detail, about), self.path)

    def name(self, site: int, variable: str) -> None:
        """Say that the address of SITE is given to VARIABLE."""
        if self.sites[site].variable != variable:
            self.sites[site] = replace(self.sites[site], variable=variable)

    def given(self, unmap: Expr) -> Expr:
        """The unmap whose argument the call UNMAP has."""
        return self.exchanged.get(unmap, unmap)

    def trace(self) -> Trace:
        """All of it, as it is now."""
        return Trace(
            self.function, tuple(self.sites), dict(self._seen), dict(self.exchanged)
        )


@dataclass(frozen=True, eq=False)
class Trace:
    """What was seen in FUNCTION, whose map calls are SITES."""

    function: Function
    sites: tuple[Site, ...] = ()
    seen: Mapping[_Key, Path] = field(default_factory=dict)
    exchanged: Mapping[Expr, Expr] = field(default_factory=dict)

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """The events, in the order in which they were seen first."""
        ways: dict[tuple[int, Expr], set[tuple[Kind, Origin | None]]] = defaultdict(set)
        for kind, site, place, _, _ in self.seen:
            if kind in _APART:
                ways[_APART[kind], place].add((kind, site))

        def sure(kind: Kind, place: Expr) -> bool:
            return kind not in _APART or len(ways[_APART[kind], place]) == 1

        found = self.seen.items()
        return tuple(Event(*key, path, sure(key[0], key[2])) for key, path in found)

    @cached_property
    def _of_site(self) -> Mapping[Origin | None, list[Event]]:
        found: dict[Origin | None, list[Event]] = defaultdict(list)
        for event in self.events:
            found[event.site].append(event)
        return found

    @cached_property
    def _of_kind(self) -> Mapping[Kind, list[Event]]:
        found: dict[Kind, list[Event]] = {kind: [] for kind in Kind}
        for event in self.events:
            found[event.kind].append(event)
        return found

    def given(self, unmap: Expr) -> Expr:
        """The unmap whose argument the call UNMAP has: its own, unless two of
        them are exchanged."""
        return self.exchanged.get(unmap, unmap)

    def of(self, site: Origin | None, *kinds: Kind) -> list[Event]:
        """What was seen of SITE, of one of KINDS; of any, where none is given."""
        own = self._of_site.get(site, ())
        return [event for event in own if not kinds or event.kind in kinds]

    def about(self, site: Site) -> tuple[Event, ...]:
        """Everything that was seen of a mapping."""
        return tuple(self._of_site.get(site.number, ()))

    def awaits(self, site: Origin) -> Pointer | None:
        """A function pointer to be known before more can be said of an address that
        nothing else stands against."""
        against = [event.about for event in self.of(site, *AGAINST)]
        awaited = [a.awaits if isinstance(a, Reason) else None for a in against]
        return awaited[0] if awaited and all(awaited) else None

    @property
    def waits(self) -> bool:
        """Whether a function pointer is not known yet that something depends on."""
        abouts = (event.about for event in self.events)
        return any(isinstance(about, Reason) and about.awaits for about in abouts)

    # -- unmaps ------------------------------------------------------------

    @cached_property
    def unmaps(self) -> Mapping[Expr, frozenset[End]]:
        """The unmaps that a path leads to, with what each does on some path."""
        found: dict[Expr, set[End]] = {}
        for event in self.events:
            if event.kind in UNMAPS:
                end = End(event.site, event.kind, event.detail)
                found.setdefault(event.place, set()).add(end)
        return {unmap: frozenset(ends) for unmap, ends in found.items()}

    @property
    def fine(self) -> bool:
        """Whether every unmap ends a mapping of this function, once."""
        return all(end.fine for ends in self.unmaps.values() for end in ends)

    def unmaps_of(self, site: Origin) -> list[Expr]:
        """The unmaps that end SITE on some path, in the order they were seen."""
        found = (e.place for e in self.of(site, *UNMAPS))
        return list(dict.fromkeys(found))

    def unmaps_alone(self, site: Origin) -> list[Expr]:
        """The same; [] where one of them ends another mapping as well."""
        found = self.unmaps_of(site)
        return found if all(ends_only(self.unmaps[e], site) for e in found) else []

    def ended(self, unmap: Expr) -> list[Site]:
        """The mappings of this function that UNMAP ends on some path, or would."""
        sites = {end.site for end in self.unmaps[unmap]}
        return [site for site in self.sites if site.number in sites]

    @cached_property
    def _held(self) -> Mapping[Expr, list[Held]]:
        found: dict[Expr, list[Held]] = defaultdict(list)
        for event in self.events:
            if isinstance(event.about, Held):
                found[event.place].append(event.about)
        return found

    def holders(self, unmap: Expr) -> frozenset[str]:
        """The variables that hold the address at UNMAP, on every path to it."""
        return _common(held.holders for held in self._held.get(unmap, ()))

    def bases(self, unmap: Expr) -> frozenset[str]:
        """... that of them which are as they were mapped."""
        return _common(held.bases for held in self._held.get(unmap, ()))

    def stale(self, unmap: Expr) -> frozenset[str]:
        """... of which it is not known on some path what was added to the address."""
        found = (held.stale for held in self._held.get(unmap, ()))
        return frozenset[str]().union(*found)

    def moved(self, unmap: Expr) -> Value | None:
        """The address that UNMAP is given, where it was moved on some path."""
        found = (held.value for held in self._held.get(unmap, ()))
        values = {value.moved: value for value in found if value is not None}
        return values[max(values)] if values else None

    # -- mappings that are alive together --------------------------------------

    @cached_property
    def _called(self) -> Mapping[Origin, list[Expr]]:
        found: dict[Origin, dict[Expr, None]] = defaultdict(dict)
        for event in self.events:
            if isinstance(event.about, Alive):
                for site in event.about.sites:
                    found[site].setdefault(event.place)
        return {site: list(calls) for site, calls in found.items()}

    def during(self, site: Origin) -> Sequence[Expr]:
        """The calls that are made while SITE is alive."""
        return self._called.get(site, ())

    @cached_property
    def _alive(self) -> Mapping[Expr, set[tuple[Origin, ...]]]:
        found: dict[Expr, set[tuple[Origin, ...]]] = defaultdict(set)
        for event in self._of_kind[Kind.CALLED]:
            if isinstance(event.about, Alive):
                found[event.place].add(event.about.sites)
        return found

    def alive(self, call: Expr) -> set[tuple[Origin, ...]]:
        """The mappings that are alive at CALL, on each path, as they were mapped."""
        return self._alive.get(call, set())

    @property
    def deepest(self) -> int:
        """How many mappings are alive at once at a call."""
        return max((len(a) for each in self._alive.values() for a in each), default=0)

    @cached_property
    def nested(self) -> frozenset[tuple[Origin, Origin]]:
        """Mappings, and others that are made while these are alive."""
        return frozenset(_pairs(self._of_kind[Kind.NESTED]))

    @cached_property
    def disordered(self) -> Mapping[tuple[Origin, Origin], Expr]:
        """Mappings that are ended before others that were made later; and where."""
        found: dict[tuple[Origin, Origin], Expr] = {}
        for event in self._of_kind[Kind.DISORDERED]:
            for pair in _pairs([event]):
                found.setdefault(pair, event.place)
        return found

    def own(self, pairs: Iterable[tuple[Origin, Origin]]) -> list[tuple[Site, Site]]:
        """Those of PAIRS that are both mapped here, in the order of the text."""
        mine = sorted(
            (first, later)
            for first, later in pairs
            if isinstance(first, int) and isinstance(later, int)
        )
        return [(self.sites[first], self.sites[later]) for first, later in mine]

    def told(self, origin: Origin) -> str:
        """The map call, or the parameter, by its text."""
        if isinstance(origin, int):
            return self.sites[origin].call.text
        return self.function.params[origin.number].name

    # -- addresses ---------------------------------------------------------------

    def reads(self, site: Origin | None) -> dict[Expr, None]:
        """Where a variable is read that holds the address of SITE."""
        return dict.fromkeys(event.place for event in self.of(site, Kind.READ))

    @cached_property
    def read(self) -> frozenset[Expr]:
        """Where a variable is read that holds any address."""
        return frozenset(event.place for event in self._of_kind[Kind.READ])

    @cached_property
    def tested(self) -> Mapping[Expr, set[Origin | None]]:
        """What conditions test: the mapping whose address it is (None: no address),
        on each path."""
        found: dict[Expr, set[Origin | None]] = {}
        for event in self._of_kind[Kind.TESTED]:
            found.setdefault(event.place, set()).add(event.site)
        return found

    @cached_property
    def written(self) -> frozenset[Origin | None]:
        """The sites of which something in the page may be written."""
        return frozenset(event.site for event in self._of_kind[Kind.WRITTEN])

    def outputs(self, site: Origin) -> Mapping[int, int]:
        """Behind which parameters the caller finds the address of SITE, and how far
        it was moved by then."""
        found: dict[int, int] = {}
        for event in self.of(site, Kind.BEHIND):
            if isinstance(event.about, Output):
                number, moved = event.about
                found[number] = max(found.get(number, 0), moved)
        return found

    # -- ways out -----------------------------------------------------------------

    @cached_property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The ways to leave the function."""
        found = (event.about for event in self._of_kind[Kind.LEFT])
        return tuple(dict.fromkeys(o for o in found if isinstance(o, Outcome)))

    def passed_by(self, site: Origin, line: int) -> frozenset[int]:
        """The lines of every `if` that guards nothing but an unmap, and that all paths
        pass by on which SITE leaks where LINE leaves."""
        leaks = (e for e in self.of(site, Kind.LEAKED) if e.detail == str(line))
        passed = [e.about.lines for e in leaks if isinstance(e.about, PassedBy)]
        return passed[0].intersection(*passed[1:]) if passed else frozenset()

    def jumps(self, site: Origin, line: int) -> tuple[Point, ...]:
        """Where a path jumps on which SITE leaks where LINE leaves."""
        found = (e for e in self.of(site, Kind.JUMPED) if e.detail == str(line))
        points = (e.about.points for e in found if isinstance(e.about, Jumps))
        return next(points, ())

    @cached_property
    def returned(self) -> frozenset[Origin | None]:
        """The sites of which an address is returned."""
        return frozenset(event.site for event in self._of_kind[Kind.RETURNED])

    @cached_property
    def returned_live(self) -> frozenset[Origin]:
        """The sites that are alive on a way out which returns their address."""
        return frozenset(o.given for o in self.outcomes if o.given in o.live)

    @cached_property
    def left_live(self) -> frozenset[Origin]:
        """The sites that are alive on a way out which does not."""
        return frozenset(s for o in self.outcomes for s in o.live if s != o.given)


def _common(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    """What all SETS have; nothing where there is none."""
    every = list(sets)
    return every[0].intersection(*every[1:]) if every else frozenset()


def _pairs(events: Iterable[Event]) -> Iterable[tuple[Origin, Origin]]:
    """The two mappings that each of EVENTS is about."""
    for event in events:
        if event.site is not None and isinstance(event.about, (int, Given)):
            yield event.site, event.about
