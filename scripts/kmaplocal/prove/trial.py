# SPDX-License-Identifier: GPL-2.0-only
"""The trial of some changes: all doors are asked, and what they say is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kmaplocal.console import Console
from kmaplocal.errors import KmaplocalError
from kmaplocal.prove import checkpatch, context, flags, record
from kmaplocal.prove.bench import SIDES, Bench, Result
from kmaplocal.prove.builds import DOORS, Trials
from kmaplocal.prove.identity import Identity
from kmaplocal.prove.reference import Change
from kmaplocal.tree.kernel import Tree

TABLE = (
    record.IDENTITY,
    *record.BUILDS,
    record.SPARSE,
    record.CONTEXT,
    record.CHECKPATCH,
    record.FLAG,
)
# A file that no compiler has seen was not checked.
COMPILING = (record.IDENTITY, *record.BUILDS, record.SPARSE)
NONE = "-"


class NoSuchDoor(KmaplocalError):
    """A name that is none of a door's."""


def named(names: Iterable[str], table: Sequence[str] = TABLE) -> frozenset[str]:
    """The doors of TABLE that NAMES are the names of, all without any; a build may be
    named by its architecture. Raises NoSuchDoor."""
    known = {door.removeprefix("build "): door for door in table}
    found = set()
    for name in names:
        if name not in known and name not in table:
            raise NoSuchDoor(f"{name}: no such door; there are: {' '.join(known)}")
        found.add(known.get(name, name))
    return frozenset(found or table)


@dataclass(frozen=True)
class Court:
    """Who is asked, and how: DOORS, of TABLE, in folders below BUILD, with the
    compiler CC."""

    build: Path
    doors: frozenset[str] = frozenset(TABLE)
    cc: str | None = None
    jobs: int | None = None
    timeout: float = 120.0


def results(
    tree: Tree, changes: Sequence[Change], court: Court, console: Console
) -> list[Result]:
    """What each door of COURT says of each of CHANGES, which is recorded, too.

    Raises KmaplocalError; OSError."""
    found = list(_results(tree, changes, court, console)) if changes else []
    for change in changes:
        _record(tree, change, found, court)
    return found


def _results(
    tree: Tree, changes: Sequence[Change], court: Court, console: Console
) -> list[Result]:
    found = []
    if court.doors - {record.CHECKPATCH}:
        bench = Bench(tree.root, changes, court.build, court.cc, court.jobs)
        with bench.open():
            found += _compiled(bench, court, console)
            if record.CONTEXT in court.doors:
                found += context.results(bench, court.timeout, court.jobs)
            if record.FLAG in court.doors:
                found += flags.results(bench, court.timeout, court.jobs)
    if record.CHECKPATCH in court.doors:
        found += [_style(tree, change) for change in changes]
    return found


def _compiled(bench: Bench, court: Court, console: Console) -> list[Result]:
    doors = court.doors
    stages: list[Trials | Identity] = [
        Trials(bench, [door for door in DOORS if door.name in doors])
    ]
    if record.IDENTITY in doors:
        stages.append(Identity(bench, court.timeout, court.jobs))
    total = len(SIDES) * len(doors.intersection(COMPILING)) * len(bench.stems())
    with console.progress("compiling", total) as progress:
        made = counter(progress, total)
        for side in SIDES:
            bench.show(side)
            for stage in stages:
                stage.run(side, made)
        return [result for stage in stages for result in stage.results(made)]


def counter(progress: Callable[[int], None], total: int) -> Callable[[], None]:
    """What tells PROGRESS of one more, up to TOTAL."""
    done = 0

    def made() -> None:
        nonlocal done
        done = min(done + 1, total)
        progress(done)

    return made


def _style(tree: Tree, change: Change) -> Result:
    path, door = change.path, record.CHECKPATCH
    found = checkpatch.opinion(tree.root, change)
    if found.missing:
        remark = f"{path}: {door}: not done: {found.missing}"
        return Result(path, door, record.UNCHECKED, NONE, found.missing, [remark])
    before, after = found.deprecated
    words = f"{before} -> {after}"
    remarks = [f"{p.file}:{p.line}: {door}: {p.type}: {p.text}" for p in found.new]
    if remarks or after > before:
        more = f"{path}: {door}: more deprecated calls than before: {words}"
        remarks += [more] if after > before else []
        return Result(path, door, record.FAILED, words, "", remarks)
    return Result(path, door, record.PASSED, words)


def _record(tree: Tree, change: Change, said: Iterable[Result], court: Court) -> None:
    for result in said:
        if result.path == change.path:
            record.add(
                tree.root,
                change.path,
                change.before,
                change.after,
                result.door,
                result.outcome,
                _detail(result),
                folder=court.build / "proofs",
            )


def _detail(result: Result) -> str:
    """What the record keeps beside the outcome: the first remark, against it."""
    if result.outcome == record.FAILED and result.remarks:
        return result.remarks[0]
    return result.detail
