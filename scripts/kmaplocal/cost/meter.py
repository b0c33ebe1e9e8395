# SPDX-License-Identifier: GPL-2.0-only
"""One command's cost: CPU and wall seconds, and memory of all its processes.

hyperfine measures no memory of a group of processes, and runs the same command many
times in a row where the machine may change meanwhile; hence this."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import NamedTuple

from kmaplocal.errors import KmaplocalError
from kmaplocal.workers import CHILDREN

_OWN = ("Rss:", "Private_Dirty:", "Anonymous:")
_OFTEN = 0.05  # seconds between two looks at the memory


class CannotMeasure(KmaplocalError):
    """A command to be measured failed."""


class Cost(NamedTuple):
    """CPU seconds, wall seconds, and the most memory in MB at any time."""

    cpu: float
    wall: float
    memory: float


def measured(
    command: Sequence[str],
    folder: Path,
    env: Mapping[str, str],
    processors: int,
    fine: Sequence[int] = (0,),
) -> Cost:
    """The cost of one run of COMMAND in FOLDER, on so many PROCESSORS.

    Raises CannotMeasure when it ends with a status not FINE, OSError."""
    allowed = sorted(os.sched_getaffinity(0))[:processors]
    pinned = ["taskset", "-c", ",".join(map(str, allowed)), *command]
    start = time.monotonic()
    with CHILDREN.child(
        pinned,
        cwd=folder,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        watch = _Watch(process.pid)
        _pid, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        memory = watch.stop()
    if process.returncode not in fine:
        raise CannotMeasure(f"status {process.returncode} of: {' '.join(command)}")
    return Cost(used.ru_utime + used.ru_stime, wall, memory)


def middle(costs: Sequence[Cost]) -> Cost:
    """The median of each."""
    return Cost(*(median(values) for values in zip(*costs)))


class _Watch:
    """Looks at the memory of a process and its descendants until it is told to
    stop: what they share is counted once (PSS).  A process that is about to run another
    program is its parent to the byte, and takes nothing of its own."""

    def __init__(self, pid: int):
        self.pid, self.most = pid, 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        self._done.set()
        self._thread.join()
        return self.most

    def _look(self) -> None:
        while not self._done.wait(_OFTEN):
            maps = (_read(f"/proc/{p}/smaps_rollup", _text) for p in _family(self.pid))
            apart = {_of_its_own(each): _memory(each) for each in maps}
            self.most = max(self.most, sum(apart.values()))


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in _read(f"/proc/{pid}/task", os.listdir):
        children = _read(f"/proc/{pid}/task/{task}/children", _text)
        for child in children.split():
            yield from _family(int(child))


def _of_its_own(text: str) -> tuple[str, ...]:
    """What tells the process of the smaps_rollup TEXT from others: where it has
    its memory, and how much nobody else has."""
    first, *rest = text.splitlines() or [""]
    return first, *(line for line in rest if line.startswith(_OWN))


def _memory(text: str) -> float:
    """The MB of a process of which smaps_rollup is TEXT."""
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _text(path: str) -> str:
    return Path(path).read_text()


def _read(path: str, how):
    with suppress(OSError):  # it ended meanwhile
        return how(path)
    return ""
