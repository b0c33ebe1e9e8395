# SPDX-License-Identifier: GPL-2.0-only
"""Where functions say what parameters they have: definitions, declarations, and the
comments above them that describe each one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from kmaplocal.c.lexer import Token
from kmaplocal.c.outline import Outline, Span, is_exported
from kmaplocal.c.syntax import Point
from kmaplocal.repairs.roles import Refused

_NO_TYPE = {"return", "else", "do", "goto", "case", "sizeof"}
_BESIDE = ("*", " ", "\t")


class Head(NamedTuple):
    """The parameters of the function NAME end at END; they are TOLD by these words,
    where it is DEFINED, or only declared."""

    name: str
    end: Point
    told: tuple[str, ...] = ()
    defined: bool = False


def heads(outline: Outline, names: Collection[str]) -> Iterator[Head]:
    """The definitions and declarations of the functions NAMES."""
    own = {(span.name, span.line) for span in outline.functions}
    tokens = outline.tokens
    for index, token in enumerate(tokens):
        if token.text not in names or token.directive:
            continue
        defined = (token.text, token.line) in own
        if defined or outline.around(token.line) is None:
            closing = _closing(tokens, index)
            if closing is not None:
                told = [t.text for t in tokens[index : tokens.index(closing, index)]]
                end = closing.line, closing.column
                yield Head(token.text, end, tuple(told), defined)


def unlike(outline: Outline, names: Collection[str]) -> set[str]:
    """Those of NAMES, defined in OUTLINE, whose declarations there have other words for
    the parameters: spatch does not change them with the definition.  Raises Refused
    where some have, and some have not."""
    found = set()
    every = list(heads(outline, names))
    told = {head.name: head.told for head in every if head.defined}
    for name in told:
        alike = {
            h.told == told[name] for h in every if h.name == name and not h.defined
        }
        if len(alike) > 1:
            raise Refused(f"{name}() is declared in two ways")
        found |= {name} if alike == {False} else set()
    return found


def _closing(tokens: list[Token], index: int) -> Token | None:
    """The parenthesis that closes the one behind the token at INDEX."""
    depth = 0
    for token in tokens[index + 1 :]:
        depth += (token.text == "(") - (token.text == ")")
        if not depth:
            return token if token.text == ")" else None
    return None


def misused(outline: Outline, name: str) -> str:
    """How the function NAME is used in another way than by a call or a declaration; ""
    where it is not."""
    own = {span.line for span in outline.functions if span.name == name}
    tokens = outline.tokens
    for index, token in enumerate(tokens):
        if token.text != name:
            continue
        before = [t.text for t in tokens[max(index - 2, 0) : index]]
        following = tokens[index + 1].text if index + 1 < len(tokens) else ""
        if before[-1:] in (["."], ["->"], ["struct"], ["union"]):
            continue
        if is_exported(before):
            return f"modules may call {name}()"
        if token.directive:
            return f"line {token.line}: a macro names {name}()"
        if following != "(":
            return f"line {token.line}: {name} is used as a value"
        inside = outline.around(token.line)
        if inside is None and not _has_type(before[-1:]):
            return f"line {token.line}: {name}() is called outside of what was read"
        if inside is not None and inside.name == name and token.line not in own:
            return f"{name}() calls itself"
    return ""


def _has_type(before: list[str]) -> bool:
    word = before[0] if before else ""
    return word == "*" or (word.isidentifier() and word not in _NO_TYPE)


def described(
    outline: Outline, span: Span, name: str, text: str
) -> tuple[int, str] | None:
    """The line behind which the parameter NAME of the function SPAN is described by
    TEXT, and how; None where no parameter of it is."""
    lines = outline.whole.split("\n")
    found = _comment(lines, span)
    told = [n for n in found if _told(lines[n])]
    if not told:
        return None
    last = told[-1]
    label, _, rest = lines[last].partition(":")
    lead = f"{label[:label.index('@')]}@{name}:"
    blank = _aligned(f"{label}:", rest[: len(rest) - len(rest.lstrip())], lead)
    while last + 1 in found and _goes_on(lines[last + 1]):
        last += 1
    return last + 1, f"{lead}{blank}{text}"


def says(outline: Outline, span: Span, words: Collection[str]) -> bool:
    """Whether the comment above the function SPAN has a word that begins as one of
    WORDS."""
    lines = outline.whole.split("\n")
    last = span.line - 2
    while last >= 0 and not lines[last].rstrip().endswith(("*/", ";", "}", ")")):
        last -= 1
    first = last
    while first >= 0 and "/*" not in lines[first]:
        first -= 1
    if last < 0 or not lines[last].rstrip().endswith("*/"):
        return False
    told = " ".join(lines[first : last + 1]).lower().split()
    return any(each.startswith(word) for each in told for word in words)


def _aligned(label: str, blank: str, other: str) -> str:
    """What stands behind the label OTHER so that texts begin in one column, where BLANK
    of tabs stands behind LABEL."""
    if "\t" not in blank:
        return blank or " "
    column = len((label + blank).expandtabs())
    while blank[1:] and len((other + blank).expandtabs()) > column:
        blank = blank[:-1]
    return blank


def _told(line: str) -> bool:
    return line.strip(" \t*").startswith("@") and ":" in line


def _goes_on(line: str) -> bool:
    """Whether LINE goes on with the description of the parameter above it."""
    text = line.strip(" \t").removeprefix("*")
    return bool(text.strip()) and text[:2] != "/" and text[:2].isspace()


def _comment(lines: list[str], span: Span) -> range:
    """The lines, from 0, of the comment above SPAN that describes it."""
    last = span.line - 2
    while last >= 0 and lines[last].strip() and not lines[last].rstrip().endswith("*/"):
        if lines[last].rstrip().endswith((";", "}")):
            return range(0)
        last -= 1
    first = last
    while first >= 0 and "/*" not in lines[first]:
        first -= 1
    is_doc = last >= 0 and first >= 0 and lines[first].strip() == "/**"
    named = is_doc and span.name in lines[first + 1].replace("(", " ").split()
    return range(first + 1, last) if named else range(0)


def with_parameters(
    outline: Outline, added: Mapping[str, str]
) -> list[tuple[Point, str]]:
    """What is put where into OUTLINE, so that functions have the parameters ADDED."""
    return [(h.end, f", {added[h.name]}") for h in heads(outline, added.keys())]
