# SPDX-License-Identifier: GPL-2.0-only
"""Steps: changes one after the other, as the commits of a series, each built for
x86_64 in its turn: with those before it made, and those after it not.

An object depends on the files it is made of and on those that they include.  So
steps that change no file which others include can be built in one go, and each is
built from what it would be built from alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from kmaplocal.prove import complaints
from kmaplocal.prove.bench import AFTER, BEFORE, Bench
from kmaplocal.prove.builds import BUILD_X86_64
from kmaplocal.prove.complaints import ERROR
from kmaplocal.prove.objects import includers

Step = Sequence[Path]


@dataclass(frozen=True)
class Built:
    """What came of a step: its objects that were made, and why one is not made any
    more ("": none such)."""

    objects: tuple[str, ...] = ()
    error: str = ""


@dataclass
class Steps:
    """STEPS of the changes of an open BENCH, which share no file; MADE is called for
    each object that is begun."""

    bench: Bench
    steps: Sequence[Step]
    made: Callable[[], None] = lambda: None
    # What the files that others include hold now, as a text of digests.
    _state: dict[Path, str] = field(default_factory=dict)

    def run(self) -> list[Built]:
        """What came of each step; what was built before of the same contents is
        remembered.  A step that does not build is taken back.

        Raises CannotBuild when nothing can be built here; OSError."""
        everything = [path for step in self.steps for path in step]
        shared = [path for path in everything if self._shared(path)]
        self._put(everything, AFTER)
        self._put(shared, BEFORE)
        found: dict[int, Built] = {}
        for numbers in self._batches():
            found |= self._batch(numbers)
        return [found[number] for number in range(len(self.steps))]

    def _shared(self, path: Path) -> bool:
        return self.bench.objects[path].shared

    def _batches(self) -> Iterator[list[int]]:
        """The numbers of steps that can be built in one go."""
        batch: list[int] = []
        for number, step in enumerate(self.steps):
            if any(map(self._shared, step)):
                yield from [batch, [number]] if batch else [[number]]
                batch = []
            else:
                batch.append(number)
        if batch:
            yield batch

    def _batch(self, numbers: Sequence[int]) -> dict[int, Built]:
        for number in numbers:
            self._put(filter(self._shared, self.steps[number]), AFTER)
        files = {number: self._file(number) for number in numbers}
        known = {number: _remembered(file) for number, file in files.items()}
        found = {number: built for number, built in known.items() if built}
        new = [number for number in numbers if number not in found]
        found |= self._build(new)
        for number in new:
            _remember(files[number], found[number])
        for number in numbers:
            if found[number].error:
                self._put(self.steps[number], BEFORE)
        return found

    def _build(self, numbers: Sequence[int]) -> dict[int, Built]:
        later = [path for number in numbers for path in self._later(number)]
        self._put(later, BEFORE)
        stems = {number: self._stems(number) for number in numbers}
        there, said = self._make(stem for each in stems.values() for stem in each)
        gone = [s for each in stems.values() for s in each if s not in there]
        broken = gone and self._were_there(numbers, gone)
        self._put(later, AFTER)
        return {
            number: Built(
                tuple(stem for stem in each if stem in there),
                self._why([stem for stem in each if stem in broken], said),
            )
            for number, each in stems.items()
        }

    def _were_there(self, numbers: Sequence[int], gone: Sequence[str]) -> set[str]:
        """Those of the objects GONE that could be made before the steps."""
        mine = [path for number in numbers for path in self.steps[number]]
        self._put(mine, BEFORE)
        there, _ = self._make(gone)
        self._put(mine, AFTER)
        return there

    def _later(self, number: int) -> list[Path]:
        """Files of later steps in whose objects one of this step's may be."""
        rest = [path for step in self.steps[number + 1 :] for path in step]
        mine = filter(self._shared, self.steps[number]) if rest else ()
        root, names = self.bench.root, [str(path) for path in rest]
        found = {user for path in mine for user in includers(root, path, names)}
        stems = self.bench.stems(self.steps[number])
        return [p for p in rest if p in found or str(p.with_suffix("")) in stems]

    def _stems(self, number: int) -> list[str]:
        return self.bench.stems([*self.steps[number], *self._later(number)])

    def _make(self, stems: Iterable[str]) -> tuple[set[str], str]:
        """Those of STEMS whose object could be made, and what the tools said."""
        wanted = list(dict.fromkeys(stems))
        if not wanted:
            return set(), ""
        bench, door = self.bench, BUILD_X86_64
        how = (door.settings(), wanted, self.made)
        said = bench.make(door.configuration, ".o", *how)
        there = {
            stem
            for stem in wanted
            if bench.product(door.configuration, f"{stem}.o").exists()
        }
        return there, said

    def _why(self, broken: Sequence[str], said: str) -> str:
        """The first error of an object that is not made any more; "" without any."""
        if not broken:
            return ""
        for each in complaints.read(said, self.bench.farm.folder):
            if each.kind == ERROR and str(Path(each.source).with_suffix("")) in broken:
                place = self.bench.place(each.file, each.line)
                return f"{place}: {each.text}"
        return f"{broken[0]}.o is not made any more"

    def _put(self, paths: Iterable[Path], side: str) -> None:
        aligned = self.bench.aligned
        texts = {path: getattr(aligned[path], side).text for path in paths}
        self.bench.farm.put(texts)
        for path, text in texts.items():
            if self._shared(path):
                self._state[path] = hashlib.sha256(text).hexdigest()

    def _file(self, number: int) -> Path:
        """Where it is remembered what came of a step from what is there now."""
        kbuild = self.bench.unprepared(BUILD_X86_64.configuration)
        aligned = self.bench.aligned
        sides = [
            (str(path), aligned[path].before.text, aligned[path].after.text)
            for path in self.steps[number]
        ]
        seen = repr((kbuild.mark(), sides, sorted(self._state.items())))
        name = hashlib.sha256(seen.encode()).hexdigest()
        return self.bench.folder / "steps" / f"{name}.json"


def _remembered(file: Path) -> Built | None:
    try:
        found = json.loads(file.read_bytes())
    except (FileNotFoundError, ValueError):  # or half written, when it was stopped
        return None
    return Built(tuple(found["objects"]), found["error"])


def _remember(file: Path, built: Built) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(asdict(built)) + "\n")
