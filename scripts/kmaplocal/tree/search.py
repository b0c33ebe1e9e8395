# SPDX-License-Identifier: GPL-2.0-only
"""Which files of a tree hold which words: ripgrep looks, at all of it or at less.

A pass over all of Linux costs about a CPU second, so it is made for many words at
once.  Words are what C calls identifiers; bytes that are no ASCII end one.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from kmaplocal import scratch
from kmaplocal.errors import KmaplocalError
from kmaplocal.knowledge import api
from kmaplocal.tree.answers import Answers
from kmaplocal.workers import cores

SOURCES = (".c", ".h")
HEADERS = (".h",)
AGGREGATES = ("struct", "union")
# Searched only for what lies in the same one of them.
APART = ("Documentation", "samples", "scripts", "tools")
# A third of all bytes of a kernel: lists of registers, made by a program.  In 6.1, 6.12
# and 7.2 they are macros that are numbers, and enumerations of these, and nothing else:
# no macro with parameters or that is another name, no structure, function, declaration.
NUMBERS = "drivers/gpu/drm/amd/include/asic_reg"
_GET_IT = "apt-get install ripgrep"
# Nothing of the user's, and no ignored, hidden or "binary" file, changes an answer.
_PLAIN = ("--no-config", "--no-unicode", "--encoding=none", "-uuu", "--text")
_WORDS = (*_PLAIN, "--fixed-strings", "--word-regexp")
_SHOWN = ("--no-filename", "--no-line-number", "--color=never")
_PASTED = "[A-Za-z0-9_]+_##"
_DENIED = re.compile(r"(?:rg: )?(.*): Permission denied \(os error 13\)")
_WORD = re.compile("[A-Za-z0-9_]+")
_TOGETHER = 20000  # file names in one command
# ripgrep looks for so many bytes of words at once as fast as for one word, as measured
# with 13.0; for more of them, or by a pattern, it takes four times as long.
_MOST_BYTES = 240
_LEAST = 7  # bytes of a word that are enough to be rare


class SearchFailed(KmaplocalError):
    """ripgrep is missing, or could not read what it was to search."""


def program() -> str:
    """The ripgrep program. Errors: SearchFailed when there is none."""
    found = shutil.which("rg")
    if not found:
        raise SearchFailed(f"ripgrep not found: {_GET_IT}")
    return found


def command_for(words: Iterable[str], suffixes: Iterable[str]) -> list[str]:
    """The command, without where to look, that names the files, of these SUFFIXES, that
    hold one of WORDS, each with a NUL behind it.  Errors: SearchFailed."""
    globs = [f"--glob=*{suffix}" for suffix in suffixes]
    asked = [*_WORDS, "--files-with-matches", "--null", *globs, *_patterns(words)]
    return [program(), f"--threads={cores()}", *asked]


class Search:
    """The words of one tree; what it was asked once it does not look for again."""

    def __init__(self, tree: Path, known: Answers | None = None):
        """In: the top folder of a kernel tree, which must not change meanwhile; and
        what is KNOWN of it."""
        self.tree = Path(tree)
        self.answers = known or Answers()
        self.unread: set[str] = set()  # what may not be read, of what was searched

    @cached_property
    def beyond(self) -> list[str]:
        """The links that lead out of the tree, to C code or a folder: what is there is
        not searched.  Errors: OSError."""
        left_out = [
            w for name in (*APART, ".git") for w in ("-path", f"./{name}", "-o")
        ]
        command = ["find", ".", "(", *left_out[:-1], ")", "-prune", "-o"]
        command += ["-type", "l", "-print0"]
        done = subprocess.run(
            command, cwd=self.tree, stdin=subprocess.DEVNULL, capture_output=True
        )
        found = map(_plain_name, os.fsdecode(done.stdout).split("\0")[:-1])
        return sorted(name for name in found if self._leads_out(name))

    def _leads_out(self, name: str) -> bool:
        """Whether the link NAME is to C code, or a folder, outside of the tree."""
        path = self.tree / name
        known = path.is_dir() or (path.is_file() and path.suffix in SOURCES)
        return known and not path.resolve().is_relative_to(self.tree.resolve())

    def is_whole(self) -> bool:
        """Whether all there is in the tree is searched: that all who call a function
        are among what was found."""
        return not self.unread and not self.beyond

    def mentions(self, words: Iterable[str]) -> dict[str, list[str]]:
        """The files of the kernel proper that hold each of WORDS, sorted."""
        found: dict[str, set[str]] = {word: set() for word in words}
        some = pieces(found)
        if some and sum(map(len, found)) > _MOST_BYTES:
            named = self._named_by(some, found)
        else:
            asked = [*_WORDS, "--only-matching", *_patterns(found)]
            named = self._pass(asked, SOURCES, "") if found else iter(())
        for file, word in named:
            if word in found:  # the name of a file may be of two lines
                found[word].add(file)
        return {word: sorted(files) for word, files in found.items()}

    def _named_by(
        self, some: Iterable[str], words: Iterable[str]
    ) -> Iterator[tuple[str, str]]:
        """WORDS, and others, with the files they are in, by SOME pieces of them."""
        lines = Lines()
        self.lines_with(some, "", lines.file)
        for line in lines.with_words(words):
            file, text = _parted(line)
            for word in _WORD.findall(text):
                yield _plain_name(file), word

    def holding(self, words: Iterable[str], folder: str = "") -> list[str]:
        """The files in a FOLDER of the tree ("" is the kernel proper) that hold one
        of WORDS, sorted."""
        return self._holding([*_WORDS, *_patterns(words)], folder, SOURCES)

    def naming(self, words: Iterable[str], files: Iterable[str]) -> set[str]:
        """Those of FILES that hold one of WORDS."""
        asked = [*_WORDS, *_patterns(words), "--files-with-matches"]
        some = sorted(files)
        return set(self.among(some, asked)) if some else set()

    def headers(self, words: Iterable[str]) -> list[str]:
        """The headers of the kernel proper that hold one of WORDS and may define
        the members of a structure, sorted."""
        asked = [*_WORDS, *_patterns(words), "--files-with-matches"]
        return sorted(self.among(self.structures, asked))

    def lines(self, pattern: str, folder: str, into: IO[bytes]) -> None:
        """Write all lines of a FOLDER that match PATTERN into a file, each as the
        name of the source file, a NUL, and the line."""
        asked = [*_PLAIN, "--null", "--with-filename", "--no-line-number"]
        asked += ["--no-heading", f"--regexp={pattern}"]
        command = self._over(asked, SOURCES, folder)
        if command:
            _run(command, self.tree, self.unread, stdout=into)

    def lines_with(self, pieces: Iterable[str], folder: str, into: IO[bytes]) -> None:
        """Write all lines of a FOLDER that hold one of PIECES, as lines() does."""
        asked = [*_PLAIN, "--null", "--with-filename", "--no-line-number"]
        asked += ["--no-heading", "--fixed-strings", *_patterns(pieces)]
        command = self._over(asked, SOURCES, folder)
        if command:
            _run(command, self.tree, self.unread, stdout=into)

    def lines_in(self, pattern: str, files: Sequence[str]) -> list[str]:
        """The lines of FILES that match PATTERN, each as lines() writes it."""
        asked = [*_PLAIN, "--null", "--with-filename", "--no-line-number"]
        asked += ["--no-heading", f"--regexp={pattern}"]
        return self.among(files, asked) if files else []

    def among(self, files: Sequence[str], asked: Sequence[str]) -> list[str]:
        """What ripgrep, ASKED so, prints of these FILES, in any order."""
        found: list[str] = []
        for start in range(0, len(files), _TOGETHER):
            some = files[start : start + _TOGETHER]
            command = [program(), f"--threads={cores()}", *asked, "--", *some]
            found += _split(_run(command, self.tree, self.unread))
        return found

    def matches(self, pattern: str, files: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Each match of PATTERN in FILES, with its file."""
        asked = [*_PLAIN, "--null", "--with-filename", "--no-line-number"]
        asked += ["--no-heading", "--only-matching", f"--regexp={pattern}"]
        yield from map(_parted, self.among(files, asked) if files else ())

    def pasted_in(self, headers: Sequence[str]) -> Iterator[tuple[str, str]]:
        """The words in HEADERS that something is pasted to, with `##`."""
        return self.matches(_PASTED, headers)

    def pasted(self, folders: Sequence[str]) -> Iterator[tuple[str, str]]:
        """... in those of FOLDERS."""
        asked = [*_PLAIN, "--only-matching", f"--regexp={_PASTED}"]
        there = [f for f in folders if (self.tree / f).is_dir()]
        return self._pass(asked, HEADERS, *there) if there else iter(())

    def settings(self, pattern: str) -> Iterator[tuple[str, str]]:
        """The lines of the Kconfig files that match PATTERN, each with its file."""
        asked = [*_PLAIN, "--null", "--with-filename", "--no-line-number"]
        asked += ["--no-heading", f"--regexp={pattern}", "--glob=Kconfig*"]
        command = [program(), f"--threads={cores()}", *asked, "--", "."]
        for line in _split(_run(command, self.tree, self.unread)):
            file, text = _parted(line)
            yield _plain_name(file), text

    @property
    def structures(self) -> list[str]:
        """The headers with a structure or union, by far not all."""
        if self.answers.structures is None:
            asked = [*_PLAIN, "--fixed-strings", *_patterns(AGGREGATES)]
            self.answers.structures = self._holding(asked, "", HEADERS)
        return self.answers.structures

    @property
    def mapping(self) -> list[str]:
        """The files of the kernel proper with the name of a map function, or of one
        that ends a mapping."""
        if self.answers.mapping is None:
            asked = [*_PLAIN, "--fixed-strings", *_patterns(_shortest(api.NAMES) or ())]
            named = self._holding(asked, "", SOURCES)
            self.answers.mapping = sorted(self.naming(api.NAMES, named))
        return self.answers.mapping

    def note_mapping(self, lines: Iterable[str]) -> None:
        """Know which files have the name of a map function by LINES, all there are."""
        files = {_plain_name(_parted(line)[0]) for line in lines}
        self.answers.mapping = sorted(files)

    def _holding(
        self, asked: Sequence[str], folder: str, suffixes: Sequence[str]
    ) -> list[str]:
        command = self._over([*asked, "--files-with-matches"], suffixes, folder)
        found = _split(_run(command, self.tree, self.unread)) if command else []
        return sorted(map(_plain_name, found))

    def _pass(
        self, asked: Sequence[str], suffixes: Sequence[str], *folders: str
    ) -> Iterator[tuple[str, str]]:
        """What matches, with its file, each pair perhaps several times."""
        shown = ["--null", "--with-filename", "--no-line-number", "--no-heading"]
        command = self._over([*asked, *shown], suffixes, *folders)
        for line in _split(_run(command, self.tree, self.unread)) if command else ():
            file, text = _parted(line)
            yield _plain_name(file), text

    def _over(
        self, asked: Sequence[str], suffixes: Sequence[str], *folders: str
    ) -> list[str]:
        """The command that looks at FOLDERS; [] when there is nothing in them."""
        globs = [f"--glob=*{suffix}" for suffix in suffixes] + [f"--glob=!/{NUMBERS}/"]
        places = [p for folder in folders for p in self._places(folder, suffixes)]
        command = [program(), f"--threads={cores()}", *asked, *globs, "--", *places]
        return command if places else []

    def _places(self, folder: str, suffixes: Sequence[str]) -> list[str]:
        """What to search for FOLDER; "" is the kernel proper."""
        if folder:
            return [os.path.join(".", folder)]
        left_out = (*APART, ".git")
        return sorted(
            os.path.join(".", entry.name)
            for entry in os.scandir(self.tree)
            if entry.name not in left_out and _searched(entry, suffixes)
        )


class Lines:
    """Lines in a file of their own that is gone with this object, or the process,
    for ripgrep to choose from: as fast as an index, and in no memory."""

    @cached_property
    def file(self) -> IO[bytes]:
        """Where they are written to."""
        return scratch.file()

    def with_words(self, words: Iterable[str]) -> list[str]:
        """Those that hold one of WORDS."""
        return self._chosen([*_WORDS, *_patterns(words)])

    def matching(self, pattern: str) -> list[str]:
        """Those that match PATTERN."""
        return self._chosen([*_PLAIN, f"--regexp={pattern}"])

    def _chosen(self, asked: Sequence[str]) -> list[str]:
        self.file.flush()
        command = [program(), *asked, *_SHOWN, "--", "-"]
        # Opened once more, for a place in it that no other process moves.
        with open(f"/proc/self/fd/{self.file.fileno()}", "rb") as copy:
            return _split(_run(command, None, set(), stdin=copy))


def pieces(words: Iterable[str]) -> list[str] | None:
    """What to look for to find lines with one of WORDS, and some others: beginnings of
    them; None when there are too many words for that to be quick."""
    every = sorted(set(words))
    longest = max(map(len, every), default=0)
    for length in range(max(longest, _LEAST), _LEAST - 1, -1):
        cut = _shortest({word[:length] for word in every}, _MOST_BYTES)
        if cut is not None:
            return cut
    return None


def _shortest(words: Collection[str], most: float = math.inf) -> list[str] | None:
    """WORDS without those that hold another one; None when these are more than MOST
    bytes."""
    kept: list[str] = []
    for word in sorted(words, key=len):
        if not any(other in word for other in kept):
            kept.append(word)
            most -= len(word)
            if most < 0:
                return None
    return sorted(kept)


def _patterns(words: Iterable[str]) -> list[str]:
    return [f"--regexp={word}" for word in sorted(set(words))]


def _searched(entry: os.DirEntry, suffixes: Sequence[str]) -> bool:
    if entry.is_symlink():
        return False
    return entry.is_dir() or os.path.splitext(entry.name)[1] in suffixes


def _parted(line: str) -> tuple[str, str]:
    file, _nul, text = line.partition("\0")
    return file, text


def _plain_name(file: str) -> str:
    return file.removeprefix("./")


def _split(output: bytes) -> list[str]:
    return os.fsdecode(output).split("\n")[:-1]


def _run(
    command: list[str], folder: Path | None, unread: set[str], **streams: Any
) -> bytes:
    """What COMMAND prints, in FOLDER; adds to UNREAD what may not be read. Errors:
    SearchFailed."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE} | streams
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "LC_ALL": "C"},
        stderr=subprocess.PIPE,
        **streams,
    )
    if done.returncode > 1:
        said = os.fsdecode(done.stderr).strip().split("\n")
        denied = [match[1] for match in map(_DENIED.fullmatch, said) if match]
        if denied and len(denied) == len(said):
            unread.update(map(_plain_name, denied))
            return done.stdout or b""
        message = said[0]
        raise SearchFailed(f"ripgrep failed in {folder}: {message[:200]}")
    return done.stdout or b""
