# SPDX-License-Identifier: GPL-2.0-only
"""The copy of a tree that kernels are built from: one side at a time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from kmaplocal.errors import KmaplocalError
from kmaplocal.prove.boot.sides import Side, digest_of, write_json


class Unsteady(KmaplocalError):
    """Somebody works on the tree at this moment."""


class Source:
    """A folder that holds the files of a side that an i386 kernel may need.

    Going over to another side writes the files that differ, with a new time, so
    that make builds again what depends on them, and nothing else."""

    def __init__(self, folder: Path):
        """FOLDER is ours alone; it need not exist."""
        self.folder = folder
        self._memory = folder.with_name(f"{folder.name}.json")

    def take(self, side: Side, progress: Callable[[int], None]) -> None:
        """Make the folder hold SIDE; PROGRESS is told how many files were written.

        Raises Unsteady; OSError."""
        held, wanted = self._held(), needed(side)
        same = {p: d for p, d in held.items() if wanted.get(p) == d}
        self.folder.mkdir(parents=True, exist_ok=True)
        # Whatever ends this before its end, what is remembered is there.
        write_json(self._memory, same)
        for path in held.keys() - wanted.keys():
            (self.folder / path).unlink(missing_ok=True)
        for done, path in enumerate(sorted(wanted.keys() - same.keys()), start=1):
            content = side.read(path)
            if digest_of(content) != wanted[path]:
                raise Unsteady(f"{path}: changed while it was being read; run again")
            _write(self.folder / path, content)
            progress(done)
        write_json(self._memory, wanted)

    def _held(self) -> dict[str, str]:
        try:
            return json.loads(self._memory.read_bytes())
        except (FileNotFoundError, ValueError):
            return {}


def needed(side: Side) -> dict[str, str]:
    """The digests of those files of SIDE that building for i386 may read."""
    return {path: d for path, d in side.digests.items() if _is_needed(path)}


def digest(side: Side) -> str:
    """One SHA-256 that stands for all needed files of SIDE."""
    listing = "".join(f"{d} {path}\n" for path, d in sorted(needed(side).items()))
    return hashlib.sha256(listing.encode(errors="surrogateescape")).hexdigest()


def _is_needed(path: str) -> bool:
    parts = PurePosixPath(path).parts
    if parts[-1].startswith("Kconfig"):
        # Those of other architectures are read, too.
        return True
    if parts[0] == "arch":
        return len(parts) == 2 or parts[1] == "x86"
    return parts[0] != "Documentation"


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o755 if content.startswith(b"#!") else 0o644)
