# SPDX-License-Identifier: GPL-2.0-only
"""Results once more, as far as nothing changed in the tree that they rest on.

A result is for all files of a folder.  It is kept with the files that were read for it
and with the answers about the whole tree that it rests on: after a change these answers
are found out anew for the files that changed, and the results that rest on one of them,
or on another answer, are made again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from kmaplocal import faults
from kmaplocal.c import tags
from kmaplocal.c.outline import READ, outlines, read_below
from kmaplocal.cache import cache
from kmaplocal.cache.state import State, state, unpacked
from kmaplocal.errors import KmaplocalError
from kmaplocal.tree import answers, search, shard
from kmaplocal.tree.answers import Answers, Asked
from kmaplocal.tree.definitions import Definitions
from kmaplocal.tree.kernel import CTree
from kmaplocal.tree.renewed import renewed
from kmaplocal.tree.spatch import Spatch
from kmaplocal.tree.target import Target

Results = dict[str, Any]  # by folder, what JSON can hold
Resting = tuple[Iterable[str], Iterable[Asked]]  # on files, and on answers


@dataclass
class Grounds:
    """What results rest on, by folder; the functions by which files may map or unmap
    for others; and the ANSWERS about the tree; None where that is not known."""

    rests: dict[str, Resting] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    answers: Answers = field(default_factory=Answers)

    def add(self, other: Grounds) -> None:
        """Take what OTHER knows as well."""
        self.rests.update(other.rests)
        self.names.update(other.names)
        self.answers.add(other.answers)


class Made(NamedTuple):
    """Results, of files that were found by a list; and whether all of it was found out:
    one with a file that spatch failed on may be better the next time."""

    results: Results
    lists: dict[str, list[str]]
    complete: bool
    grounds: Grounds | None = None


class Earlier:
    """What was made before files CHANGED."""

    def __init__(
        self, tree: Definitions, changed: set[str], made: Made, grounds: Grounds
    ):
        self.tree, self.changed = tree, changed
        self.made, self.grounds = made, grounds

    def candidates(
        self, name: str, tree: CTree, names: Iterable[str], words: tuple[str, ...]
    ) -> list[str]:
        """The list called NAME as it is now, of the files below NAMES with one of
        WORDS."""
        kept = set(self.made.lists[name]) - self.changed
        there = [f for f in self.changed if (tree.root / f).is_file()]
        fresh = tree.among(sorted(there), names)
        found = tree.candidates(fresh, words) if fresh else []
        return sorted(kept.union(map(str, found)), key=Path)

    def holding(self, paths: Sequence[str], calls: Sequence[str]) -> Results:
        """The results that still hold, of the folders of PATHS, which are all files
        with CALLS."""
        otherwise = renewed(self.tree, self.changed)
        code = (file for file in self.changed if file.endswith(search.SOURCES))
        folders = shard.by_folder(code)  # all of a folder may be looked through
        names = self._names(paths, calls)
        if otherwise is None:
            self.grounds = Grounds(names=self.grounds.names)
            return {}
        held = {
            folder: result
            for folder, result in self.made.results.items()
            if folder not in folders and self._holds(folder, otherwise)
        }
        every = shard.by_folder(paths)
        files = [f for folder in held for f in every.get(folder, ())]
        naming = self.tree.search.naming(names, files) if names and files else ()
        gone = shard.by_folder(naming).keys() | (held.keys() - every.keys())
        return {folder: held[folder] for folder in held.keys() - gone}

    def stands(self, paths: Iterable[str]) -> bool:
        """Whether the one result there is, of PATHS, and of how files are built, still
        holds."""
        names = (os.path.basename(file) for file in self.changed)
        built = any(name.startswith(("K", "Makefile")) for name in names)
        code = (file for file in self.changed if file.endswith(search.SOURCES))
        if built or shard.by_folder(code).keys() & shard.by_folder(paths).keys():
            return False
        otherwise = renewed(self.tree, self.changed)
        return otherwise is not None and self._holds("", otherwise)

    def joined(self, held: Results, fresh: Made) -> Made:
        """What is HELD, and what was made afresh."""
        if fresh.grounds:
            rests = {folder: self.grounds.rests[folder] for folder in held}
            self.grounds.add(fresh.grounds)
            self.grounds.rests = {**rests, **fresh.grounds.rests}
        return fresh._replace(results=held | fresh.results, grounds=self.grounds)

    def _holds(self, folder: str, otherwise: set[Asked]) -> bool:
        if folder not in self.grounds.rests:
            return False
        files, asked = self.grounds.rests[folder]
        return self.changed.isdisjoint(files) and otherwise.isdisjoint(asked)

    def _names(self, paths: Sequence[str], calls: Sequence[str]) -> set[str]:
        """The functions by which files that changed may map or unmap for others, now or
        before."""
        known, here = self.grounds.names, sorted(self.changed.intersection(paths))
        found = {name for file in self.changed for name in known.pop(file, ())}
        for file, outline in outlines(self.tree.tree, here, {}).items():
            known[file] = shard.names_of(file, outline, calls)
            found.update(known[file])
        return found


def grounds_of_all(tree: Definitions) -> Grounds:
    """What one result of TREE rests on: all that was read, and asked."""
    known = tree.own.answers
    known.partial = known.partial or bool(tree.own.search.unread)
    return Grounds({"": (read_below(tree.tree), set(known.used))}, {}, known)


def answer(
    aim: Target,
    spatch: Spatch,
    asked: Sequence[str],
    make: Callable[[Earlier | None], Made],
) -> tuple[Results, dict[str, list[str]]]:
    """The results and lists that MAKE gives, or gave for the same ASKED of the tree
    that AIM is about before; MAKE is given what there is of these where the tree is
    another now.

    ASKED says all that the result depends on, but the tree, kmaplocal and its
    tools.  Where another tree is read as well, nothing is kept.  Errors: those of
    MAKE."""
    store, root = cache.cache(), aim.root
    now = _state(root) if store.usable and not aim.kernel else None
    if now is None:
        made = make(None)
        return made.results, made.lists
    tools = (spatch.program, tags.program(), search.program())
    about = [os.fsencode(root), *map(cache.tool, tools), *map(str.encode, asked)]
    place = _Place(cache.key("result", *about), cache.key("grounds", *about))
    found, earlier = place.known(aim, now)
    if found is None:
        faulty = len(faults.CAUGHT)
        READ.clear()
        found = make(earlier)
        if found.complete and len(faults.CAUGHT) == faulty:
            place.keep(now, found)
    return found.results, found.lists


class _Place(NamedTuple):
    """The keys of what is kept for one question."""

    result: bytes
    grounds: bytes

    def known(self, aim: Target, now: State) -> tuple[Made | None, Earlier | None]:
        """What was kept, if it still holds; or else as far as it may."""
        kept = cache.cache().get([self.result]).get(self.result)
        length, _end, rest = (kept or b"0\n").partition(b"\n")
        then, found = rest[: int(length)], rest[int(length) :]
        if not kept or not then:
            return None, None
        changed = now.changed(aim.root, unpacked(then))
        told = json.loads(found)
        made = Made(told["results"], told["lists"], True)
        if not changed:
            return made, None
        grounds = self._grounds(kept)
        if grounds is None:
            return None, None
        tree = Definitions(aim.root, grounds.answers)
        return None, Earlier(tree, changed, made, grounds)

    def _grounds(self, kept: bytes) -> Grounds | None:
        """The grounds of what was KEPT."""
        packed = cache.cache().get([self.grounds]).get(self.grounds, b"")
        digest, told = packed[:32], packed[32:]
        if digest != hashlib.sha256(kept).digest():
            return None  # of another run, at the same time
        found = json.loads(told)
        every = [(kind, word) for kind, word in found["asked"]]
        rests: dict[str, Resting] = {
            folder: (
                {found["files"][number] for number in files},
                {every[number] for number in asked},
            )
            for folder, (files, asked) in found["rests"].items()
        }
        return Grounds(rests, found["names"], answers.from_json(found["answers"]))

    def keep(self, now: State, made: Made) -> None:
        """Keep what was MADE of the tree in the state NOW."""
        packed = now.packed()
        told = json.dumps({"results": made.results, "lists": made.lists})
        kept = b"%d\n%b%b" % (len(packed), packed, told.encode())
        entries = {self.result: kept}
        if made.grounds and not made.grounds.answers.partial:
            digest = hashlib.sha256(kept).digest()
            entries[self.grounds] = digest + _packed(made.grounds)
        cache.cache().put(entries)


def _packed(grounds: Grounds) -> bytes:
    files: dict[str, int] = {}
    asked: dict[Asked, int] = {}
    rests = {
        folder: (
            [files.setdefault(file, len(files)) for file in sorted(on)],
            [asked.setdefault(each, len(asked)) for each in sorted(questions)],
        )
        for folder, (on, questions) in grounds.rests.items()
    }
    told = {
        "files": list(files),
        "asked": list(asked),
        "rests": rests,
        "names": grounds.names,
        "answers": grounds.answers.only(asked).as_json(),
    }
    return json.dumps(told).encode()


def _state(root: Path) -> State | None:
    try:
        return state(root)
    except (KmaplocalError, OSError):
        return None  # what reads the tree will say what is wrong with it
