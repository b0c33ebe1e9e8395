# SPDX-License-Identifier: GPL-2.0-only
"""Functions that a macro writes: `FNS(DIRTY, dirty)` with `prefix_##name` in it.

ctags does not see them.  The macro is expanded for each of its uses outside of
functions, and what comes out is read like any other function.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from kmaplocal.read.lexer import Token
from kmaplocal.read.outline import Macro, Outline, read

_FOLDERS = ("include", "fs", "drivers", "net", "mm", "kernel", "lib", "block", "crypto")


def generated(tree: Path, names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """By name: the header and the text of the generated functions around it.

    Names that no macro in a header of TREE generates are left out.
    Errors: OSError."""
    wanted = set(names)
    found: dict[str, tuple[str, str]] = {}
    for file in _headers(tree, wanted):
        outline = Outline(read(tree / file), ())
        for text in expansions(outline):
            for name in wanted.intersection(text.split()):
                found.setdefault(name, (file, text))
        for name, text in _overlooked(outline, wanted):
            found.setdefault(name, (file, text))
    return found


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


def _headers(tree: Path, names: Iterable[str]) -> list[str]:
    """The headers that paste something to the beginning of one of NAMES."""
    prefixes = {
        f"{'_'.join(parts[:n])}_##"
        for parts in (name.split("_") for name in names)
        for n in range(1, len(parts))
    }
    folders = [folder for folder in _FOLDERS if (tree / folder).is_dir()]
    if not prefixes or not folders:
        return []
    done = subprocess.run(
        ["grep", "-rlF", "--include=*.h", "-f", "-", *folders],
        cwd=tree,
        env={**os.environ, "LC_ALL": "C"},
        input="\n".join(sorted(prefixes)),
        capture_output=True,
        text=True,
    )
    return sorted(done.stdout.split())


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
