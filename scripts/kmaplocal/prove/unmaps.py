# SPDX-License-Identifier: GPL-2.0-only
"""Unmaps: where only they differ, are they right?

A compiler that is told nothing of unmaps cannot tell a wrong one from a right
one.  So the functions are analysed as they are after the change: every mapping
has to be ended once on every path, in order, by an address in its page.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from kmaplocal.certify.analysis import Analysis, FileAnalysis
from kmaplocal.bounds import INSIDE, plain
from kmaplocal.certify.certificate import HOLDS, ONE_PAGE, PAIRED, Doubt, Verdict
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.certify.lifo import lifo
from kmaplocal.certify.paired import paired
from kmaplocal.certify.view import View
from kmaplocal.summaries.knowledge import FileKnowledge
from kmaplocal.bounds.offsets import terms_of
from kmaplocal.flow.events import Kind
from kmaplocal.flow.trace import Site
from kmaplocal.flow.values import CURSOR, Given
from kmaplocal.prove.bench import AFTER, Bench, Function
from kmaplocal.knowledge import api
from kmaplocal.tree.definitions import Definitions
from kmaplocal.tree.spatch import find_spatch
from kmaplocal.c.syntax import Expr
from kmaplocal.c.syntax import Function as Definition

Wanted = dict[Path, set[Function]]
Doubts = dict[tuple[Path, Function], str]


def _known(knowledge: FileKnowledge, function: Definition) -> FileKnowledge:
    """KNOWLEDGE of the mapping calls alone: wrappers are asked about by themselves."""
    found = knowledge.following(function, new=True)
    found.maps, found.unmaps = api.MAPS, api.UNMAPS
    return found


def _uncertain(given: FunctionAnalysis) -> Verdict:
    """A verdict without certificates; what is not certain is a doubt."""
    unmaps = Unmaps(given)
    analysis = unmaps.analysis
    verdict = Verdict(analysis.file, analysis.function.name, analysis.function.line)
    if analysis.unfollowed:
        verdict.doubts.append(
            Doubt(PAIRED, analysis.function.line, 0, analysis.unfollowed)
        )
        return verdict
    verdict.doubts += unmaps.doubts()
    return verdict


UNMAPS = View(api.ALL, _known, _uncertain)


class Unmaps:
    """Checks the unmaps of one function, of whatever mapping calls."""

    def __init__(self, given: FunctionAnalysis):
        self.function, self.knowledge = given.function, given.knowledge
        how = {"mapped": self._ended()}
        self.analysis = FunctionAnalysis(
            given.file, self.function, self.knowledge, **how
        )
        self.analysis.follow()
        self.trace, self.mapped = self.analysis.trace, self.analysis.mapped

    def doubts(self) -> Iterable[Doubt]:
        """What is not certain."""
        yield from self._unpaired()
        for site in self.trace.sites:
            yield from self._unsure(site)

    def _ended(self) -> list[int]:
        """The parameters that are themselves given to an unmap by address: who calls
        the function mapped them."""
        calls = self.function.calls(set(self.knowledge.unmaps) - {"kunmap"})
        given = {e.arguments[0].bare().text for e in calls if 0 in e.arguments}
        names = [variable.name for variable in self.function.params]
        return [number for number, name in enumerate(names) if name in given]

    def _unpaired(self) -> Iterable[Doubt]:
        """Unmaps of what is not known to be mapped, and mappings of the callers that
        are not ended once on every path."""
        for expr, ends in self.trace.unmaps.items():
            argument = _argument(expr)
            what = plain(argument.text) if argument else expr.text
            for end in sorted(ends, key=str):
                if end.site is None or not end.fine and isinstance(end.site, Given):
                    twice = end.kind is Kind.TWICE
                    why = "is unmapped twice on a path" if twice else ""
                    why = why or "is not known to be mapped here"
                    yield Doubt(PAIRED, *expr.start, f"{what} {why}")
                elif isinstance(end.site, Given) and self.trace.moved(expr):
                    yield Doubt(ONE_PAGE, *expr.start, f"{what} may have left the page")
        for expr in self.function.calls(self.knowledge.unmaps):
            if expr not in self.trace.unmaps:
                yield Doubt(PAIRED, *expr.start, f"no path to {plain(expr.text)}")
        for number in self.mapped:
            if Given(number) in self.trace.left_live:
                name = self.function.params[number].name
                why = f"{name} is unmapped on some paths only"
                yield Doubt(PAIRED, self.function.line, 0, why)

    def _unsure(self, site: Site) -> Iterable[Doubt]:
        """What of the pairing, the order and the arguments of the unmaps of SITE is not
        certain."""
        for found in (paired(site, self.analysis), lifo(site, self.analysis)):
            if found.state != HOLDS:
                line = found.line or site.call.start[0]
                yield Doubt(found.name, line, found.column, plain(found.evidence))
        for expr in self.trace.unmaps_of(site.number):
            if expr.callee != "kunmap":
                why = self._elsewhere(site, expr)
                if why:
                    yield Doubt(ONE_PAGE, *expr.start, why)

    def _elsewhere(self, site: Site, unmap: Expr) -> str:
        """Why the argument of UNMAP may not be in the page of SITE; "" when it is."""
        argument = _argument(unmap)
        if argument is None:
            return "is given no address"
        text = plain(argument.text)
        if self.analysis.pages.unmap_beyond(site, unmap):
            return f"{text} is in another page"
        bases = self.trace.bases(unmap)
        if argument.bare().text in {
            *bases,
            self.analysis.pages.moved_once(site, unmap),
        }:
            return ""
        value = self.trace.moved(unmap)
        if value is None:
            return ""
        if value.moved == CURSOR:
            return f"{text} was moved and may have left the page"
        if self._within_page(site, unmap, argument, bases):
            return ""
        return f"nothing in sight says that {text} is in the page that was mapped"

    def _within_page(
        self, site: Site, unmap: Expr, argument: Expr, bases: Collection[str]
    ) -> bool:
        """Whether ARGUMENT is one of BASES, or the variable that SITE was mapped
        into, and so much that the sum is visibly in the page."""
        if argument.bare().kind == "identifier":
            reaching = self.analysis.bounds().reaching
            argument = reaching.value(argument.bare()) or argument
        added = self.analysis.pages.extents.mapped_at(site)
        if added is None or site.api.into_page:
            return False
        for base in sorted(bases):
            terms = terms_of(argument, base, self.function)
            if terms is not None:
                bounds = self.analysis.unmap_bounds()
                return bounds.fits([*added, *terms], 1, unmap).answer == INSIDE
        return False


def _argument(unmap: Expr) -> Expr | None:
    return unmap.arguments.get(api.UNMAPS[unmap.callee].number)


def uncertain(bench: Bench, wanted: Wanted, timeout: float, jobs: int | None) -> Doubts:
    """Why the unmaps of the functions WANTED are not certain to be right, for those
    where they are not.  Errors: SpatchMissing, TagsError, OSError."""
    bench.show(AFTER)
    # Callees are looked up in the tree itself: grep does not follow the links.
    analysis = Analysis(
        bench.farm.folder, find_spatch(), timeout, jobs, Definitions(bench.root), UNMAPS
    )
    found: Doubts = {}
    for name, file in analysis.run(map(str, wanted)).items():
        path = Path(name)
        for function in wanted[path]:
            why = _why(bench, file, function)
            if why:
                found[path, function] = why
    return found


def _why(bench: Bench, file: FileAnalysis, function: Function) -> str:
    """What is not certain of FUNCTION: the first place of it, and why."""

    def mine(name: str, line: int) -> bool:
        return name == function.name or function.first <= line <= function.last

    doubts = [
        (gap.line, f"not analysed: {gap.reason}")
        for gap in file.lost
        if mine(gap.function, gap.line)
    ]
    verdicts = [v for v in file.verdicts if mine(v.function, v.line)]
    for verdict in verdicts:
        doubts += [(reason.line, reason.reason) for reason in verdict.reasons()]
    spans = file.outline.holding(api.ALL)
    if not verdicts and any(mine(span.name, span.line) for span in spans):
        doubts.append((function.first, "not analysed"))
    if not doubts:
        return ""
    line, why = min(doubts)
    return f"{bench.place(file.path, line)}: {why}"
