# SPDX-License-Identifier: GPL-2.0-only
"""What became of one file: the data every part of the driver passes on."""

from dataclasses import astuple, dataclass
from hashlib import sha256
from pathlib import Path

from kmaplocal.errors import ReplaceFailed
from kmaplocal.names import quoted


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

    def as_json(self) -> dict:
        """All there is, for from_json(); of what the file held before, a digest."""
        changed = self.after != self.before
        return {
            "path": str(self.path),
            "before": _digest(self.before) if changed else None,
            "after": _text(self.after) if changed else None,
            "converted": self.converted,
            "kept": [astuple(doubt) for doubt in self.kept],
            "unanalysed": [astuple(lost) for lost in self.unanalysed],
            "mappings": self.mappings,
            "outdated": [astuple(each) for each in self.outdated],
            "partners": sorted(self.partners),
            "unfound": sorted(self.unfound),
        }


def from_json(saved: dict, before: bytes) -> Outcome:
    """The outcome that as_json() gave as SAVED, of a file that holds BEFORE.

    Raises ReplaceFailed where that is not what was changed."""
    after = saved["after"]
    if after is not None and saved["before"] != _digest(before):
        raise changed_meanwhile(saved["path"])
    return Outcome(
        Path(saved["path"]),
        before,
        before if after is None else after.encode(errors="surrogateescape"),
        tuple(saved["converted"]),
        tuple(Doubt(*each) for each in saved["kept"]),
        tuple(Lost(*each) for each in saved["unanalysed"]),
        saved["mappings"],
        tuple(Outdated(*each) for each in saved["outdated"]),
        frozenset(saved["partners"]),
        frozenset(saved["unfound"]),
    )


def changed_meanwhile(path: Path | str) -> ReplaceFailed:
    """What to raise where the file at PATH is not what was looked at any more."""
    return ReplaceFailed(
        f"{quoted(path)}: changed while it was being analysed; nothing was changed,"
        " run again"
    )


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def _text(content: bytes) -> str:
    return content.decode(errors="surrogateescape")
