# SPDX-License-Identifier: GPL-2.0-only
"""What is written to a member of a structure, in all files that can see it.

Told by tokens: whole folders are looked through, and a function that maps nothing is
not parsed for that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from kmaplocal.c import lexer
from kmaplocal.c.lexer import Token
from kmaplocal.c.outline import read
from kmaplocal.c.syntax import Point
from kmaplocal.knowledge import functions
from kmaplocal.tree.definitions import Definitions

_ARROWS = ("->", ".")
_CHANGES = ("++", "--")
_ASSIGNS = ("+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=")
_OPENING = {")": "(", "]": "["}
NOTHING = ("NULL", "0")


class Write(NamedTuple):
    """A value that a member is given: its tokens, up to the `;` or `,` behind it, and
    where it starts."""

    file: str
    value: tuple[Token, ...]


class Members:
    """The members of the structures below ROOT, whose files TREE knows."""

    def __init__(self, root: Path, tree: Definitions | None):
        self.root = root
        self.tree = tree
        self._found: dict[tuple[str, str, str], list[Write] | None] = {}
        self._given: dict[tuple[str, str], list[tuple[str, Point]]] = {}
        self._named: dict[tuple[str, str, tuple[str, ...]], bool] = {}
        self._own: dict[tuple[str, str], bool] = {}
        self._seeing: dict[tuple[str, str], list[str]] = {}
        self.asked: set[tuple[str, str]] = set()  # for which file, about which tag

    def writes(self, file: str, struct: str, member: str) -> list[Write] | None:
        """What the MEMBER of the STRUCT that FILE uses is given, but for NULL; None
        where that is not known: others can see it, its address is taken, a macro names
        it.
        Errors: SearchFailed, OSError."""
        key = (file, struct, member)
        if key not in self._found:
            self._found[key] = self._writes(*key)
        return self._found[key]

    def _writes(self, file: str, struct: str, member: str) -> list[Write] | None:
        files = self.seeing(file, struct)
        found: list[Write] = []
        for each in files:
            text = read(self.root / each)
            if member not in text and struct not in text:
                continue
            tokens = lexer.tokens(text)
            if _fills_by_position(tokens, struct):
                return None
            for index in _places(tokens, member):
                own = _owner(tokens, index)
                if own and own != struct:
                    continue
                value = _given(tokens, index)
                if value is None or tokens[index].directive:
                    return None
                if value and not _is_no_page(value):
                    found.append(Write(each, value))
        return found if files else None

    def names(self, file: str, member: str, words: tuple[str, ...]) -> bool:
        """Whether FILE has a member of this name, and one of WORDS."""
        key = (file, member, words)
        if key not in self._named:
            tokens = self._tokens(file, member)
            self._named[key] = next(_places(tokens, member), None) is not None and any(
                t.text in words for t in tokens
            )
        return self._named[key]

    def given(self, file: str, member: str) -> list[tuple[str, Point]]:
        """Which calls of FILE are given a member of this name, as it is: the name of
        the callee, and where it stands."""
        if (file, member) not in self._given:
            self._given[file, member] = list(self._calls_with(file, member))
        return self._given[file, member]

    def _tokens(self, file: str, member: str) -> Sequence[Token]:
        """The tokens of FILE, where MEMBER is one of them; () where it is not."""
        text = read(self.root / file)
        if not re.search(rf"\b{re.escape(member)}\b", text):
            return ()
        return lexer.tokens(text)

    def _calls_with(self, file: str, member: str) -> Iterator[tuple[str, Point]]:
        tokens = self._tokens(file, member)
        for index in _places(tokens, member):
            at = _start(tokens, index) - 1
            while at > 0 and tokens[at].text != "(":
                at = _opened(tokens, at) if tokens[at].text in _OPENING else at
                at -= 1
            callee = tokens[at - 1]
            if at > 0 and callee.kind == lexer.IDENTIFIER:
                yield callee.text, (callee.line, callee.column)

    def seeing(self, file: str, struct: str) -> list[str]:
        """The files that can see what the STRUCT of FILE is made of: itself, where it
        declares it, or its folder, where no other speaks of it; [] otherwise."""
        if (file, struct) not in self._seeing:
            self._seeing[file, struct] = self._seen_by(file, struct)
        return self._seeing[file, struct]

    def foresee(self, wanted: Iterable[tuple[str, str]]) -> None:
        """Have the tree looked through once for what seeing() will be asked about."""
        new = {each for each in wanted if not self._is_own(*each)}
        if self.tree and new:
            new = {(file, tag) for file, tag in new if self.tree.knows(file)}
            self.asked |= new
            self.tree.mentions({tag for _, tag in new})

    def _is_own(self, file: str, struct: str) -> bool:
        """Whether FILE declares STRUCT itself."""
        if (file, struct) not in self._own:
            tokens = self._tokens(file, struct)
            self._own[file, struct] = _declares(tokens, struct)
        return self._own[file, struct]

    def _seen_by(self, file: str, struct: str) -> list[str]:
        if self._is_own(file, struct):
            return [file]
        folder = Path(file).parent
        if self.tree is None or not self.tree.knows(file):
            return []
        self.asked.add((file, struct))
        named = self.tree.mentions([struct])[struct]
        if not named or any(Path(name).parent != folder for name in named):
            return []
        headers = [name for name in named if name.endswith(".h")]
        if not any(
            _declares(lexer.tokens(read(self.root / h)), struct) for h in headers
        ):
            return []
        here = (self.root / folder).iterdir()
        return sorted(str(folder / p.name) for p in here if p.suffix in (".c", ".h"))


def _fills_by_position(tokens: Sequence[Token], struct: str) -> bool:
    """Whether an initialiser of such a STRUCT gives a member something without its
    name: `struct s a = { page }`, `(struct s){ page }`."""
    words = [token.text for token in tokens]
    for index, word in enumerate(words):
        if word != struct or words[index - 1 : index] != ["struct"]:
            continue
        at = index + 1
        while at < len(words) and words[at] not in (";", "(", "{", "=", ")"):
            at += 1
        literal = words[at : at + 1] == [")"] and {"[", "]"}.issuperset(
            words[index + 1 : at]
        )
        if words[at : at + 1] != ["="] and not literal:
            continue
        at += 1
        if words[at : at + 1] != ["{"]:
            continue
        while words[at : at + 1] == ["{"]:
            at += 1
        if words[at] not in (".", "}", "0"):
            return True
    return False


def _is_no_page(value: Sequence[Token]) -> bool:
    """Whether VALUE is NULL, or what no pointer is given: an initialiser in braces in
    which nothing is called."""
    words = [token.text for token in value]
    alone = len(words) == 1 and words[0] in NOTHING
    return alone or (words[0] == "{" and "(" not in words)


def _declares(tokens: Sequence[Token], struct: str) -> bool:
    words = [token.text for token in tokens]
    return any(
        words[n : n + 3] == ["struct", struct, "{"]
        for n, word in enumerate(words)
        if word == "struct"
    )


def _places(tokens: Sequence[Token], member: str) -> Iterator[int]:
    for index, token in enumerate(tokens):
        if index and token.text == member and tokens[index - 1].text in _ARROWS:
            yield index


def _given(tokens: Sequence[Token], index: int) -> tuple[Token, ...] | None:
    """What the member at INDEX is given: () where it is only read; None where that
    cannot be told."""
    start = _start(tokens, index)
    before = tokens[start - 1].text if start else ""
    after = tokens[index + 1].text if index + 1 < len(tokens) else ""
    if after in (*_CHANGES, *_ASSIGNS) or before in _CHANGES:
        return None
    if before == "&" and after not in (*_ARROWS, "["):
        # `a & b->c` is as rare as it is harmless to be taken for an address.
        return None
    if after != "=":
        return () if _is_given_by_value(tokens, start, index) else None
    return _value(tokens, index + 2)


def _is_given_by_value(tokens: Sequence[Token], start: int, index: int) -> bool:
    """Whether the expression from START to INDEX is no whole argument of what may be a
    macro that assigns to it: one that has others besides, and is not known."""
    before, after = tokens[start - 1].text, tokens[index + 1].text
    if before not in ("(", ",") or after not in (")", ","):
        return True
    at = start - 1
    while at > 0 and tokens[at].text != "(":
        at = _opened(tokens, at) if tokens[at].text in _OPENING else at
        at -= 1
    callee = tokens[at - 1]
    alone = before == "(" and after == ")"
    if alone or callee.kind != lexer.IDENTIFIER:
        return True
    return takes_by_value(callee.text)


def takes_by_value(name: str) -> bool:
    """Whether the function or macro NAME, which the table knows, assigns to none of its
    arguments."""
    row = functions.TABLE.get(name)
    if row is None or row.assigns or row.takes:
        return False
    return not (row.writes or row.stores)


def _value(tokens: Sequence[Token], start: int) -> tuple[Token, ...]:
    """The tokens from START to the end of the expression."""
    depth = 0
    for index in range(start, len(tokens)):
        word = tokens[index].text
        if not depth and word in (";", ",", ")", "}"):
            return tuple(tokens[start:index])
        depth += word in ("(", "[", "{")
        depth -= word in (")", "]", "}")
    return tuple(tokens[start:])


def _start(tokens: Sequence[Token], index: int) -> int:
    """Where the expression begins of which the word at INDEX is a member: at the `.` of
    an initialiser, where it is of none."""
    at = index
    while at >= 2 and tokens[at - 1].text in _ARROWS:
        at -= 2
        while tokens[at].text in _OPENING:
            at = _opened(tokens, at) - 1
        if tokens[at].kind != lexer.IDENTIFIER:
            return at + 1
    return at


def _opened(tokens: Sequence[Token], at: int) -> int:
    """Where the bracket was opened that is closed AT."""
    depth = 0
    while at > 0:
        depth += tokens[at].text in _OPENING
        depth -= tokens[at].text in _OPENING.values()
        if not depth:
            break
        at -= 1
    return at


def _owner(tokens: Sequence[Token], index: int) -> str:
    """The structure that the variable V is declared as, or as a pointer to, where V->m
    is at INDEX, in the same function; "" where that is not to be seen."""
    name = tokens[index - 2]
    if name.kind != lexer.IDENTIFIER or tokens[index - 3].text in _ARROWS:
        return ""
    depth = 0
    for at in range(index - 3, 1, -1):
        word = tokens[at].text
        depth += word == "}"
        depth -= word == "{"
        if word == "}" and tokens[at].column == 0:
            return ""  # the function before
        if word != name.text:
            continue
        tag = at - 1
        while tokens[tag].text == "*":
            tag -= 1
        if tag and tokens[tag - 1].text == "struct":
            return tokens[tag].text
    return ""
