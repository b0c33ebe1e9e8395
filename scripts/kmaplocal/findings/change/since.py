# SPDX-License-Identifier: GPL-2.0-only
"""Since a commit: what became of a tree's files, as git sees it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from kmaplocal.errors import GitTrouble
from kmaplocal.findings.change import changes
from kmaplocal.findings.change.changes import Change
from kmaplocal.findings.text import Texts
from kmaplocal.tree import repository

# Nothing of the user's configuration may change what the diff looks like.
_PLAIN = (
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--text",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--unified=3",
    "--inter-hunk-context=0",
    "--relative",
    "--find-renames",
    "--submodule=short",
)
_SUBMODULE = "160000"
_ALL = ("ls-files", "--cached", "--others", "--exclude-standard", "-z")


def changed(texts: Texts, revision: str, files: Iterable[Path]) -> dict[str, Change]:
    """What changed in FILES since REVISION, uncommitted changes and new files too.

    REVISION is compared from where the current commit and it parted.  FILES are
    paths below the tree.  Files without a change are not in the result.  Raises
    GitTrouble when git cannot tell, BadPatch when a file changes meanwhile."""
    root, wanted = texts.root, sorted(map(str, files))
    base = _checked_base(root, revision)
    if not wanted:
        return {}
    sources = _renamed(root, base)
    names = {*wanted, *(sources[name] for name in wanted if name in sources)}
    output = _git(root, "diff", *_PLAIN, base, "--", *sorted(names))
    text = output.decode(errors="surrogateescape")
    found = changes.changes([text], "git diff", texts, 1) if text else {}
    found |= {name: Change(fresh=True) for name in _fresh(root)}
    for place, before in _submodules(root, base).items():
        found |= _changed_below(root, place, before, wanted)
    return {name: found[name] for name in wanted if name in found}


def _changed_below(
    root: Path, place: str, before: str, wanted: Iterable[str]
) -> dict[str, Change]:
    """What changed in the files WANTED of the submodule at PLACE since BEFORE; all
    did in one that is new, where that is ""."""
    inside = f"{place}/"
    names = [n.removeprefix(inside) for n in wanted if n.startswith(inside)]
    if not before:
        return {f"{inside}{name}": Change(fresh=True) for name in names}
    found = changed(Texts(root / place), before, map(Path, names))
    return {f"{inside}{name}": change for name, change in found.items()}


def touched(root: Path, revision: str) -> list[str]:
    """The files that changed() may find a change in, whatever they hold.

    Raises GitTrouble."""
    base = _checked_base(root, revision)
    asked: tuple[str, ...] = (
        "diff",
        *_PLAIN,
        "--name-only",
        "--diff-filter=d",
        "-z",
        base,
    )
    found = _names(root, *asked) | _fresh(root)
    for place, before in _submodules(root, base).items():
        below = root / place
        files = touched(below, before) if before else _names(below, *_ALL)
        found = found - {place} | {f"{place}/{name}" for name in files}
    return sorted(found)


def _submodules(root: Path, base: str) -> dict[str, str]:
    """The submodules that are there and have changed since the commit BASE, what they
    hold included: by place, with the commit that BASE has of each, "" for none."""
    asked: tuple[str, ...] = (
        "diff",
        "--raw",
        "--abbrev=40",
        "--no-renames",
        "--relative",
        "-z",
    )
    asked += ("--ignore-submodules=none", "--diff-filter=d", base)
    words = _decoded(_git(root, *asked)).split("\0")[:-1]
    found = {}
    for told, place in zip(words[::2], words[1::2]):
        mode, now, before = told.removeprefix(":").split(" ")[:3]
        if now == _SUBMODULE and (root / place / ".git").exists():
            found[place] = before if mode == _SUBMODULE else ""
    return found


def _checked_base(root: Path, revision: str) -> str:
    if not repository.encloses(root):
        raise GitTrouble(f"{root}: not in a git work tree, which SINCE= needs")
    base = _base(root, revision)
    if not _git(root, "ls-files", "--cached", "--", ".").strip():
        raise GitTrouble(f"{root}: git tracks nothing in it; SINCE= tells nothing")
    return base


def _fresh(root: Path) -> set[str]:
    """The files that git does not know and does not ignore."""
    return _names(root, "ls-files", "--others", "--exclude-standard", "-z")


def _base(root: Path, revision: str) -> str:
    """The commit to compare with.  Raises GitTrouble."""
    asked = ("rev-parse", "--verify", "--quiet", "--end-of-options")
    try:
        known = repository.git(root, *asked, f"{revision}^{{commit}}")
    except FileNotFoundError:
        message = "there is no git to ask what changed: apt-get install git"
        raise GitTrouble(f"{root}: {message}") from None
    if known.returncode:
        trouble = _first_line(known.stderr)
        why = trouble or f"git knows no commit {revision}; is it fetched?"
        raise GitTrouble(f"{root}: SINCE={revision}: {why}")
    commit = known.stdout.decode().strip()
    base = repository.git(root, "merge-base", commit, "HEAD")
    if base.returncode:
        why = "it has no commit in common with HEAD; is the history cut short?"
        raise GitTrouble(f"{root}: SINCE={revision}: {why}")
    return base.stdout.decode().strip()


def _renamed(root: Path, base: str) -> dict[str, str]:
    """The name that each renamed file had before."""
    asked = ("diff", "--relative", "--find-renames", "--diff-filter=R", "--name-status")
    words = _decoded(_git(root, *asked, "-z", base)).split("\0")[:-1]
    return {new: old for _status, old, new in zip(*[iter(words)] * 3)}


def _names(root: Path, *arguments: str) -> set[str]:
    return set(_decoded(_git(root, *arguments)).split("\0")) - {""}


def _git(root: Path, *arguments: str) -> bytes:
    done = repository.git(root, *arguments)
    if done.returncode:
        why = _first_line(done.stderr)
        raise GitTrouble(f"{root}: git cannot tell what changed ({why})")
    return done.stdout


def _decoded(output: bytes) -> str:
    return os.fsdecode(output)


def _first_line(output: bytes) -> str:
    return output.decode(errors="replace").strip().split("\n")[0]
