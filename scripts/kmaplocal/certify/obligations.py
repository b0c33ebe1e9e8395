# SPDX-License-Identifier: GPL-2.0-only
"""From what was seen of a function's mappings to their certificates."""

from __future__ import annotations

from collections.abc import Collection

from kmaplocal.knowledge import functions
from kmaplocal.knowledge import api
from kmaplocal.bounds import Bounds, Layout
from kmaplocal.summaries.callees import FileKnowledge
from kmaplocal.certify.certificate import (
    FAULTS,
    LIFO,
    LOCAL,
    PAIRED,
    PREEMPT,
    REPAIRED,
    UNKNOWN,
    Certificate,
    Doubt,
    Obligation,
    Verdict,
    fails,
    holds,
    repaired,
)
from kmaplocal.certify.doubts import cleanup_doubts, statement_doubts
from kmaplocal.repairs.explicit import Around, explicit
from kmaplocal.bounds.extents import Extents
from kmaplocal.certify.one_page import OnePage
from kmaplocal.repairs.order import exchanges
from kmaplocal.c import cleanup
from kmaplocal.c.cfg import Unstructured
from kmaplocal.c.syntax import Expr, Function, Source
from kmaplocal.flow.events import Event, Kind
from kmaplocal.flow.trace import Site, Trace
from kmaplocal.flow.engine import TooManyPaths, Tracer

# What disables and enables that which an obligation is about.
DISABLE = {
    FAULTS: ("pagefault_disable", "pagefault_enable"),
    PREEMPT: ("preempt_disable", "preempt_enable"),
}


def _at(expr: Expr) -> tuple[int, int]:
    return expr.start


class Judge:
    """Judges one function."""

    new_only = True  # a function that maps by an old one is converted with its users

    def __init__(
        self,
        file: str,
        function: Function,
        knowledge: FileKnowledge,
        handed: Collection[int] = (),
        mapped: Collection[int] = (),
    ):
        """HANDED: the mappings that the function is to hand to its caller; MAPPED:
        the parameters that hold the address of one it is to end."""
        self.file = file
        self.handed = handed
        self.mapped = mapped
        self.function = function
        if knowledge.outline:
            cleanup.note(function, knowledge.outline)
        self.knowledge = knowledge.following(function, self.new_only)
        self.trace = Trace(function)  # an empty one until follow() is called
        self.followed = False
        self.beside: frozenset[str] = frozenset()  # what code in its place disables
        self.unfollowed = ""  # why not every path was followed
        self._bounds: Bounds | None = None
        self._pages: OnePage | None = None
        self._explicit: dict[str, dict[int, Around | None]] = {}

    def judge(self) -> Verdict:
        """The verdict on the function, with a certificate a mapping."""
        verdict = Verdict(self.file, self.function.name, self.function.line)
        self.follow()
        self._reorder()
        self._ask()
        if self.unfollowed:
            known = (*self.knowledge.maps, *self.knowledge.unmaps)
            first = self.function.calls(known)[0]
            verdict.doubts.append(Doubt(PAIRED, *_at(first), self.unfollowed))
        for site in self.trace.sites:
            if site.api.new or site.name in self.knowledge.wrapped:
                verdict.certificates.append(self.certify(site))
        verdict.doubts.extend(self._unmap_doubts())
        verdict.doubts.extend(statement_doubts(self.function))
        verdict.doubts.extend(cleanup_doubts(self.function))
        return verdict

    def follow(self) -> None:
        """Trace the function; where not every path could be followed, say why."""
        tracer = self._tracer()
        self.followed = True
        try:
            self.trace = tracer.run()
        except (Unstructured, TooManyPaths) as error:
            self.trace, self.unfollowed = tracer.trace, str(error)

    def _ask(self) -> None:
        """Ask for the function pointers that a verdict waits for."""
        for site in self.trace.sites:
            pointer = self.trace.awaits(site.number)
            if pointer:
                self.knowledge.callees.want(pointer)

    def _reorder(self) -> None:
        """Exchange unmaps that are in the wrong order, where every path is right
        afterwards."""
        exchanged = self.trace.disordered and exchanges(self.function, self.trace)
        if not exchanged or self.unfollowed:
            return
        tracer = self._tracer(exchanged=exchanged)
        try:
            trace = tracer.run()
        except TooManyPaths:
            return
        if not trace.disordered and not any(
            e.kind in (Kind.AFTER_UNMAP, Kind.DANGLING) for e in trace.events
        ):
            self.trace = trace

    def _tracer(self, **how) -> Tracer:
        names = [self.function.params[number].name for number in self.mapped]
        return Tracer(self.function, self.knowledge, names, self.mapped, **how)

    def certify(self, site: Site) -> Certificate:
        """The certificate of one mapping."""
        obligations = tuple(
            rule(site)
            for rule in (
                self.paired,
                self.lifo,
                self.local,
                self.faults,
                self.preempt,
                self.pages.obligation,
            )
        )
        return Certificate(
            self.file,
            *_at(site.call),
            self.function.name,
            site.name,
            site.page,
            site.variable,
            obligations,
        )

    # -- the six obligations ----------------------------------------------

    def paired(self, site: Site) -> Obligation:
        """Does every path from the map reach exactly one unmap of it?"""
        trace = self.trace
        if self.function.name in api.ALL:
            why = f"this is {self.function.name}() itself, not a user of it"
            return fails(PAIRED, site.call, why)
        for use in trace.of(site.number, Kind.MAPPED_AGAIN):
            why = f"mapped again while it is still mapped{self._somewhere(site)}"
            return fails(PAIRED, use.place, why)
        handed = site.number in self.handed
        for use in trace.of(site.number, Kind.LEAKED):
            if handed and site.number not in trace.left_live:
                break
            where = f"where line {use.detail} leaves the function"
            why = f"still mapped {where}{self._somewhere(site)}"
            ending = self.knowledge.ends_by_page(self.function, site.page)
            if ending is not None:
                why = f"unmapped by its page in {ending.callee}(), not by its address"
            return fails(PAIRED, ending or site.call, why)
        for use in trace.of(site.number, Kind.AFTER_UNMAP):
            why = f"{use.place.text} is used after the unmap{self._somewhere(site)}"
            return fails(PAIRED, use.place, why)
        for expr, ends in trace.unmaps.items():
            mine = [end for end in ends if end.site == site.number]
            if any(end.kind is Kind.TWICE for end in mine):
                return fails(PAIRED, expr, "unmapped twice on a path")
            for end in mine:
                if end.kind is Kind.CHANGED:
                    why = f"{expr.arguments[0].text} may be changed by {end.by}"
                    return fails(PAIRED, expr, why, UNKNOWN)
            by = trace.given(expr).callee
            if mine and self.knowledge.unmaps[by].kind != site.api.ends:
                why = f"mapped by {site.name}(), unmapped by {by}()"
                return fails(PAIRED, expr, why)
        if not trace.unmaps_of(site.number) and not handed:
            return fails(PAIRED, site.call, "no unmap of it in this function")
        if handed:
            return holds(PAIRED, "every caller that is given it unmaps it once")
        return holds(PAIRED, "one unmap on every path")

    def _somewhere(self, site: Site) -> str:
        """What is to be added where it is right on another path, or a condition that
        is not understood decides: this function does unmap, too."""
        return " on some path" if self.function.calls((site.api.ends,)) else ""

    def lifo(self, site: Site) -> Obligation:
        """Are mappings that are alive together unmapped in reverse order?"""
        for (first, later), expr in self.trace.disordered.items():
            if site.number in (first, later):
                other = self.trace.sites[later if site.number == first else first]
                order = f"{self.trace.sites[first].call.text} is unmapped before"
                why = f"{order} {self.trace.sites[later].call.text}, mapped later"
                if other.number == site.number:
                    why = "its instances are not unmapped in reverse order"
                return fails(LIFO, expr, why)
        for call in sorted(self.trace.during(site.number), key=_at):
            if not site.api.stacked and self.knowledge.leaves_mapped(call):
                why = f"{call.callee}() leaves a page mapped, to be unmapped in turn"
                return fails(LIFO, call, why, UNKNOWN)
        for expr, before in self.trace.exchanged.items():
            if any(end.site == site.number for end in self.trace.unmaps[expr]):
                why = f"unmapped here instead of at line {before.start[0]}"
                return repaired(LIFO, expr, why, "exchanged")
        nested = [pair for pair in self.trace.nested if site.number in pair]
        if nested:
            return holds(LIFO, "nested, unmapped in reverse order")
        return holds(LIFO, "not nested")

    def local(self, site: Site) -> Obligation:
        """Does the address stay in this thread?"""
        sentences = {
            Kind.STORED: "the address is stored in {}",
            Kind.RETURNED: "the address is returned",
            Kind.ADDRESS_TAKEN: "the address of {}, which holds the mapping, is taken",
            Kind.ESCAPES: "{}",
        }
        handed = site.number in self.handed
        for use in self._uses(site, *sentences):
            if handed and use.kind is Kind.RETURNED:
                continue
            return fails(LOCAL, use.place, sentences[use.kind].format(use.detail))
        for use in self._uses(site, Kind.UNKNOWN, Kind.OPAQUE):
            why = use.detail
            if use.kind is Kind.OPAQUE:
                why = f"the address is used in a way not understood: {use.detail}"
            return fails(LOCAL, use.place, why, UNKNOWN)
        if handed:
            why = "returned to callers that are local, all of them read"
            return Obligation(LOCAL, REPAIRED, why, repair="together with its unmaps")
        why = "every use of the address reads, writes or compares"
        taken = dict.fromkeys(use.detail for use in self._uses(site, Kind.POINTER))
        return holds(LOCAL, "; ".join([why, *taken]))

    def _uses(self, site: Site, *kinds: Kind) -> list[Event]:
        found = self.trace.of(site.number, *kinds)
        return sorted(found, key=lambda use: use.place.start)

    def faults(self, site: Site) -> Obligation:
        """Does the code between depend on page faults being disabled?"""
        other = self.chosen(site)
        if other is not None:
            why = f"{site.name}() or {other.callee}() is chosen at run time"
            return fails(FAULTS, site.call, f"{why}: the choice is the fault policy")
        if not site.api.atomic:
            return holds(FAULTS, f"{site.name}() leaves page faults enabled")
        return self._context(site, FAULTS)

    def chosen(self, site: Site) -> Expr | None:
        """The other map call in `x ? kmap(page) : kmap_atomic(page)`."""
        node = site.call.parent
        while node is not None:
            if node.kind == "ternary":
                calls = [n for n in node.walk() if n.callee in api.MAPS]
                return next((c for c in calls if c.callee != site.name), None)
            node = node.parent
        return None

    def preempt(self, site: Site) -> Obligation:
        """... on preemption, migration or interrupts being off?"""
        if not site.api.atomic:
            return holds(PREEMPT, f"{site.name}() leaves preemption enabled")
        return self._context(site, PREEMPT)

    def _context(self, site: Site, name: str) -> Obligation:
        needing = self.needing(site, name)
        if not needing and name not in self.beside:
            return holds(name, "nothing between map and unmap depends on it")
        expr = needing[0] if needing else site.call
        why = f"the other arm of the #if has {DISABLE[name][0]}()"
        if needing:
            why = self.knowledge.context(expr, name)
        if site.number not in self.explicit(name):
            return fails(name, expr, why)
        return repaired(name, expr, why, f"explicit {DISABLE[name][0]}()")

    def needing(self, site: Site, name: str) -> list[Expr]:
        """The calls during a mapping that rely on what it disables."""
        by = functions.FAULTS_OFF_BY if name == FAULTS else functions.PREEMPT_OFF_BY
        by_name = self.function.calls(by)
        return [
            expr
            for expr in sorted(self.trace.during(site.number), key=_at)
            if self.knowledge.context(expr, name)
            and not any(e.start < expr.start for e in by_name)
        ]

    def explicit(self, name: str) -> dict[int, Around | None]:
        """The mappings around which page faults or preemption can be disabled by
        name (None: it is done around an outer one)."""
        if name not in self._explicit:
            needy = {}
            # Both at a time would have to go to the same places.
            alone = name == FAULTS or not self.explicit(FAULTS)
            for site in self.trace.sites if alone else ():
                calls = self.needing(site, name) if site.api.atomic else []
                wanted = calls or (site.api.atomic and name in self.beside)
                if wanted and self._helped(site, name, calls):
                    needy[site.number] = calls
            self._explicit[name] = explicit(self.function, self.trace, needy)
        return self._explicit[name]

    def _helped(self, site: Site, name: str, calls: list[Expr]) -> bool:
        """Whether disabling by name is all that is needed, and harms nothing."""
        if name == PREEMPT:
            calls = list(self.trace.during(site.number))
        return all(self.knowledge.helped(call, name) for call in calls)

    def bounds(self) -> Bounds:
        """What is known of offsets and lengths in the function."""
        if self._bounds is None:
            self._bounds = self._bounds_by()
        return self._bounds

    def unmap_bounds(self) -> Bounds:
        """... and of the sizes of structures of other files, as they are known or
        asked for: an array of them is what an unmap is given the address of."""
        return self._bounds_by(self.knowledge.layout)

    def _bounds_by(self, layout: Layout | None = None) -> Bounds:
        known = self.knowledge
        source = known.source or Source([], {}, [], {})
        return Bounds(self.function, source, known.macros, known.branches, layout)

    @property
    def pages(self) -> OnePage:
        """What is known of where addresses are in their pages."""
        if self._pages is None:
            extents = Extents(self.function, self.trace, self.bounds())
            self._pages = OnePage(self.knowledge, extents, self.unmap_bounds)
        return self._pages

    # -- doubts about the function ------------------------------------------

    def _unmap_doubts(self) -> list[Doubt]:
        """Unmaps of what this function did not map, or cannot be traced."""
        doubts = []
        names = {*api.OLD_UNMAPS, *self.knowledge.wrapped} & {*self.knowledge.unmaps}
        for expr, ends in self.trace.unmaps.items():
            if expr.callee not in names:
                continue
            if any(end.kind in (Kind.UNTRACED, Kind.PARAMETER) for end in ends):
                argument = expr.arguments[0].text if expr.arguments else ""
                why = f"{argument} is unmapped here but not mapped in this function"
                doubts.append(Doubt(PAIRED, *_at(expr), why))
        missed = [e for e in self.function.calls(names) if e not in self.trace.unmaps]
        if not doubts:
            for expr in missed:
                why = "no path to this unmap was found"
                doubts.append(Doubt(PAIRED, *_at(expr), why))
        return doubts
