# SPDX-License-Identifier: GPL-2.0-only
"""Guards of include/linux/cleanup.h, as C that spatch parses.

scoped_guard(mutex, &m) is the head of a block that is run once: cocci/macros.h makes
an iterator of it.  scoped_cond_guard(mutex_intr, return -EINTR, &m) has a statement
among its arguments; here it becomes `if (mutex_intr) return -EINTR; else`, with all
that stays in its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kmaplocal.c.lexer import Token, tokens

SCOPED, CONDITIONAL = "scoped_guard", "scoped_cond_guard"
# What the name of a guard ends in that may not be got.
_TRYING = ("_try", "_intr", "_kill", "_killable", "_timeout")
_IF, _ELSE = "if(", "else"
_LEAVING = ("break", "continue")  # the guard alone, and not the loop around it


class _Call(NamedTuple):
    """A guard's name, the commas that part its first arguments, and its `)`."""

    name: Token
    commas: tuple[Token, Token]
    end: Token


def may_fail(statement: str) -> bool:
    """Whether the block of a scoped_guard(), told by the text of its STATEMENT, words
    apart, may not be run at all.

    Example: "scoped_guard ( mutex_try , & m ) { ... }" may not."""
    words = statement.split(None, 3)
    return len(words) > 2 and words[2].endswith(_TRYING)


def readable(text: str) -> str:
    """C TEXT with its conditional guards in words that spatch parses; where there is
    no room for that, or what is guarded leaves it by `break`, they stay as they are."""
    if CONDITIONAL not in text:
        return text
    found = tokens(text)
    lines = text.split("\n")
    for call in _calls(found):
        if not _leaves_by_break(found, call):
            _respell(lines, found, call)
    return "\n".join(lines)


def _calls(found: Sequence[Token]) -> Iterator[_Call]:
    for at, token in enumerate(found):
        if token.text == CONDITIONAL and not token.directive:
            closing = _closing(found, at + 1)
            commas = _commas(found, at + 1, closing)
            if len(commas) > 1 and commas[0] is found[at + 3]:
                yield _Call(token, (commas[0], commas[1]), found[closing])


def _closing(found: Sequence[Token], opening: int) -> int:
    """The index of what closes the bracket at the index OPENING; the last, where
    nothing does."""
    depth = 0
    for at in range(opening, len(found)):
        depth += (found[at].text in "([{") - (found[at].text in ")]}")
        if depth == 0:
            return at
    return len(found) - 1


def _commas(found: Sequence[Token], opening: int, closing: int) -> list[Token]:
    commas, depth = [], 0
    for token in found[opening:closing]:
        depth += (token.text in "([{") - (token.text in ")]}")
        if token.text == "," and depth == 1:
            commas.append(token)
    return commas[:2]


def _leaves_by_break(found: Sequence[Token], call: _Call) -> bool:
    """Whether `break` or `continue` may be of the guard itself."""
    at = found.index(call.end) + 1
    ends = _closing(found, at) if found[at].text == "{" else at
    while found[ends].text not in (";", "}") and ends + 1 < len(found):
        ends += 1
    return any(token.text in _LEAVING for token in found[at:ends])


def _respell(lines: list[str], found: Sequence[Token], call: _Call) -> None:
    """Write one guard as an `if`, where there is room for its words."""
    name, (first, second), end = call
    guard, failing = found[found.index(name) + 2], found[found.index(second) - 1]
    respelt = {}
    for number in range(name.line, end.line + 1):
        start = second.column if number == second.line else 0
        stop = end.column + 1 if number == end.line else None
        line = lines[number - 1]
        blank = number >= second.line
        respelt[number] = _blanked(line, start, stop) if blank else line
    otherwise = _ELSE if failing.text == "}" else f";{_ELSE}"
    if guard.line != name.line or not _has_room(
        respelt[second.line], second, otherwise
    ):
        return
    words = ((name, " " * (guard.column - name.column - len(_IF)) + _IF), (first, ")"))
    for token, word in (*words, (second, otherwise)):
        line = respelt[token.line]
        rest = line[token.column + len(word) :]
        respelt[token.line] = line[: token.column] + word + rest
    for number, line in respelt.items():
        lines[number - 1] = line


def _blanked(line: str, start: int, stop: int | None) -> str:
    whole = line[start:stop]
    return line[:start] + " " * len(whole) + line[start + len(whole) :]


def _has_room(line: str, at: Token, word: str) -> bool:
    """Whether WORD fits into LINE from AT on, where all that it covers is blank."""
    covered = line[at.column : at.column + len(word) + 1]
    return not covered[: len(word)].strip() and not covered[len(word) :].isidentifier()
