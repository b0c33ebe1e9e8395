# SPDX-License-Identifier: GPL-2.0-only
"""The answers about a tree after some of its files changed: only these are looked at.

Where a file that changed was, or is, among those that answer a question, all that was
made of the answer is taken to be otherwise: its text was read for it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from kmaplocal.knowledge import api
from kmaplocal.tree import answers, generated, source
from kmaplocal.tree.answers import Answers, Topic
from kmaplocal.tree.definitions import Definitions
from kmaplocal.tree.members import members_in
from kmaplocal.tree.search import AGGREGATES, APART, HEADERS, NUMBERS, SOURCES

MOST_READ = 40  # files that mention a pointer: where there are more, none is read
_WORD = re.compile(rb"[A-Za-z0-9_]+")


def invalidated(tree: Definitions, changed: Collection[str]) -> set[Topic] | None:
    """What was asked of TREE and may be answered otherwise since its files CHANGED,
    which may be gone or new; None: anything.  The answers TREE has are as they are now
    afterwards.

    Errors: SearchFailed, TagsError, OSError."""
    if any(map(_is_for_all, changed)):
        return None
    here = sorted(file for file in changed if _is_searched(tree, file))
    headers = [file for file in here if file.endswith(HEADERS)]
    words = {file: _words(tree, file) for file in here}
    holding = [h for h in headers if words[h].intersection(AGGREGATES)]
    known = tree.answers
    if known.structures is not None:
        known.structures = sorted({*known.structures}.difference(changed) | {*holding})
    if known.mapping is not None:
        naming = {file for file in here if not words[file].isdisjoint(api.NAMES)}
        known.mapping = sorted({*known.mapping}.difference(changed) | naming)
    alike = _same_members(tree, holding, changed) and _same_pasted(
        tree, headers, changed
    )
    invalid = set(_answered(tree, here, words, changed))
    structs = any(kind == answers.STRUCTS for kind, _ in invalid)
    return invalid if alike and not structs else None


def _is_for_all(file: str) -> bool:
    """Whether what is found in any file may rest on FILE: the version is in the
    Makefile, the helpers in a header, and an architecture's Kconfig has highmem."""
    parts = file.split("/")
    kconfig = parts[0] == "arch" and parts[2:] == ["Kconfig"]
    return kconfig or file == source.HEADER or file in ("Makefile", "Kconfig")


def _is_searched(tree: Definitions, file: str) -> bool:
    path = tree.tree / file
    listed = file.startswith(f"{NUMBERS}/")
    if listed or not file.endswith(SOURCES) or not path.is_file():
        return False
    return path.resolve() == tree.tree.resolve() / file  # through no link


def _words(tree: Definitions, file: str) -> set[str]:
    found = _WORD.findall((tree.tree / file).read_bytes())
    return {word.decode() for word in found}


def _answered(
    tree: Definitions,
    here: list[str],
    words: dict[str, set[str]],
    changed: Collection[str],
) -> Iterator[Topic]:
    """What one of the files CHANGED answers, or did; of those, HERE are still there,
    with these WORDS."""
    fresh = _fresh(tree, here, words)
    gone = set(changed)
    for question, before in tree.answers.files.items():
        kind, folder, word = question
        found = fresh[kind].get(word, ())
        far = kind == answers.NAMED
        now = {file for file in found if far or _is_below(file, folder)}
        then = gone.intersection(before)
        if not now and not then:
            continue
        after = sorted({*before}.difference(gone) | now)
        tree.answers.files[question] = after
        unread = kind == answers.POINTED and min(len(before), len(after)) > MOST_READ
        if not (unread and len(before) == len(after)):
            yield kind, word


def _fresh(
    tree: Definitions, here: list[str], words: dict[str, set[str]]
) -> dict[str, dict[str, set[str]]]:
    """By the kind of question, the files HERE that answer one, by word."""
    asked: dict[str, set[str]] = defaultdict(set)
    for kind, _, word in tree.answers.files:
        asked[kind].add(word)
    holding: dict[str, set[str]] = defaultdict(set)
    for file, each in words.items():
        for word in each:
            holding[word].add(file)
    told = asked[answers.OBJECTS] & holding.keys()
    structs = asked[answers.STRUCTS] & holding.keys()
    headers = [file for file in here if file.endswith(HEADERS)]
    naming = [file for file in here if not words[file].isdisjoint(api.NAMES)]
    return {
        answers.DEFINES: tree.defining(here, asked[answers.DEFINES]),
        answers.MAPS: tree.defining(naming, asked[answers.MAPS]),
        answers.MENTIONS: holding,
        answers.POINTED: holding,
        answers.NAMED: holding,
        answers.OBJECTS: tree.objects_in(here, told) if told else {},
        answers.STRUCTS: tree.structs_in(headers, structs) if structs else {},
    }


def _is_below(file: str, folder: str) -> bool:
    """Whether FILE is in a FOLDER; "" is the kernel proper."""
    if folder:
        return file.startswith(f"{folder}/")
    return file.split("/")[0] not in (*APART, ".git")


def _same_members(
    tree: Definitions, headers: Iterable[str], changed: Collection[str]
) -> bool:
    """Whether the members that were asked for are the same in HEADERS, and were in no
    others that CHANGED."""
    known, gone = tree.answers.members, set(changed)
    inside = [header for header in headers if _is_below(header, "")]
    fresh = members_in(tree.tree, inside, known)
    for name, before in known.items():
        then = sorted(each for each in before if each[0] in gone)
        if then != sorted(fresh.get(name, ())):
            return False
    return True


def _same_pasted(
    tree: Definitions, headers: list[str], changed: Collection[str]
) -> bool:
    """Whether the same is pasted to words in HEADERS, and was in no others that
    CHANGED, and none of them generates what was asked for."""
    known: Answers = tree.answers
    if known.pasted is None:
        return True
    told = [
        h for h in headers if h.startswith(tuple(f"{f}/" for f in generated.FOLDERS))
    ]
    now = generated.by_header(tree.search.pasted_in(told))
    then = {file: known.pasted[file] for file in changed if file in known.pasted}
    return now == then and known.generating.isdisjoint(changed)
