# SPDX-License-Identifier: GPL-2.0-only
"""Analyses files of a tree: facts, callees, verdicts, and what was lost.

The files are read once.  A callee that is given an address is looked up, read
and summarised, and the functions that asked are analysed again, until nothing
new is asked for.
"""

from __future__ import annotations

import copy
import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import partial
from pathlib import Path

from kmaplocal import deadline, faults
from kmaplocal.knowledge import api
from kmaplocal.c import arms, lexer
from kmaplocal.tree import facts
from kmaplocal.tree import definitions
from kmaplocal.cache import facts as cached_facts
from kmaplocal.certify import called, gaps, readings
from kmaplocal.summaries.callees import Callees, unfound
from kmaplocal.summaries.knowledge import FileKnowledge
from kmaplocal.certify.certificate import Doubt, Verdict
from kmaplocal.tree.generated import Generated
from kmaplocal.certify.doubts import MACRO, SYNTAX, comment_doubts, lacking
from kmaplocal.certify.doubts import syntax_doubts
from kmaplocal.certify.file import FileAnalysis, has_old, narrowed, unread
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.certify.view import APPLY, View
from kmaplocal.certify.offers import Offers
from kmaplocal.repairs.asked import ask_types
from kmaplocal.flow.pointers import Pointer
from kmaplocal.summaries.requests import Definition, Layout, MayMap, Member
from kmaplocal.summaries.pointers import Pointers, Targets
from kmaplocal.summaries.reaching import Reaching
from kmaplocal.summaries.users import Further, Users
from kmaplocal.certify.lowmem import Lowmem
from kmaplocal.certify.wrappers import Wrappers
from kmaplocal.c.arms import Arms, Kernels
from kmaplocal.c.conditions import Version
from kmaplocal.tree.facts import Facts, Piece
from kmaplocal.tree.outcome import WHOLE_FILE, Lost
from kmaplocal.c.outline import Macro, Outline, Span, outlines, read
from kmaplocal.tree.spatch import Spatch
from kmaplocal.c.syntax import Function, Source, Struct
from kmaplocal.progress import Progress, silent

MOST_ROUNDS = 24
MOST_USERS = 8  # of a macro, that are named
_HEADERS = ("highmem.h", "bvec.h")  # of the page helpers


class Analysis:
    """Analyses files below ROOT, as VIEW looks at them."""

    def __init__(
        self,
        root: Path,
        spatch: Spatch,
        timeout: float,
        jobs: int | None = None,
        tree: definitions.Definitions | None = None,
        view: View = APPLY,
        kernels: Kernels = Kernels(),
    ):
        self.root = root
        self.spatch = spatch
        self.timeout = timeout
        self.jobs = jobs
        self.definitions = tree
        self.view = view
        # What was seen of functions of which all that was asked for was known.
        self.seen: dict[Function, FunctionAnalysis] = {}
        self.kernels = kernels
        self.callees = Callees()
        words = _helpers(tree.kernel or root if tree else root)
        self.offers = Offers(kernels, words, tree)
        if tree:
            self.callees.member_types = tree.member_types
        known = tree.own.answers if tree else None
        self.generated = Generated(root, tree.kernel if tree else None, known)
        self.pointers = Pointers(self)
        self.outlines: dict[str, Outline] = {}
        self.unread: dict[str, str] = {}  # files that gave no outline, and why
        self.loaded: dict[str, set[Span | Macro]] = defaultdict(set)
        self.failed = False  # spatch, on something
        self.reaching = Reaching(self)
        self.beyond: set[
            str
        ] = set()  # files not asked for, analysed with those that are
        self.joined: list[Wrappers] = []  # those of each time that files were analysed
        self.lowmem: list[Lowmem] = []
        self.given: set[str] = set()  # files that were outlined before
        self.mentioned: dict[str, list[str]] = {}  # where a header's macros are used
        self.further = Further()  # files that are looked at for users of wrappers

    def run(
        self, paths: Iterable[str], progress: Progress = silent
    ) -> dict[str, FileAnalysis]:
        """The analysis of each of PATHS.  Errors: TagsError, OSError."""
        names = [str(path) for path in paths]
        self.given.update(names)
        self.outline(names)
        return self._analysed(self._read(names, progress), progress)

    def again(self) -> Analysis:
        """One that has looked at the same files, and knows nothing else."""
        given = (self.root, self.spatch, self.timeout, self.jobs, self.definitions)
        other = Analysis(*given, self.view, self.kernels)
        other.outlines, other.unread = {**self.outlines}, {**self.unread}
        other.given = set(other.outlines)
        return other

    def applied(self, files: Mapping[str, FileAnalysis]) -> dict[str, FileAnalysis]:
        """FILES, which were looked at for findings, as apply sees them: those with an
        old call, its functions certified by their obligations, from the same facts."""
        other = copy.copy(self)
        other.view = APPLY
        return other._analysed(
            [narrowed(file) for file in files.values() if has_old(file)]
        )

    def _analysed(
        self, files: list[FileAnalysis], progress: Progress = silent
    ) -> dict[str, FileAnalysis]:
        """FILES, which are read, with their verdicts, by path."""
        every = [*files, *readings.read(self, files)]
        memo = self.callees.memo
        memo.patient = True
        for left in reversed(range(MOST_ROUNDS)):
            memo.patient = memo.patient and left > 0
            for file in every:
                if file.pending:
                    settled = sum(not each.pending for each in files)
                    progress(settled, file.path, "following")
                    with faults.net(file.lose_all):
                        self._analyse(file)
            if not self.learn():
                # What is still asked for will never be known.
                if not memo.patient or not any(file.pending for file in every):
                    break
                memo.patient = False
        memo.patient = False  # what follows has rounds of its own
        if self.view.converting:
            readings.join(files)
        found = {file.path: file for file in files}
        if self.view.alone:
            return found
        if self.view.converting:
            self.joined.append(Wrappers(self, found))
            self.joined[-1].join()
            self.lowmem.append(Lowmem(self, found))
            self.lowmem[-1].join()
        else:
            with faults.net(partial(_lose_users, files)):
                Users(self, found, self.further).join()
        return found

    # -- reading ----------------------------------------------------------

    def outline(self, names: Iterable[str]) -> None:
        """Outline the files NAMES; one that cannot be read is empty."""
        new = [name for name in names if name not in self.outlines]
        for name, outline in outlines(self.root, new, self.unread).items():
            dead = arms.dead(outline, self.kernels)
            self.outlines[name] = outline.without(dead) if dead else outline

    def empty(self, path: str) -> FileAnalysis:
        """What is known of a file before any function of it was read."""
        return unread(path, self.outlines[path])

    def _read(self, paths: list[str], progress: Progress) -> list[FileAnalysis]:
        outlined = [self.outlines[path] for path in paths]
        wanted = [outline.holding(self.view.named) for outline in outlined]
        excerpts = [o.excerpt(spans) for o, spans in zip(outlined, wanted)]
        pieces = [
            Piece(path, excerpt, gaps.holds_conditional(outline, spans))
            for path, outline, excerpt, spans in zip(paths, outlined, excerpts, wanted)
        ]
        told = self.facts(pieces, progress)
        read = zip(paths, outlined, excerpts, (each.source for each in told), wanted)
        files = [FileAnalysis(*each) for each in read]
        for file, each in zip(files, told):
            with faults.net(file.lose_all):
                self._know(file, each)
        return files

    def _know(self, analysis: FileAnalysis, told: Facts) -> None:
        source, wanted, path = analysis.source, analysis.wanted, analysis.path
        if path in self.unread:
            analysis.lose_all(self.unread[path])
            return
        # The bodies of all others are blank: they are not to be taken for empty.
        source.functions = [f for f in source.functions if gaps.settle(f, wanted)]
        analysis.lost = list(gaps.lost(analysis, told.lost, self.view.calls))
        gaps.note_gaps(source, wanted, told.lost, analysis.outline)
        self._make_known(path, source)
        self.loaded[path].update(wanted)

    def facts(self, pieces: list[Piece], progress: Progress = silent) -> list[Facts]:
        """The facts of PIECES; notes whether spatch failed on one."""
        fresh = partial(
            facts.read,
            spatch=self.spatch,
            timeout=self.timeout,
            workers=self.jobs,
            progress=progress,
        )
        told = cached_facts.read(pieces, self.spatch, fresh)
        self.failed = self.failed or any(isinstance(f.lost, str) for f in told)
        return told

    # -- functions --------------------------------------------------------

    def _analyse(self, file: FileAnalysis) -> None:
        knowledge = self._knowledge(file)
        file.verdicts, file.analyses = [], {}
        asked = self.callees.requests.asked
        apart = {lost.line for lost in file.lost} | file.readings.keys()
        gone = [span for span in file.wanted if span.line in apart]
        for function in file.source.functions:
            if any(gaps.within(function, span) for span in gone):
                continue
            if not self.view.shows(function):
                continue
            with faults.net(partial(file.lose, function)):
                self._analyse_function(file, function, knowledge)
        if file.reading is None:
            file.verdicts.extend(self._macro_verdicts(file))
        file.pending = self.callees.requests.asked > asked

    def _knowledge(self, file: FileAnalysis) -> FileKnowledge:
        found = FileKnowledge(file.path, self.callees, file.source, file.outline)
        if file.reading:  # what is declared in an arm is so there alone
            found.branches = file.reading.branches
        return found

    def _macro_verdicts(self, file: FileAnalysis) -> list[Verdict]:
        """One verdict a macro that maps or unmaps: it is kept, with all its users."""
        found = []
        for macro in file.outline.macros_holding(api.OLD):
            why = MACRO
            users = self._macro_users(file, macro)
            told = [*users[:MOST_USERS], "…"] if len(users) > MOST_USERS else users
            why += ": " + ", ".join(told) if told else ""
            doubt = Doubt(SYNTAX, macro.line, 0, why)
            found.append(Verdict(file.path, macro.name, macro.line, [], [doubt]))
        return found

    def _macro_users(self, file: FileAnalysis, macro: Macro) -> list[str]:
        """The functions of the file that use a macro, and the files that use one of a
        header."""
        if macro.name in api.ALL:
            return []
        users = [f"{span.name}()" for span in file.outline.holding([macro.name])]
        if not file.path.endswith(".h") or not self.definitions:
            return users
        if macro.name not in self.mentioned:
            found = self.definitions.mentions([macro.name])
            self.mentioned[macro.name] = found[macro.name]
        return users + [
            path for path in self.mentioned[macro.name] if path != file.path
        ]

    def analyse_function(self, file: FileAnalysis, function: Function) -> None:
        """Analyse a FUNCTION of FILE that was read later, or again."""
        knowledge = self._knowledge(file)
        file.verdicts = [v for v in file.verdicts if v.line != function.line]
        with faults.net(partial(file.lose, function)):
            self._analyse_function(file, function, knowledge)

    def read_arms(self, file: FileAnalysis, spans: Iterable[Span]) -> set[int]:
        """Read the functions SPANS of FILE, which were read later, a choice of `#if`
        arms a time; the lines of those that have several, or too many, ways."""
        before = {lost.line for lost in file.lost}
        readings.read_further(self, file, spans)
        return {*file.readings, *(lost.line for lost in file.lost)} - before

    def analyse_arms(self, file: FileAnalysis, line: int) -> None:
        """Analyse the readings of the function at LINE of FILE."""
        for reading in file.readings.get(line, ()):
            for function in reading.source.functions:
                self.analyse_function(reading, function)

    def _analyse_function(
        self, file: FileAnalysis, function: Function, knowledge: FileKnowledge
    ) -> None:
        deadline.RUN.check()
        limit = self._limit(file, function)
        knowledge.helpers = self.offers.helpers(limit)
        seen = self._followed(file, function, knowledge)
        verdict = self.view.fold(seen)
        if self.view.converting:
            ask_types(function, knowledge.member_type)
            verdict.doubts.extend(lacking(function, self.offers.lack(limit)))
        followed = seen.knowledge.followed
        mapping = set(self.view.calls).intersection(api.ALL)
        doubts = syntax_doubts(file.outline, function, mapping, followed)
        verdict.doubts.extend(doubts)
        verdict.doubts.extend(comment_doubts(file.outline, function, seen.trace))
        file.analyses[function.line] = seen
        file.verdicts.append(verdict)

    def _followed(
        self, file: FileAnalysis, function: Function, knowledge: FileKnowledge
    ) -> FunctionAnalysis:
        """What is seen of FUNCTION; it is followed again only where something was not
        known before, or is known to map now."""
        before = self.callees.requests.asked
        known = self.view.knowing(knowledge, function)
        seen = FunctionAnalysis(file.path, function, known)
        seen.beside = file.beside
        former = self.seen.get(function)
        if former is None or not seen.take(former):
            seen.follow()
        if self.callees.requests.asked == before and not seen.trace.waits:
            self.seen[function] = seen
        return seen.mended() if self.view.converting else seen

    def _limit(self, file: FileAnalysis, function: Function) -> Version:
        """The oldest kernel that FUNCTION is for; where none is given, the latest."""
        if file.reading:
            return min(c.version for c in file.reading.configurations if c.version)
        spans = (s for s in file.wanted if gaps.within(function, s))
        span = next(spans, Span(function.name, function.line, function.last))
        return min(Arms(file.outline, span, self.kernels).versions)

    # -- callees ------------------------------------------------------------

    def learn(self) -> bool:
        """Find and read what was asked for; whether anything new was learnt."""
        requests = self.callees.requests
        mapping = [request.name for request in requests.take(MayMap)]
        with faults.net(partial(self._unlearn, mapping)):
            self._foresee()
            self.reaching.answer(mapping)
        wanted = [request.name for request in requests.take(Definition)]
        members = [request.name for request in requests.take(Member)]
        pointers = requests.take(Pointer)
        layouts = [request.struct for request in requests.take(Layout)]
        with faults.net(partial(self._unlearn, wanted)):
            self._find(wanted)
        found = {pointer: Targets(why="it was not found out") for pointer in pointers}
        with faults.net(lambda why: None):
            found = self.pointers.find(pointers)
        self.callees.learn(found)
        with faults.net(lambda why: None):
            if members and self.definitions:
                self._learn_members(members)
            self._learn_layouts(layouts)
        with faults.net(partial(self._unlearn, wanted)):
            self._read_callees(wanted)
        self.callees.forget_provisional()
        asked = wanted or (members and self.definitions) or pointers or layouts
        return bool(asked or mapping)

    def _foresee(self) -> None:
        """Have the tree looked through once for all that is asked for now."""
        asked = [r.name for r in self.callees.requests.pending(Definition)]
        if self.definitions and asked:
            names = {name for caller, name in asked if name not in self._own(caller)}
            self.definitions.foresee(names)

    def _own(self, file: str) -> set[str]:
        """The functions and macros that FILE defines."""
        outline = self.outlines[file]
        return {s.name for s in outline.functions} | {m.name for m in outline.macros}

    def _find(self, wanted: Iterable[tuple[str, str]]) -> None:
        """Find where the functions WANTED are defined, each by a file."""
        elsewhere: dict[str, set[str]] = defaultdict(set)
        for caller, name in wanted:
            self._note_besides(caller, [name])
            if name in self._own(caller) and (caller, name) not in self.callees.besides:
                self.callees.place(caller, name, [caller])
            else:
                elsewhere[caller].add(name)
        self._look_elsewhere(elsewhere)

    def _unlearn(self, wanted: Iterable[tuple[str, str]], why: str) -> None:
        """Take the functions WANTED for not known."""
        for caller, name in wanted:
            self.callees.place(caller, name, [], f"{name}(): {why}")

    def _learn_members(self, members: Iterable[str]) -> None:
        assert self.definitions, "whoever asks has a tree"
        found = self.definitions.members(members)
        for name in members:
            types = found.get(name, set())
            array = any("[" in type_ for type_ in types)
            self.callees.arrays[name] = array if types else None

    def _learn_layouts(self, structs: Collection[str]) -> None:
        if not structs:
            return
        found = self.definitions.structs(structs) if self.definitions else {}
        texts = [(name, *text) for name, ways in found.items() for text in ways.items()]
        told = self.facts([Piece(file, text) for _, file, text in texts])
        known: dict[str, list[Struct | None]] = {name: [] for name in structs}
        for (name, _, text), each in zip(texts, told):
            # No member says how much an alignment that is asked for adds.
            plain = "aligned" not in text
            known[name].append(each.source.structs.get(name) if plain else None)
        self.callees.layouts.update({n: _agreed(ways) for n, ways in known.items()})

    def _look_elsewhere(self, names: dict[str, set[str]]) -> None:
        """Find what is defined in no file that calls it."""
        if self.definitions and names:
            self.definitions.functions(set().union(*names.values()))
        unfound: dict[str, set[str]] = defaultdict(set)
        for caller, wanted in names.items():
            for name in wanted:
                files, why = self._places(caller, name)
                self.callees.place(caller, name, files, why)
                if not files and self.definitions:
                    unfound[name].add(caller)
        self._generate(unfound)

    def _generate(self, names: dict[str, set[str]]) -> None:
        """Read the functions among NAMES that a macro generates."""
        texts: dict[tuple[str, str], None] = {}
        for name, (file, text) in self.generated.find(names).items():
            texts.setdefault((file, text))
            for caller in names[name]:
                self.callees.place(caller, name, [file])
        self.outline(file for file, _ in texts)
        told = self.facts([Piece(file, text) for file, text in texts])
        for (file, _), each in zip(texts, told):
            self.callees.add(file, each.source)

    def _places(self, caller: str, name: str) -> tuple[list[str], str]:
        """The files that define NAME for CALLER; none, and why, when one of the
        definitions cannot be read as a function."""
        if not self.definitions:
            return [], f"{name}() is defined in another file"
        besides = (caller, name) in self.callees.besides
        places = self.definitions.resolve(name, Path(caller), not besides)
        if not places:
            return [], f"{name}() {called.ELSEWHERE}" if besides else unfound(name)
        own = {caller} if besides else set[str]()
        return sorted(own | {str(p.file) for p in places}), ""

    def _read_callees(self, wanted) -> None:
        needed: dict[str, set[str]] = defaultdict(set)
        for caller, name in wanted:
            for file in self.callees.places.get((caller, name), ()):
                needed[file].add(name)
        self.outline(needed)
        for caller, name in wanted:
            self._follow_alias(caller, name)
        self.read_functions(needed)

    def read_functions(self, wanted: Mapping[str, Collection[str]]) -> None:
        """Make the functions and macros of these names in these files, which are
        outlined, known to `callees`."""
        jobs: list[called.Called] = []
        for file, names in wanted.items():
            outline = self.outlines[file]
            spans = self._served(outline, outline.functions, names)
            macros = self._served(outline, outline.macros, names)
            new = (spans | macros) - self.loaded[file]
            self.loaded[file] |= new
            if new:
                parts = spans & new, macros & new
                jobs += called.apart(file, outline, *parts, self.kernels)
        told = self.facts([job.piece() for job in jobs])
        found = [(job, job.take(each)) for job, each in zip(jobs, told)]
        called.note_halves(found)
        for job, each in zip(jobs, told):
            self._make_known(job.file, each.source)

    def _make_known(self, file: str, source: Source) -> None:
        """Make the functions of SOURCE known to `callees`."""
        self._note_besides(file, {f.name for f in source.functions})
        self.callees.add(file, source)

    def _note_besides(self, file: str, names: Iterable[str]) -> None:
        found = filter(partial(called.declared_besides, self.outlines[file]), names)
        self.callees.besides.update((file, name) for name in found)

    def _served(self, outline: Outline, every: Iterable, names: Collection[str]) -> set:
        """Those of EVERY function or macro of OUTLINE with one of NAMES that are for
        the kernels asked about; of a name that none of them is for, all."""
        found = [item for item in every if item.name in names]
        mine = {i for i in found if arms.serves(outline, i.line, self.kernels)}
        served = {item.name for item in mine}
        return mine | {item for item in found if item.name not in served}

    def _follow_alias(self, caller: str, name: str) -> None:
        """`#define name other` wherever it is defined: it is the other."""
        files = self.callees.places.get((caller, name), ())
        outlined = [self.outlines[file] for file in files]
        macros = {m for o in outlined for m in self._served(o, o.macros, {name})}
        others = {macro.words[0] for macro in macros if _is_alias(macro)}
        functions = any(s.name == name for o in outlined for s in o.functions)
        if len(others) == 1 and all(map(_is_alias, macros)) and not functions:
            self.callees.aliases[(caller, name)] = others.pop()
        elif others:
            why = f"{name}() is another name for {min(others)}() in one of several ways"
            self.callees.place(caller, name, [], why)


def _is_alias(macro: Macro) -> bool:
    """Whether a macro is another name, `#define name other`, and nothing else."""
    one = len(macro.words) == 1 and macro.words[0].isidentifier()
    return one and macro.words[0] != macro.name


def _agreed(ways: list[Struct | None]) -> Struct | None:
    """The structure that all WAYS to define it make, if it is one and complete."""
    first = ways[0] if ways else None
    alike = all(way and first and way.members == first.members for way in ways)
    return first if alike and all(way and way.complete for way in ways) else None


def _lose_users(files: Iterable[FileAnalysis], why: str) -> None:
    """Note that of users of wrappers in FILES there may be more than were found."""
    for file in files:
        file.lost.append(Lost(file.path, 1, WHOLE_FILE, why))


def _helpers(root: Path) -> frozenset[str] | None:
    """The words of the headers that define the page helpers; None without the first
    one."""
    headers = [root / "include" / "linux" / name for name in _HEADERS]
    there = [each for each in headers if each.is_file() and os.access(each, os.R_OK)]
    if headers[0] not in there:
        return None
    return frozenset(t.text for each in there for t in lexer.tokens(read(each)))
