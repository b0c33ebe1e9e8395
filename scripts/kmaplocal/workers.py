# SPDX-License-Identifier: GPL-2.0-only
"""Many files at once: threads that wait for child processes, all gone after ^C."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar
from kmaplocal.progress import Progress, silent

Job = TypeVar("Job")
Result = TypeVar("Result")

INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """A worker wanted to start a child process after the run was interrupted."""


class Children:
    """The child processes of the run, each the head of a process group."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen] = set()
        self._stopped = False

    @contextmanager
    def child(self, command: Sequence[str], **options: Any) -> Iterator:
        """A subprocess.Popen of COMMAND; its whole group is dead afterwards.

        Raises Stopped once stop() was called, OSError when it cannot start.
        """
        with self._lock:
            if self._stopped:
                raise Stopped
            process = subprocess.Popen(command, process_group=0, **options)
            self._running.add(process)
        try:
            yield process
        finally:
            self._end(process)

    def merged(
        self, command: Sequence[str], output: Any = subprocess.PIPE
    ) -> AbstractContextManager:
        """As child(), with nothing to read, and its errors where its OUTPUT goes."""
        ends = {"stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
        return self.child(command, stdout=output, **ends)

    def _end(self, process: subprocess.Popen) -> None:
        kill_group(process)
        process.wait()
        with self._lock:
            self._running.discard(process)

    def stop(self) -> None:
        """Kill every child and let no new one start, until resume()."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                kill_group(process)

    def resume(self) -> None:
        """Let children start again."""
        with self._lock:
            self._stopped = False


CHILDREN = Children()


def kill_group(process: subprocess.Popen) -> None:
    """Kill PROCESS, and what it started, unless it was already waited for."""
    if process.returncode is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def run_all(
    jobs: Sequence[Job],
    worker: Callable[[Job], Result],
    *,
    workers: int | None = None,
    progress: Progress = silent,
    name: Callable[[Job], str] = lambda job: "",
) -> list[Result]:
    """WORKER's result for each of JOBS, in their order, on WORKERS threads.

    PROGRESS is told how many are done, and the NAME of the last. Child processes are
    to be started through CHILDREN: after ^C they are killed, the workers end, and
    KeyboardInterrupt goes on. An exception of a worker ends the run in the same way.
    """
    pool = ThreadPoolExecutor(workers or cores())
    try:
        with interrupts_held():
            futures = {pool.submit(worker, job): job for job in jobs}
        _follow({made: name(job) for made, job in futures.items()}, progress)
        return [future.result() for future in futures]
    except BaseException:
        with _deaf_to_interrupts():
            CHILDREN.stop()
            pool.shutdown(cancel_futures=True)
            CHILDREN.resume()
        raise
    finally:
        pool.shutdown()


def run_one(worker: Callable[[], Result]) -> Result:
    """WORKER's result, on a thread of its own: there no ^C can come between starting
    a child process and knowing it. What is said of run_all() holds."""
    return run_all([None], lambda _job: worker(), workers=1)[0]


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


def _follow(futures: dict[Future, str], progress: Progress) -> None:
    """Wait for FUTURES, and tell of each by its name."""
    pending, done = set(futures), 0
    while pending:
        # A ^C that comes just before the wait does not end it: look again soon.
        finished, pending = wait(pending, 0.5, FIRST_COMPLETED)
        for future in finished:
            future.result()
            done += 1
            progress(done, futures[future])


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Have ^C, and what ends a process otherwise, come after what is done inside."""
    # A pool that is interrupted while it starts a thread forgets to wait for it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    # A second ^C must not cut the cleaning up short; it takes milliseconds.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {name: signal.signal(name, signal.SIG_IGN) for name in INTERRUPTS}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
