# SPDX-License-Identifier: GPL-2.0-only
"""What the code of a tree is for: which kernels, and where these are to be read."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from kmaplocal.c.arms import Kernels
from kmaplocal.c.conditions import LAST, NEWEST, Version
from kmaplocal.errors import KmaplocalError
from kmaplocal.tree import source
from kmaplocal.tree.definitions import Definitions
from kmaplocal.tree.module import ModuleDefinitions

NOWHERE = Path("none")  # what is called of a kernel is not to be looked up


class BadTarget(KmaplocalError):
    """SOURCE= or OLDEST= that does not go with the tree."""


class Target(NamedTuple):
    """What the tree at ROOT is for: KERNELS; KERNEL is where to look up what it calls,
    None where it is a kernel itself, or none is known."""

    root: Path
    kernel: Path | None = None
    kernels: Kernels = Kernels()

    def definitions(self) -> Definitions:
        """All that can be looked up, nothing of it yet."""
        if self.kernel:
            return ModuleDefinitions(self.root, self.kernel)
        return Definitions(self.root)


def target(
    root: Path, given: Path | None = None, oldest: Version | None = None
) -> Target:
    """What the tree at ROOT is for, where its user has GIVEN the kernel it is built
    with, or NOWHERE, or None for the running kernel's, and the OLDEST it builds on.

    Raises BadTarget, NotAKernelTree."""
    own = source.numbers(root) if (root / source.HEADER).is_file() else ()
    if own and given not in (None, NOWHERE):
        raise BadTarget(f"{root} is a kernel itself: SOURCE= is for a module")
    kernel = None if own or given == NOWHERE else source.of_running()
    if given and not own and given != NOWHERE:
        kernel = source.top(given)
    newest = own or (source.numbers(kernel) if kernel else ())
    kernels = Kernels((*newest, LAST) if newest else NEWEST, oldest)
    if oldest and oldest > kernels.newest:
        what = ".".join(map(str, newest))
        raise BadTarget(f"OLDEST= is later than the kernel itself, {what}")
    return Target(root, kernel, kernels)


def version(text: str) -> Version:
    """The version that TEXT, such as "5.4" or "5.10.3", names.  Raises BadTarget."""
    numbers = text.split(".")
    if not 2 <= len(numbers) <= 3 or not all(n.isdigit() for n in numbers):
        raise BadTarget(f"OLDEST={text}: a version is needed, as OLDEST=5.4")
    found = tuple(map(int, numbers))
    return found if len(found) == 3 else (*found, 0)
