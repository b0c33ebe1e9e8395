# SPDX-License-Identifier: GPL-2.0-only
"""Answers what an analysis asked for: callees, members, function pointers, layouts.

A callee is found wherever it is defined, read, and made known to all that asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kmaplocal import faults
from kmaplocal.c import arms
from kmaplocal.c.outline import Macro, Outline, Span
from kmaplocal.c.syntax import Source, Struct
from kmaplocal.certify import called
from kmaplocal.flow.pointers import Pointer
from kmaplocal.summaries.callees import unfound
from kmaplocal.summaries.pointers import Targets
from kmaplocal.summaries.requests import Definition, Layout, MayMap, Member
from kmaplocal.tree.facts import Piece

if TYPE_CHECKING:
    from kmaplocal.certify.analysis import Analysis


class Learner:
    """Finds and reads what the functions that ANALYSIS looks at ask for."""

    def __init__(self, analysis: Analysis):
        self.analysis, self.callees = analysis, analysis.callees
        self.loaded: dict[str, set[Span | Macro]] = defaultdict(set)

    def learn(self) -> bool:
        """Find and read what was asked for; whether anything new was learnt."""
        requests = self.callees.requests
        mapping = [request.name for request in requests.take(MayMap)]
        with faults.net(partial(self._unlearn, mapping)):
            self._foresee()
            self.analysis.reaching.answer(mapping)
        wanted = [request.name for request in requests.take(Definition)]
        members = [request.name for request in requests.take(Member)]
        pointers = requests.take(Pointer)
        layouts = [request.struct for request in requests.take(Layout)]
        with faults.net(partial(self._unlearn, wanted)):
            self._find(wanted)
        found = {pointer: Targets(why="it was not found out") for pointer in pointers}
        with faults.net(lambda why: None):
            found = self.analysis.pointers.find(pointers)
        self.callees.learn(found)
        with faults.net(lambda why: None):
            if members and self.analysis.definitions:
                self._learn_members(members)
            self._learn_layouts(layouts)
        with faults.net(partial(self._unlearn, wanted)):
            self._read_callees(wanted)
        self.callees.forget_provisional()
        asked = wanted or (members and self.analysis.definitions) or pointers or layouts
        return bool(asked or mapping)

    def _foresee(self) -> None:
        """Have the tree looked through once for all that is asked for now."""
        asked = [r.name for r in self.callees.requests.pending(Definition)]
        if self.analysis.definitions and asked:
            names = {name for caller, name in asked if name not in self._own(caller)}
            self.analysis.definitions.foresee(names)

    def _own(self, file: str) -> set[str]:
        """The functions and macros that FILE defines."""
        outline = self.analysis.outlines[file]
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
        assert self.analysis.definitions, "whoever asks has a tree"
        found = self.analysis.definitions.members(members)
        for name in members:
            types = found.get(name, set())
            array = any("[" in type_ for type_ in types)
            self.callees.arrays[name] = array if types else None

    def _learn_layouts(self, structs: Collection[str]) -> None:
        if not structs:
            return
        found = (
            self.analysis.definitions.structs(structs)
            if self.analysis.definitions
            else {}
        )
        texts = [(name, *text) for name, ways in found.items() for text in ways.items()]
        told = self.analysis.facts([Piece(file, text) for _, file, text in texts])
        known: dict[str, list[Struct | None]] = {name: [] for name in structs}
        for (name, _, text), each in zip(texts, told):
            # No member says how much an alignment that is asked for adds.
            plain = "aligned" not in text
            known[name].append(each.source.structs.get(name) if plain else None)
        self.callees.layouts.update({n: _agreed(ways) for n, ways in known.items()})

    def _look_elsewhere(self, names: dict[str, set[str]]) -> None:
        """Find what is defined in no file that calls it."""
        if self.analysis.definitions and names:
            self.analysis.definitions.functions(set().union(*names.values()))
        unfound: dict[str, set[str]] = defaultdict(set)
        for caller, wanted in names.items():
            for name in wanted:
                files, why = self._places(caller, name)
                self.callees.place(caller, name, files, why)
                if not files and self.analysis.definitions:
                    unfound[name].add(caller)
        self._generate(unfound)

    def _generate(self, names: dict[str, set[str]]) -> None:
        """Read the functions among NAMES that a macro generates."""
        texts: dict[tuple[str, str], None] = {}
        for name, (file, text) in self.analysis.generated.find(names).items():
            texts.setdefault((file, text))
            for caller in names[name]:
                self.callees.place(caller, name, [file])
        self.analysis.outline(file for file, _ in texts)
        told = self.analysis.facts([Piece(file, text) for file, text in texts])
        for (file, _), each in zip(texts, told):
            self.callees.add(file, each.source)

    def _places(self, caller: str, name: str) -> tuple[list[str], str]:
        """The files that define NAME for CALLER; none, and why, when one of the
        definitions cannot be read as a function."""
        if not self.analysis.definitions:
            return [], f"{name}() is defined in another file"
        besides = (caller, name) in self.callees.besides
        places = self.analysis.definitions.resolve(name, Path(caller), not besides)
        if not places:
            return [], f"{name}() {called.ELSEWHERE}" if besides else unfound(name)
        own = {caller} if besides else set[str]()
        return sorted(own | {str(p.file) for p in places}), ""

    def _read_callees(self, wanted) -> None:
        needed: dict[str, set[str]] = defaultdict(set)
        for caller, name in wanted:
            for file in self.callees.places.get((caller, name), ()):
                needed[file].add(name)
        self.analysis.outline(needed)
        for caller, name in wanted:
            self._follow_alias(caller, name)
        self.read_functions(needed)

    def read_functions(self, wanted: Mapping[str, Collection[str]]) -> None:
        """Make the functions and macros of these names in these files, which are
        outlined, known to `callees`."""
        jobs: list[called.Called] = []
        for file, names in wanted.items():
            outline = self.analysis.outlines[file]
            spans = self._served(outline, outline.functions, names)
            macros = self._served(outline, outline.macros, names)
            new = (spans | macros) - self.loaded[file]
            self.loaded[file] |= new
            if new:
                parts = spans & new, macros & new
                jobs += called.apart(file, outline, *parts, self.analysis.kernels)
        told = self.analysis.facts([job.piece() for job in jobs])
        found = [(job, job.take(each)) for job, each in zip(jobs, told)]
        called.note_halves(found)
        for job, each in zip(jobs, told):
            self.make_known(job.file, each.source)

    def make_known(self, file: str, source: Source) -> None:
        """Make the functions of SOURCE known to `callees`."""
        self._note_besides(file, {f.name for f in source.functions})
        self.callees.add(file, source)

    def _note_besides(self, file: str, names: Iterable[str]) -> None:
        found = filter(
            partial(called.declared_besides, self.analysis.outlines[file]), names
        )
        self.callees.besides.update((file, name) for name in found)

    def _served(self, outline: Outline, every: Iterable, names: Collection[str]) -> set:
        """Those of EVERY function or macro of OUTLINE with one of NAMES that are for
        the kernels asked about; of a name that none of them is for, all."""
        found = [item for item in every if item.name in names]
        mine = {i for i in found if arms.serves(outline, i.line, self.analysis.kernels)}
        served = {item.name for item in mine}
        return mine | {item for item in found if item.name not in served}

    def _follow_alias(self, caller: str, name: str) -> None:
        """`#define name other` wherever it is defined: it is the other."""
        files = self.callees.places.get((caller, name), ())
        outlined = [self.analysis.outlines[file] for file in files]
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
