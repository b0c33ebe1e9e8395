# SPDX-License-Identifier: GPL-2.0-only
"""The door: build the kernel before and after the change, boot both, compare."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kmaplocal.console import Console
from kmaplocal.errors import Interrupted, KmaplocalError
from kmaplocal.prove import record
from kmaplocal.prove.boot import log, machine, sides, verdict
from kmaplocal.prove.boot.image import ABOUT, Builder, BuildFailed, Image, Recipe
from kmaplocal.prove.boot.log import Boot
from kmaplocal.prove.boot.machine import Load, Machine
from kmaplocal.prove.boot.sides import Side
from kmaplocal.prove.boot.userland import Step, Userland
from kmaplocal.tree.kernel import Tree

ALL_DONE, AGAINST, NOT_CHECKED = 0, 1, 2

_TOP = Path(__file__).resolve().parents[4]
_SOURCES = _TOP / "fixtures/boot"

# Without another boot to go by: the slowest of libaio's cases takes minutes on a busy
# machine without KVM.
_PATIENCE = 1200
# With one: so many times as long as it took there, since other work on the machine
# may slow it down threefold; and never less than the second.
_TIMES_AS_LONG, _AT_LEAST = 8, 60
_TO_START = 120


class Busy(KmaplocalError):
    """Another boot works with the same kernel."""


class NoLibaio(KmaplocalError):
    """The folder given is not libaio's source."""


class NotReady(KmaplocalError):
    """The kernel without the change does not build or does not boot."""


@dataclass(frozen=True)
class Request:
    """What is asked for: the tree KERNEL; what it was BEFORE, if that is a tree;
    LIBAIO, the unpacked source package; JOBS of make at a time; BUILD, a folder to
    work in and to keep kernels in."""

    kernel: Path
    before: Path | None
    libaio: Path
    jobs: int | None
    build: Path


def boot(request: Request, console: Console) -> int:
    """Boot REQUEST's kernel, and the one before it was changed if they differ; say
    what came out, and record it.

    Returns 0; 1 when something stands against the change; 2 when a changed file is
    not in the booted kernel. Raises KmaplocalError when nothing could be compared,
    with Interrupted among them; OSError. KERNEL is only read."""
    tree = Tree(request.kernel)
    before = Tree(request.before).root if request.before else None
    if not (request.libaio / "harness/main.c").is_file():
        raise NoLibaio(
            f"{request.libaio}: no libaio; scripts/debian-source libaio FOLDER"
        )
    work = request.build / _name_of(tree)
    work.mkdir(parents=True, exist_ok=True)
    try:
        with _alone(work):
            console.say(f"reading {tree.root} as it was and as it is ...")
            after = sides.of_tree(tree.root, work / "after.json")
            was = sides.before_of(after, tree.version, work, before)
            return _Comparison(request, console, work, was, after).run()
    except KeyboardInterrupt:
        raise Interrupted("interrupted: the kernels that were built are kept") from None


class _Comparison:
    def __init__(
        self, request: Request, console: Console, work: Path, before: Side, after: Side
    ):
        self._console, self._work = console, work
        self._before, self._after = before, after
        self._changed = sides.changed(before, after)
        recipe = Recipe(
            _SOURCES / "highmem.config", _SOURCES / "kmap_order", request.jobs
        )
        self._builder = Builder(work, request.build / "images", recipe)
        self._userland = Userland(request.build / "userland", _SOURCES, request.libaio)

    def run(self) -> int:
        """All of it; returns the exit status."""
        self._say_what()
        self._console.say("building libaio's cases and our load ...")
        self._userland.prepare()
        before = self._image("before", self._before) if self._changed else None
        try:
            after = self._image("after", self._after)
        except BuildFailed as error:
            if not self._changed:
                raise NotReady(str(error)) from None
            raise
        self._machine = self._fastest(before or after)
        was = self._boot("before", before) if before else None
        now = self._boot("after", after, was)
        found = verdict.evaluate(self._userland.steps(), now, was)
        self._show(found)
        return self._status(found, after)

    def _say_what(self) -> None:
        say = self._console.say
        say(f"before: {self._before.name}")
        say(f"after:  {self._after.name}")
        if not self._changed:
            say("nothing differs: one kernel is booted, and compared with nothing")

    def _image(self, name: str, side: Side) -> Image:
        kept = self._builder.kept(side)
        if kept:
            self._console.say(f"kernel {name}: built earlier, {kept.folder}")
            return kept
        with self._console.progress(f"building the kernel {name}", ABOUT) as progress:
            try:
                image = self._builder.build(side, progress)
            except BuildFailed as error:
                if name == "before":
                    raise NotReady(f"before the change, {error}") from None
                raise
        self._console.say(f"kernel {name}: built, {image.folder}")
        return image

    def _fastest(self, image: Image) -> Machine:
        probe = self._work / "probe.cpio"
        load = Load(image.kernel, self._userland.pack(image.module, [], probe))
        found = machine.fastest(load, self._work / "probe.log")
        self._console.say(f"machine: {machine.QEMU}, 6 GB, {found.accelerator}")
        return found

    def _boot(self, name: str, image: Image, was: Boot | None = None) -> Boot:
        steps = self._userland.steps()
        limits = [_limit(step, was) for step in steps]
        plan = [step.line(limit) for step, limit in zip(steps, limits)]
        archive = self._userland.pack(image.module, plan, self._work / f"{name}.cpio")
        load = Load(image.kernel, archive, self._userland.disks())
        said = self._work / f"{name}.log"
        with self._console.progress(f"booting {name}", len(steps)) as progress:
            heard = _Counter(progress).hear
            self._machine.boot(load, said, _TO_START + sum(limits), heard)
        self._console.say(f"log {name}: {said}")
        found = log.read(said.read_text(errors="replace"))
        if not found.results:
            raise NotReady(f"{said}: the kernel {name} did not start")
        return found

    def _show(self, found: verdict.Verdict) -> None:
        for line in verdict.table(found):
            self._console.say(line)
        for complaint in found.old:
            self._console.say(f"also before: {complaint.text}")
        for complaint in found.new:
            self._console.say(
                f"NEW in {complaint.step or 'the kernel'}: {complaint.text}"
            )
        if found.unfinished:
            self._console.say("the kernel after did not come to the end of its plan")

    def _status(self, found: verdict.Verdict, after: Image) -> int:
        inside = after.sources()
        booted = [path for path in self._changed if path in inside]
        left = [path for path in self._changed if path not in inside]
        for path in left:
            self._console.say(f"{path}: not in this kernel")
        self._record(booted, found.stands)
        self._console.say(
            f"{len(booted)} changed files booted, {len(left)} not in this kernel;"
            f" {_tally(found)}"
        )
        if not found.stands:
            return AGAINST
        return NOT_CHECKED if left else ALL_DONE

    def _record(self, booted: Sequence[str], stands: bool) -> None:
        outcome = record.PASSED if stands else record.FAILED
        for path in booted:
            if path in self._before.digests and path in self._after.digests:
                contents = self._before.read(path), self._after.read(path)
                record.add(self._after.root, path, *contents, record.BOOT, outcome)


class _Counter:
    """Tells PROGRESS how many steps ended, from the lines of the console."""

    def __init__(self, progress) -> None:
        self._progress, self._ended = progress, 0

    def hear(self, line: str) -> None:
        """The next line."""
        if "kmaplocal: end " in line:
            self._ended += 1
            self._progress(self._ended)


def _limit(step: Step, was: Boot | None) -> int:
    result = was.results.get(step.name) if was else None
    if not result:
        return _PATIENCE
    return max(_AT_LEAST, int(result.seconds * _TIMES_AS_LONG))


def _tally(found: verdict.Verdict) -> str:
    failures = sum(bool(row.against) for row in found.rows)
    return (
        f"{len(found.rows)} steps, {failures} new failures,"
        f" {len(found.new)} new complaints of the kernel"
    )


def _name_of(tree: Tree) -> str:
    digest = hashlib.sha256(os.fsencode(tree.root)).hexdigest()
    return f"linux-{tree.version}-{digest[:8]}"


@contextmanager
def _alone(work: Path) -> Iterator[None]:
    with (work / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(f"{work}: another boot of this kernel is going on") from None
        yield
