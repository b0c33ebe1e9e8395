# SPDX-License-Identifier: GPL-2.0-only
"""What Coccinelle says of pieces of C, construct by construct.

cocci/tree_facts.cocci prints it where spatch can compile OCaml, cocci/facts.cocci
with Coccinelle's Python elsewhere, which takes some twenty times as long."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from kmaplocal import deadline, faults, names, scratch
from kmaplocal.c import guards, inner, labels, parsing
from kmaplocal.c.parsing import Gap
from kmaplocal.tree.spatch import Spatch, SpatchRun, is_late
from kmaplocal.tree.standing import Pool
from kmaplocal.c.syntax import Source, facts_in, read_facts
from kmaplocal.workers import cores, run_all
from kmaplocal.progress import Progress, silent

_COCCI = Path(__file__).resolve().parents[3] / "cocci"
RULES = _COCCI / "facts.cocci"
TREE = _COCCI / "tree_facts.cocci"
# spatch asks the python3 it finds first for its library, several times a run.
ENVIRONMENT = {"PATH": "/usr/bin:/bin"}
MOST_TOGETHER = 24  # pieces that are read in one run of spatch, by RULES
# Characters of C that take RULES as long as compiling TREE takes.
ENOUGH = 20_000
PASSED_MARK = "passed\t"
TREE_READERS = Pool(TREE, ENVIRONMENT)


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
    when nothing of it can be trusted; and the facts as they were printed, sorted."""

    source: Source
    lost: list[Gap] | str
    printed: str = ""

    @property
    def late(self) -> bool:
        """Whether spatch took too long for it."""
        return isinstance(self.lost, str) and is_late(self.lost)


def read(
    pieces: Iterable[Piece],
    spatch: Spatch,
    timeout: float,
    workers: int | None = None,
    progress: Progress = silent,
) -> list[Facts]:
    """The facts of each of PIECES, in TIMEOUT seconds at most for each, on WORKERS
    threads.  PROGRESS is told how many are done.

    What goes wrong with one of them costs that one."""
    wanted = list(pieces)
    if not wanted:  # most often: a folder costs more than to ask
        return []
    found: dict[int, Facts] = {}
    with scratch.folder() as folder:
        jobs = [
            _Job(number, piece, Path(folder) / str(number))
            for number, piece in enumerate(wanted)
        ]
        for way in (_by_tree, _by_rules):
            left = [job for job in jobs if job.number not in found]
            found |= way(left, spatch, timeout, workers, progress)
    return [found[number] for number in range(len(wanted))]


@dataclass(frozen=True)
class _Job:
    """A piece, and the folder for the copy of it that spatch reads."""

    number: int
    piece: Piece
    folder: Path

    def copy(self) -> Path:
        """The copy.  Errors: OSError."""
        # Its own name, for what spatch says of it; a folder, as names may be equal.
        copy = self.folder / names.plain(self.piece.name)
        self.folder.mkdir(exist_ok=True)
        text = inner.spoken(labels.closed(guards.readable(self.piece.text)))
        copy.write_bytes(text.encode(errors="surrogateescape"))
        return copy


def _by_tree(jobs, spatch, timeout, workers, progress) -> dict[int, Facts]:
    """The facts of JOBS by their numbers, by standing processes; {} without them, or
    where starting one is not worth it."""
    size = sum(len(word) for job in jobs for word in job.piece.text.split())
    if size < ENOUGH and not TREE_READERS.waits(spatch):
        return {}

    def work(job: _Job) -> Facts | None:
        with TREE_READERS.reader(spatch) as reader:
            if reader is None:
                return None
            seconds = deadline.RUN.within(timeout)
            return _told(job.piece, reader.read(job.copy(), seconds))

    def guarded(job: _Job) -> Facts | None:
        try:
            return work(job)
        except faults.ENDING:
            raise
        except Exception as error:
            return Facts(read_facts(""), faults.told(error))

    # The longest first, so that no core waits for one of them at the end.
    order = sorted(jobs, key=lambda job: -len(job.piece.text))
    most = min(workers or cores(), 1 + size // (ENOUGH or 1))
    told = run_all(
        order, guarded, workers=most, progress=progress, name=lambda job: job.piece.name
    )
    return {job.number: facts for job, facts in zip(order, told) if facts}


def _told(piece: Piece, run: SpatchRun) -> Facts:
    if not piece.held:
        return _facts(run, ())
    lines = run.stdout.split("\n")
    numbers = [line.split("\t")[1] for line in lines if line.startswith(PASSED_MARK)]
    return _facts(run, parsing.passed_at(map(int, numbers), piece.text))


def _by_rules(jobs, spatch, timeout, workers, progress) -> dict[int, Facts]:
    """The same by the rules of RULES, many in one process."""
    size = max(1, min(MOST_TOGETHER, -(-len(jobs) // (workers or cores()))))
    batches = [jobs[n : n + size] for n in range(0, len(jobs), size)]
    told = run_all(
        batches,
        lambda batch: _read_batch(batch, spatch, timeout),
        workers=workers,
        progress=lambda done, at="", what="": progress(min(done * size, len(jobs)), at),
        name=lambda batch: batch[-1].piece.name,
    )
    return {
        job.number: facts
        for batch, found in zip(batches, told)
        for job, facts in zip(batch, found)
    }


def _read_batch(batch: list[_Job], spatch: Spatch, timeout: float) -> list[Facts]:
    """The facts of BATCH; where something goes wrong, one by one."""
    try:
        return _run_batch(batch, spatch, timeout)
    except faults.ENDING:
        raise
    except Exception as error:
        if len(batch) == 1:
            return [Facts(read_facts(""), faults.told(error))]
    return [each for job in batch for each in _read_batch([job], spatch, timeout)]


def _run_batch(batch: list[_Job], spatch: Spatch, timeout: float) -> list[Facts]:
    timeout = deadline.RUN.within(timeout)
    copies = [job.copy() for job in batch]
    runs = spatch.run_each(RULES, copies, timeout=timeout, env=ENVIRONMENT)
    every = zip(batch, copies, runs)
    held = [copy for job, copy, run in every if job.piece.held and not run.failures]
    parsed = dict(zip(held, spatch.parse_each(held, timeout=timeout)))
    return [
        _joined(run, parsed[copy]) if copy in parsed else _facts(run, ())
        for copy, run in zip(copies, runs)
    ]


def _joined(run: SpatchRun, parsed: SpatchRun) -> Facts:
    failures = (*run.failures, *parsed.failures)
    return _facts(replace(run, failures=failures), parsed.lost)


def _facts(run: SpatchRun, passed: Iterable[Gap]) -> Facts:
    """What spatch printed, and what of #if groups it PASSED over."""
    if run.failures:
        return Facts(read_facts(""), "; ".join(dict.fromkeys(run.failures)))
    try:
        printed = "\n".join(facts_in(run.stdout))
        return Facts(read_facts(printed), [*run.lost, *passed], printed)
    except ValueError as error:
        return Facts(read_facts(""), str(error))
