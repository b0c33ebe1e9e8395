# SPDX-License-Identifier: GPL-2.0-only
"""make bench: what the doors cost on a kernel, as ratios to a textbook patch.

All runs are on a copy of the kernel, for one of its files is to change. They go in
turn, round after round, so that a busy machine is busy for all of them; the middle of
each counts.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kmaplocal.console import Console
from kmaplocal.cost.meter import CannotMeasure, Cost, measured, middle
from kmaplocal.tree.kernel import Tree
from kmaplocal.tree.spatch import find_spatch
from kmaplocal.workers import cores

TEXTBOOK = Path(__file__).with_name("textbook.cocci")
PARTS = ("textbook", "cold", "again", "changed", "since", "apply", "quarter", "half")
_SCRIPTS = Path(__file__).resolve().parents[2]
_FINE = (0, 1, 2)  # what was found does not matter here
_FILE = "fs/aio.c"
_WHO = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")


@dataclass
class Bench:
    """The runs of some PARTS, on so many PROCESSORS, of the kernel at ROOT, with a
    cache and a git repository below FOLDER."""

    root: Path
    folder: Path
    processors: int
    edits: int = 0
    costs: dict[str, list[Cost]] = field(default_factory=dict)

    def round(self, parts: Sequence[str]) -> None:
        """Run each of PARTS once, in the order in which one needs another."""
        for part in filter(parts.__contains__, PARTS):
            cost = getattr(self, part)()
            self.costs.setdefault(part, []).append(cost)

    def textbook(self) -> Cost:
        """spatch alone, over the whole tree."""
        command = [find_spatch().program, "--sp-file", str(TEXTBOOK), "-D", "patch"]
        command += ["--no-includes", "--include-headers", "--very-quiet"]
        command += ["--dir", str(self.root), "-j", str(self.processors)]
        command += ["--tmp-dir", str(self.folder / "spatch")]
        return measured(command, self.folder, {}, self.processors)

    def cold(self) -> Cost:
        """The report of everything, with nothing known."""
        shutil.rmtree(self.folder / "cache", ignore_errors=True)
        return self._driver("report", ".")

    def again(self) -> Cost:
        """The same once more."""
        if not (self.folder / "cache").exists():
            self._driver("report", ".")
        return self._driver("report", ".")

    def changed(self) -> Cost:
        """The same after a change of one file."""
        self.again()
        self._edit()
        return self._driver("report", ".")

    def since(self) -> Cost:
        """flag of a change of one file, with nothing known."""
        self._edit()
        return self._driver("flag", "--since", "HEAD", ".", cached=False)

    def apply(self) -> Cost:
        """The conversion of one file, with nothing known."""
        return self._driver("apply", "--dry-run", _FILE, cached=False)

    def quarter(self) -> Cost:
        """The report of a quarter of the candidate files, with nothing known."""
        return self._driver("report", "--shard", "1/4", ".", cached=False)

    def half(self) -> Cost:
        """The report of half of them."""
        return self._driver("report", "--shard", "1/2", ".", cached=False)

    def _driver(self, door: str, *words: str, cached: bool = True) -> Cost:
        command = [sys.executable, "-m", "kmaplocal", door, "--kernel", str(self.root)]
        command += ["--jobs", str(self.processors), *words]
        env = {"PYTHONPATH": str(_SCRIPTS), "NO_CACHE": "" if cached else "1"}
        env["XDG_CACHE_HOME"] = str(self.folder / "cache")
        # As make runs it: compiled once, whatever the caller's settings are.
        env |= {"PYTHONDONTWRITEBYTECODE": ""}
        env["PYTHONPYCACHEPREFIX"] = str(self.folder / "pycache")
        return measured(command, self.folder, env, self.processors, _FINE)

    def _edit(self) -> None:
        """Change one line of one file, each time another way."""
        self.edits += 1
        file = self.root / _FILE
        lines = file.read_text(errors="surrogateescape").split("\n")
        lines = [line for line in lines if not line.startswith("int bench_")]
        text = "\n".join([f"int bench_{self.edits};", *lines])
        file.unlink()
        file.write_text(text, errors="surrogateescape")


def bench(
    kernel: Path, folder: Path, parts: Sequence[str], runs: int, console: Console
) -> list[dict]:
    """The costs of PARTS, all of PARTS when it is empty, RUNS times each, on one
    processor and on all; FOLDER is where the copy of the kernel is made, and kept.

    Out: a row a part and number of processors, with the ratios to the textbook patch
    where that was measured, too.  Raises KmaplocalError, OSError."""
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        raise CannotMeasure(f"BENCH={unknown[0]}: not one of {' '.join(PARTS)}")
    wanted = tuple(parts) or PARTS
    root = _copy(Tree(kernel).root, folder, "since" in wanted)
    rows: list[dict] = []
    for processors in sorted({1, min(2, cores())}):
        todo = Bench(root, folder, processors)
        with console.progress(f"runs on {processors}", runs) as progress:
            for number in range(runs):
                todo.round(wanted)
                progress(number + 1)
        rows += _rows(todo.costs, processors, runs)
    return rows


def _copy(kernel: Path, folder: Path, git: bool) -> Path:
    root = folder / kernel.name
    if not root.exists():
        (folder / "spatch").mkdir(parents=True, exist_ok=True)
        aside = folder / f"{kernel.name}.new"
        shutil.rmtree(aside, ignore_errors=True)
        _run(["cp", "-a", "--reflink=auto", "--", str(kernel), str(aside)], folder)
        _run(["chmod", "-R", "u+w", str(aside)], folder)
        aside.rename(root)
    if git and not (root / ".git").exists():
        _run(["git", "init", "-q"], root)
        _run(["git", "add", "-A", "-f"], root)
        _run(["git", *_WHO, "commit", "-q", "-m", "the kernel"], root)
    return root


def _run(command: Sequence[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True)
    if done.returncode:
        message = os.fsdecode(done.stderr).strip().split("\n")[0]
        raise CannotMeasure(f"{' '.join(command[:2])} failed: {message}")


def _rows(costs: dict[str, list[Cost]], processors: int, runs: int) -> list[dict]:
    base = middle(costs["textbook"]) if "textbook" in costs else None
    rows = []
    for part, each in costs.items():
        cost = middle(each)
        row = {"part": part, "processors": processors, "runs": runs}
        row |= {name: round(value, 3) for name, value in cost._asdict().items()}
        if base:
            row["cpu_ratio"] = round(cost.cpu / base.cpu, 3)
            row["wall_ratio"] = round(cost.wall / base.wall, 3)
        rows.append(row)
    return rows


def as_json(rows: list[dict]) -> str:
    """The ROWS for programs."""
    return json.dumps({"costs": rows}, indent=1) + "\n"


def as_text(rows: list[dict]) -> str:
    """The ROWS for people: seconds, MB, and ratios to the textbook patch."""
    columns: tuple[str, ...] = ("part", "processors", "runs", "cpu", "wall", "memory")
    columns += ("cpu_ratio", "wall_ratio")
    table = [columns, *([_shown(row.get(c, "-")) for c in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table)]
    make: Callable[[Sequence[str]], str] = lambda cells: "  ".join(
        cell.rjust(width) for cell, width in zip(cells, widths)
    )
    return "\n".join(map(make, table)) + "\n"


def _shown(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)
