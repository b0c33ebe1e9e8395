# SPDX-License-Identifier: GPL-2.0-only
"""The two sides of a change: what files each tree holds, and which differ."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kmaplocal.errors import KmaplocalError
from kmaplocal.prove.boot import pristine

# What a build in the tree itself leaves behind, as the kernel's Makefile has it.
_BUILT = (".config", "include/config", "arch/x86/include/generated")
_DIFFERENT = "diff -z --name-only --no-renames --relative HEAD -- .".split()
_GIT_VARIABLES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")


class NoBefore(KmaplocalError):
    """Nothing says what the tree was before the change."""


class NotClean(KmaplocalError):
    """A tree without git that was built in place: sources and products are mixed."""


@dataclass(frozen=True)
class Side:
    """A tree: NAME it to people as this; the SHA-256 of each of its files; ROOT,
    where those files are, but for OTHERS, whose content is here."""

    name: str
    digests: Mapping[str, str]
    root: Path
    others: Mapping[str, bytes] = field(default_factory=dict)

    def read(self, path: str) -> bytes:
        """The content of PATH, one of `digests`. Raises OSError."""
        other = self.others.get(path)
        return (self.root / path).read_bytes() if other is None else other


def changed(before: Side, after: Side) -> list[str]:
    """The files that differ, or that one side only has."""
    both = before.digests.keys() | after.digests.keys()
    return sorted(p for p in both if before.digests.get(p) != after.digests.get(p))


def of_tree(root: Path, memory: Path) -> Side:
    """The tree at ROOT as it is now.

    MEMORY is a file that keeps digests: a file whose inode is as it was is not read
    again. Links are left out: building for i386 follows none. Raises NotClean,
    NoBefore (git does not work); OSError."""
    known = _recall(memory)
    found = {}
    for path in _files(root):
        stamp = _stamp(root / path)
        if not stamp:
            continue
        old_stamp, digest = known.get(path, ("", ""))
        if stamp != old_stamp:
            digest = digest_of((root / path).read_bytes())
        found[path] = (stamp, digest)
    if found != known:
        write_json(memory, found)
    return Side(str(root), {path: entry[1] for path, entry in found.items()}, root)


def before_of(after: Side, version: str, work: Path, before: Path | None) -> Side:
    """What the tree AFTER was before it was changed.

    That is the tree at BEFORE if there is one; HEAD if git knows the tree; else
    Debian's tarball, if the tree was unpacked from it. WORK is a folder to keep
    digests in. Raises NoBefore, NotClean; OSError."""
    if before:
        return of_tree(before, work / "before.json")
    if _in_git(after.root):
        return _head(after)
    tarball = pristine.find(version, work)
    if tarball and _comes_from(after, tarball.digests()):
        return _unpacked(after, tarball)
    raise NoBefore(
        f"{after.root}: neither a git tree nor Debian's linux-source;"
        " BEFORE= names the tree as it was"
    )


def digest_of(content: bytes) -> str:
    """The SHA-256 of CONTENT."""
    return hashlib.sha256(content).hexdigest()


def write_json(path: Path, value: object) -> None:
    """Make PATH hold VALUE, at once. Raises OSError."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(json.dumps(value))
    os.replace(fresh, path)


def _recall(memory: Path) -> dict[str, tuple[str, str]]:
    try:
        known = json.loads(memory.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return {path: (stamp, digest) for path, (stamp, digest) in known.items()}


def _stamp(path: Path) -> str:
    """What changes with a file's content; "" for links, and for what is gone."""
    # Nobody can set the time of the inode's change, so moved and restored files show.
    try:
        status = path.lstat()
    except FileNotFoundError:
        return ""
    if not stat.S_ISREG(status.st_mode):
        return ""
    return f"{status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def _files(root: Path) -> Iterable[str]:
    if _in_git(root):
        listing = _git(root, "ls-files", "-coz", "--exclude-standard")
        return (os.fsdecode(name) for name in listing.split(b"\0") if name)
    for product in _BUILT:
        if (root / product).exists():
            raise NotClean(
                f"{root}: was built in place (it has {product}) and is no git tree;"
                " `make mrproper` there first"
            )
    return _walk(root)


def _walk(root: Path) -> Iterable[str]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - {".git"})
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), root)


def _in_git(root: Path) -> bool:
    asked = ("ls-files", "--error-unmatch", "Makefile")
    return _run_git(root, *asked).returncode == 0


def _head(after: Side) -> Side:
    differ = _git(after.root, *_DIFFERENT)
    added = _git(after.root, "ls-files", "-oz", "--exclude-standard")
    digests, others = dict(after.digests), {}
    for path in map(os.fsdecode, added.split(b"\0")):
        digests.pop(path, None)
    for path in filter(None, map(os.fsdecode, differ.split(b"\0"))):
        shown = _run_git(after.root, "show", f"HEAD:./{path}")
        if shown.returncode:
            digests.pop(path, None)
        else:
            others[path], digests[path] = shown.stdout, digest_of(shown.stdout)
    return Side(f"HEAD of {after.root}", digests, after.root, others)


def _comes_from(after: Side, digests: Mapping[str, str]) -> bool:
    return after.digests.get("Makefile") == digests.get("Makefile")


def _unpacked(after: Side, tarball: pristine.Tarball) -> Side:
    digests = tarball.digests()
    differ = {p for p, digest in digests.items() if after.digests.get(p) != digest}
    others = tarball.read(differ)
    return Side(str(tarball.path), digests, after.root, others)


def _git(root: Path, *arguments: str) -> bytes:
    done = _run_git(root, *arguments)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().split("\n")[0]
        raise NoBefore(f"{root}: git cannot tell what is committed ({said}); mend that")
    return done.stdout


def _run_git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    for variable in _GIT_VARIABLES:
        environment.pop(variable, None)
    return subprocess.run(
        ["git", "-c", "core.fsmonitor=false", "-C", root, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
