# SPDX-License-Identifier: GPL-2.0-only
"""Changes: which lines of a tree's C files a patch, or a series of them, touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from kmaplocal.findings.change import diff
from kmaplocal.findings.change.diff import ADDED, REMOVED, BadPatch, FileDiff, Hunk
from kmaplocal.findings.text import Texts
from kmaplocal.knowledge import api
from kmaplocal.c import lexer
from kmaplocal.c.outline import Span

# What makes a line decide about others: it maps, unmaps, or goes elsewhere.
_DECIDING = {*api.MAPS, *api.UNMAPS, "return", "goto", "break", "continue"}
_DEEPEST = 8


@dataclass
class Change:
    """What was done to one file, in line numbers of the file as it is now.

    `lines` were added or changed; at `gaps` something was removed, just above the
    line.  `deciding_lines` and `deciding_gaps` are those among them where a mapping
    call or a jump came or went.  A `fresh` file is new as a whole."""

    lines: set[int] = field(default_factory=set)
    gaps: set[int] = field(default_factory=set)
    deciding_lines: set[int] = field(default_factory=set)
    deciding_gaps: set[int] = field(default_factory=set)
    fresh: bool = False

    def holds(self, line: int) -> bool:
        """Whether LINE is new or changed."""
        return self.fresh or line in self.lines

    def touches(self, span: Span) -> bool:
        """Whether something changed in a function."""
        return self.fresh or _within(span, self.lines, self.gaps)

    def decides(self, span: Span) -> bool:
        """Whether something changed there that is seen on other lines too."""
        return self.fresh or _within(span, self.deciding_lines, self.deciding_gaps)

    def moved(self, where: Callable[[int], int | None]) -> Change:
        """The same after line n has become line WHERE(n), or is gone for None."""

        def there(numbers: set[int]) -> set[int]:
            return {line for line in map(where, numbers) if line is not None}

        return Change(
            there(self.lines),
            there(self.gaps),
            there(self.deciding_lines),
            there(self.deciding_gaps),
            self.fresh,
        )


def _within(span: Span, lines: Iterable[int], gaps: Iterable[int]) -> bool:
    first, last = span.line, span.end
    return any(first <= n <= last for n in lines) or any(
        first < n <= last for n in gaps
    )


@dataclass
class _State:
    """One file part of the way through a series: what patches said of it."""

    known: dict[int, str] = field(default_factory=dict)
    change: Change = field(default_factory=Change)

    def patched(self, hunks: Sequence[Hunk]) -> _State:
        """The state after the next patch."""

        spans = [(h.old, h.count(REMOVED), h.count(ADDED)) for h in hunks]

        def where(line: int) -> int | None:
            return _after(line, spans)

        moved = [(where(line), text) for line, text in self.known.items()]
        kept = {line: text for line, text in moved if line is not None}
        state = _State(kept, self.change.moved(where))
        for hunk in hunks:
            state._take(hunk, self.change)
        return state

    def _take(self, hunk: Hunk, before: Change) -> None:
        old, new = hunk.old, hunk.new
        change = self.change
        for mark, text in hunk.lines:
            deciding = mark in (ADDED, REMOVED) and _decides(text)
            if mark == REMOVED:
                change.gaps.add(new)
                change.deciding_gaps |= {new} if deciding else set()
            else:
                self.known[new] = text
            if mark == ADDED:
                change.lines.add(new)
                change.deciding_lines |= {new} if deciding else set()
            else:
                self._inherit(before, old, new, lines=mark != REMOVED)
            old += mark != ADDED
            new += mark != REMOVED

    def _inherit(self, before: Change, old: int, new: int, lines: bool) -> None:
        """Line NEW was line OLD, or, without LINES, was removed above line NEW."""
        change = self.change
        if lines:
            change.lines |= {new} if old in before.lines else set()
            change.deciding_lines |= {new} if old in before.deciding_lines else set()
        change.gaps |= {new} if old in before.gaps else set()
        change.deciding_gaps |= {new} if old in before.deciding_gaps else set()


def _after(line: int, spans: Iterable[tuple[int, int, int]]) -> int | None:
    """Where LINE is after hunks, given the first line of each and how many it has
    before and after; None when it is in one."""
    shift = 0
    for first, olds, news in spans:
        if line < first:
            break
        if line < first + olds:
            return None
        shift += news - olds
    return line + shift


def _decides(text: str) -> bool:
    return not _DECIDING.isdisjoint(lexer.words(lexer.tokens(text)))


# -- a series of patches, and the tree it is in ---------------------------------


def changes(
    patches: Iterable[str], name: str, texts: Texts, strip: int | None = None
) -> dict[str, Change]:
    """What the PATCHES, one after the other, did to the C files of a tree.

    They must have been applied: the tree is what they led to, some lines up or down.
    STRIP is how many folders their file names have too many (as in patch -p); None
    finds out.  NAME is what messages call the patches.  Raises BadPatch."""
    diffs = [file for text in patches for file in diff.parse(text, name)]
    if not diffs:
        raise BadPatch(f"{name}: there is no patch in it")
    c_files = [file for file in diffs if _is_c(file.new or file.old)]
    level = _strip(c_files, texts.root) if strip is None else strip
    states, gone = _followed(c_files, level)
    for file in gone:
        if (texts.root / file).is_file():
            raise _not_applied(file, "the patch removes it, and it is there")
    return {file: _placed(file, states[file], texts) for file in sorted(states)}


def _is_c(name: str) -> bool:
    return PurePosixPath(name).suffix in (".c", ".h")


def _followed(diffs: Iterable[FileDiff], level: int) -> tuple[dict[str, _State], set]:
    """What the diffs leave of each file; and the files they remove."""
    states: dict[str, _State] = {}
    gone: set[str] = set()
    for file in diffs:
        bare = file.renamed or file.copied
        depth = max(level - 1, 0) if bare else level
        old, new = _stripped(file.old, depth), _stripped(file.new, depth)
        if not new:
            states.pop(old, None)
            gone.add(old)
            continue
        gone.discard(new)
        if file.renamed:
            gone.add(old)
            states[new] = states.pop(old, _State())
        elif file.copied:
            states[new] = _State(change=Change(fresh=True))
        else:
            states[new] = states.get(new, _State()).patched(file.hunks)
    return states, gone


def _stripped(name: str, level: int) -> str:
    """NAME without LEVEL folders, or as it is where it has not so many."""
    parts = name.split("/")
    return "/".join(parts[level:]) if len(parts) > level else name


def _strip(diffs: Sequence[FileDiff], root: Path) -> int:
    """The number of folders without which most names are those of files of the
    tree; 1, as with git, when that is as good as any."""
    bare = {file.new for file in diffs if file.renamed or file.copied}
    names = {file.new for file in diffs if file.new} - bare

    def there(level: int) -> int:
        return sum((root / _stripped(name, level)).is_file() for name in names)

    return max((1, 0, *range(2, _DEEPEST)), key=there)


def _placed(file: str, state: _State, texts: Texts) -> Change:
    """The change in lines of the tree's FILE.  Raises BadPatch when what the patch
    leaves there is not in it."""
    if not (texts.root / file).is_file():
        raise _not_applied(file, "the patch changes it, and there is no such file")
    lines = [line.rstrip("\r") for line in texts.lines(file)]
    shifts: dict[int, int] = {}
    for first, block in _blocks(state.known):
        shift = _shift(first, block, lines)
        if shift is None:
            place = f"{file}:{min(first, len(lines))}"
            raise _not_applied(place, "the patch leaves other lines here")
        shifts.update(dict.fromkeys(range(first, first + len(block)), shift))

    def where(line: int) -> int | None:
        # What was removed at the end of a block stands above a line beyond it.
        return line + shifts.get(line, shifts.get(line - 1, 0))

    return state.change.moved(where)


def _not_applied(where: str, what: str) -> BadPatch:
    todo = "apply the patch first, or name the tree it is for (and -p, if needed)"
    return BadPatch(f"{where}: {what}; {todo}")


def _blocks(known: dict[int, str]) -> list[tuple[int, list[str]]]:
    """The runs of lines without a hole, with their first line's number."""
    found: list[tuple[int, list[str]]] = []
    for line in sorted(known):
        if found and line == found[-1][0] + len(found[-1][1]):
            found[-1][1].append(known[line])
        else:
            found.append((line, [known[line]]))
    return found


def _shift(first: int, block: Sequence[str], lines: Sequence[str]) -> int | None:
    """How far from line FIRST the BLOCK is found, the nearest; None if nowhere."""
    if lines[first - 1 : first - 1 + len(block)] == block:
        return 0
    last = len(lines) - len(block)
    starts = (n for n, line in enumerate(lines[: last + 1]) if line == block[0])
    found = [n for n in starts if lines[n : n + len(block)] == block]
    return min((n - (first - 1) for n in found), key=abs) if found else None
