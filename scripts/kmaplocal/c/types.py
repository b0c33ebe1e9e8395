# SPDX-License-Identifier: GPL-2.0-only
"""The sizes of types, structures and arrays among them."""

from __future__ import annotations

from typing import Callable, Mapping, NamedTuple

from kmaplocal.c.linear import (
    PAGE,
    PAGE_SIZE,
    ZERO,
    Linear,
    aligned,
    arithmetic,
    constant,
    product,
)
from kmaplocal.c.sizes import UNSIGNED, base, basic_size
from kmaplocal.c.text import integer
from kmaplocal.c.syntax import Source, Struct


class Extent(NamedTuple):
    """A size: at least `low`, at most `high` (None: unknown), and alignment."""

    low: Linear
    high: Linear | None
    align: int = 1


# What a structure is made of, by its name; None when that is not known.
Layout = Callable[[str], "Struct | None"]


class Types:
    """Sizes and signs of types, for one size of a long (4 or 8)."""

    def __init__(
        self,
        source: Source,
        macros: Mapping[str, list[str]],
        long: int,
        layout: Layout | None = None,
    ):
        self.source, self.macros, self.long = source, macros, long
        self.layout = layout or source.structs.get
        self.busy: set[str] = set()

    def extent(self, type_: str) -> Extent | None:
        """The size of a type by its text; None when nothing is known."""
        words = base(type_)
        if "(" in words:
            return self._known(self.long) if "*" in words else None
        if "[" in words:
            return self._array(words)
        if words[-1:] == ["*"]:
            return self._known(self.long)
        if words[:1] == ["struct"]:
            return self._struct(words[-1])
        if words[:1] == ["enum"]:
            return self._known(4)
        size = basic_size(words, self.long)
        return None if size is None else self._known(size)

    def _known(self, size: int) -> Extent:
        return Extent(constant(size), constant(size), size)

    def _array(self, words: list[str]) -> Extent | None:
        first = words.index("[")
        last = closing(words, first)
        element = self.extent(" ".join(words[:first] + words[last + 1 :]))
        count = self.words(words[first + 1 : last]) if last > first + 1 else ZERO
        if element is None or count is None:
            return None
        low, high = product(element.low, count), None
        if element.high is not None:
            high = product(element.high, count)
        return None if low is None else Extent(low, high, element.align)

    def _struct(self, name: str) -> Extent | None:
        struct = self.layout(name)
        if struct is None or name in self.busy:
            return None
        self.busy.add(name)
        members = [self.extent(type_) for _, type_ in struct.members]
        self.busy.discard(name)
        low = sum((m.low for m in members if m), ZERO)
        exact = [(m.high, m.align) for m in members if m and m.high]
        if struct.complete and len(exact) == len(members):
            return self._padded(low, exact)
        return Extent(low, None, 8)

    def _padded(self, low: Linear, members: list[tuple[Linear, int]]) -> Extent:
        """The size of a structure whose members have these sizes and alignments:
        exact where padding cannot differ."""
        end, align = ZERO, 1
        for size, alignment in members:
            step = min(alignment, 8)
            align = max(align, step)
            end = aligned(end, step) + size
        return Extent(low, aligned(end, align), align)

    def words(self, words: list[str]) -> Linear | None:
        """The value of a constant expression given as words, or None."""
        reader = _Words(self, words)
        value = reader.sum(0)
        return value if not reader.rest else None

    def unsigned(self, type_: str | None) -> bool:
        """True when a value of this type is never negative."""
        return bool(UNSIGNED & set(base(type_ or "")))

    def width(self, type_: str | None) -> int | None:
        """The bytes of an integer type, or None."""
        words = base(type_ or "")
        if not words or "*" in words or "[" in words:
            return None
        return basic_size(words, self.long)


def closing(words: list[str], first: int) -> int:
    """Where the bracket opened at `first` closes."""
    depth = 0
    for number in range(first, len(words)):
        depth += (words[number] == "[") - (words[number] == "]")
        if not depth:
            return number
    return len(words)


LEVELS = {"<<": 0, ">>": 0, "+": 1, "-": 1, "*": 2, "/": 2}


class _Words:
    """Reads a constant expression: of an array's size, or of a macro."""

    def __init__(self, types: Types, words: list[str]):
        self.types, self.rest = types, list(words)

    def sum(self, level: int) -> Linear | None:
        """What binds at least as tightly as `level`."""
        value = self.operand()
        while self.rest and LEVELS.get(self.rest[0], -1) >= level:
            op = self.rest.pop(0)
            right = self.sum(LEVELS[op] + 1)
            if value is None or right is None:
                return None
            value = arithmetic(op, value, right)
        return value

    def operand(self) -> Linear | None:
        """A number, PAGE_SIZE, a macro, sizeof(type) or parentheses."""
        word = self.rest.pop(0) if self.rest else ""
        if word == "(":
            value = self.sum(0)
            return value if self.rest and self.rest.pop(0) == ")" else None
        if word == "sizeof":
            return self._sizeof()
        if word == PAGE:
            return PAGE_SIZE
        return self._name(word)

    def _name(self, word: str) -> Linear | None:
        if word in self.types.macros and word not in self.types.busy:
            self.types.busy.add(word)
            value = self.types.words(self.types.macros[word])
            self.types.busy.discard(word)
            return value
        number = integer(word)
        return None if number is None else constant(number)

    def _sizeof(self) -> Linear | None:
        if ")" not in self.rest or self.rest[0] != "(":
            return None
        last = self.rest.index(")")
        extent = self.types.extent(" ".join(self.rest[1:last]))
        del self.rest[: last + 1]
        return extent.low if extent and extent.low == extent.high else None
