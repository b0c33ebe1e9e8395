# SPDX-License-Identifier: GPL-2.0-only
"""Which functions give each other mapped pages, all over the tree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from kmaplocal.c.outline import Outline, Span
from kmaplocal.c.syntax import Function
from kmaplocal.certify.certificate import CONVERT
from kmaplocal.certify.file import FileAnalysis
from kmaplocal.repairs.roles import ASKED, Role, given_to, givers_of, pages_of
from kmaplocal.repairs.roles import roles_of

if TYPE_CHECKING:
    from kmaplocal.certify.analysis import Analysis

Said = TypeVar("Said")

MOST_ROUNDS = 6
_BY_PAGE = ("kmap", "kunmap")


class Key(NamedTuple):
    """A function NAME that is defined in FILE."""

    file: str
    name: str


@dataclass(frozen=True)
class Family:
    """FUNCTIONS that give each other mapped pages, and the ROLES of those that give
    one or are given one.  MENTIONS: by the name of a function that other files can
    call, the files that name it; LOST: the functions that could not be read."""

    functions: Mapping[Key, Function]
    roles: Mapping[Key, Role]
    mentions: Mapping[str, Collection[str]]
    outlines: Mapping[str, Outline]
    lost: Sequence[Key] = ()

    def known(self, file: str) -> dict[str, Role]:
        """The roles of what FILE can call, by name."""
        return visible(self.roles, self.outlines, file)

    @property
    def files(self) -> list[str]:
        """All files that speak of it."""
        found = {key.file for key in self.functions}
        for key in self.roles:
            if is_shared(self.outlines[key.file], key):
                found.update(self.mentions.get(key.name, ()))
        return sorted(f for f in found if self.known(f) or self._holds(f))

    def _holds(self, file: str) -> bool:
        return any(key.file == file for key in self.functions)


def visible(
    said: Mapping[Key, Said], known: Mapping[str, Outline], file: str
) -> dict[str, Said]:
    """What is SAID of functions, of those that FILE can call, by their names; KNOWN:
    the outlines of all files they are in."""
    own = {span.name for span in known[file].functions}
    return {
        key.name: each
        for key, each in said.items()
        if key.file == file or (key.name not in own and is_shared(known[key.file], key))
    }


def is_shared(outline: Outline, key: Key) -> bool:
    """Whether other files can call the function of KEY, in the file of OUTLINE."""
    spans = (span for span in outline.functions if span.name == key.name)
    return key.file.endswith(".h") or not all(map(outline.is_static, spans))


def kept(file: FileAnalysis) -> list[Function]:
    """The functions of FILE that are kept, with what they map."""
    lines = {v.line for v in file.verdicts if v.verdict != CONVERT}
    return [a.function for line, a in file.analyses.items() if line in lines]


class Search:
    """Looks for families, from the functions of FILES that ANALYSIS keeps."""

    def __init__(self, analysis: Analysis, files: Iterable[FileAnalysis]):
        self.analysis, self.outlines = analysis, analysis.outlines
        self.roles: dict[Key, Role] = {}
        self.mentions: dict[str, list[str]] = {}
        self.asked: dict[Key, int] = {}  # by what parameter they are given a page
        self.functions: dict[Key, Function | None] = {  # None: not understood
            Key(file.path, function.name): function
            for file in files
            if file.reading is None
            for function in kept(file)
            if pages_of(function, {})
        }

    def families(self) -> Iterator[Family]:
        """The families, with the functions of which all was understood."""
        self._look_behind()
        for _ in range(MOST_ROUNDS):
            self._look_inside()
            new = self._new_roles()
            if not new:
                break
            self.roles |= new
            self._read(self._users(new))
        for keys in self._groups():
            roles = {k: r for k, r in self.roles.items() if k in keys}
            inside = {k: f for k, f in self.functions.items() if k in keys and f}
            if len(keys) > 1:
                names = {key.name for key in roles} & self.mentions.keys()
                mentions = {name: self.mentions[name] for name in names}
                lost = tuple(sorted(keys - inside.keys()))
                yield Family(inside, roles, mentions, self.outlines, lost)

    def _look_behind(self) -> None:
        """Take in what maps for the functions at hand in files that are not."""
        tree = self.analysis.definitions
        wanted = [
            (key.file, name)
            for key, function in self.functions.items()
            for name in (givers_of(function) if function else ())
        ]
        if not tree or not wanted:
            return
        tree.functions({name for _, name in wanted})
        places = [p for file, name in wanted for p in tree.resolve(name, Path(file))]
        near = {str(place.file) for place in places} - {
            key.file for key in self.functions
        }
        self.analysis.outline(sorted(near))
        self._read({file: self.outlines[file].holding(_BY_PAGE) for file in near})

    def _look_inside(self) -> None:
        """Take in what the functions at hand give their mapped pages, and what asks for
        the address of such a page itself."""
        given = {
            (key.file, name, number)
            for key, function in self.functions.items()
            if function is not None
            for known in [visible(self.roles, self.outlines, key.file)]
            for name, number in given_to(function, known)
        }
        places = {each: self._places(*each[:2]) for each in sorted(given)}
        files = {file for found in places.values() for file in found}
        self.analysis.outline(sorted(files))
        for (_, name, number), found in places.items():
            for file in found:
                spans = self.outlines[file].holding(("page_address",))
                if any(span.name == name for span in spans):
                    self.asked.setdefault(Key(file, name), number)
        new = [key for key in self.asked if key not in self.functions]
        self._read({k.file: self._spans(k.file, new) for k in new})

    def _places(self, file: str, name: str) -> list[str]:
        """The files that define NAME, as FILE calls it."""
        if any(span.name == name for span in self.outlines[file].functions):
            return [file]
        tree = self.analysis.definitions
        places = tree.resolve(name, Path(file)) if tree else ()
        return [str(place.file) for place in places]

    def _spans(self, file: str, keys: Sequence[Key]) -> list[Span]:
        names = {key.name for key in keys if key.file == file}
        return [s for s in self.outlines[file].functions if s.name in names]

    def _new_roles(self) -> dict[Key, Role]:
        found: dict[Key, Role] = {}
        for key, function in self.functions.items():
            before = self.roles.get(key)
            if function is not None and (before is None or before.kind == ASKED):
                known = visible(self.roles, self.outlines, key.file)
                known.pop(key.name, None)
                role = roles_of([function], known).get(key.name)
                found |= {key: role} if role and role != before else {}
        # What unmaps, too, is no function that only asks.
        return found or {
            key: Role(ASKED, number)
            for key, number in self.asked.items()
            if key not in self.roles and self.functions.get(key)
        }

    def _users(self, new: Collection[Key]) -> dict[str, list[Span]]:
        """The functions that name what NEW roles are of, by file."""
        wanted: dict[str, set[str]] = defaultdict(set)
        shared = [k for k in new if is_shared(self.outlines[k.file], k)]
        for key in new:
            wanted[key.file].add(key.name)
        tree = self.analysis.definitions
        names = [
            key.name for key in shared if not self.outlines[key.file].exports(key.name)
        ]
        found = tree.mentions(names) if tree and names else {}
        self.mentions |= found
        for name, files in found.items():
            for file in files:
                wanted[file].add(name)
        self.analysis.outline(sorted(wanted))
        return {file: self._holding(file, names) for file, names in wanted.items()}

    def _holding(self, file: str, names: set[str]) -> list[Span]:
        known = visible(self.roles, self.outlines, file)
        return self.outlines[file].holding(names & known.keys())

    def _read(self, wanted: Mapping[str, Collection[Span]]) -> None:
        """Take in the functions WANTED."""
        names = {file: {s.name for s in spans} for file, spans in wanted.items()}
        self.analysis.learner.read_functions(names)
        for file, each in names.items():
            for name in sorted(each):
                self.functions.setdefault(Key(file, name), self._function(file, name))

    def _function(self, file: str, name: str) -> Function | None:
        """The function, where all of it was understood."""
        found = self.analysis.callees.defined(file, name)
        functions = [function for _, function in found if not function.unread]
        return functions[0] if len(functions) == len(found) == 1 else None

    def _groups(self) -> list[set[Key]]:
        """The functions that call each other."""
        groups: list[set[Key]] = []
        for key in self.functions:
            called = self._called(key)
            if called or key in self.roles:
                tied = [g for g in groups if g & {key, *called}]
                groups = [g for g in groups if g not in tied]
                groups.append(set[Key]().union({key}, called, *tied))
        return groups

    def _called(self, key: Key) -> set[Key]:
        outline = self.outlines[key.file]
        spans = [s for s in outline.functions if s.name == key.name]
        words = set[str]().union(*map(outline.words, spans)) - {key.name}
        seen = visible(self.roles, self.outlines, key.file).keys() & words
        own = {s.name for s in outline.functions}
        return {
            k
            for k in self.roles
            if k.name in seen and (k.file == key.file or k.name not in own)
        }
