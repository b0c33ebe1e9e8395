# SPDX-License-Identifier: GPL-2.0-only
"""Where a report goes: to standard output, or at once into a file."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from kmaplocal.console import Console
from kmaplocal.errors import KmaplocalError


class CannotWrite(KmaplocalError):
    """OUT= or BASELINE= is no place to write a file to."""


def check(out: Path, setting: str = "OUT") -> None:
    """Raise CannotWrite when OUT, which SETTING names, cannot be written: better now
    than after the work."""
    folder = _target(out).parent
    if out.is_dir():
        raise CannotWrite(f"{out}: is a folder; {setting}= names a file")
    if not folder.is_dir():
        raise CannotWrite(f"{out}: no such folder; {setting}= names a file in one")
    if not os.access(folder if _replaceable(out) else out, os.W_OK):
        why = f"may not be written; {setting}= names another file"
        raise CannotWrite(f"{out}: {why}")


def make_folder(out: Path) -> None:
    """Make the folder OUT and those above it.  Raises CannotWrite."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = f"{error.strerror}; OUT= names another folder"
        raise CannotWrite(f"{out}: {why}") from None


def write(out: Path, text: str) -> None:
    """Make OUT hold TEXT: all of it, or what OUT held before.

    A link stays, what it leads to is replaced; a device is written to. Raises
    CannotWrite."""
    content = text.encode(errors="backslashreplace")
    try:
        if not _replaceable(out):
            out.write_bytes(content)
            return
        _replace(_target(out), content)
    except OSError as error:
        raise CannotWrite(f"{out}: {error.strerror}; nothing was written") from None


def _target(out: Path) -> Path:
    return Path(os.path.realpath(out))


def _replaceable(out: Path) -> bool:
    return out.is_file() or not out.exists()


def _replace(target: Path, content: bytes) -> None:
    fresh = target.with_name(f".kmaplocal-{secrets.token_hex(8)}")
    try:
        with fresh.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            fresh.chmod(target.stat().st_mode & 0o7777)
        os.replace(fresh, target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()


def hand_out(text: str, out: Path | None, console: Console) -> None:
    """Write TEXT to OUT, all at once, or print it.  Errors: as write()."""
    if out:
        write(out, text)
    else:
        console.say(text.removesuffix("\n"))
