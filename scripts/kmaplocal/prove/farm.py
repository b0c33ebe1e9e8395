# SPDX-License-Identifier: GPL-2.0-only
"""A farm of links to a kernel tree, in which some files have another content.

The kernel is built from it, so nothing is ever written to the tree, and a tree
that may only be read will do.  Folders are linked as a whole, but for those on
the way to a file that differs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from kmaplocal.errors import KmaplocalError
from kmaplocal.tree import repository

# What a build leaves in its source tree, and the kernel does not accept there.
_BUILT = (".config", "include/config", "include/generated")


class BuiltInPlace(KmaplocalError):
    """The tree holds objects, and no git says which files are its source."""


class Farm:
    """The links below FOLDER to the tree at ROOT."""

    def __init__(self, root: Path, folder: Path):
        """Nothing is made before prepare()."""
        self.root, self.folder = root, folder

    def prepare(self, paths: Iterable[Path]) -> None:
        """Make FOLDER a picture of the tree in which put() may write PATHS.

        Raises BuiltInPlace; OSError."""
        wanted = self._links(set(paths))
        self.folder.mkdir(parents=True, exist_ok=True)
        _clear(self.folder, Path(), wanted)
        for place, target in wanted.items():
            link = self.folder / place
            if not link.is_symlink():
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(target)

    def put(self, contents: Mapping[Path, bytes]) -> None:
        """Give files of the farm another content; those that were not named in
        prepare() cannot have one."""
        for path, content in contents.items():
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.unlink(missing_ok=True)
            file.write_bytes(content)

    def _links(self, paths: set[Path]) -> dict[Path, Path]:
        """Where a link is to be, and what it leads to."""
        if any((self.root / name).exists() for name in _BUILT):
            sources = self._sources()
            return {p: self.root / p for p in sources if p not in paths}
        open_folders = {parent for path in paths for parent in path.parents}
        found = {}
        for folder in sorted(open_folders):
            for entry in os.scandir(self.root / folder):
                place = folder / entry.name
                if entry.name != ".git" and place not in open_folders | paths:
                    found[place] = self.root / place
        return found

    def _sources(self) -> list[Path]:
        """The files that are no product of a build, by what git knows of them."""
        listing = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        command = ["git", "-C", str(self.root), *listing]
        done = subprocess.run(
            command,
            capture_output=True,
            env=repository.environment(),
            stdin=subprocess.DEVNULL,
        )
        names = [Path(os.fsdecode(name)) for name in done.stdout.split(b"\0") if name]
        if done.returncode or not names:
            raise BuiltInPlace(
                f"{self.root}: was built in place, and there is no git to tell source"
                f" from product; run make -C {self.root} mrproper, or give another tree"
            )
        return [name for name in names if os.path.lexists(self.root / name)]


def _clear(top: Path, folder: Path, wanted: Mapping[Path, Path]) -> None:
    """Remove what is below TOP / FOLDER but is not one of the links WANTED."""
    for entry in os.scandir(top / folder):
        place = folder / entry.name
        if entry.is_symlink():
            if wanted.get(place) != Path(os.readlink(entry.path)):
                os.unlink(entry.path)
        elif not entry.is_dir():
            os.unlink(entry.path)
        elif place in wanted:
            shutil.rmtree(entry.path)
        else:
            _clear(top, place, wanted)
