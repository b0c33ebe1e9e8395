# SPDX-License-Identifier: GPL-2.0-only
"""Where functions begin and end, as Universal Ctags sees it."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from kmaplocal.errors import KmaplocalError

_NAMES = ("ctags-universal", "u-ctags", "uctags", "ctags")


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


def _is_universal(path: str) -> bool:
    asked = subprocess.run([path, "--version"], capture_output=True, text=True)
    return asked.stdout.startswith("Universal Ctags")


def functions(tree: Path, files: Iterable[str]) -> list[Function]:
    """The functions defined in `files`, by file and line, from one ctags run.

    In: a folder, and paths below it; what does not exist there is left out.
    Out: sorted definitions; a name defined twice in a file (`#ifdef`) comes
    twice. Errors: TagsError.
    """
    there = [name for name in files if (tree / name).is_file()]
    if not there:
        return []
    run = subprocess.run(
        [program(), "--options=NONE", "--language-force=C", "--kinds-C=f"]
        + ["--fields=+ne", "--excmd=number", "--sort=no", "-f", "-", "-L", "-"],
        cwd=tree,
        input="".join(f"{name}\n" for name in there).encode(),
        capture_output=True,
    )
    if run.returncode:
        message = run.stderr.decode(errors="replace").strip()
        raise TagsError(f"ctags failed in {tree}: {message}")
    lines = run.stdout.decode(errors="replace").split("\n")
    found = [_parse(line) for line in lines if line and not line.startswith("!_TAG_")]
    return sorted(found, key=lambda tag: (tag.file, tag.line))


def _parse(line: str) -> Function:
    """One line of a tags file: name, file, address, kind, then key:value."""
    name, file, _address, *fields = line.split("\t")
    values = dict(field.split(":", 1) for field in fields if ":" in field)
    return Function(file, name, int(values["line"]), int(values.get("end", 0)))
