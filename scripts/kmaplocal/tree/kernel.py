# SPDX-License-Identifier: GPL-2.0-only
"""A source tree: its candidate files; a kernel's version, and what git knows of it."""

import os
import subprocess
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from kmaplocal.errors import BadName, GitTrouble, NotAKernelTree
from kmaplocal.knowledge import api
from kmaplocal.names import quoted
from kmaplocal.tree import repository, search, source

_LANDMARKS = ("Makefile", "Kconfig", source.HEADER)
_C_SUFFIXES = (".c", ".h")
# What a whole-tree run leaves out; naming the folder brings it in.
_NOT_CODE = {"Documentation", ".git"}


class CTree:
    """A folder with C code on disk, such as an out-of-tree module's.

    `root` is its absolute path, links resolved."""

    def __init__(self, root: Path | str):
        """Open the tree at ROOT (a leading ~ is expanded).

        Raises NotAKernelTree when there is no such folder.
        """
        given = Path(root).expanduser()
        if not given.is_dir():
            what = "not a folder" if given.exists() else "no such folder"
            raise NotAKernelTree(f"{given}: {what}; KERNEL= names a kernel tree")
        self.root = given.resolve()

    def candidates(
        self, names: Iterable[str], words: tuple[str, ...] = api.OLD
    ) -> list[Path]:
        """The *.c and *.h files that hold one of WORDS as a whole identifier.

        NAMES are files or folders below the tree, `.` is all of it. The paths are
        relative to the tree, sorted, each file once, under its real name where
        NAMES go through a symbolic link. Raises BadName for a name that does not
        exist, lies outside the tree, or is a file but not of C.
        """
        places = [place for name in names for place in self._places(name)]
        if not places:
            return []
        found = self._grep(sorted(set(places)), words)
        return sorted({Path(os.path.normpath(path)) for path in found})

    def among(self, files: Iterable[str], names: Iterable[str]) -> list[str]:
        """Those of FILES, which may be gone, that candidates() of NAMES would look
        at.  Raises BadName as candidates() does."""
        places = {self.locate(name) for name in names}
        return [file for file in files if self._looked_at(file, places)]

    def scope(self, names: Iterable[str]) -> Callable[[str], bool]:
        """Whether a file, by its path in the tree, is one that candidates() of NAMES
        would look at.  Raises BadName as candidates() does."""
        return partial(self._looked_at, places={self.locate(name) for name in names})

    def _looked_at(self, file: str, places: set[Path]) -> bool:
        path = self.root / file
        if path.suffix not in _C_SUFFIXES or not path.is_file():
            return False
        if path.resolve() != path:  # through a link
            return False
        whole = Path(".") in places and Path(file).parts[0] not in _NOT_CODE
        named = places - {Path(".")}
        return whole or any(Path(file).is_relative_to(place) for place in named)

    def has_code(self, names: Iterable[str]) -> bool:
        """Whether there is any C file where candidates() of NAMES would look.

        Raises BadName as candidates() does."""
        for place in (place for name in names for place in self._places(name)):
            if place.suffix in _C_SUFFIXES:
                return True
            for _at, _folders, files in os.walk(self.root / place):
                if any(file.endswith(_C_SUFFIXES) for file in files):
                    return True
        return False

    def locate(self, name: str) -> Path:
        """The real path, relative to the tree, of the file or folder called NAME.

        Raises BadName as candidates() does.
        """
        path = self.root / name
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError):
            raise BadName(
                f"{quoted(name)}: no such file or folder in {self.root}"
            ) from None
        if not real.is_relative_to(self.root):
            raise BadName(f"{quoted(name)}: lies outside the tree {self.root}")
        if not (real.is_dir() or real.is_file()):
            raise BadName(f"{quoted(name)}: neither a file nor a folder")
        if not real.is_dir() and real.suffix not in _C_SUFFIXES:
            raise BadName(f"{quoted(name)}: not a C file (*.c or *.h)")
        return real.relative_to(self.root)

    def _places(self, name: str) -> list[Path]:
        place = self.locate(name)
        if place != Path("."):
            return [place]
        return [
            Path(entry.name)
            for entry in os.scandir(self.root)
            if entry.name not in _NOT_CODE and not entry.is_symlink()
        ]

    def _grep(self, places: list[Path], words: tuple[str, ...]) -> list[str]:
        # One that is no folder is looked at whatever it is called.
        some = [
            p for p in places if p.suffix in _C_SUFFIXES or (self.root / p).is_dir()
        ]
        if not some:
            return []
        command = search.command_for(words, _C_SUFFIXES)
        command += ["--", *(os.path.join(".", place) for place in some)]
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
        found = [os.fsdecode(path) for path in done.stdout.split(b"\0") if path]
        if done.returncode > 1:
            unread = self._unreadable(places)
            if not unread:
                raise BadName(f"{self.root}: cannot search: {_first_line(done.stderr)}")
            found += unread  # who reads them says so
        return found

    def _unreadable(self, places: Iterable[Path]) -> list[str]:
        """The C files below PLACES that may not be read; none when a folder is
        among what may not."""
        named = [self.root / place for place in places]
        found = [str(path) for path in named if path.is_file()]
        closed: list[OSError] = []
        for folder in filter(Path.is_dir, named):
            for at, _folders, files in os.walk(folder, onerror=closed.append):
                found += [os.path.join(at, f) for f in files if f.endswith(_C_SUFFIXES)]
        unread = [path for path in found if not os.access(path, os.R_OK)]
        return [] if closed else [os.path.relpath(path, self.root) for path in unread]


class Tree(CTree):
    """A kernel source tree on disk; `version` is VERSION.PATCHLEVEL."""

    def __init__(self, root: Path | str):
        """Open the tree at ROOT (a leading ~ is expanded).

        Raises NotAKernelTree when there is no such folder or it holds no kernel.
        """
        super().__init__(root)
        self.version = self._read_version(Path(root).expanduser())

    def _read_version(self, given: Path) -> str:
        for landmark in _LANDMARKS:
            if not (self.root / landmark).is_file():
                raise NotAKernelTree(
                    f"{given}: not a Linux kernel tree (it has no {landmark});"
                    " KERNEL= names the top folder of one"
                )
        found = source.numbers(self.root)
        if not found:
            raise NotAKernelTree(
                f"{given}: not a Linux kernel tree (its Makefile has no VERSION"
                " and PATCHLEVEL); KERNEL= names the top folder of one"
            )
        return ".".join(map(str, found))

    def dirty(self, paths: Iterable[Path]) -> list[Path]:
        """Those of PATHS whose content git has no committed copy of.

        Changed and untracked files count. A tree outside git, or one that the
        enclosing repository ignores (our own build/), has none. Raises GitTrouble
        when there is a repository but git cannot read it.
        """
        wanted = sorted(set(paths))
        if not wanted or not repository.encloses(self.root):
            return []
        prefix = os.fsdecode(self._git("rev-parse", "--show-prefix").rstrip(b"\n"))
        listing = self._git(
            "status",
            "--porcelain",
            "-z",
            "--untracked-files=all",
            "--no-renames",
            "--",
            *map(str, wanted),
        )
        changed = {os.fsdecode(entry[3:]) for entry in listing.split(b"\0") if entry}
        return [path for path in wanted if prefix + str(path) in changed]

    def unwatched(self, paths: Iterable[Path]) -> list[Path]:
        """Those of PATHS that git was told not to look at: ignored, and with no
        committed copy, or "assume unchanged" (or not in a sparse work tree).

        None where git ignores the whole tree. Raises GitTrouble as dirty() does."""
        wanted = sorted(set(paths))
        if not wanted or not repository.encloses(self.root):
            return []
        if repository.ignores(self.root):
            return []
        names = ("-z", "--", *map(str, wanted))
        tagged = self._git("ls-files", "-v", *names).split(b"\0")
        found = {os.fsdecode(e[2:]) for e in tagged if e[:1].islower() or e[:1] == b"S"}
        asked = ("ls-files", "--others", "--ignored", "--exclude-standard")
        found |= {os.fsdecode(e) for e in self._git(*asked, *names).split(b"\0")}
        return [path for path in wanted if str(path) in found]

    def _git(self, *arguments: str) -> bytes:
        try:
            done = repository.git(self.root, *arguments)
        except FileNotFoundError:
            raise GitTrouble(
                f"{self.root}: is in a git work tree, but there is no git to ask for"
                " uncommitted changes: apt-get install git, or FORCE=1"
            ) from None
        if done.returncode:
            why = _first_line(done.stderr) or f"its exit status: {done.returncode}"
            raise GitTrouble(
                f"{self.root}: git cannot tell uncommitted changes"
                f" ({why}); mend that, or FORCE=1"
            )
        return done.stdout


class Module(Tree):
    """A kernel, or another folder with C code, such as that of a module: its version
    is "" then."""

    def _read_version(self, given: Path) -> str:
        try:
            return super()._read_version(given)
        except NotAKernelTree:
            return ""


def _first_line(output: bytes) -> str:
    return output.decode(errors="replace").strip().split("\n")[0]
