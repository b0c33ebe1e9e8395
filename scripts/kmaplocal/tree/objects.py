# SPDX-License-Identifier: GPL-2.0-only
"""The settings that a file of the kernel is built for, as its Makefiles say.

Source: Documentation/kbuild/makefiles.rst of Linux 6.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePath
from typing import NamedTuple

_NAMES = ("Kbuild", "Makefile")
_SETTING = "$(CONFIG_"
_WHOLE = ("obj", "lib")  # what is built for itself, not as a part of another object
_MOST_DEEP = 4  # objects made of objects


class _Line(NamedTuple):
    """`target-$(CONFIG_SETTING) += parts`; "" for a setting that is always on."""

    target: str
    setting: str
    parts: tuple[str, ...]


def settings(root: Path, file: str) -> set[str]:
    """The settings without which the C FILE of the tree at ROOT is not built; none for
    what the Makefiles do not say so of.

    Example: {"SUNVNET_COMMON", "NETDEVICES"}"""
    path = PurePath(file)
    if path.suffix != ".c":
        return set()
    found = _of_part(root, path.parent, f"{path.stem}.o", _MOST_DEEP)
    for folder in [path.parent, *path.parent.parents][:-1]:
        inner = f"{folder.name}/"
        found = found | _of_part(root, folder.parent, inner, 1)
    return found


def _of_part(root: Path, folder: PurePath, part: str, deep: int) -> set[str]:
    """The settings that PART of the Makefile in FOLDER needs, on each line with it."""
    ways = []
    for line in _lines(root, folder) if deep else ():
        if part in line.parts:
            own = {line.setting} - {""}
            if line.target not in _WHOLE:
                own |= _of_part(root, folder, f"{line.target}.o", deep - 1)
            ways.append(own)
    return set.intersection(*ways) if ways else set()


@cache
def _lines(root: Path, folder: PurePath) -> tuple[_Line, ...]:
    for name in _NAMES:
        try:
            text = (root / folder / name).read_text(errors="replace")
        except OSError:
            continue
        return tuple(_read(text.replace("\\\n", " ")))
    return ()


def _read(text: str) -> Iterator[_Line]:
    for line in text.split("\n"):
        head, sign, rest = line.partition("#")[0].partition("=")
        target, _, by = head.rstrip(" \t:+?").rpartition("-")
        if not sign or not target:
            continue
        if by.startswith(_SETTING):
            yield _Line(target, by[len(_SETTING) :].rstrip(")"), tuple(rest.split()))
        elif by in ("y", "m", "objs"):
            yield _Line(target, "", tuple(rest.split()))
