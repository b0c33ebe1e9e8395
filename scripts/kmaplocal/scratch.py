# SPDX-License-Identifier: GPL-2.0-only
"""Where temporary files go: below TMPDIR, under a name that tells whose they are."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from kmaplocal.errors import KmaplocalError
from kmaplocal.names import quoted

_NAME = "kmaplocal-"
_OLD = 24 * 60 * 60  # seconds


class NoScratch(KmaplocalError):
    """TMPDIR is no place for temporary files."""


def folder() -> tempfile.TemporaryDirectory:
    """A new folder that is gone after a `with`.  Errors: OSError."""
    return tempfile.TemporaryDirectory(prefix=_prefix())


def file():
    """A new file without a name, for bytes.  Errors: OSError."""
    return tempfile.TemporaryFile(prefix=_prefix())


def check() -> None:
    """Raise NoScratch where TMPDIR names no folder to write to: Python would take
    another place, and the programs it starts would not."""
    named = os.environ.get("TMPDIR")
    if not named:
        return
    if not os.path.isdir(named):
        raise NoScratch(f"TMPDIR={quoted(named)}: no such folder for temporary files")
    if not os.access(named, os.W_OK | os.X_OK):
        raise NoScratch(f"TMPDIR={quoted(named)}: temporary files may not be written")


def full(error: OSError) -> NoScratch | None:
    """What to say where ERROR is one of a place that is full, and not of one file."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return None
    return NoScratch(f"{error.strerror} for temporary files in {place()} (TMPDIR)")


def place() -> str:
    """The folder that temporary files are in, to be printed."""
    return quoted(tempfile.gettempdir())


def sweep() -> None:
    """Remove what runs that were killed left more than a day ago."""
    with suppress(OSError):
        for entry in os.scandir(tempfile.gettempdir()):
            if entry.name.startswith(_NAME) and _is_stale(Path(entry.path)):
                shutil.rmtree(entry.path, ignore_errors=True)


def _is_stale(path: Path) -> bool:
    number = path.name.removeprefix(_NAME).partition("-")[0]
    try:
        status = path.lstat()
        mine = status.st_uid == os.geteuid() and path.is_dir()
        old = time.time() - status.st_mtime > _OLD
        return number.isdecimal() and mine and old and not _runs(int(number))
    except OSError:
        return False


def _runs(process: int) -> bool:
    return Path(f"/proc/{process}").exists()


def _prefix() -> str:
    return f"{_NAME}{os.getpid()}-"
