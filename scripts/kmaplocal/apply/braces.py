# SPDX-License-Identifier: GPL-2.0-only
"""Braces around each arm of an `if` where an edit gave them to one of them.

Source: Documentation/process/coding-style.rst, section 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from kmaplocal.apply import layout
from kmaplocal.apply.edits import Edit
from kmaplocal.c.lexer import Token, tokens

_HEADS = ("for", "while", "switch")


class Arm(NamedTuple):
    """An arm of an `if`: the numbers of its keyword, of the last token before its
    statement, and of the first and the last one of that."""

    keyword: int
    head: int
    first: int
    last: int


class _Unread(Exception):
    """What is no statement, or has a half of one."""


@dataclass
class _Row:
    """A line of the new text: that of an EDIT, or (-1) the one it was before, with its
    number from 0."""

    text: str
    edit: int
    number: int
    behind: list[str] = field(default_factory=list)


def balanced(edits: Sequence[Edit], lines: Sequence[str]) -> list[Edit]:
    """EDITS of LINES, in order; where one puts an arm of an `if` into braces, with
    braces for its other arms as well.

    An `if` with a comment between its arms, a directive inside, or an arm on the line
    of its condition is left as it is."""
    if not any(_is_braced(edit, lines) for edit in edits):
        return list(edits)
    rows = _rows(edits, lines)
    found = tokens("\n".join(row.text for row in rows))
    directives = {token.line for token in found if token.directive}
    code = [token for token in found if not token.directive]
    for arms in _chains(code):
        between = range(code[arms[0].keyword].line, code[arms[-1].last].line)
        if directives.isdisjoint(between) and _is_torn(arms, code, rows, edits, lines):
            _put_into_braces(arms, code, rows)
            for arm in arms:
                _align(arm, code, rows)
    return _edits(edits, rows, lines)


def _is_braced(edit: Edit, lines: Sequence[str]) -> bool:
    """Whether EDIT adds a brace."""
    old = tokens("\n".join(lines[edit.first : edit.last]))
    new = tokens("\n".join(edit.lines))
    return _opened(new) > _opened(old)


def _opened(found: Sequence[Token]) -> int:
    return sum(token.text == "{" for token in found)


def _rows(edits: Sequence[Edit], lines: Sequence[str]) -> list[_Row]:
    rows: list[_Row] = []
    at = 0
    for number, edit in enumerate(edits):
        rows += [_Row(lines[n], -1, n) for n in range(at, edit.first)]
        rows += [_Row(text, number, edit.first) for text in edit.lines]
        at = edit.last
    return rows + [_Row(lines[n], -1, n) for n in range(at, len(lines))]


def _chains(code: Sequence[Token]) -> Iterator[list[Arm]]:
    """The arms of each `if` with an `else`, of every function that can be read."""
    depth = 0
    for number, token in enumerate(code):
        if token.text == "{" and not depth and number and code[number - 1].text == ")":
            reader = _Reader(code)
            try:
                reader.statement(number)
            except _Unread:
                pass
            else:
                yield from reader.chains
        depth += (token.text == "{") - (token.text == "}")


class _Reader:
    """Reads the statements of CODE, tokens without directives."""

    def __init__(self, code: Sequence[Token]):
        self.code = code
        self.chains: list[list[Arm]] = []

    def text(self, number: int) -> str:
        """The token of a NUMBER.  Raises _Unread behind the last one."""
        if number >= len(self.code):
            raise _Unread
        return self.code[number].text

    def statement(self, at: int) -> int:
        """The number behind the statement that begins AT.  Raises _Unread."""
        word = self.text(at)
        if word == "{":
            at += 1
            while self.text(at) != "}":
                at = self.statement(at)
            return at + 1
        if word == "if":
            return self._choice(at)
        if word in _HEADS:
            return self.statement(self._closed(at + 1))
        if word == "do":
            return self._simple(self.statement(at + 1))
        if word in ("case", "default") or self.text(at + 1) == ":":
            at = self._label(at)
            return at if self.text(at) == "}" else self.statement(at)
        return self._simple(at)

    def _choice(self, at: int) -> int:
        arms: list[Arm] = []
        keyword, first = at, self._closed(at + 1)
        while True:
            end = self.statement(first)
            arms.append(Arm(keyword, first - 1, first, end - 1))
            if self.code[keyword].text == "else" and self.text(first - 1) == "else":
                break
            if end >= len(self.code) or self.code[end].text != "else":
                break
            keyword = end
            follows = self.text(end + 1) == "if"
            first = self._closed(end + 2) if follows else end + 1
        if len(arms) > 1:
            self.chains.append(arms)
        return end

    def _closed(self, at: int) -> int:
        """The number behind the parentheses that are opened AT."""
        if self.text(at) != "(":
            raise _Unread
        depth = 0
        while True:
            depth += (self.text(at) == "(") - (self.text(at) == ")")
            at += 1
            if not depth:
                return at

    def _label(self, at: int) -> int:
        while self.text(at) != ":":
            at += 1
        return at + 1

    def _simple(self, at: int) -> int:
        """Behind an expression or a declaration, or a macro that is like `for`."""
        if self.text(at).isidentifier() and self.text(at + 1) == "(":
            behind = self._closed(at + 1)
            if self.text(behind) == "{" or self.text(behind) in (*_HEADS, "if", "do"):
                return self.statement(behind)
        depth = 0
        while depth or self.text(at) != ";":
            depth += self.text(at) in ("(", "[", "{")
            depth -= self.text(at) in (")", "]", "}")
            if depth < 0:
                raise _Unread
            at += 1
        return at + 1


def _is_torn(
    arms: Sequence[Arm],
    code: Sequence[Token],
    rows: Sequence[_Row],
    edits: Sequence[Edit],
    lines: Sequence[str],
) -> bool:
    """Whether an edit put one of ARMS into braces, and another could be put there."""
    bare = [arm for arm in arms if code[arm.first].text != "{"]
    owners = {rows[code[a.first].line - 1].edit for a in arms if a not in bare} - {-1}
    if not bare or not any(_is_braced(edits[owner], lines) for owner in owners):
        return False
    return all(_may_have(arm, code, rows) for arm in bare)


def _may_have(arm: Arm, code: Sequence[Token], rows: Sequence[_Row]) -> bool:
    """Whether there are lines of their own for the braces of ARM."""
    head, first, last = (code[n].line for n in (arm.head, arm.first, arm.last))
    behind = code[arm.last + 1] if arm.last + 1 < len(code) else None
    if head == first or (behind and behind.line == last):
        return False
    if behind is None or behind.text != "else":
        return True
    return all(not rows[n].text.strip() for n in range(last, behind.line - 1))


def _put_into_braces(
    arms: Sequence[Arm], code: Sequence[Token], rows: list[_Row]
) -> None:
    """Give each of ARMS its braces; from the last on, as places move in a line."""
    for arm in reversed(arms):
        if code[arm.first].text == "{":
            continue
        last, keyword = rows[code[arm.last].line - 1], code[arm.keyword]
        behind = code[arm.last + 1] if arm.last + 1 < len(code) else None
        if behind and behind.text == "else":
            row = rows[behind.line - 1]
            row.text = f"{row.text[:behind.column]}}} {row.text[behind.column:]}"
        else:
            margin = layout.margin(rows[keyword.line - 1].text)
            last.behind.append(layout.indent(margin) + "}")
        head = code[arm.head]
        row, end = rows[head.line - 1], head.column + len(head.text)
        row.text = f"{row.text[:end]} {{{row.text[end:]}"


def _align(arm: Arm, code: Sequence[Token], rows: Sequence[_Row]) -> None:
    """Have the lines of the condition of ARM begin below its first, before which there
    is a brace now."""
    line, last = code[arm.keyword].line, code[arm.head].line
    text = rows[line - 1].text
    if not text.lstrip().startswith("} else if ("):
        return
    column = layout.width(text[: text.index("else if (") + len("else if (")])
    for row in rows[line:last]:
        if layout.margin(row.text) == column - len("} "):
            row.text = layout.indent(column) + row.text.lstrip()


def _edits(
    edits: Sequence[Edit], rows: Sequence[_Row], lines: Sequence[str]
) -> list[Edit]:
    """EDITS, and what became of other ROWS, in order."""
    found = []
    for number, edit in enumerate(edits):
        mine = [row for row in rows if row.edit == number]
        made = [text for row in mine for text in (row.text, *row.behind)]
        found.append(Edit(edit.first, edit.last, tuple(made)))
    for row in rows:
        if row.edit < 0 and (row.text != lines[row.number] or row.behind):
            made = [row.text, *row.behind]
            found.append(Edit(row.number, row.number + 1, tuple(made)))
    return sorted(found, key=lambda edit: (edit.first, edit.last))
