# SPDX-License-Identifier: GPL-2.0-only
"""Mapping and unmapping in different functions: wrappers and all their users.

A function that returns the address it mapped is a map function to its callers,
one that unmaps what it is given an unmap function.  With all of their callers,
found all over the tree, they are a component: certified as one, and converted or
kept as one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from kmaplocal import deadline, faults
from kmaplocal.certify import called, conditional
from kmaplocal.certify import readings as readings_of
from kmaplocal.summaries import mappings
from kmaplocal.summaries.knowledge import FileKnowledge
from kmaplocal.certify.certificate import CONVERT, LOCAL, UNKNOWN, Doubt
from kmaplocal.certify.certificate import Verdict
from kmaplocal.certify.doubts import SYNTAX, comment_doubts, lacking, syntax_doubts
from kmaplocal.certify.certify import certify
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.certify.unrepaired import unrepaired
from kmaplocal.certify.view import converted
from kmaplocal.flow.events import AGAINST, Kind
from kmaplocal.flow.values import Given
from kmaplocal.names import quoted
from kmaplocal.knowledge import api
from kmaplocal.c.conditions import Version
from kmaplocal.c.outline import Outline, Span, is_exported
from kmaplocal.c.syntax import Function

if TYPE_CHECKING:
    from kmaplocal.certify.analysis import FileAnalysis

MOST_ROUNDS = 6
TOGETHER = "kept with all that map and unmap together: "
HARMFUL = (*AGAINST, Kind.RETURNED, Kind.AFTER_UNMAP)
Key = tuple[str, int]  # a function: its file and its line


class Wrapper(NamedTuple):
    """A function that maps or unmaps for its callers, and who can be one."""

    name: str
    key: Key
    everywhere: bool
    map: api.Map | None = None
    unmap: api.Unmap | None = None


@dataclass(eq=False)
class Member:
    """A function of a component, as it was analysed last."""

    file: str
    span: Span
    function: Function | None
    analysis: FunctionAnalysis | None = None
    verdict: Verdict | None = None
    wrapper: Wrapper | None = None
    handed: tuple[int, ...] = ()
    mapped: tuple[int, ...] = ()
    reading: FileAnalysis | None = None  # the only one of it that maps or unmaps
    where: str = ""

    @property
    def key(self) -> Key:
        """What tells it from all others."""
        return self.file, self.span.line

    @property
    def old(self) -> bool:
        """Whether there is something to convert in it."""
        return bool(self.function and self.function.calls(api.OLD))


@dataclass
class Component:
    """Functions that are converted together or not at all."""

    members: list[Member] = field(default_factory=list)
    obligation: str = ""  # what stands against it
    reason: str = ""


class Wrappers:
    """The components of a tree, from what ANALYSIS found in FILES."""

    def __init__(self, analysis, files: dict):
        self.analysis = analysis
        self.files = files
        self.members: dict[Key, Member] = {}
        self.wrappers: dict[Key, Wrapper] = {}
        self.refused: dict[Key, str] = {}
        for file in files.values():
            for line, analysed in file.analyses.items():
                span = next(s for s in file.wanted if s.line == line)
                member = Member(file.path, span, analysed.function, analysed)
                member.verdict = next(v for v in file.verdicts if v.line == line)
                self.members[member.key] = member
            for each in file.readings.values():
                self._add_reading(each)

    def _add_reading(self, readings: list) -> None:
        """Take a function of which one reading alone maps or unmaps for that one: in
        other configurations it is no wrapper, and neither are those it is joined to."""
        mapping = [r for r in readings if r.analyses]
        if len(mapping) != 1 or readings_of.lost_of(readings):
            return
        reading = mapping[0]
        ((_, analysed),) = reading.analyses.items()
        where = readings_of.said(readings, mapping, "")
        member = Member(reading.path, reading.wanted[0], analysed.function, analysed)
        member.verdict, member.reading = reading.verdicts[0], reading
        member.where = where
        self.members[member.key] = member

    def join(self) -> None:
        """Find all components, certify them, and change what FILES say of their
        functions.  Errors: TagsError, OSError."""
        with faults.net(self._give_up):
            self._find()
            beyond = (m.file for m in self.members.values() if m.old)
            self.analysis.beyond.update(f for f in beyond if f not in self.files)
            for component in self._components():
                with faults.net(partial(self._lose, component.members)):
                    self._conclude(component)

    def _find(self) -> None:
        """Find the wrappers and their users, and certify them with what they wrap."""
        looked = list(self.members.values())
        for _ in range(MOST_ROUNDS):
            new = [m for m in looked if m.key not in self.wrappers and self._wraps(m)]
            if not new:
                break
            made = {m.key: m.wrapper for m in new if m.wrapper}
            self.wrappers |= made
            self._refuse_declared(made.values())
            users = self._users(list(made.values()))
            looked = list({m.key: m for m in (*new, *users)}.values())
            self._certify(looked)

    def _refuse_declared(self, made: Iterable[Wrapper]) -> None:
        """Refuse those that are defined elsewhere, too, where no wrapper is seen."""
        for wrapper in made:
            outline = self._outline(wrapper.key[0])
            alike = [w for w in self.wrappers.values() if w.name == wrapper.name]
            if len(alike) == 1 and called.declared_besides(outline, wrapper.name):
                why = f"{wrapper.name}() {called.ELSEWHERE}"
                self.refused.setdefault(wrapper.key, why)

    def _give_up(self, why: str) -> None:
        """Nothing is known of wrappers: lose what may be kept only for that."""
        self._lose([m for m in self.members.values() if not self._fine_alone(m)], why)

    def _fine_alone(self, member: Member) -> bool:
        verdicts = self.files[member.file].verdicts if member.file in self.files else ()
        return any(
            v.line == member.span.line and v.verdict == CONVERT for v in verdicts
        )

    def _lose(self, members: Iterable[Member], why: str) -> None:
        for member in members:
            if member.old and member.file in self.files:
                self.files[member.file].lose(member.span, why)

    # -- what wraps --------------------------------------------------------

    def _wraps(self, member: Member) -> bool:
        """Whether MEMBER is a map or unmap function to its callers."""
        analysed = member.analysis
        if member.span.name in api.ALL or analysed is None or not analysed.followed:
            return False
        member.wrapper = self._maps(member, analysed) or self._unmaps(member, analysed)
        if member.wrapper is None and not member.reading:
            self._wrap_under_condition(member, analysed.knowledge)
        return member.wrapper is not None

    def _wrap_under_condition(self, member: Member, knowledge: FileKnowledge) -> None:
        """Take MEMBER for what it is where a condition of its arguments holds, where it
        maps or unmaps for its callers then alone."""
        assert member.function, "it was followed"
        calls = {*knowledge.maps, *knowledge.unmaps}
        others = [
            m.function
            for m in self.members.values()
            if m.file == member.file and m is not member
        ]
        for function, under in conditional.ways(member.function, calls):
            analysis = FunctionAnalysis(member.file, function, knowledge)
            analysis.follow()
            found = self._maps(member, analysis) or self._unmaps(member, analysis)
            if found and conditional.is_asked(under, others, calls):
                made, ended = found.map, found.unmap
                member.wrapper = found._replace(
                    map=made and made._replace(under=under),
                    unmap=ended and ended._replace(under=under),
                )
                member.function, member.analysis = function, analysis
                return

    def _maps(self, member: Member, analysed: FunctionAnalysis) -> Wrapper | None:
        """It as a map function: whatever it returns mapped, it maps, and it maps
        nothing else that it leaves mapped."""
        made = mappings.mapped(analysed.trace)
        if made is None or made.where != api.RESULT:
            return None
        handed = analysed.trace.returned_live
        member.handed = tuple(
            s.number for s in analysed.trace.sites if s.number in handed
        )
        return self._wrapper(member, map=made)

    def _unmaps(self, member: Member, analysed: FunctionAnalysis) -> Wrapper | None:
        """It as an unmap function: one of its parameters is unmapped on every
        path, and nothing else becomes of it."""
        names = enumerate(analysed.function.params)
        given = {parameter.name: number for number, parameter in names}
        for call, ends in analysed.trace.unmaps.items():
            argument = call.arguments.get(analysed.knowledge.unmaps[call.callee][1])
            if argument is None or not any(end.site is None for end in ends):
                continue
            for name in {n.text for n in argument.walk()} & given.keys():
                found = self._ends(member, analysed.function, given[name])
                if found is not None:
                    member.mapped = (given[name],)
                    return self._wrapper(member, unmap=found)
        return None

    def _ends(
        self, member: Member, function: Function, number: int
    ) -> api.Unmap | None:
        """It as the unmap function of its parameter NUMBER, which it harms not."""
        found = mappings.ending(function, self._knowledge(member.file), number)
        if found is None:
            return None
        rule, trace = found
        against = trace.of(Given(number), *HARMFUL)
        if trace.left_live or trace.disordered or against or not trace.fine:
            return None
        return rule

    def _wrapper(self, member: Member, **what) -> Wrapper:
        outline = self._outline(member.file)
        header = not member.file.endswith(".c")
        everywhere = header or not outline.is_static(member.span)
        return Wrapper(member.span.name, member.key, everywhere, **what)

    # -- who uses it -------------------------------------------------------

    def _users(self, wrappers: list[Wrapper]) -> list[Member]:
        """The callers of WRAPPERS; notes what uses one in another way."""
        wanted: dict[str, dict[str, Wrapper]] = defaultdict(dict)
        for wrapper in wrappers:
            wanted[wrapper.key[0]][wrapper.name] = wrapper
        everywhere = {w.name: w for w in wrappers if w.everywhere}
        for file in self._mentions(everywhere):
            wanted[file].update(everywhere)
        self.analysis.outline(wanted)
        found: dict[str, dict[Span, None]] = {}
        for file, named in wanted.items():
            own = {s.name for s in self._outline(file).functions}
            here = {n: w for n, w in named.items() if w.key[0] == file or n not in own}
            found[file] = dict.fromkeys(self._callers(file, here))
        names = {file: {s.name for s in spans} for file, spans in found.items()}
        self.analysis.learner.read_functions(names)
        return [self._member(f, span) for f, spans in found.items() for span in spans]

    def _mentions(self, everywhere: dict[str, Wrapper]) -> list[str]:
        if not everywhere:
            return []
        tree = self.analysis.definitions
        if tree:
            found = sorted(set().union(*tree.mentions(everywhere).values()))
            if tree.search.is_whole():
                return found
        links = tree.search.beyond if tree else []
        where = f": {quoted(links[0])} leads out of the tree" if links else ""
        for wrapper in everywhere.values():
            why = f"who calls {wrapper.name}() in other files is not known here{where}"
            self.refused.setdefault(wrapper.key, why)
        return []

    def _callers(self, file: str, named: dict[str, Wrapper]) -> Iterator[Span]:
        """The functions of FILE that call one of NAMED."""
        tokens = self._outline(file).tokens
        for index, token in enumerate(tokens):
            wrapper = named.get(token.text)
            if wrapper is None or wrapper.key == (file, token.line):
                continue
            following = tokens[index + 1].text if index + 1 < len(tokens) else ""
            before = [t.text for t in tokens[max(index - 2, 0) : index]]
            if before[-1:] in (["."], ["->"]) or is_exported(before):
                continue
            where = f"{file}:{token.line}"
            span = self._around(file, token.line)
            if token.directive:
                self.refused.setdefault(wrapper.key, f"{where}: a macro names it")
            elif following != "(":
                self.refused.setdefault(wrapper.key, f"{where}: used as a value")
            elif span is not None:
                yield span

    def _around(self, file: str, line: int) -> Span | None:
        return self._outline(file).around(line)

    def _member(self, file: str, span: Span) -> Member:
        known = self.members.get((file, span.line))
        if known:
            return known
        function = self.analysis.callees.sources.get(file, {}).get(span.name)
        inside = function and any(
            span.line <= s.start[0] <= span.end for s in function.body
        )
        whole = inside and not function.unread
        if file in self.files:
            lost = {gone.line for gone in self.files[file].lost}
            whole = whole and span.line not in lost | self.files[file].readings.keys()
        member = Member(file, span, function if whole else None)
        return self.members.setdefault(member.key, member)

    # -- certificates ------------------------------------------------------

    def _certify(self, members: Iterable[Member]) -> None:
        """Certify MEMBERS again, with all wrappers known so far."""
        for _ in range(MOST_ROUNDS):
            for member in members:
                if member.function is not None:
                    with faults.net(partial(self._refuse, member)):
                        self._certify_one(member, member.function)
            if not self.analysis.learner.learn():
                break

    def _refuse(self, member: Member, why: str) -> None:
        """Take MEMBER, and all that are tied to it, for not understood."""
        self._lose([member], why)
        member.function = member.analysis = None

    def _certify_one(self, member: Member, function: Function) -> None:
        deadline.RUN.check()
        knowledge, offers = self._knowledge(member.file), self.analysis.offers
        limit = self._limit(member, function)
        knowledge.limit, knowledge.helpers = limit, offers.helpers(limit)
        given = (converted(knowledge, function), member.handed, member.mapped)
        analysis = FunctionAnalysis(member.file, function, *given)
        analysis.follow()
        member.analysis = analysis.mended()
        member.verdict = verdict = certify(member.analysis)
        verdict.line = member.span.line
        outline = self._outline(member.file)
        if member.reading:
            outline = member.reading.outline
        names = {*api.OLD, *knowledge.wrapped}
        verdict.doubts.extend(syntax_doubts(outline, function, names))
        verdict.doubts.extend(comment_doubts(outline, function, analysis.trace))
        verdict.doubts.extend(lacking(function, offers.lack(limit)))

    def _limit(self, member: Member, function: Function) -> Version:
        """The oldest kernel that MEMBER is for."""
        if member.reading:
            return self.analysis.limit(member.reading, function)
        return self.analysis.offers.limit(self._outline(member.file), member.span)

    def _knowledge(self, file: str) -> FileKnowledge:
        """What is known in FILE, the wrappers it can call among the calls."""
        known = self.files.get(file)
        source = known.source if known else None
        outline = self._outline(file)
        knowledge = FileKnowledge(file, self.analysis.callees, source, outline)
        visible = self._visible(file)
        maps = {w.name: w.map for w in visible if w.map}
        unmaps = {w.name: w.unmap for w in visible if w.unmap}
        knowledge.maps = {**knowledge.maps, **maps}
        knowledge.unmaps = {**knowledge.unmaps, **unmaps}
        return knowledge

    def _visible(self, file: str) -> list[Wrapper]:
        """The wrappers that can be called in FILE."""
        own = {s.name for s in self._outline(file).functions}
        return [
            w
            for w in self.wrappers.values()
            if w.key[0] == file or (w.everywhere and w.name not in own)
        ]

    def _outline(self, file: str) -> Outline:
        return self.analysis.outlines[file]

    # -- components --------------------------------------------------------

    def _components(self) -> list[Component]:
        """The wrappers and their callers, each with whom it is tied to."""
        tied: dict[Key, Key] = {}

        def root(key: Key) -> Key:
            while tied.setdefault(key, key) != key:
                key = tied[key]
            return key

        for member in self.members.values():
            for wrapper in self._used(member):
                tied[root(member.key)] = root(wrapper.key)
        groups: dict[Key, Component] = defaultdict(Component)
        for key in sorted(tied):
            groups[root(key)].members.append(self.members[key])
        for component in groups.values():
            component.obligation, component.reason = self._reason(component.members)
        return list(groups.values())

    def _used(self, member: Member) -> list[Wrapper]:
        """The wrappers MEMBER calls; one that was not read may call any."""
        visible = self._visible(member.file)
        if member.function is None or member.reading:
            words = self._outline(member.file).words(member.span)
        else:
            words = {e.callee for e in member.function.exprs if e.kind == "call"}
        return [w for w in visible if w.name in words and w.key != member.key]

    def _reason(self, members: list[Member]) -> tuple[str, str]:
        """Why a component is kept: the obligation, and the reason; "" when nothing
        stands against it.  What is certain comes before what is not known."""
        called = {w.key for m in members for w in self._used(m)}
        for member in members:
            if member.key in self.refused:
                return LOCAL, self.refused[member.key]
            if member.wrapper and member.key not in called:
                return LOCAL, f"no caller of {member.span.name}() was found"
        conditions = {member.where for member in members if member.old}
        if len(conditions) > 1:
            return SYNTAX, "they map or unmap under different conditions of #if"
        found = [why for member in members for why in self._against(member)]
        return min(found, key=lambda why: why[0])[1:] if found else ("", "")

    def _against(self, member: Member) -> Iterator[tuple[bool, str, str]]:
        """What stands against converting MEMBER: whether it is only not known,
        the obligation, and the reason."""
        name, place = member.span.name, f"{member.file}:{member.span.line}"
        verdict = member.verdict
        if member.function is None or verdict is None:
            yield True, SYNTAX, f"{place}: {name}() was not understood"
            return
        hidden = self._hidden(member)
        if hidden:
            told = f"{place}: {name}() calls {hidden}() in another arm of an #if"
            yield True, SYNTAX, told
        if verdict.verdict != CONVERT:
            bad = [c.failing for c in verdict.certificates if c.failing]
            unknown = bool(bad) and all(o.state == UNKNOWN for o in bad)
            why = verdict.reasons()[0]
            reason = f"{member.file}:{why.line}: {name}(): {why.reason}"
            yield unknown, why.obligation, reason
        assert member.analysis, "what was certified"
        for relied, what in conditional.mismatches(member.analysis):
            yield False, relied, f"{place}: {name}(): {what}"
        for relied, what in unrepaired(member):
            yield False, relied, f"{place}: {name}(): {what}"
        if member.old and member.file not in self.files:
            reason = f"{place}: {name}() is to be converted with it: name its file"
            yield False, LOCAL, reason

    def _hidden(self, member: Member) -> str:
        """A wrapper that another reading of MEMBER calls, which is not analysed."""
        if not member.reading or not member.function:
            return ""
        called = {e.callee for e in member.function.exprs if e.kind == "call"}
        names = (wrapper.name for wrapper in self._used(member))
        return next((name for name in names if name not in called), "")

    def _conclude(self, component: Component) -> None:
        """Change what is said of the functions that have something to convert."""
        homes = {m.file for m in component.members if m.old}
        analysed = [m.analysis for m in component.members if m.analysis]
        several = sum(member.old for member in component.members) > 1
        for member in component.members:
            file = self.files.get(member.file)
            if file is None or not member.old:
                continue
            index = [v.line for v in file.verdicts].index(member.span.line)
            verdict = member.verdict
            if not component.reason and verdict and member.analysis:
                certificates = verdict.certificates
                verdict.certificates = [
                    c for c in certificates if c.mapping.api in api.OLD_MAPS
                ]
                file.verdicts[index] = verdict
                home = member.reading or file
                home.analyses[member.span.line] = member.analysis
                if member.reading:
                    member.reading.verdicts = [verdict]
                if member.reading or several:
                    file.tied.add(member.span.line)
                file.partners |= homes - {member.file}
                file.users += analysed if member.wrapper else []
            elif file.verdicts[index].verdict != CONVERT:
                why = f"{TOGETHER}{component.reason}"
                doubt = Doubt(component.obligation, member.span.line, 0, why)
                file.verdicts[index].doubts.append(doubt)
