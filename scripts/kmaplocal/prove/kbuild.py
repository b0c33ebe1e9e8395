# SPDX-License-Identifier: GPL-2.0-only
"""Kbuild: one configuration of a kernel, in a folder outside of its source."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kmaplocal.errors import KmaplocalError
from kmaplocal.workers import CHILDREN, cores

# allmodconfig turns warnings into errors, which would end a build at the first.
_LENIENT = {"WERROR": "n", "KVM_WERROR": "n", "DRM_I915_WERROR": "n"}
# Of what an outer make or the user's habits leave in the environment.
_FOREIGN: tuple[str, ...] = (
    "MAKEFLAGS",
    "MFLAGS",
    "MAKELEVEL",
    "MAKEFILES",
    "GNUMAKEFLAGS",
    "V",
    "W",
)
_FOREIGN += ("KBUILD_OUTPUT", "KCFLAGS", "KCPPFLAGS", "ARCH", "C", "CF", "O")

_TAIL = 3


class CannotBuild(KmaplocalError):
    """The kernel cannot be configured or prepared here at all."""


@dataclass(frozen=True)
class Configuration:
    """A name, an architecture as ARCH= takes it, and what allmodconfig is to be
    with: option and value."""

    name: str
    arch: str
    options: Mapping[str, str]


# DEBUG_SG puts a check into sg_page(), which kunmap(sg_page(sg)) has once more.
X86_64 = Configuration("x86_64", "x86_64", {**_LENIENT, "DEBUG_SG": "n"})
# allmodconfig has HIGHMEM4G.
I386 = Configuration("i386", "i386", {**_LENIENT, "HIGHMEM64G": "y"})


class Kbuild:
    """CONFIGURATION of the kernel at SOURCE, built in FOLDER with CC (or what the
    kernel's Makefile says), JOBS at a time."""

    def __init__(
        self,
        source: Path,
        folder: Path,
        configuration: Configuration,
        cc: str | None = None,
        jobs: int | None = None,
    ):
        self.source, self.folder = source, folder / configuration.name
        self.configuration = configuration
        self._jobs = jobs or cores()
        self._settings = [f"CC={cc}"] if cc else []

    def prepare(self) -> None:
        """Configure and prepare it, unless that was done before.

        Raises CannotBuild when that fails, or an option does not get its value;
        OSError."""
        stamp, mark = self.folder / "kmaplocal.stamp", self.mark()
        if stamp.exists() and stamp.read_text() == mark:
            # make would ask about options that are new, and nobody answers.
            self._demand(["olddefconfig"], {})
            return
        stamp.unlink(missing_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        fragment = self.folder / "kmaplocal.config"
        lines = [f"CONFIG_{k}={v}\n" for k, v in self.configuration.options.items()]
        fragment.write_text("".join(lines))
        self._demand(["allmodconfig"], {"KCONFIG_ALLCONFIG": str(fragment)})
        self._check_options()
        self._demand(["prepare"], {})
        stamp.write_text(mark)

    def make(
        self,
        targets: Iterable[str],
        settings: Mapping[str, str],
        made: Callable[[], None] = lambda: None,
    ) -> str:
        """Make each of TARGETS afresh, whatever happens to the others.

        SETTINGS are variables for make. MADE is called for each that is begun. Out:
        what the tools said; a target that could not be made does not exist. Raises
        CannotBuild when there is no make; Stopped."""
        targets = list(targets)
        for target in targets:
            (self.folder / target).unlink(missing_ok=True)
        return self.again(targets, settings, made)

    def again(
        self,
        targets: Iterable[str],
        settings: Mapping[str, str],
        made: Callable[[], None] = lambda: None,
    ) -> str:
        """As make(), but what is there and up to date may stay as it is."""
        return self._run([*targets], settings, made)[1] if targets else ""

    def mark(self) -> str:
        """Another configuration, compiler or kernel version has another.  Raises
        OSError."""
        seen = hashlib.sha256((self.source / "Makefile").read_bytes())
        seen.update(repr((self.configuration, self._settings)).encode())
        return f"{seen.hexdigest()}\n"

    def _check_options(self) -> None:
        text = (self.folder / ".config").read_text()
        lines = set(text.splitlines())
        for option, value in self.configuration.options.items():
            if value != "n" and f"CONFIG_{option}={value}" not in lines:
                raise CannotBuild(
                    f"{self.folder}/.config: CONFIG_{option}={value} did not survive"
                    f" allmodconfig: this kernel has no such {self.configuration.arch};"
                    " DOORS= names the doors to go through without it"
                )

    def _demand(self, targets: list[str], settings: Mapping[str, str]) -> None:
        status, said = self._run(targets, settings, lambda: None)
        if status:
            log = self.folder / f"{targets[0]}.log"
            log.write_text(said)
            raise CannotBuild(
                f"make {targets[0]} for {self.configuration.name} failed:"
                f" {' / '.join(_reasons(said))}; all of it is in {log}; DOORS= names"
                " those to go through without it"
            )

    def _run(
        self, targets: list[str], settings: Mapping[str, str], made: Callable[[], None]
    ) -> tuple[int, str]:
        command = ["make", "-C", str(self.source), f"O={self.folder}", "-k"]
        command += [f"-j{self._jobs}", "--output-sync=target", "--no-print-directory"]
        command += [f"ARCH={self.configuration.arch}", *self._settings]
        command += [f"{name}={value}" for name, value in settings.items()]
        if not shutil.which("make"):
            raise CannotBuild("no make: run scripts/install verify")
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE}
        streams["stderr"] = subprocess.STDOUT
        said = []
        with CHILDREN.child(
            [*command, *targets], env=_environment(), **streams
        ) as process:
            for line in process.stdout:
                said.append(line.decode(errors="replace"))
                if line.startswith((b"  CC ", b"  CHECK ")):
                    made()
            return process.wait(), "".join(said)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    return {**kept, "LC_ALL": "C"}


def _reasons(said: str) -> list[str]:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [x for x in lines if "rror" in x or "not found" in x or "***" in x]
    return (errors or lines[-_TAIL:] or ["it said nothing"])[:_TAIL]
