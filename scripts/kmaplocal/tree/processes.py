# SPDX-License-Identifier: GPL-2.0-only
"""Work in Python on all cores: each part in a process that begins as a copy of this
one, so that what was read before is there in all of them.

Threads would not do: Python runs one at a time.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Any, Iterator, TypeVar

from kmaplocal.errors import KmaplocalError
from kmaplocal.workers import INTERRUPTS, interrupts_held
from kmaplocal.progress import Progress, silent

Job = TypeVar("Job")
Result = TypeVar("Result")

_DONE, _RAISED, _PROGRESS = "done", "raised", "progress"
_PATIENCE = 5.0  # seconds that a process may take to end what it started
_FORK = multiprocessing.get_context("fork")


class Died(KmaplocalError):
    """A process of the run ended without a result."""


def in_processes(
    work: Callable[[Job, Progress], Result],
    jobs: Sequence[Job],
    progress: Progress = silent,
) -> list[Result]:
    """What WORK gives for each of JOBS, all at once, each in a process of its own.

    WORK tells its second argument how much of its job is done, PROGRESS is told how
    much of all.  What WORK gives is pickled.  An exception in one of them ends all,
    and goes on here; so does ^C.  To be called while no other thread runs.  Raises
    Died, OSError."""
    with _started(work, jobs) as running:
        return _results(running, progress)


@contextmanager
def _started(work: Callable, jobs: Sequence) -> Iterator[list[Connection]]:
    """Where the processes for JOBS answer; they are gone afterwards."""
    running: list[tuple[ForkProcess, Connection]] = []
    gc.freeze()  # what is there by now stays shared: no copy has to look through it
    try:
        with interrupts_held():
            for job in jobs:
                ours, theirs = _FORK.Pipe(duplex=False)
                process = _FORK.Process(target=_work, args=(work, job, theirs))
                process.start()
                theirs.close()
                running.append((process, ours))
        yield [ours for _, ours in running]
    finally:
        gc.unfreeze()
        with interrupts_held():
            for process, _ in running:
                process.terminate()
            for process, ours in running:
                process.join(_PATIENCE)
                process.kill()
                process.join()
                ours.close()


def _results(running: list[Connection], progress: Progress) -> list[Any]:
    found: dict[Any, Any] = {}
    done: dict[str, dict[Any, int]] = defaultdict(dict)
    while len(found) < len(running):
        for ready in wait([each for each in running if each not in found]):
            what, value = _answer(ready)
            if what == _RAISED:
                raise value
            if what == _DONE:
                found[ready] = value
            else:
                count, at, doing = value
                done[doing][ready] = count
                progress(sum(done[doing].values()), at, doing)
    return [found[each] for each in running]


def _answer(ready: Any) -> tuple[str, Any]:
    try:
        return ready.recv()
    except EOFError:
        raise Died("a process of this run was killed; nothing was done") from None


def _work(work: Callable, job: Any, answers: Connection) -> None:
    """Do a job in the new process."""
    try:
        threading.Thread(target=_outlive_none, daemon=True).start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)
        found = work(job, partial(_tell, answers))
        answers.send((_DONE, found))
    except BrokenPipeError:
        pass  # nobody waits for it any more
    except BaseException as error:
        answers.send((_RAISED, _portable(error)))


def _tell(answers: Connection, done: int, at: str = "", what: str = "") -> None:
    answers.send((_PROGRESS, (done, at, what)))


def _outlive_none() -> None:
    """End this process with the one that started it."""
    parent = multiprocessing.parent_process()
    assert parent, "this is none that was started by another"
    wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)


def _portable(error: BaseException) -> BaseException:
    """ERROR, or one that says the same and can be pickled."""
    try:
        return pickle.loads(pickle.dumps(error))
    except Exception:
        return KmaplocalError(str(error) or type(error).__name__)
