# SPDX-License-Identifier: GPL-2.0-only
"""The reference: what a file of a kernel was before somebody changed it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kmaplocal.errors import KmaplocalError
from kmaplocal.tree import repository
from kmaplocal.tree.kernel import Tree

# Where Debian's linux-source-* packages put their archives.
ARCHIVES = Path("/usr/src")


class NoReference(KmaplocalError):
    """There is nothing to compare a tree with, or it cannot be read."""


@dataclass(frozen=True)
class Change:
    """A file below the kernel, and its content before and after."""

    path: Path
    before: bytes
    after: bytes


class Folder:
    """Another tree."""

    def __init__(self, tree: Tree):
        self._root = tree.root
        self.name = str(tree.root)

    def read(self, paths: Iterable[Path]) -> dict[Path, bytes]:
        """What is there of PATHS. Raises NoReference."""
        found = {}
        for path in paths:
            try:
                found[path] = (self._root / path).read_bytes()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise NoReference(f"{self._root / path}: {error.strerror}") from None
        return found


class Commit:
    """The last commit of a git work tree."""

    name = "HEAD"

    def __init__(self, tree: Tree):
        self._root = tree.root

    @classmethod
    def of(cls, tree: Tree) -> Commit | None:
        """The reference, if TREE itself is in git and not just below something
        that is."""
        tracked = _run("git", "-C", str(tree.root), "ls-files", "--", "Makefile")
        return cls(tree) if tracked.returncode == 0 and tracked.stdout else None

    def read(self, paths: Iterable[Path]) -> dict[Path, bytes]:
        """What is there of PATHS."""
        found = {}
        for path in paths:
            shown = _run("git", "-C", str(self._root), "show", f"HEAD:./{path}")
            if shown.returncode == 0:
                found[path] = shown.stdout
        return found


class Archive:
    """The archive that Debian's kernel source was unpacked from.

    What was asked for is kept in CACHE: it takes seconds to find."""

    def __init__(self, archive: Path, cache: Path):
        self._archive, self._top = archive, archive.name.removesuffix(".tar.xz")
        self._cache = cache / f"{self._top}-{archive.stat().st_mtime_ns}"
        self.name = str(archive)

    @classmethod
    def of(
        cls, tree: Tree, cache: Path, archives: Path | None = None
    ) -> Archive | None:
        """The archive that TREE comes from, if one is in ARCHIVES: its Makefile is
        that of the tree. Errors: as read()."""
        archive = (archives or ARCHIVES) / f"linux-source-{tree.version}.tar.xz"
        if not archive.is_file():
            return None
        found, makefile = cls(archive, cache), Path("Makefile")
        same = (tree.root / makefile).read_bytes()
        return found if found.read([makefile]).get(makefile) == same else None

    def read(self, paths: Iterable[Path]) -> dict[Path, bytes]:
        """What is there of PATHS. Raises NoReference."""
        paths = list(paths)
        top = self._cache / self._top
        missing = [path for path in paths if not (top / path).exists()]
        if missing:
            self._unpack(missing)
        return {p: (top / p).read_bytes() for p in paths if (top / p).is_file()}

    def _unpack(self, paths: list[Path]) -> None:
        try:
            self._cache.mkdir(parents=True, exist_ok=True)
            names = [f"{self._top}/{path}" for path in paths]
            # --occurrence lets tar stop after the last of them.
            command = ["tar", "-x", "-f", str(self._archive), "-C", str(self._cache)]
            done = _run(*command, "--occurrence=1", "--", *names)
        except OSError as error:
            raise NoReference(f"{self._archive}: {error}") from None
        # It also complains of those that are not there: a file may be new.
        if done.returncode and b"Not found" not in done.stderr:
            why = done.stderr.decode(errors="replace").strip().split("\n")[0]
            raise NoReference(f"{self._archive}: cannot be unpacked: {why}")


Reference = Folder | Commit | Archive


def find(tree: Tree, before: Path | None, cache: Path) -> Reference:
    """What TREE is to be compared with: the tree BEFORE if there is one, else
    its last commit, else the archive in /usr/src that it was unpacked from.

    What is read of an archive is kept in CACHE. Raises NoReference when there is
    none of them; NotAKernelTree."""
    if before:
        return Folder(Tree(before))
    found = Commit.of(tree) or Archive.of(tree, cache)
    if found:
        return found
    raise NoReference(
        f"{tree.root}: neither in git nor unpacked from {ARCHIVES}/linux-source-"
        f"{tree.version}.tar.xz; BEFORE= names the tree to compare it with"
    )


def changes(
    tree: Tree, paths: Iterable[Path], reference: Reference
) -> tuple[list[Change], list[Path]]:
    """The files of PATHS that are not what they were, and those that are new.

    Errors: as the reference's read(); OSError."""
    paths = list(paths)
    old = reference.read(paths)
    found = []
    for path in paths:
        after = (tree.root / path).read_bytes()
        if path in old and old[path] != after:
            found.append(Change(path, old[path], after))
    return found, [path for path in paths if path not in old]


def _run(*command: str) -> subprocess.CompletedProcess:
    try:
        return subprocess.run(
            command,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=repository.environment(),
        )
    except FileNotFoundError:
        return subprocess.CompletedProcess(command, 127, b"", b"not installed")
