# SPDX-License-Identifier: GPL-2.0-only
"""The state of a tree: whether anything in it changed that a result rests on.

As git does, a file is taken for the same while its size, times and inode are; one
that was young when it was looked at is told by its content, for it may change again
within the same tick of the clock, and so is a link.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kmaplocal.errors import KmaplocalError

# What is read of a kernel: C, and what says how it is built.
_NAMES = ("*.[chS]", "Makefile*", "Kconfig*", "Kbuild*", ".config")
_FORMAT = r"%p\t%s\t%T@\t%C@\t%i\t%y\0"
_YOUNG = 2.0  # seconds; some file systems count in whole ones
_MOST_YOUNG = 2000  # with more, the tree is just being unpacked


class Unlisted(KmaplocalError):
    """The tree cannot be listed."""


@dataclass(frozen=True)
class State:
    """What a tree's files looked like: a line each, by find; and the digests of
    those that were young then."""

    listing: bytes
    young: dict[str, str]

    def packed(self) -> bytes:
        """The state as bytes, for unpacked()."""
        return json.dumps(self.young).encode() + b"\n" + self.listing

    def changed(self, root: Path, then: State) -> set[str]:
        """The files of ROOT, in this state now, that have not the same content as THEN,
        or may have not; gone and new ones, too."""
        now, before = self.listing, then.listing
        differ: set[bytes] = set()
        if now != before:
            differ = set(now.split(b"\0")) ^ set(before.split(b"\0"))
        looked = _digests(root, then.young)
        other = {name for name, digest in then.young.items() if looked[name] != digest}
        return {_name(line) for line in differ} - then.young.keys() | other


def unpacked(packed: bytes) -> State:
    """The state that was packed. Raises ValueError when it is none."""
    young, _end, listing = packed.partition(b"\n")
    return State(listing, json.loads(young))


def state(root: Path) -> State | None:
    """The state of the tree at ROOT; None while too much of it is young.

    Raises Unlisted, OSError."""
    start = time.time() - _YOUNG
    names = [word for name in _NAMES for word in ("-o", "-name", name)][1:]
    command = ["find", ".", "-name", ".git", "-prune", "-o"]
    command += ["(", "-type", "f", "-o", "-type", "l", ")"]
    command += ["(", *names, ")", "-printf", _FORMAT]
    done = subprocess.run(
        command, cwd=root, stdin=subprocess.DEVNULL, capture_output=True
    )
    if done.returncode:
        message = os.fsdecode(done.stderr).strip().split("\n")[0]
        raise Unlisted(f"{root}: cannot be listed: {message}")
    young = list(_unsure(done.stdout, start))
    if len(young) > _MOST_YOUNG:
        return None
    return State(done.stdout, _digests(root, young))


def _name(line: bytes) -> str:
    """The file that a LINE of a listing is about."""
    return os.fsdecode(line.rsplit(b"\t", 5)[0]).removeprefix("./")


def _unsure(listing: bytes, start: float) -> Iterable[str]:
    """The links, and the files that changed after START."""
    for line in listing.split(b"\0")[:-1]:
        _start, modified, changed, _inode, kind = line.rsplit(b"\t", 4)
        if kind == b"l" or max(float(modified), float(changed)) >= start:
            yield _name(line)


def _digests(root: Path, names: Iterable[str]) -> dict[str, str]:
    return {name: _digest(root / name) for name in names}


def _digest(file: Path) -> str:
    """What tells the content of FILE; of a device or a pipe, which a link may lead to
    and which may have no end, that it is one."""
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            return "no file"
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        return f"errno {error.errno}"
