# SPDX-License-Identifier: GPL-2.0-only
"""How deep a piece of C stands in itself.

What reads an expression calls itself for what is inside, and prints that once more:
its time grows with the square of the depth, until no stack is left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kmaplocal.c import lexer
from kmaplocal.c.lexer import Token

# C11, 5.2.4.1, asks a compiler for 63 parentheses in one another, and 127 blocks.
MOST = 200
MOST_COMMAS = 1000  # in parentheses: what has far more is no function to ctags

_OPENS, _CLOSES = ("(", "[", "{"), (")", "]", "}")
_SIGNS = "([{:=+-*/%&|^<>!~.,"
# In no sign, or with semicolons inside.
_REPEATED = ("{", "else", "for", "do", "sizeof")
_HEADS = ("if", "for", "while", "do", "switch", "sizeof", "_Alignof")


class _Level:
    """What is open between two brackets: heads of statements, and operators."""

    def __init__(self, lists: bool) -> None:
        self.lists = lists  # its commas stand between the parts of a list
        self.heads = self.signs = self.ended = 0

    def end(self) -> None:
        """End a statement, which an `else` takes up again."""
        self.heads, self.signs, self.ended = 0, 0, self.heads

    def take(self, word: str) -> None:
        """Take a WORD that is no bracket."""
        if word in (";", "#"):  # the end of a statement, the begin of a directive
            self.end()
        elif word == "," and self.lists:
            self.signs = 0
        elif word == "else":
            self.heads = self.ended
        elif word in _HEADS:
            self.heads += 1
        elif _is_sign(word) and word != "?":  # its `:` counts
            self.signs += 1

    @property
    def depth(self) -> int:
        return self.heads + self.signs


def may_exceed(text: str, most: int = MOST) -> bool:
    """Whether TEXT has enough in it to be more than MOST deep, in less time than it
    takes to see how deep it is."""
    if sum(map(text.count, _REPEATED)) > most:
        return True
    return bool(long_parts(text, most))


def long_parts(text: str, most: int = MOST) -> list[str]:
    """What between two semicolons of TEXT may be more than MOST deep."""
    long = (part for part in text.split(";") if len(part) > most)
    return [part for part in long if sum(map(part.count, _SIGNS)) > most]


def depth(words: Iterable[str]) -> int:
    """How much of WORDS, the tokens of some C, may stand in one another at most:
    brackets, the heads of statements before each, and operators.  `if (a) b = -(c)`
    is four deep."""
    level, around = _Level(lists=False), list[_Level]()
    above = most = 0
    before = ""
    for word in words:
        if word in _OPENS:
            level.signs += before in _CLOSES and word != "{"  # `a[0][0]`, casts
            above += level.depth + 1
            around.append(level)
            level = _Level(_begins_list(word, before, level))
        elif word in _CLOSES:
            level = around.pop() if around else level
            above -= level.depth + 1 if above else 0
            if word == "}" and not level.lists:
                level.end()
        else:
            level.take(word)
        most = max(most, above + level.depth)
        before = word
    return most


def too_deep(words: Iterable[str]) -> int:
    """The depth of WORDS, where that is more than MOST; 0 otherwise."""
    found = depth(words)
    return found if found > MOST else 0


def shallow(text: str) -> str:
    """TEXT with blanks for what is in more than MOST brackets: ctags loses its way for
    the rest of a file where there are a thousand; and for lists with more
    than MOST_COMMAS."""
    parts = [part for part in text.split(";") if len(part) > MOST]
    deep = any(sum(map(part.count, _OPENS)) > MOST for part in parts)
    if not deep and not any(part.count(",") > MOST_COMMAS for part in parts):
        return text
    holes = list(_innermost(lexer.tokens(text)))
    return lexer.blank(text, holes) if holes else text


def _innermost(tokens: Iterable[Token]) -> Iterator[tuple[Token, Token]]:
    """The brackets in MOST others, no blocks but those in parentheses; and those of
    long lists."""
    around: list[tuple[Token, int]] = []
    commas = 0
    for token in tokens:
        commas += token.text == ","
        if token.text == "#" or (token.text == ";" and "(" not in _texts(around)):
            around.clear()
        elif token.text in _OPENS:
            around.append((token, commas))
        elif token.text in _CLOSES and around:
            opening, before = around.pop()
            listed = opening.text == "(" and commas - before > MOST_COMMAS
            if len(around) == MOST or listed:
                yield opening, token


def _texts(around: Iterable[tuple[Token, int]]) -> Iterator[str]:
    return (token.text for token, _ in around)


def _begins_list(bracket: str, before: str, around: _Level) -> bool:
    """Whether a BRACKET begins arguments, parameters or an initialiser."""
    if bracket == "{":
        return before == "=" or (around.lists and before in (",", "{"))
    return not _is_sign(before) or before in _CLOSES


def _is_sign(word: str) -> bool:
    return not (word[:1].isalnum() or word[:1] in ("_", "$", '"', "'", ""))
