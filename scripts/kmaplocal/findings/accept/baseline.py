# SPDX-License-Identifier: GPL-2.0-only
"""A baseline: a file of accepted findings, a line each, with the reason.

A line has six columns, separated by tabs: rule, file, function, number, code and
reason. Number and code are the finding's fingerprint: the code of its line, and
which of several like it in the function is meant. Line numbers are not in it, so
that other changes do not touch it. Lines that start with # are comments.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from kmaplocal.errors import KmaplocalError
from kmaplocal.findings.finding import WARNING, Finding
from kmaplocal.findings.registry import RULES
from kmaplocal.findings.accept.fingerprint import Fingerprint
from kmaplocal.findings.accept.suppression import SUPPRESSION

_COLUMNS = ("rule", "file", "function", "number", "code", "reason")
_HEAD = (
    "# Findings of kmaplocal that are accepted, and why: see kmaplocal's README.\n"
    f"# {chr(9).join(_COLUMNS)}\n"
)


class BadBaseline(KmaplocalError):
    """A baseline that cannot be read; says which line."""


@dataclass(frozen=True)
class Entry:
    """LINE of a baseline: the finding it accepts, and the REASON."""

    fingerprint: Fingerprint
    reason: str
    line: int = 0


def read(path: Path) -> list[Entry]:
    """The entries of the baseline at PATH.  Raises BadBaseline."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadBaseline(f"{path}: no such file; WRITE_BASELINE=1 makes it") from None
    except OSError as error:
        raise BadBaseline(f"{path}: {error.strerror}; BASELINE= names a file") from None
    except UnicodeDecodeError:
        raise BadBaseline(f"{path}: not a baseline (not text in UTF-8)") from None
    numbered = enumerate(text.split("\n"), 1)
    return [
        _entry(path, number, line)
        for number, line in numbered
        if line.strip() and not line.startswith("#")
    ]


def _entry(path: Path, number: int, line: str) -> Entry:
    columns = line.rstrip("\r").split("\t")
    where = f"{path}:{number}"
    if len(columns) != len(_COLUMNS):
        count = f"{len(_COLUMNS)} columns with tabs between them"
        raise BadBaseline(f"{where}: not an accepted finding: that has {count}")
    rule, file, function, nth, code, reason = columns
    if rule not in RULES:
        raise BadBaseline(f"{where}: there is no rule {rule}")
    if not (nth.isascii() and nth.isdigit()):
        raise BadBaseline(f"{where}: the fourth column, {nth!r}, is no number")
    print_of = Fingerprint(rule, file, function, int(nth), code)
    return Entry(print_of, reason.strip(), number)


def as_text(entries: Iterable[Entry]) -> str:
    """A baseline that holds ENTRIES: sorted, the same for the same."""
    lines = {
        "\t".join((*map(str, entry.fingerprint), " ".join(entry.reason.split())))
        for entry in entries
    }
    return _HEAD + "".join(f"{line}\n" for line in sorted(lines))


def accepted(
    prints: dict[Finding, Fingerprint],
    entries: Collection[Entry],
    path: Path,
    idle: Collection[Entry],
) -> tuple[set[Finding], list[Finding]]:
    """Which findings, by their PRINTS, the ENTRIES of the baseline at PATH accept;
    and a finding for each entry without a reason, and for each of those in IDLE,
    which accept nothing."""
    good = {entry.fingerprint for entry in entries if entry.reason}
    taken = {finding for finding, known in prints.items() if known in good}
    complaints = []
    for entry in entries:
        if not entry.reason:
            message = "this entry gives no reason, and accepts nothing"
            complaints.append(_complaint(path, entry, message, "say why"))
        elif entry in idle:
            rule, file = entry.fingerprint[:2]
            message = f"there is no such {rule} in {file} any more"
            complaints.append(_complaint(path, entry, message, "remove the line"))
    return taken, complaints


def renewed(
    prints: dict[Finding, Fingerprint],
    entries: Iterable[Entry],
    idle: Collection[Entry],
    reason: str,
) -> list[Entry]:
    """The entries of a baseline that accepts every finding in PRINTS: those there
    were keep their reason, new ones get REASON, those in IDLE go."""
    known = {e.fingerprint: e.reason for e in entries if e not in idle}
    for fingerprint in prints.values():
        known[fingerprint] = known.get(fingerprint) or reason
    return [Entry(fingerprint, why) for fingerprint, why in known.items()]


def _complaint(path: Path, entry: Entry, message: str, remedy: str) -> Finding:
    place = (str(path), entry.line, 1)
    function = entry.fingerprint.function
    return Finding(*place, SUPPRESSION.id, WARNING, function, message, remedy)
