# SPDX-License-Identifier: GPL-2.0-only
"""Names of files, fit to be printed, pasted into a shell, or given to a copy.

On Linux a name is any bytes but "/" and NUL: it may hold line ends, what moves a
terminal's cursor, and no UTF-8."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import PurePath

_ESCAPES = {"\a": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f"}
_ESCAPES |= {"\r": "r", '"': '"', "\\": "\\"}
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")


def quoted(name: object) -> str:
    """NAME as git prints it with core.quotePath off: in double quotes, with the
    escapes of C, where it holds a quote, a backslash, or what cannot be printed.

    `a<TAB>b.c` is `"a\\tb.c"`."""
    text = str(name)
    escaped = "".join(map(_escaped, text))
    return text if escaped == text else f'"{escaped}"'


def visible(text: str, keep: str = "\n\t") -> str:
    """TEXT with escapes for what cannot be printed, but for what is in KEEP."""
    if text.isprintable():
        return text
    return "".join(c if c in keep or c.isprintable() else _escaped(c) for c in text)


def line(text: str) -> str:
    """TEXT as one line, whatever names it speaks of."""
    return visible(text, keep="\t")


def pasted(name: object) -> str:
    """NAME as a word of a shell's command line (bash, zsh, dash where it can)."""
    text = str(name)
    if text.isprintable():
        return shlex.quote(text)
    escaped = "".join(
        r"\'" if c == "'" else c if c == '"' else _escaped(c) for c in text
    )
    return f"$'{escaped}'"


def plain(name: object) -> str:
    """A name for a copy of the C file NAME that no program takes for anything else:
    its own, or one with the same ending."""
    own = PurePath(str(name)).name
    return own if _PLAIN.fullmatch(own) else f"file{PurePath(own).suffix[:2]}"


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return f"\\{_ESCAPES[character]}"
    if character.isprintable():
        return character
    return "".join(f"\\{byte:03o}" for byte in os.fsencode(character))
