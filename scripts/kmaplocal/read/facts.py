# SPDX-License-Identifier: GPL-2.0-only
"""What cocci/facts.cocci prints of pieces of C."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kmaplocal.read.parsing import Gap
from kmaplocal.read.spatch import Spatch, SpatchRun
from kmaplocal.read.syntax import Source, read_facts

RULES = Path(__file__).resolve().parents[3] / "cocci" / "facts.cocci"
# spatch asks the python3 it finds first for its library, several times a run.
ENVIRONMENT = {"PATH": "/usr/bin:/bin"}


@dataclass(frozen=True)
class Piece:
    """C text to read, with its lines as in the file NAME; in HELD ones an #if may
    hide one half of what is asked for."""

    name: str
    text: str
    held: bool = False


@dataclass(frozen=True)
class Facts:
    """The syntax of a piece; what spatch could not read of it: gaps, or one text
    when nothing of it can be trusted; and what it printed."""

    source: Source
    lost: list[Gap] | str
    printed: str = ""


def read(pieces: Iterable[Piece], spatch: Spatch, timeout: float) -> list[Facts]:
    """The facts of each of PIECES, in TIMEOUT seconds at most for each.

    Errors: OSError when they cannot be written down."""
    wanted = list(pieces)
    with tempfile.TemporaryDirectory(prefix="kmaplocal-") as folder:
        copies = [_copy(piece, Path(folder), n) for n, piece in enumerate(wanted)]
        runs = spatch.run_each(RULES, copies, timeout=timeout, env=ENVIRONMENT)
        held = [copy for piece, copy in zip(wanted, copies) if piece.held]
        parsed = dict(zip(held, spatch.parse_each(held, timeout=timeout)))
        return [_facts(run, parsed.get(copy)) for copy, run in zip(copies, runs)]


def _copy(piece: Piece, folder: Path, number: int) -> Path:
    # Its own name, for what spatch says of it; a folder, as names may be equal.
    copy = folder / str(number) / "".join(Path(piece.name).name.split())
    copy.parent.mkdir()
    copy.write_bytes(piece.text.encode(errors="surrogateescape"))
    return copy


def _facts(run: SpatchRun, parsed: SpatchRun | None) -> Facts:
    """What the rules gave; what was PARSED tells of #if halves."""
    runs = [run, parsed] if parsed else [run]
    failures = dict.fromkeys(text for each in runs for text in each.failures)
    if failures:
        return Facts(read_facts(""), "; ".join(failures))
    try:
        lost = [gap for each in runs for gap in each.lost]
        return Facts(read_facts(run.stdout), lost, run.stdout)
    except ValueError as error:
        return Facts(read_facts(""), str(error))
