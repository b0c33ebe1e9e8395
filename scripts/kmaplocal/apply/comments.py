# SPDX-License-Identifier: GPL-2.0-only
"""Comments of a converted function that speak of a call it no longer has.

What they say may be wrong by now, or as right as before: no rule can tell, so
they are shown, and never changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kmaplocal.knowledge import api

_OPENING = ("/*", "*", "//")


def outdated(lines: Sequence[str], first: int, last: int) -> Iterator[tuple[int, str]]:
    """The lines, from 1, that name an old call, each with the call: of LINES, of
    which FIRST to LAST are a function without such calls, and of the comment right
    above it."""
    while first and lines[first - 1].strip().startswith(_OPENING):
        first -= 1
    for number in range(first, last):
        named = [name for name in sorted(api.OLD) if _names(lines[number], name)]
        if named:
            yield number + 1, named[0]


def _names(line: str, name: str) -> bool:
    """Whether LINE names the call: `kmap` alone is a noun, too."""
    before, found, after = line.partition(name)
    if not found:
        return False
    whole = not _is_word(before[-1:]) and not _is_word(after[:1])
    said = after.startswith("(") or "_" in name
    return (whole and said) or _names(after, name)


def _is_word(character: str) -> bool:
    return character == "_" or character.isalnum()
