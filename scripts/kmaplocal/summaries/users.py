# SPDX-License-Identifier: GPL-2.0-only
"""Functions that map and unmap by other functions alone.

What is analysed calls a map or unmap function.  Where it maps or unmaps for its
callers, those are to be analysed as well; so are the users of a macro that does.
They may be in files without any map or unmap function.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from kmaplocal.knowledge import api, functions
from kmaplocal.tree.outcome import Lost
from kmaplocal.c.outline import Outline, Span
from kmaplocal.c.syntax import Function

MOST_ROUNDS = 6
PAGES = frozenset([*api.PAGE_MAPS, *api.PAGE_UNMAPS])

Place = tuple[str, str]  # a file, and a function or macro of it


class SearchScope(NamedTuple):
    """Files that users may be in: those NAMED, and what SEARCH finds that holds one of
    the names it is given.  In files that are ELSEWHERE, in another part of the run,
    what calls one of CALLS is analysed there.  Of a file that is named, only functions
    that are CONCERNED are asked what they call."""

    named: Collection[str] = ()
    search: Callable[[Collection[str]], Collection[str]] = lambda names: ()
    elsewhere: Collection[str] = ()
    calls: Collection[str] = ()
    concerned: Callable[[str, Span], bool] = lambda path, span: True


class Users:
    """The users, among FILES and in its SCOPE, of what ANALYSIS found to map or
    unmap in them, or for a file that is named, anywhere."""

    def __init__(self, analysis, files: dict, scope: SearchScope = SearchScope()):
        self.analysis = analysis
        self.scope = scope
        self.callees = analysis.callees
        self.files = files
        self.asked: set[Place] = set()
        self.called: dict[str, set[str]] = defaultdict(set)  # by a file that is named
        self.apart: dict[str, set[int]] = defaultdict(set)  # read a time for an arm

    def join(self) -> None:
        """Analyse the users as what FILES has already.  Errors: TagsError, OSError."""
        self._take(self.scope.named)
        self._ask(self.scope.named)
        for _ in range(MOST_ROUNDS):
            found = {path: set(spans) for path, spans in self._users().items()}
            names = {path: {s.name for s in spans} for path, spans in found.items()}
            if not names:
                return
            self.analysis.learner.read_functions(names)
            self._analyse(found)

    def _analyse(self, found: dict[str, set[Span]]) -> None:
        pending = dict(found)
        for path, spans in found.items():
            self.apart[path] |= self.analysis.read_arms(self.files[path], spans)
        for _ in range(MOST_ROUNDS):
            for path, spans in list(pending.items()):
                before = self.callees.requests.asked
                for span in spans:
                    self._analyse_span(path, span)
                if self.callees.requests.asked == before:
                    del pending[path]
            if not self.analysis.learner.learn():
                return

    def _analyse_span(self, path: str, span: Span) -> None:
        file, function = self.files[path], self._function(path, span)
        if span.line in self.apart[path]:
            self.analysis.analyse_arms(file, span.line)
            return
        known = [lost for lost in file.lost if lost.line == span.line]
        if function is None and not known:
            why = f"{span.name}() was not understood"
            file.lost.append(Lost(path, span.line, span.name, why))
        elif function is not None:
            function.line = span.line
            self.analysis.analyse_function(file, function)

    def _function(self, path: str, span: Span) -> Function | None:
        for _, function in self.callees.defined(path, span.name):
            if any(span.line <= s.start[0] <= span.end for s in function.body):
                return function
        return None

    def _users(self) -> dict[str, list[Span]]:
        """The functions to be analysed that were not, by file."""
        wrappers = self._wrappers()
        everywhere = {name for path, name in wrappers if self._is_shared(path, name)}
        users: dict[str, list[Span]] = defaultdict(list)
        self._take(self.scope.search(everywhere) if everywhere else ())
        for path, file in self.files.items():
            own = {item.name for item in file.outline.functions + file.outline.macros}
            names = {n for home, n in wrappers if home == path} | everywhere - own
            names |= self.called.pop(path, set())
            known = {lost.line for lost in file.lost} | {*file.analyses, *file.readings}
            for span in file.outline.holding(names) if names else ():
                words = file.outline.words(span)
                if span.line not in known and words & names - {span.name}:
                    if not self._is_elsewhere(path, words):
                        users[path].append(span)
        return users

    def _is_elsewhere(self, path: str, words: Collection[str]) -> bool:
        """Whether a function of these WORDS is analysed in another part of the run."""
        elsewhere = path in self.scope.elsewhere
        return elsewhere and not set(self.scope.calls).isdisjoint(words)

    def _take(self, paths: Collection[str]) -> None:
        """Take PATHS among the files."""
        new = [path for path in paths if path not in self.files]
        self.analysis.outline(new)
        for path in new:
            self.files[path] = self.analysis.empty(path)

    def _ask(self, paths: Collection[str]) -> None:
        """Find out what maps or unmaps of all that is called by functions of PATHS that
        were not analysed: the others were asked."""
        asked = {(path, name) for path in paths for name in self._called_besides(path)}
        for _ in range(MOST_ROUNDS if asked else 0):
            found = {place for place in asked if self._maps(*place)}
            if not self.analysis.learner.learn():
                break
        for path, name in sorted(found) if asked else ():
            self.called[path].add(name)

    def _called_besides(self, path: str) -> set[str]:
        outline, file = self.analysis.outlines[path], self.files[path]
        words = (
            outline.words(span)
            for span in outline.functions
            if span.line not in file.analyses and self.scope.concerned(path, span)
        )
        return _called(outline).intersection(set[str]().union(*words))

    def _maps(self, path: str, name: str) -> bool:
        found = self.callees.mappings_of(path, name)
        return bool(found.map or found.unmap)

    def _is_shared(self, path: str, name: str) -> bool:
        """Whether other files can call NAME of the file PATH."""
        outline = self.analysis.outlines[path]
        spans = [s for s in outline.functions if s.name == name]
        return path.endswith(".h") or any(not outline.is_static(s) for s in spans)

    def _wrappers(self) -> set[Place]:
        """What maps or unmaps for its callers, of what was not asked before."""
        new = set(self._candidates()) - self.asked
        self.asked |= new
        for _ in range(MOST_ROUNDS):
            found = {place for place in new if self._wraps(*place)}
            if not self.analysis.learner.learn():
                break
        return found

    def _candidates(self) -> Iterator[Place]:
        """The functions and macros that may do so, for all that was seen."""
        for path, file in self.files.items():
            for analysed in file.every_analysis():
                trace = analysed.trace
                left = trace.left_live or trace.returned_live
                if left or analysed.unfollowed or not trace.fine:
                    yield path, analysed.function.name
            for macro in file.outline.macros_holding(PAGES):
                yield path, macro.name

    def _wraps(self, path: str, name: str) -> bool:
        """Whether NAME, of the file PATH, maps or unmaps for its callers, one page or
        several, or is a macro of which that is not known."""
        if name in api.ALL:
            return False
        found = self.callees.mappings_of(path, name)
        if found.map or found.unmap or found.leaves:
            return True
        macros = [m for m in self.analysis.outlines[path].macros if m.name == name]
        heads = any(macro.heads() for macro in macros)
        unclear = heads or not self.callees.find(path, name)
        return bool(macros) and unclear


def _called(outline: Outline) -> set[str]:
    """The names of what is called in a file, for all that its words say."""
    code = outline.code
    found = {one.text for one, after in zip(code, code[1:]) if after.text == "("}
    found = {name for name in found if name.isidentifier()}
    return found - functions.HARMLESS - {*api.ALL}
