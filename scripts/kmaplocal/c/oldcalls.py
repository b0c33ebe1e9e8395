# SPDX-License-Identifier: GPL-2.0-only
"""Where a file calls the old functions, read from its tokens alone.

What spatch makes of a function is checked against this: no call may be passed
over in silence.  Bodies of macros are left out; Outline.macros has them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from kmaplocal.knowledge import api
from kmaplocal.c import lexer
from kmaplocal.c.lexer import Token
from kmaplocal.c.outline import Outline, Span

_NO_TYPES = {"return", "else", "do", "case", "sizeof", "typeof"}
_OPEN, _CLOSE = {"(", "[", "{"}, {")", "]", "}"}


class Call(NamedTuple):
    """A call: LINE counts from 1, COLUMN from 0; PAGE is its first argument, and
    SPAN the function it is in, None when it is in none that is known."""

    name: str
    line: int
    column: int
    page: str
    span: Span | None


def old_calls(outline: Outline, names: Collection[str] = api.OLD) -> list[Call]:
    """The calls of old map and unmap functions, or of NAMES, in the order of
    the text."""
    stretches = {outline.stretch(line) for line in outline.lines(names)}
    found: list[Call] = []
    for stretch in sorted(stretches):
        found += _calls(outline, names, stretch)
    return found


def _calls(
    outline: Outline, names: Collection[str], stretch: tuple[int, int]
) -> list[Call]:
    found, tokens = [], outline.between(*stretch)
    for index, token in enumerate(tokens):
        if token.text not in names or token.directive:
            continue
        if outline.stretch(token.line) != stretch:
            continue  # it is the other's, whose end this one begins with
        if [t.text for t in tokens[index + 1 : index + 2]] != ["("]:
            continue
        before = tokens[index - 1] if index else None
        span = _span(outline, token.line)
        if _is_call(before, token, span):
            page = _text(_first_argument(tokens, index + 2))
            found.append(Call(token.text, token.line, token.column, page, span))
    return found


def _span(outline: Outline, line: int) -> Span | None:
    around = [s for s in outline.functions if s.line <= line <= s.end]
    return max(around, key=lambda span: span.line) if around else None


def _is_call(before: Token | None, token: Token, span: Span | None) -> bool:
    """Whether a name and its "(" are a call: no member, and no declaration."""
    word = before.text if before else ";"
    if word in (".", "->"):
        return False
    if span is not None:
        return (token.text, token.line) != (span.name, span.line)
    typed = before and before.kind == lexer.IDENTIFIER and word not in _NO_TYPES
    return word != "*" and not typed


def _first_argument(tokens: Sequence[Token], start: int) -> list[Token]:
    depth, found = 0, []
    for token in tokens[start:]:
        if not depth and token.text in (",", ")"):
            break
        depth += (token.text in _OPEN) - (token.text in _CLOSE)
        found.append(token)
    return found


def _text(found: Sequence[Token]) -> str:
    """The source of tokens, without comments and with single blanks."""
    out = ""
    for before, token in zip([None, *found], found):
        end = before and (before.line, before.column + len(before.text))
        blank = end and end != (token.line, token.column)
        out += f" {token.text}" if blank else token.text
    return out
