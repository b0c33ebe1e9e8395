# SPDX-License-Identifier: GPL-2.0-only
"""A small C lexer: text in, tokens with their place out.

It knows comments, strings, character constants, line continuations and which
lines are preprocessor directives, and nothing else of C: macros are not
expanded and both halves of an ``#if`` come out. It counts and compares; what a
function *means* is for spatch to say.
"""

import re
from bisect import bisect_right
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
_LINE_END = re.compile(r"\\[ \t]*\r?\n|\n")

# Order matters: longest first; an unclosed comment or string is not an error.
_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\f\v]+)
  | (?P<newline>\n)
  | (?P<comment>//[^\n]*|/\*(?s:.*?)(?:\*/|\Z))
  | (?P<string>(?:u8|[uUL])?"(?:[^"\\\n]|\\.)*(?:"|(?=\n)|\Z|\\\Z))
  | (?P<char>[uUL]?'(?:[^'\\\n]|\\.)*(?:'|(?=\n)|\Z|\\\Z))
  | (?P<identifier>[^\W\d][\w$]*|\$[\w$]*)
  | (?P<number>\.?\d(?:[eEpP][+-]|[\w.])*)
  | (?P<punct>\.\.\.|<<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\|
      |\*=|/=|%=|\+=|-=|&=|\^=|\|=|\#\#|.)
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
    starts, spliced = _splice(text)
    found: list[Token] = []
    line, ends, directive, fresh = 0, starts[1:], False, True
    last = len(ends)
    for match in _TOKEN.finditer(spliced):
        kind = match.lastgroup or ""
        if kind == "space" or kind == "comment":
            continue
        if kind == "newline":
            directive, fresh = False, True
            continue
        at = match.start()
        while line < last and ends[line] <= at:
            line += 1
        word = match.group()
        if fresh:
            directive, fresh = word == "#", False
        found.append(Token(word, first_line + line, at - starts[line], kind, directive))
    return found


def comments(text: str) -> list[Comment]:
    """The comments of `text`, in order.

    In: C source. Errors: none; an unclosed comment ends with the text.
    """
    starts, spliced = _splice(text)
    found = []
    for match in _TOKEN.finditer(spliced):
        if match.lastgroup != "comment":
            continue
        first = bisect_right(starts, match.start())
        last = bisect_right(starts, match.end() - 1)
        body = match.group()[2:]
        if match.group().startswith("/*"):
            body = body.removesuffix("*/")
        column = match.start() - starts[first - 1]
        found.append(Comment(body, first, column, last))
    return found


def _splice(text: str) -> tuple[list[int], str]:
    """Continued lines joined, and where each line of `text` starts in the result."""
    starts, gone = [0], 0
    for match in _LINE_END.finditer(text):
        if len(match.group()) > 1:
            gone += len(match.group())
        starts.append(match.end() - gone)
    return starts, _SPLICE.sub("", text) if gone else text


def words(found: list[Token]) -> list[str]:
    """The texts of tokens: what two pieces of code are compared by."""
    return [token.text for token in found]
