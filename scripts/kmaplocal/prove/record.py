# SPDX-License-Identifier: GPL-2.0-only
"""The record: by which doors the change of a file went, and what each said.

A record speaks of contents, not of names or dates: of a file of one kernel
version, by its path and the SHA-256 of its bytes before and after.  So it is
never wrong about a file that was edited since, it just no longer speaks of it.
FOLDER is where the records are kept, PROOFS when it is not given.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from kmaplocal.errors import KmaplocalError
from kmaplocal.home import BUILD
from kmaplocal.tree.kernel import Tree

PROOFS = BUILD / "proofs"

IDENTITY, SPARSE, CONTEXT = "identity", "sparse", "context"
CHECKPATCH, FLAG, BOOT = "checkpatch", "flag", "boot"
X86_64, I386 = BUILDS = ("build x86_64", "build i386")
# In the order in which a commit message names them.
DOORS = (IDENTITY, *BUILDS, SPARSE, CONTEXT, CHECKPATCH, FLAG, BOOT)

PASSED, FAILED, UNCHECKED = OUTCOMES = ("passed", "failed", "unchecked")


class CannotRecord(KmaplocalError):
    """The folder of the records cannot be read or written."""


class Proof(NamedTuple):
    """What DOOR said of a change: one of OUTCOMES, and in a few words of what
    the outcome does not speak ("" when of nothing)."""

    door: str
    outcome: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.door} ({self.detail})" if self.detail else self.door


def add(
    kernel_root: Path,
    path: Path | str,
    before: bytes,
    after: bytes,
    door: str,
    outcome: str,
    detail: str = "",
    folder: Path | None = None,
) -> None:
    """Record that DOOR (one of DOORS) ended with OUTCOME for the change of PATH
    below KERNEL_ROOT from BEFORE to AFTER; it replaces what DOOR said before.

    Raises CannotRecord; NotAKernelTree."""
    if door not in DOORS or outcome not in OUTCOMES:
        raise ValueError(f"{door}: {outcome}: no such door or outcome")
    file = _file(folder, kernel_root, path)
    key = f"{_digest(before)} {_digest(after)}"
    try:
        with _locked(file):
            changes = _read(file)
            changes.setdefault(key, {})[door] = [outcome, detail]
            _write(file, changes)
    except OSError as error:
        raise CannotRecord(f"{file}: {error.strerror}; not recorded") from None


def proved(said: Sequence[Proof]) -> list[Proof]:
    """Of what is recorded of a change, the doors that let it pass; not one that found
    something against a change with the same end."""
    against = {proof.door for proof in said if proof.outcome == FAILED}
    return [p for p in said if p.outcome == PASSED and p.door not in against]


def recorded(
    kernel_root: Path,
    path: Path | str,
    after: bytes,
    before: bytes | None = None,
    folder: Path | None = None,
) -> list[Proof]:
    """All that is recorded of a change of PATH to AFTER, in the order of DOORS; without
    BEFORE of any change that ends in AFTER.  Raises CannotRecord, NotAKernelTree."""
    file = _file(folder, kernel_root, path)
    try:
        changes = _read(file)
    except OSError as error:
        raise CannotRecord(f"{file}: {error.strerror}; not read") from None
    found = {
        Proof(door, *said)
        for key, doors in changes.items()
        if _speaks_of(key, before, after)
        for door, said in doors.items()
    }
    return sorted(found, key=lambda proof: (DOORS.index(proof.door), proof))


def spoken_of(kernel_root: Path, folder: Path | None = None) -> list[Path]:
    """The files of which there is any record for the version of KERNEL_ROOT.

    Raises NotAKernelTree."""
    top = _top(folder, kernel_root)
    files = (file.relative_to(top) for file in top.rglob("*.json"))
    return sorted(file.with_suffix("") for file in files)


def _speaks_of(key: str, before: bytes | None, after: bytes) -> bool:
    old, new = key.split()
    return new == _digest(after) and (before is None or old == _digest(before))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _top(folder: Path | None, kernel_root: Path) -> Path:
    return (folder or PROOFS) / f"linux-{Tree(kernel_root).version}"


def _file(folder: Path | None, kernel_root: Path, path: Path | str) -> Path:
    return _top(folder, kernel_root) / f"{path}.json"


def _read(file: Path) -> dict[str, dict[str, list[str]]]:
    try:
        return json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError:
        raise CannotRecord(f"{file}: not a record; remove it") from None


def _write(file: Path, changes: dict) -> None:
    fresh = file.with_name(f".kmaplocal-{secrets.token_hex(8)}")
    try:
        fresh.write_text(json.dumps(changes, indent=1, sort_keys=True) + "\n")
        os.replace(fresh, file)
    finally:
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """No other process changes FILE meanwhile; its folder is there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
