# SPDX-License-Identifier: GPL-2.0-only
"""The git repository a tree may be in, only ever read."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

# Set by git for its hooks, where they would point at another repository.
_VARIABLES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")


def encloses(root: Path) -> bool:
    """Whether ROOT is the top of a repository's work tree, or below it."""
    return any((folder / ".git").exists() for folder in (root, *root.parents))


def environment() -> dict[str, str]:
    """That of a git which is asked about one tree, and changes nothing."""
    kept = {k: v for k, v in os.environ.items() if k not in _VARIABLES}
    return {**kept, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}


def git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run git with ARGUMENTS in ROOT; paths among them are no patterns.

    Returns the finished process, whatever its status.  Raises FileNotFoundError
    when there is no git."""
    command = ["git", "--literal-pathspecs", "-c", "core.fsmonitor=false"]
    return subprocess.run(
        [*command, *arguments],
        cwd=root,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )


def ignores(root: Path) -> bool:
    """Whether the enclosing repository ignores ROOT as a whole; not, where there is
    no git.

    `git ls-files --directory` ends with an internal error in such a folder, and
    check-ignore takes no --literal-pathspecs."""
    try:
        done = subprocess.run(
            ["git", "-c", "core.fsmonitor=false", "check-ignore", "--quiet", "."],
            cwd=root,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
    except FileNotFoundError:
        return False
    return done.returncode == 0
