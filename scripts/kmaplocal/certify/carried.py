# SPDX-License-Identifier: GPL-2.0-only
"""Mapped pages that functions give each other: with the address, or not.

What repairs/carry.py makes of all of them is written down and analysed like any other
file: each function that maps for its callers, or unmaps for them, has to be seen as
one, every other one to be local, in order and paired.  So what is converted was
certified as it is after the conversion.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kmaplocal import faults, scratch
from kmaplocal.c import lexer
from kmaplocal.c.outline import JUMPS, Outline, Span, outlines
from kmaplocal.c.syntax import Expr, Point, Stmt
from kmaplocal.c.text import plain
from kmaplocal.certify.certificate import CONVERT, FAULTS, LIFO, LOCAL, ONE_PAGE
from kmaplocal.certify.certificate import PAIRED, PREEMPT, Certificate, Doubt
from kmaplocal.certify.certificate import Verdict
from kmaplocal.certify.certificate import Mapping as Mapped
from kmaplocal.certify.certificate import holds, repaired
from kmaplocal.certify.family import Family, Key, Search, is_shared, kept, visible
from kmaplocal.certify.file import FileAnalysis
from kmaplocal.certify.view import carrying
from kmaplocal.flow.events import AGAINST, Kind
from kmaplocal.flow.trace import Site
from kmaplocal.flow.values import Given
from kmaplocal.knowledge import api, functions, pages
from kmaplocal.repairs.carry import (
    ASKED,
    GIVEN,
    RESULT,
    Carrier,
    Carrying,
    Refused,
    Role,
)
from kmaplocal.repairs.carry import LATE, late_role, only_unmaps, pages_of
from kmaplocal.repairs.carry import with_initialised
from kmaplocal.repairs.heads import described, heads, misused, says, with_parameters
from kmaplocal.repairs.repair import AddressCarried
from kmaplocal.summaries import mappings

if TYPE_CHECKING:
    from kmaplocal.summaries.callees import Callees
    from kmaplocal.certify.analysis import Analysis

MOST_ROUNDS = 6
_BY_PAGE = {"page_address", "kunmap"}
_IN_PAGES = {"kmap", *_BY_PAGE, *JUMPS}
# What another user of a page makes a difference to.  Source: mm/truncate.c, vmscan.c.
_COUNTING = {"invalidate_inode_pages2", "invalidate_inode_pages2_range", "page_count"}
_COUNTING |= {"invalidate_mapping_pages", "remove_mapping", "migrate_pages"}
_COUNTING |= {"page_ref_freeze", "folio_ref_freeze", "page_ref_count"}
# How a comment says that a function is the last to need its page.
_RELEASES = ("releas", "unmap", "put", "drop")
_IS_GIVEN = "the address the page is mapped at"
_IS_LEFT = "filled with the address the page is mapped at"
TOGETHER = "kept as the address has to go with the page through all of "
UNMAPPED = (Kind.AFTER_UNMAP, Kind.DANGLING, Kind.MAPPED_AGAIN, Kind.UNSET)


@dataclass
class Carried:
    """What becomes of one file where pages go with their addresses: CHANGES, of its
    functions, by their lines; the new parameters, as C text by the function's name, of
    those it defines (PARAMETERS) and of those it only declares (DECLARED); the lines of
    comments that describe parameters (DESCRIBES), by the line that each follows."""

    changes: dict[int, Carrying] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    declared: dict[str, str] = field(default_factory=dict)
    describes: dict[int, str] = field(default_factory=dict)
    heads: dict[int, str] = field(default_factory=dict)  # lines outside of functions
    certified: dict[int, list[str]] = field(default_factory=dict)  # what each becomes

    def add(self, other: Carried) -> None:
        """Take what is changed by OTHER as well."""
        self.changes |= other.changes
        self.parameters |= other.parameters
        self.declared |= other.declared
        self.describes |= other.describes
        self.heads |= other.heads
        self.certified |= other.certified

    @property
    def gains(self) -> dict[str, str]:
        """All parameters that are new in the file."""
        return self.parameters | self.declared


def join(analysis: Analysis, files: dict[str, FileAnalysis]) -> None:
    """Find the families of FILES, and write what becomes of them into the verdicts of
    their functions.  Files that have to be changed with them join FILES."""
    with faults.net(partial(_left, list(files.values()))):
        for family in Search(analysis, files.values()).families():
            analysis.families.append(family)
            _Component(analysis, files, family).conclude()


def _left(files: Sequence[FileAnalysis], why: str) -> None:
    """Mark the functions of FILES that may give each other pages as not analysed, for
    the reason WHY."""
    for file in files:
        for function in kept(file):
            if pages_of(function, {}):
                file.lose(function, why)


class _Component:
    """A FAMILY of functions, some of which are in FILES."""

    def __init__(
        self,
        analysis: Analysis,
        files: dict[str, FileAnalysis],
        family: Family,
        later: Mapping[tuple[str, int], tuple[Key, str]] | None = None,
    ):
        """LATER: the calls, by their files and lines, behind which callers unmap what
        the callee did, but not before they return."""
        self.analysis, self.files, self.family = analysis, files, family
        self.later = later or {}
        self.outlines = {file: analysis.outlines[file] for file in family.files}
        self.known = {file: family.known(file) for file in self.outlines}

    def conclude(self) -> None:
        """Change what is said of the functions, where nothing stands against it."""
        try:
            part, made = self._certified()
        except Refused as error:
            self._note(str(error))
            return
        part.finish(made)

    def _certified(self) -> tuple[_Component, dict[str, Carried]]:
        """What becomes of all files, and the component for which that is right: this,
        or one that unmaps later.  Raises Refused."""
        self._closed()
        made = self._made()
        after = self._after(made)
        wrong = [
            k for k in sorted(self.family.functions) if not self._is_fine(k, after)
        ]
        if not wrong:
            return self, made
        why = min(_against(key, after[key.file]) for key in wrong)[1]
        try:
            return self._unmapping_later(wrong, after)._certified()
        except Refused:
            raise Refused(why) from None

    def _unmapping_later(
        self, wrong: Sequence[Key], after: Mapping[str, FileAnalysis]
    ) -> _Component:
        """The same, where what unmaps too early in a function that is WRONG leaves that
        to its callers.  Raises Refused."""
        if self.later:
            raise Refused("it is not in order then, either")
        later = {
            (key.file, call.start[0]): (key, call.callee)
            for key in wrong
            for call in _disordered(key, after[key.file])
        }
        if not later:
            raise Refused("no unmap is in the wrong order")
        roles, late = dict(self.family.roles), set[Key]()
        for key, callee in later.values():
            late |= {k for k in self._called(key, callee) if k not in wrong}
        given = {(k.file, n) for k in late for n in self._behind_unmap(k)}
        given |= {
            (key.file, e.callee)
            for (_, line), (key, _) in later.items()
            for e in self.family.functions[key].exprs
            if e.callee and e.start[0] > line
        }
        for key in late:
            known = self.known[key.file]
            if says(self.outlines[key.file], self._span(key), _RELEASES):
                raise Refused(f"the comment on {key.name}() says that it unmaps")
            roles[key] = late_role(self.family.functions[key], known, self._putting())
        self._counts_pages(given)
        family = replace(self.family, roles=roles)
        return _Component(self.analysis, self.files, family, later)

    def _called(self, key: Key, callee: str) -> Iterator[Key]:
        """The function CALLEE of the family, as that of KEY calls it."""
        own = Key(key.file, callee)
        found = [k for k in self.family.functions if k.name == callee]
        for each in [own] if own in found else found:
            if self.family.roles.get(each, Role("")).kind == GIVEN:
                yield each

    def _behind_unmap(self, key: Key) -> Iterator[str]:
        """What the function of KEY calls behind what unmaps."""
        exprs = self.family.functions[key].exprs
        ends = [e.start for e in exprs if e.callee in {"kunmap", *self.known[key.file]}]
        yield from (e.callee for e in exprs if e.callee and e.start > min(ends))

    def _putting(self) -> dict[str, bool]:
        """What does nothing but unmap a page; and whether it puts it, too."""
        found = {k.name: only_unmaps(f) for k, f in self.family.functions.items()}
        return {name: puts for name, puts in found.items() if puts is not None}

    def _counts_pages(self, given: Collection[tuple[str, str]]) -> None:
        """Raise Refused where one of those GIVEN may wait for the last user of a page:
        there is one more while it is mapped."""
        for file, name in sorted(given):
            if self.analysis.callees.reaches(file, name, _COUNTING, 2):
                raise Refused(f"{name}() may count who has the page")

    def finish(self, made: dict[str, Carried]) -> None:
        """Change what is said of the functions to what is MADE of them."""
        absent = [file for file in made if not self._at_hand(file)]
        if absent:
            self._ask(absent, made)
        else:
            self._settle(made)

    def _note(self, why: str) -> None:
        """Note WHY nothing becomes of it, for the next step of a person."""
        for key in self.family.functions:
            file = self.files.get(key.file)
            for verdict in file.verdicts if file else ():
                if verdict.function == key.name and file:
                    file.hindered[verdict.line] = why

    def _at_hand(self, file: str) -> bool:
        """Whether FILE is one that may be changed, and was looked at."""
        looked = file in self.files or not self.outlines[file].holding(api.OLD)
        return looked and self.analysis.scope(file)

    def _span(self, key: Key) -> Span:
        """The one definition of a function.  Raises Refused."""
        spans = [s for s in self.outlines[key.file].functions if s.name == key.name]
        if len(spans) != 1 or self._conditional(key, spans[0]):
            raise Refused(f"there may be another {key.name}()")
        return spans[0]

    def _conditional(self, key: Key, span: Span) -> bool:
        """Whether an #if in SPAN hides something of what becomes of pages."""
        outline, function = self.outlines[key.file], self.family.functions[key]
        pages = with_initialised(function, self.known[key.file]).keys()
        seen = {*_IN_PAGES, *self.known[key.file], *pages}
        for group in outline.conditionals:
            first, last = group.lines[0], group.lines[-1]
            if not any(span.line <= line <= span.end for line in group.lines):
                continue
            whole = span.line < first and last < span.end
            hidden = (t.text for t in outline.between(first, last) if not t.directive)
            if not whole or not seen.isdisjoint(hidden):
                return True
        return False

    # -- who has the page ----------------------------------------------------------

    def _closed(self) -> None:
        """Raise Refused where others can call one of them, or ask for the address of
        such a page by the page alone."""
        for key in self.family.functions:
            self._span(key)
        for file, name in self.family.lost:
            raise Refused(f"{name}() of {file} was not understood")
        for key in self.family.roles:
            self._is_only(key)
        for file, outline in self.outlines.items():
            for name in self.known[file]:
                why = misused(outline, name)
                if why:
                    raise Refused(f"{why} ({file})")
            for span in outline.holding(self.known[file]):
                if Key(file, span.name) not in self.family.functions:
                    raise Refused(f"{span.name}() of {file} was not understood")
        given = {(k.file, n) for k in self.family.functions for n in self._given(k)}
        for _ in range(MOST_ROUNDS):
            for file, name in sorted(given):
                self._reaches(file, name)
            if not self.analysis.learner.learn():
                break
        for file, name in sorted(given):
            unread = self.analysis.callees.unread(file, name)
            if unread and not name.startswith(pages.FLAGS):
                raise Refused(f"a page is given to {name}(), which nobody found")

    def _is_only(self, key: Key) -> None:
        """Raise Refused where the function of KEY may be called by what is not known,
        or there may be another one that is called so."""
        if not is_shared(self.outlines[key.file], key):
            return
        tree = self.analysis.definitions
        if (
            tree is None
            or not tree.search.is_whole()
            or key.name not in self.family.mentions
        ):
            raise Refused(f"{key.name}() can be called by other files")
        for file in self.family.mentions[key.name]:
            outline = self.analysis.outlines[file]
            other = Key(file, key.name)
            spans = [s for s in outline.functions if s.name == key.name]
            if spans and other != key and is_shared(outline, other):
                raise Refused(f"there may be another {key.name}()")

    def _given(self, key: Key) -> Iterator[str]:
        """What a function gives a page to, of which that is to be found out."""
        function, known = self.family.functions[key], self.known[key.file]
        pages = with_initialised(function, known).keys()
        inside = {k.name for k in self.family.functions if k.file == key.file}
        for call in function.exprs:
            names = {e.bare().text for e in call.arguments.values()} & pages
            told = {*functions.TABLE, *inside, *known}
            if names and call.kind == "call" and call.callee not in told:
                yield call.callee

    def _reaches(self, file: str, callee: str) -> None:
        """Raise Refused where CALLEE may unmap a page that it is given, or asks for its
        address."""
        if not callee:
            raise Refused("a page is given to a function pointer")
        asking = self.analysis.callees.reaches(file, callee, _BY_PAGE, 2)
        if asking:
            raise Refused(f"{asking} has nothing but the page")

    # -- what becomes of it --------------------------------------------------------

    def _made(self) -> dict[str, Carried]:
        """What becomes of all files.  Raises Refused."""
        made = {file: Carried() for file in self.outlines}
        parameters: dict[Key, str] = {}
        for key, function in self.family.functions.items():
            later = [line for file, line in self.later if file == key.file]
            text = self.outlines[key.file].text
            carrier = Carrier(text, self.known[key.file], later)
            try:
                found = carrier.carrying(function)
            except Refused as error:
                raise Refused(f"{key.name}() of {key.file}: {error}") from None
            made[key.file].changes[self._span(key).line] = found
            if found.parameter:
                parameters[key] = found.parameter
        for file, outline in self.outlines.items():
            gains = visible(parameters, self.outlines, file)
            own = {key.name for key in parameters if key.file == file}
            told = {head.name for head in heads(outline, gains)}
            made[file].parameters = {n: gains[n] for n in own}
            made[file].declared = {n: gains[n] for n in told - own}
            self._describe(file, made[file])
        return {f: each for f, each in made.items() if each.changes or each.gains}

    def _describe(self, file: str, made: Carried) -> None:
        for name, parameter in made.parameters.items():
            span = self._span(Key(file, name))
            given = self.known[file][name].kind in (GIVEN, ASKED, LATE)
            text = _IS_GIVEN if given else _IS_LEFT
            called = parameter.rpartition("*")[2]
            found = described(self.outlines[file], span, called, text)
            if found:
                made.describes[found[0]] = found[1]

    # -- as it is then -------------------------------------------------------------

    def _after(self, made: Mapping[str, Carried]) -> dict[str, FileAnalysis]:
        """The files as MADE leaves them, analysed.  Raises Refused."""
        with scratch.folder() as folder:
            for file, each in made.items():
                text = self._text(file, each)
                copy = Path(folder) / file
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(text.encode(errors="surrogateescape"))
            fresh = outlines(Path(folder), made)
        names = {key.name for key in self.family.functions}
        other = self.analysis.again(carrying(names, _addresses(made)))
        other.callees.carried = True
        called = ((file, name) for file, known in self.known.items() for name in known)
        other.callees.mapping |= dict.fromkeys(called, True)
        other.outlines |= fresh
        found = other.run([file for file, each in made.items() if each.changes])
        self._rest_on(other.callees)
        return found

    def _text(self, file: str, made: Carried) -> str:
        """The text of FILE as MADE leaves it, which notes what it is certified by."""
        outline = self.outlines[file]
        text = written(outline, made)
        lines = text.split("\n")
        for line, change in made.changes.items():
            end = self._span(Key(file, change.function.name)).end
            made.certified[line] = lexer.words(
                lexer.tokens("\n".join(lines[line - 1 : end]))
            )
        made.heads = {
            head.end[0]: lines[head.end[0] - 1]
            for head in heads(outline, made.gains)
            if outline.around(head.end[0]) is None
        }
        return text

    def _rest_on(self, known: Callees) -> None:
        """Note what was KNOWN of callees: what is found rests on it, too."""
        own = self.analysis.callees
        for asked, files in known.places.items():
            own.places.setdefault(asked, files)
        for path, defined in known.sources.items():
            if path not in self.outlines:
                own.sources[path] = {**defined, **own.sources.get(path, {})}

    def _is_fine(self, key: Key, files: Mapping[str, FileAnalysis]) -> bool:
        """Whether the function of KEY is, in FILES, what it is to be."""
        after = files[key.file]
        seen = [(v, after.analyses.get(v.line)) for v in after.verdicts]
        found = [(v, a) for v, a in seen if v.function == key.name and a is not None]
        role = self.family.roles.get(key)
        asked = role is not None and role.kind in (ASKED, LATE)
        if asked and not found:
            return not after.lost and not self.family.functions[key].calls(api.OLD)
        if after.lost or len(found) != 1:
            return False
        ((verdict, analysis),) = found
        trace = analysis.trace
        if trace.disordered or any(e.kind in UNMAPPED for e in trace.events):
            return False
        if analysis.function.calls({"page_address", *api.OLD}):
            return False
        if role is None or asked:
            ends = [end for ends in trace.unmaps.values() for end in ends]
            called = analysis.function.calls(analysis.knowledge.unmaps)
            unmapped = all(end.fine for end in ends) and len(called) == len(
                trace.unmaps
            )
            return verdict.verdict == CONVERT and unmapped
        number = len(self.family.functions[key].params)
        if role.kind == GIVEN:
            return _unmaps(analysis, number)
        return _maps(analysis, number, role)

    # -- what is said of them ------------------------------------------------------

    def _ask(self, absent: Sequence[str], made: Mapping[str, Carried]) -> None:
        """Keep the functions for the reason that all files which are MADE anew have to
        be named in FILES=, and the ABSENT ones are not."""
        self.analysis.beyond.update(f for f in absent if self.analysis.scope(f))
        why = f"{TOGETHER}{', '.join(sorted(made))}: name all of these files"
        for file, each in made.items():
            for verdict in self.files[file].verdicts if file in self.files else ():
                if verdict.line in each.changes:
                    verdict.doubts.append(Doubt(LOCAL, verdict.line, 0, why))

    def _settle(self, made: Mapping[str, Carried]) -> None:
        names = {
            c.function.name for each in made.values() for c in each.changes.values()
        }
        told = AddressCarried(tuple(sorted(names)))
        for path, each in made.items():
            if path not in self.files:
                self.files[path] = replace(self.analysis.empty(path), joined=True)
            file = self.files[path]
            file.carried = file.carried or Carried()
            file.carried.add(each)
            file.partners |= made.keys() - {path}
            changed = [c.function.name for c in each.changes.values()]
            added = [self._span(Key(path, name)) for name in changed]
            known = {span.line for span in file.wanted}
            file.wanted += [span for span in added if span.line not in known]
            file.excerpt = file.outline.excerpt(file.wanted)
            self._tell(file, each, told)

    def _tell(self, file: FileAnalysis, made: Carried, told: AddressCarried) -> None:
        verdicts = {v.line: v for v in file.verdicts}
        for line, change in made.changes.items():
            analysis = file.analyses.get(line)
            sites = analysis.trace.sites if analysis else []
            certificates = [_certificate(analysis, site, told) for site in sites]
            name = change.function.name
            verdicts[line] = Verdict(file.path, name, line, certificates)
        file.verdicts = [verdicts[line] for line in sorted(verdicts)]


def _against(key: Key, after: FileAnalysis) -> tuple[int, str]:
    """What stands against the function of KEY as it is AFTER the change, and how much
    it says, the least number first."""
    told = f"{key.name}() of {key.file}"
    for verdict in after.verdicts:
        analysis = after.analyses.get(verdict.line)
        if verdict.function == key.name and analysis:
            if analysis.trace.disordered:
                return 0, f"{told} does not unmap in reverse order"
            for doubt in verdict.reasons():
                return 1, f"{told}: {plain(doubt.reason)}"
    return 2, f"{told}: what becomes of the page was not followed"


def _disordered(key: Key, after: FileAnalysis) -> Iterator[Expr]:
    """The unmaps in the function of KEY, as it is AFTER the change, that come before
    those of later mappings."""
    for analysis in after.analyses.values():
        if analysis.function.name == key.name:
            for event in analysis.trace.events:
                if event.kind is Kind.DISORDERED:
                    yield event.place


def _certificate(analysis, site: Site, told: AddressCarried) -> Certificate:
    """The certificate of a mapping whose address goes with its page."""
    mapping = Mapped(analysis.file, analysis.function.name, site)
    many = f"all {len(told.functions)} functions that have the page were followed"
    obligations = (
        holds(PAIRED, f"{many}: one unmap on every path"),
        holds(LIFO, "unmapped in reverse order in each of them"),
        repaired(LOCAL, "the address goes with the page, in variables", told),
        holds(FAULTS, "kmap() disables no page faults"),
        holds(PREEMPT, "kmap() disables no preemption"),
        holds(ONE_PAGE, "the unmap is given the address as it was mapped"),
    )
    return Certificate(mapping, analysis.trace.about(site), obligations)


def _unmaps(analysis, number: int) -> bool:
    """Whether a function unmaps the address that is its parameter NUMBER."""
    found = mappings.ending(analysis.function, analysis.knowledge, number)
    if found is None:
        return False
    rule, trace = found
    against = trace.of(Given(number), *AGAINST, Kind.RETURNED, *UNMAPPED)
    whole = len(analysis.function.calls(analysis.knowledge.unmaps)) == len(trace.unmaps)
    left = trace.left_live or trace.disordered or against or not trace.fine
    return rule == api.Unmap("kunmap_local", number) and whole and not left


def _maps(analysis, number: int, role: Role) -> bool:
    """Whether a function leaves a page mapped, its address behind its parameter
    NUMBER, and does nothing else with it."""
    trace = mappings.traced(analysis.function, analysis.knowledge, True)
    made = mappings.mapped(trace, True)
    if made is None or made.where != number or made.kept or not trace.fine:
        return False
    if made.returns and role.kind == RESULT:
        return False
    for site in trace.sites:
        for event in trace.of(site.number, *AGAINST, Kind.RETURNED):
            stored = event.kind is Kind.STORED and event.place.kind == "assign"
            handed = event.kind is Kind.STORED and event.place is site.call
            given = event.kind is Kind.RETURNED and made.returns
            if not (stored or handed or given):
                return False
    return made.ends == "kunmap_local"


def _addresses(made: Mapping[str, Carried]) -> dict[str, set[str]]:
    """The variables that MADE declares for addresses, by the functions they are in."""
    found: dict[str, set[str]] = {}
    for each in made.values():
        for change in each.changes.values():
            names = found.setdefault(change.function.name, set())
            for _, _, text in change.declared:
                names.update(name.strip(" *") for name in text.split(","))
    return found


# -- the text ---------------------------------------------------------------------


def written(outline: Outline, made: Carried) -> str:
    """The text of OUTLINE as MADE leaves it, but for the layout."""
    lines = outline.text.split("\n")
    for start, end, text in sorted(_splices(outline, made), reverse=True):
        (first, column), (last, to) = start, end
        head, tail = lines[first - 1][:column], lines[last - 1][to:]
        lines[first - 1 : last] = [head + text + tail]
        lines[first:first] = [""] * (last - first)
    return "\n".join(lines)


def _beside(change: Carrying) -> dict[tuple[Stmt, str], list[str]]:
    """What CHANGE puts before and after statements."""
    found: dict[tuple[Stmt, str], list[str]] = {}
    for stmt, where, text in change.beside:
        found.setdefault((stmt, where), []).append(text)
    return found


def _splices(outline: Outline, made: Carried) -> Iterator[tuple[Point, Point, str]]:
    for change in made.changes.values():
        for edit in change.edits:
            yield edit.expr.start, edit.expr.end, edit.text
        for stmt in change.dropped:
            yield stmt.start, stmt.end, ""
        for (stmt, where), texts in _beside(change).items():
            at = stmt.end if where == "after" else stmt.start
            yield at, at, f" {'; '.join(texts)}; "
        for stmt, early, name in change.declared:
            at = stmt.start if early else stmt.end
            yield at, at, f" void *{name}; "
    for place, text in with_parameters(outline, made.gains):
        yield place, place, text
