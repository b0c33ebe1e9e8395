# SPDX-License-Identifier: GPL-2.0-only
"""Faults of kmaplocal itself: one file or function is lost to them, no more."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kmaplocal import scratch
from kmaplocal.deadline import TimeOver
from kmaplocal.errors import KmaplocalError
from kmaplocal.workers import Stopped

# What is to end the whole run: bad use, a bad environment, ^C in another thread.
ENDING = (KmaplocalError, Stopped)
CAUGHT: list[str] = []  # what went wrong in this process, the run going on


def told(error: BaseException) -> str:
    """What to say of ERROR, in one line: a file that cannot be read, or what went
    wrong in kmaplocal, where, and how to report it.

    Raises NoScratch where the place of temporary files is full: that ends the run."""
    if isinstance(error, TimeOver):
        return str(error)
    if isinstance(error, OSError):
        full = scratch.full(error)
        if full:
            raise full
        return f"cannot be read: {error.strerror or error}"
    if isinstance(error, RecursionError):
        return "what is in it is nested too deeply to be followed"
    frames = traceback.extract_tb(error.__traceback__)
    at = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    words = " ".join(str(error).split())[:200]
    return (
        f"internal error: {type(error).__name__}{at}: {words} (please report this line"
        " and the file, see README.md)"
    )


@contextmanager
def net(lose: Callable[[str], None]) -> Iterator[None]:
    """Have LOSE told of what goes wrong inside, in place of ending the run.

    What is to end the run, as bad use does, still ends it."""
    try:
        yield
    except ENDING:
        raise
    except Exception as error:
        CAUGHT.append(told(error))
        lose(CAUGHT[-1])
