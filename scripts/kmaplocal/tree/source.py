# SPDX-License-Identifier: GPL-2.0-only
"""The kernel that a module is for: its source, or no more of it than its headers."""

from __future__ import annotations

import os
import re
from pathlib import Path

from kmaplocal.errors import NotAKernelTree

HEADER = "include/linux/highmem.h"  # what every kernel has, headers alone included
_BODIES = "mm/memory.c"  # what headers alone have not
# Of a folder that a kernel was built in, or that has the headers of one flavour:
# its Makefile is that of another folder.
_ELSEWHERE = re.compile(r"^include\s+(/\S+)/Makefile\s*$", re.MULTILINE)


def of_running() -> Path | None:
    """The folder to build modules of the running kernel with, where there is one."""
    place = Path("/lib/modules") / os.uname().release / "build"
    try:
        return top(place)
    except NotAKernelTree:
        return None


def top(given: Path | str) -> Path:
    """The top folder of the kernel whose source or headers, or a folder it was built
    in, is GIVEN (a leading ~ is expanded), links resolved.  Raises NotAKernelTree."""
    folder = Path(given).expanduser()
    makefile = folder / "Makefile"
    text = makefile.read_text(errors="replace") if makefile.is_file() else ""
    places = [folder, *map(Path, _ELSEWHERE.findall(text))]
    for place in places:
        if (place / HEADER).is_file() and numbers(place):
            return place.resolve()
    raise NotAKernelTree(
        f"{given}: neither the source nor the headers of a kernel (it has no {HEADER},"
        " or no Makefile with VERSION and PATCHLEVEL); SOURCE= names the folder"
    )


def numbers(folder: Path) -> tuple[int, ...]:
    """VERSION and PATCHLEVEL of the Makefile in FOLDER; () without these."""
    makefile = folder / "Makefile"
    text = makefile.read_text(errors="replace") if makefile.is_file() else ""
    found = [
        re.search(rf"^{name}\s*=\s*(\d+)\s*$", text, re.MULTILINE)
        for name in ("VERSION", "PATCHLEVEL")
    ]
    return tuple(int(each[1]) for each in found if each) if all(found) else ()


def is_whole(folder: Path) -> bool:
    """Whether FOLDER has the source, and not only the headers."""
    return (folder / _BODIES).is_file()
