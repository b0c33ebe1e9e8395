# SPDX-License-Identifier: GPL-2.0-only
"""Labels that an #if follows: spatch, which parses a statement behind a label, passes
the whole #if over there, unless there is one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import dropwhile

from kmaplocal.c.lexer import Token, tokens

_BEFORE = (";", "{", "}", ":")  # what a label stands behind
_OPENING = ("if", "ifdef", "ifndef")


def closed(text: str) -> str:
    """C TEXT with an empty statement behind each label that an #if follows.

    Example: "out:\\n#ifdef A" has "out:;" then."""
    lines = text.split("\n")
    if not any(_may_be_label(lines, at) for at in range(len(lines) - 1)):
        return text
    for colon in _colons(tokens(text)):
        line, end = lines[colon.line - 1], colon.column + 1
        lines[colon.line - 1] = f"{line[:end]};{line[end:]}"
    return "\n".join(lines)


def _may_be_label(lines: Sequence[str], at: int) -> bool:
    """Whether the line AT may be a label, with an #if or a comment behind it."""
    name = lines[at].strip()
    if name[-1:] != ":" or not name[:-1].rstrip().isidentifier():
        return False
    following = next(dropwhile(lambda line: not line.strip(), lines[at + 1 :]), "")
    return following.lstrip()[:1] in ("#", "/")


def _colons(found: Sequence[Token]) -> Iterator[Token]:
    """The colons of the labels in FOUND that an #if follows."""
    for before, name, colon, sign, word in zip(*(found[n:] for n in range(5))):
        label = colon.text == ":" and name.text.isidentifier()
        behind = before.directive or before.text in _BEFORE
        if label and behind and not name.directive and sign.directive:
            if sign.text == "#" and word.text in _OPENING:
                yield colon
