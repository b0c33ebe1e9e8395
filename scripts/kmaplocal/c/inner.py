# SPDX-License-Identifier: GPL-2.0-only
"""Statement expressions among the arguments of a call: spatch reads nothing of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kmaplocal.c.lexer import IDENTIFIER, Token, tokens
from kmaplocal.knowledge import api

_OPENING = "({"
# What stands behind the first name of an expression; of a declaration it is a name.
_EXPRESSION = ("(", "=", "->", ".", "[", "++", "--", "+=", "-=", "|=", "&=")
_KEYWORDS = ("if", "for", "while", "switch", "do", "return", "goto", "sizeof", "typeof")


def spoken(text: str) -> str:
    """C TEXT in which statement expressions that are arguments are comma expressions,
    where all in them are expressions, and nothing maps or unmaps.

    Example: "f(a, ({ g(b); }))" is "f(a, (  g(b)   ))"."""
    if _OPENING not in text:
        return text
    lines = text.split("\n")
    found = tokens(text)
    for at in range(1, len(found) - 1):
        pair = found[at].text + found[at + 1].text
        if pair == _OPENING and found[at - 1].text in (",", "("):
            for token, sign in _signs(found, at + 1):
                line = lines[token.line - 1]
                lines[token.line - 1] = (
                    line[: token.column] + sign + line[token.column + 1 :]
                )
    return "\n".join(lines)


def _signs(found: Sequence[Token], opening: int) -> list[tuple[Token, str]]:
    """What stands for the brace at the index OPENING, the one that closes it and the
    semicolons between them; [] where it is to stay."""
    inside = list(_until_closed(found, opening))
    ends = [n for n, token in enumerate(inside) if token.text == ";"]
    starts = [1, *(n + 1 for n in ends[:-1])]
    wrong = any(
        t.text in api.ALL or t.text in "{}" or t.directive for t in inside[1:-1]
    )
    whole = bool(ends) and ends[-1] == len(inside) - 2
    if wrong or not whole or not all(_is_expression(inside, n) for n in starts):
        return []
    blank = [inside[0], inside[ends[-1]], inside[-1]]
    return [(t, " ") for t in blank] + [(inside[n], ",") for n in ends[:-1]]


def _until_closed(found: Sequence[Token], opening: int) -> Iterator[Token]:
    depth = 0
    for token in found[opening:]:
        depth += (token.text == "{") - (token.text == "}")
        yield token
        if depth == 0:
            return


def _is_expression(inside: Sequence[Token], at: int) -> bool:
    """Whether what begins at the index AT is an expression, for all that two words
    say."""
    first, second = inside[at], inside[at + 1]
    named = first.kind == IDENTIFIER and first.text not in _KEYWORDS
    return named and second.text in _EXPRESSION
