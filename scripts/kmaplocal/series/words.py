# SPDX-License-Identifier: GPL-2.0-only
"""Putting names and sentences together, as a person would in a mail."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

COLUMNS = 72
MOST_NAMED = 4
MOST_CALLS = 6
NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


def listed(names: Iterable[str]) -> str:
    """NAMES as a list in a sentence: "a, b and c"."""
    given = list(dict.fromkeys(names))
    if len(given) < 2:
        return "".join(given)
    return f"{', '.join(given[:-1])} and {given[-1]}"


def functions(names: Sequence[str], most: int = MOST_NAMED) -> str:
    """Function names in a sentence; their number where they are more than MOST:
    "a() and b()", "9 functions"."""
    given = list(dict.fromkeys(names))
    if len(given) > most:
        return f"{len(given)} functions"
    return listed(f"{name}()" for name in given)


def calls(names: Sequence[str], most: int = MOST_CALLS) -> str:
    """Calls in a sentence, the first of them where they are more than MOST: "a() and
    b()", "a(), ... f() and 2 more"."""
    given = list(dict.fromkeys(names))
    shown = [f"{name}()" for name in given[:most]]
    more = len(given) - len(shown)
    return listed(shown + ([f"{more} more"] if more > 0 else []))


def together(old: Iterable[str]) -> str:
    """Map calls as one word: kmap(), kmap_atomic() or kmap{,_atomic}()."""
    names = set(old)
    atomic = names - {"kmap"}
    if not atomic:
        return "kmap()"
    one = min(atomic) if len(atomic) == 1 else "kmap_atomic"
    both = "kmap" in names
    return f"kmap{{,_{one.removeprefix('kmap_')}}}()" if both else f"{one}()"


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
