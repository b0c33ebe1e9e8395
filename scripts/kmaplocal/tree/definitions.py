# SPDX-License-Identifier: GPL-2.0-only
"""Where functions and structure members of a kernel tree are defined.

Nothing is indexed before it is asked for. A search only chooses the files; what is
a definition is for Universal Ctags to say, once for each file.
"""

import os
import re
from collections.abc import Iterable, Sequence, Set
from pathlib import Path
from typing import NamedTuple

from kmaplocal.tree import answers, likely, source
from kmaplocal.c import tags
from kmaplocal.tree.answers import Answers
from kmaplocal.tree.members import Members
from kmaplocal.tree.search import APART, Search

FUNCTION, MACRO, ALIAS = "function", "macro", "alias"


class Place(NamedTuple):
    """One definition: the line of its name and its last line.

    `file` is relative to the tree. `end` is 0 where ctags gave none. `kind` is
    function, macro (function-like), or alias (a macro that is another name).
    """

    file: Path
    name: str
    line: int
    end: int
    kind: str = FUNCTION
    static: bool = False


# Programs of their own, with a memcpy() and printf() of their own.
_PROGRAMS = frozenset("boot libstub purgatory realmode tools vdso vdso32".split())
_USUAL_ARCH = "x86"

_WORD = re.compile(r"\w+")
# The tag of a macro without parameters that is not just another name.
_VALUE = re.compile(r"\tmacro\t(?!.*\tsignature:)(?!.*\tmacrodef:[A-Za-z_]\w*(?:\t|$))")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*\Z")


class Definitions:
    """The definitions of one tree; remembers what it has found."""

    def __init__(self, tree: Path, known: Answers | None = None):
        """In: the top folder of a kernel tree, which must not change meanwhile; and
        what is KNOWN of it."""
        self.tree = Path(tree)
        self.kernel: Path | None = None  # that it is for, where it is not one itself
        self.is_kernel = (self.tree / source.HEADER).is_file()
        self.own: Definitions = self  # what is in the tree itself
        self.answers = known or Answers()
        self.search = Search(self.tree, self.answers)
        self._likely = likely.Likely(self.search)
        self._functions: dict[tuple[str, str], list[Place]] = {}
        self._tagged: dict[str, dict[str, list[str]]] = {}
        self._members = Members(self.tree, self.search, self.answers)

    def functions(
        self, names: Iterable[str], near: Path | None = None
    ) -> dict[str, list[Place]]:
        """Every definition of these functions and function-like macros.

        In: any number of names, best all at once; `near` is a file or folder of
        the tree, whose tools/, samples/ … is searched as well. Out: each name
        with its places by file and line, empty when there are none. A place in
        an unreadable spot (ctags lost its way) is missing. Errors:
        tags.TagsError, SearchFailed.
        """
        wanted = set(names)
        tops = [""]
        if near is not None and (top := self._inside(near).parts[:1]):
            tops += [top[0]] if top[0] in APART else []
        for folder in tops:
            self._find(folder, {name for name in wanted if _IDENTIFIER.match(name)})
        return {
            name: [
                place
                for folder in tops
                for place in self._functions.get((folder, name), ())
            ]
            for name in sorted(wanted)
        }

    def mapping(self, names: Iterable[str]) -> dict[str, set[str]]:
        """The files of the kernel proper that may define each of these functions or
        macros, by what their lines look like, and have the name of a map function.
        Errors: SearchFailed."""
        kind, wanted = answers.MAPS, set(names)
        new = self.answers.new(kind, "", wanted)
        if new:
            found = likely.defining(self._likely.mapping(new), new)
            self.answers.tell(kind, "", dict.fromkeys(new, ()) | found)
        return {name: set(self.answers.files[kind, "", name]) for name in wanted}

    def foresee(self, names: Iterable[str]) -> None:
        """Be ready to be asked for these functions and for mapping().  Errors:
        SearchFailed."""
        self._likely.foresee(filter(_IDENTIFIER.match, names))

    def resolve(self, name: str, caller: Path, own: bool = True) -> list[Place]:
        """The definitions that a call of `name` in the file `caller` may reach.

        Out: those of the same file, where its `own` are asked for; or else all
        plausible ones of others, which the asker should require to agree: headers (a
        stub there may stand for a function elsewhere) and non-static functions, the
        same folder's before the tree's, x86 or the caller's own architecture before
        others. Empty when unknown. Ask functions() for all names first: this is cheap
        then.
        Errors: as functions().
        """
        caller = self._inside(caller)
        places = self.functions([name], near=caller)[name]
        same = [place for place in places if place.file == caller]
        if same and own:
            return same
        if self.search.unread:
            return []  # there may be others where nobody can look
        places = [place for place in places if place not in same]
        places = [place for place in places if _same_program(place.file, caller)]
        headers = [place for place in places if _is_header(place.file)]
        seen = [place for place in headers if _can_include(place.file, caller)]
        seen += _linked(places, caller)
        return (
            _of_arch(seen, caller)
            or _of_arch(headers, caller)
            or [
                place
                for place in places
                if place.static and place.file.parent == caller.parent
            ]
        )

    def members(
        self, names: Iterable[str], files: Iterable[Path] = ()
    ) -> dict[str, set[str]]:
        """The types of all structure and union members of these names.

        In: any number of names, best all at once; .c files to read besides all
        headers of the tree. Out: each name with type texts as ctags writes them
        (`char[16]`, `struct page *`, `u8[]`), empty when there is no such
        member. Errors: tags.TagsError, SearchFailed.
        """
        wanted = set(names)
        extra = sorted({str(self._inside(file)) for file in files})
        self._members.ask({name for name in wanted if _IDENTIFIER.match(name)}, extra)
        return {name: self._members.types(name, extra) for name in sorted(wanted)}

    def member_types(self, struct: str, name: str) -> Set[str]:
        """The types of one member of the structures of this name, in what
        members() has read so far."""
        return self._members.of(struct, name)

    def mentions(self, names: Iterable[str], far: bool = False) -> dict[str, list[str]]:
        """The files of the kernel proper that hold each of these words, relative
        to the tree; FAR: and those of the kernel that a module is for.  Errors:
        SearchFailed."""
        kind, wanted = answers.POINTED if far else answers.MENTIONS, set(names)
        new = self.answers.new(kind, "", wanted)
        self.answers.tell(kind, "", self.search.mentions(new))
        return {word: self.answers.files[kind, "", word] for word in wanted}

    def knows(self, file: str) -> bool:
        """Whether all that can see what FILE, a header or not, declares can be read."""
        return bool(file)

    def objects(self, tags: Iterable[str], folder: str) -> dict[str, list[str]]:
        """For each of these tags, the files that may have structures of it, and not
        only pointers to them, in a folder of the tree; "" is the kernel proper.

        Errors: SearchFailed."""
        kind, wanted = answers.OBJECTS, set(tags)
        new = self.answers.new(kind, folder, wanted)
        named = self.search.holding(new, folder) if new else []
        self.answers.tell(kind, folder, self.objects_in(named, new))
        return {tag: self.answers.files[kind, folder, tag] for tag in wanted}

    def objects_in(
        self, files: Sequence[str], tags: Iterable[str]
    ) -> dict[str, set[str]]:
        """... those of FILES."""
        found: dict[str, set[str]] = {tag: set() for tag in tags}
        # Not `struct tag *`, `struct tag;` or `sizeof(struct tag)`.
        after = r"[[:space:]]*($|[^[:space:]*;)]|\)[[:space:]]*($|\{))"
        pattern = rf"(struct|union)[[:space:]]+({'|'.join(sorted(found))})\b{after}"
        for file, text in self.search.matches(pattern, files if found else []):
            found[_WORD.findall(text)[1]].add(file)
        return found

    def _inside(self, path: Path) -> Path:
        path = Path(os.path.normpath(path))
        return path.relative_to(self.tree) if path.is_absolute() else path

    def _find(self, top: str, names: set[str]) -> None:
        """Look up the names not asked for yet below `top`."""
        new = {name for name in names if (top, name) not in self._functions}
        if not new:
            return
        found = self._defining(top, new)
        self._tag(sorted({file for files in found.values() for file in files}))
        for name in new:
            self._functions[top, name] = [
                place
                for file in sorted(found.get(name, ()))
                for line in self._tagged[file].get(name, ())
                if (place := _place(line))
            ]

    def prepare(self) -> None:
        """Find now what is needed for whatever is asked: for processes that begin as
        copies of this one.  Errors: SearchFailed."""
        self._likely.prepare()
        self._members.read_all()

    def _defining(self, top: str, names: set[str]) -> dict[str, set[str]]:
        """The files with a line that may define one of `names`."""
        kind, known = answers.DEFINES, self.answers
        new = known.new(kind, top, names)
        if new:
            found = likely.defining(self._likely.holding(top, new), new)
            known.tell(kind, top, dict.fromkeys(new, ()) | found)
        return {name: set(known.files[kind, top, name]) for name in names}

    def defining(self, files: Sequence[str], names: set[str]) -> dict[str, set[str]]:
        """Those of FILES that may define each of these functions or macros."""
        return likely.defining(self._likely.among(files), names)

    def _tag(self, files: list[str]) -> None:
        """Read the definitions in files not read yet."""
        new = [file for file in files if file not in self._tagged]
        for file in new:
            self._tagged[file] = {}
        fields = ["--kinds-C=fd", "--fields=neKS"]
        fields.append("--fields-C=+{properties}{macrodef}")
        for line in tags.lines(self.tree, new, fields):
            name, file, _rest = line.split("\t", 2)
            file = tags.named(file)
            if not _VALUE.search(line):
                self._tagged[file].setdefault(name, []).append(line)

    def structs(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        """The text of each of these structures in each header that defines it, by
        file.  Errors: tags.TagsError, SearchFailed, OSError."""
        found: dict[str, dict[str, str]] = {name: {} for name in names}
        kind, wanted = answers.STRUCTS, set(filter(_IDENTIFIER.match, found))
        new = self.answers.new(kind, "", wanted)
        headers = self.search.headers(new) if new else []
        self.answers.tell(kind, "", self.structs_in(headers, new))
        files = sorted({f for n in wanted for f in self.answers.files[kind, "", n]})
        for line in tags.lines(self.tree, files, ["--kinds-C=s", "--fields=ne"]):
            name, file, _address, *fields = line.split("\t")
            file = tags.named(file)
            place = dict(field.split(":", 1) for field in fields)
            if name in found and "end" in place:
                text = (self.tree / file).read_bytes().decode(errors="replace")
                lines = text.split("\n")[int(place["line"]) - 1 : int(place["end"])]
                found[name][file] = "\n".join(lines) + "\n"
        return found

    def structs_in(
        self, headers: Sequence[str], names: Iterable[str]
    ) -> dict[str, set[str]]:
        """Those of HEADERS that may define each of these structures."""
        found: dict[str, set[str]] = {name: set() for name in names}
        either = "|".join(sorted(found))
        pattern = rf"\bstruct[[:space:]]+({either})[[:space:]]*(\{{|$)"
        for file, text in self.search.matches(pattern, headers if found else []):
            found[_WORD.findall(text)[1]].add(file)
        return found


def _place(line: str) -> Place | None:
    """The place in a tags line; none for a macro defined as itself."""
    name, file, _address, kind, *fields = line.split("\t")
    values = dict(field.split(":", 1) for field in fields if ":" in field)
    static = "static" in values.get("properties", "").split(",")
    if kind == "macro":
        kind = MACRO if "signature" in values else ALIAS
    if kind == ALIAS and values.get("macrodef") == name:
        return None
    line_of, end = int(values["line"]), int(values.get("end", 0))
    return Place(Path(tags.named(file)), name, line_of, end, kind, static)


def _is_header(file: Path) -> bool:
    return file.suffix == ".h"


def _same_program(file: Path, caller: Path) -> bool:
    """Whether both end in one program, as far as their folders tell."""
    if _is_header(file):
        return True
    parts = file.parent.parts
    for index, part in enumerate(parts):
        if part in _PROGRAMS and caller.parts[: index + 1] != parts[: index + 1]:
            return False
    return True


def _can_include(header: Path, caller: Path) -> bool:
    """Whether `caller` finds `header` without a path of its own making."""
    parts = header.parent.parts
    if "include" in parts:
        parts = parts[: parts.index("include")]
    if parts[:1] == ("arch",) and "include" in header.parts:
        return True
    return bool(caller.parts[: len(parts)] == parts and (parts or header.parts[:-1]))


def _linked(places: list[Place], caller: Path) -> list[Place]:
    """The functions of other files that the linker may choose."""
    found = [
        place
        for place in places
        if place.kind == FUNCTION and not place.static and not _is_header(place.file)
    ]
    close = [place for place in found if place.file.parent == caller.parent]
    if not close:
        return found
    return close + [p for p in found if _arch(p.file) and p not in close]


def _arch(file: Path) -> str | None:
    parts = file.parts
    return parts[1] if parts[0] == "arch" and len(parts) > 2 else None


def _of_arch(places: list[Place], caller: Path) -> list[Place]:
    """Generic places and those of the caller's architecture; or else all."""
    mine = (None, _arch(caller) or _USUAL_ARCH)
    return [place for place in places if _arch(place.file) in mine] or places
