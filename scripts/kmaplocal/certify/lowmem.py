# SPDX-License-Identifier: GPL-2.0-only
"""Pages of lowmem: what page_address() is enough for.

A page that was allocated without __GFP_HIGHMEM has an address of its own, which kmap()
and kmap_atomic() give and no unmap takes away.  Where a mapping of such a page is kept
for what is done with its address, and everything that the variable or member with the
page is ever given is known, page_address() takes the place of the map call, and the
unmaps go: all functions of the file that map or unmap it so, or none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from kmaplocal import faults
from kmaplocal.c.places import Places
from kmaplocal.c.structs import struct_of
from kmaplocal.c.syntax import Expr
from kmaplocal.certify.certificate import CONVERT, FAULTS, HOLDS, PREEMPT
from kmaplocal.certify.certificate import Certificate, Verdict, repaired
from kmaplocal.certify.file import FileAnalysis
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.certify.members import NOTHING, Members, takes_by_value
from kmaplocal.certify.wrappers import TOGETHER
from kmaplocal.flow.events import AGAINST, End, Kind
from kmaplocal.flow.trace import Site
from kmaplocal.knowledge import functions, gfp
from kmaplocal.repairs.repair import LowmemPage
from kmaplocal.summaries import mappings

MAPS, UNMAPS = ("kmap", "kmap_atomic"), ("kunmap", "kunmap_atomic")
MOST_ROUNDS = 6
MOST_STEPS = 3  # from a variable to the one it is a copy of
_KEPT = (FAULTS, PREEMPT)  # obligations that are not about the page

Place = tuple[str, str]  # a structure, and a member of it


@dataclass(eq=False)
class LowmemFunction:
    """A function that would be kept: its map calls of lowmem, the unmaps that go with
    them, and the members that it puts addresses of lowmem into, or unmaps."""

    verdict: Verdict
    analysis: FunctionAnalysis
    sites: list[Site] = field(default_factory=list)
    unmaps: list[Expr] = field(default_factory=list)
    held: set[Place] = field(default_factory=set)

    @property
    def calls(self) -> frozenset[Expr]:
        """What is not to be called any more."""
        return frozenset([*(site.call for site in self.sites), *self.unmaps])

    @property
    def whole(self) -> bool:
        """Whether all unmaps of the sites go, and end nothing else."""
        ended = {u for s in self.sites for u in self.analysis.trace.unmaps_of(s.number)}
        return bool(self.calls) and ended.issubset(self.unmaps)


class Lowmem:
    """The mappings of lowmem in FILES, which ANALYSIS has read."""

    def __init__(self, analysis, files: dict[str, FileAnalysis]):
        self.analysis = analysis
        self.files = files
        self.members = Members(analysis.root, analysis.definitions)

    def join(self) -> None:
        """Say of each function that page_address() is enough for that it is to be
        converted."""
        files = [file for file in self.files.values() if file.path.endswith(".c")]
        with faults.net(lambda why: None):
            self.members.foresee(set(self._asked(files)))
        for file in files:
            with faults.net(lambda why: None):
                self._convert_agreed(file)

    def _asked(self, files: Iterable[FileAnalysis]) -> Iterator[tuple[str, str]]:
        """The structures that will be asked about, each with the file that uses it."""
        for file in files:
            found = self._candidates(file)
            ended = {place for each in found if each.unmaps for place in each.held}
            for struct, _ in ended:
                yield file.path, struct

    def _convert_agreed(self, file: FileAnalysis) -> None:
        for _ in range(MOST_ROUNDS):
            found = self._agreed(file)
            if not self.analysis.learner.learn():
                for each in [*found, *self._like(file, found)]:
                    _convert(each)
                break

    def _like(
        self, file: FileAnalysis, found: Sequence[LowmemFunction]
    ) -> Iterator[LowmemFunction]:
        """The functions that are converted anyhow, and map the pages of the same
        members as those FOUND: all of them in the same way."""
        pages = {_page(e.analysis, site) for e in found for site in e.sites} - {None}
        for verdict in file.verdicts if pages else ():
            analysed = file.analyses.get(verdict.line)
            if verdict.verdict != CONVERT or analysed is None:
                continue
            sites = [s for s in analysed.trace.sites if _page(analysed, s) in pages]
            each = LowmemFunction(
                verdict, analysed, [s for s in sites if s.name in MAPS]
            )
            each.unmaps = [
                u
                for u in analysed.function.calls(UNMAPS)
                if _only_of(analysed, u, sites)
            ]
            certified = (
                c for c in verdict.certificates if c.mapping.site in each.sites
            )
            alone = all(_is_alone(analysed, unmap) for unmap in each.unmaps)
            if alone and each.whole and all(map(_needs_nothing, certified)):
                yield each

    def _agreed(self, file: FileAnalysis) -> list[LowmemFunction]:
        """The functions that can be converted together."""
        found = self._candidates(file)
        while found:
            bad = [e for e in found if not self._holds(file, e, found)]
            if not bad:
                return found
            found = [each for each in found if each not in bad]
        return []

    def _candidates(self, file: FileAnalysis) -> list[LowmemFunction]:
        kept = (v for v in file.verdicts if v.verdict != CONVERT)
        tried = (self._tried(file, verdict) for verdict in kept)
        return [each for each in tried if each is not None]

    # -- one function ------------------------------------------------------------

    def _tried(self, file: FileAnalysis, verdict: Verdict) -> LowmemFunction | None:
        """A function, where nothing stands against it but what page_address() is
        enough for."""
        analysed = file.analyses.get(verdict.line)
        if analysed is None or not analysed.followed or analysed.unfollowed:
            return None
        found = LowmemFunction(verdict, analysed)
        low = [s for s in analysed.trace.sites if self._is_low_site(file, analysed, s)]
        found.sites = low
        if not all(self._ends(analysed, site) for site in low):
            return None
        for unmap in analysed.function.calls(UNMAPS):
            if self._goes(found, unmap):
                found.unmaps.append(unmap)
            elif unmap not in analysed.trace.unmaps:
                return None
        for certificate in verdict.certificates:
            own = next(
                (s for s in low if s.call is certificate.mapping.site.call), None
            )
            if not (certificate.good or own and _needs_nothing(certificate)):
                return None
        dropped = {unmap.start for unmap in found.unmaps}
        if any(
            (d.line, d.column) not in dropped and not d.reason.startswith(TOGETHER)
            for d in verdict.doubts
        ):
            return None
        found.held |= {place for s in low for place in self._stores(analysed, s)}
        alone = all(_is_alone(analysed, unmap) for unmap in found.unmaps)
        return found if alone and found.whole else None

    def _is_low_site(
        self, file: FileAnalysis, analysed: FunctionAnalysis, site: Site
    ) -> bool:
        page = site.call.arguments.get(0)
        known = site.name in MAPS and len(site.call.arguments) == 1 and page is not None
        return known and page is not None and self._is_low(file, analysed, page)

    def _ends(self, analysed: FunctionAnalysis, site: Site) -> bool:
        """Whether SITE is unmapped in its function, or its address is in a member for
        another one that does it, who has it from nowhere else."""
        if analysed.trace.of(site.number, Kind.RETURNED, Kind.BEHIND):
            return False
        left = analysed.trace.of(site.number, Kind.LEAKED, Kind.MAPPED_AGAIN)
        if analysed.trace.unmaps_of(site.number) and not left:
            return True
        stores = self._stores(analysed, site)
        against = analysed.trace.of(site.number, *AGAINST)
        return site.api.atomic and 0 < len(list(stores)) == len(against)

    def _goes(self, found: LowmemFunction, unmap: Expr) -> bool:
        """Whether all that UNMAP ends is of lowmem; notes the member it is given."""
        analysed, argument = found.analysis, unmap.arguments.get(0)
        if argument is None:
            return False
        ends = analysed.trace.unmaps.get(unmap, frozenset())
        if ends and _only_of(analysed, unmap, found.sites):
            return True
        place = _place(analysed, argument.bare())
        if place is None or not ends or any(end.site is not None for end in ends):
            return False
        found.held.add(place)
        return True

    def _stores(self, analysed: FunctionAnalysis, site: Site) -> Iterator[Place]:
        """The members that the address of SITE is put into as it is."""
        for event in analysed.trace.of(site.number, Kind.STORED, Kind.UNKNOWN):
            target = event.place.children[0] if event.place.kind == "assign" else None
            place = _place(analysed, target.bare()) if target is not None else None
            if place is not None:
                yield place

    # -- what is of lowmem ---------------------------------------------------------

    def _is_low(
        self, file: FileAnalysis, analysed: FunctionAnalysis, page: Expr, steps: int = 0
    ) -> bool:
        """Whether all that PAGE, a variable of the function or a member, is ever given
        is a page of lowmem."""
        node = page.bare()
        if steps > MOST_STEPS:
            return False
        if node.kind == "call":
            return _allocates_low(node)
        if node.kind == "member":
            place = _place(analysed, node)
            return place is not None and self._is_low_member(file, *place)
        variable = analysed.function.variables.get(node.text)
        if node.kind != "identifier" or variable is None or variable.static:
            return False
        values = [*_values(analysed, node.text), *self._assigned(analysed, node.text)]
        return any(v is not None and v.text not in NOTHING for v in values) and all(
            v is not None
            and (v.text in NOTHING or self._is_low(file, analysed, v, steps + 1))
            for v in values
        )

    def _assigned(self, analysed: FunctionAnalysis, name: str) -> Iterator[None]:
        """None for each macro that may assign to the variable NAME: one that is given
        it besides others, and is no function of the kernel."""
        function, knowledge = analysed.function, analysed.knowledge
        for stmt in function.statements():
            if stmt.kind == "iterator" and any(
                n.text == name for e in stmt.exprs for n in e.walk()
            ):
                yield None
        for call in function.exprs:
            whole = any(a.bare().text == name for a in call.arguments.values())
            if call.kind != "call" or not whole or len(call.arguments) < 2:
                continue
            known = takes_by_value(call.callee)
            if not known and not knowledge.callees.find(analysed.file, call.callee):
                yield None

    def _is_low_member(self, file: FileAnalysis, struct: str, member: str) -> bool:
        if not _is_allocated(file, member):
            return False
        writes = self.members.writes(file.path, struct, member)
        return bool(writes) and all(_is_low_value(w.value) for w in writes or ())

    # -- together ------------------------------------------------------------------

    def _holds(
        self, file: FileAnalysis, each: LowmemFunction, found: Sequence[LowmemFunction]
    ) -> bool:
        """Whether every member that EACH puts an address into, or unmaps, is given
        nothing else, and unmapped by nobody else, than those FOUND do; and nothing on
        the way depends on what kmap_atomic() disabled."""
        for place in each.held:
            ended = any(place in other.held and other.unmaps for other in found)
            if not ended or not self._is_ours(file, place, found):
                return False
        ending = {e.verdict.function for e in found if e.held & each.held and e.unmaps}
        return not each.held or self._is_quiet(file, each, ending)

    def _is_ours(
        self, file: FileAnalysis, place: Place, found: Sequence[LowmemFunction]
    ) -> bool:
        writes = self.members.writes(file.path, *place)
        calls = {site.call.start for each in found for site in each.sites}
        for write in writes or ():
            start = next((t for t in write.value if t.text in MAPS), None)
            at = (start.line, start.column) if start else None
            if write.file != file.path or at not in calls or not _is_map(write.value):
                return False
        return bool(writes) and self._unmapped_here(file, place, found)

    def _unmapped_here(
        self, file: FileAnalysis, place: Place, found: Sequence[LowmemFunction]
    ) -> bool:
        """Whether no function but those FOUND can unmap what the member of PLACE holds:
        none of the file unmaps what it has from elsewhere, and no other file that
        names the member unmaps anything."""
        goes = {unmap.start for each in found for unmap in each.unmaps}
        for analysed in file.every_analysis():
            for unmap, ends in analysed.trace.unmaps.items():
                foreign = not all(isinstance(end.site, int) for end in ends)
                if foreign and unmap.start not in goes:
                    return False
        callees = self.analysis.callees
        for other in self.members.seeing(file.path, place[0]):
            given = self.members.given(other, place[1])
            if other != file.path and self.members.names(other, place[1], UNMAPS):
                return False
            if any(
                (name, at)
                for name, at in given
                if (
                    at not in goes
                    if name in UNMAPS
                    else callees.mappings_of(other, name) != mappings.NONE
                )
            ):
                return False
        return True

    def _is_quiet(
        self, file: FileAnalysis, each: LowmemFunction, ending: Collection[str]
    ) -> bool:
        """Whether the callers of a function that leaves an address behind are functions
        of the file that call one of those ENDING what it began, and nothing that needs
        page faults or preemption off."""
        name = each.verdict.function
        spans = [s for s in file.outline.functions if s.name == name]
        if not spans or not all(map(file.outline.is_static, spans)):
            return False
        if not _is_only_called(file, name):
            return False
        callers = [s for s in file.outline.holding([name]) if s.name != name]
        self.analysis.learner.read_functions({file.path: {s.name for s in callers}})
        sources = self.analysis.callees.sources.get(file.path, {})
        for span in callers:
            function = sources.get(span.name)
            if function is None or function.unread:
                return False
            if each.sites and not function.calls(ending):
                return False
            for call in function.exprs:
                if call.callee and any(
                    each.analysis.knowledge.chain(call, k) for k in _KEPT
                ):
                    return False
        return True


def _convert(each: LowmemFunction) -> None:
    """Say of a function that it is to be converted."""
    each.analysis.lowmem = each.calls
    calls = {site.call for site in each.sites}
    each.verdict.doubts = []
    each.verdict.certificates = [
        _certified(c) if c.mapping.site.call in calls else c
        for c in each.verdict.certificates
    ]


def _certified(certificate: Certificate) -> Certificate:
    why = "the page is of lowmem: page_address() is all that is needed"
    call = certificate.mapping.site.call
    obligations = tuple(
        o if o.name in _KEPT else repaired(o.name, why, LowmemPage(call), at=call)
        for o in certificate.obligations
    )
    return Certificate(certificate.mapping, certificate.events, obligations)


def _needs_nothing(certificate: Certificate) -> bool:
    """Whether nothing on the way depends on what is disabled."""
    found = (o for o in certificate.obligations if o.name in _KEPT)
    return all(o.state == HOLDS for o in found)


def _only_of(analysed: FunctionAnalysis, unmap: Expr, sites: Iterable[Site]) -> bool:
    """Whether UNMAP ends mappings of SITES alone."""
    numbers = {site.number for site in sites}
    ends: frozenset[End] = analysed.trace.unmaps.get(unmap, frozenset())
    return bool(ends) and all(end.site in numbers for end in ends)


def _is_alone(analysed: FunctionAnalysis, unmap: Expr) -> bool:
    """Whether UNMAP is a statement of a block, which can go."""
    places = Places(analysed.function)
    stmt = places.statement(unmap)
    alone = stmt is not None and stmt.kind == "expression" and stmt.exprs == [unmap]
    return alone and stmt is not None and places.in_block(stmt)


def _page(analysed: FunctionAnalysis, site: Site) -> Place | None:
    """The member that the page of SITE is in."""
    page = site.call.arguments.get(0)
    return _place(analysed, page.bare()) if page is not None else None


def _place(analysed: FunctionAnalysis, node: Expr) -> Place | None:
    """The structure and the member that NODE is, where that is known."""
    if node.kind != "member":
        return None
    knowledge = analysed.knowledge
    struct = struct_of(node.children[0], analysed.function, knowledge.member_type)
    own = struct and knowledge.own_place(struct, node.label)
    return (struct, node.label) if own else None


def _values(analysed: FunctionAnalysis, name: str) -> Iterator[Expr | None]:
    """What the local variable NAME is given; None for what is not understood."""
    function = analysed.function
    if any(p.name == name for p in function.params):
        yield None
    variable = function.variables[name]
    for expr in function.exprs:
        if expr.start == variable.value_at and variable.value_at is not None:
            if expr.parent is None:
                yield expr
        child = expr.children[0].bare() if expr.children else None
        if child is None or child.kind != "identifier" or child.text != name:
            continue
        if expr.kind == "assign":
            yield expr.children[1].bare() if expr.op == "=" else None
        elif expr.kind == "postfix" or (
            expr.kind == "unary" and expr.op in ("++", "--", "&")
        ):
            yield None


def _allocates_low(call: Expr) -> bool:
    number = functions.of(call.callee).flags
    argument = call.arguments.get(number) if number is not None else None
    return argument is not None and gfp.are_low(argument.text.split())


def _is_low_value(value: Sequence) -> bool:
    """Whether the tokens VALUE are a call that allocates a page of lowmem."""
    words = [token.text for token in value]
    number = functions.of(words[0]).flags
    if number is None or words[1:2] != ["("] or words[-1] != ")":
        return False
    depth = 0
    arguments: list[list[str]] = [[]]
    for word in words[2:-1]:
        depth += word == "("
        depth -= word == ")"
        if depth < 0:
            return False
        if word == "," and not depth:
            arguments.append([])
        else:
            arguments[-1].append(word)
    return number < len(arguments) and gfp.are_low(arguments[number])


def _is_map(value: Sequence) -> bool:
    """Whether the tokens VALUE are a map call, and nothing is added to it."""
    words = [token.text for token in value]
    first = next((n for n, word in enumerate(words) if word in MAPS), -1)
    cast = words[:first]
    return (
        first >= 0
        and (not cast or (cast[0], cast[-1]) == ("(", ")"))
        and (words[-1] == ")" and words.count("+") == words.count("-") == 0)
    )


def _is_only_called(file: FileAnalysis, name: str) -> bool:
    """Whether FILE does nothing with the function NAME but to declare and call it."""
    tokens = file.outline.tokens
    after = [*(token.text for token in tokens[1:]), ""]
    return all(
        following == "(" and not token.directive
        for token, following in zip(tokens, after)
        if token.text == name
    )


def _is_allocated(file: FileAnalysis, member: str) -> bool:
    """Whether a member of this name is given a new page anywhere in the file: others
    are not worth to be looked for."""
    code = file.outline.code
    return any(
        token.text == member
        and [t.text for t in code[index + 1 : index + 2]] == ["="]
        and any(
            functions.of(t.text).allocates_pages for t in code[index + 2 : index + 3]
        )
        for index, token in enumerate(code)
    )
