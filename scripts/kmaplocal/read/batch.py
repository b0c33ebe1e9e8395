# SPDX-License-Identifier: GPL-2.0-only
"""Many short texts in one run of spatch.

Starting spatch costs more than what it does to a function or two.  The texts
are put below one another, and the facts that come out are sorted again by
their lines.
"""

from __future__ import annotations

from typing import Generic, TypeVar

Key = TypeVar("Key")

# The fields of a fact that are line numbers; of some kinds, also a later one.
_LINES = (1, 3, 6)
_MORE_LINES = {"initialised": (9,)}


class Batch(Generic[Key]):
    """Texts of C by key, joined into one."""

    def __init__(self):
        self._lines: list[str] = []
        self._parts: list[tuple[Key, int, int, int]] = []

    def add(self, key: Key, text: str) -> None:
        """Add TEXT under KEY."""
        lines = text.split("\n")
        blank = next((n for n, line in enumerate(lines) if line.strip()), 0)
        first = len(self._lines)
        self._lines += lines[blank:]
        self._parts.append((key, first, len(self._lines), first - blank))

    @property
    def text(self) -> str:
        """All texts, to give to spatch."""
        return "\n".join(self._lines) + "\n"

    def facts(self, output: str) -> dict[Key, str]:
        """What spatch printed of the whole, by key, with the lines as they were
        in the single texts."""
        found: dict[Key, list[str]] = {key: [] for key, *_ in self._parts}
        home = [part for part in self._parts for _ in range(part[1], part[2])]
        for fact in output.splitlines():
            fields = fact.split("\t")
            if len(fields) <= _LINES[-1] or not fields[1].isdigit():
                continue
            line = int(fields[1]) - 1
            if not 0 <= line < len(home):
                continue
            key, _, _, shift = home[line]
            for number in (*_LINES, *_MORE_LINES.get(fields[0], ())):
                if fields[number].isdigit():
                    fields[number] = str(int(fields[number]) - shift)
            found[key].append("\t".join(fields))
        return {key: "\n".join(lines) for key, lines in found.items()}
