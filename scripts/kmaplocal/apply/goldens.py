# SPDX-License-Identifier: GPL-2.0-only
"""Goldens of kernel files: the conversion this repository vouches for.

expected/linux-6.1/fs/aio.c.diff holds two comment lines, with the digests of the
file it starts from and of the one it ends with, and a context-free -p1 patch.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from kmaplocal.apply import patch

EXPECTED = Path(__file__).resolve().parents[3] / "expected"

IDENTICAL = "identical"
DIFFERENT = "different"
UNKNOWN_INPUT = "unknown input"

_DIGEST = re.compile(rb"^# (before|after): sha256 ([0-9a-f]{64})$", re.MULTILINE)


@dataclass(frozen=True)
class Comparison:
    """STATE is one of the three above; DETAIL says the rest in a few words."""

    state: str
    golden: Path
    detail: str


def render(path: Path, before: bytes, after: bytes) -> bytes:
    """The golden for PATH: its digests and its context-free patch."""
    digests = (hashlib.sha256(content).hexdigest() for content in (before, after))
    head = "# before: sha256 {}\n# after: sha256 {}\n".format(*digests)
    return head.encode() + patch.unified(path, before, after, context=0)


def golden_path(expected: Path, version: str, path: Path) -> Path:
    """Where in EXPECTED the golden for PATH of Linux VERSION (as 6.1) is kept."""
    return expected / f"linux-{version}" / f"{path}.diff"


def shown(expected: Path, golden: Path) -> Path:
    """GOLDEN as a user is told of it: its path in this repository."""
    return Path("expected") / golden.relative_to(expected)


def compare(
    expected: Path, path: Path, before: bytes, after: bytes
) -> Comparison | None:
    """How the conversion of PATH from BEFORE to AFTER stands to its goldens.

    EXPECTED is the folder that holds linux-*/. None where PATH has no golden.
    Raises ValueError for a golden without its two digests.
    """
    candidates = sorted(expected.glob(f"linux-*/{path}.diff"))
    for golden in candidates:
        comparison = _compare_one(golden, path, before, after)
        if comparison:
            return comparison
    if not candidates:
        return None
    return Comparison(UNKNOWN_INPUT, candidates[0], "starts from another file")


def is_converted(golden: Path, content: bytes) -> bool:
    """Whether CONTENT is what GOLDEN, if there is one, ends with."""
    if not golden.exists():
        return False
    return _digests(golden.read_bytes(), golden)["after"] == _sha256(content)


def _compare_one(
    golden: Path, path: Path, before: bytes, after: bytes
) -> Comparison | None:
    text = golden.read_bytes()
    digests = _digests(text, golden)
    if digests["after"] == _sha256(before) == _sha256(after):
        return Comparison(IDENTICAL, golden, "already converted")
    if digests["before"] != _sha256(before):
        return None
    if digests["after"] == _sha256(after):
        return Comparison(IDENTICAL, golden, "")
    return Comparison(DIFFERENT, golden, _difference(text, render(path, before, after)))


def _digests(text: bytes, golden: Path) -> dict[str, str]:
    digests = {name.decode(): value.decode() for name, value in _DIGEST.findall(text)}
    if digests.keys() != {"before", "after"}:
        raise ValueError(f"{golden}: has no '# before:' and '# after: sha256' lines")
    return digests


def _difference(golden: bytes, ours: bytes) -> str:
    """The first lines of the two patches that are not the same."""
    theirs, mine = (_changes(text) for text in (golden, ours))
    for old, new in zip([*theirs, None], [*mine, None]):
        if old != new:
            return f"the golden has {_quoted(old)}, this run {_quoted(new)}"
    return "the same lines at other places"


def _changes(text: bytes) -> list[bytes]:
    lines = text.split(b"\n")
    return [line for line in lines if re.match(rb"[-+](?!\+\+ |-- )", line)]


def _quoted(line: bytes | None) -> str:
    return "no more lines" if line is None else repr(line.decode(errors="replace"))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
