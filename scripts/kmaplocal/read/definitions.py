# SPDX-License-Identifier: GPL-2.0-only
"""Where functions and structure members of a kernel tree are defined.

Nothing is indexed before it is asked for. grep only chooses the files; what is
a definition is for Universal Ctags to say, once for each file.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from kmaplocal.read import tags

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


# Searched only for what lies in the same one of them.
_APART = ("Documentation", "samples", "scripts", "tools")
# Programs of their own, with a memcpy() and printf() of their own.
_PROGRAMS = frozenset("boot libstub purgatory realmode tools vdso vdso32".split())
_USUAL_ARCH = "x86"

# Lines at column 0 that may define something: `type name(`, `#define name(`,
# `#define name other`. A choice of files, not a decision.
_LIKELY = "|".join(
    (
        r"^[a-zA-Z_].*\(.*[^;]$",
        r"^[a-zA-Z_].*\($",
        r"^#[ \t]*define[ \t]+[a-zA-Z_0-9]+\(",
        r"^#[ \t]*define[ \t]+[a-zA-Z_0-9]+[ \t]+[a-zA-Z_][a-zA-Z_0-9]*[ \t]*$",
    )
).replace(r"\t", "\t")
_CALL = re.compile(r"([A-Za-z_]\w*)[ \t]*\(")
_WORD = re.compile(r"\w+")
_DEFINE = re.compile(r"#[ \t]*define[ \t]+(\w+)")
# The tag of a macro without parameters that is not just another name.
_VALUE = re.compile(r"\tmacro\t(?!.*\tsignature:)(?!.*\tmacrodef:[A-Za-z_]\w*(?:\t|$))")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*\Z")

# Macros of declarations that ctags trips over.
_EXPANSIONS = (
    "DECLARE_BITMAP(n,b)=unsigned long n[b]",
    "DECLARE_FLEX_ARRAY(t,n)=t n[]",
    "__DECLARE_FLEX_ARRAY(t,n)=t n[]",
    "__aligned(x)=",
    "__counted_by(x)=",
    "__packed=",
    "____cacheline_aligned=",
    "____cacheline_aligned_in_smp=",
    "__iomem=",
    "__rcu=",
    "__user=",
    "struct_group(n,...)=struct { __VA_ARGS__ } n;",
)


class Definitions:
    """The definitions of one tree; remembers what it has found."""

    def __init__(self, tree: Path):
        """In: the top folder of a kernel tree. It must not change meanwhile."""
        self.tree = Path(tree)
        self._lines: dict[str, bytes] = {}
        self._functions: dict[tuple[str, str], list[Place]] = {}
        self._tagged: dict[str, dict[str, list[str]]] = {}
        self._members: dict[str, set[str]] = {}
        self._scoped: dict[tuple[str, str], set[str]] = {}
        self._asked: set[str] = set()
        self._read: dict[str, dict[str, set[str]]] = {}

    def functions(
        self, names: Iterable[str], near: Path | None = None
    ) -> dict[str, list[Place]]:
        """Every definition of these functions and function-like macros.

        In: any number of names, best all at once; `near` is a file or folder of
        the tree, whose tools/, samples/ … is searched as well. Out: each name
        with its places by file and line, empty when there are none. A place in
        an unreadable spot (ctags lost its way) is missing. Errors:
        tags.TagsError, OSError.
        """
        wanted = set(names)
        tops = [""]
        if near is not None and (top := self._inside(near).parts[:1]):
            tops += [top[0]] if top[0] in _APART else []
        for top in tops:
            self._find(top, {name for name in wanted if _IDENTIFIER.match(name)})
        return {
            name: [
                place for top in tops for place in self._functions.get((top, name), ())
            ]
            for name in sorted(wanted)
        }

    def resolve(self, name: str, caller: Path) -> list[Place]:
        """The definitions that a call of `name` in the file `caller` may reach.

        Out: those of the same file; or else all plausible ones, which the asker
        should require to agree: headers (a stub there may stand for a function
        elsewhere) and non-static functions, the same folder's before the
        tree's, x86 or the caller's own architecture before others. Empty when
        unknown. Ask functions() for all names first: this is cheap then.
        Errors: as functions().
        """
        caller = self._inside(caller)
        places = self.functions([name], near=caller)[name]
        same = [place for place in places if place.file == caller]
        if same:
            return same
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
        member. Errors: tags.TagsError, OSError.
        """
        wanted = set(names)
        extra = sorted({str(self._inside(file)) for file in files})
        self._read_members(extra)
        new = {name for name in wanted - self._asked if _IDENTIFIER.match(name)}
        if new:
            self._read_members(self._headers(new))
            self._asked |= new
        found = {name: set(self._members.get(name, ())) for name in sorted(wanted)}
        for file in extra:
            for name in wanted & self._read[file].keys():
                found[name] |= self._read[file][name]
        return found

    def mentions(self, names: Iterable[str]) -> dict[str, list[str]]:
        """The files of the kernel proper that hold each of these words, relative
        to the tree.  Errors: OSError."""
        files: dict[str, set[str]] = {name: set() for name in names}
        if not files:
            return {}
        asked = ["-raowHF", "--include=*.c", "--include=*.h"]
        asked += [f"-e{name}" for name in sorted(files)]
        found = os.fsdecode(_grep([*asked, "--", *self._places("")], self.tree))
        for line in found.split("\n")[:-1]:
            file, _colon, name = line.rpartition(":")
            files[name].add(os.path.normpath(file))
        return {name: sorted(found) for name, found in files.items()}

    def objects(self, tags: Iterable[str], folder: str) -> dict[str, list[str]]:
        """For each of these tags, the files that may have structures of it, and not
        only pointers to them, in a folder of the tree; "" is the kernel proper.

        Errors: OSError."""
        files: dict[str, set[str]] = {tag: set() for tag in tags}
        # Not `struct tag *`, `struct tag;` or `sizeof(struct tag)`.
        after = r"[[:space:]]*($|[^[:space:]*;)]|\)[[:space:]]*($|\{))"
        pattern = rf"(struct|union)[[:space:]]+({'|'.join(sorted(files))})\b{after}"
        asked = ["-raoHE", "--include=*.c", "--include=*.h", f"-e{pattern}"]
        found = os.fsdecode(_grep([*asked, "--", *self._places(folder)], self.tree))
        for line in found.split("\n")[:-1]:
            file, _colon, text = line.partition(":")
            files[_WORD.findall(text)[1]].add(os.path.normpath(file))
        return {tag: sorted(found) for tag, found in files.items()}

    def _inside(self, path: Path) -> Path:
        path = Path(os.path.normpath(path))
        return path.relative_to(self.tree) if path.is_absolute() else path

    def _find(self, top: str, names: set[str]) -> None:
        """Look up the names not asked for yet below `top`."""
        new = {name for name in names if (top, name) not in self._functions}
        if not new:
            return
        found = self._likely(top, new)
        self._tag(sorted({file for files in found.values() for file in files}))
        for name in new:
            self._functions[top, name] = [
                place
                for file in sorted(found.get(name, ()))
                for line in self._tagged[file].get(name, ())
                if (place := _place(line))
            ]

    def _likely(self, top: str, names: set[str]) -> dict[str, set[str]]:
        """The files with a line that may define one of `names`."""
        if top not in self._lines:
            self._lines[top] = self._grep_likely(top)
        pattern = ["-awF", *(f"-e{name}" for name in sorted(names))]
        lines = _grep(pattern, self.tree, self._lines[top])
        found: dict[str, set[str]] = defaultdict(set)
        for line in os.fsdecode(lines).split("\n"):
            file, _colon, text = line.partition(":")
            for name in _defined(text) & names:
                found[name].add(os.path.normpath(file))
        return found

    def _grep_likely(self, top: str) -> bytes:
        asked = ["-raHE", "--include=*.c", "--include=*.h", f"-e{_LIKELY}"]
        return _grep([*asked, "--", *self._places(top)], self.tree)

    def _places(self, top: str) -> list[str]:
        """The folders to search for `top`; "" is the kernel proper."""
        if top:
            return [top]
        entries = os.scandir(self.tree)
        return sorted(
            os.path.join(".", entry.name)
            for entry in entries
            if entry.name not in (*_APART, ".git") and not entry.is_symlink()
        )

    def _tag(self, files: list[str]) -> None:
        """Read the definitions in files not read yet."""
        new = [file for file in files if file not in self._tagged]
        for file in new:
            self._tagged[file] = {}
        fields = ["--kinds-C=fd", "--fields=neKS"]
        fields.append("--fields-C=+{properties}{macrodef}")
        for line in _ctags(self.tree, new, fields):
            name, file, _rest = line.split("\t", 2)
            if not _VALUE.search(line):
                self._tagged[file].setdefault(name, []).append(line)

    def _headers(self, names: set[str]) -> list[str]:
        asked = ["-rlawF", "--include=*.h", *(f"-e{name}" for name in sorted(names))]
        found = os.fsdecode(_grep([*asked, "--", *self._places("")], self.tree))
        return sorted(os.path.normpath(line) for line in found.split("\n") if line)

    def member_types(self, struct: str, name: str) -> set[str]:
        """The types of one member of the structures of this name, in what
        members() has read so far."""
        return self._scoped.get((struct, name), set())

    def structs(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        """The text of each of these structures in each header that defines it, by
        file.  Errors: tags.TagsError, OSError."""
        found: dict[str, dict[str, str]] = {name: {} for name in names}
        wanted = sorted(filter(_IDENTIFIER.match, found))
        if not wanted:
            return found
        pattern = rf"\bstruct[[:space:]]+({'|'.join(wanted)})[[:space:]]*(\{{|$)"
        asked = ["-rlaE", "--include=*.h", f"-e{pattern}", "--", *self._places("")]
        files = os.fsdecode(_grep(asked, self.tree)).split("\n")[:-1]
        files = sorted(map(os.path.normpath, files))
        for line in _ctags(self.tree, files, ["--kinds-C=s", "--fields=ne"]):
            name, file, _address, *fields = line.split("\t")
            place = dict(field.split(":", 1) for field in fields)
            if name in found and "end" in place:
                text = (self.tree / file).read_bytes().decode(errors="replace")
                lines = text.split("\n")[int(place["line"]) - 1 : int(place["end"])]
                found[name][file] = "\n".join(lines) + "\n"
        return found

    def _read_members(self, files: list[str]) -> None:
        """Read the members in files not read yet."""
        new = [file for file in files if file not in self._read]
        for file in new:
            self._read[file] = {}
        for line in _ctags(self.tree, new, ["--kinds-C=m", "--fields=ts"]):
            name, file, _rest = line.split("\t", 2)
            _before, _key, typed = line.partition("\ttyperef:")
            kind, _colon, text = typed.split("\t", 1)[0].partition(":")
            text = sys.intern(text if kind == "typename" else f"{kind} {text}")
            scope = _rest.partition("\tstruct:")[2].split("\t", 1)[0]
            self._scoped.setdefault((scope, name), set()).add(text)
            into = self._members if file.endswith(".h") else self._read[file]
            into.setdefault(name, set()).add(text)


def _grep(arguments: list[str], folder: Path, text: bytes | None = None) -> bytes:
    """What grep prints. Errors: OSError."""
    done = subprocess.run(
        ["grep", *arguments],
        cwd=folder,
        env={**os.environ, "LC_ALL": "C"},
        input=b"" if text is None else text,
        capture_output=True,
    )
    if done.returncode > 1:
        message = os.fsdecode(done.stderr).strip()
        raise OSError(f"grep failed in {folder}: {message[:200]}")
    return done.stdout


def _ctags(tree: Path, files: list[str], options: list[str]) -> Iterator[str]:
    """The line of every tag of `files`. Errors: tags.TagsError."""
    if not files:
        return
    command = [tags.program(), "--quiet", "--options=NONE", "--language-force=C"]
    command += ["--excmd=number", "--sort=no", "-f", "-", "-L", "-", *options]
    for expansion in _EXPANSIONS:
        command += ["-D", expansion]
    there = [file for file in files if (tree / file).is_file()]
    text = os.fsencode("".join(f"{file}\n" for file in there))
    with tempfile.TemporaryFile() as listing, tempfile.TemporaryFile() as trouble:
        listing.write(text)
        listing.seek(0)
        with subprocess.Popen(
            command, cwd=tree, stdin=listing, stdout=subprocess.PIPE, stderr=trouble
        ) as run:
            for line in run.stdout or ():
                if not line.startswith(b"!_TAG_"):
                    yield os.fsdecode(line).rstrip("\n")
        if run.returncode:
            trouble.seek(0)
            message = os.fsdecode(trouble.read()).strip()
            raise tags.TagsError(f"ctags failed in {tree}: {message}")


def _defined(text: str) -> set[str]:
    """The names that a likely line may define."""
    if text.startswith("#"):
        return {match[1] for match in [_DEFINE.match(text)] if match}
    first = _CALL.match(text)
    if first and first[1].isupper():  # EXPORT_SYMBOL(x), DEFINE_MUTEX(x)
        return set()
    return set(_CALL.findall(text))


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
    return Place(Path(file), name, line_of, end, kind, static)


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
