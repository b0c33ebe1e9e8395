# SPDX-License-Identifier: GPL-2.0-only
"""What runs in the kernel: our programs, libaio's own tests, the plan, the disks."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kmaplocal.errors import KmaplocalError
from kmaplocal.prove.boot.image import MODULE
from kmaplocal.workers import CHILDREN, run_one

CONTROL = MODULE

# The kernel's own headers are of no architecture but for asm/, which i386 shares.
CC = "gcc -m32 -isystem /usr/include/x86_64-linux-gnu"
_FLAGS = "-static -std=gnu11 -O2 -Wall -Wextra".split()
_PROGRAMS = ("init", "aio_load")

# What libaio's cases find in the folder they run in. They want room for 768 MB in
# one of them: it is in memory, as all of the initramfs.
_DISK, _ROOMY = "/disk", "/roomy"
_SMALL, _FULL = "/disk/testdir.ext2", "/disk/testdir.enospc"


class NoUserland(KmaplocalError):
    """The programs do not build, or a disk cannot be made."""


@dataclass(frozen=True)
class Step:
    """A thing done in the booted kernel: its NAME in the log and in the table; the
    FOLDER in which it runs its COMMAND; whether it is one of libaio's own cases."""

    name: str
    folder: str
    command: str
    is_libaio: bool = False

    def line(self, seconds: int) -> str:
        """Its line of the plan (see fixtures/boot/init.c), given SECONDS at most."""
        if self.name == CONTROL:
            return f"load {self.name} {self.command}"
        return f"run {self.name} {seconds} {self.folder} {self.command}"


class Userland:
    """A folder with all of it, ready to be packed together with a module."""

    def __init__(self, work: Path, programs: Path, libaio: Path):
        """WORK is ours alone; PROGRAMS holds the C sources (fixtures/boot), LIBAIO
        the unpacked source package."""
        self._work, self._programs, self._libaio = work, programs, libaio
        self._root = work / "root"

    def prepare(self) -> None:
        """Build the programs and make the disks. Raises NoUserland; OSError."""
        shutil.rmtree(self._work, ignore_errors=True)
        for folder in ("dev", "libaio", "disk", "tmp", "roomy"):
            (self._root / folder).mkdir(parents=True)
        for name in ("rofile", "wofile", "rwfile"):
            (self._root / "roomy" / name).write_text("test\n")
        for name in _PROGRAMS:
            source = self._programs / f"{name}.c"
            _run([*CC.split(), *_FLAGS, "-o", self._root / name, source], self._work)
        self._build_libaio()
        self._make_disks()

    def steps(self) -> list[Step]:
        """What is done in the kernel, in order; the control is last."""
        cases = sorted((self._root / "libaio").iterdir(), key=lambda p: int(p.name))
        return [
            _load("ext4-direct", f"{_DISK}/load direct"),
            _load("ext4-buffered", f"{_DISK}/load buffered"),
            _load("tmpfs-buffered", "/tmp/load buffered"),
            *(_libaio_case(case.name) for case in cases),
            Step(CONTROL, "/", f"/{MODULE}.ko"),
        ]

    def disks(self) -> list[Path]:
        """The disks, in the order in which the kernel names them."""
        return [self._work / name for name in ("disk.img", "small.img", "full.img")]

    def pack(self, module: Path, plan: Sequence[str], archive: Path) -> Path:
        """Make ARCHIVE the initramfs that carries out PLAN, lines of it; returns it.

        Raises NoUserland; OSError."""
        shutil.copy(module, self._root)
        lines = [*_MOUNTS, *plan]
        (self._root / "plan").write_text("".join(f"{line}\n" for line in lines))
        names = sorted(str(p.relative_to(self._root)) for p in self._root.rglob("*"))
        done = subprocess.run(
            [*"cpio --quiet -o -H newc -R 0:0 -O".split(), archive.resolve()],
            input="\n".join(names).encode(),
            cwd=self._root,
            capture_output=True,
        )
        if done.returncode:
            raise NoUserland(f"{archive}: cannot be made: {_last_line(done.stderr)}")
        return archive

    def _build_libaio(self) -> None:
        copy = self._work / "libaio"
        shutil.copytree(self._libaio, copy)
        # As Debian builds it: -Werror is for its authors.
        flags = [f"CC={CC}", "CFLAGS=-O2 -w", "LDFLAGS=-static"]
        _run(["make", "-C", copy / "src", *flags, "libaio.a"], self._work)
        _run(["make", "-C", copy / "harness", *flags, "all"], self._work)
        for case in (copy / "harness/cases").glob("*.p"):
            shutil.copy(case, self._root / "libaio" / case.stem)

    def _make_disks(self) -> None:
        disk, small, full = self.disks()
        content = self._work / "disk"
        for name in ("testdir.ext2", "testdir.enospc"):
            (content / name).mkdir(parents=True)
        (content / "testdir").symlink_to(_ROOMY)
        _make_disk(disk, "ext4", "256M", self._work, "-d", str(content))
        _make_disk(small, "ext2", "10M", self._work)
        shutil.copy(self._libaio / "harness/ext2-enospc.img", full)


_MOUNTS = (
    "mount proc proc /proc",
    f"mount ext4 /dev/vda {_DISK}",
    f"mount ext4 /dev/vdb {_SMALL}",
    f"mount ext4 /dev/vdc {_FULL}",
    "mount tmpfs tmpfs /tmp",
)


def _libaio_case(case: str) -> Step:
    return Step(f"libaio-{case}", _DISK, f"/libaio/{case}", True)


def _load(name: str, arguments: str) -> Step:
    return Step(f"load-{name}", "/", f"/aio_load {arguments}")


def _make_disk(disk: Path, kind: str, size: str, cwd: Path, *more: str) -> None:
    command = ["/sbin/mke2fs", "-q", "-F", "-b", "4096", "-t", kind, *more]
    _run([*command, disk.resolve(), size], cwd)


def _run(command: Sequence[str | Path], work: Path) -> None:
    """Run COMMAND to its end, its output in WORK's log."""
    log = work / "userland.log"
    if run_one(lambda: _status_of([str(word) for word in command], log)):
        said = _last_line(log.read_bytes())
        raise NoUserland(f"{command[0]} failed: {said}; log: {log}")


def _status_of(command: Sequence[str], log: Path) -> int:
    with (
        log.open("ab") as output,
        CHILDREN.merged(command, output) as process,
    ):
        return process.wait()


def _last_line(output: bytes) -> str:
    return output.decode(errors="replace").strip().split("\n")[-1]
