# SPDX-License-Identifier: GPL-2.0-only
"""How many functions call one, in its file or all over the tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from kmaplocal.c.lexer import Token, tokens
from kmaplocal.c.outline import Outline, read
from kmaplocal.certify.analysis import FileAnalysis
from kmaplocal.tree.definitions import Definitions


class Callers:
    """The callers of what FILES define; TREE: they are from."""

    def __init__(self, files: Mapping[str, FileAnalysis], tree: Definitions | None):
        self.files = files
        self.definitions = tree
        self._counted: dict[tuple[str, str], int | None] = {}

    def count(self, path: str, name: str) -> int | None:
        """How many functions call NAME of the file PATH; None where that is not
        known.  Errors: SearchFailed."""
        key = (path, name)
        if key not in self._counted:
            self._counted[key] = self._count(path, name)
        return self._counted[key]

    def told(self, path: str, name: str) -> str:
        """... in words: "7 callers", or "all callers"."""
        number = self.count(path, name)
        if not number:
            return "all callers"
        return f"{number} caller{'s' if number > 1 else ''}"

    def _count(self, path: str, name: str) -> int | None:
        outline = self.files[path].outline
        if not _is_shared(path, outline, name):
            return _calling(outline.tokens, name)
        if self.definitions is None:
            return None
        naming = self._naming.get(name, ())
        texts = (read(self.definitions.tree / file) for file in naming)
        return sum(_calling(tokens(text), name) for text in texts)

    @cached_property
    def _naming(self) -> Mapping[str, Sequence[str]]:
        return ask(self.files.values(), self.definitions)


def ask(
    files: Iterable[FileAnalysis], tree: Definitions | None
) -> Mapping[str, Sequence[str]]:
    """The files of TREE that name a function of FILES which is kept, by its name."""
    names = set(_kept_shared(files))
    return tree.mentions(names) if tree and names else {}


def _kept_shared(files: Iterable[FileAnalysis]) -> Iterator[str]:
    for file in files:
        for verdict in file.verdicts:
            kept = verdict.doubts or not all(c.good for c in verdict.certificates)
            if kept and _is_shared(file.path, file.outline, verdict.function):
                yield verdict.function


def _is_shared(path: str, outline: Outline, name: str) -> bool:
    """Whether other files can call NAME, where the file PATH defines it."""
    spans = [span for span in outline.functions if span.name == name]
    return path.endswith(".h") or not any(map(outline.is_static, spans))


def _calling(seen: Sequence[Token], name: str) -> int:
    """In how many bodies, of all the tokens SEEN, NAME is called."""
    depth, bodies, body = 0, set(), 0
    for number, token in enumerate(seen):
        if token.directive:
            continue
        if token.text == "{":
            body += depth == 0
            depth += 1
        elif token.text == "}":
            depth = max(depth - 1, 0)
        elif token.text == name and depth:
            following = seen[number + 1 : number + 2]
            if following and following[0].text == "(":
                bodies.add(body)
    return len(bodies)
