# SPDX-License-Identifier: GPL-2.0-only
"""The branch that the commits of a series are on."""

from __future__ import annotations

import os
import time
from itertools import count
from pathlib import Path

from kmaplocal.errors import KmaplocalError
from kmaplocal.names import quoted
from kmaplocal.series.commits import is_tracked
from kmaplocal.tree import repository

NONE = "none"


class BadBranch(KmaplocalError):
    """BRANCH names none that can be made."""


def branch_for(root: Path, asked: str) -> str:
    """The name of the branch to be made in the tree at ROOT: ASKED, or else
    kmaplocal/DATE, with a number behind it where that is taken; "" where it is NONE, or
    the tree is not in git.  Raises BadBranch."""
    if not is_tracked(root):
        if asked not in ("", NONE):
            raise BadBranch(f"{root}: not in git: leave BRANCH= away, for mails alone")
        return ""
    if asked == NONE:
        return ""
    return _valid(root, asked) if asked else _fresh(root)


def _valid(root: Path, name: str) -> str:
    if repository.git(root, "check-ref-format", "--branch", name).returncode:
        raise BadBranch(f"BRANCH={quoted(name)}: no name of a branch")
    if _is_there(root, name):
        raise BadBranch(f"BRANCH={quoted(name)}: there is such a branch; give another")
    return name


def _fresh(root: Path) -> str:
    """kmaplocal/2026-03-01, or kmaplocal/2026-03-01-2 and so on."""
    when = float(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
    name = time.strftime("kmaplocal/%Y-%m-%d", time.gmtime(when))
    if not _is_there(root, name):
        return name
    return next(n for k in count(2) if not _is_there(root, n := f"{name}-{k}"))


def _is_there(root: Path, name: str) -> bool:
    ref = f"refs/heads/{name}"
    done = repository.git(root, "rev-parse", "--verify", "--quiet", ref)
    return done.returncode == 0
