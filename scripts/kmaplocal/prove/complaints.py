# SPDX-License-Identifier: GPL-2.0-only
"""Complaints: what compilers and checkers say of files, and what of it is new."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kmaplocal.prove.alignment import Alignment

ERROR, WARNING = "error", "warning"

_SAID = re.compile(
    r"(?P<file>[^\s:][^:]*):(?P<line>\d+):(?:\d+:)?"
    r" (?P<kind>warning|error|fatal error): (?P<text>.*)"
)
_FROM = re.compile(r"(?:In file included|\s+) from (?P<file>[^:]+):\d+(?::\d+)?[,:]")


@dataclass(frozen=True, order=True)
class Complaint:
    """FILE:LINE: KIND: TEXT; SOURCE is the file that was compiled, as far as that
    can be told.  Files are relative to the kernel, lines those of the text that
    was compiled."""

    source: str
    file: str
    line: int
    kind: str
    text: str


def read(said: str, root: Path) -> list[Complaint]:
    """The complaints in what make and its tools SAID of the kernel at ROOT."""
    found, origin = [], ""
    for line in said.splitlines():
        if include := _FROM.match(line):
            origin = _below(include["file"], root)
        elif match := _SAID.match(line):
            file = _below(match["file"], root)
            kind = ERROR if match["kind"].endswith(ERROR) else WARNING
            text = match["text"].replace(f"{root}/", "")
            number = int(match["line"])
            found.append(Complaint(origin or file, file, number, kind, text))
            origin = ""
    return found


def new(
    before: Iterable[Complaint],
    after: Iterable[Complaint],
    aligned: Mapping[str, Alignment],
) -> list[Complaint]:
    """What is said only AFTER.  Both speak of the texts of ALIGNED; within a
    change of a file the line does not matter."""

    def key(complaint: Complaint) -> Complaint:
        alignment = aligned.get(complaint.file)
        place = alignment.place(complaint.line) if alignment else complaint.line
        return Complaint(
            complaint.source, complaint.file, place, complaint.kind, complaint.text
        )

    known = Counter(map(key, before))
    found = []
    for complaint in after:
        if known[key(complaint)] > 0:
            known[key(complaint)] -= 1
        else:
            found.append(complaint)
    return found


def _below(file: str, root: Path) -> str:
    return file.removeprefix(f"{root}/").removeprefix("./")
