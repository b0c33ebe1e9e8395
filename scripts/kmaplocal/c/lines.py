# SPDX-License-Identifier: GPL-2.0-only
"""A text of which some lines can be lexed without the others.

It is cut where a line ends in no comment, and is not continued: what is between two
cuts has the same tokens alone as among the rest.  To lex all of a file costs ten
times what it costs to find the cuts, or the words of it."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from sys import intern

from kmaplocal.c import lexer
from kmaplocal.c.lexer import Token


class Lines:
    """The lines of a text, from 1 as in its tokens."""

    def __init__(self, text: str):
        starts, self._text = lexer.splice(text)
        self._starts = array("I", starts)
        self._cuts, self._marked = array("I"), array("I")
        for match in lexer.LINE.finditer(self._text):
            if match[1]:
                self._marked.append(len(self._cuts))
            self._cuts.append(match.start())

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._starts)

    def directives(self) -> list[list[Token]]:
        """The tokens of each preprocessor directive."""
        return [self._lexed(piece, piece + 1) for piece in self._marked]

    def between(self, first: int, last: int) -> list[Token]:
        """The tokens of the lines FIRST to LAST."""
        found = self._lexed(*self._pieces(first, last))
        start = bisect_left(found, first, key=_line)
        return found[start : bisect_right(found, last, start, key=_line)]

    def text(self, first: int, last: int) -> str:
        """The lines FIRST to LAST as one text, those that are continued joined."""
        return self._text[self._at(first) : self._at(last + 1)]

    def through(self, line: int) -> int:
        """The last line of what begins in LINE: it may be continued, or a comment may
        end further down."""
        piece = bisect_right(self._cuts, self._at(line)) - 1
        return max(line, bisect_left(self._starts, self._cut(piece + 1)))

    def forward(self, first: int, last: int) -> Iterator[Token]:
        """The same, lexed as far as they are asked for."""
        for piece in range(*self._pieces(first, last)):
            yield from (
                t for t in self._lexed(piece, piece + 1) if first <= t.line <= last
            )

    def back(self, first: int, last: int) -> Iterator[Token]:
        """The tokens of forward(), the last first."""
        for piece in reversed(range(*self._pieces(first, last))):
            found = reversed(self._lexed(piece, piece + 1))
            yield from (t for t in found if first <= t.line <= last)

    def naming(self, names: Iterable[str]) -> Iterator[Token]:
        """The tokens that are one of NAMES."""
        wanted = {name for name in names if name in self._text}
        pieces = {piece for name in wanted for piece in self._holding(name)}
        for piece in sorted(pieces):
            found = self._lexed(piece, piece + 1)
            yield from (token for token in found if token.text in wanted)

    def words(self, first: int, last: int) -> set[str]:
        """The identifiers in the lines FIRST to LAST."""
        start, stop = self._pieces(first, last)
        if (self._cut(start), self._cut(stop)) == (self._at(first), self._at(last + 1)):
            return lexer.identifiers(self._text, self._cut(start), self._cut(stop))
        found = self.between(first, last)
        return {token.text for token in found if token.kind == lexer.IDENTIFIER}

    def vocabulary(self) -> frozenset[str]:
        """All identifiers."""
        return frozenset(map(intern, lexer.identifiers(self._text, 0, len(self._text))))

    def spoken(self) -> frozenset[str]:
        """The identifiers of no directive."""
        found = set[str]()
        for start, stop in self._code():
            found |= lexer.identifiers(self._text, start, stop)
        return frozenset(map(intern, found))

    def initialisers(self) -> list[tuple[Token, Token]]:
        """The braces of initialisers outside of functions."""
        found: list[tuple[int, int]] = []
        depth, opening = 0, -1
        for begins, at in self._braces():
            if self._text[at] == "{":
                opening = at if begins and not depth else opening
                depth += 1
                continue
            depth = max(0, depth - 1)
            if not depth and opening >= 0:
                found.append((opening, at))
                opening = -1
        return [(self._sign(start), self._sign(end)) for start, end in found]

    # -- places in the text -----------------------------------------------------

    def _at(self, line: int) -> int:
        """Where LINE starts; the end of the text where there is none such."""
        return self._starts[line - 1] if line <= len(self._starts) else len(self._text)

    def _cut(self, piece: int) -> int:
        return self._cuts[piece] if piece < len(self._cuts) else len(self._text)

    def _pieces(self, first: int, last: int) -> tuple[int, int]:
        """The pieces that the lines FIRST to LAST are in, and the one after them."""
        start = bisect_right(self._cuts, self._at(max(first, 1))) - 1
        return start, max(start, bisect_left(self._cuts, self._at(last + 1)))

    def _lexed(self, start: int, stop: int) -> list[Token]:
        begin, end = self._cut(start), self._cut(stop)
        return lexer.lexed(self._starts, self._text, 1, begin, end)

    def _holding(self, name: str) -> Iterator[int]:
        """The pieces with NAME in them, in a word or a comment perhaps."""
        at = self._text.find(name)
        while at >= 0:
            piece = bisect_right(self._cuts, at) - 1
            yield piece
            at = self._text.find(name, self._cut(piece + 1))

    def _code(self) -> Iterator[tuple[int, int]]:
        """Where what is between two directives starts and ends."""
        start = 0
        for piece in self._marked:
            yield start, self._cut(piece)
            start = self._cut(piece + 1)
        yield start, len(self._text)

    def _braces(self) -> Iterator[tuple[bool, int]]:
        """The braces in no directive: whether a `=` is before it, and where it is."""
        for start, stop in self._code():
            for match in lexer.BRACE.finditer(self._text, start, stop):
                if match[1]:
                    yield len(match[1]) > 1, match.end() - 1

    def _sign(self, at: int) -> Token:
        """The token of one character at a place."""
        line = bisect_right(self._starts, at)
        return Token(self._text[at], line, at - self._starts[line - 1], lexer.PUNCT)


def _line(token: Token) -> int:
    return token.line
