# SPDX-License-Identifier: GPL-2.0-only
"""Processes of spatch that stay and read one file after the other.

Starting spatch and compiling a script costs more than reading a file."""

from __future__ import annotations

import atexit
import os
import select
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from kmaplocal import console, scratch
from kmaplocal.tree.spatch import Spatch, SpatchRun
from kmaplocal.workers import CHILDREN, kill_group

END = b"end\n"
LONGEST_START = 60.0


class Unusable(Exception):
    """The script does not run: no OCaml compiler, or not one for this spatch."""


class Reader:
    """A process of SPATCH that runs the script COCCI, which answers the name of a
    file on its standard input with lines, the last of them END."""

    def __init__(self, spatch: Spatch, cocci: Path, env: Mapping[str, str]):
        """Raises Unusable, with what spatch said; Stopped, OSError."""
        self._spatch = spatch
        with ExitStack() as stack:
            self._start(stack, cocci, env)
            if self._answer(LONGEST_START) is None:
                raise Unusable(self._said().strip().rpartition("\n")[2])
            self._said()
            self._stack = stack.pop_all()

    def _start(self, stack: ExitStack, cocci: Path, env: Mapping[str, str]) -> None:
        folder = stack.enter_context(scratch.folder())
        said = os.path.join(folder, "said")
        self._errors = stack.enter_context(open(said, "w+b"))
        # Two places in one file: what is written does not move what is read.
        errors = stack.enter_context(open(said, "ab"))
        self._process = stack.enter_context(
            CHILDREN.child(
                self._spatch.command(cocci, Path(os.devnull)),
                cwd=folder,
                env=self._spatch.environment(folder, env),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        )

    @property
    def alive(self) -> bool:
        """False after it ended, was killed or closed."""
        return self._process.poll() is None

    def read(self, file: Path, timeout: float) -> SpatchRun:
        """What it prints of FILE, in TIMEOUT seconds at most; it is closed where it
        does not answer."""
        name = os.path.abspath(file)
        told = self._ask(name, timeout)
        status: int | None = 0
        if told is None:
            status = 1 if self._process.poll() == 0 else self._process.poll()
        said = self._said()
        if told is None:
            self.close()
        return self._spatch.result(name, status, told or "", said, timeout)

    def close(self) -> None:
        """End the process and remove what it left."""
        kill_group(self._process)
        self._process.stdin.close()
        self._process.stdout.close()
        self._stack.close()

    def _ask(self, name: str, timeout: float) -> str | None:
        try:
            self._process.stdin.write(os.fsencode(name) + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return None
        return self._answer(timeout)

    def _answer(self, timeout: float) -> str | None:
        """The lines up to END; None when it ends before, or takes too long."""
        source = self._process.stdout.fileno()
        latest = time.monotonic() + timeout
        told = bytearray()
        while not (told.endswith(b"\n" + END) or told == END):
            left = latest - time.monotonic()
            if left <= 0 or not select.select([source], [], [], left)[0]:
                return None
            more = os.read(source, 1 << 20)
            if not more:
                self._process.wait()
                return None
            told += more
        return told[: -len(END)].decode(errors="surrogateescape")

    def _said(self) -> str:
        """What it printed on stderr since it was asked last."""
        return self._errors.read().decode(errors="surrogateescape")


class Pool:
    """The readers of a run, for one script: one for each thread that wants one."""

    def __init__(self, cocci: Path, env: Mapping[str, str]):
        self._cocci = cocci
        self._env = env
        self._lock = threading.Lock()
        self._idle: list[tuple[Spatch, Reader]] = []
        self._unusable: set[Spatch] = set()
        self._left: list[tuple[Spatch, Reader]] = []  # another process's
        atexit.register(self.close)
        os.register_at_fork(after_in_child=self._leave)

    @contextmanager
    def reader(self, spatch: Spatch) -> Iterator[Reader | None]:
        """A reader for this thread alone; None where there can be none."""
        reader = self._take(spatch)
        try:
            yield reader
        finally:
            if reader and reader.alive:
                with self._lock:
                    self._idle.append((spatch, reader))

    def waits(self, spatch: Spatch) -> bool:
        """Whether a reader is there without starting one."""
        with self._lock:
            return any(known == spatch and reader.alive for known, reader in self._idle)

    def close(self) -> None:
        """End all that wait for work."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, reader in idle:
            reader.close()

    def _leave(self) -> None:
        """Leave the readers to the process that this one is a copy of."""
        self._left, self._idle = self._left + self._idle, []

    def _take(self, spatch: Spatch) -> Reader | None:
        with self._lock:
            if spatch in self._unusable:
                return None
            idle = next((each for each in self._idle if each[0] == spatch), None)
            if idle:
                self._idle.remove(idle)
        if idle and idle[1].alive:
            return idle[1]
        if idle:
            idle[1].close()
        return self._start(spatch)

    def _start(self, spatch: Spatch) -> Reader | None:
        try:
            return Reader(spatch, self._cocci, self._env)
        except Unusable as why:
            with self._lock:
                known = spatch in self._unusable
                self._unusable.add(spatch)
            if not known:
                console.error(f"{spatch.program} runs no OCaml script: {why}")
                console.error("it reads C files by Python instead, which takes longer")
            return None
