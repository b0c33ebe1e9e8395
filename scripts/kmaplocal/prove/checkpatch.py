# SPDX-License-Identifier: GPL-2.0-only
"""checkpatch: what the kernel's own style checker says of a change.

It is asked of the change and of its reverse: what it says of the lines that go
away is no news when it says the same of those that come.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from kmaplocal import scratch
from kmaplocal.apply import patch
from kmaplocal.prove.reference import Change

SCRIPT = Path("scripts/checkpatch.pl")
DEPRECATED = "DEPRECATED_API"

# These speak of mails, not of code.
_IGNORED = "COMMIT_MESSAGE,MISSING_SIGN_OFF,FILE_PATH_CHANGES,NO_AUTHOR_SIGN_OFF"
_SAID = re.compile(
    r"(?P<file>[^:\s]+):(?P<line>\d+): (?:ERROR|WARNING):(?P<type>\w+): (?P<text>.*)"
)


@dataclass(frozen=True)
class Problem:
    """FILE:LINE: TEXT, of a TYPE as checkpatch names it."""

    file: str
    line: int
    type: str
    text: str


@dataclass(frozen=True)
class Opinion:
    """The problems that come with a change, the deprecated calls before and
    after; or why there is no opinion."""

    new: tuple[Problem, ...] = ()
    deprecated: tuple[int, int] = (0, 0)
    missing: str = ""


def opinion(root: Path, change: Change) -> Opinion:
    """What checkpatch.pl of the kernel at ROOT says of CHANGE."""
    forward = patch.unified(change.path, change.before, change.after)
    reverse = patch.unified(change.path, change.after, change.before)
    try:
        gone, come = _problems(root, reverse), _problems(root, forward)
    except (OSError, ValueError) as error:
        return Opinion(missing=f"{SCRIPT} cannot run: {error}")
    old, new = (Counter(problem.type for problem in side) for side in (gone, come))
    known = {(problem.type, problem.text) for problem in gone}
    fresh = [
        problem
        for problem in come
        if new[problem.type] > old[problem.type]
        and (problem.type, problem.text) not in known
    ]
    # More of what there was: any of them may be the one too many.
    spoken_of = {problem.type for problem in fresh}
    fresh += [
        problem
        for problem in come
        if new[problem.type] > old[problem.type] and problem.type not in spoken_of
    ]
    return Opinion(tuple(fresh), (old[DEPRECATED], new[DEPRECATED]))


def _problems(root: Path, text: bytes) -> list[Problem]:
    """What is said of the lines that the patch TEXT adds.

    Raises ValueError when the script does not do its work; OSError."""
    command = ["perl", str(root / SCRIPT), "--no-tree", "--no-signoff", "--terse"]
    command += ["--show-types", "--showfile", "--no-summary", "--color=never"]
    command += [f"--root={root}", f"--ignore={_IGNORED}", "-"]
    # In a folder of its own, lest a .checkpatch.conf of somebody's has a say.
    with scratch.folder() as folder:
        done = subprocess.run(command, cwd=folder, input=text, capture_output=True)
    said = done.stdout.decode(errors="replace").splitlines()
    found = [match for match in map(_SAID.match, said) if match]
    # Its status is 1 when it has something to say, other when it broke.
    if done.returncode not in (0, 1) or (done.returncode and not found):
        lines = (done.stderr.decode(errors="replace") or "".join(said)).strip()
        raise ValueError(lines.split("\n")[0] or f"status {done.returncode}")
    return [Problem(m["file"], int(m["line"]), m["type"], m["text"]) for m in found]
