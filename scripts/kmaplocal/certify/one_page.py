# SPDX-License-Identifier: GPL-2.0-only
"""Do the accesses and the unmap argument of a mapping stay inside the page?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kmaplocal.knowledge import api
from kmaplocal.bounds import INSIDE, OUTSIDE, Bounds
from kmaplocal.summaries import linear
from kmaplocal.summaries.knowledge import FileKnowledge
from kmaplocal.certify.certificate import ONE_PAGE, Obligation, fails, holds, repaired
from kmaplocal.bounds.extents import Extents
from kmaplocal.bounds.offsets import Amount, is_same_again, terms_of
from kmaplocal.knowledge import functions
from kmaplocal.c.places import Places, changes, names_in, scale_of
from kmaplocal.repairs.base_pointer import base_pointers, sharing
from kmaplocal.repairs.repair import BasePointer, Helper, Joined, UnmappedBy
from kmaplocal.c.cfg import LOOPS
from kmaplocal.flow.events import Kind
from kmaplocal.flow.trace import Site
from kmaplocal.flow.values import CURSOR
from kmaplocal.c.syntax import Expr


class OnePage:
    """Answers for one function."""

    def __init__(
        self,
        knowledge: FileKnowledge,
        extents: Extents,
        unmap_bounds: Callable[[], Bounds],
    ):
        """UNMAP_BOUNDS: what knows of the structures of other files, too."""
        self.function = extents.function
        self.trace = extents.trace
        self.knowledge = knowledge
        self.extents = extents
        self.bounds = extents.bounds
        self.unmap_bounds = unmap_bounds
        self._bases: dict[int, BasePointer] = {}

    def obligation(self, site: Site) -> Obligation:
        """The obligation of one mapping."""
        beyond = next(self.extents.beyond(site), None)
        if beyond is not None:
            expr = beyond.access.expr
            return fails(ONE_PAGE, expr, f"{expr.text} passes the end of the page")
        asked = self.trace.of(site.number, Kind.PAGE_ADDRESS)
        if asked and self.joined(site) is None:
            why = f"{asked[0].place.text} relies on the mapping that kmap() made"
            return fails(ONE_PAGE, asked[0].place, why)
        if not asked and self.dropped(site):
            why = "nothing takes the address: others ask page_address() for it"
            return fails(ONE_PAGE, site.call, why)
        return self._asked(site) or self._unmapped(site) or self._kept(site)

    def _asked(self, site: Site) -> Obligation | None:
        """What stands against a mapping whose page is asked for its address."""
        call, chain = self.asking(site) or (None, "")
        if call is None:
            return None
        why = f"{chain} may rely on the mapping that {site.name}() made"
        return fails(ONE_PAGE, call, why)

    def asking(self, site: Site) -> tuple[Expr, str] | None:
        """The call that is given the page while it is mapped, and how it asks for the
        linear address, which kmap_atomic() gives it no more than a local mapping."""
        for call in self.trace.during(site.number) if not site.api.atomic else ():
            given = linear.leading_to(call, site.page)
            chain = self.knowledge.asks_address(call, given) if given else ""
            if chain:
                return call, chain
        return None

    def _unmapped(self, site: Site) -> Obligation | None:
        """What stands against the unmaps of a mapping, or makes all of them right."""
        for expr in self.trace.unmaps_of(site.number):
            if self.unmap_beyond(site, expr):
                why = f"{expr.arguments[0].text} is in another page"
                return fails(ONE_PAGE, expr, why)
            if self.addresses(expr) or self.moved_once(site, expr):
                continue
            copy = self.inline_copy(site, expr)
            if copy is not None:
                why = "the mapping serves one call that names no address"
                return repaired(ONE_PAGE, why, Helper(copy))
            if self._saves(site, expr):
                return None
            value = self.trace.moved(expr)
            if self.trace.bases(expr):
                why = f"nothing shows that {site.variable} is in the page"
                return fails(ONE_PAGE, expr, why)
            if value is not None and value.moved == CURSOR:
                why = "the address was moved and may have left the page"
                return fails(ONE_PAGE, expr, why)
            if self.trace.given(expr).callee == "kunmap":
                why = "no variable holds the address at the unmap"
                return fails(ONE_PAGE, expr, why)
        return None

    def _kept(self, site: Site) -> Obligation:
        """By what the unmaps of a mapping are given an address in the page."""
        stale = [UnmappedBy(e, self.stale(e)) for e in self._unmaps(site)]
        stale = [each for each in stale if each.variable]
        asked = self.joined(site)
        joined = [Joined(asked)] if asked is not None else []
        if site.number in self._bases:
            why = f"{site.variable} moves on; its first value is kept"
            if not site.variable:
                why = "no variable has the address; one is added"
            elif not self.trace.of(site.number, Kind.MOVED):
                why = f"{site.variable} may be in another page; the address is kept"
            return repaired(ONE_PAGE, why, self._bases[site.number], *joined)
        if stale:
            unmap = stale[0].unmap
            why = f"{unmap.arguments[0].text}: not where the mapping begins any more"
            return repaired(ONE_PAGE, why, *stale, *joined, at=unmap)
        if joined:
            why = "kmap() and page_address() become one kmap_local_page()"
            return repaired(ONE_PAGE, why, *joined)
        return holds(ONE_PAGE, "the unmap is given an address in the page")

    # -- unmap arguments ------------------------------------------------------

    def _unmaps(self, site: Site) -> list[Expr]:
        return self.trace.unmaps_of(site.number)

    def addresses(self, unmap: Expr) -> frozenset[str]:
        """The variables that hold an address in the page at an unmap.  What is
        unmapped by its page now may have been mapped at any offset; an address
        that is unmapped already is not better for another one."""
        held = self.trace.bases(unmap)
        if self.trace.given(unmap).callee != "kunmap":
            return held
        sites = self.trace.ended(unmap)
        return held - {s.variable for s in sites if not self._begins_inside(s)}

    def _begins_inside(self, site: Site) -> bool:
        """Whether `v = map(page) + offset` visibly is in the page."""
        terms, begin = self.extents.mapped_at(site), self.extents.begin(site)
        if terms is None:
            return False
        return not terms or self.bounds.fits(terms, 1, begin).answer == INSIDE

    def unmap_beyond(self, site: Site, unmap: Expr) -> bool:
        """Whether the unmap's argument visibly is in another page."""
        terms = self._unmapped_at(site, unmap)
        if not terms:
            return False
        ended = self.extents.after_loops(terms, unmap)
        certain = [terms] + [more for more, early in ended if not early]
        return any(self._outside(each, unmap) for each in certain)

    def counts_beyond(self, site: Site, unmap: Expr) -> bool:
        """Whether the unmap's argument is in another page when the loop that counts
        its offset is not left early."""
        terms = self._unmapped_at(site, unmap)
        ended = self.extents.after_loops(terms or [], unmap)
        return any(self._outside(more, unmap) for more, _ in ended)

    def _unmapped_at(self, site: Site, unmap: Expr) -> Sequence[Amount] | None:
        """How far in the page the address is that is unmapped, where it is given."""
        unmap = self.trace.given(unmap)
        rule = self.knowledge.unmaps[unmap.callee]
        argument = unmap.arguments.get(rule.number)
        if rule.given != api.ADDRESS or argument is None:
            return None
        return self.extents.offset(site, argument)

    def _outside(self, terms: Sequence[Amount], unmap: Expr) -> bool:
        return self.unmap_bounds().fits(terms, 1, unmap).answer == OUTSIDE

    def stale(self, unmap: Expr) -> str:
        """The variable V in `unmap(V - n)` where `V = map(page) + n` came before, but
        n is something else by now; "" when it is not."""
        value = self.trace.moved(unmap)
        argument = unmap.arguments.get(self.knowledge.unmaps[unmap.callee].number)
        if value is None or value.moved == CURSOR or argument is None:
            return ""
        held = self.trace.stale(unmap) & self.trace.bases(unmap)
        undone = (
            name
            for name in held
            for site in self.trace.ended(unmap)
            if self._undone(site, argument, name)
        )
        return next(undone, "")

    def _undone(self, site: Site, argument: Expr, name: str) -> bool:
        """Whether ARGUMENT takes off the variable NAME what was added at the map
        call, by the text of it."""
        added = {
            e.text for e, _, sign in self.extents.mapped_at(site) or () if sign > 0
        }
        terms = terms_of(argument, name, self.function) or ()
        return any(
            sign < 0 and e.text in added and not is_same_again(e, self.function)
            for e, _, sign in terms
        )

    # -- repairs ----------------------------------------------------------------

    def inline_copy(self, site: Site, unmap: Expr) -> Expr | None:
        """The call in `memcpy(to, kmap(page) + offset, length);`, or a memset() or
        clear_page() like it, right before the unmap, where it visibly stays in
        the page; None where another mapping begins in it, too."""
        whole = site.call.whole()
        copy = whole.parent
        if copy is None or not self._has_helper(copy):
            return None
        inner = set(copy.walk()) - {site.call}
        if any(other.call in inner for other in self.trace.sites):
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
            copy.arguments[n] for n in functions.of(copy.callee).accesses
        ]:
            return None
        answer = self.bounds.fits(terms, length, copy).answer
        return copy if answer == INSIDE else None

    def _has_helper(self, call: Expr) -> bool:
        """Whether the kernel at hand has a helper for CALL, and this is not it."""
        arguments, helper = functions.of(call.callee).helper or (0, "")
        known = self.knowledge.helpers is None or helper in self.knowledge.helpers
        full = len(call.arguments) == arguments > 0
        return full and known and self.function.name != helper

    def moved_once(self, site: Site, unmap: Expr) -> str:
        """The variable that was moved once, by `+=`, and visibly not out of the
        page; "" when there is none."""
        moves = self.trace.of(site.number, Kind.MOVED)
        if len(moves) != 1 or moves[0].place.kind != "assign":
            return ""
        move = moves[0].place
        name = move.children[0].bare().text
        variable = self.function.variables.get(name)
        if move.op != "+=" or name not in self.trace.holders(unmap):
            return ""
        loops = (
            self.function.around(e, {*LOOPS, "iterator"}) for e in (move, site.call)
        )
        if next(loops) != next(loops) or name != site.variable:
            return ""
        size = scale_of(variable.type) if variable else None
        if size is None:
            return ""
        first = self.extents.mapped_at(site)
        if first is None:
            return ""
        terms = [*first, (move.children[1], size, 1)]
        inside = self.bounds.fits(terms, 1, move).answer == INSIDE
        return name if inside else ""

    def _saves(self, site: Site, unmap: Expr) -> bool:
        """Whether a variable can be added that keeps the address, where none has
        it at an UNMAP; notes it."""
        moved = bool(self.trace.of(site.number, Kind.MOVED))
        nameless = not site.variable and self.trace.given(unmap).callee == "kunmap"
        if not (nameless or moved or self.extents.mapped_at(site)):
            return False
        if site.number not in self._bases:
            sites = sharing(self.trace, site)
            self._bases |= base_pointers(
                self.function,
                self.trace,
                {each: self.extents.begin(each) for each in sites},
                self._bases,
                self.knowledge.branches,
            )
        return site.number in self._bases

    def dropped(self, site: Site) -> bool:
        """Whether the value of a kmap() is dropped."""
        stmt = Places(self.function).statement(site.call)
        if stmt is None or stmt.exprs != [site.call]:
            return False
        return site.name == "kmap" and stmt.kind == "expression"

    def joined(self, site: Site) -> Expr | None:
        """The one page_address() that can be the map call instead of a kmap()
        whose value is dropped: both in one block, with plain statements between
        them, and an address that a variable takes."""
        asked = self.trace.of(site.number, Kind.PAGE_ADDRESS)
        places = Places(self.function)
        if len(asked) != 1 or not self.dropped(site):
            return None
        begin, end = places.home(site.call), places.home(asked[0].place)
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
        return asked[0].place if first < last and plain and steady else None
