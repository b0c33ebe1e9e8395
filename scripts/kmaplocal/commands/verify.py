# SPDX-License-Identifier: GPL-2.0-only
"""The door that checks a conversion, whoever made it: make verify."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from kmaplocal.console import Console, table
from kmaplocal.home import BUILD
from kmaplocal.options import FILES, FORMAT, JOBS, KERNEL, OUT, PLACE, TIMEOUT, together
from kmaplocal.prove import record, reference, trial
from kmaplocal.prove.bench import Result
from kmaplocal.prove.trial import COMPILING, NONE, TABLE
from kmaplocal.knowledge.functions import HELPERS
from kmaplocal.knowledge import api
from kmaplocal.tree.kernel import Tree
from kmaplocal.report import output

TEXT, JSON = ("text", "json")

NOTHING_AGAINST, AGAINST, NOT_CHECKED = 0, 1, 2

# A file that was converted names one of these, before or after.
_WORDS = (*api.MAPS, *api.UNMAPS, *sorted(HELPERS))


@dataclass(frozen=True)
class Request:
    """What the user asked for: FILES of KERNEL against BEFORE (or what
    reference.find() takes instead), through DOORS, compiled with CC, below
    BUILD."""

    kernel: Path
    files: tuple[str, ...]
    build: Path
    before: Path | None = None
    doors: frozenset[str] = frozenset(TABLE)
    cc: str | None = None
    jobs: int | None = None
    timeout: float = 120.0

    @property
    def court(self) -> trial.Court:
        """Who is asked."""
        return trial.Court(self.build, self.doors, self.cc, self.jobs, self.timeout)


def verify(request: Request, console: Console, form: str, out: Path | None) -> int:
    """Go through the doors with what REQUEST names, print what each says (FORM is
    text or json) or write it to OUT, and record it.

    Returns the exit status: 0 when nothing stands against the change, 1 when
    something does, 2 when something could not be checked.  Raises KmaplocalError
    when nothing could be done; OSError."""
    tree = Tree(request.kernel)
    if out:
        output.check(out)
    paths = _paths(tree, request.files)
    origin = reference.find(tree, request.before, request.build / "pristine")
    changes, fresh = reference.changes(tree, paths, origin)
    results = trial.results(tree, changes, request.court, console)
    said = _as_json if form == JSON else _as_text
    text = said(results, fresh, len(paths), origin.name)
    if out:
        output.write(out, text)
        console.say(f"{out}: {_tally(results, fresh, len(paths), origin.name)}")
    else:
        console.say(text.removesuffix("\n"))
    return _status(results, fresh)


def _paths(tree: Tree, names: Sequence[str]) -> list[Path]:
    named = {path for path in map(tree.locate, names) if (tree.root / path).is_file()}
    return sorted(named.union(tree.candidates(names, _WORDS)))


# -- telling -----------------------------------------------------------------


def _as_text(
    results: Sequence[Result], fresh: Sequence[Path], asked: int, origin: str
) -> str:
    lines = _table(results) if results else []
    against = [r for r in results if r.outcome == record.FAILED]
    rest = [r for r in results if r.outcome != record.FAILED and r.remarks]
    lines += _section("against the change:", against)
    lines += _section("to know:", rest)
    lines += [f"{path}: is new: there is nothing to compare it with" for path in fresh]
    return "\n".join([*lines, _tally(results, fresh, asked, origin)]) + "\n"


def _section(title: str, results: Sequence[Result]) -> list[str]:
    remarks = [remark for result in _ordered(results) for remark in result.remarks]
    return ["", title, *dict.fromkeys(remarks), ""] if remarks else []


def _ordered(results: Iterable[Result]) -> list[Result]:
    return sorted(results, key=lambda r: (r.path, record.DOORS.index(r.door)))


def _table(results: Sequence[Result]) -> list[str]:
    """A row a file, a column a door."""
    doors = [door for door in TABLE if any(r.door == door for r in results)]
    rows = [["file", *doors]]
    cells = {(result.path, result.door): result.words for result in results}
    for path in sorted({result.path for result in results}):
        rows.append([str(path), *(cells.get((path, door), NONE) for door in doors)])
    return table(rows[0], rows[1:]).split("\n")


def _as_json(
    results: Sequence[Result], fresh: Sequence[Path], asked: int, origin: str
) -> str:
    files: dict[str, dict] = {}
    for result in _ordered(results):
        doors = files.setdefault(str(result.path), {})
        doors[result.door] = {
            "outcome": result.outcome,
            "words": result.words,
            "detail": result.detail,
            "remarks": result.remarks,
        }
    found = {
        "before": origin,
        "asked": asked,
        "files": files,
        "new": [str(path) for path in fresh],
    }
    return json.dumps(found, indent=1) + "\n"


def _tally(
    results: Sequence[Result], fresh: Sequence[Path], asked: int, origin: str
) -> str:
    changed = {result.path for result in results}
    if not changed:
        return f"{asked} files, none of them changed since {origin}: nothing to verify"
    against = {r.path for r in results if r.outcome == record.FAILED}
    unseen = len(_unseen(results)) + len(fresh)
    return (
        f"{len(changed)} files changed since {origin}: something stands against"
        f" {len(against)}, {unseen} not checked"
    )


def _unseen(results: Iterable[Result]) -> set[Path]:
    """The files that no compiler could be shown before and after."""
    compiled = [result for result in results if result.door in COMPILING]
    seen = {r.path for r in compiled if r.outcome != record.UNCHECKED}
    return {result.path for result in compiled} - seen


def _status(results: Sequence[Result], fresh: Sequence[Path]) -> int:
    if any(result.outcome == record.FAILED for result in results):
        return AGAINST
    return NOT_CHECKED if fresh or _unseen(results) else NOTHING_AGAINST


@click.command("verify")
@together(KERNEL, JOBS, TIMEOUT, FORMAT, OUT, FILES)
@click.option(
    "--before",
    type=PLACE,
    metavar="PATH",
    help="the tree to compare with; default: HEAD, or the archive in /usr/src",
)
@click.option(
    "--door",
    "doors",
    multiple=True,
    metavar="NAME",
    help="only this one: identity, x86_64, i386, sparse, context, checkpatch, flag",
)
@click.option("--cc", metavar="COMMAND", help='the compiler, as in CC="ccache gcc"')
@click.option(
    "--build",
    type=PLACE,
    default=BUILD,
    metavar="FOLDER",
    help="where to compile and to record",
)
def command(
    files: tuple[str, ...], doors: tuple[str, ...], form: str, out: Path | None, **asked
) -> int:
    """Say what stands against the change of FILES.

    Whoever made it: compares their code before and after, builds them for x86_64 and
    i386, and has sparse and checkpatch look at them. Without FILES, fs/aio.c. Nothing
    is changed in the kernel.
    """
    files = files or ("fs/aio.c",)
    request = Request(files=files, doors=trial.named(doors), **asked)
    return verify(request, Console(), form, out)
