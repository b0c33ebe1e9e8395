# SPDX-License-Identifier: GPL-2.0-only
"""A kernel image: built from a source folder, kept by what it was built from."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kmaplocal.errors import KmaplocalError
from kmaplocal.prove.boot import source
from kmaplocal.prove.boot.sides import Side, write_json
from kmaplocal.workers import CHILDREN, cores, run_one

MODULE = "kmap_order"
COMPILER = "gcc"

# Objects of such a kernel, for the progress only.
ABOUT = 1150

_TARGETS = ("bzImage", "modules")
# What would differ from build to build of the same source.
_STEADY = (
    "LOCALVERSION=",
    "KBUILD_BUILD_TIMESTAMP=",
    "KBUILD_BUILD_USER=kmaplocal",
    "KBUILD_BUILD_HOST=kmaplocal",
)
_COMPILED = re.compile(r"^ +(CC|AS|LD|AR)  ?(\[M\])? ")
_SETTING = re.compile(r"^(CONFIG_\w+)=(.*)$", re.MULTILINE)
_ERROR = re.compile(r"error:|undefined reference|can't |cannot ")


class BuildFailed(KmaplocalError):
    """The kernel does not build."""

    status = 1


class ConfigLost(KmaplocalError):
    """The kernel has no such options, or not together."""


@dataclass(frozen=True)
class Image:
    """A kernel that was built: FOLDER holds it, the module, its configuration, and
    the list of the sources that are in it."""

    folder: Path

    @property
    def kernel(self) -> Path:
        return self.folder / "bzImage"

    @property
    def module(self) -> Path:
        return self.folder / f"{MODULE}.ko"

    def sources(self) -> frozenset[str]:
        """The files of the tree that its objects were made of. Raises OSError."""
        return frozenset(json.loads((self.folder / "sources.json").read_bytes()))


@dataclass(frozen=True)
class Recipe:
    """How an image is made: FRAGMENT, a file of settings; MODULE, the folder of the
    module that goes with it; how many JOBS at a time, without it all cores."""

    fragment: Path
    module: Path
    jobs: int | None = None


class Builder:
    """Builds images below WORK, one side after the other in the same folders."""

    def __init__(self, work: Path, images: Path, recipe: Recipe):
        """WORK is for one tree alone; IMAGES is where images are kept."""
        self._source = source.Source(work / "source")
        self._objects = work / "objects"
        self._module = work / MODULE
        self._log = work / "build.log"
        self._images, self._recipe = images, recipe

    def kept(self, side: Side) -> Image | None:
        """The image of SIDE, if it was built before. Raises OSError."""
        folder = self._place(side)
        return Image(folder) if folder.is_dir() else None

    def build(self, side: Side, progress: Callable[[int], None]) -> Image:
        """The image of SIDE; PROGRESS is told how many objects were made.

        Raises BuildFailed with the first error and where the log is; ConfigLost;
        source.Unsteady; OSError."""
        place = self._place(side)
        self._source.take(side, lambda done: None)
        self._log.write_bytes(b"")
        self._objects.mkdir(exist_ok=True)
        fragment = self._recipe.fragment
        self._make("allnoconfig", f"KCONFIG_ALLCONFIG={fragment.resolve()}")
        lost = lost_settings(fragment.read_text(), self._config().read_text())
        if lost:
            raise ConfigLost(
                f"{side.name}: has no {' '.join(lost)} as {fragment} asks for;"
                " see there what the boot needs"
            )
        self._make(*_TARGETS, progress=progress)
        self._build_module()
        return self._keep(place)

    def _place(self, side: Side) -> Path:
        parts = [source.digest(side), _compiler()]
        parts += sorted(map("=".join, _settings(self._recipe.fragment.read_text())))
        parts += [file.read_text() for file in sorted(self._recipe.module.iterdir())]
        digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        return self._images / digest[:16]

    def _config(self) -> Path:
        return self._objects / ".config"

    def _build_module(self) -> None:
        shutil.rmtree(self._module, ignore_errors=True)
        shutil.copytree(self._recipe.module, self._module)
        self._make(f"M={self._module.resolve()}", "modules")

    def _make(
        self, *arguments: str, progress: Callable[[int], None] = lambda done: None
    ) -> None:
        command = ["make", "-C", str(self._source.folder.resolve()), "ARCH=i386"]
        command += [f"O={self._objects.resolve()}", f"CC={COMPILER}"]
        command += [f"-j{self._recipe.jobs or cores()}", *_STEADY, *arguments]
        reader = _MakeReader(progress)
        if run_one(lambda: _follow(command, self._log, reader.take)):
            raise BuildFailed(
                f"the kernel does not build: {reader.trouble()}; log: {self._log}"
            )

    def _keep(self, place: Path) -> Image:
        fresh = place.with_name(f"{place.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        shutil.copy(self._objects / "arch/x86/boot/bzImage", fresh)
        shutil.copy(self._module / f"{MODULE}.ko", fresh)
        shutil.copy(self._config(), fresh / "config")
        write_json(fresh / "sources.json", sorted(self._built_from()))
        fresh.rename(place)
        return Image(place)

    def _built_from(self) -> set[str]:
        """The source files that the rules of the built objects name."""
        top = f"{self._source.folder.resolve()}/"
        named = re.compile(re.escape(top) + r"([^\s\\)]+)")
        found = set()
        for rules in self._objects.rglob(".*.cmd"):
            found.update(named.findall(rules.read_text(errors="replace")))
        return found


class _MakeReader:
    """Tells PROGRESS of the objects that make speaks of, and remembers trouble."""

    def __init__(self, progress: Callable[[int], None]):
        self._progress = progress
        self._done, self._error, self._last = 0, "", ""

    def take(self, line: str) -> None:
        """The next line of make's output."""
        if _COMPILED.match(line):
            self._done += 1
            self._progress(self._done)
        elif _ERROR.search(line):
            self._error = self._error or line
        elif not line.startswith("make"):
            self._last = line

    def trouble(self) -> str:
        """The first error, or else what was said last."""
        return self._error or self._last


def _follow(command: Sequence[str], log: Path, take: Callable[[str], None]) -> int:
    """Run COMMAND, its output to LOG and by lines to TAKE; its exit status."""
    with (
        log.open("ab", buffering=0) as file,
        CHILDREN.merged(command) as process,
    ):
        for line in process.stdout:
            file.write(line)
            take(line.decode(errors="replace").strip("\n"))
        return process.wait()


def lost_settings(fragment: str, config: str) -> list[str]:
    """What FRAGMENT asks for and CONFIG has not; n is asked for as well as y."""
    has = dict(_settings(config))
    return [f"{k}={v}" for k, v in _settings(fragment) if has.get(k, "n") != v]


def _settings(config: str) -> list[tuple[str, str]]:
    return _SETTING.findall(config)


def _compiler() -> str:
    done = subprocess.run([COMPILER, "--version"], capture_output=True, check=True)
    return done.stdout.decode(errors="replace").split("\n")[0]
