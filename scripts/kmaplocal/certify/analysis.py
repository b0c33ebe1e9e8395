# SPDX-License-Identifier: GPL-2.0-only
"""Analyses files of a tree: facts, callees, verdicts, and what was lost.

The files are read once.  A callee that is given an address is looked up, read
and summarised, and the functions that asked are analysed again, until nothing
new is asked for.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from pathlib import Path

from kmaplocal import deadline, faults
from kmaplocal.knowledge import api
from kmaplocal.c import arms, heads, lexer
from kmaplocal.tree import facts
from kmaplocal.tree import definitions
from kmaplocal.cache import facts as cached_facts
from kmaplocal.certify import carried, gaps, readings
from kmaplocal.summaries.callees import Callees
from kmaplocal.summaries.knowledge import FileKnowledge
from kmaplocal.certify.certificate import Doubt, Verdict
from kmaplocal.tree.generated import Generated
from kmaplocal.certify.doubts import MACRO, SYNTAX, comment_doubts, head_doubts, lacking
from kmaplocal.certify.doubts import syntax_doubts
from kmaplocal.certify.family import Family
from kmaplocal.certify.file import FileAnalysis, has_old, narrowed, unread
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.certify.view import APPLY, View
from kmaplocal.certify.learner import Learner
from kmaplocal.certify.offers import Offers
from kmaplocal.repairs.asked import ask_types
from kmaplocal.summaries.pointers import Pointers
from kmaplocal.summaries.reaching import Reaching
from kmaplocal.summaries.users import SearchScope, Users
from kmaplocal.certify.holders import Holders
from kmaplocal.certify.lowmem import Lowmem
from kmaplocal.certify.wrappers import Wrappers
from kmaplocal.c.arms import Kernels
from kmaplocal.c.conditions import Version
from kmaplocal.tree.facts import Facts, Piece
from kmaplocal.tree.outcome import WHOLE_FILE, Lost
from kmaplocal.c.outline import Macro, Outline, Span, outlines, read
from kmaplocal.tree.spatch import Spatch
from kmaplocal.c.syntax import Function
from kmaplocal.progress import Progress, silent

MOST_ROUNDS = 24
MOST_USERS = 8  # of a macro, that are named
_HEADERS = ("highmem.h", "bvec.h")  # of the page helpers


Scope = Callable[[str], bool]  # whether the file of this path may be changed


def everywhere(path: str) -> bool:
    """The scope of all files."""
    return True


class Analysis:
    """Analyses files below ROOT, as VIEW looks at them; those in SCOPE may be changed
    with them."""

    def __init__(
        self,
        root: Path,
        spatch: Spatch,
        timeout: float,
        jobs: int | None = None,
        tree: definitions.Definitions | None = None,
        view: View = APPLY,
        kernels: Kernels = Kernels(),
        scope: Scope = everywhere,
    ):
        self.root, self.scope = root, scope
        self.spatch = spatch
        self.timeout = timeout
        self.jobs = jobs
        self.definitions = tree
        self.view = view
        # What was seen of functions of which all that was asked for was known.
        self.settled: dict[Function, FunctionAnalysis] = {}
        self.opened: dict[Function, Function] = {}  # with the loops of macros
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
        self.learner = Learner(self)
        self.failed = False  # spatch, on something
        self.reaching = Reaching(self)
        self.beyond: set[
            str
        ] = set()  # files not asked for, analysed with those that are
        self.joined: list[Wrappers] = []  # those of each time that files were analysed
        self.lowmem: list[Lowmem] = []
        self.families: list[Family] = []
        self.holders: list[Holders] = []
        self.given: set[str] = set()  # files that were outlined before
        self.mentioned: dict[str, list[str]] = {}  # where a header's macros are used
        self.further = SearchScope()  # files that are looked at for users of wrappers

    def run(
        self, paths: Iterable[str], progress: Progress = silent
    ) -> dict[str, FileAnalysis]:
        """The analysis of each of PATHS.  Errors: TagsError, OSError."""
        names = [str(path) for path in paths]
        self.given.update(names)
        self.outline(names)
        return self._analysed(self._read(names, progress), progress)

    def again(self, view: View | None = None) -> Analysis:
        """One that has looked at the same files, and knows nothing else; by another
        VIEW, if that is given."""
        given = (self.root, self.spatch, self.timeout, self.jobs, self.definitions)
        other = Analysis(*given, view or self.view, self.kernels, self.scope)
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
            if not self.learner.learn():
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
            carried.join(self, found)
            self.holders.append(Holders(self, found))
            self.holders[-1].join()
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
        facts = self.facts(pieces, progress)
        read = zip(paths, outlined, excerpts, (each.source for each in facts), wanted)
        files = [FileAnalysis(*each) for each in read]
        for file, each in zip(files, facts):
            with faults.net(file.lose_all):
                self._know(file, each)
        return files

    def _know(self, analysis: FileAnalysis, facts: Facts) -> None:
        source, wanted, path = analysis.source, analysis.wanted, analysis.path
        if path in self.unread:
            analysis.lose_all(self.unread[path])
            return
        # The bodies of all others are blank: they are not to be taken for empty.
        source.functions = [f for f in source.functions if gaps.settle(f, wanted)]
        analysis.lost = list(gaps.lost(analysis, facts.lost, self.view.calls))
        analysis.late = facts.late
        analysis.unclear = frozenset(each.line for each in analysis.lost)
        gaps.note_gaps(source, wanted, facts.lost, analysis.outline)
        self.learner.make_known(path, source)
        self.learner.loaded[path].update(wanted)

    def facts(
        self, pieces: list[Piece], progress: Progress = silent, part: float = 1
    ) -> list[Facts]:
        """The facts of PIECES, each in PART of the time it may take; notes whether
        spatch failed on one."""
        fresh = partial(
            facts.read,
            spatch=self.spatch,
            timeout=self.timeout * part,
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
            named = [*users[:MOST_USERS], "…"] if len(users) > MOST_USERS else users
            why += ": " + ", ".join(named) if named else ""
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
        limit = self.limit(file, function)
        knowledge.limit, knowledge.helpers = limit, self.offers.helpers(limit)
        analysis = self._followed(file, function, knowledge)
        verdict = self.view.fold(analysis)
        if self.view.converting:
            ask_types(function, knowledge.member_type)
            verdict.doubts.extend(lacking(function, self.offers.lack(limit)))
        followed = analysis.knowledge.followed
        mapping = set(self.view.calls).intersection(api.ALL)
        doubts = syntax_doubts(file.outline, function, mapping, followed)
        verdict.doubts.extend(doubts)
        known = analysis.knowledge
        verdict.doubts.extend(head_doubts(analysis.function, known.heads))
        verdict.doubts.extend(comment_doubts(file.outline, function, analysis.trace))
        file.analyses[function.line] = analysis
        file.verdicts.append(verdict)

    def _followed(
        self, file: FileAnalysis, function: Function, knowledge: FileKnowledge
    ) -> FunctionAnalysis:
        """What is seen of FUNCTION; it is followed again only where something was not
        known before, or is known to map now."""
        before = self.callees.requests.asked
        known = self.view.knowing(knowledge, function)
        if known.heads and not self.view.converting:
            function = self._opened(file, function, known.heads)
            known = self.view.knowing(knowledge, function)
        analysis = FunctionAnalysis(file.path, function, known)
        analysis.beside = file.beside
        former = self.settled.get(function)
        if former is None or not analysis.take(former):
            analysis.follow()
        if self.callees.requests.asked == before and not analysis.trace.waits:
            self.settled[function] = analysis
        return analysis.mended() if self.view.converting else analysis

    def _opened(
        self, file: FileAnalysis, function: Function, names: Collection[str]
    ) -> Function:
        """FUNCTION with the loops that NAMES head, macros that map, as what they are;
        as it is where one of them is something else."""
        if function not in self.opened:
            read = partial(self.callees.only, file.path)
            found = heads.opened(function, names, read)
            if found is None:
                return function
            self.opened[function] = found
        return self.opened[function]

    def limit(self, file: FileAnalysis, function: Function) -> Version:
        """The oldest kernel that FUNCTION is for; where none is given, the latest."""
        if file.reading:
            return min(c.version for c in file.reading.configurations if c.version)
        spans = (s for s in file.wanted if gaps.within(function, s))
        span = next(spans, Span(function.name, function.line, function.last))
        return self.offers.limit(file.outline, span)


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
