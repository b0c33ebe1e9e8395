# SPDX-License-Identifier: GPL-2.0-only
"""The functions of a tree that map pages, as tokens, and what they call.

Functions are what Universal Ctags says they are (tags.py); calls are counted on
tokens (lexer.py). Nothing here decides a conversion.
"""

import os
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kmaplocal.knowledge import api
from kmaplocal.knowledge.functions import HELPERS
from kmaplocal.c import lexer
from kmaplocal.c import tags

Key = tuple[str, str]  # file, function

OLD_MAPS = frozenset(api.OLD_MAPS)
OLD_UNMAPS = frozenset(api.OLD_UNMAPS)
OLD = OLD_MAPS | OLD_UNMAPS
NEW_MAPS = frozenset(
    name for name, call in api.MAPS.items() if call.ends == "kunmap_local"
)
NEW_UNMAPS = frozenset(
    name
    for name, call in (api.UNMAPS | api.KERNEL_UNMAPS).items()
    if call.kind == "kunmap_local" and call.given == api.ADDRESS
)
NEW = NEW_MAPS | NEW_UNMAPS | HELPERS

_NAMED = re.compile(r"\b(?:" + "|".join(sorted(OLD)) + r")\b")


@dataclass(frozen=True)
class Body:
    """A function: every definition of its name in a file, as tokens."""

    file: str
    function: str
    line: int
    definitions: tuple[tuple[lexer.Token, ...], ...]

    def words(self) -> list[str]:
        """The token texts of all definitions, in order."""
        return [token.text for part in self.definitions for token in part]

    def calls(self) -> Counter[str]:
        """How often each old or new mapping function is called."""
        total: Counter[str] = Counter()
        for part in self.definitions:
            total.update(calls_of(part))
        return total


def calls_of(part: Iterable[lexer.Token]) -> Counter[str]:
    """Mapping calls between the braces of one definition, members left out."""
    found: Counter[str] = Counter()
    inside, before, name = False, "", ""
    for token in part:
        text = token.text
        if name and text == "(":
            found[name] += 1
        member = before in (".", "->")
        name = text if inside and not member and (text in OLD or text in NEW) else ""
        inside = inside or text == "{"
        before = text
    return found


def some(calls: Mapping[str, int], names: frozenset[str]) -> int:
    """How many of `calls` are to one of `names`."""
    return sum(count for name, count in calls.items() if name in names)


def candidates(tree: Path) -> list[str]:
    """The C files of `tree` that name an old mapping function, sorted.

    Errors: OSError when the folder cannot be read.
    """
    if not tree.is_dir():
        raise NotADirectoryError(f"{tree}: no such folder")
    asked = ["grep", "-rlwF", "--include=*.c", "--include=*.h"]
    asked += [f"-e{name}" for name in sorted(OLD)] + ["."]
    run = subprocess.run(
        asked, cwd=tree, capture_output=True, env={**os.environ, "LC_ALL": "C"}
    )
    if run.returncode > 1:
        raise OSError(f"grep failed in {tree}: {os.fsdecode(run.stderr).strip()}")
    return sorted(os.fsdecode(line)[2:] for line in run.stdout.splitlines())


def functions_that_map(tree: Path, files: Iterable[str]) -> dict[Key, Body]:
    """The functions in `files` that call an old map or unmap function.

    In: a kernel tree, and files below it. Out: (file, function) -> Body.
    Errors: tags.TagsError, OSError.
    """
    found = bodies(tree, files, mapping_only=True)
    return {key: body for key, body in found.items() if some(body.calls(), OLD)}


def bodies(
    tree: Path,
    files: Iterable[str],
    wanted: frozenset[Key] = frozenset(),
    mapping_only: bool = False,
) -> dict[Key, Body]:
    """Functions of `files`: those wanted, or those that name an old function."""
    texts: dict[str, list[str]] = {}
    found: dict[Key, list[tuple[int, tuple[lexer.Token, ...]]]] = defaultdict(list)
    functions = tags.functions(tree, files)
    if mapping_only:
        wanted = frozenset(
            (tag.file, tag.name)
            for tag in functions
            if _NAMED.search("".join(_slice(texts, tree, tag)))
        )
    for tag in functions:
        if (tag.file, tag.name) in wanted:
            part = _definition(_slice(texts, tree, tag), tag)
            found[tag.file, tag.name].append((tag.line, part))
    return {
        key: Body(*key, parts[0][0], tuple(part for _line, part in parts))
        for key, parts in found.items()
    }


def _slice(texts: dict[str, list[str]], tree: Path, tag: tags.Function) -> list[str]:
    """The lines of a function, from the line of its name."""
    if tag.file not in texts:
        text = (tree / tag.file).read_bytes().decode(errors="surrogateescape")
        texts[tag.file] = text.split("\n")
    first, end = tag.line - 1, tag.end or None
    return [f"{line}\n" for line in texts[tag.file][first:end]]


def _definition(lines: list[str], tag: tags.Function) -> tuple[lexer.Token, ...]:
    """The tokens of a definition, to its last brace."""
    found = lexer.tokens("".join(lines), tag.line)
    depth = 0
    for index, token in enumerate([] if tag.end else found):
        depth += (token.text == "{") - (token.text == "}")
        if token.text == "}" and not depth:
            return tuple(found[: index + 1])
    return tuple(found)
