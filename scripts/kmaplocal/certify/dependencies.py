# SPDX-License-Identifier: GPL-2.0-only
"""What a result depends on: the files that were read for it, and the answers about the
whole tree.

What is found out of a function rests on the words in it: on what is defined by them,
for the file that it is in, and on the words of that in turn.  So all that was asked for
is followed from the words of a file.  What nobody can be told to have asked for is for
all.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple, Union

from kmaplocal.c.outline import read_below
from kmaplocal.c.syntax import Function
from kmaplocal.flow.pointers import Pointer
from kmaplocal.summaries.pointers import MOST_FILES
from kmaplocal.tree import answers
from kmaplocal.tree.answers import Answers, Topic
from kmaplocal.tree.shard import Homes

if TYPE_CHECKING:
    from kmaplocal.certify.analysis import Analysis


class Named(NamedTuple):
    """What a NAME means in a FILE; "" is all of the file."""

    file: str
    name: str


class Wrapped(NamedTuple):
    """All that is known of the users of a wrapper of this NAME."""

    name: str


Node = Union[Named, Wrapped, Pointer]


class Rest(NamedTuple):
    """The files that were read, and what was asked."""

    files: set[str]
    asked: set[Topic]

    def add(self, other: Rest) -> None:
        """Rest on what OTHER rests on as well."""
        self.files.update(other.files)
        self.asked.update(other.asked)


class DependencyGraph:
    """What the results of ANALYSIS rest on; HOMES: which file may map or unmap for
    others, by the names of its functions."""

    def __init__(self, analysis: Analysis, homes: Homes):
        self.analysis, self.callees, self.homes = analysis, analysis.callees, homes
        tree = analysis.definitions
        self.known = tree.own.answers if tree else Answers()
        self.places: dict[str, dict[str, list[str]]] = defaultdict(dict)
        for (caller, name), files in self.callees.places.items():
            self.places[caller][name] = files
        self.pointers: dict[str, list[Pointer]] = defaultdict(list)
        for pointer in analysis.pointers.known:
            self.pointers[pointer.name].append(pointer)
        self.wrappers = {
            w.name for joined in analysis.joined for w in joined.wrappers.values()
        }
        self.answered: dict[Topic, set[str]] = defaultdict(set)
        for (kind, _, word), found in self.known.files.items():
            self.answered[kind, word].update(found)
        self._near: dict[Node, tuple[Rest, set[Node]]] = {}

    def of(self, folders: Mapping[str, Collection[str]]) -> dict[str, Rest]:
        """What is found of the files of each of FOLDERS rests on."""
        found = {name: self._all(files) for name, files in folders.items()}
        rest = self._of_nobody(found)
        for each in found.values():
            each.add(rest)
        return found

    def _all(self, files: Collection[str]) -> Rest:
        found = Rest(set(), set())
        work: list[Node] = [Named(file, "") for file in files]
        seen = set(work)
        while work:
            rest, near = self._beside(work.pop())
            found.add(rest)
            work += near - seen
            seen |= near
        return found

    def _of_nobody(self, found: Mapping[str, Rest]) -> Rest:
        """What was read and asked for that nobody seems to rest on, other files of
        their folders left out."""
        known = Rest(set(), set())
        for each in found.values():
            known.add(each)
        read = read_below(self.analysis.root).union(self.analysis.outlines)
        read -= self.analysis.given | known.files
        read = read.difference(*(self.answered[asked] for asked in known.asked))
        read = {file for file in read if os.path.dirname(file) not in found}
        structs = {asked for asked in self.known.used if asked[0] == answers.STRUCTS}
        return Rest(read, self.known.used - known.asked - structs)

    def _beside(self, node: Node) -> tuple[Rest, set[Node]]:
        """What NODE itself rests on, and what else is to be looked at for it."""
        if node not in self._near:
            rest, near = Rest(set(), set()), set[Node]()
            if isinstance(node, Pointer):
                self._pointer(node, rest, near)
            elif isinstance(node, Wrapped):
                self._wrapper(node.name, rest, near)
            else:
                rest.files.add(node.file)
                if not node.name:
                    self._family(node.file, rest)
                    self._held(node.file, rest)
                self._speaks(node.file, self._words(node), rest, near)
                rest.asked.update(self._own(node))
            self._near[node] = rest, near
        return self._near[node]

    def _family(self, file: str, rest: Rest) -> None:
        """Look at all files whose functions give those of FILE pages, or get some."""
        for family in self.analysis.families:
            if file in family.files:
                rest.files.update(family.files)
                for name in family.mentions:
                    rest.asked.update(self._asked(answers.MENTIONS, name))

    def _held(self, file: str, rest: Rest) -> None:
        """Look at all files that name a structure which keeps addresses in FILE."""
        for holders in self.analysis.holders:
            for tag, files in holders.read.items():
                if file in files:
                    rest.files.update(files)
                    rest.asked.update(self._asked(answers.MENTIONS, tag))

    def _asked(self, kind: str, word: str) -> list[Topic]:
        return [(kind, word)] if (kind, word) in self.known.used else []

    def _own(self, node: Named) -> Iterator[Topic]:
        """What was asked of the users of what a whole file defines, and uses."""
        if node.name:
            return
        outline = self.analysis.outlines[node.file]
        names = {span.name for span in outline.functions}
        names.update(macro.name for macro in outline.macros)
        for each in self.analysis.lowmem:
            names.update(tag for file, tag in each.members.asked if file == node.file)
        for name in names:
            yield from self._asked(answers.MENTIONS, name)

    def _words(self, node: Named) -> Collection[str]:
        if not node.name:
            return self.analysis.outlines[node.file].vocabulary
        found = {node.name}
        for _, function in self.callees.defined(node.file, node.name):
            found.update(_spoken(function))
        return found

    def _speaks(
        self, file: str, words: Collection[str], rest: Rest, near: set[Node]
    ) -> None:
        """Look at all that one of WORDS can mean in FILE."""
        own = self.places.get(file, {})
        for word in words:
            rest.asked.update(self._asked(answers.DEFINES, word))
            rest.asked.update(self._asked(answers.MAPS, word))
            homes = (*own.get(word, ()), *self.homes.get(word, ()))
            near.update(Named(home, word) for home in homes)
            alias = self.callees.aliases.get((file, word))
            near.update([Named(file, alias)] if alias else ())
            near.update(self.pointers.get(word, ()))
            if word in self.wrappers:
                near.add(Wrapped(word))

    def _pointer(self, pointer: Pointer, rest: Rest, near: set[Node]) -> None:
        origins = self.analysis.pointers.known[pointer]
        for asked in self._asked(answers.POINTED, pointer.function or pointer.name):
            rest.asked.add(asked)
            mentioning = self.answered[asked]
            rest.files.update(mentioning if len(mentioning) <= MOST_FILES else ())
        rest.files.update({pointer.file} - {""}, (file for _, file in origins.tags))
        near.update(origins.pointers)
        near.update(Named(file, span.name) for file, span, _ in origins.inside)
        near.update(Named(*function) for function in origins.functions)
        initialisers = self.analysis.pointers.initialisers
        looked = initialisers.looked if initialisers else {}
        tags, files = looked.get(frozenset(origins.tags), ((), ()))
        rest.asked.update((answers.OBJECTS, tag) for tag, _ in tags)
        rest.files.update(files)

    def _wrapper(self, name: str, rest: Rest, near: set[Node]) -> None:
        """Look at all that map or unmap by the wrapper NAME."""
        rest.asked.update(self._asked(answers.MENTIONS, name))
        for joined in self.analysis.joined:
            for wrapper in joined.wrappers.values():
                if wrapper.name == name:
                    near.add(Named(wrapper.key[0], name))
            for member in joined.members.values():
                if name in self._member_words(member):
                    near.add(Named(member.file, member.span.name))

    def _member_words(self, member) -> Iterable[str]:
        if member.function is not None:
            return _spoken(member.function)
        return self.analysis.outlines[member.file].words(member.span)


def _spoken(function: Function) -> Iterator[str]:
    """The words of a function that something can be known by."""
    for expr in function.exprs:
        yield expr.callee
        yield expr.label
        if expr.kind == "identifier":
            yield expr.text
        elif expr.kind in ("opaque", "statement-expression"):
            yield from expr.text.split()
    yield from function.variables
    yield from (expr.callee for expr in function.cleanups.values())
