# SPDX-License-Identifier: GPL-2.0-only
"""Objects: what is to be compiled to see a file of the kernel compiled."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# A header is used in many places; so many of them are compiled.
_USERS = 2
_DEPTH = 3

_PROGRAMS = ("Documentation", "scripts", "tools", "usr")


@dataclass(frozen=True)
class Objects:
    """The objects to make for a file, without their suffix, and how they come to
    hold it ("" when it is their own source); or none, and why."""

    stems: tuple[str, ...]
    note: str = ""

    @property
    def shared(self) -> bool:
        """Whether other files include it."""
        return bool(self.stems and self.note)


def objects_of(root: Path, path: Path) -> Objects:
    """The objects of the file PATH of the kernel at ROOT, for x86."""
    if why := _elsewhere(path):
        return Objects((), why)
    parents = _users(root, path)
    if path.suffix == ".c" and not parents:
        return Objects((str(path.with_suffix("")),))
    if not parents:
        return Objects((), "no file that is built here includes it")
    stems = tuple(str(parent.with_suffix("")) for parent in parents)
    return Objects(stems, "included by " + " and ".join(map(str, parents)))


def _elsewhere(path: Path) -> str:
    """Why no object for x86 can come from PATH, if so."""
    parts = path.parts
    if parts[0] in _PROGRAMS:
        return f"{parts[0]}/ is not part of the kernel"
    if parts[0] == "arch" and len(parts) > 2 and parts[1] != "x86":
        return f"needs another architecture: {parts[1]}"
    if parts[:3] == ("arch", "x86", "um"):
        return "needs another architecture: um"
    return ""


def _users(root: Path, path: Path, depth: int = _DEPTH) -> list[Path]:
    """Some of the C files that include PATH, the nearest first."""
    found = includers(root, path, _scope(root, path))
    sources = [user for user in found if user.suffix == ".c"]
    if not sources and depth:
        for header in found:
            sources += _users(root, header, depth - 1)
    return sorted(set(sources), key=lambda user: _distance(path, user))[:_USERS]


def _scope(root: Path, path: Path) -> list[str]:
    """Where to look for what includes PATH: a C file is included from its folder
    or the one above; a header that all may use, from anywhere."""
    if path.suffix == ".c":
        found = [*(root / path.parent).glob("*.c")]
        found += (root / path.parent.parent).glob("*.c")
        return [str(file.relative_to(root)) for file in found]
    if "include" in path.parts[:3]:
        return ["."]
    return [path.parts[0]]


def includers(root: Path, path: Path, places: Sequence[str]) -> list[Path]:
    """The files in PLACES, files or folders, with an #include of PATH's name."""
    name = re.escape(path.name)
    line = rf'^[ \t]*#[ \t]*include[ \t]+["<]([^">]*/)?{name}[">]'
    command = ["grep", "-rlZP", "--include=*.[ch]", "-e", line, "--", *places]
    done = subprocess.run(
        command,
        cwd=root,
        env={**os.environ, "LC_ALL": "C"},
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    names = [Path(os.fsdecode(name)) for name in done.stdout.split(b"\0") if name]
    return [user for user in names if not _elsewhere(user) and user != path]


def _distance(path: Path, user: Path) -> tuple:
    common = 0
    for one, other in zip(path.parts, user.parts):
        if one != other:
            break
        common += 1
    return -common, len(user.parts), user
