# SPDX-License-Identifier: GPL-2.0-only
"""What the log of a booted kernel says: how each step ended, what the kernel
complained of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

PASSED = "exit 0"
UNFINISHED = "no end"
NOT_REACHED = "not reached"

_STAMPED = re.compile(r"^\[ *(\d+\.\d+)\] (.*)$")
_OURS = re.compile(r"^kmaplocal: (?:(begin|end) (\S+) ?(.*)|(\S+)\| (.*)|(.*))$")
_DONE = "done"
# How the kernel begins what it complains of; what follows explains it.
_COMPLAINT = re.compile(
    r"(?:^|: )(?:WARNING: |BUG: |kernel BUG at |Oops: |Kernel panic - |INFO: task |"
    r"INFO: rcu|general protection fault|EXT4-fs error|DEBUG_LOCKS_WARN_ON)"
    r"|I/O error"
)
# What differs from boot to boot, and from one version of a file to the next.
_CHANGING = (
    (re.compile(r"CPU: \d+ PID: \d+ "), ""),
    (re.compile(r"\+0x[0-9a-f]+/0x[0-9a-f]+"), ""),
    (re.compile(r"(\.[chS]):\d+"), r"\1"),
    (re.compile(r"\b(?:0x)?[0-9a-f]{8,16}\b"), "ADDRESS"),
    (re.compile(r"(\S+)/\d+\b"), r"\1"),
    (re.compile(r"\b\d+\b"), "N"),
)
_TELLING = re.compile(r"FAILED|[Aa]ssert|[Ee]rror")


@dataclass(frozen=True)
class Complaint:
    """A line TEXT with which the kernel complained, during STEP ("" outside any);
    KIND is the same for the same complaint in another boot."""

    step: str
    text: str
    kind: str


@dataclass(frozen=True)
class Result:
    """How a step ended: PASSED, "exit N", "signal N", "timeout", "error N" or
    UNFINISHED; the line it said that tells most; the seconds it took."""

    outcome: str
    said: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Boot:
    """A boot: the steps that began, by name; the complaints; whether it came to the
    end of its plan; how long it took, in its own time."""

    results: Mapping[str, Result]
    complaints: tuple[Complaint, ...]
    finished: bool
    trouble: tuple[str, ...] = ()

    def outcome(self, step: str) -> str:
        """How STEP ended, or NOT_REACHED."""
        return self.results[step].outcome if step in self.results else NOT_REACHED


def read(text: str) -> Boot:
    """The boot whose console said TEXT."""
    reader = _Reader()
    for line in text.splitlines():
        stamped = _STAMPED.match(line)
        if stamped:
            reader.take(float(stamped[1]), stamped[2])
    return reader.boot()


class _Reader:
    def __init__(self) -> None:
        self._results: dict[str, Result] = {}
        self._complaints: list[Complaint] = []
        self._trouble: list[str] = []
        self._finished = False
        self._step, self._since, self._said = "", 0.0, ""

    def take(self, now: float, line: str) -> None:
        """The next line of the log, said at NOW."""
        ours = _OURS.match(line)
        if not ours:
            self._complaint(line)
        elif ours[1]:
            self._turn(now, *ours.group(1, 2, 3))
        elif ours[4]:
            self._output(ours[5])
        elif ours[6] == _DONE:
            self._finished = True
        else:
            self._trouble.append(ours[6])

    def boot(self) -> Boot:
        """All that was taken."""
        complaints, trouble = tuple(self._complaints), tuple(self._trouble)
        return Boot(self._results, complaints, self._finished, trouble)

    def _turn(self, now: float, what: str, step: str, outcome: str) -> None:
        if what == "begin":
            self._step, self._since, self._said = step, now, ""
            self._results[step] = Result(UNFINISHED)
        else:
            self._results[step] = Result(outcome, self._said, now - self._since)
            self._step = ""

    def _output(self, line: str) -> None:
        if not _TELLING.search(self._said):
            self._said = line

    def _complaint(self, line: str) -> None:
        if _COMPLAINT.search(line):
            self._complaints.append(Complaint(self._step, line, _kind(line)))


def _kind(line: str) -> str:
    for pattern, instead in _CHANGING:
        line = pattern.sub(instead, line)
    return line
