# SPDX-License-Identifier: GPL-2.0-only
"""A file's change as a patch that `git apply` and `patch -p1` take."""

import subprocess
import tempfile
from pathlib import Path

from kmaplocal import names


def unified(path: Path, before: bytes, after: bytes, context: int = 3) -> bytes:
    """The -p1 patch that turns BEFORE into AFTER; empty when they are the same.

    CONTEXT lines are shown around a change, with 0 for a context-free one.
    """
    if before == after:
        return b""
    old, new = (names.quoted(f"{side}/{path}") for side in "ab")
    header = f"diff --git {old} {new}\n".encode()
    return header + _diff((old, new), before, after, context)


def _diff(labels: tuple[str, str], before: bytes, after: bytes, context: int) -> bytes:
    # diff(1) and not difflib: minimal, fast on long files, knows "No newline".
    with tempfile.NamedTemporaryFile(prefix="kmaplocal-") as old:
        old.write(before)
        old.flush()
        # git and patch end a name with blanks in it at a tab.
        labelled = (f"{name}\t" if " " in name else name for name in labels)
        shown = [word for label in labelled for word in ("--label", label)]
        style = ["-p"] if context else []
        command = ["diff", "-a", *style, f"-U{context}", *shown, old.name, "-"]
        done = subprocess.run(command, input=after, capture_output=True)
    if done.returncode != 1:
        raise OSError(f"diff failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
