# SPDX-License-Identifier: GPL-2.0-only
"""A file's change as a patch that `git apply` and `patch -p1` take."""

import subprocess
import tempfile
from pathlib import Path


def unified(path: Path, before: bytes, after: bytes, context: int = 3) -> bytes:
    """The -p1 patch that turns BEFORE into AFTER; empty when they are the same.

    CONTEXT lines are shown around a change, with 0 for a context-free one.
    """
    if before == after:
        return b""
    header = f"diff --git a/{path} b/{path}\n"
    return header.encode(errors="surrogateescape") + _diff(path, before, after, context)


def _diff(path: Path, before: bytes, after: bytes, context: int) -> bytes:
    # diff(1) and not difflib: minimal, fast on long files, knows "No newline".
    with tempfile.NamedTemporaryFile(prefix="kmaplocal-") as old:
        old.write(before)
        old.flush()
        names = ["--label", f"a/{path}", "--label", f"b/{path}"]
        style = ["-p"] if context else []
        command = ["diff", "-a", *style, f"-U{context}", *names, old.name, "-"]
        done = subprocess.run(command, input=after, capture_output=True)
    if done.returncode != 1:
        raise OSError(f"diff failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
