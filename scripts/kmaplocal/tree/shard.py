# SPDX-License-Identifier: GPL-2.0-only
"""A share of the candidate files, for one machine of several."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from kmaplocal.errors import KmaplocalError
from kmaplocal.c.outline import Outline, Span

Homes = Mapping[str, set[str]]  # files by the functions they have


class BadShard(KmaplocalError):
    """SHARD= that is not K/N, or shards that do not belong together."""


class Shard(NamedTuple):
    """The NUMBER-th, from 1, of OF shards."""

    number: int
    of: int

    def chosen(self, paths: Iterable[str]) -> list[str]:
        """Its share of PATHS, by their list alone."""
        return dealt(dict.fromkeys(paths, 1), self.of)[self.number - 1]

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def dealt(weights: Mapping[str, int], parts: int) -> list[list[str]]:
    """The paths that have WEIGHTS in so many PARTS, of about the same weight and each
    sorted.  A folder is in one of them."""
    folders = by_folder(weights)
    heavy = {name: sum(weights[p] for p in paths) for name, paths in folders.items()}
    found: list[list[str]] = [[] for _ in range(parts)]
    loads = [0] * parts
    for name in sorted(folders, key=lambda name: (-heavy[name], name)):
        lightest = loads.index(min(loads))
        loads[lightest] += heavy[name]
        found[lightest] += folders[name]
    return [sorted(part) for part in found]


def parsed(text: str) -> Shard:
    """The shard that TEXT, as 2/3, names. Raises BadShard."""
    number, slash, of = text.partition("/")
    if slash and number.isdecimal() and of.isdecimal():
        if 1 <= int(number) <= int(of):
            return Shard(int(number), int(of))
    raise BadShard(f"SHARD={text}: not one of 1/N to N/N")


def by_folder(paths: Iterable[str]) -> dict[str, list[str]]:
    """PATHS by the folder they are in, each sorted: what is said of a file may be about
    another beside it."""
    folders: dict[str, list[str]] = {}
    for path in sorted(paths):
        folders.setdefault(os.path.dirname(path), []).append(path)
    return folders


def names_of(file: str, outline: Outline, calls: Collection[str]) -> list[str]:
    """The functions of FILE with one of CALLS that other files can call."""
    spans = outline.holding(calls)
    return sorted({s.name for s in spans if _is_shared(file, outline, s)})


def _is_shared(file: str, outline: Outline, span: Span) -> bool:
    return file.endswith(".h") or not outline.is_static(span)


def homes_of(names: Mapping[str, Iterable[str]]) -> Homes:
    """The files that have each of the functions NAMES, which are by file."""
    found: dict[str, set[str]] = {}
    for file, each in names.items():
        for name in each:
            found.setdefault(name, set()).add(file)
    return found


def with_tied(
    wanted: Collection[str],
    homes: Homes,
    spoken: Callable[[set[str]], Iterable[frozenset[str]]],
) -> set[str]:
    """The files WANTED, and all that have one of the functions in HOMES that one of
    these can call, by the words that are SPOKEN in files, and so on: it may map or
    unmap for them."""
    found, new = set(wanted), set(wanted)
    while new:
        words = frozenset[str]().union(*spoken(new))
        new = set().union(*(homes[name] for name in words & homes.keys())) - found
        found |= new
    return found


def complete(shards: Sequence[Shard]) -> None:
    """Raise BadShard unless these are all the shards there are, each once."""
    totals = {shard.of for shard in shards}
    if len(totals) != 1:
        raise BadShard("merge: these are not shards of one run")
    missing = set(range(1, max(totals) + 1)) - {shard.number for shard in shards}
    if missing:
        told = ", ".join(f"{number}/{max(totals)}" for number in sorted(missing))
        raise BadShard(f"merge: {told} is missing")
    if len(shards) > max(totals):
        raise BadShard("merge: a shard is there twice")
