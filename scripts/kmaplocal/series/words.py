# SPDX-License-Identifier: GPL-2.0-only
"""Putting names and sentences together, as a person would in a mail."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

COLUMNS = 72
MOST_NAMED = 4


def listed(names: Iterable[str], last: str = "and") -> str:
    """NAMES as a list in a sentence: "a, b and c"."""
    given = list(dict.fromkeys(names))
    if len(given) < 2:
        return "".join(given)
    return f"{', '.join(given[:-1])} {last} {given[-1]}"


def functions(names: Sequence[str], most: int = MOST_NAMED) -> str:
    """Function names in a sentence; their number where they are more than MOST:
    "a() and b()", "9 functions"."""
    given = list(dict.fromkeys(names))
    if len(given) > most:
        return f"{len(given)} functions"
    return listed(f"{name}()" for name in given)


def plural(count: int, one: str, many: str) -> str:
    """ONE or MANY, as the COUNT of things asks for."""
    return one if count == 1 else many


def sentence(text: str) -> str:
    """TEXT with a capital where it is no name of a function, and a full stop."""
    first = text.split(" ", 1)[0]
    if "(" not in first and "_" not in first and "/" not in first:
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", ":", "?")) else text + "."


def paragraph(sentences: Iterable[str]) -> str:
    """SENTENCES as one paragraph of COLUMNS, names unbroken."""
    return textwrap.fill(
        " ".join(sentence(s) for s in sentences if s),
        COLUMNS,
        break_long_words=False,
        break_on_hyphens=False,
    )
