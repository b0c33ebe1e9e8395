# SPDX-License-Identifier: GPL-2.0-only
"""Mapped pages that functions of a file give each other: with the address, or not.

What repairs/carry.py makes of all of them is written down and analysed like any other
file: each function that maps for its callers, or unmaps for them, has to be seen as
one, every other one to be local, in order and paired.  So what is converted was
certified as it is after the conversion.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kmaplocal import faults, scratch
from kmaplocal.c import lexer
from kmaplocal.c.lexer import Token
from kmaplocal.c.outline import Outline, Span, is_exported, outlines
from kmaplocal.c.syntax import Function, Point
from kmaplocal.certify.certificate import CONVERT, FAULTS, LIFO, LOCAL, ONE_PAGE
from kmaplocal.certify.certificate import PAIRED, PREEMPT, Certificate, Verdict
from kmaplocal.certify.certificate import Mapping as Mapped
from kmaplocal.certify.certificate import holds, repaired
from kmaplocal.certify.file import FileAnalysis
from kmaplocal.certify.view import carrying
from kmaplocal.flow.events import AGAINST, Kind
from kmaplocal.flow.trace import Site
from kmaplocal.flow.values import Given
from kmaplocal.knowledge import api, functions
from kmaplocal.repairs.carry import GIVEN, RESULT, Carrier, Carrying, Refused, Role
from kmaplocal.repairs.carry import pages_of, roles_of, with_initialised
from kmaplocal.repairs.repair import AddressCarried
from kmaplocal.summaries import mappings

if TYPE_CHECKING:
    from kmaplocal.summaries.callees import Callees
    from kmaplocal.certify.analysis import Analysis

MOST_ROUNDS = 6
_BY_PAGE = {"page_address", "kunmap"}
LATE = (Kind.AFTER_UNMAP, Kind.DANGLING, Kind.MAPPED_AGAIN)


@dataclass
class Carried:
    """The functions of a file that are changed with others, by their lines, and the
    parameters they get, by their names."""

    changes: dict[int, Carrying] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    heads: dict[int, str] = field(default_factory=dict)  # lines outside of functions
    certified: dict[int, list[str]] = field(default_factory=dict)  # what each becomes

    def add(self, other: Carried) -> None:
        """Take what is changed by OTHER as well."""
        self.changes |= other.changes
        self.parameters |= other.parameters
        self.heads |= other.heads
        self.certified |= other.certified


def join(analysis: Analysis, files: Mapping[str, FileAnalysis]) -> None:
    """Find the components of each of FILES, and change what is said of them."""
    for file in files.values():
        if file.reading is None and _may_hold(file):
            with faults.net(partial(_left, file)):
                for roles, found in _Search(analysis, file).found():
                    _Component(analysis, file, roles, found).conclude()


def _left(file: FileAnalysis, why: str) -> None:
    """Take what FILE may have of these for not analysed."""
    for function in _kept(file):
        if pages_of(function, {}):
            file.lose(function, why)


def _may_hold(file: FileAnalysis) -> bool:
    """Whether FILE has a kmap() and a kunmap(), in functions that are kept."""
    seen = _kept(file)
    return all(any(f.calls({name}) for f in seen) for name in ("kmap", "kunmap"))


def _kept(file: FileAnalysis) -> list[Function]:
    """The functions of FILE that are kept, with what they map."""
    kept = {v.line for v in file.verdicts if v.verdict != CONVERT}
    return [a.function for line, a in file.analyses.items() if line in kept]


Functions = dict[str, "Function | None"]  # by name; None: not understood


class _Search:
    """Which functions of FILE give each other mapped pages."""

    def __init__(self, analysis: Analysis, file: FileAnalysis):
        self.analysis, self.file = analysis, file
        self.roles: dict[str, Role] = {}
        self.functions: Functions = {f.name: f for f in _kept(file) if pages_of(f, {})}

    def found(self) -> Iterator[tuple[dict[str, Role], dict[str, Function]]]:
        """The components of which all functions were understood: what each does to
        pages, and the functions."""
        for _ in range(MOST_ROUNDS):
            known = dict(self.roles)
            read = [f for f in self.functions.values() if f is not None]
            self.roles = roles_of(read, self.roles)
            for span in self.file.outline.holding(self.roles):
                self.functions.setdefault(span.name, self._function(span))
            if self.roles == known:
                break
        for names in self._groups():
            roles = {n: r for n, r in self.roles.items() if n in names}
            inside = {n: f for n, f in self.functions.items() if n in names and f}
            if len(inside) == len(names) > 1:
                yield roles, inside

    def _groups(self) -> list[set[str]]:
        """The names of the functions that call each other."""
        groups: list[set[str]] = []
        for name in self.functions:
            words = self._called(name) & self.roles.keys()
            if words or name in self.roles:
                tied = [g for g in groups if g & {name, *words}]
                groups = [g for g in groups if g not in tied]
                groups.append(set[str]().union({name}, words, *tied))
        return groups

    def _called(self, name: str) -> set[str]:
        spans = [s for s in self.file.outline.functions if s.name == name]
        return set[str]().union(*map(self.file.outline.words, spans)) - {name}

    def _function(self, span: Span) -> Function | None:
        """The function, where all of it was understood."""
        path = self.file.path
        self.analysis.learner.read_functions({path: {span.name}})
        found = self.analysis.callees.sources.get(path, {}).get(span.name)
        return found if found is not None and not found.unread else None


class _Component:
    """Functions of FILE that give each other mapped pages, as ROLES says."""

    def __init__(
        self,
        analysis: Analysis,
        file: FileAnalysis,
        roles: dict[str, Role],
        functions: dict[str, Function],
    ):
        self.analysis, self.file = analysis, file
        self.path, self.outline = file.path, file.outline
        self.roles, self.functions = roles, functions
        self.spans = {span.name: span for span in self.outline.functions}

    def conclude(self) -> None:
        """Change what is said of the functions, where nothing stands against it."""
        try:
            self._closed()
            made = self._made()
            after = self._after(made)
        except Refused:
            return
        if all(self._is_fine(name, after) for name in self.functions):
            self._settle(made)

    def _made(self) -> Carried:
        """What becomes of all of them.  Raises Refused."""
        carrier, made = Carrier(self.outline.text, self.roles), Carried()
        for name, function in self.functions.items():
            found = carrier.carrying(function)
            made.changes[self.spans[name].line] = found
            if found.parameter:
                made.parameters[name] = found.parameter
        return made

    def _documented(self, span: Span) -> bool:
        """Whether a comment in the form of kernel-doc stands right above SPAN."""
        above = self.outline.whole.split("\n")[max(span.line - 60, 0) : span.line - 1]
        code = [number for number, line in enumerate(above) if line.strip()[:1] == "}"]
        return any(line.strip() == "/**" for line in above[max(code, default=-1) + 1 :])

    def _conditional(self, span: Span) -> bool:
        lines = {line for group in self.outline.conditionals for line in group.lines}
        return any(span.line <= line <= span.end for line in lines)

    def _closed(self) -> None:
        """Raise Refused where others can call one of them, or ask for the address of
        such a page by the page alone."""
        names = [span.name for span in self.outline.functions]
        for name in self.functions:
            if names.count(name) != 1 or self._conditional(self.spans[name]):
                raise Refused(f"there may be another {name}()")
        for name in self.roles:
            if not self.outline.is_static(self.spans[name]):
                raise Refused(f"{name}() can be called by other files")
            if self._documented(self.spans[name]):
                raise Refused(f"the parameters of {name}() are described")
        for index, token in enumerate(self.outline.tokens):
            self._named(index, token)
        given = {name for f in self.functions.values() for name in self._given(f)}
        for _ in range(MOST_ROUNDS):
            for name in sorted(given):
                self._reaches(name)
            if not self.analysis.learner.learn():
                break
        for name in sorted(given):
            if self.analysis.callees.unread(self.path, name):
                raise Refused(f"a page is given to {name}(), which nobody found")

    def _named(self, index: int, token: Token) -> None:
        tokens = self.outline.tokens
        if token.text not in self.roles:
            return
        before = [t.text for t in tokens[max(index - 2, 0) : index]]
        following = tokens[index + 1].text if index + 1 < len(tokens) else ""
        if token.directive or following != "(" or is_exported(before):
            raise Refused(f"{token.text} is used as a value")

    def _given(self, function: Function) -> Iterator[str]:
        """What FUNCTION gives a page to, of which that is to be found out."""
        pages = with_initialised(function, self.roles).keys()
        for call in function.exprs:
            names = {e.bare().text for e in call.arguments.values()} & pages
            known = call.callee in functions.TABLE or call.callee in self.functions
            if names and call.kind == "call" and not known:
                yield call.callee

    def _reaches(self, callee: str) -> None:
        """Raise Refused where CALLEE may unmap a page that it is given, or asks for its
        address."""
        if not callee:
            raise Refused("a page is given to a function pointer")
        asking = self.analysis.callees.reaches(self.path, callee, _BY_PAGE, 2)
        if asking:
            raise Refused(f"{asking} has nothing but the page")

    # -- as it is then -------------------------------------------------------------

    def _after(self, made: Carried) -> FileAnalysis:
        """The file as MADE leaves it, analysed.  Raises Refused."""
        text = written(self.outline, self.spans, made)
        lines = text.split("\n")
        for line, change in made.changes.items():
            end = self.spans[change.function.name].end
            made.certified[line] = lexer.words(
                lexer.tokens("\n".join(lines[line - 1 : end]))
            )
        heads = _heads(self.outline, self.spans, made.parameters)
        made.heads = {
            line: lines[line - 1]
            for (line, _), _ in heads
            if self.outline.around(line) is None
        }
        with scratch.folder() as folder:
            copy = Path(folder) / self.path
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(text.encode(errors="surrogateescape"))
            outline = outlines(Path(folder), [self.path])[self.path]
        other = self.analysis.again(carrying(self.functions))
        other.callees.carried = True
        other.outlines[self.path] = outline
        found = other.run([self.path])[self.path]
        self._rest_on(other.callees)
        return found

    def _rest_on(self, known: Callees) -> None:
        """Note what was KNOWN of callees: what is found rests on it, too."""
        own = self.analysis.callees
        for asked, files in known.places.items():
            own.places.setdefault(asked, files)
        for path, defined in known.sources.items():
            if path != self.path:
                own.sources[path] = {**defined, **own.sources.get(path, {})}

    def _is_fine(self, name: str, after: FileAnalysis) -> bool:
        """Whether the function NAME is, in AFTER, what it is to be."""
        seen = [(v, after.analyses.get(v.line)) for v in after.verdicts]
        found = [(v, a) for v, a in seen if v.function == name and a is not None]
        if after.lost or len(found) != 1:
            return False
        ((verdict, analysis),) = found
        trace, role = analysis.trace, self.roles.get(name)
        if trace.disordered or any(e.kind in LATE for e in trace.events):
            return False
        if analysis.function.calls({"page_address", *api.OLD}):
            return False
        if role is None:
            ends = [end for ends in trace.unmaps.values() for end in ends]
            called = analysis.function.calls(analysis.knowledge.unmaps)
            unmapped = all(end.fine for end in ends) and len(called) == len(
                trace.unmaps
            )
            return verdict.verdict == CONVERT and unmapped
        number = len(self.functions[name].params)
        if role.kind == GIVEN:
            return _unmaps(analysis, number)
        return _maps(analysis, number, role)

    # -- what is said of them ------------------------------------------------------

    def _settle(self, made: Carried) -> None:
        self.file.carried = self.file.carried or Carried()
        self.file.carried.add(made)
        added = [self.spans[change.function.name] for change in made.changes.values()]
        known = {span.line for span in self.file.wanted}
        self.file.wanted += [span for span in added if span.line not in known]
        self.file.excerpt = self.outline.excerpt(self.file.wanted)
        verdicts = {v.line: v for v in self.file.verdicts}
        told = AddressCarried(
            tuple(sorted(made.changes[n].function.name for n in made.changes))
        )
        for line, change in made.changes.items():
            analysis = self.file.analyses.get(line)
            sites = analysis.trace.sites if analysis else []
            certificates = [_certificate(analysis, site, told) for site in sites]
            name = change.function.name
            verdicts[line] = Verdict(self.path, name, line, certificates)
        self.file.verdicts = [verdicts[line] for line in sorted(verdicts)]


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
    against = trace.of(Given(number), *AGAINST, Kind.RETURNED, *LATE)
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


# -- the text ---------------------------------------------------------------------


def written(outline: Outline, spans: Mapping[str, Span], made: Carried) -> str:
    """The text of OUTLINE as MADE leaves it, but for the layout."""
    lines = outline.text.split("\n")
    splices = sorted(_splices(outline, spans, made), reverse=True)
    for start, end, text in splices:
        (first, column), (last, to) = start, end
        head, tail = lines[first - 1][:column], lines[last - 1][to:]
        lines[first - 1 : last] = [head + text + tail]
        lines[first:first] = [""] * (last - first)
    return "\n".join(lines)


def _splices(
    outline: Outline, spans: Mapping[str, Span], made: Carried
) -> Iterator[tuple[Point, Point, str]]:
    for change in made.changes.values():
        for edit in change.edits:
            yield edit.expr.start, edit.expr.end, edit.text
        for stmt, text in change.after:
            yield stmt.end, stmt.end, f" {text};"
        for stmt, early, name in change.declared:
            at = stmt.start if early else stmt.end
            yield at, at, f" void *{name}; "
    for place, name in _heads(outline, spans, made.parameters):
        yield place, place, f", {made.parameters[name]}"


def _heads(
    outline: Outline, spans: Mapping[str, Span], names: Mapping[str, str]
) -> Iterator[tuple[Point, str]]:
    """Where the parameters end of the definitions and declarations of NAMES."""
    inside = [(s.line, s.end) for s in outline.functions]
    tokens = outline.tokens
    for index, token in enumerate(tokens):
        if token.text not in names or token.directive:
            continue
        own = spans[token.text].line == token.line
        if own or not any(first <= token.line <= last for first, last in inside):
            depth = 0
            for closing in tokens[index + 1 :]:
                depth += (closing.text == "(") - (closing.text == ")")
                if not depth:
                    yield (closing.line, closing.column), token.text
                    break
