# SPDX-License-Identifier: GPL-2.0-only
"""C files with a few tokens deleted, doubled, swapped, or hidden by an #if; a seed
always makes the same."""

from __future__ import annotations

import random
from pathlib import Path

from conftest import REPOSITORY

from kmaplocal.c import lexer

FOLDERS = ("convert", "keep", "flag")
MOST_BYTES = 6000  # longer ones only take longer


def sources() -> list[Path]:
    """The fixtures to make mutants of, in an order that stays."""
    found = [p for f in FOLDERS for p in (REPOSITORY / "fixtures" / f).rglob("*.c")]
    return sorted(path for path in found if path.stat().st_size < MOST_BYTES)


def mutant(seed: int) -> tuple[str, str]:
    """The name of a fixture, and its text after one to three changes."""
    dice = random.Random(seed)
    source = dice.choice(sources())
    text = source.read_text()
    for _ in range(dice.randint(1, 3)):
        text = _changed(text, dice)
    return f"m{seed}.c", text


def _changed(text: str, dice: random.Random) -> str:
    starts = _line_starts(text)
    found = lexer.tokens(text)
    if len(found) < 2:
        return text
    at = dice.randrange(len(found) - 1)
    first, second = (_extent(found[n], starts) for n in (at, at + 1))
    change = dice.choice(("delete", "double", "swap", "hide"))
    one, between = text[slice(*first)], text[first[1] : second[0]]
    if change == "hide":
        hidden = f"\n#ifdef A\n{one}\n{dice.choice(('#endif', '#else', ''))}\n"
        return text[: first[0]] + hidden + text[first[1] :]
    if change == "delete":
        return text[: first[0]] + text[first[1] :]
    if change == "double":
        return text[: first[1]] + " " + one + text[first[1] :]
    return text[: first[0]] + text[slice(*second)] + between + one + text[second[1] :]


def _line_starts(text: str) -> list[int]:
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    return starts


def _extent(token: lexer.Token, starts: list[int]) -> tuple[int, int]:
    start = starts[token.line - 1] + token.column
    return start, start + len(token.text)
