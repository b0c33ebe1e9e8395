# SPDX-License-Identifier: GPL-2.0-only
"""The commit that made a mistake, where the tree's history proves it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from kmaplocal.findings.finding import Finding
from kmaplocal.tree import repository

# As Documentation/process/submitting-patches.rst asks for.
_DIGITS = 12


def trailers(root: Path, findings: Sequence[Finding]) -> Iterator[str]:
    """The line `Fixes: commit ("subject")`, where all lines that FINDINGS are about
    come from one commit, and git knows what was before it."""
    commits = {
        commit
        for finding in findings
        for line in _lines(finding)
        for commit in [_commit(root, finding.file, line)]
    }
    if len(commits) != 1 or "" in commits:
        return
    commit = commits.pop()
    done = repository.git(
        root, "log", "-1", f"--abbrev={_DIGITS}", "--format=%h (%x22%s%x22)", commit
    )
    if not done.returncode:
        yield f"Fixes: {done.stdout.decode(errors='surrogateescape').strip()}"


def _lines(finding: Finding) -> list[int]:
    """The lines that are wrong together: the statement, the one it changes places
    with, and others that it speaks of."""
    following = [finding.line + 1] if finding.fix == "swap" else []
    return [finding.line, *following, *finding.also]


def _commit(root: Path, file: str, line: int) -> str:
    """The commit that a line of a file is from; "" where git does not know it, or
    knows nothing from before it."""
    if not repository.encloses(root):
        return ""
    where = f"-L{line},{line}"
    done = repository.git(root, "blame", "--porcelain", where, "HEAD", "--", file)
    told = done.stdout.decode(errors="replace").split("\n")
    return "" if done.returncode or "boundary" in told else told[0].split(" ")[0]
