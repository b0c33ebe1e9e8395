# SPDX-License-Identifier: GPL-2.0-only
"""Reasons, short enough for a line: of a chain of calls the first and the last."""

from __future__ import annotations

MOST = 160  # characters of a reason on a line
_LINKS = ("what holds the address is passed to ", "the address is passed to ")


def short(reason: str) -> str:
    """REASON in MOST characters: the whole of it stands in the JSON.

    "the address is passed to a(): a(): the address is passed to b(): b(): why (x.c:9)
    (x.c:5)" is "the address is passed to a(), via 1 call to b(): why (x.c:9)"."""
    if len(reason) > MOST:
        reason = _ends(reason)
    if len(reason) > MOST and " (" in reason:
        reason = reason[: reason.rindex(" (")]
    return reason if len(reason) <= MOST else f"{reason[: MOST - 1].rstrip()}…"


def _ends(reason: str) -> str:
    """REASON with only the first and the last call of its chain, and the place of
    what the last one does."""
    link = next((link for link in _LINKS if link in reason), "")
    if not link:
        return reason
    before, first, *more = reason.split(link)
    last = (more or [first])[-1]
    calls = f"{link}{_callee(first)}"
    if more:
        via = "1 call" if len(more) == 1 else f"{len(more)} calls"
        calls += f", via {via} to {_callee(last)}"
    return f"{before}{calls}: {_what(last)}"


def _callee(part: str) -> str:
    return part.partition("()")[0] + "()"


def _what(part: str) -> str:
    """What the callee that PART begins with does, and the first place after that."""
    name = _callee(part)
    what = part.removeprefix(name).removeprefix(": ").strip()
    what = what.removeprefix(name).removeprefix(": ").strip()
    places = what.split(" (")
    kept = [p for p in places[1:] if not _is_place(p)]
    place = next((p for p in places[1:] if _is_place(p)), "")
    told = " (".join([places[0], *kept])
    return f"{told} ({place}" if place else told


def _is_place(text: str) -> bool:
    """Whether TEXT is "file:line)"."""
    file, colon, line = text.rstrip(":").removesuffix(")").rpartition(":")
    return bool(file and colon) and line.isdigit()
