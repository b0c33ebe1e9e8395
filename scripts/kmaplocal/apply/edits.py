# SPDX-License-Identifier: GPL-2.0-only
"""What spatch changed in a text, edit by edit, and how the new lines are laid out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import unidiff

from kmaplocal.apply import layout, patch
from kmaplocal.apply.blanks import with_blanks
from kmaplocal.knowledge import api
from kmaplocal.repairs.base_pointer import NAMES, NEW
from kmaplocal.repairs.carry import SUFFIX
from kmaplocal.c import lexer


@dataclass(frozen=True)
class Edit:
    """Lines FIRST (from 0) to LAST, that one not included, become LINES."""

    first: int
    last: int
    lines: tuple[str, ...]


def changes(before: str, after: str, statements: Collection[str] = ()) -> list[Edit]:
    """The edits that turn BEFORE into AFTER, in order, each as small as the tokens
    of its lines allow: a statement that is added before a changed one is an edit of
    its own, and each of the new STATEMENTS is one."""
    after = with_blanks(before, after)
    old, new = (t.encode(errors="surrogateescape") for t in (before, after))
    shown = patch.unified(Path("x"), old, new, context=0)
    found: list[Edit] = []
    if not shown:
        return found
    lines = before.split("\n")
    for hunk in unidiff.PatchSet(shown.decode(errors="surrogateescape"))[0]:
        added = [line.value.rstrip("\n") for line in hunk.target_lines()]
        size = hunk.source_length
        first = hunk.source_start - (1 if size else 0)
        whole = any(layout.same_tokens("\n".join(added), s) for s in statements)
        pieces = _parts(lines[first : first + size], added)
        for i, j, k, l in [(0, size, 0, len(added))] if whole else pieces:
            edit = Edit(first + i, first + j, tuple(added[k:l]))
            found.append(_behind_blanks(lines, edit))
    return found


def _parts(old: list[str], new: list[str]) -> Iterator[tuple[int, int, int, int]]:
    """The pieces of a hunk: OLD[i:j] became NEW[k:l]."""
    i, k = 0, 0
    for j, l in [*_borders(old, new), (len(old), len(new))]:
        if j < i or l < k:
            continue
        if old[i:j] != new[k:l]:
            yield i, j, k, l
        i, k = j, l


def _borders(old: list[str], new: list[str]) -> Iterator[tuple[int, int]]:
    """The lines before which both sides can be cut: the tokens before one became
    those before the other. What is deleted stays with what follows it."""
    (words, before), (others, behind) = _counted(old), _counted(new)
    codes = SequenceMatcher(None, words, others, autojunk=False).get_opcodes()
    deleted = {(x, c) for tag, a, b, c, _ in codes for x in (a, b) if tag == "delete"}
    for tag, a, b, c, d in codes:
        steps = range(b - a + 1) if tag == "equal" else ()
        for x, y in [(a + n, c + n) for n in steps] or [(a, c), (b, d)]:
            if (x, y) not in deleted and x in before and y in behind:
                yield before.index(x), behind.index(y)


def _counted(lines: Sequence[str]) -> tuple[list[str], list[int]]:
    """The tokens of LINES, and how many there are before each line and at the
    end."""
    found: list[str] = []
    counts = [0]
    for line in lines:
        found += lexer.words(lexer.tokens(line))
        counts.append(len(found))
    return found, counts


def _behind_blanks(old: Sequence[str], edit: Edit) -> Edit:
    """EDIT without the blank lines before what it replaces: Coccinelle 1.3 takes
    them along."""
    first = edit.first
    while edit.lines and edit.lines[0].strip() and not old[first].strip():
        if first + 1 >= edit.last:
            break
        first += 1
    return Edit(first, edit.last, edit.lines)


def trimmed(edit: Edit, shown: Sequence[str], whole: Sequence[str]) -> Edit:
    """EDIT of the lines SHOWN without those at its ends that are blank there alone, and
    not in WHOLE: spatch takes blank lines along."""
    first, last, lines = edit.first, edit.last, list(edit.lines)
    hidden = [n for n in range(first, last) if shown[n] != whole[n]]
    if hidden and not any(line.strip() for line in shown[hidden[0] : last]):
        last = hidden[0]
        while lines and not lines[-1].strip():
            lines.pop()
    elif hidden and not any(line.strip() for line in shown[first : hidden[-1] + 1]):
        first = hidden[-1] + 1
        while lines and not lines[0].strip():
            lines.pop(0)
    return Edit(first, last, tuple(lines))


def parted(edit: Edit, behind: Collection[int]) -> Edit:
    """EDIT with a blank line first where it adds a statement before one of the
    lines (from 1) that stand right BEHIND a declaration."""
    if edit.first != edit.last or edit.first + 1 not in behind:
        return edit
    return Edit(edit.first, edit.last, ("", *edit.lines))


def opened(edit: Edit, before: Collection[int], lines: Sequence[str]) -> Iterator[Edit]:
    """EDIT of LINES; where it adds the first declaration of a block BEFORE one of these
    (from 1), that goes ahead of the comments there, with a blank line behind it."""
    first, text = edit.first, edit.lines
    if first + 1 not in before or not text[:1] or not text[0].lstrip().startswith(NEW):
        yield edit
        return
    code = {token.line for token in lexer.tokens("\n".join(lines))}
    while first and first not in code:
        first -= 1
    yield Edit(first, first, (text[0], ""))
    if text[1:] or edit.first < edit.last:
        yield Edit(edit.first, edit.last, text[1:])


def laid_out(edit: Edit, lines: list[str], statements: list[str]) -> Edit:
    """EDIT of LINES with new STATEMENTS laid out, lines it made too long broken, and
    those it adds or changes indented as those around them are, or, where the file is
    indented by tabs but for a few lines, by tabs."""
    old = lines[edit.first : edit.last]
    made = _unbroken(old, edit.lines)
    made = [x if x in old else layout.declared(x) for x in made]
    found = _laid_out(Edit(edit.first, edit.last, tuple(made)), lines, statements)
    fresh = {line for line in found.lines if line not in old}
    if layout.by_tabs(lines):
        shown = [layout.tabbed(x) if x in fresh else x for x in found.lines]
    else:
        blanks = layout.by_blanks(lines, edit.first)
        shown = [layout.indented(x, blanks) if x in fresh else x for x in found.lines]
    shown = [layout.starred(x) if x in fresh else x for x in shown]
    return Edit(found.first, found.last, tuple(shown))


def _unbroken(old: Sequence[str], new: Sequence[str]) -> Sequence[str]:
    """The lines NEW; as one where they declare a function that one line declared:
    spatch breaks it as if each tab were as wide as the first."""
    further = [line.strip() for line in new[1:] if line[:1].isspace()]
    whole = len(old) == 1 and 0 < len(further) == len(new) - 1
    if whole and not new[0][:1].isspace() and new[0].endswith(","):
        return [" ".join([new[0], *further])]
    return new


def _laid_out(edit: Edit, lines: list[str], statements: list[str]) -> Edit:
    old = lines[edit.first : edit.last]
    for text in statements:
        if layout.same_tokens("\n".join(edit.lines), text):
            column = layout.margin(edit.lines[0])
            kept = [*_comments(old), *layout.statement(text, column)]
            if _parts_declarations(lines, edit):
                kept.insert(0, "")
            return Edit(edit.first, edit.last, tuple(kept))
    edit = Edit(edit.first, edit.last, tuple(_as_before(old, edit.lines)))
    result: list[str] = []
    tight = any(")kmap" in line or ")page_address" in line for line in old)
    for number, line in enumerate(edit.lines):
        before = old[number] if len(old) == len(edit.lines) else ""
        if _is_comment(line) and before.strip() and not _is_comment(before):
            continue  # it goes with the declaration it stood behind
        carried = (t.text for t in lexer.tokens(line) if t.text.endswith(SUFFIX))
        for word in ("kmap_", "bvec_", *NAMES, *carried) if tight else ():
            line = line.replace(f") {word}", f"){word}")  # spatch parts the cast
        too_long = layout.made_too_long(line, before)
        result += layout.rewrapped(line) if too_long else [line]
    return Edit(edit.first, edit.last, tuple(result))


def _as_before(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The lines NEW; where they are the statement of the lines OLD by another call,
    and what comes beside it, that one with the blanks and line breaks it had."""
    (words, _), (others, behind) = _counted(old), _counted(new)
    for number, start in reversed(list(enumerate(behind))):
        end = start + len(words)
        if words and end in behind and _is_renamed(words, others[start:end]):
            kept = _renamed(old, others[start:end])
            return [*new[:number], *kept, *new[behind.index(end) :]]
    return list(new)


def _is_renamed(words: Sequence[str], others: Sequence[str]) -> bool:
    """Whether OTHERS are WORDS but for the names of calls that are replaced."""
    changed = [word for word, other in zip(words, others) if word != other]
    return bool(changed) and set(changed) <= set(api.OLD)


def _renamed(lines: Sequence[str], words: Sequence[str]) -> list[str]:
    """LINES with WORDS for their tokens."""
    found = list(lines)
    for token, word in reversed(list(zip(lexer.tokens("\n".join(lines)), words))):
        line, start = found[token.line - 1], token.column
        if token.text in api.OLD:
            line = line[:start] + word + line[start + len(token.text) :]
        found[token.line - 1] = line
    return found


def with_else(edits: list[Edit], lines: list[str]) -> list[Edit]:
    """EDITS of LINES with each `else` behind the brace that was added above it."""
    found: list[Edit] = []
    for edit in edits:
        before = found[-1] if found else None
        if before and before.last == edit.first and _closes(before):
            found[-1] = Edit(before.first, edit.last, before.lines + edit.lines)
        else:
            found.append(edit)
    starts = {edit.first for edit in found}
    return [_with_else(edit, lines, starts - {edit.first}) for edit in found]


def _with_else(edit: Edit, lines: list[str], starts: Collection[int]) -> Edit:
    last, made = edit.last, list(edit.lines)
    if _closes(edit) and last not in starts and layout.is_else(lines, last):
        made.append(lines[last])
        last += 1
    return Edit(edit.first, last, tuple(layout.with_else(made)))


def closed_up(edits: Sequence[Edit], lines: Sequence[str]) -> list[Edit]:
    """EDITS of LINES, none of which leaves a block beginning with a blank line that it
    did not begin with: that stood behind a declaration."""
    starts = {edit.first for edit in edits}
    return [_closed_up(edit, lines, starts) for edit in edits]


def _closed_up(edit: Edit, lines: Sequence[str], starts: Collection[int]) -> Edit:
    begins = edit.first and lines[edit.first - 1].rstrip().endswith("{")
    if not begins or edit.first == edit.last or not lines[edit.first].strip():
        return edit
    made, last = list(edit.lines), edit.last
    while made and not made[0].strip():
        made.pop(0)
    rest = list(lines[last:])
    while not made and last not in starts and rest and not rest.pop(0).strip():
        last += 1
    return Edit(edit.first, last, tuple(made))


def _closes(edit: Edit) -> bool:
    """Whether an edit ends with a brace that is closed."""
    return bool(edit.lines) and edit.lines[-1].strip() == "}"


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
