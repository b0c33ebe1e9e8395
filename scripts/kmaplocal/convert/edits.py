# SPDX-License-Identifier: GPL-2.0-only
"""What several runs of spatch changed in one text, brought together.

Every semantic patch is run on the same text, so that the places in the plan
hold for all of them; their changes are joined by line, and within a line by
column.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import unidiff

from kmaplocal.convert import layout, patch
from kmaplocal.judge.saved import NAMES
from kmaplocal.read import lexer


class Overlap(Exception):
    """Two semantic patches changed the same place."""


@dataclass(frozen=True)
class Edit:
    """Lines FIRST (from 0) to LAST, that one not included, become LINES."""

    first: int
    last: int
    lines: tuple[str, ...]


def changes(before: str, after: str) -> list[Edit]:
    """The edits that turn BEFORE into AFTER; lines changed one to one are an
    edit each."""
    old, new = (t.encode(errors="surrogateescape") for t in (before, after))
    shown = patch.unified(Path("x"), old, new, context=0)
    found: list[Edit] = []
    if not shown:
        return found
    text = shown.decode(errors="surrogateescape")
    for hunk in unidiff.PatchSet(text)[0]:
        lines = tuple(line.value.rstrip("\n") for line in hunk.target_lines())
        size = hunk.source_length
        first = hunk.source_start - (1 if size else 0)
        if _alike(before.split("\n")[first : first + size], lines):
            found += [Edit(first + n, first + n + 1, (l,)) for n, l in enumerate(lines)]
        else:
            edit = Edit(first, first + size, lines)
            found.append(_behind_blanks(before.split("\n"), edit))
    return found


def _behind_blanks(old: Sequence[str], edit: Edit) -> Edit:
    """EDIT without the blank lines before what it replaces: Coccinelle 1.3 takes
    them along."""
    first = edit.first
    while edit.lines and edit.lines[0].strip() and not old[first].strip():
        if first + 1 >= edit.last:
            break
        first += 1
    return Edit(first, edit.last, edit.lines)


def _alike(old: Sequence[str], new: Sequence[str]) -> bool:
    """Whether lines were changed one to one: a statement that was laid out anew
    may take as many lines as it replaces, but parts its parentheses elsewhere."""
    return [_depth(line) for line in old] == [_depth(line) for line in new]


def _depth(line: str) -> int:
    words = lexer.words(lexer.tokens(line))
    return words.count("(") - words.count(")")


def join(text: str, runs: list[list[Edit]]) -> list[Edit]:
    """The edits of all RUNS on TEXT as one list, in order.

    Raises Overlap where two of them change the same place differently."""
    lines = text.split("\n")
    joined: list[Edit] = []
    for edit in sorted(
        (e for run in runs for e in run), key=lambda e: (e.last, e.first)
    ):
        last = joined[-1] if joined else None
        if last is None or edit.first >= last.last:
            joined.append(edit)
        elif edit != last:
            joined[-1] = _merge(lines, last, edit)
    return joined


def _merge(lines: list[str], one: Edit, other: Edit) -> Edit:
    same = (one.first, one.last) == (other.first, other.last)
    if not same or one.last - one.first != 1 or len(one.lines) != 1:
        raise Overlap(f"line {one.first + 1}")
    if len(other.lines) != 1:
        raise Overlap(f"line {one.first + 1}")
    line = lines[one.first]
    spans = sorted(_changed(line, e.lines[0]) for e in (one, other))
    (a, b, first), (c, d, second) = spans
    if b > c:
        raise Overlap(f"line {one.first + 1}")
    merged = line[:a] + first + line[b:c] + second + line[d:]
    return Edit(one.first, one.last, (merged,))


def _changed(before: str, after: str) -> tuple[int, int, str]:
    """The columns of BEFORE that changed, and what is there in AFTER."""
    start, most = 0, min(len(before), len(after))
    while start < most and before[start] == after[start]:
        start += 1
    end = 0
    while end < most - start and before[-1 - end] == after[-1 - end]:
        end += 1
    return start, len(before) - end, after[start : len(after) - end]


def parted(edit: Edit, behind: Collection[int]) -> Edit:
    """EDIT with a blank line first where it adds a statement before one of the
    lines (from 1) that stand right BEHIND a declaration."""
    if edit.first != edit.last or edit.first + 1 not in behind:
        return edit
    return Edit(edit.first, edit.last, ("", *edit.lines))


def laid_out(edit: Edit, lines: list[str], statements: list[str]) -> Edit:
    """EDIT of LINES with new STATEMENTS laid out, lines it made too long broken, and
    those it adds indented as those around them are."""
    blanks = layout.by_blanks(lines, edit.first)
    found = _laid_out(edit, lines, statements)
    fresh = {line for line in found.lines if line not in lines[edit.first : edit.last]}
    told = [layout.indented(x, blanks) if x in fresh else x for x in found.lines]
    return Edit(found.first, found.last, tuple(told))


def _laid_out(edit: Edit, lines: list[str], statements: list[str]) -> Edit:
    old = lines[edit.first : edit.last]
    for text in statements:
        if layout.same_tokens("\n".join(edit.lines), text):
            column = layout.margin(edit.lines[0])
            kept = [*_comments(old), *layout.statement(text, column)]
            if _parts_declarations(lines, edit):
                kept.insert(0, "")
            return Edit(edit.first, edit.last, tuple(kept))
    result: list[str] = []
    tight = any(")kmap" in line or ")page_address" in line for line in old)
    for number, line in enumerate(edit.lines):
        before = old[number] if len(old) == len(edit.lines) else ""
        if _is_comment(line) and before.strip() and not _is_comment(before):
            continue  # it goes with the declaration it stood behind
        for word in ("kmap_", *NAMES) if tight else ():
            line = line.replace(f") {word}", f"){word}")  # spatch parts the cast
        too_long = layout.width(line) > layout.WIDTH >= layout.width(before)
        result += layout.rewrapped(line) if too_long else [line]
    return Edit(edit.first, edit.last, tuple(result))


def _parts_declarations(lines: list[str], edit: Edit) -> bool:
    """Whether the edit took the blank line between the declarations that stay
    and the code, together with the last declaration."""
    before = lines[edit.first - 1].rstrip() if edit.first else ""
    blank = any(not line.strip() for line in lines[edit.first : edit.last])
    return blank and bool(before) and not before.endswith("{")


def _is_comment(line: str) -> bool:
    text = line.strip()
    return text[:2] == "/*" and text[-2:] == "*/" and not lexer.tokens(text)


def _comments(lines: list[str]) -> list[str]:
    """The lines that are comments of their own: these outlive what was between
    them; a comment behind a statement goes with it."""
    code = {token.line for token in lexer.tokens("\n".join(lines))}
    return [
        line
        for number, line in enumerate(lines, start=1)
        if number not in code and line.strip()
    ]


def applied(text: str, edits: list[Edit]) -> str:
    """TEXT with EDITS, which are in order and do not overlap."""
    lines = text.split("\n")
    for edit in reversed(edits):
        lines[edit.first : edit.last] = edit.lines
    return "\n".join(lines)
