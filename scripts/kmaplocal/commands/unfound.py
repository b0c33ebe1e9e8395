# SPDX-License-Identifier: GPL-2.0-only
"""What is said of functions that a module calls and nobody found."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from kmaplocal.console import Console
from kmaplocal.names import quoted

_SHOWN = 20


def say_unfound(names: Iterable[str], kernel: Path | None, console: Console) -> None:
    """Name once the functions NAMES that are given an address, and are neither in the
    module nor in KERNEL, where there is one."""
    found = sorted(set(names))
    if not found:
        return
    told = ", ".join(f"{name}()" for name in found[:_SHOWN])
    more = len(found) - _SHOWN
    told += f" and {more} more" if more > 0 else ""
    where = (
        f"nor in {quoted(kernel)}" if kernel else "SOURCE= names a kernel to look in"
    )
    console.say(f"note: not defined here: {told}; {where}")
