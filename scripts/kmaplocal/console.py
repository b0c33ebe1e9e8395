# SPDX-License-Identifier: GPL-2.0-only
"""What the user sees: messages, patches, and progress of what takes long."""

import contextlib
import io
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from kmaplocal import names
from kmaplocal.errors import OutputClosed
from kmaplocal.progress import Progress, silent

CLOSED = "the output was closed before its end; stopped"
_PLAIN_INTERVAL = 5.0
_COLOURS = {b"+": b"\033[32m", b"-": b"\033[31m", b"@": b"\033[36m"}
_BOLD, _RESET = b"\033[1m", b"\033[0m"
_HEADERS = (b"diff ", b"--- ", b"+++ ")


class Console:
    """Messages go to REPORT, patches to standard output, progress to stderr.

    Both raise OutputClosed when nobody reads any more.
    """

    def __init__(self, report: TextIO | None = None):
        self._report = report or sys.stdout

    def say(self, text: str, coloured: bool = False) -> None:
        """Print TEXT as part of the report: nothing in it but line ends and tabs
        moves a terminal's cursor, unless it is COLOURED."""
        with _until_closed(self._report):
            text = text if coloured else names.visible(text)
            print(text, file=self._report, flush=True)

    def flush(self) -> None:
        """Have what was said arrive, wherever it goes."""
        with _until_closed(self._report):
            self._report.flush()

    def line(self, text: str) -> None:
        """Print TEXT as one line of the report, whatever names it speaks of."""
        self.say(names.line(text))

    def patch(self, patch: bytes) -> None:
        """Print PATCH byte for byte, coloured when a person is looking."""
        shown = coloured(patch) if wants_colour(sys.stdout) else patch
        with _until_closed(sys.stdout):
            sys.stdout.flush()
            sys.stdout.buffer.write(shown)
            sys.stdout.buffer.flush()

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Progress]:
        """A callback to tell how many of TOTAL are done: a bar, or plain lines."""
        if is_set("QUIET"):
            yield silent
            return
        make = _bar if sys.stderr.isatty() else _plain_lines
        with make(what, total) as step:
            yield step

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Say on a terminal, and only there, that WHAT is done meanwhile."""
        if is_set("QUIET") or not sys.stderr.isatty():
            yield
            return
        # Imported here, as for a bar.
        from rich.console import Console as RichConsole

        with RichConsole(stderr=True).status(what):
            yield


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """HEADS and ROWS below each other, in columns."""
    lines = [list(heads), *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
        for line in lines
    )


def error(text: str) -> None:
    """Print TEXT, one line, on stderr as what went wrong, if somebody reads there."""
    with contextlib.suppress(OSError):
        shown = names.line(text.replace("\n", " "))
        print(f"kmaplocal: {shown}", file=sys.stderr, flush=True)


def abandon() -> None:
    """Drop what is left to be written to standard output, if it cannot be: Python
    would try once more when it ends, and choose the exit status."""
    try:
        if sys.stdout:
            sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def open_streams() -> None:
    """Make the standard streams fit to print any name on.

    What is printed on a closed stderr is lost.  Raises OutputClosed for a closed
    standard output: nobody would see what was found or changed."""
    closed = [number for number in range(3) if not _is_open(number)]
    for number in closed:
        # No file that is opened later may pass for a stream.  Reading from this one
        # is an error still.
        while os.open(os.devnull, os.O_WRONLY) < number:
            pass
    if 2 in closed:
        sys.stderr = open(2, "w", closefd=False)
    _reconfigure(sys.stderr)
    if 1 in closed:
        raise OutputClosed("standard output is closed; nothing was done")
    _reconfigure(sys.stdout)


def _reconfigure(stream: TextIO) -> None:
    if isinstance(stream, io.TextIOWrapper):  # a test may have put another there
        stream.reconfigure(errors="backslashreplace")


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


@contextmanager
def _until_closed(stream: TextIO) -> Iterator[None]:
    """Raise OutputClosed where STREAM is written to and nobody reads any more, or
    there is no room for more."""
    try:
        yield
    except BrokenPipeError:
        # Python flushes the stream once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        raise OutputClosed(CLOSED) from None
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        why = f"standard output or stderr: {error.strerror}; stopped"
        raise OutputClosed(why) from None


def wants_colour(stream: TextIO) -> bool:
    """Whether STREAM is a terminal whose user has not turned colour off, or colour is
    wanted wherever it goes."""
    if os.environ.get("NO_COLOR"):
        return False
    if is_set("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def is_set(name: str) -> bool:
    """Whether a setting of the environment is on: not empty, nor 0, no or n."""
    return os.environ.get(name, "") not in ("", "0", "no", "n")


def coloured(patch: bytes) -> bytes:
    """PATCH with terminal colours."""
    return b"".join(_colour_line(line) for line in patch.splitlines(keepends=True))


def _colour_line(line: bytes) -> bytes:
    colour = _BOLD if line.startswith(_HEADERS) else _COLOURS.get(line[:1])
    if not colour:
        return line
    text = line.rstrip(b"\n")
    return colour + text + _RESET + line[len(text) :]


@contextmanager
def _bar(begun: str, total: int) -> Iterator[Progress]:
    # Imported here: rich takes longer to load than most runs on one file.
    from rich.console import Console as RichConsole
    from rich.progress import MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (
        *Bar.get_default_columns(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[at]}", markup=False),
    )
    terminal = RichConsole(stderr=True)
    with Bar(*columns, console=terminal, transient=True) as bar:
        task = bar.add_task(begun, total=total, at="")

        def step(done: int, at: str = "", what: str = "") -> None:
            shown = names.line(at)
            bar.update(task, completed=done, description=what or begun, at=shown)

        yield step


@contextmanager
def _plain_lines(begun: str, total: int) -> Iterator[Progress]:
    last = time.monotonic()

    def step(done: int, at: str = "", what: str = "") -> None:
        nonlocal last
        if done < total and time.monotonic() - last >= _PLAIN_INTERVAL:
            last = time.monotonic()
            where = f", {names.line(at)}" if at else ""
            told = f"{what or begun}: {done} of {total}{where}"
            print(told, file=sys.stderr, flush=True)

    yield step
