# SPDX-License-Identifier: GPL-2.0-only
"""Structures whose initialiser names no members: `struct ops o = { read, 1 }`.

Which member such a value goes to takes types to tell, so one that may hold more
than numbers and strings is all that is looked for: in each object of a structure,
and of every other one that has such an object in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from kmaplocal.c import lexer
from kmaplocal.tree.definitions import Definitions
from kmaplocal.c.lexer import Token
from kmaplocal.c.outline import read
from kmaplocal.tree.search import AGGREGATES

MOST_FILES = 120
MOST_TOKENS = 100_000  # that are kept, of the files read last
MOST_HOLDERS = 6  # structures in structures
_OPENING, _CLOSING = "{([", "})]"
_NOBODY = ("NULL", "false", "true")


class Bracket(NamedTuple):
    """What a token is inside of: a bracket; of a brace that declares members, the
    keyword and the tag, which may be ""."""

    text: str
    keyword: str = ""
    tag: str = ""


def nested(code: list[Token]) -> Iterator[tuple[Bracket, ...]]:
    """The brackets around each token of CODE, which has no directives."""
    around: tuple[Bracket, ...] = ()
    for index, token in enumerate(code):
        if token.text in _CLOSING:
            around = around[:-1]
        yield around
        if token.text in _OPENING:
            around += (_bracket(code, index),)


def _bracket(code: list[Token], index: int) -> Bracket:
    text, names = code[index].text, list[str]()
    while text == "{" and index and code[index - 1].kind == lexer.IDENTIFIER:
        index -= 1
        if code[index].text in AGGREGATES:
            return Bracket(text, code[index].text, names[-1] if names else "")
        if not code[index].text.startswith("__"):  # __packed
            names.append(code[index].text)
    return Bracket(text)


def closing(code: list[Token], index: int) -> int:
    """The place of the bracket that closes the one at INDEX, or the end."""
    depth = 0
    for place in range(index, len(code)):
        depth += (code[place].text in _OPENING) - (code[place].text in _CLOSING)
        if not depth:
            return place
    return len(code)


class Initialisers:
    """The initialisers of structures in one tree; remembers what it has read."""

    def __init__(self, definitions: Definitions):
        self.definitions = definitions
        self._tokens: dict[str, list[Token]] = {}
        self._known: dict[tuple[str, str], list[str]] = {}
        # The tags that were looked at, and the files, for those that were asked about.
        self.looked: dict[frozenset[tuple[str, str]], tuple[set, set]] = {}

    def by_position(self, tags: Iterable[tuple[str, str]]) -> str:
        """Where an object of one of these structures is, or may be, initialised by
        position; "" when that is nowhere.

        In: tags, each with the file that defines it.  Errors: OSError."""
        objects = _Objects()
        looked: set[tuple[str, str]] = set()
        new = set(tags)
        seen: set[str] = set()
        self.looked[frozenset(new)] = looked, seen
        for _ in range(MOST_HOLDERS):
            if not new:
                return objects.by_position()
            looked |= new
            files = self._files(new)
            if len(files) > MOST_FILES:
                return f"{len(files)} files have a struct {min(new)[0]}"
            seen.update(files)
            for file, here in files.items():
                objects.look(file, self._read(file), here)
            if objects.why:
                return objects.why
            new = objects.holders - looked
        return f"struct {min(new)[0]} is in too many structures"

    def look_for(self, tags: Iterable[tuple[str, str]]) -> None:
        """Find the files with objects of all these TAGS, that will be asked for one
        by one: together they cost less."""
        folders: dict[str, list[tuple[str, str]]] = {}
        for tag, file in tags:
            path = Path(file)
            # Who can see what it is: this file, its folder, or all.
            if path.suffix == ".c":
                self._known[tag, file] = [file]
            elif (tag, file) not in self._known:
                folder = "" if "include" in path.parts else str(path.parent)
                folders.setdefault(folder, []).append((tag, file))
        for folder, here in folders.items():
            files = self.definitions.objects((tag for tag, _ in here), folder)
            self._known.update(((tag, file), files[tag]) for tag, file in here)

    def _files(self, tags: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
        """The files with objects of TAGS, each with those of the tags."""
        found: dict[str, set[str]] = {}
        self.look_for(tags)
        for tag, file in tags:
            for each in self._known[tag, file]:
                found.setdefault(each, set()).add(tag)
        return found

    def _read(self, file: str) -> list[Token]:
        if file not in self._tokens:
            text = read(self.definitions.tree / file)
            if sum(map(len, self._tokens.values())) > MOST_TOKENS:
                self._tokens.clear()
            self._tokens[file] = lexer.tokens(text)
        return self._tokens[file]


class _Objects:
    """The objects of some structures: their initialisers, what holds them, and
    what cannot be told."""

    def __init__(self):
        self.groups: list[tuple[str, list[Token], int]] = []
        self.holders: set[tuple[str, str]] = set()
        self.members: set[str] = set()
        self.why = ""

    def by_position(self) -> str:
        """Where one of the initialisers found so far is by position, or ""."""
        for file, code, index in self.groups:
            if self._positional(code, index):
                return f"{file}:{code[index].line}: it is initialised by position"
        return ""

    def look(self, file: str, tokens: list[Token], tags: set[str]) -> None:
        """Collect what FILE says of objects of TAGS."""
        for directive in (False, True):
            code = [token for token in tokens if token.directive == directive]
            for index, around in enumerate(nested(code)):
                if code[index].text not in tags or not index:
                    continue
                if code[index - 1].text not in AGGREGATES:
                    continue
                if directive:
                    self._in_macro(file, code, index)
                else:
                    self._declared(file, code, index, around)

    def _unclear(self, file: str, token: Token, what: str) -> None:
        why = f"{file}:{token.line}: struct {token.text} is used in {what}"
        self.why = self.why or why

    def _in_macro(self, file: str, code: list[Token], index: int) -> None:
        after = [token.text for token in code[index + 1 : index + 3]]
        if after[:1] not in (["*"], [","], [";"], [")"]) or after == [")", "{"]:
            self._unclear(file, code[index], "a macro")

    def _declared(self, file, code, index, around) -> None:
        """Read on from a tag to the end of what is declared with it."""
        if "typedef" in [token.text for token in code[max(0, index - 3) : index]]:
            self._unclear(file, code[index], "a typedef")
        place, name, pointer = index + 1, "", False
        while place < len(code):
            text = code[place].text
            if text in _CLOSING and not name and not pointer:
                self._literal(file, code, place)
            if text in _CLOSING or (text == "{" and name):
                break
            if text in (",", ";"):
                self._held(file, code[index], around, "" if pointer else name)
                name, pointer = "", False
            if text == ";":
                break
            if text == "=" and not pointer:
                self._initialised(file, code, index, place)
            place += text == "="
            pointer = pointer or text == "*"
            if code[place].kind == lexer.IDENTIFIER:
                name = name or code[place].text
            place = _after(code, place)
        self._defined(file, code, index, place)

    def _initialised(self, file, code, index, place) -> None:
        after = [token.text for token in code[place + 1 : place + 3]]
        if after[:1] == ["{"]:
            self.groups.append((file, code, place + 1))
        elif after[:1] != ["*"]:
            self._unclear(file, code[index], "an initialiser that is not read")

    def _literal(self, file, code, place) -> None:
        """`(struct tag) { ... }`"""
        if [token.text for token in code[place + 1 : place + 2]] == ["{"]:
            self.groups.append((file, code, place + 1))

    def _defined(self, file, code, index, place) -> None:
        """`DEFINE_PER_CPU(struct tag, name) = { ... }`"""
        after = [token.text for token in code[place : place + 2]]
        if after == [")", "="]:
            self._initialised(file, code, index, place + 1)

    def _held(self, file, token, around, name) -> None:
        """Note that structures AROUND have a member NAME of this one."""
        if not name or not around or not around[-1].keyword:
            return
        tags = [bracket.tag for bracket in around if bracket.tag]
        if not tags:
            self._unclear(file, token, "a structure without a name")
        self.members.add(name)
        self.holders.update((tag, file) for tag in tags)

    def _positional(self, code: list[Token], index: int) -> bool:
        """Whether the initialiser whose brace is at INDEX has a value that might
        be of interest, and no name for it."""
        end, place = closing(code, index), index + 1
        while place < end:
            last = ""
            while code[place].text in (".", "["):
                named = code[place].text == "."
                last = code[place + 1].text if named else "["
                place = place + 2 if named else closing(code, place) + 1
            place += bool(last)  # the "="
            stop = _end_of_element(code, place, end)
            if code[place].text == "{":
                if self._positional(code, place):
                    return True
            elif not last or last == "[" or last in self.members:
                if any(_may_be_function(token) for token in code[place:stop]):
                    return True
            place = stop + 1
        return False


def _end_of_element(code: list[Token], place: int, end: int) -> int:
    while place < end and code[place].text != ",":
        place = _after(code, place)
    return min(place, end)


def _after(code: list[Token], place: int) -> int:
    """The place after a token, or after the bracket that it opens."""
    return (closing(code, place) if code[place].text in _OPENING else place) + 1


def _may_be_function(token: Token) -> bool:
    return token.kind == lexer.IDENTIFIER and token.text not in _NOBODY
