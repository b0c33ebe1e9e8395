# SPDX-License-Identifier: GPL-2.0-only
"""Replacing files: each one at once, all of them or none, their modes kept."""

import contextlib
import os
import pwd
import secrets
import signal
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kmaplocal.errors import Interrupted, ReplaceFailed
from kmaplocal.names import pasted, quoted
from kmaplocal.tree.outcome import WHOLE_FILE, Lost, changed_meanwhile

_DEFERRED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_WRITE_BITS = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class _Job:
    """One file to replace: its name in the tree, what it is, was and will be."""

    name: Path
    target: Path
    fresh: Path
    old: bytes
    new: bytes


def replace_files(
    root: Path, new: Mapping[Path, bytes], expected: Mapping[Path, bytes]
) -> None:
    """Give every file of NEW (relative to ROOT) its new content.

    EXPECTED holds what each of them must contain now. A symbolic link stays, the
    file it leads to is replaced. Raises ReplaceFailed when a file changed in the
    meantime, is read-only, or cannot be written: then none has changed. Raises
    Interrupted when ^C came while the files were being renamed: then all have. A
    ^C before that is a KeyboardInterrupt, and none has.
    """
    jobs = [_job(root, Path(name), new[name], expected[name]) for name in sorted(new)]
    for job in jobs:
        _check(job)
    try:
        for job in jobs:
            _write_fresh(job, job.new)
        with _signals_deferred(len(jobs)):
            for job in jobs:
                _check_content(job)
            _rename_all(jobs)
    finally:
        _remove(jobs)


def _job(root: Path, name: Path, new: bytes, old: bytes) -> _Job:
    target = Path(os.path.realpath(root / name))
    fresh = target.with_name(f".kmaplocal-{secrets.token_hex(8)}")
    return _Job(name, target, fresh, old, new)


def _check(job: _Job) -> None:
    _check_content(job)
    why = _why_not(job.target)
    if why:
        raise ReplaceFailed(f"{quoted(job.name)}: {why}; nothing was changed")


def _check_content(job: _Job) -> None:
    try:
        content = job.target.read_bytes()
    except OSError as error:
        raise _failure(job, error) from None
    if content != job.old:
        raise changed_meanwhile(job.name)


def writable(
    root: Path, names: Sequence[Path], asked: Collection[Path]
) -> tuple[list[Path], list[Lost]]:
    """Those of NAMES (relative to ROOT) that replace_files() can replace, as far as can
    be told before, and the others, each with the reason.

    Raises ReplaceFailed, with the reason, where one of the others is among those that
    were ASKED for by name, or where there is nothing but others."""
    reasons = {name: _why_not(Path(os.path.realpath(root / name))) for name in names}
    bad = [name for name, why in reasons.items() if why]
    refused = [name for name in bad if name in asked]
    refused += bad[:1] if bad and len(bad) == len(names) else []
    for name in refused:
        raise ReplaceFailed(f"{quoted(name)}: {reasons[name]}; nothing was changed")
    left = [Lost(str(name), 1, WHOLE_FILE, reasons[name]) for name in bad]
    return [name for name in names if not reasons[name]], left


def _why_not(target: Path) -> str:
    """Why the file TARGET cannot be replaced; "" when it can."""
    if not target.exists():
        return ""
    for path, what in ((target, "is"), (target.parent, "is in a folder that is")):
        why = _unwritable(path)
        if why:
            return f"{what} {why}"
    return ""


def _unwritable(path: Path) -> str:
    """Why PATH may not be written, and what to do; "" when it may."""
    status = path.stat()
    shown = pasted(path)
    if os.statvfs(path).f_flag & os.ST_RDONLY:
        return "on a read-only mount: mount it writable, or work on a copy"
    # The mode too: root may write anything, but a read-only file says "do not".
    if not status.st_mode & _WRITE_BITS:
        return f"read-only: chmod u+w {shown} to allow it"
    if os.access(path, os.W_OK):
        return ""
    if status.st_uid != os.geteuid():
        return f"of {_user(status.st_uid)}, and you are {_user(os.geteuid())}"
    return f"read-only for you: chmod u+w {shown} to allow it"


def _user(number: int) -> str:
    try:
        return f"user {pwd.getpwuid(number).pw_name}"
    except KeyError:
        return f"user {number}"


def _write_fresh(job: _Job, content: bytes) -> None:
    try:
        status = job.target.stat()
        handle = os.open(job.fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            _write_all(handle, content)
            if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
                # Only root can give a file away; others keep what they may.
                with contextlib.suppress(PermissionError):
                    os.fchown(handle, status.st_uid, status.st_gid)
            os.fchmod(handle, stat.S_IMODE(status.st_mode))
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise _failure(job, error) from None


def _write_all(handle: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _rename_all(jobs: list[_Job]) -> None:
    for number, job in enumerate(jobs):
        try:
            os.replace(job.fresh, job.target)
        except OSError as error:
            _roll_back(jobs[:number])
            raise _failure(job, error) from None


def _roll_back(jobs: list[_Job]) -> None:
    for number, job in enumerate(jobs):
        try:
            _write_fresh(job, job.old)
            os.replace(job.fresh, job.target)
        except (OSError, ReplaceFailed) as error:
            names = " ".join(str(left.name) for left in jobs[number:])
            raise ReplaceFailed(
                f"{error}; these files are converted and could not be put back: {names}"
            ) from None


@contextmanager
def _signals_deferred(count: int) -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _DEFERRED)
    finished = False
    try:
        yield
        finished = True
    finally:
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        except KeyboardInterrupt:
            if finished:
                raise Interrupted(
                    f"interrupted: too late, all {count} files were already replaced"
                ) from None
            raise


def _remove(jobs: list[_Job]) -> None:
    for job in jobs:
        job.fresh.unlink(missing_ok=True)


def _failure(job: _Job, error: OSError) -> ReplaceFailed:
    return ReplaceFailed(f"{job.name}: {error.strerror}; nothing was changed")
