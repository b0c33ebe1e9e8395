# SPDX-License-Identifier: GPL-2.0-only
"""Results, kept as long as nothing changed in the tree that they depend on.

A result is for all files of a folder.  It is kept with what it depends on: the files
that were read for it, and the answers about the whole tree.  After a change these
answers are found out anew for the files that changed; then the results that depend on
one of these files, or on an answer that is another now, are made again."""

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
from kmaplocal.tree.answers import Answers, Topic
from kmaplocal.tree.definitions import Definitions
from kmaplocal.tree.kernel import CTree
from kmaplocal.tree.invalidation import invalidated
from kmaplocal.tree.spatch import Spatch
from kmaplocal.tree.target import Target

Results = dict[str, Any]  # by folder, what JSON can hold
Rest = tuple[Iterable[str], Iterable[Topic]]  # on files, and on answers


@dataclass
class Dependencies:
    """What results depend on, by folder; the functions by which files may map or unmap
    for others; and the ANSWERS about the tree; None where that is not known."""

    by_folder: dict[str, Rest] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    answers: Answers = field(default_factory=Answers)

    def add(self, other: Dependencies) -> None:
        """Take what OTHER knows as well."""
        self.by_folder.update(other.by_folder)
        self.names.update(other.names)
        self.answers.add(other.answers)


class Made(NamedTuple):
    """Results, of files that were found by a list; and whether all of it was found out:
    one with a file that spatch failed on may be better the next time."""

    results: Results
    lists: dict[str, list[str]]
    complete: bool
    dependencies: Dependencies | None = None


class Earlier:
    """What was made before files CHANGED."""

    def __init__(
        self,
        tree: Definitions,
        changed: set[str],
        made: Made,
        dependencies: Dependencies,
    ):
        self.tree, self.changed = tree, changed
        self.made, self.dependencies = made, dependencies

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
        invalid = invalidated(self.tree, self.changed)
        code = (file for file in self.changed if file.endswith(search.SOURCES))
        folders = shard.by_folder(code)  # all of a folder may be looked through
        names = self._names(paths, calls)
        if invalid is None:
            self.dependencies = Dependencies(names=self.dependencies.names)
            return {}
        held = {
            folder: result
            for folder, result in self.made.results.items()
            if folder not in folders and self._holds(folder, invalid)
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
        invalid = invalidated(self.tree, self.changed)
        return invalid is not None and self._holds("", invalid)

    def joined(self, held: Results, fresh: Made) -> Made:
        """What is HELD, and what was made afresh."""
        if fresh.dependencies:
            rests = {folder: self.dependencies.by_folder[folder] for folder in held}
            self.dependencies.add(fresh.dependencies)
            self.dependencies.by_folder = {**rests, **fresh.dependencies.by_folder}
        return fresh._replace(
            results=held | fresh.results, dependencies=self.dependencies
        )

    def _holds(self, folder: str, invalid: set[Topic]) -> bool:
        if folder not in self.dependencies.by_folder:
            return False
        files, asked = self.dependencies.by_folder[folder]
        return self.changed.isdisjoint(files) and invalid.isdisjoint(asked)

    def _names(self, paths: Sequence[str], calls: Sequence[str]) -> set[str]:
        """The functions by which files that changed may map or unmap for others, now or
        before."""
        known, here = self.dependencies.names, sorted(self.changed.intersection(paths))
        found = {name for file in self.changed for name in known.pop(file, ())}
        for file, outline in outlines(self.tree.tree, here, {}).items():
            known[file] = shard.names_of(file, outline, calls)
            found.update(known[file])
        return found


def dependencies_of_all(tree: Definitions) -> Dependencies:
    """What one result of TREE depends on: all that was read, and asked."""
    known = tree.own.answers
    known.partial = known.partial or bool(tree.own.search.unread)
    return Dependencies({"": (read_below(tree.tree), set(known.used))}, {}, known)


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
    about = [os.fsencode(root), *map(cache.tool, tools), *map(os.fsencode, asked)]
    place = _Place(cache.key("result", *about), cache.key("dependencies", *about))
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
    dependencies: bytes

    def known(self, aim: Target, now: State) -> tuple[Made | None, Earlier | None]:
        """What was kept, if it still holds; or else as far as it may."""
        kept = cache.cache().get([self.result]).get(self.result)
        length, _end, rest = (kept or b"0\n").partition(b"\n")
        then, found = rest[: int(length)], rest[int(length) :]
        if not kept or not then:
            return None, None
        changed = now.changed(aim.root, unpacked(then))
        saved = json.loads(found)
        made = Made(saved["results"], saved["lists"], True)
        if not changed:
            return made, None
        dependencies = self._dependencies(kept)
        if dependencies is None:
            return None, None
        tree = Definitions(aim.root, dependencies.answers)
        return None, Earlier(tree, changed, made, dependencies)

    def _dependencies(self, kept: bytes) -> Dependencies | None:
        """The dependencies of what was KEPT."""
        packed = cache.cache().get([self.dependencies]).get(self.dependencies, b"")
        digest, state = packed[:32], packed[32:]
        if digest != hashlib.sha256(kept).digest():
            return None  # of another run, at the same time
        found = json.loads(state)
        every = [(kind, word) for kind, word in found["asked"]]
        by_folder: dict[str, Rest] = {
            folder: (
                {found["files"][number] for number in files},
                {every[number] for number in asked},
            )
            for folder, (files, asked) in found["rests"].items()
        }
        return Dependencies(
            by_folder, found["names"], answers.from_json(found["answers"])
        )

    def keep(self, now: State, made: Made) -> None:
        """Keep what was MADE of the tree in the state NOW."""
        packed = now.packed()
        text = json.dumps({"results": made.results, "lists": made.lists})
        kept = b"%d\n%b%b" % (len(packed), packed, text.encode())
        entries = {self.result: kept}
        if made.dependencies and not made.dependencies.answers.partial:
            digest = hashlib.sha256(kept).digest()
            entries[self.dependencies] = digest + _packed(made.dependencies)
        cache.cache().put(entries)


def _packed(dependencies: Dependencies) -> bytes:
    files: dict[str, int] = {}
    asked: dict[Topic, int] = {}
    rests = {
        folder: (
            [files.setdefault(file, len(files)) for file in sorted(on)],
            [asked.setdefault(each, len(asked)) for each in sorted(questions)],
        )
        for folder, (on, questions) in dependencies.by_folder.items()
    }
    state = {
        "files": list(files),
        "asked": list(asked),
        "rests": rests,
        "names": dependencies.names,
        "answers": dependencies.answers.only(asked).as_json(),
    }
    return json.dumps(state).encode()


def _state(root: Path) -> State | None:
    try:
        return state(root)
    except (KmaplocalError, OSError):
        return None  # what reads the tree will say what is wrong with it
