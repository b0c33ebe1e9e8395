# SPDX-License-Identifier: GPL-2.0-only
"""What an asm statement is given, by its operand list.

Source: the GCC manual, "Extended Asm": outputs, inputs and clobbers stand
between colons, an operand is an optional [name], a constraint, and an
expression in parentheses.
"""

from __future__ import annotations

from typing import NamedTuple

from kmaplocal.c.sizes import plain_size
from kmaplocal.c.places import base_type
from kmaplocal.c import lexer

_UNTYPED = {"void", "char", "unsigned char", "u8"}


class Operand(NamedTuple):
    """An operand: its constraint, its expression's words, whether it is written."""

    constraint: str
    words: tuple[str, ...]
    output: bool

    @property
    def variable(self) -> str:
        """The variable it is, but for casts and parentheses; "" for anything
        else."""
        names = [w for w in self.words if w not in ("(", ")", "*", "const", "void")]
        whole = len(names) == 1 and names[0].isidentifier()
        return names[0] if whole and self.words[0] != "*" else ""


def operands(text: str) -> list[Operand] | None:
    """The operands of the asm statement TEXT; None when it is `asm goto`, or has
    not the form that is known."""
    words = lexer.words(lexer.tokens(text))
    if "(" not in words or "goto" in words[: words.index("(")]:
        return None
    sections = _sections(words[words.index("(") + 1 :])
    if sections is None or len(sections) > 4:
        return None
    found: list[Operand] = []
    for number, section in enumerate(sections[1:3]):
        parsed = _operands(section, output=number == 0)
        if parsed is None:
            return None
        found += parsed
    return found


def _sections(words: list[str]) -> list[list[str]] | None:
    """What stands between the colons, up to the closing parenthesis."""
    sections: list[list[str]] = [[]]
    depth = 0
    for word in words:
        if word in "([":
            depth += 1
        elif word in ")]":
            depth -= 1
        if depth < 0:
            return sections
        if depth == 0 and word in (":", "::"):
            sections += [[] for _ in word]
        else:
            sections[-1].append(word)
    return None


def _operands(words: list[str], output: bool) -> list[Operand] | None:
    found = []
    rest = list(words)
    while rest:
        if rest[0] == ",":
            rest.pop(0)
        if rest[:1] == ["["]:
            rest = rest[rest.index("]") + 1 :] if "]" in rest else []
        constraint = ""
        while rest and rest[0].startswith('"'):
            constraint += rest.pop(0).strip('"')
        inner = _parenthesised(rest)
        if not constraint or inner is None:
            return None
        found.append(Operand(constraint, tuple(inner), output))
        rest = rest[len(inner) + 2 :]
    return found


def _parenthesised(words: list[str]) -> list[str] | None:
    depth = 0
    for number, word in enumerate(words):
        depth += (word == "(") - (word == ")")
        if depth == 0:
            return words[1:number] if number > 1 else None
    return None


def keeps_nothing(type_: str) -> bool:
    """Whether a variable of this type gives assembly no place to keep an address
    at: a number, or a pointer to plain bytes or to what is not written."""
    base = base_type(type_)
    if base == "bool" or base != "void" and plain_size(base, 8):
        return True
    target, star, more = base.partition("*")
    if not star or more:
        return False
    return "const" in type_.split("*")[0].split() or target.strip() in _UNTYPED
