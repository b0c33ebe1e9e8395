# SPDX-License-Identifier: GPL-2.0-only
"""The bench: both versions of some files of a kernel, ready to be compiled."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kmaplocal.errors import KmaplocalError
from kmaplocal.prove import alignment, objects, record
from kmaplocal.prove.farm import Farm
from kmaplocal.prove.kbuild import Configuration, Kbuild
from kmaplocal.prove.reference import Change
from kmaplocal.c import lexer
from kmaplocal.c import tags

BEFORE, AFTER = SIDES = ("before", "after")


class Occupied(KmaplocalError):
    """Another run is using the folder that this one would build in."""


@dataclass
class Result:
    """What one door says of one file: one of record.OUTCOMES, the words for the
    table, what the record is to say beside it, and lines for people to read,
    each with its place."""

    path: Path
    door: str
    outcome: str
    words: str
    detail: str = ""
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Function:
    """A function that was changed, as both versions aligned have it."""

    name: str
    first: int
    last: int


class Bench:
    """CHANGES of the kernel at ROOT, compiled in a folder below BUILD."""

    def __init__(
        self,
        root: Path,
        changes: Sequence[Change],
        build: Path,
        cc: str | None = None,
        jobs: int | None = None,
    ):
        """Nothing is made before open()."""
        name = hashlib.sha256(os.fsencode(root)).hexdigest()[:8]
        self.root, self.changes = root, list(changes)
        self.folder = build / "verify" / f"{root.name}-{name}"
        self.farm = Farm(root, self.folder / "source")
        self.aligned = {
            change.path: alignment.align(change.before, change.after)
            for change in changes
        }
        self.objects = {
            change.path: objects.objects_of(root, change.path) for change in changes
        }
        self._functions: dict[Path, list[Function]] = {}
        self._cc, self._jobs = cc, jobs
        self._kbuilds: dict[str, Kbuild] = {}

    @contextmanager
    def open(self) -> Iterator[None]:
        """Nobody else builds here meanwhile, and there is a source to build.

        Raises Occupied; KmaplocalError for a place where the kernel does not build
        or a tree it does not build from; OSError."""
        if set(str(self.folder)) & set(" :\t"):
            raise KmaplocalError(
                f"{self.folder}: the kernel does not build below a folder with a blank"
                " or colon in its name; move this repository"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.farm.prepare(change.path for change in self.changes)
            yield
        except BlockingIOError:
            raise Occupied(
                f"{self.folder}: another run is building there; wait for its end"
            ) from None
        finally:
            os.close(handle)

    def show(self, side: str) -> None:
        """Let the source have the files of SIDE (one of SIDES)."""
        texts = {
            path: getattr(aligned, side).text for path, aligned in self.aligned.items()
        }
        self.farm.put(texts)
        self._note_functions()

    def stems(self, paths: Iterable[Path] | None = None) -> list[str]:
        """The objects to make for PATHS (all files), without suffix, each once."""
        wanted = self.objects if paths is None else paths
        return sorted({stem for path in wanted for stem in self.objects[path].stems})

    def kbuild(self, configuration: Configuration) -> Kbuild:
        """The kernel in CONFIGURATION, prepared. Raises CannotBuild; OSError."""
        if configuration.name not in self._kbuilds:
            kbuild = self.unprepared(configuration)
            kbuild.prepare()
            self._kbuilds[configuration.name] = kbuild
        return self._kbuilds[configuration.name]

    def unprepared(self, configuration: Configuration) -> Kbuild:
        """The kernel in CONFIGURATION, in which nothing can be made yet."""
        where = self.farm.folder, self.folder
        return Kbuild(*where, configuration, self._cc, self._jobs)

    def make(
        self,
        configuration: Configuration,
        suffix: str,
        settings: Mapping[str, str],
        stems: Iterable[str],
        made: Callable[[], None],
    ) -> str:
        """Make STEMS with SUFFIX of what is shown; out: what the tools said."""
        targets = [stem + suffix for stem in stems]
        return self.kbuild(configuration).make(targets, settings, made)

    def product(self, configuration: Configuration, target: str) -> Path:
        """Where TARGET is made."""
        return self.folder / configuration.name / target

    def place(self, file: str, line: int) -> str:
        """FILE:LINE for people: as FILE is now, not as it was compiled."""
        aligned = self.aligned.get(Path(file))
        return f"{file}:{aligned.after.real(line) if aligned else line}"

    def changed(self, path: Path) -> list[Function]:
        """The functions of PATH that hold a change, once both sides were shown."""
        return self._functions.get(path, [])

    def gained_words(self, path: Path, function: Function | None = None) -> set[str]:
        """The words that FUNCTION of PATH, or all of it, has more often after."""
        before, after = self._words(path, function)
        return set(after - before)

    def lost_words(self, path: Path, function: Function | None = None) -> set[str]:
        """The words that FUNCTION of PATH, or all of it, has less often after."""
        before, after = self._words(path, function)
        return set(before - after)

    def uncompiled(self, door: str) -> Iterator[Result]:
        """The results of a DOOR that compiles, for files that have no object."""
        for path, found in self.objects.items():
            if not found.stems:
                remark = f"{path}: {door}: not compiled: {found.note}"
                yield Result(path, door, record.UNCHECKED, "-", found.note, [remark])

    def _words(self, path: Path, function: Function | None) -> list[Counter]:
        """How often each word is there before and after."""
        aligned = self.aligned[path]
        first, last = (function.first, function.last) if function else (1, None)
        texts = [
            b"".join(side.lines[first - 1 : last]).decode(errors="replace")
            for side in (aligned.before, aligned.after)
        ]
        return [Counter(token.text for token in lexer.tokens(text)) for text in texts]

    def _note_functions(self) -> None:
        """Note the functions that hold a change, as ctags sees them on this side."""
        found = tags.functions(self.farm.folder, map(str, self.aligned))
        for tag in found:
            path = Path(tag.file)
            changes = self.aligned[path].changes
            if any(first <= tag.end and tag.line <= last for first, last in changes):
                known = self._functions.setdefault(path, [])
                if tag.name not in (function.name for function in known):
                    known.append(Function(tag.name, tag.line, tag.end))
