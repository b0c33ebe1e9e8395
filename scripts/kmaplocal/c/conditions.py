# SPDX-License-Identifier: GPL-2.0-only
"""The condition of an `#if`, and what it comes to in a configuration.

LINUX_VERSION_CODE, KERNEL_VERSION() and numbers are known, RHEL_* are those of a
kernel that is not Red Hat's.  What else a condition asks, such as
`defined(CONFIG_X)`, is a question of its own, which holds or does not.
Source: include/generated/uapi/linux/version.h, which the top Makefile writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kmaplocal.c.lexer import Token

LAST = 255  # the highest third number that KERNEL_VERSION() knows
NEWEST = (255, 255, LAST)  # later than every kernel there is
_OPPOSITE = {"!=": "==", "<": ">=", "<=": ">"}
_SWAPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}
_COMPARE = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_KNOWN = {"__KERNEL__": True, "LINUX_VERSION_CODE": True, "__cplusplus": False}
_KNOWN |= {"__ASSEMBLY__": False, "__ASSEMBLER__": False}
_CODES = {"KERNEL_VERSION": 3, "RHEL_RELEASE_VERSION": 2}

Version = tuple[int, ...]


class NotUnderstood(ValueError):
    """A condition that is no plain expression."""


class Configuration(NamedTuple):
    """The kernel VERSION, None when any, and the questions that hold or do not; of
    those that are not in HELD nothing is known."""

    version: Version | None
    held: Mapping[str, bool]


class Condition:
    """A condition: what it comes to, and what it asks."""

    def value(self, of: Configuration) -> bool | None:
        """Whether it holds; None when that is not known."""
        raise NotImplementedError

    def questions(self) -> Iterator[str]:
        """What it asks, as in "CONFIG_X is set"."""
        yield from ()

    def versions(self) -> Iterator[Version]:
        """The kernel versions it compares with."""
        yield from ()


@dataclass(frozen=True)
class Fixed(Condition):
    """What is the same everywhere."""

    truth: bool

    def value(self, of):
        return self.truth


@dataclass(frozen=True)
class Question(Condition):
    """What a configuration says."""

    text: str

    def value(self, of):
        return of.held.get(self.text)

    def questions(self):
        yield self.text


@dataclass(frozen=True)
class Since(Condition):
    """A comparison of the kernel's version."""

    operator: str
    version: Version

    def value(self, of):
        if of.version is None:
            return None
        return _COMPARE[self.operator](of.version, self.version)

    def versions(self):
        yield self.version


@dataclass(frozen=True)
class Not(Condition):
    """The opposite of a condition."""

    inner: Condition

    def value(self, of):
        found = self.inner.value(of)
        return None if found is None else not found

    def questions(self):
        yield from self.inner.questions()

    def versions(self):
        yield from self.inner.versions()


@dataclass(frozen=True)
class Some(Condition):
    """At least one of several conditions, or, where ALL, each."""

    parts: tuple[Condition, ...]
    all: bool

    def value(self, of):
        found = {part.value(of) for part in self.parts}
        if (not self.all) in found:
            return not self.all
        return None if None in found else self.all

    def questions(self):
        for part in self.parts:
            yield from part.questions()

    def versions(self):
        for part in self.parts:
            yield from part.versions()


def condition(directive: Sequence[Token]) -> Condition:
    """The condition of an `#if`, `#ifdef`, `#ifndef` or `#elif`, `#elifdef`,
    `#elifndef`, from its tokens, `#` first.

    One that is not understood is a question as a whole."""
    name, texts = directive[1].text, [token.text for token in directive[2:]]
    if name.endswith("def"):
        found = _defined(texts[0]) if texts else Question("")
        return Not(found) if name.endswith("ndef") else found
    try:
        reader = _Reader(texts)
        found = reader.either()
        reader.end()
        return found
    except NotUnderstood:
        return _question(texts)


class Defined(NamedTuple):
    """What a function defines, or takes back: NAMES by the line of that; the line where
    any is, ANY, and where names may be that it does not say, OTHERS; 0 for none."""

    names: Mapping[str, int]
    any: int = 0
    others: int = 0

    def since(self, question: str) -> int:
        """From which line on QUESTION may have another answer; 0 where from none.  What
        a name stands for may depend on every other one; whether it is there does
        not."""
        if question.endswith(" is true"):
            return max(self.any, self.others)
        return max([self.others, *(self.names.get(w, 0) for w in question.split())])


def later(found: Condition, defined: Defined) -> Condition:
    """FOUND, its questions that were asked anew since the function began, by what it
    has DEFINED, as others."""
    if isinstance(found, Not):
        return Not(later(found.inner, defined))
    if isinstance(found, Some):
        return Some(tuple(later(part, defined) for part in found.parts), found.all)
    for question in found.questions():
        line = defined.since(question)
        return Question(f"behind line {line} {question}") if line else found
    return found


def is_coherent(held: Mapping[str, bool]) -> bool:
    """Whether questions can be answered as in HELD: what is enabled is built in or a
    module and never both, and what is true is defined."""
    for question, yes in held.items():
        name, _, what = question.rpartition(" is ")
        built, module = (held.get(f"{n} is set") for n in (name, f"{name}_MODULE"))
        if what == "enabled" and yes and built is False and module is False:
            return False
        if what == "enabled" and not yes and (built or module):
            return False
        if what == "set" and yes and module:
            return False
        if what == "true" and yes and False in (built, held.get(f"{name} is defined")):
            return False
    return True


def dotted(version: Version) -> str:
    """How a VERSION is called: "5.4.2", "5.4", or what comes just before, with a last
    number below 0, "before 5.4"."""
    text = ".".join(map(str, version[:2]))
    if len(version) < 3 or version[2] in (0, LAST):
        return text
    return f"{text}.{version[2]}" if version[2] > 0 else f"before {text}"


def opposite(question: str) -> str:
    """How it is said that a question does not hold."""
    head, word, tail = question.rpartition(" is ")
    return f"{head}{word}not {tail}" if word else f"not {question}"


def _question(texts: Sequence[str]) -> Question:
    return Question(f"{' '.join(texts)} is true")


def _defined(name: str) -> Condition:
    if name in _KNOWN:
        return Fixed(_KNOWN[name])
    if name.startswith("RHEL_"):
        return Fixed(False)
    return Question(f"{name} is {'set' if name.startswith('CONFIG_') else 'defined'}")


# Source: include/linux/kconfig.h.
_BUILT = {
    "IS_ENABLED": lambda name: Question(f"{name} is enabled"),
    "IS_BUILTIN": _defined,
    "IS_MODULE": lambda name: _defined(f"{name}_MODULE"),
}


class _Reader:
    """Reads an expression of the preprocessor.  Raises NotUnderstood."""

    def __init__(self, texts: Sequence[str]):
        self.texts = texts
        self.at = 0

    def end(self) -> None:
        """Nothing may be left."""
        if self.at < len(self.texts):
            raise NotUnderstood(self.texts[self.at])

    def either(self) -> Condition:
        """Conditions with `||`."""
        return self._joined("||", self._both, False)

    def _both(self) -> Condition:
        return self._joined("&&", self._one, True)

    def _joined(self, operator: str, part, every: bool) -> Condition:
        found = [part()]
        while self._peek() == operator:
            self.at += 1
            found.append(part())
        return found[0] if len(found) == 1 else Some(tuple(found), every)

    def _peek(self) -> str:
        return self.texts[self.at] if self.at < len(self.texts) else ""

    def _take(self, text: str) -> None:
        if self._peek() != text:
            raise NotUnderstood(self._peek())
        self.at += 1

    def _one(self) -> Condition:
        if self._peek() == "!":
            self.at += 1
            return Not(self._one())
        if self._peek() == "defined":
            return self._asked()
        start = self.at
        try:
            if self._peek() == "(":
                return self._grouped()
        except NotUnderstood:
            self.at = start
        return self._compared()

    def _asked(self) -> Condition:
        self.at += 1
        grouped = self._peek() == "("
        self.at += grouped
        name = self._peek()
        if not name.isidentifier():
            raise NotUnderstood(name)
        self.at += 1
        if grouped:
            self._take(")")
        return _defined(name)

    def _grouped(self) -> Condition:
        self._take("(")
        found = self.either()
        self._take(")")
        if self._peek() not in ("", "||", "&&", ")"):
            raise NotUnderstood(self._peek())
        return found

    def _compared(self) -> Condition:
        left = self._operand()
        operator = self._peek()
        if operator not in _COMPARE:
            return _truth(left)
        self.at += 1
        return _comparison(left, operator, self._operand())

    def _operand(self) -> list[str]:
        """The tokens up to the next operator of this level."""
        start, depth = self.at, 0
        while self.at < len(self.texts):
            text = self.texts[self.at]
            if not depth and text in (*_COMPARE, "&&", "||", ")", "?"):
                break
            depth += (text == "(") - (text == ")")
            self.at += 1
        if start == self.at or depth:
            raise NotUnderstood(self._peek())
        return list(self.texts[start : self.at])


def _truth(operand: list[str]) -> Condition:
    number = _number(operand)
    if number is not None:
        return Fixed(bool(number))
    if len(operand) == 4 and operand[0] in _BUILT:
        return _BUILT[operand[0]](operand[2])
    if len(operand) == 1 and operand[0].startswith("CONFIG_"):
        return _defined(operand[0])
    return _question(operand)


def _comparison(left: list[str], operator: str, right: list[str]) -> Condition:
    if right == ["LINUX_VERSION_CODE"]:
        left, operator, right = right, _SWAPPED[operator], left
    version = _version(right)
    if left == ["LINUX_VERSION_CODE"] and version is not None:
        return Since(operator, version)
    numbers = _number(left), _number(right)
    if None not in numbers:
        return Fixed(_COMPARE[operator](*numbers))
    if operator in _OPPOSITE:
        return Not(_comparison(left, _OPPOSITE[operator], right))
    return _question([*left, operator, *right])


def _version(operand: list[str]) -> Version | None:
    if operand[:2] == ["KERNEL_VERSION", "("]:
        return _arguments(operand)
    number = _number(operand)
    if number is None:
        return None
    return number >> 16, number >> 8 & 255, number & 255


def _arguments(operand: list[str]) -> Version | None:
    """The numbers that a macro of _CODES is given."""
    given, commas = operand[2:-1:2], operand[3:-1:2]
    numbers = [_number([text]) for text in given]
    whole = operand[-1:] == [")"] and set(commas) <= {","} and None not in numbers
    found = tuple(n for n in numbers if n is not None)
    return found if whole and len(numbers) == _CODES[operand[0]] else None


def _number(operand: list[str]) -> int | None:
    """The value of a number, or of what a kernel that is not Red Hat's has for
    RHEL_*."""
    if operand[0] == "RHEL_RELEASE_VERSION":
        numbers = _arguments(operand)
        return None if numbers is None else (numbers[0] << 8) + numbers[1]
    if len(operand) == 3 and (operand[0], operand[2]) == ("(", ")"):
        operand = operand[1:2]
    if len(operand) != 1:
        return None
    if operand[0].startswith("RHEL_"):
        return 0
    try:
        return int(operand[0].rstrip("uUlL"), 0)
    except ValueError:
        return None
