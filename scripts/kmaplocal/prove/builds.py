# SPDX-License-Identifier: GPL-2.0-only
"""Builds: do the objects still compile, and without a new warning?

Two doors that work alike, the compiler's and sparse's: what is said of the
files before is subtracted from what is said after.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from kmaplocal.prove import complaints, record
from kmaplocal.prove.bench import AFTER, BEFORE, Bench, Result
from kmaplocal.prove.complaints import ERROR, Complaint
from kmaplocal.prove.kbuild import I386, X86_64, CannotBuild, Configuration

_SHADOW = Path(__file__).with_name("shadow") / "sparse"

# More warnings than a plain build has; those of the code as it was do not count.
_WARNINGS = {"W": "1"}


def _sparse_settings() -> dict[str, str]:
    flags = f"-fmax-warnings=unlimited -include {_SHADOW}/context.h -I{_SHADOW}"
    return {**_WARNINGS, "C": "2", "CF": flags}


@dataclass(frozen=True)
class Door:
    """A door: its name, the configuration it is in, the settings for make, and
    whether it does with the objects that are there."""

    name: str
    configuration: Configuration
    settings: Callable[[], dict[str, str]]
    checks: bool = False


BUILD_X86_64 = Door(record.X86_64, X86_64, lambda: _WARNINGS)
BUILD_I386 = Door(record.I386, I386, lambda: _WARNINGS)
SPARSE = Door(record.SPARSE, X86_64, _sparse_settings, checks=True)
# sparse looks at the objects of the first, or makes them.
DOORS = (BUILD_X86_64, SPARSE, BUILD_I386)


@dataclass
class Trial:
    """What DOOR had to say of each side, and the objects that were there then."""

    door: Door
    said: dict[str, list[Complaint]] = field(default_factory=dict)
    there: dict[str, set[str]] = field(default_factory=dict)


class Trials:
    """The trials of all files of a bench, by some DOORS."""

    def __init__(self, bench: Bench, doors: Iterable[Door]):
        self._bench = bench
        self.trials = [Trial(door) for door in doors]

    def run(self, side: str, made: Callable[[], None]) -> None:
        """Compile and check what the bench shows of SIDE. Raises CannotBuild when
        that cannot be done here at all; OSError."""
        for trial in self.trials:
            self._try(trial, side, made)

    def results(self, made: Callable[[], None]) -> list[Result]:
        """What there is to say of each file, when both sides have been run."""
        found = []
        for trial in self.trials:
            news = self._news(trial)
            for path, objects in self._bench.objects.items():
                if objects.stems:
                    found.append(self._result(trial, path, news[path]))
            found += self._bench.uncompiled(trial.door.name)
        return found

    def _try(self, trial: Trial, side: str, made: Callable[[], None]) -> None:
        bench, door = self._bench, trial.door
        if door.checks and not shutil.which("sparse"):
            raise CannotBuild("no sparse: run scripts/install verify")
        kbuild = bench.kbuild(door.configuration)
        targets = [f"{stem}.o" for stem in bench.stems()]
        if door.checks:
            # An object that is there and up to date is only looked at.
            said = kbuild.again(targets, door.settings(), made)
        else:
            said = kbuild.make(targets, door.settings(), made)
        trial.said[side] = complaints.read(said, bench.farm.folder)
        trial.there[side] = {t for t in targets if (kbuild.folder / t).exists()}

    def _news(self, trial: Trial) -> dict[Path, list[Complaint]]:
        """What is new, by the file it is to be held against."""
        bench = self._bench
        aligned = {str(path): found for path, found in bench.aligned.items()}
        before, after = (trial.said.get(side, []) for side in (BEFORE, AFTER))
        found: dict[Path, list[Complaint]] = defaultdict(list)
        for complaint in complaints.new(before, after, aligned):
            for path in self._homes(complaint):
                found[path].append(complaint)
        return found

    def _homes(self, complaint: Complaint) -> list[Path]:
        """The changed files that may be to blame for COMPLAINT."""
        named = Path(complaint.file)
        if named in self._bench.objects:
            return [named]
        stem = str(Path(complaint.source).with_suffix(""))
        owners = [
            path
            for path, objects in self._bench.objects.items()
            if stem in objects.stems
        ]
        return owners or list(self._bench.objects)

    def _result(self, trial: Trial, path: Path, news: list[Complaint]) -> Result:
        name = trial.door.name
        wanted = {f"{stem}.o" for stem in self._bench.objects[path].stems}
        before, after = (wanted & trial.there[side] for side in (BEFORE, AFTER))
        if before - after:
            return self._broken(trial, path, sorted(before - after), news)
        if not after:
            return self._impossible(trial, path)
        if not news:
            return Result(path, name, record.PASSED, "ok")
        remarks = [self._line(name, complaint) for complaint in news]
        return Result(path, name, record.FAILED, f"{len(news)} new", "", remarks)

    def _broken(
        self, trial: Trial, path: Path, objects: list[str], news: list[Complaint]
    ) -> Result:
        name = trial.door.name
        remarks = [self._line(name, c) for c in news if c.kind == ERROR]
        remarks = remarks or [
            f"{path}: {name}: {' '.join(objects)} is not made any more"
        ]
        return Result(path, name, record.FAILED, "broken", "", remarks)

    def _impossible(self, trial: Trial, path: Path) -> Result:
        """PATH did not compile before either: say why, by its first error."""
        name = trial.door.name
        if trial.door.checks:
            why = "no object, see the build"
        else:
            why = (
                f"does not compile for {trial.door.configuration.name} before or after"
            )
            errors = [c for c in trial.said[BEFORE] if c.kind == ERROR]
            mine = [c for c in errors if path in self._homes(c)]
            if mine:
                why += f": {mine[0].file}:{mine[0].line}: {mine[0].text}"
        remark = f"{path}: {name}: not done: {why}"
        return Result(path, name, record.UNCHECKED, "-", why, [remark])

    def _line(self, name: str, complaint: Complaint) -> str:
        place = self._bench.place(complaint.file, complaint.line)
        origin = complaint.source
        via = f" (compiling {origin})" if origin != complaint.file else ""
        return f"{place}: {name}: new {complaint.kind}: {complaint.text}{via}"
