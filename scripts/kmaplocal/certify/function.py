# SPDX-License-Identifier: GPL-2.0-only
"""One function as it was followed: its trace, and what is computed from that."""

from __future__ import annotations

from collections.abc import Collection

from kmaplocal.knowledge import functions
from kmaplocal.bounds import Bounds, Layout
from kmaplocal.c import cleanup
from kmaplocal.summaries.chains import in_region, links
from kmaplocal.summaries.knowledge import FileKnowledge
from kmaplocal.certify.certificate import FAULTS, PREEMPT
from kmaplocal.repairs.explicit import explicit
from kmaplocal.repairs.repair import Around
from kmaplocal.bounds.extents import Extents
from kmaplocal.certify.one_page import OnePage
from kmaplocal.repairs.order import exchanges
from kmaplocal.c.cfg import Unstructured
from kmaplocal.c.syntax import Expr, Function, Source
from kmaplocal.flow.events import Kind
from kmaplocal.flow.holder import Holder
from kmaplocal.flow.trace import Site, Trace
from kmaplocal.flow.values import Origin
from kmaplocal.flow.memo import Recorder
from kmaplocal.flow.engine import TooManyPaths, Tracer


class FunctionAnalysis:
    """What is known of one function. No verdict is made here: the obligations and the
    rules of findings are folds over its events."""

    def __init__(
        self,
        file: str,
        function: Function,
        knowledge: FileKnowledge,
        handed: Collection[int] = (),
        mapped: Collection[int] = (),
    ):
        """KNOWLEDGE: with all that FUNCTION maps and unmaps by; HANDED: the
        mappings that the function is to hand to its caller; MAPPED: the parameters
        that hold the address of one it is to end."""
        self.file = file
        self.handed = handed
        self.mapped = mapped
        self.function = function
        if knowledge.outline:
            cleanup.note(function, knowledge.outline)
        self.knowledge = knowledge
        self.trace = Trace(function)  # an empty one until follow() is called
        self.followed = False
        self.lowmem: frozenset[Expr] = frozenset()  # calls that need no mapping
        self.beside: frozenset[str] = frozenset()  # what code in its place disables
        self.holder: Holder | None = None  # what keeps addresses for others
        self.unfollowed = ""  # why not every path was followed
        self._bounds: Bounds | None = None
        self._pages: OnePage | None = None
        self._explicit: dict[str, dict[Origin, Around | None]] = {}

    def follow(self) -> None:
        """Trace the function; where not every path could be followed, say why."""
        self.followed = True
        key = (self.function, tuple(self.mapped), "followed")
        memo = self.knowledge.callees.memo
        self.trace, self.unfollowed = memo.result(key, self.knowledge, self._followed)

    def _followed(self, knowledge: Recorder) -> tuple[Trace, str]:
        """What is seen of the function, and why not all of it."""
        tracer = self._tracer(knowledge)
        try:
            return tracer.run(), ""
        except (Unstructured, TooManyPaths) as error:
            return tracer.trace, str(error)

    def ask(self) -> None:
        """Ask for the function pointers that a verdict waits for."""
        for site in self.trace.sites:
            pointer = self.trace.awaits(site.number)
            if pointer:
                self.knowledge.callees.want(pointer)

    def mended(self) -> FunctionAnalysis:
        """The same, with unmaps that are in the wrong order exchanged, where every path
        is right afterwards."""
        exchanged = self.trace.disordered and exchanges(self.function, self.trace)
        if not exchanged or self.unfollowed:
            return self
        try:
            trace = self._tracer(self.knowledge, exchanged=exchanged).run()
        except TooManyPaths:
            return self
        late = (Kind.AFTER_UNMAP, Kind.DANGLING)
        if trace.disordered or any(e.kind in late for e in trace.events):
            return self
        found = FunctionAnalysis(
            self.file, self.function, self.knowledge, self.handed, self.mapped
        )
        found.trace, found.followed, found.beside = trace, True, self.beside
        return found

    def take(self, other: FunctionAnalysis) -> bool:
        """Take what OTHER saw of the same function instead of following it again, where
        it knew the same map and unmap functions for all that is called."""
        if self._calls() != other._calls() or other.mapped != self.mapped:
            return False
        self.trace, self.followed = other.trace, True
        self.unfollowed, self._bounds = other.unfollowed, other._bounds
        return True

    def _calls(self) -> list:
        """What each call of the function maps or unmaps."""
        maps, unmaps = self.knowledge.maps, self.knowledge.unmaps
        return [
            (call, maps.get(call.callee), unmaps.get(call.callee))
            for call in self.function.calls({*maps, *unmaps})
        ]

    def _tracer(self, knowledge: FileKnowledge | Recorder, **how) -> Tracer:
        names = [self.function.params[number].name for number in self.mapped]
        return Tracer(self.function, knowledge, names, self.mapped, **how)

    def returning(self) -> frozenset[str]:
        """The functions and macros of the file through which this one calls itself, by
        the names in their text."""
        own, outline = frozenset({self.function.name}), self.knowledge.outline
        return own | outline.reaching(own) if outline else own

    def needing(self, mapping: Origin, name: str) -> list[Expr]:
        """The calls during a mapping that rely on what it disables."""
        during = sorted(self.trace.during(mapping), key=lambda call: call.start)
        return [
            call
            for call in during
            if self.chain(mapping, call, name) and not self.disabled(call, name)
        ]

    def disabled(self, call: Expr, name: str) -> bool:
        """Whether something else than a mapping disables that at CALL."""
        by = functions.FAULTS_OFF_BY if name == FAULTS else functions.PREEMPT_OFF_BY
        return in_region(self.function, call, by)

    def chain(self, mapping: Origin, call: Expr, name: str) -> tuple[str, ...]:
        """What CALL calls, each the next one, down to what relies on what a mapping
        disables: by its name, or by the pointer that is given the address."""
        chain = self.knowledge.chain(call, name)
        if chain or name != PREEMPT:
            return chain
        relies = self.trace.of(mapping, Kind.RELIES)
        return next((links(e.detail) for e in relies if e.place is call), ())

    def explicit(self, name: str) -> dict[Origin, Around | None]:
        """The mappings around which page faults or preemption can be disabled by
        name (None: it is done around an outer one)."""
        if name not in self._explicit:
            needy = {}
            # Both at a time would have to go to the same places.
            alone = name == FAULTS or not self.explicit(FAULTS)
            for site in self.trace.sites if alone else ():
                calls = self.needing(site.number, name) if site.api.atomic else []
                wanted = calls or (site.api.atomic and name in self.beside)
                if wanted and self._helped(site, name, calls):
                    needy[site.number] = calls
            # With page faults off a user copy fails where it did not before.
            self._explicit[name] = explicit(
                self.function, self.trace, needy, name == PREEMPT, self._text
            )
        return self._explicit[name]

    @property
    def _text(self) -> str:
        outline = self.knowledge.outline
        return outline.text if outline else ""

    def _helped(self, site: Site, name: str, calls: list[Expr]) -> bool:
        """Whether disabling by name is all that is needed, and harms nothing."""
        if name == PREEMPT:
            calls = list(self.trace.during(site.number))
        return all(self.knowledge.helped(call, name) for call in calls)

    def bounds(self) -> Bounds:
        """What is known of offsets and lengths in the function."""
        if self._bounds is None:
            self._bounds = self._kept_bounds()
        return self._bounds

    def _kept_bounds(self) -> Bounds:
        """... as they were when the function was looked at before: they rest on its
        text and file alone."""
        every = self.knowledge.callees.bounds
        kept = every.get(self.function)
        if kept is None or kept.source is not self.knowledge.source:
            kept = every[self.function] = self._bounds_by()
        return kept

    def unmap_bounds(self) -> Bounds:
        """... and of the sizes of structures of other files, as they are known or
        asked for: an array of them is what an unmap is given the address of."""
        return self._bounds_by(self.knowledge.layout)

    def _bounds_by(self, layout: Layout | None = None) -> Bounds:
        known = self.knowledge
        source = known.source or Source([], {}, {})
        return Bounds(self.function, source, known.macros, known.branches, layout)

    @property
    def pages(self) -> OnePage:
        """What is known of where addresses are in their pages."""
        if self._pages is None:
            extents = Extents(self.function, self.trace, self.bounds())
            self._pages = OnePage(self.knowledge, extents, self.unmap_bounds)
        return self._pages
