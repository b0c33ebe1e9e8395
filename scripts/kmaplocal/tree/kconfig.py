# SPDX-License-Identifier: GPL-2.0-only
"""What the settings of a kernel need of one another, as its Kconfig files say.

Read are conjunctions alone: of `depends on A && (B || C)` that A is needed. What is
not said so is not known, and nothing follows from it.
Source: Documentation/kbuild/kconfig-language.rst of Linux 6.1.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePath

from kmaplocal.tree.search import Search

Needs = dict[str, bool]  # by setting, whether it is to be set

_SETTINGS = ("config", "menuconfig")
_ENTRIES = (*_SETTINGS, "menu", "choice", "comment")
_TYPES = ("bool", "tristate", "def_bool", "def_tristate")
_ENDS = ("endif", "endmenu", "endchoice")
_AT_LEFT = (*_ENTRIES, "if", *_ENDS)  # a help text is not
_INNER = (*_TYPES, "depends", "default", "select", "prompt", "help", "---help---")
_PATTERN = rf"^\s*({'|'.join((*_AT_LEFT, *_INNER))})(\s.*|$)"
# What `A` is compared with, and whether that needs it set.
_VALUES = {"": True, "y": True, "m": True, "!n": True, "n": False}
_BLOCKS = ("menu", "choice")


@dataclass
class _Entry:
    """One definition of a setting, or the head of a block."""

    name: str = ""
    file: str = ""
    needs: list[str] = field(default_factory=list)  # expressions
    asked: bool = False  # somebody may set it
    values: list[str] = field(default_factory=list)  # "y if A"


class Kconfig:
    """The settings of the tree below ROOT."""

    def __init__(self, root: Path):
        self.root = root

    @cached_property
    def _read(self) -> tuple[dict[str, list[_Entry]], dict[str, set[str]]]:
        """The definitions of each setting, and the files that select it."""
        lines: dict[str, list[str]] = defaultdict(list)
        search = Search(self.root)
        for file, line in search.settings(_PATTERN):
            lines[file].append(line)
        entries: dict[str, list[_Entry]] = defaultdict(list)
        selected: dict[str, set[str]] = defaultdict(set)
        for file in sorted(lines):
            reader = _Reader(file, selected)
            for line in lines[file]:
                reader.line(line)
            for entry in reader.entries:
                entries[entry.name].append(entry)
        return entries, selected

    def architectures(self, name: str) -> set[str]:
        """Those that define the setting NAME."""
        return {_architecture(entry.file) for entry in self._read[0].get(name, ())}

    def selecting(self, name: str) -> set[str]:
        """The architectures that select the setting NAME."""
        return {_architecture(file) for file in self._read[1].get(name, ())}

    def possible(self, needs: Needs, architecture: str) -> bool:
        """Whether nothing speaks against all NEEDS at once for an ARCHITECTURE."""
        known: Needs = {}
        waiting = [*needs.items()]
        while waiting:
            name, value = waiting.pop()
            if known.setdefault(name, value) != value:
                return False
            more = self._needs(name, architecture) if value else {}
            if more is None:
                return False
            waiting += [each for each in more.items() if known.get(*each) != each[1]]
            waiting += [each for each in more.items() if each[0] not in known]
        return True

    def _needs(self, name: str, architecture: str) -> Needs | None:
        """What the setting NAME needs; None where it cannot be set."""
        defined, selected = self._read
        seen = ("", architecture)
        entries = [e for e in defined.get(name, ()) if _architecture(e.file) in seen]
        by = {f for f in selected.get(name, ()) if _architecture(f) in seen}
        ways = [n for e in entries for n in _ways(e, bool(by))]
        if not ways:
            return None
        first, *others = ways
        return {n: v for n, v in first.items() if all(w.get(n) == v for w in others)}


class _Reader:
    """Reads the lines of one file."""

    def __init__(self, file: str, selected: dict[str, set[str]]):
        self.file = file
        self.selected = selected
        self.entries: list[_Entry] = []
        self.blocks: list[_Entry] = []
        self.entry = _Entry()
        self.helps = False

    def line(self, text: str) -> None:
        word, *more = text.split(None, 1)
        rest, outer = more[0].strip() if more else "", not text[:1].isspace()
        begins = outer or (word in _SETTINGS and _is_name(rest))
        if (word in _AT_LEFT or self.helps) and not begins:
            return  # a word of a help text
        self.helps = word in ("help", "---help---")
        if word in _ENDS:
            self.blocks = self.blocks[:-1]
        elif word == "if":
            self.blocks.append(_Entry(needs=[rest]))
        elif word in _ENTRIES:
            self.entry = _Entry(rest, self.file, [])
            self.entry.needs += [n for block in self.blocks for n in block.needs]
            if word in _BLOCKS:
                self.blocks.append(self.entry)
            elif word != "comment":
                self.entries.append(self.entry)
        elif word == "depends":
            self.entry.needs.append(rest.removeprefix("on "))
        elif word == "select":
            self.selected[rest.split(None, 1)[0]].add(self.file)
        elif word.startswith("def"):
            self.entry.values.append(rest)
        elif word in (*_TYPES, "prompt"):
            self.entry.asked = self.entry.asked or rest[:1] in ("'", '"')


def _ways(entry: _Entry, selected: bool) -> Iterator[Needs]:
    """The ways in which a setting comes to be set, by what each of them needs."""
    always = _all(entry.needs)
    if entry.asked or selected:
        yield always
        return
    for value in entry.values:
        given, _, condition = value.partition(" if ")
        yield {**_all([condition]), **_all([given]), **always}


def _all(expressions: Iterable[str]) -> Needs:
    return {n: v for each in expressions for n, v in _literals(each)}


def _literals(text: str) -> Iterator[tuple[str, bool]]:
    """What an expression needs in any case: (A, True) of `A`, (A, False) of `!A`."""
    terms = _terms(text.partition("#")[0].strip())
    for term in terms[:-1] if text.endswith("\\") else terms:
        if term.startswith("(") and term.endswith(")"):
            yield from _literals(term[1:-1])
            continue
        name, _, value = term.replace("!=", "=!").replace(" ", "").partition("=")
        plain = name.removeprefix("!")
        if value in _VALUES and plain not in _VALUES and _is_name(plain):
            yield plain, _VALUES[value] == (plain == name)


def _is_name(text: str) -> bool:
    return bool(text) and text.replace("_", "a").isalnum()


def _terms(text: str) -> list[str]:
    """The parts of an expression that `&&` joins; none where `||` does."""
    terms, depth, start, at = [], 0, 0, 0
    while at < len(text):
        depth += (text[at] == "(") - (text[at] == ")")
        two = text[at : at + 2]
        if depth == 0 and two == "||":
            return []
        if depth == 0 and two == "&&":
            terms.append(text[start:at].strip())
            start = at + 2
            at += 1
        at += 1
    return [*terms, text[start:].strip()]


def _architecture(file: str) -> str:
    """The architecture whose file FILE is; "" for one of all."""
    parts = PurePath(file).parts
    return parts[1] if len(parts) > 2 and parts[0] == "arch" else ""
