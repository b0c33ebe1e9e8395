# SPDX-License-Identifier: GPL-2.0-only
"""Where kmaplocal is, and where it may write what it makes on the way."""

import os
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]


def _build() -> Path:
    """build/ in the repository; where it is installed, a folder of the user's."""
    if (TOP / "Makefile").exists():
        return TOP / "build"
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(caches) / "kmaplocal/build"


BUILD = _build()
