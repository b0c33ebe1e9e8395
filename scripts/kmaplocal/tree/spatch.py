# SPDX-License-Identifier: GPL-2.0-only
"""Running Coccinelle's spatch so that nothing it loses goes unnoticed."""

import glob
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kmaplocal import scratch
from kmaplocal.c import parsing
from kmaplocal.errors import SpatchMissing
from kmaplocal.c.parsing import Gap
from kmaplocal.workers import CHILDREN, kill_group

OLDEST = (1, 1, 1)
FILE_MARK = "file\t"
_LATE = "spatch took longer than"
LATE = 1 / 4  # of the time for a file, for a function of one that took too long
# What spatch brings itself has names of many programs that mean something else here.
MACROS = Path(__file__).resolve().parents[3] / "cocci" / "macros.h"
_MACROS = ("--macro-file-builtins", str(MACROS))
_PARSE = ("--parse-c", *_MACROS)
# The one place spatch keeps its working copies, whatever TMPDIR says.
_SPATCH_TEMPORARY = "/tmp/cocci*-{pid}-*"
_GET_IT = "apt-get install coccinelle, or name one with SPATCH=/path/to/spatch"
_TELLING = re.compile(
    r"already tagged token:|inconsistent control-flow|^EXN:|^Fatal error|"
    r": parse error|\btimeout \(|^Error in |^ERROR:|Error:|not supported$"
)
_NOISE = re.compile(r"^(init_defs_builtins|HANDLING|Warning: PARSING|\s*$)")
# With -o, spatch calls it an error when no rule changes anything.
_UNMODIFIED = "-o can not be applied because there are no modified files"
# These lose a file's results even where the exit status is 0.
_FATAL = re.compile(
    r"already tagged token:|inconsistent control-flow|^EXN:|^Fatal error|"
    r"^exn while in|^Error in |^Traceback \(most recent|\btimeout \("
)


@dataclass(frozen=True)
class SpatchRun:
    """What one run of spatch on one file gave.

    FAILURES are short texts on why the results cannot be trusted; with any of them
    the file counts as not analysed. LOST are the parts no rule was tried on.
    """

    stdout: str
    stderr: str
    failures: tuple[str, ...]
    lost: tuple[Gap, ...]

    @property
    def passed(self) -> frozenset[int]:
        """The numbers of the lines in an #if half that was skipped."""
        chosen = [gap for gap in self.lost if gap.kind == parsing.PASSED]
        return frozenset(n for gap in chosen for n in range(gap.line, gap.last + 1))


@dataclass(frozen=True)
class Spatch:
    """A usable spatch: its program and its version."""

    program: str
    version: tuple[int, ...]

    def run(
        self,
        cocci: Path,
        file: Path,
        *,
        virtuals: Iterable[str] = (),
        defines: Mapping[str, str] | None = None,
        timeout: float = 120.0,
        env: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
    ) -> SpatchRun:
        """Run the semantic patch COCCI on FILE, for at most TIMEOUT seconds.

        VIRTUALS and DEFINES become `-D name` and `-D name=value`; ENV is added to
        the environment. LOST holds what does not parse, as far as spatch looked: a
        file without any word of the rules is skipped; skipped #if halves only
        parse() can tell. Never raises for what goes wrong inside spatch.
        """
        arguments = _arguments(cocci)
        settings = [f"{name}={value}" for name, value in (defines or {}).items()]
        for definition in (*virtuals, *settings):
            arguments += ["-D", definition]
        return self._execute([*arguments, *options], file, timeout, env or {})

    def run_each(
        self,
        cocci: Path,
        files: Sequence[Path],
        *,
        timeout: float = 120.0,
        env: Mapping[str, str] | None = None,
    ) -> list[SpatchRun]:
        """What run() gives for each of FILES, most often from one process: starting
        one costs more than what it does to a file of usual size.

        The rules of COCCI print a line FILE_MARK and the file's name before what
        they print of the next file. Where anything goes wrong, or all of FILES take
        longer than TIMEOUT seconds, each is run alone. The names of FILES must not
        have blanks at their ends, nor line ends."""
        names = [os.path.abspath(file) for file in files]
        if len(names) > 1:
            status, stdout, stderr = self._run_groups(cocci, names, timeout, env or {})
            told = _parts(stderr, names, "HANDLING: ")
            if told and not _failures(status, stderr, timeout):
                printed = _printed(stdout)
                return [_result(printed.get(n, ""), told[n], n, ()) for n in names]
        return [self.run(cocci, file, timeout=timeout, env=env) for file in files]

    def _run_groups(
        self, cocci: Path, names: list[str], timeout: float, env: Mapping[str, str]
    ) -> tuple[int | None, str, str]:
        with scratch.folder() as folder:
            groups = Path(folder) / "groups"
            groups.write_text("\n\n".join(names) + "\n")
            command = [self.program, *_arguments(cocci), "--file-groups", str(groups)]
            return _communicate(command, folder, timeout, env)

    def parse(self, file: Path) -> SpatchRun:
        """Only parse FILE: LOST then holds skipped #if halves as well."""
        return self.parse_each([file])[0]

    def parse_each(
        self, files: Sequence[Path], *, timeout: float = 120.0
    ) -> list[SpatchRun]:
        """What parse() gives for each of FILES, as run_each() does it.

        Errors: OSError when they cannot be read or copied."""
        sources = [_text(file) for file in files]
        with scratch.folder() as folder:
            copies = _marked_copies(Path(folder), files, sources)
            names = [str(copy) for copy in copies]
            if len(names) > 1:
                command = [self.program, *_PARSE, *names]
                status, _, stderr = _communicate(command, folder, timeout, {})
                told = _parts(stderr, names, "PARSING: ")
                if told and not _failures(status, stderr, timeout):
                    each = zip(names, sources)
                    return [_result("", told[n], n, (), source) for n, source in each]
            return [
                self._execute([*_PARSE], copy, timeout, {}, source)
                for copy, source in zip(copies, sources)
            ]

    def command(self, cocci: Path, file: Path) -> list[str]:
        """What to run for the semantic patch COCCI on FILE."""
        return [self.program, *_arguments(cocci), os.path.abspath(file)]

    def environment(self, folder: str, env: Mapping[str, str]) -> dict[str, str]:
        """What to run it in: ENV added, what it writes aside below FOLDER."""
        return {**_environment(folder), **env}

    def result(
        self, name: str, status: int | None, stdout: str, stderr: str, timeout: float
    ) -> SpatchRun:
        """What it printed of the file of the absolute NAME, as a run: STATUS is None
        when it took longer than TIMEOUT seconds."""
        return _result(stdout, stderr, name, _failures(status, stderr, timeout))

    def _execute(
        self,
        arguments: list[str],
        file: Path,
        timeout: float,
        env: Mapping[str, str],
        source: str | None = None,
    ) -> SpatchRun:
        name = os.path.abspath(file)
        command = [self.program, *arguments, name]
        with scratch.folder() as folder:
            status, stdout, stderr = _communicate(command, folder, timeout, env)
        failures = _failures(status, stderr, timeout)
        return _result(stdout, stderr, name, failures, source)


def is_late(why: str) -> bool:
    """Whether a text on WHY results cannot be trusted says that time ran out."""
    return _LATE in why


def find_spatch() -> Spatch:
    """The spatch to use: the program SPATCH names, else the one on PATH.

    Raises SpatchMissing when there is none or it is older than 1.1.1.
    """
    wanted = os.path.expanduser(os.environ.get("SPATCH") or "spatch")
    found = shutil.which(wanted)
    if not found:
        raise SpatchMissing(f"{wanted}: no such program; {_GET_IT}")
    program = os.path.abspath(found)
    version = _version(program)
    if version < OLDEST:
        this, oldest = (".".join(map(str, v)) for v in (version, OLDEST))
        raise SpatchMissing(
            f"{program}: version {this} is too old, {oldest} is the oldest that"
            f" will do; {_GET_IT}"
        )
    return Spatch(program, version)


def _arguments(cocci: Path) -> list[str]:
    arguments = ["--sp-file", os.path.abspath(cocci), "--no-includes", *_MACROS]
    return [*arguments, "--keep-comments", "--verbose-parsing"]


def _text(file: Path) -> str:
    return file.read_bytes().decode(errors="surrogateescape")


def _result(
    stdout: str,
    stderr: str,
    name: str,
    failures: tuple[str, ...],
    source: str | None = None,
) -> SpatchRun:
    """What spatch said of the file NAME, whose text is or was made of SOURCE."""
    try:
        source = _text(Path(name)) if source is None else source
        lost = parsing.gaps(stderr, name, source)
    except (OSError, ValueError) as error:
        failures, lost = (*failures, str(error)), ()
    return SpatchRun(stdout, stderr, failures, lost)


def _marked_copies(
    folder: Path, files: Iterable[Path], sources: Iterable[str]
) -> list[Path]:
    copies = []
    for number, (file, source) in enumerate(zip(files, sources)):
        copies.append(folder / str(number) / file.name)
        copies[-1].parent.mkdir()
        text = parsing.marked(source)
        copies[-1].write_bytes(text.encode(errors="surrogateescape"))
    return copies


def _parts(stderr: str, names: list[str], head: str) -> dict[str, str]:
    """What spatch said of each of NAMES behind a line of HEAD and the name; empty
    unless it handled them all, in their order."""
    heads = [f"{head}{name}" for name in names]
    parts: list[list[str]] = []
    for line in stderr.split("\n"):
        if line.startswith(head):
            parts.append([])
        if parts:
            parts[-1].append(line)
    if [part[0].rstrip() for part in parts] != heads:
        return {}
    return {name: "\n".join(part) for name, part in zip(names, parts)}


def _printed(stdout: str) -> dict[str, str]:
    """What the rules printed, by the file they printed it of."""
    printed: dict[str, list[str]] = {}
    latest: list[str] = []
    for line in stdout.splitlines(keepends=True):
        if line.startswith(FILE_MARK):
            latest = printed.setdefault(line.rstrip("\n")[len(FILE_MARK) :], [])
        else:
            latest.append(line)
    return {name: "".join(lines) for name, lines in printed.items()}


def _version(program: str) -> tuple[int, ...]:
    try:
        with scratch.folder() as folder:
            done = subprocess.run(
                [program, "--version"],
                cwd=folder,
                env=_environment(folder),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=60,
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SpatchMissing(f"{program}: does not run ({error}); {_GET_IT}") from None
    output = (done.stdout + done.stderr).decode(errors="replace")
    number = re.search(r"\bversion (\d+)\.(\d+)(?:\.(\d+))?", output)
    if not number:
        raise SpatchMissing(f"{program}: tells no version; {_GET_IT}")
    return tuple(int(part or 0) for part in number.groups())


def _environment(folder: str) -> dict[str, str]:
    # HOME too: no .cocciconfig, of the user or of a tree, may change a result.
    places = {"HOME": folder, "TMPDIR": folder}
    settings = {"LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    return {**os.environ, **places, **settings}


def _communicate(
    command: list[str], folder: str, timeout: float, env: Mapping[str, str]
) -> tuple[int | None, str, str]:
    """Exit status (None after TIMEOUT), stdout and stderr of COMMAND in FOLDER."""
    with CHILDREN.child(
        command,
        cwd=folder,
        env={**_environment(folder), **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="surrogateescape",
    ) as process:
        try:
            return _outputs(process, timeout)
        finally:
            for litter in glob.glob(_SPATCH_TEMPORARY.format(pid=process.pid)):
                os.unlink(litter)


def _outputs(process: subprocess.Popen, timeout: float) -> tuple[int | None, str, str]:
    try:
        stdout, stderr = process.communicate(timeout=timeout)
        return process.returncode, stdout, stderr
    except subprocess.TimeoutExpired:
        kill_group(process)
        stdout, stderr = process.communicate()
        return None, stdout, stderr


def _failures(status: int | None, stderr: str, timeout: float) -> tuple[str, ...]:
    words = list(parsing.without_source(stderr))
    if status is None:
        return (f"{_LATE} {timeout:g} seconds",)
    fatal = any(_FATAL.search(line) for line in words)
    if not fatal and (status == 0 or _UNMODIFIED in words):
        return ()
    telling = [line.strip() for line in words if _TELLING.search(line)]
    rest = [line.strip() for line in words if not _NOISE.match(line)]
    texts = telling or rest[-1:] or [f"exit status {status}"]
    return tuple(f"spatch: {text}" for text in dict.fromkeys(texts))
