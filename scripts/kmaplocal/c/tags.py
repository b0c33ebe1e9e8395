# SPDX-License-Identifier: GPL-2.0-only
"""Where functions begin and end, as Universal Ctags sees it."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import IO, NamedTuple

from kmaplocal import names, scratch
from kmaplocal.errors import KmaplocalError
from kmaplocal.workers import cores

_NAMES = ("ctags-universal", "u-ctags", "uctags", "ctags")
_PLAIN: tuple[str, ...] = ("--quiet", "--options=NONE", "--language-force=C")
_PLAIN += ("--excmd=number", "--sort=no", "-f", "-", "-L", "-")
_MANY = 200  # files that are worth a second process

# Macros of declarations that ctags trips over.
_EXPANSIONS = (
    "DECLARE_BITMAP(n,b)=unsigned long n[b]",
    "DECLARE_FLEX_ARRAY(t,n)=t n[]",
    "__DECLARE_FLEX_ARRAY(t,n)=t n[]",
    "__aligned(x)=",
    "__counted_by(x)=",
    "__packed=",
    "____cacheline_aligned=",
    "____cacheline_aligned_in_smp=",
    "__iomem=",
    "__rcu=",
    "__user=",
    "struct_group(n,...)=struct { __VA_ARGS__ } n;",
)


_LINE_END = re.compile(r"[\n\r]")
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|[abtnvfr\\])")
_ESCAPES = dict(zip("abtnvfr\\", "\a\b\t\n\v\f\r\\"))


class TagsError(KmaplocalError):
    """Universal Ctags is missing or failed."""


class Function(NamedTuple):
    """One function definition: line of its name, and line of its last brace.

    `end` is 0 where ctags lost its way and gave none.
    """

    file: str
    name: str
    line: int
    end: int


def program() -> str:
    """The Universal Ctags program. Errors: TagsError when there is none."""
    for name in (os.environ.get("CTAGS", ""), *_NAMES):
        path = shutil.which(name) if name else None
        if path and _is_universal(path):
            return path
    raise TagsError("Universal Ctags not found: install universal-ctags or set CTAGS")


@lru_cache
def _is_universal(path: str) -> bool:
    asked = subprocess.run([path, "--version"], capture_output=True, text=True)
    return asked.stdout.startswith("Universal Ctags")


def functions(
    tree: Path, files: Iterable[str], instead: Mapping[str, str] = {}
) -> list[Function]:
    """The functions defined in `files`, by file and line, from one ctags run.

    In: a folder, and paths below it; what does not exist there is left out; the texts
    to be looked at INSTEAD of what is in some of these.
    Out: sorted definitions; a name defined twice in a file (`#ifdef`) comes
    twice. Errors: TagsError.
    """
    there = [name for name in files if (tree / name).is_file()]
    if not there:
        return []
    listed = [name for name in _listed(tree, there) if name not in instead]
    linked = [name for name in there if name not in set(listed)]
    with scratch.folder() as folder:
        links = _links(tree, linked, folder, instead)
        found = _functions(tree, [*listed, *links], folder)
        found = [tag._replace(file=links.get(tag.file, tag.file)) for tag in found]
    return sorted(found, key=lambda tag: (tag.file, tag.line))


def _links(
    tree: Path, files: Iterable[str], folder: str, instead: Mapping[str, str]
) -> dict[str, str]:
    """Links to FILES that a list can name, each with the name it stands for; files of
    the texts INSTEAD of some."""
    links = {os.path.join(folder, f"{n}.c"): f for n, f in enumerate(files)}
    for link, file in links.items():
        if file in instead:
            Path(link).write_bytes(instead[file].encode(errors="surrogateescape"))
        else:
            os.symlink(tree / file, link)
    return links


def _environment(folder: str) -> dict[str, str]:
    # ctags leaves its temporary files behind where it fails.
    return {**os.environ, "TMPDIR": folder}


def _failed(tree: Path, said: bytes) -> TagsError:
    message = names.line(os.fsdecode(said).strip().replace("\n", "; "))
    return TagsError(
        f"ctags failed in {names.quoted(tree)}, with temporary files in"
        f" {scratch.place()} (TMPDIR): {message}"
    )


def _functions(tree: Path, files: list[str], folder: str) -> list[Function]:
    run = subprocess.run(
        [program(), "--options=NONE", "--language-force=C", "--kinds-C=f"]
        + ["--fields=+ne", "--excmd=number", "--sort=no", "-f", "-", "-L", "-"],
        cwd=tree,
        env=_environment(folder),
        input=os.fsencode("".join(f"{name}\n" for name in files)),
        capture_output=True,
    )
    if run.returncode:
        raise _failed(tree, run.stderr)
    lines = os.fsdecode(run.stdout).split("\n")
    return [_parse(line) for line in lines if line and not line.startswith("!_TAG_")]


def _listed(tree: Path, files: Iterable[str]) -> list[str]:
    """Those of FILES that are there, and that a list can name."""
    return [f for f in files if not _LINE_END.search(f) and (tree / f).is_file()]


def named(file: str) -> str:
    """The file that a tag's line calls FILE: ctags writes the escapes of C."""
    return _ESCAPE.sub(_unescaped, file) if "\\" in file else file


def _unescaped(match: re.Match) -> str:
    text = match[1]
    return chr(int(text[1:], 16)) if text[0] == "x" else _ESCAPES[text]


def _parse(line: str) -> Function:
    """One line of a tags file: name, file, address, kind, then key:value."""
    name, file, _address, *fields = line.split("\t")
    values = dict(field.split(":", 1) for field in fields if ":" in field)
    return Function(named(file), name, int(values["line"]), int(values.get("end", 0)))


def lines(tree: Path, files: Iterable[str], options: Sequence[str]) -> Iterator[str]:
    """The line of every tag of FILES, from one ctags run with OPTIONS.

    In: as functions(). Errors: TagsError."""
    with scratch.file() as found:
        write(tree, files, options, found)
        found.seek(0)
        for line in found:
            if not line.startswith(b"!_TAG_"):
                yield os.fsdecode(line).rstrip("\n")


def write(
    tree: Path, files: Iterable[str], options: Sequence[str], into: IO[bytes]
) -> None:
    """Write the line of every tag of FILES, from a few ctags runs with OPTIONS, and
    lines about the runs that begin with "!".

    In: as functions(). Errors: TagsError."""
    there = _listed(tree, files)
    runs = max(1, min(cores(), len(there) // _MANY)) if there else 0
    command = [program(), *_PLAIN, *options]
    command += [word for text in _EXPANSIONS for word in ("-D", text)]
    with ExitStack() as stack:
        parts = [stack.enter_context(_Part()) for _ in range(runs)]
        for number, part in enumerate(parts):
            # Neighbours are of a size: deal them out.
            part.start(command, tree, there[number::runs])
        for part in parts:
            part.finish(into)


class _Part:
    """One of several ctags runs, with files for what goes in and comes out."""

    def __enter__(self) -> "_Part":
        self.names, self.found, self.trouble = (scratch.file() for _ in range(3))
        self.folder = scratch.folder()
        self.run: subprocess.Popen | None = None
        return self

    def __exit__(self, *_error: object) -> None:
        if self.run and self.run.poll() is None:
            self.run.kill()
            self.run.wait()
        for file in (self.names, self.found, self.trouble):
            file.close()
        self.folder.cleanup()

    def start(self, command: Sequence[str], tree: Path, files: Sequence[str]) -> None:
        """Run COMMAND on FILES."""
        self.tree = tree
        self.names.write(os.fsencode("".join(f"{file}\n" for file in files)))
        self.names.seek(0)
        self.run = subprocess.Popen(
            command,
            cwd=tree,
            env=_environment(self.folder.name),
            stdin=self.names,
            stdout=self.found,
            stderr=self.trouble,
        )

    def finish(self, into: IO[bytes]) -> None:
        """Wait for its end, and add what it found to a file."""
        if self.run and self.run.wait():
            self.trouble.seek(0)
            raise _failed(self.tree, self.trouble.read())
        self.found.seek(0)
        shutil.copyfileobj(self.found, into)
