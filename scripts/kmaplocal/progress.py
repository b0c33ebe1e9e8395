# SPDX-License-Identifier: GPL-2.0-only
"""How far a run is, told by those who do the work to those who show it."""

from typing import Protocol


class Progress(Protocol):
    """To be called with how many are done."""

    def __call__(self, done: int, at: str = "", what: str = "") -> None:
        """So many are DONE, of WHAT is being done, where that is another work than it
        began with ("following"); AT is in hand, or was the last: a file's path."""


def silent(done: int, at: str = "", what: str = "") -> None:
    """Nobody wants to know."""
