# SPDX-License-Identifier: GPL-2.0-only
"""How much of one kind a function may have in it to be read: what spatch takes for it
grows with its square."""

from __future__ import annotations

from collections.abc import Sequence

from kmaplocal.c import lexer, nesting
from kmaplocal.c.lexer import Token
from kmaplocal.c.lines import Lines

MOST_ARMS = 500
MOST_BRANCHES = 1000  # the most in a file of Linux 6.1 with a mapping: 115
MOST_CHARACTERS = 20_000  # of a line, with those that continue it
_BRANCHES = ("if", "for", "while", "switch", "goto")


def exceeded(lines: Lines, first: int, last: int, arms: int) -> str:
    """Why the function of the lines FIRST to LAST, with so many ARMS of #ifs, is not
    to be read, which would take too long; "": it is."""
    if arms > MOST_ARMS:
        return _told(f"it has {arms} arms of #ifs", MOST_ARMS)
    text = lines.text(first, last)
    branching = sum(map(text.count, _BRANCHES)) > MOST_BRANCHES
    if branching or nesting.may_exceed(text):
        why = _counted(lines.between(first, last))
        if why:
            return why
    longest = longest_line(text)
    long = _told(f"a line of it has {longest} characters", MOST_CHARACTERS)
    return long if longest > MOST_CHARACTERS else ""


def longest_line(text: str) -> int:
    """How many characters the longest line of TEXT has."""
    return max(map(len, text.split("\n")))


def _counted(tokens: Sequence[Token]) -> str:
    """Why a function of TOKENS is not to be read; "": it is."""
    deep = nesting.too_deep(lexer.words(list(tokens)))
    if deep:
        return _told(f"what is in it is {deep} deep in itself", nesting.MOST)
    branches = sum(t.text in _BRANCHES and not t.directive for t in tokens)
    if branches > MOST_BRANCHES:
        return _told(f"it has {branches} branches", MOST_BRANCHES)
    return ""


def _told(much: str, most: int) -> str:
    return f"{much}, {most} are the most"
