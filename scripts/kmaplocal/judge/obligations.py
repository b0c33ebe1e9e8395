# SPDX-License-Identifier: GPL-2.0-only
"""From what was seen of a function's mappings to their certificates."""

from __future__ import annotations

from collections.abc import Collection

from kmaplocal.judge import primitives
from kmaplocal.read import api
from kmaplocal.judge.bounds import INSIDE, OUTSIDE, Bounds, Layout
from kmaplocal.judge.callees import FileKnowledge
from kmaplocal.judge.certificate import (
    FAILS,
    FAULTS,
    HOLDS,
    LIFO,
    LOCAL,
    ONE_PAGE,
    PAIRED,
    PREEMPT,
    REPAIRED,
    UNKNOWN,
    Certificate,
    Doubt,
    Obligation,
    Verdict,
)
from kmaplocal.judge.doubts import statement_doubts
from kmaplocal.judge.explicit import Around, explicit
from kmaplocal.judge.offsets import is_same_again, several_pages, terms_of
from kmaplocal.judge.order import exchanges
from kmaplocal.judge.saved import Saved, saved_base
from kmaplocal.judge.places import Places, changes, names_in, scale_of
from kmaplocal.judge.paths import Unstructured
from kmaplocal.read.syntax import Expr, Function, Source, Stmt
from kmaplocal.judge.trace import CURSOR, LOOPS, Site, TooManyPaths, Trace, Tracer, Use

# Calls with a length as their third argument: which arguments it goes for.
SIZED = {
    "memcpy": (0, 1),
    "memmove": (0, 1),
    "memset": (0,),
    "memcmp": (0, 1),
    "copy_to_user": (1,),
    "copy_from_user": (0,),
}
# What disables and enables that which an obligation is about.
DISABLE = {
    FAULTS: ("pagefault_disable", "pagefault_enable"),
    PREEMPT: ("preempt_disable", "preempt_enable"),
}
# What a mapping inside an argument can serve: with how many arguments, and one
# of the helpers that came together and do it.
INLINE = {
    "memcpy": (3, "memcpy_from_page"),
    "memset": (3, "memset_page"),
    "clear_page": (1, "clear_highpage"),
}
_SUMS = ("binary", "paren", "cast")


def _at(expr: Expr) -> tuple[int, int]:
    return expr.start


def holds(name: str, why: str) -> Obligation:
    """An obligation that holds, and by what."""
    return Obligation(name, HOLDS, why)


def fails(name: str, expr: Expr, why: str, state: str = FAILS) -> Obligation:
    """An obligation that fails, where and why."""
    return Obligation(name, state, why, *_at(expr))


def repaired(name: str, expr: Expr, why: str, how: str) -> Obligation:
    """An obligation that a change makes hold: where, what, and how."""
    return Obligation(name, REPAIRED, why, *_at(expr), repair=how)


class Judge:
    """Judges one function."""

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
        self.knowledge = knowledge
        self.trace: Trace | None = None
        self.unfollowed = ""  # why not every path was followed
        self._bounds: Bounds | None = None
        self.saved: dict[int, Saved] = {}
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
            if site.api.new or site.name not in api.MAPS:
                verdict.certificates.append(self.certify(site))
        verdict.doubts.extend(self._unmap_doubts())
        verdict.doubts.extend(statement_doubts(self.function))
        return verdict

    def follow(self) -> None:
        """Trace the function; where not every path could be followed, say why."""
        tracer = self._tracer()
        self.trace = tracer.trace
        try:
            tracer.run()
        except (Unstructured, TooManyPaths) as error:
            self.unfollowed = str(error)

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
            u.what in ("after-unmap", "gone") for u in trace.uses
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
                self.one_page,
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
        for use in trace.uses_of(site.number, "mapped-again"):
            why = f"mapped again while it is still mapped{self._somewhere(site)}"
            return fails(PAIRED, use.expr, why)
        handed = site.number in self.handed
        for use in trace.uses_of(site.number, "leaked"):
            if handed and site.number not in trace.dropped:
                break
            where = f"where line {use.detail} leaves the function"
            why = f"still mapped {where}{self._somewhere(site)}"
            ending = self.knowledge.ends_by_page(self.function, site.page)
            if ending is not None:
                why = f"unmapped by its page in {ending.callee}(), not by its address"
            return fails(PAIRED, ending or site.call, why)
        for use in trace.uses_of(site.number, "after-unmap"):
            why = f"{use.expr.text} is used after the unmap{self._somewhere(site)}"
            return fails(PAIRED, use.expr, why)
        for expr, ends in trace.unmaps.items():
            mine = [problem for number, problem in ends if number == site.number]
            if mine and "double" in mine:
                return fails(PAIRED, expr, "unmapped twice on a path")
            for problem in mine:
                if problem.startswith("changed"):
                    what = expr.arguments[0].text
                    why = f"{what} may be {problem}"
                    return fails(PAIRED, expr, why, UNKNOWN)
            ending = trace.given(expr).callee
            if mine and self.knowledge.unmaps[ending].kind != site.api.ends:
                why = f"mapped by {site.name}(), unmapped by {ending}()"
                return fails(PAIRED, expr, why)
        ended = any(n == site.number for ends in trace.unmaps.values() for n, _ in ends)
        if not ended and not handed:
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
        for call in sorted(self.trace.during[site.number], key=_at):
            if not site.api.stacked and self.knowledge.leaves_mapped(call):
                why = f"{call.callee}() leaves a page mapped, to be unmapped in turn"
                return fails(LIFO, call, why, UNKNOWN)
        for expr, other in self.trace.exchanged.items():
            if any(number == site.number for number, _ in self.trace.unmaps[expr]):
                why = f"unmapped here instead of at line {other.start[0]}"
                return repaired(LIFO, expr, why, "exchanged")
        nested = [pair for pair in self.trace.nested if site.number in pair]
        if nested:
            return holds(LIFO, "nested, unmapped in reverse order")
        return holds(LIFO, "not nested")

    def local(self, site: Site) -> Obligation:
        """Does the address stay in this thread?"""
        sentences = {
            "stored": "the address is stored in {}",
            "returned": "the address is returned",
            "address-taken": "the address of {}, which holds the mapping, is taken",
            "escapes": "{}",
        }
        handed = site.number in self.handed
        for use in self._uses(site, *sentences):
            if handed and use.what == "returned":
                continue
            return fails(LOCAL, use.expr, sentences[use.what].format(use.detail))
        for use in self._uses(site, "unknown", "opaque"):
            why = use.detail
            if use.what == "opaque":
                why = f"the address is used in a way not understood: {use.detail}"
            return fails(LOCAL, use.expr, why, UNKNOWN)
        if handed:
            why = "returned to callers that are local, all of them read"
            return Obligation(LOCAL, REPAIRED, why, repair="together with its unmaps")
        why = "every use of the address reads, writes or compares"
        taken = dict.fromkeys(use.detail for use in self._uses(site, "pointer"))
        return holds(LOCAL, "; ".join([why, *taken]))

    def _uses(self, site: Site, *kinds: str) -> list[Use]:
        found = self.trace.uses_of(site.number, *kinds)
        return sorted(found, key=lambda use: use.expr.start)

    def faults(self, site: Site) -> Obligation:
        """Does the code between depend on page faults being disabled?"""
        other = self._chosen(site)
        if other is not None:
            why = f"{site.name}() or {other.callee}() is chosen at run time"
            return fails(FAULTS, site.call, f"{why}: the choice is the fault policy")
        if not site.api.atomic:
            return holds(FAULTS, f"{site.name}() leaves page faults enabled")
        return self._context(site, FAULTS)

    def _chosen(self, site: Site) -> Expr | None:
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
        if not needing:
            return holds(name, "nothing between map and unmap depends on it")
        expr = needing[0]
        why = self.knowledge.context(expr, name)
        if site.number not in self.explicit(name):
            return fails(name, expr, why)
        return repaired(name, expr, why, f"explicit {DISABLE[name][0]}()")

    def needing(self, site: Site, name: str) -> list[Expr]:
        """The calls during a mapping that rely on what it disables."""
        by = primitives.FAULTS_OFF_BY if name == FAULTS else primitives.PREEMPT_OFF_BY
        by_name = self.function.calls(by)
        return [
            expr
            for expr in sorted(self.trace.during[site.number], key=_at)
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
                if calls and self._helped(site, name, calls):
                    needy[site.number] = calls
            self._explicit[name] = explicit(self.function, self.trace, needy)
        return self._explicit[name]

    def _helped(self, site: Site, name: str, calls: list[Expr]) -> bool:
        """Whether disabling by name is all that is needed, and harms nothing."""
        if name == PREEMPT:
            calls = list(self.trace.during[site.number])
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

    def _beyond(self, site: Site) -> Expr | None:
        """An access that visibly passes the end of the page."""
        for use in self._uses(site, "access"):
            call = use.expr
            if call.kind == "index" and self.index_beyond(site, call):
                return call
            if call.kind != "call" or call.callee not in SIZED:
                continue
            length = call.arguments.get(2)
            if length is None or not site.variable:
                continue
            if several_pages(length, self.function):
                return call
            for number in SIZED[call.callee]:
                terms = terms_of(call.arguments[number], site.variable, self.function)
                if terms is None:
                    continue
                if self.bounds().fits(terms, length, call).answer == OUTSIDE:
                    return call
        return None

    def index_beyond(self, site: Site, access: Expr) -> bool:
        """Whether `address[index]` visibly is behind the page."""
        base, index = access.children
        variable = self.function.variables.get(site.variable)
        if base.bare().text != site.variable or variable is None:
            return False
        size = scale_of(variable.type)
        if base.kind == "cast" or size is None:
            return False
        terms = [(index, size, 1)]
        return self.bounds().fits(terms, size, access).answer == OUTSIDE

    def unmap_beyond(self, site: Site, unmap: Expr) -> bool:
        """Whether the unmap's argument visibly is in another page."""
        unmap = self.trace.given(unmap)
        argument = unmap.arguments.get(self.knowledge.unmaps[unmap.callee].number)
        if unmap.callee == "kunmap" or argument is None:
            return False
        terms = terms_of(argument, site.variable, self.function)
        added = self.mapped_at(site)
        if terms is None or added is None:
            return False
        return self.unmap_bounds().fits([*added, *terms], 1, unmap).answer == OUTSIDE

    def stale(self, unmap: Expr) -> str:
        """The variable V in `unmap(V - n)` where `V = map(page) + n` came before, but
        n is something else by now; "" when it is not."""
        value = self.trace.moved.get(unmap)
        argument = unmap.arguments.get(self.knowledge.unmaps[unmap.callee].number)
        if value is None or value.moved == CURSOR or argument is None:
            return ""
        held = self.trace.stale[unmap] & self.trace.bases.get(unmap, set())
        sites = [
            self.trace.sites[n]
            for n, _ in self.trace.unmaps[unmap]
            if n in range(len(self.trace.sites))
        ]
        undone = (
            name
            for name in held
            for site in sites
            if self._undone(site, argument, name)
        )
        return next(undone, "")

    def _undone(self, site: Site, argument: Expr, name: str) -> bool:
        """Whether ARGUMENT takes off the variable NAME what was added at the map
        call, by the text of it."""
        added = {e.text for e, _, sign in self.mapped_at(site) or () if sign > 0}
        terms = terms_of(argument, name, self.function) or ()
        return any(
            sign < 0 and e.text in added and not is_same_again(e, self.function)
            for e, _, sign in terms
        )

    def mapped_at(self, site: Site) -> list | None:
        """The offset in `v = map(page) + offset`."""
        whole = site.call
        while whole.parent is not None and whole.parent.kind in _SUMS:
            whole = whole.parent
        return terms_of(whole, site.call.text, self.function)

    def inline_copy(self, site: Site, unmap: Expr) -> Expr | None:
        """The call in `memcpy(to, kmap(page) + offset, length);`, or a memset() or
        clear_page() like it, right before the unmap, where it visibly stays in
        the page."""
        whole = site.call
        while whole.parent is not None and whole.parent.kind in _SUMS:
            whole = whole.parent
        copy = whole.parent
        if copy is None or not self._has_helper(copy):
            return None
        places = Places(self.function)
        stmt, end = places.statement(copy), places.statement(unmap)
        if not stmt or not end or stmt.exprs != [copy] or end.exprs != [unmap]:
            return None
        block = places.siblings(stmt)
        if end not in block or block.index(end) != block.index(stmt) + 1:
            return None
        terms = terms_of(whole, site.call.text, self.function)
        if copy.callee == "clear_page":
            return copy if terms == [] else None
        length = copy.arguments[2]
        if terms is None or whole not in [
            copy.arguments[n] for n in SIZED[copy.callee]
        ]:
            return None
        answer = self.bounds().fits(terms, length, copy).answer
        return copy if answer == INSIDE else None

    def _has_helper(self, call: Expr) -> bool:
        """Whether the kernel at hand has a helper for CALL, and this is not it."""
        arguments, helper = INLINE.get(call.callee, (0, ""))
        known = self.knowledge.helpers is None or helper in self.knowledge.helpers
        full = len(call.arguments) == arguments > 0
        return full and known and self.function.name != helper

    def moved_once(self, site: Site, unmap: Expr) -> str:
        """The variable that was moved once, by `+=`, and visibly not out of the
        page; "" when there is none."""
        moves = self.trace.uses_of(site.number, "moved")
        if len(moves) != 1 or moves[0].expr.kind != "assign":
            return ""
        move = moves[0].expr
        name = move.children[0].bare().text
        variable = self.function.variables.get(name)
        if move.op != "+=" or name not in self.trace.holders.get(unmap, ()):
            return ""
        if self._loops(move) != self._loops(site.call) or name != site.variable:
            return ""
        size = scale_of(variable.type) if variable else None
        if size is None:
            return ""
        terms = [(move.children[1], size, 1)]
        inside = self.bounds().fits(terms, 1, move).answer == INSIDE
        return name if inside else ""

    def _loops(self, expr: Expr) -> list[Stmt]:
        """The loops an expression stands in."""
        return [
            stmt
            for stmt in self.function.statements()
            if stmt.kind in (*LOOPS, "iterator")
            and stmt.start <= expr.start
            and expr.end <= stmt.end
        ]

    def one_page(self, site: Site) -> Obligation:
        """Do the accesses and the unmap argument stay inside the page?"""
        beyond = self._beyond(site)
        stale = None
        if beyond is not None:
            return fails(ONE_PAGE, beyond, f"{beyond.text} passes the end of the page")
        asked = self.trace.uses_of(site.number, "page-address")
        if asked and self.joined(site) is None:
            why = f"{asked[0].expr.text} relies on the mapping that kmap() made"
            return fails(ONE_PAGE, asked[0].expr, why)
        if not asked and self._dropped(site):
            why = "nothing takes the address: others ask page_address() for it"
            return fails(ONE_PAGE, site.call, why)
        for expr, ends in self.trace.unmaps.items():
            if not any(number == site.number for number, _ in ends):
                continue
            if self.unmap_beyond(site, expr):
                why = f"{expr.arguments[0].text} is in another page"
                return fails(ONE_PAGE, expr, why)
            if self.stale(expr):
                stale = expr
            if self.trace.bases.get(expr) or self.moved_once(site, expr):
                continue
            if self.inline_copy(site, expr):
                why = "the mapping serves one call that names no address"
                return Obligation(ONE_PAGE, REPAIRED, why, repair="page helper")
            if self._saves(site):
                break
            if self.trace.given(expr).callee == "kunmap":
                why = "no variable holds the address at the unmap"
                return fails(ONE_PAGE, expr, why)
            value = self.trace.moved.get(expr)
            if value is not None and value.moved == CURSOR:
                why = "the address was moved and may have left the page"
                return fails(ONE_PAGE, expr, why)
        if site.number in self.saved:
            why = f"{site.variable} moves on; its first value is kept"
            return Obligation(ONE_PAGE, REPAIRED, why, repair="saved address")
        if stale:
            why = f"{stale.arguments[0].text}: not where the mapping begins any more"
            return repaired(ONE_PAGE, stale, why, "unmapped by its address")
        if asked:
            why = "kmap() and page_address() become one kmap_local_page()"
            return Obligation(ONE_PAGE, REPAIRED, why, repair="joined")
        return holds(ONE_PAGE, "the unmap is given an address in the page")

    def _dropped(self, site: Site) -> bool:
        """Whether the value of a kmap() is dropped."""
        stmt = Places(self.function).statement(site.call)
        dropped = stmt is not None and stmt.exprs == [site.call]
        return site.name == "kmap" and dropped and stmt.kind == "expression"

    def _saves(self, site: Site) -> bool:
        """Whether a variable can be added that keeps the address, where none has
        it at an unmap; notes it."""
        value = saved_base(
            self.function, self.trace, site, self.saved, self.knowledge.branches
        )
        moved = bool(self.trace.uses_of(site.number, "moved"))
        if value is None or not moved:
            return False
        self.saved[site.number] = value
        return True

    def joined(self, site: Site) -> Expr | None:
        """The one page_address() that can be the map call instead of a kmap()
        whose value is dropped: both in one block, with plain statements between
        them, and an address that a variable takes."""
        asked = self.trace.uses_of(site.number, "page-address")
        places = Places(self.function)
        begin = places.statement(site.call)
        if len(asked) != 1 or not self._dropped(site):
            return None
        end = places.statement(asked[0].expr)
        block = places.siblings(begin)
        if not site.variable or end not in block or not places.in_block(begin):
            return None
        first, last = block.index(begin), block.index(end)
        between = block[first + 1 : last]
        page = names_in(site.call.arguments[0])
        plain = all(s.kind in ("expression", "declaration") for s in between)
        steady = not any(
            changes(n, page) for s in between for e in s.exprs for n in e.walk()
        )
        return asked[0].expr if first < last and plain and steady else None

    # -- doubts about the function ------------------------------------------

    def _unmap_doubts(self) -> list[Doubt]:
        """Unmaps of what this function did not map, or cannot be traced."""
        doubts = []
        names = {*api.OLD_UNMAPS, *self.knowledge.wrapped} & {*self.knowledge.unmaps}
        for expr, ends in self.trace.unmaps.items():
            if expr.callee not in names:
                continue
            problems = {problem for _, problem in ends}
            if "untraced" in problems or "parameter" in problems:
                argument = expr.arguments[0].text if expr.arguments else ""
                why = f"{argument} is unmapped here but not mapped in this function"
                doubts.append(Doubt(PAIRED, *_at(expr), why))
        missed = [e for e in self.function.calls(names) if e not in self.trace.unmaps]
        if not doubts:
            for expr in missed:
                why = "no path to this unmap was found"
                doubts.append(Doubt(PAIRED, *_at(expr), why))
        return doubts
