# SPDX-License-Identifier: GPL-2.0-only
"""What became of one file: the data every part of the driver passes on."""

from dataclasses import dataclass
from pathlib import Path


# What is lost where no function of a file was looked at.
WHOLE_FILE = "(whole file)"


@dataclass(frozen=True)
class Doubt:
    """Why a function was kept: the obligation that does not hold, and where."""

    file: str
    line: int
    column: int
    function: str
    obligation: str
    reason: str


@dataclass(frozen=True)
class Lost:
    """A function nobody looked at, and why."""

    file: str
    line: int
    function: str
    reason: str


@dataclass(frozen=True)
class Outdated:
    """A line of the new text whose comment speaks of a call that is gone."""

    file: str
    line: int
    function: str
    call: str

    def __str__(self) -> str:
        return (
            f"a comment of {self.function}() speaks of {self.call}(): see if it holds"
        )


@dataclass(frozen=True)
class Outcome:
    """One file: its path in the tree, its bytes before and after, what was done,
    what a person is to read again, the files it is converted with, and the functions
    that keep something for want of a definition."""

    path: Path
    before: bytes
    after: bytes
    converted: tuple[str, ...]
    kept: tuple[Doubt, ...]
    unanalysed: tuple[Lost, ...]
    mappings: int
    outdated: tuple[Outdated, ...] = ()
    partners: frozenset[str] = frozenset()
    unfound: frozenset[str] = frozenset()
