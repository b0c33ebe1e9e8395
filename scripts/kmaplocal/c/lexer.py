# SPDX-License-Identifier: GPL-2.0-only
"""A small C lexer: text in, tokens with their place out.

It knows comments, strings, character constants, line continuations and which
lines are preprocessor directives, and nothing else of C: macros are not
expanded and both halves of an ``#if`` come out. It counts and compares; what a
function *means* is for spatch to say.
"""

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from sys import intern
from typing import NamedTuple

IDENTIFIER = "identifier"
NUMBER = "number"
STRING = "string"
CHAR = "char"
PUNCT = "punct"


class Token(NamedTuple):
    """One token: `line` counts from 1, `column` from 0 (as spatch does)."""

    text: str
    line: int
    column: int
    kind: str
    directive: bool = False


class Comment(NamedTuple):
    """What a comment says between its marks, where it starts (as a Token does) and
    the line it ends on."""

    text: str
    line: int
    column: int
    end: int


_SPLICE = re.compile(r"\\[ \t]*\r?\n")
_NEWLINES = re.compile("\n")
_LINE_END = re.compile(r"\\[ \t]*\r?\n|\n")

_STRING = r'"(?:[^"\\\n]|\\.)*(?:"|(?=\n)|\Z|\\\Z)'
_CHAR = r"'(?:[^'\\\n]|\\.)*(?:'|(?=\n)|\Z|\\\Z)"
_COMMENT = r"//[^\n]*|/[*][^*]*[*]+(?:[^/*][^*]*[*]+)*/|/[*](?s:.*)"
# Behind blanks and comments, what is most often there first; an unclosed comment or
# string is not an error. Ordinary names and signs have an alternative of their own,
# for speed: the later ones have all.
_TOKEN = re.compile(
    rf"""
    (?:[ \t\r\f\v]+|{_COMMENT})*
    (?: ([A-Za-z_][A-Za-z0-9_]*(?![\w$"']))
      | (\n)
      | ([-(),;&*{{}}=.>\[\]!](?![-.\d=&>+]))
      | ((?:u8|[uUL])?{_STRING})
      | ([uUL]?{_CHAR})
      | ([^\W\d][\w$]*|\$[\w$]*)
      | (\.?\d(?:[eEpP][+-]|[\w.])*)
      | (\.\.\.|<<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\|
        |\*=|/=|%=|\+=|-=|&=|\^=|\|=|\#\#|.)
      | \Z)
    """,
    re.VERBOSE,
)
_NEWLINE = 2  # the group of a line's end; the kind of the token in each group:
_KINDS = ("", IDENTIFIER, "", PUNCT, STRING, CHAR, IDENTIFIER, NUMBER, PUNCT)
_COMMENTS = re.compile(rf"({_COMMENT})|{_STRING}|{_CHAR}")
_QUOTED = rf"{_COMMENT}|(?:u8|[uUL])?{_STRING}|[uUL]?{_CHAR}"
_WORDS = re.compile(rf"{_QUOTED}|\.?\d(?:[eEpP][+-]|[\w.])*|([^\W\d][\w$]*|\$[\w$]*)")
# A brace, with a `=` that is before it.
BRACE = re.compile(rf"((?:(?<![-=!<>+*/%&^|])=(?:\s+|{_COMMENT})*)?\{{|\}})|{_QUOTED}")


# A line behind its blanks: what follows the # of a directive, or what is none.
LINE = re.compile(
    rf"""
    (?:[ \t\r\f\v]+|{_COMMENT})*
    (\#)?
    (?:[^\n"'/]+|{_COMMENT}|{_STRING}|{_CHAR}|/)*
    (?:\n|\Z)
    """,
    re.VERBOSE,
)


def tokens(text: str, first_line: int = 1) -> list[Token]:
    """The tokens of `text`, comments and white space left out.

    In: C source; `first_line` is the line number of its first line, for a
    slice of a file. Out: the tokens in order, those of a preprocessor
    directive marked `directive`. Errors: none; an unclosed comment or string
    ends with the text or, for a string, with its line.
    """
    starts, spliced = splice(text)
    return lexed(starts, spliced, first_line, 0, len(spliced))


def identifiers(spliced: str, start: int, stop: int) -> set[str]:
    """The identifiers between two places of a text without continued lines."""
    found = set(_WORDS.findall(spliced, start, stop))
    found.discard("")
    return found


def lexed(
    starts: Sequence[int], spliced: str, first_line: int, start: int, stop: int
) -> list[Token]:
    """The tokens between two places of what splice() gives, the first of which begins
    a line."""
    found: list[Token] = []
    line = bisect_right(starts, start) - 1
    begin, number, end = starts[line], first_line + line, _end(starts, line)
    directive, fresh = False, True
    for match in _TOKEN.finditer(spliced, start, stop):
        group = match.lastindex
        if group is None:
            break
        if group == _NEWLINE:
            directive, fresh = False, True
            continue
        at = match.start(group)
        if at >= end:
            line = bisect_right(starts, at) - 1
            begin, number, end = starts[line], first_line + line, _end(starts, line)
        word = intern(match[group])
        if fresh:
            directive, fresh = word == "#", False
        # What Token() does, in half of the time.
        token = (word, number, at - begin, _KINDS[group], directive)
        found.append(tuple.__new__(Token, token))
    return found


def _end(starts: Sequence[int], line: int) -> float:
    """Where a line, from 0, ends."""
    return starts[line + 1] if line + 1 < len(starts) else math.inf


def comments(text: str) -> list[Comment]:
    """The comments of `text`, in order.

    In: C source. Errors: none; an unclosed comment ends with the text.
    """
    starts, spliced = splice(text)
    found = []
    for match in _COMMENTS.finditer(spliced):
        if match[1] is None:
            continue
        first = bisect_right(starts, match.start())
        last = bisect_right(starts, match.end() - 1)
        body = match.group()[2:]
        if match.group().startswith("/*"):
            body = body.removesuffix("*/")
        column = match.start() - starts[first - 1]
        found.append(Comment(body, first, column, last))
    return found


def splice(text: str) -> tuple[list[int], str]:
    """Continued lines joined, and where each line of `text` starts in the result."""
    if not _SPLICE.search(text):
        return [0, *(match.end() for match in _NEWLINES.finditer(text))], text
    starts, gone = [0], 0
    for match in _LINE_END.finditer(text):
        if len(match.group()) > 1:
            gone += len(match.group())
        starts.append(match.end() - gone)
    return starts, _SPLICE.sub("", text)


def words(found: list[Token]) -> list[str]:
    """The texts of tokens: what two pieces of code are compared by."""
    return [token.text for token in found]


def blank(text: str, holes: Iterable[tuple[Token, Token]]) -> str:
    """TEXT with blanks for what is between the two signs of each of HOLES."""
    lines = text.split("\n")
    for opening, closing in holes:
        first, last = opening.line - 1, closing.line - 1
        behind = " " * closing.column + lines[last][closing.column :]
        lines[first] = lines[first][: opening.column + 1]
        if first == last:
            lines[first] += behind[opening.column + 1 :]
        else:
            lines[last] = behind
        lines[first + 1 : last] = [""] * (last - first - 1)
    return "\n".join(lines)
