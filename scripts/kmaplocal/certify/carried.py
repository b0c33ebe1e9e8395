# SPDX-License-Identifier: GPL-2.0-only
"""Mapped pages that functions give each other: with the address, or not.

What repairs/carry.py makes of all of them is written down and analysed like any other
file: each function that maps for its callers, or unmaps for them, has to be seen as
one, every other one to be local, in order and paired.  So what is converted was
certified as it is after the conversion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kmaplocal import faults, scratch
from kmaplocal.c import lexer
from kmaplocal.c.outline import outlines
from kmaplocal.certify.afterwards import against, is_fine
from kmaplocal.certify.certificate import FAULTS, LIFO, LOCAL, ONE_PAGE
from kmaplocal.certify.certificate import PAIRED, PREEMPT, Certificate, Doubt
from kmaplocal.certify.certificate import Verdict
from kmaplocal.certify.certificate import Mapping as Mapped
from kmaplocal.certify.certificate import holds, repaired
from kmaplocal.certify.closed import Closed
from kmaplocal.certify.family import Family, Key, Search, kept, visible
from kmaplocal.certify.file import FileAnalysis
from kmaplocal.certify.postponed import Postponed
from kmaplocal.certify.rewritten import Carried, written
from kmaplocal.certify.view import carrying
from kmaplocal.flow.trace import Site
from kmaplocal.knowledge import api
from kmaplocal.repairs.carry import Carrier
from kmaplocal.repairs.heads import described, heads, unlike
from kmaplocal.repairs.repair import AddressCarried
from kmaplocal.repairs.roles import ASKED, GIVEN, LATE, Refused, pages_of

if TYPE_CHECKING:
    from kmaplocal.summaries.callees import Callees
    from kmaplocal.certify.analysis import Analysis

_IS_GIVEN = "the address the page is mapped at"
_IS_LEFT = "filled with the address the page is mapped at"
TOGETHER = "kept as the address has to go with the page through all of "


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
        self.closed = Closed(analysis, family)
        self.outlines, self.known = self.closed.outlines, self.closed.known

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
        self.closed.check()
        made = self._made()
        after = self._after(made)
        every = sorted(self.family.functions)
        wrong = [key for key in every if not is_fine(self.family, key, after)]
        if not wrong:
            return self, made
        why = min(against(key, after[key.file]) for key in wrong)[1]
        try:
            return self._later(wrong, after)._certified()
        except Refused:
            raise Refused(why) from None

    def _later(
        self, wrong: Sequence[Key], after: Mapping[str, FileAnalysis]
    ) -> _Component:
        """The same, where what unmaps too early in a function that is WRONG leaves that
        to its callers.  Raises Refused."""
        if self.later:
            raise Refused("it is not in order then, either")
        postponed = Postponed(self.analysis, self.family, wrong, after)
        family, later = postponed.leaving(), postponed.later
        return _Component(self.analysis, self.files, family, later)

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
            made[key.file].changes[self.closed.span(key).line] = found
            if found.parameter:
                parameters[key] = found.parameter
        for file, outline in self.outlines.items():
            gains = visible(parameters, self.outlines, file)
            own = {key.name for key in parameters if key.file == file}
            told = {head.name for head in heads(outline, gains)}
            made[file].parameters = {n: gains[n] for n in own}
            apart = told - own | unlike(outline, own)
            made[file].declared = {n: gains[n] for n in apart}
            self._describe(file, made[file])
        return {f: each for f, each in made.items() if each.changes or each.gains}

    def _describe(self, file: str, made: Carried) -> None:
        for name, parameter in made.parameters.items():
            span = self.closed.span(Key(file, name))
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
            end = self.closed.span(Key(file, change.function.name)).end
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
            added = [self.closed.span(Key(path, name)) for name in changed]
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


def _addresses(made: Mapping[str, Carried]) -> dict[str, set[str]]:
    """The variables that MADE declares for addresses, by the functions they are in."""
    found: dict[str, set[str]] = {}
    for each in made.values():
        for change in each.changes.values():
            names = found.setdefault(change.function.name, set())
            for _, _, text in change.declared:
                names.update(name.strip(" *") for name in text.split(","))
    return found
