# SPDX-License-Identifier: GPL-2.0-only
"""The fixtures as programs: each with its driver, against the emulator.

A driver, fixtures/emulator/run/<path of the fixture>, includes its fixture and
calls it. The comment at its head says what is to become of the functions that the
driver of kmaplocal refuses to convert (fixtures/emulator/README.md).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from conftest import REPOSITORY
from test_doors import MAKES_OWN

from kmaplocal.tree.spatch import find_spatch
from kmaplocal.commands import fixtures

EMULATOR = REPOSITORY / "fixtures/emulator"
DRIVERS = EMULATOR / "run"
FORCE = EMULATOR / "force.cocci"

# Not at a random address: where the kernel takes one of 32 random bits, it may lie
# where the address sanitizer of gcc 12 keeps its heap.
SANITIZE = ["-fsanitize=address,undefined", "-no-pie"]
COMPILE = ["gcc", "-std=gnu11", "-Wall", "-Werror", "-gdwarf-4", *SANITIZE]
# Seconds, to end what hangs.
TIMEOUT = 300
# What a finding ends the program with.
FOUND = 1


@dataclass(frozen=True)
class Ran:
    """What became of a run."""

    status: int
    output: str
    errors: str

    @property
    def clean(self) -> bool:
        return self.status == 0 and not self.errors

    def found(self, finding: str) -> bool:
        """Whether it ended with this finding, and with a place for it."""
        if self.status != FOUND or not self.errors:
            return False
        said = self.errors.splitlines()[-1]
        return re.match(rf"\S+\.c:\d+: {finding}: ", said) is not None


@dataclass(frozen=True)
class Fixture:
    """One fixture, by its NAME below the repository."""

    name: str

    @property
    def driver(self) -> Path:
        return DRIVERS / Path(self.name).relative_to("fixtures")

    @property
    def diff(self) -> Path:
        return fixtures.golden(self.name, "diff")

    @cached_property
    def reported(self) -> dict[str, str]:
        """The functions that its golden report names: `converted` or `kept`."""
        report = fixtures.golden(self.name, "report")
        verdicts = {}
        for line in report.read_text().splitlines() if report.exists() else ():
            said = re.search(r": (converted|kept|not analysed):? (\w+)", line)
            if said is None:
                continue  # a note
            verdict = "converted" if said[1] == "converted" else "kept"
            verdicts[said[2]] = verdict
        return verdicts

    @property
    def refused(self) -> set[str]:
        return {name for name, said in self.reported.items() if said == "kept"}

    @cached_property
    def _head(self) -> str:
        """The head of its driver; "" where it has none: a test of its own says so."""
        text = self.driver.read_text() if self.driver.exists() else ""
        return text.partition("*/")[0]

    def said(self, keyword: str) -> dict[str, str]:
        """What the lines `KEYWORD: function words` of the driver's head say."""
        lines = re.findall(rf"^ \* {keyword}: (\w+) (.+)$", self._head, re.M)
        return dict(lines)


def make(*arguments: str) -> None:
    """Run the emulator's make, without the settings of one that runs the tests."""
    own = {k: v for k, v in os.environ.items() if k not in MAKES_OWN}
    command = ["make", "-s", "-C", EMULATOR, *arguments]
    subprocess.run(command, check=True, env=own, timeout=TIMEOUT)


class Emulator:
    """The library, built in FOLDER, and the programs built with it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.library = folder / "libkmap-emulator.a"
        make(f"O={folder}")

    def compile(self, source: Path, program: Path, *options: str):
        """Build PROGRAM; returns what gcc did."""
        program.parent.mkdir(parents=True, exist_ok=True)
        includes = [f"-I{EMULATOR}/include", f"-I{REPOSITORY}/fixtures/include"]
        library = [f"-L{self.folder}", "-lkmap-emulator", "-pthread"]
        command = [*COMPILE, *options, *includes, source, "-o", program, *library]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            env={**os.environ, "LC_ALL": "C"},
        )


def run(program: Path, *names: str) -> Ran:
    """Run the tests NAMES of a program; leaks of its own memory do not matter."""
    done = subprocess.run(
        [program, *names],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"},
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def listed(program: Path) -> list[str]:
    """The tests in a program."""
    return run(program, "--list").output.split()


class Programs:
    """The fixtures in each of the three states, and their programs, made in the
    emulator's folder when they are asked for."""

    def __init__(self, emulator: Emulator):
        self.emulator = emulator
        self.program = cache(self._program)
        self.root = cache(self._root)

    def _program(self, fixture: Fixture, state: str) -> Path:
        """The program of a fixture that is `before` its conversion, `after` it, or
        `forced`.  Errors: AssertionError where gcc says anything."""
        program, done = self.build(fixture, state)
        assert (done.returncode, done.stderr) == (0, "")
        return program

    def build(self, fixture: Fixture, state: str):
        """Where the program of a fixture in this state is, and what gcc did."""
        root = self.root(fixture, state)
        program = self.emulator.folder / "programs" / state / fixture.name
        done = self.emulator.compile(fixture.driver, program, f"-I{root}/fixtures")
        return program, done

    def _root(self, fixture: Fixture, state: str) -> Path:
        """A folder that has the fixture, in this state, where the repository has it."""
        if state == BEFORE:
            return REPOSITORY
        root = self.emulator.folder / state
        path = root / fixture.name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / fixture.name, path)
        CHANGES[state](root, fixture)
        return root


def _convert(root: Path, fixture: Fixture) -> None:
    """Apply its golden patch, if it has one."""
    if not fixture.diff.exists():
        return
    command = ["git", "apply", "--unidiff-zero", "-p1", fixture.diff]
    settings = {**os.environ, "GIT_CEILING_DIRECTORIES": str(root.parent)}
    done = subprocess.run(
        command, cwd=root, env=settings, capture_output=True, timeout=TIMEOUT
    )
    assert done.returncode == 0, done.stderr


def _force(root: Path, fixture: Fixture) -> None:
    path = root / fixture.name
    command = [find_spatch().program, "--very-quiet", "--no-includes"]
    command += ["--sp-file", FORCE, path, "-o", path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    assert done.returncode == 0 and "EXN" not in done.stderr, done.stderr


BEFORE, AFTER, FORCED = "before", "after", "forced"
CHANGES = {AFTER: _convert, FORCED: _force}
