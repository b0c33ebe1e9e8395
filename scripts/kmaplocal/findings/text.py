# SPDX-License-Identifier: GPL-2.0-only
"""The text of a tree's files, each read when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from kmaplocal.c.outline import Outline, outlines, read


class Texts:
    """The files below ROOT, by their path in it; one that is gone, or cannot be
    read, is empty."""

    def __init__(self, root: Path):
        self.root = root
        self._lines: dict[str, list[str]] = {}
        self._outlines: dict[str, Outline] = {}

    def lines(self, file: str) -> list[str]:
        """The lines of FILE."""
        if file not in self._lines:
            path = self.root / file
            try:
                text = read(path)
            except OSError:
                text = ""
            self._lines[file] = text.split("\n")
        return self._lines[file]

    def line(self, file: str, number: int) -> str:
        """Line NUMBER of FILE, from 1; "" where there is none."""
        lines = self.lines(file)
        return lines[number - 1] if 0 < number <= len(lines) else ""

    def outline_all(self, files: Iterable[str]) -> None:
        """Read the outlines of FILES together.  Errors: TagsError, OSError."""
        new = sorted(set(files) - set(self._outlines))
        self._outlines.update(outlines(self.root, new) if new else {})

    def outline(self, file: str) -> Outline:
        """The outline of FILE.  Errors: TagsError, OSError."""
        self.outline_all([file])
        return self._outlines[file]

    def function(self, file: str, line: int) -> str:
        """The name of the function that LINE of FILE is in, or ""."""
        spans = self.outline(file).functions
        return next((s.name for s in spans if s.line <= line <= s.end), "")
