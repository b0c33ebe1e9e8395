# SPDX-License-Identifier: GPL-2.0-only
"""Functions that a macro writes: `FNS(DIRTY, dirty)` with `prefix_##name` in it.

ctags does not see them.  The macro is expanded for each of its uses outside of
functions, and what comes out is read like any other function.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from kmaplocal.c.lexer import Token
from kmaplocal.c.outline import Macro, Outline, read
from kmaplocal.tree.answers import Answers
from kmaplocal.tree.search import Search

FOLDERS = ("include", "fs", "drivers", "net", "mm", "kernel", "lib", "block", "crypto")


class Generated:
    """The generated functions of one tree; remembers what it has read."""

    def __init__(
        self, tree: Path, kernel: Path | None = None, known: Answers | None = None
    ):
        """In: the top folder of a kernel tree; or of a module, and the kernel it is
        for; and what is KNOWN of it.  They must not change meanwhile."""
        self.answers = known or Answers()
        self.tree, self.search = tree, Search(tree, self.answers)
        self.kernel = Generated(kernel) if kernel else None
        self._read: dict[str, tuple[Outline, list[str]]] = {}

    def find(self, names: Iterable[str]) -> dict[str, tuple[str, str]]:
        """By name: the header and the text of the generated functions around it.

        Names that no macro in a header generates are left out; headers of the other
        tree go by their absolute paths.  Errors: SearchFailed, OSError."""
        wanted = set(names)
        found = self._further(wanted)
        for file in self._headers(wanted):
            outline, texts = self._outline(file)
            for text in texts:
                for name in wanted.intersection(text.split()):
                    found.setdefault(name, (file, text))
            for name, text in _overlooked(outline, wanted):
                found.setdefault(name, (file, text))
        return found

    def _further(self, wanted: set[str]) -> dict[str, tuple[str, str]]:
        """What the kernel of a module generates."""
        if not self.kernel:
            return {}
        top, found = self.kernel.tree, self.kernel.find(wanted)
        return {name: (str(top / file), text) for name, (file, text) in found.items()}

    def _outline(self, file: str) -> tuple[Outline, list[str]]:
        """The outline of a header, and all that its macros generate in it."""
        if file not in self._read:
            outline = Outline(read(self.tree / file), ())
            self._read[file] = outline, list(expansions(outline))
            self.answers.generating.add(file)
        return self._read[file]

    def _headers(self, names: Iterable[str]) -> list[str]:
        """The headers that paste something to the beginning of one of NAMES."""
        beginnings = {
            f"{'_'.join(parts[:n])}_##"
            for parts in (name.split("_") for name in names)
            for n in range(1, len(parts))
        }
        if not beginnings:
            return []
        pasted = self.pasted().items()
        return sorted(file for file, words in pasted if beginnings.intersection(words))

    def pasted(self) -> dict[str, list[str]]:
        """The words that something is pasted to, by header."""
        if self.answers.pasted is None:
            self.answers.pasted = by_header(self.search.pasted(FOLDERS))
        return self.answers.pasted


def by_header(pasted: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The words that something is PASTED to, with their headers, by header."""
    found: dict[str, set[str]] = defaultdict(set)
    for file, word in pasted:
        found[file].add(word)
    return {file: sorted(words) for file, words in found.items()}


def _overlooked(outline: Outline, names: set[str]) -> Iterator[tuple[str, str]]:
    """The functions right behind a use of such a macro, which ctags does not see
    either: `NAME(...) {` outside of everything."""
    code = [token for token in outline.tokens if not token.directive]
    lines = outline.text.split("\n")
    depth = 0
    for place, token in enumerate(code):
        if depth == 0 and token.text in names:
            last = _end_of_definition(code, place + 1)
            if last is not None:
                body = "\n".join(lines[token.line - 1 : code[last].line])
                yield token.text, f"static void {body[token.column :]}\n"
        depth += (token.text in "{(") - (token.text in "})")


def _end_of_definition(code: list[Token], place: int) -> int | None:
    """The last brace of a definition whose parameters start at PLACE."""
    depth = 0
    for number in range(place, len(code)):
        text = code[number].text
        if depth == 0 and number > place and text not in ("{", "("):
            return None
        depth += (text in "{(") - (text in "})")
        if depth == 0 and text == "}":
            return number
    return None


def expansions(outline: Outline) -> Iterator[str]:
    """What each use outside of a directive of a macro that pastes and has a body
    becomes."""
    macros = {m.name: m for m in outline.macros if {"##", "{"} <= set(m.words)}
    code = [token for token in outline.tokens if not token.directive]
    for place, token in enumerate(code):
        macro = macros.get(token.text)
        if macro and [t.text for t in code[place + 1 : place + 2]] == ["("]:
            text = _expand(macro, _arguments(code[place + 2 :]))
            if text:
                yield text


def _arguments(tokens: list[Token]) -> list[list[str]]:
    """The arguments of a macro's use, from after its parenthesis."""
    found: list[list[str]] = [[]]
    depth = 1
    for token in tokens:
        depth += (token.text == "(") - (token.text == ")")
        if not depth:
            break
        if token.text == "," and depth == 1:
            found.append([])
        else:
            found[-1].append(token.text)
    return found


def _expand(macro: Macro, arguments: list[list[str]]) -> str:
    close = macro.words.index(")")
    params = [word for word in macro.words[1:close] if word != ","]
    if len(params) != len(arguments):
        return ""
    values = dict(zip(params, arguments))
    words: list[str] = []
    paste = False
    for word in macro.words[close + 1 :]:
        if word == "##":
            paste = True
            continue
        new = list(values.get(word, [word]))
        if paste and words and new:
            new[0] = words.pop() + new[0]
        words += new
        paste = False
    return " ".join(words).replace("{", "{\n").replace("}", "\n}\n")
