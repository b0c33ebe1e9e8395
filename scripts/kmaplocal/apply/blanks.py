# SPDX-License-Identifier: GPL-2.0-only
"""The blank lines that Coccinelle 1.3 takes along with the statement behind them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise

from kmaplocal.c import lexer
from kmaplocal.repairs.base_pointer import NEW

_ALIKE = 0.75  # of the tokens of a line that is the same statement, changed


def with_blanks(before: str, after: str) -> str:
    """AFTER with a blank line behind each line that has one in BEFORE, where there are
    fewer than there were before the next line that stays: behind what is declared new,
    and none before a closing brace."""
    old, new = before.split("\n"), after.split("\n")
    pairs = [*_pairs(old, new), (len(old), len(new))]
    for (i, k), (j, l) in reversed(list(pairwise(pairs))):
        lost = _blanks(old[i:j]) > _blanks(new[k:l])
        if lost and not old[i + 1].strip():
            end = k + 1
            while end < l and new[end].lstrip().startswith(NEW):
                end += 1
            if end < len(new) and new[end].strip() and new[end].strip()[0] != "}":
                new.insert(end, "")
    return "\n".join(new)


def _blanks(lines: Sequence[str]) -> int:
    return sum(not line.strip() for line in lines)


def _pairs(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The lines of OLD that have text and stay or change, each with what it is in NEW,
    in order."""
    mine, theirs = ([n for n, x in enumerate(y) if x.strip()] for y in (old, new))
    words, others = [old[n] for n in mine], [new[n] for n in theirs]
    codes = SequenceMatcher(None, words, others, autojunk=False).get_opcodes()
    for tag, a, b, c, d in codes:
        if tag == "equal":
            yield from zip(mine[a:b], theirs[c:d])
        elif tag == "replace":
            for number in range(c, d):
                found = next(
                    (n for n in range(a, b) if _alike(words[n], others[number])), b
                )
                if found < b:
                    yield mine[found], theirs[number]
                    a = found + 1


def _alike(line: str, other: str) -> bool:
    """Whether two lines are the same statement, but for the calls in it."""
    words, others = (lexer.words(lexer.tokens(text)) for text in (line, other))
    return SequenceMatcher(None, words, others, autojunk=False).ratio() >= _ALIKE
