# SPDX-License-Identifier: GPL-2.0-only
"""What somebody who makes a series asks for."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from kmaplocal.home import BUILD
from kmaplocal.prove import trial
from kmaplocal.series.grouping import DRIVER
from kmaplocal.tree.target import Target, target

# A patch goes through all doors of make verify, and each commit is built in its turn.
COMMITS = "commits"
DOORS = (*trial.TABLE, COMMITS)


@dataclass(frozen=True)
class Request:
    """The series for FILES of KERNEL, as mails in OUT and on a new BRANCH ("": none).
    SPLIT says what is one patch; only patches of files below ONLY, none of files below
    SKIP. CONTEXT lines stand around a change. PREVIOUS: the folder with the mails that
    were sent before, of which this is the next version. FIXES: of findings as bad as
    that (None: no fixes, but conversions). VERIFY: only what nothing stands against,
    asked of DOORS below BUILD with CC."""

    kernel: Path
    files: tuple[str, ...]
    out: Path
    branch: str = ""
    split: str = DRIVER
    skip: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    dry_run: bool = False
    context: int = 3
    previous: Path | None = None
    fixes: str | None = None
    verify: bool = False
    doors: frozenset[str] = frozenset(DOORS)
    build: Path = BUILD
    cc: str | None = None
    jobs: int | None = None
    timeout: float = 120.0

    def target(self, root: Path) -> Target:
        """What the tree at ROOT, a kernel, is for."""
        return target(root)

    def wants(self, path: Path) -> bool:
        """Whether there may be a patch of the file at PATH."""
        if any(path.is_relative_to(place) for place in self.skip):
            return False
        return not self.only or any(path.is_relative_to(p) for p in self.only)

    def command(self) -> str:
        """What makes the same series, to be pasted into a shell."""
        settings = {
            "FILES": " ".join(self.files),
            "SPLIT": "" if self.split == DRIVER else self.split,
            "SKIP": " ".join(self.skip),
            "ONLY": " ".join(self.only),
            "FIXES": self.fixes or "",
            "VERIFY": "1" if self.verify else "",
            "DOORS": self._some_doors(),
        }
        words = [f"{k}={shlex.quote(v)}" for k, v in settings.items() if v]
        return " ".join(["make series KERNEL=linux", *words])

    def report(self) -> str:
        """What says the next step for each mapping of the same files."""
        return f"make report KERNEL=linux FILES={shlex.quote(' '.join(self.files))}"

    def _some_doors(self) -> str:
        if not self.verify or self.doors == frozenset(DOORS):
            return ""
        return " ".join(d.removeprefix("build ") for d in DOORS if d in self.doors)
