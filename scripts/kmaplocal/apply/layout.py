# SPDX-License-Identifier: GPL-2.0-only
"""Lays out new lines the way the kernel wants them: tabs of 8, or the blanks that
the lines beside them are indented by, and 80 columns.

Source: Documentation/process/coding-style.rst, sections 1 and 2.
"""

from __future__ import annotations

from collections.abc import Sequence

from kmaplocal.c import lexer
from kmaplocal.knowledge import api

TAB, WIDTH = 8, 80
LONGEST = 100  # what scripts/checkpatch.pl lets pass
MANY = 10  # lines with a tab for each with blanks, in a file by tabs
_NEW = frozenset(call.new for call in api.MAPS.values() if call.new)
_OPERATORS = frozenset("+ - * / % << >> & | ^ && || == != < > <= >= ? :".split())


def width(line: str) -> int:
    """How many columns a line takes."""
    return len(line.expandtabs(TAB))


def indent(columns: int) -> str:
    """White space up to a column."""
    return "\t" * (columns // TAB) + " " * (columns % TAB)


def by_blanks(lines: Sequence[str], first: int) -> bool:
    """Whether LINES are indented by blanks around line FIRST (from 0): the nearest one
    that could have a tab tells; where there is none, whether there are tabs at all."""
    order = sorted(range(len(lines)), key=lambda number: abs(number - first))
    for line in (lines[number] for number in order):
        if line.strip() and margin(line) >= TAB:
            return not line.startswith("\t")
    tabs = any("\t" in line for line in lines)
    return not tabs and any(margin(line) for line in lines if line.strip())


def indented(line: str, blanks: bool) -> str:
    """LINE with its tabs at the start as BLANKS, or as it is."""
    text = line.lstrip()
    return " " * margin(line) + text if blanks and text else line


def by_tabs(lines: Sequence[str]) -> bool:
    """Whether all but a few of LINES that have room for one begin with a tab."""
    deep = [line for line in lines if line.strip() and margin(line) >= TAB]
    tabs = sum(line.startswith("\t") for line in deep)
    return tabs > MANY * (len(deep) - tabs)


def tabbed(line: str) -> str:
    """LINE with tabs for the blanks it begins with."""
    return indent(margin(line)) + line.lstrip()


def starred(line: str) -> str:
    """LINE with a blank before the star in the cast of what a map call gives:
    `(char *)kmap_local_page(page)`."""
    found = lexer.tokens(line)
    for star, close, name in reversed(list(zip(found, found[1:], found[2:]))):
        cast = (star.text, close.text) == ("*", ")") and name.text in _NEW
        if cast and line[star.column - 1].isidentifier():
            line = f"{line[:star.column]} {line[star.column:]}"
    return line


def made_too_long(line: str, before: str) -> bool:
    """Whether LINE, which was BEFORE, has got too long, or is longer still than what
    was."""
    most = WIDTH if width(before) <= WIDTH else max(LONGEST, width(before))
    return width(line) > most


def declared(line: str) -> str:
    """LINE with the star beside the name of the function that it declares, outside of
    all: `struct page *\tfoo(...` is `struct page\t*foo(...`."""
    found = lexer.tokens(line)
    for star, name, opening in zip(found, found[1:], found[2:]):
        if line[:1].isspace() or star.text in ("(", "="):
            break
        if star.text == "*" and opening.text == "(" and name.kind == lexer.IDENTIFIER:
            apart, before = line[star.column + 1 : name.column], line[: star.column + 1]
            kept = before.rstrip("* \t")
            stars = "*" * before[len(kept) :].count("*")
            return f"{kept}{apart}{stars}{line[name.column:]}" if apart else line
    return line


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
    return _shortest(_wrapped(text, column), text, column)


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


def _shortest(lines: list[str], text: str, column: int) -> list[str]:
    """LINES; or where one of them is too long, these broken wherever they can be, or
    TEXT broken behind its first parenthesis, if that helps."""
    ways = [lines, _all_broken(lines)]
    head, opening, rest = text.partition("(")
    if opening:
        below = _wrapped_from(rest, column + TAB, 0)
        ways.append([indent(column) + head + opening, *_all_broken(below)])
    return min(ways, key=lambda way: max(WIDTH, _widest(way)))


def _all_broken(lines: list[str]) -> list[str]:
    return [part for line in lines for part in _broken(line)]


def _widest(lines: list[str]) -> int:
    return max(map(width, lines))


def _broken(line: str) -> list[str]:
    """LINE, as long as it is too long, broken after commas and binary operators at any
    depth, the least first; what follows stands below what is beside it."""
    lines: list[str] = []
    opened: list[int] = []  # the columns behind the parentheses that are open
    while width(line) > WIDTH:
        found = _break(line, opened)
        if found is None:
            break
        end, opened = found
        lines.append(line[:end])
        line = indent(opened[-1]) + line[end:].lstrip()
    return [*lines, line]


def _break(line: str, opened: list[int]) -> tuple[int, list[int]] | None:
    """Where LINE, in parentheses that OPENED, is best broken, and the columns behind
    those that are open there; None when it cannot be."""
    found, stack = None, list(opened)
    for token in lexer.tokens(line):
        end = token.column + len(token.text)
        if token.text in ("(", "["):
            stack.append(width(line[:end]))
        elif token.text in (")", "]"):
            stack = stack[:-1]
        elif stack and _may_break(line, token.column, end):
            if width(line[:end]) <= WIDTH and line[end:].strip():
                if found is None or len(stack) <= len(found[1]):
                    found = end, list(stack)
    return found


def _may_break(line: str, start: int, end: int) -> bool:
    """Whether what stands from START to END is a comma or a binary operator, which
    has a blank on both sides."""
    if line[start:end] == ",":
        return True
    apart = line[start - 1 : start] == " " == line[end : end + 1]
    return apart and bool(line[:start].strip()) and line[start:end] in _OPERATORS


def with_else(lines: list[str]) -> list[str]:
    """LINES with an `else` behind the brace that Coccinelle closes above it."""
    found: list[str] = []
    for number, line in enumerate(lines):
        if found and found[-1].strip() == "}" and is_else(lines, number):
            found[-1] += f" {line.strip()}"
        else:
            found.append(line)
    return found


def is_else(lines: Sequence[str], number: int) -> bool:
    """Whether the line NUMBER, from 0, begins with `else`."""
    return number < len(lines) and lines[number].split()[:1] == ["else"]


def _below(body: str, column: int, equals: int) -> list[str]:
    """The sum that is assigned at EQUALS in BODY broken behind the last operator that
    is in no parentheses; [] where there is none."""
    depth, found = 0, 0
    for token in lexer.tokens(body):
        depth += (token.text in ("(", "[")) - (token.text in (")", "]"))
        end = token.column + len(token.text)
        if not depth and token.column > equals > 0:
            found = end if _may_break(body, token.column, end) else found
    rest = body[found:].strip()
    return [indent(column) + body[:found], indent(column + TAB) + rest] if found else []


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
    below = indent(width(line))
    for number, piece in enumerate(_split(text[opening:])):
        space = "" if number == 0 else " "
        if number and width(line + space + piece) > WIDTH:
            lines.append(line)
            line, space = below, ""
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
    if not tokens or body[:1] == "#" or body[-1:] == "\\":
        return [line]
    if "//" in body or "/*" in body:
        return [line]
    if not body.endswith(";"):
        return min([line], _broken(line), key=_widest)
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
        if width(parts[1]) <= WIDTH:
            return parts
    parts = _below(body, column, equals)
    if parts and max(map(width, parts)) <= WIDTH:
        return parts
    # A name that grew is no reason for a line that ends in a parenthesis.
    return min([line], _broken(line), key=_widest)
