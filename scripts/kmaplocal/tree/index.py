# SPDX-License-Identifier: GPL-2.0-only
"""The lines of a file by the word each begins with, found without looking at others.

A few bytes a line are kept in memory: where it begins, in the order of what is made of
its word.  To look at all lines once, and not for each question, is worth it from the
fifth question on."""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import IO

_PLACE = 32  # bits of where a line begins; those above are of its word


class Index:
    """The lines of FILE, which is only added to, by their words up to a tab."""

    def __init__(self, file: IO[bytes]):
        self._file = file
        self._parts: list[array] = []  # what was known of each time it was read
        self._size = 0  # of what was read

    def lines(self, words: Iterable[str]) -> Iterator[str]:
        """The lines that begin with one of WORDS, without their ends."""
        self.read()
        with self._opened() as copy:
            for word in sorted(words):
                yield from self._beginning(os.fsencode(word), copy)

    def read(self) -> None:
        """Know what was added."""
        self._file.flush()
        found, place = list[int](), self._size
        with self._opened() as copy:
            copy.seek(place)
            for line in copy:
                if not line.endswith(b"\n"):
                    break  # the rest of it is still to be written
                found.append(_mark(line[: line.find(b"\t")]) | place)
                place += len(line)
        if found:
            self._parts.append(array("Q", sorted(found)))
        self._size = place

    def _opened(self) -> IO[bytes]:
        # Once more, for a place in it that no other process moves.
        return open(f"/proc/self/fd/{self._file.fileno()}", "rb")

    def _beginning(self, word: bytes, copy: IO[bytes]) -> Iterator[str]:
        mark = _mark(word)
        for known in self._parts:
            for at in range(bisect_left(known, mark), len(known)):
                if known[at] >> _PLACE != mark >> _PLACE:
                    break
                copy.seek(known[at] - mark)
                line = copy.readline()
                if line.partition(b"\t")[0] == word:
                    yield os.fsdecode(line).rstrip("\n")


def _mark(word: bytes) -> int:
    return (hash(word) & 0x7FFFFFFF) << _PLACE
