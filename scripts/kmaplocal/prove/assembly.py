# SPDX-License-Identifier: GPL-2.0-only
"""Assembly: what gcc -S makes of a file, by function, without what only names.

Two compilations of the same code differ in the numbers of labels, of static
variables of functions and of what the kernel numbers with __COUNTER__.  Here
they are numbered by their first appearance in each function, and a reference to
a string stands for the string.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TYPE = re.compile(r"\t\.type\t([^,]+), @(function|object)$")
_SIZE = re.compile(r"\t\.size\t([^,]+), ")
_LABEL = re.compile(r"([A-Za-z_.$][\w.$]*):$")
_CONSTANT = re.compile(r"\.LC\d+")
# Directives that end a piece of data; what follows is something else's.
_ENDS_DATA: tuple[str, ...] = (
    ".type",
    ".section",
    ".text",
    ".data",
    ".bss",
    ".globl",
    ".local",
)
_ENDS_DATA += (".set", ".align", ".size", ".weak", ".hidden")
# Pointers that keep symbols from being dropped: one for each use, in no code.
_KEPT_ALIVE = "__UNIQUE_ID___addressable_"
_UNSAID = (".cfi_", ".loc", ".file", ".ident")
# The line of a WARN_ON() in the bug table, as arch/x86/include/asm/bug.h marks it.
_BUG_LINE = "bug_entry::line"
_NUMBERED = re.compile(
    r"\.L\w+"
    r"|__UNIQUE_ID_\w+(?:\.\d+)?"
    r"|[A-Za-z_]\w*(?:\.\d+)+"
    r"|^\s*\d+(?=:)"
    r"|(?<![\w$.(%+-])\d+(?=[bf]\b)"
)


@dataclass
class Assembly:
    """The normalised lines of each function, and of each piece of data, by its
    name without numbers.  Static functions' data may share a name."""

    functions: dict[str, list[str]] = field(default_factory=dict)
    data: dict[str, list[list[str]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """A function (or data) that is not the same; a side it is missing on is
    empty."""

    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    def diff(self) -> str:
        """Both, as a unified diff."""
        lines = difflib.unified_diff(
            self.before, self.after, f"before/{self.name}", f"after/{self.name}", "", ""
        )
        return "".join(f"{line.rstrip()}\n" for line in lines)


def read(text: str) -> Assembly:
    """Read the assembly TEXT that gcc -S wrote for x86."""
    lines = [line for line in map(_code, text.split("\n")) if line]
    constants = _constants(lines)
    found = Assembly()
    for name, is_function, body in _pieces(lines):
        normal = _normalised(body, constants)
        base = plain(name)
        if not is_function:
            found.data.setdefault(base, []).append(normal)
        elif base in found.functions:
            found.functions[base] += normal
        else:
            found.functions[base] = normal
    for same_name in found.data.values():
        same_name.sort()
    return found


def compare(before: Assembly, after: Assembly) -> list[Difference]:
    """What is not the same, functions first, in the order of AFTER."""
    found = []
    for name in [*after.functions, *(before.functions.keys() - after.functions)]:
        old, new = before.functions.get(name, []), after.functions.get(name, [])
        if old != new:
            found.append(Difference(name, tuple(old), tuple(new)))
    for name in sorted(before.data.keys() | after.data.keys()):
        sides = [code.data.get(name, []) for code in (before, after)]
        if sides[0] != sides[1]:
            flat = [tuple(line for one in side for line in one) for side in sides]
            found.append(Difference(f"{name} (data)", *flat))
    return found


def plain(name: str) -> str:
    """NAME as in the source: without the numbers that gcc appends, or with `#`
    for them where they are part of a clone's name (f.part.0)."""
    if name.startswith("__UNIQUE_ID_"):
        return name.split(".")[0].rstrip("0123456789")
    return re.sub(r"\.\d+", ".#", name)


def _code(line: str) -> str:
    """LINE without comments and directives that say nothing of the code."""
    if _BUG_LINE in line or line.startswith("#"):
        return ""
    line = _uncommented(line).rstrip()
    return "" if line.lstrip().startswith(_UNSAID) else line


def _uncommented(line: str) -> str:
    if "#" not in line:
        return line
    quoted = escaped = False
    for at, char in enumerate(line):
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = quoted
        elif char == '"':
            quoted = not quoted
        elif char == "#" and not quoted:
            return line[:at]
    return line


def _constants(lines: list[str]) -> dict[str, str]:
    """What stands at each label .LCn: strings, and numbers in memory."""
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in lines:
        label = _LABEL.match(line)
        if label:
            is_constant = _CONSTANT.fullmatch(label[1])
            current = found.setdefault(label[1], []) if is_constant else None
        elif line.lstrip().startswith(_ENDS_DATA):
            current = None
        elif current is not None:
            current.append(line.strip())
    return {name: f"<{' '.join(content)}>" for name, content in found.items()}


def _pieces(lines: list[str]) -> Iterator[tuple[str, bool, list[str]]]:
    """Name, whether it is a function, and lines of each function and datum."""
    kinds: dict[str, str] = {}
    name, body = "", list[str]()
    for line in lines:
        if kind := _TYPE.match(line):
            kinds.setdefault(kind[1], kind[2])
        if name and _ends(name, kinds[name], line):
            yield name, kinds[name] == "function", body
            name = ""
        label = _LABEL.match(line)
        if name:
            body.append(line)
        elif label and label[1] in kinds and not label[1].startswith(_KEPT_ALIVE):
            name, body = label[1], []
    if name:
        yield name, kinds[name] == "function", body


def _ends(name: str, kind: str, line: str) -> bool:
    if kind == "function":
        # What is moved out of the way (f.cold) stands between.
        size = _SIZE.match(line)
        return size is not None and size[1] == name
    return bool(_LABEL.match(line)) or line.lstrip().startswith(_ENDS_DATA)


def _normalised(body: list[str], constants: dict[str, str]) -> list[str]:
    numbers: dict[str, str] = {}

    def renamed(match: re.Match) -> str:
        word = match[0]
        if word in constants:
            return constants[word]
        key = word.strip()
        if key not in numbers:
            numbers[key] = f"{_stem(key)}<{len(numbers)}>"
        return numbers[key]

    return [_NUMBERED.sub(renamed, line) for line in body]


def _stem(word: str) -> str:
    return ".L" if word.startswith(".L") else plain(word) if not word.isdigit() else ""
