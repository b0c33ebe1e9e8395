# SPDX-License-Identifier: GPL-2.0-only
"""Lays out new lines the way the kernel wants them: tabs of 8, 80 columns.

Source: Documentation/process/coding-style.rst, sections 1 and 2.
"""

from __future__ import annotations

from kmaplocal.read import lexer

TAB, WIDTH = 8, 80


def width(line: str) -> int:
    """How many columns a line takes."""
    return len(line.expandtabs(TAB))


def indent(columns: int) -> str:
    """White space up to a column."""
    return "\t" * (columns // TAB) + " " * (columns % TAB)


def margin(line: str) -> int:
    """The column the text of a line starts at."""
    return width(line) - len(line.expandtabs(TAB).lstrip())


def same_tokens(text: str, other: str) -> bool:
    """Whether two pieces of C differ in white space, comments and commas before
    a closing brace alone."""
    return _tokens(text) == _tokens(other)


def _tokens(text: str) -> list[str]:
    words = [t.text for t in lexer.tokens(text)]
    return [w for w, after in zip(words, [*words[1:], ""]) if (w, after) != (",", "}")]


def statement(text: str, column: int) -> list[str]:
    """The statement TEXT, on one line so far, laid out from COLUMN on."""
    if column + len(text) <= WIDTH:
        return [indent(column) + text]
    literal = text.find(") {")
    if literal >= 0:
        return _with_literal(text, literal + 2, column)
    return _wrapped(text, column)


def _with_literal(text: str, brace: int, column: int) -> list[str]:
    """A call one argument of which is a compound literal: a member a line."""
    closing = text.rindex("}")
    members = _split(text[brace + 1 : closing].strip())
    head = _wrapped(text[: brace + 1], column)
    inner = indent(margin(head[-1]) + TAB)
    body = [inner + member for member in members]
    tail = indent(margin(head[-1])) + text[closing:]
    return [*head, *body, tail]


def _wrapped(text: str, column: int) -> list[str]:
    """A call's arguments, broken after commas, below the first of them."""
    opening = text.index("(") + 1 if "(" in text else 0
    return _wrapped_from(text, column, opening)


def _declarators(parts: list[str], column: int) -> list[str]:
    """`T a = x, b, c;` broken after the commas between its declarators."""
    lines, line = [], indent(column) + parts[0]
    for part in parts[1:]:
        if width(f"{line} {part}") > WIDTH:
            lines.append(line)
            line = indent(column + TAB) + part
        else:
            line += f" {part}"
    return [*lines, line]


def _wrapped_from(text: str, column: int, opening: int) -> list[str]:
    """TEXT broken after commas, aligned to what stands at OPENING."""
    lines, line = [], indent(column) + text[:opening]
    for number, piece in enumerate(_split(text[opening:])):
        space = "" if number == 0 else " "
        if number and width(line + space + piece) > WIDTH:
            lines.append(line)
            line, space = indent(column + opening), ""
        line += space + piece
    return [*lines, line]


def _split(text: str) -> list[str]:
    """TEXT after each comma that is in no inner parentheses or braces."""
    pieces, depth, start = [], 0, 0
    for token in lexer.tokens(text):
        if token.text in ("(", "[", "{"):
            depth += 1
        elif token.text in (")", "]", "}"):
            depth -= 1
        elif token.text == "," and depth == 0:
            pieces.append(text[start : token.column + 1].strip())
            start = token.column + 1
    return [*pieces, text[start:].strip()]


def rewrapped(line: str) -> list[str]:
    """A line that an edit made too long, broken where the kernel would: after a
    comma of its outermost call, else after an assignment."""
    if width(line) <= WIDTH:
        return [line]
    body, column = line.strip(), margin(line)
    tokens = lexer.tokens(body)
    whole = body.endswith(";") and "//" not in body and "/*" not in body
    if not whole or not tokens:
        return [line]
    declarators = _split(body)
    if len(declarators) > 1:
        return _declarators(declarators, column)
    equals = next((t.column for t in tokens if t.text == "="), -1)
    opening = next(
        (t.column for t in tokens if t.text == "(" and t.column > equals), None
    )
    if opening is not None and "," in body[opening:]:
        lines = _wrapped_from(body, column, opening + 1)
        if all(width(part) <= WIDTH for part in lines):
            return lines
    if equals > 0:
        parts = [indent(column) + body[: equals + 1]]
        parts.append(indent(column + TAB) + body[equals + 1 :].strip())
        return parts if width(parts[1]) <= WIDTH else [line]
    return [line]
