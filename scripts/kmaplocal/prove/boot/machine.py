# SPDX-License-Identifier: GPL-2.0-only
"""QEMU: a machine with highmem, and what its console says."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kmaplocal.errors import KmaplocalError
from kmaplocal.workers import CHILDREN, kill_group, run_one

QEMU = "qemu-system-i386"
KVM, TCG = "kvm", "tcg"
DONE = "kmaplocal: done"

# A kernel that KVM runs is done in two.
_PROBE_SECONDS = 15
# Nehalem: 40 bits of physical address, which the 6 GB need and qemu32 has not.
_MACHINE = (
    "-cpu Nehalem -m 6G -smp 2 -nodefaults -no-user-config -no-reboot"
    " -display none -monitor none -serial stdio"
).split()
_KERNEL_SAYS = (
    "console=ttyS0 ignore_loglevel printk.devkmsg=on oops=panic panic=-1"
    " rcupdate.rcu_cpu_stall_timeout=120"
)


class NoQemu(KmaplocalError):
    """There is no QEMU for i386."""


@dataclass(frozen=True)
class Load:
    """What a machine starts: a kernel, an initramfs, and disks it cannot change."""

    kernel: Path
    initramfs: Path
    disks: Sequence[Path] = ()


class Machine:
    """A machine with 6 GB and two processors, by KVM or without it (TCG)."""

    def __init__(self, accelerator: str = TCG):
        """ACCELERATOR is KVM or TCG. Raises NoQemu."""
        if not shutil.which(QEMU):
            raise NoQemu(f"{QEMU}: not found; scripts/install boot")
        self.accelerator = accelerator

    def boot(
        self,
        load: Load,
        log: Path,
        seconds: float,
        heard: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Start LOAD and wait until the machine restarts, or SECONDS are over.

        What its console says goes to LOG, and line by line to HEARD. What QEMU
        itself says stands at the end of LOG. Raises OSError."""
        command = [QEMU, "-accel", self.accelerator, *_MACHINE, *_starting(load)]
        run_one(lambda: _listen(command, log, seconds, heard))


def fastest(load: Load, log: Path) -> Machine:
    """The fastest machine that starts LOAD and hears it end: /dev/kvm may be there
    and not work. What happened is left in LOG. Raises NoQemu; OSError."""
    if os.access("/dev/kvm", os.R_OK | os.W_OK):
        machine, heard = Machine(KVM), list[str]()
        machine.boot(load, log, _PROBE_SECONDS, heard.append)
        if any(line.endswith(DONE) for line in heard):
            return machine
    return Machine(TCG)


def _listen(
    command: Sequence[str], log: Path, seconds: float, heard: Callable[[str], None]
) -> None:
    with (
        log.open("wb") as file,
        CHILDREN.merged(command) as process,
        _deadline(process, seconds),
    ):
        for line in process.stdout:
            file.write(line.replace(b"\r\n", b"\n"))
            file.flush()
            heard(line.decode(errors="replace").rstrip())


def _starting(load: Load) -> list[str]:
    options = ["-kernel", str(load.kernel), "-initrd", str(load.initramfs)]
    options += ["-append", _KERNEL_SAYS]
    for disk in load.disks:
        # A comma in a file name is doubled in QEMU's options.
        file = str(disk).replace(",", ",,")
        options += ["-drive", f"file={file},format=raw,if=virtio,snapshot=on"]
    return options


@contextmanager
def _deadline(process: subprocess.Popen, seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, kill_group, (process,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
