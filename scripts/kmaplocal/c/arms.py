# SPDX-License-Identifier: GPL-2.0-only
"""The readings of a function with `#if` groups in it: one a choice of arms.

In a reading the lines of the directives and of the other arms are blank, so that
every line and column stays what it is.  The same question has the same answer all
over the function.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from operator import attrgetter
from typing import NamedTuple

from kmaplocal.knowledge import api
from kmaplocal.c import conditions
from kmaplocal.c.conditions import Condition, Configuration, Fixed, Not, Some, Version
from kmaplocal.c.lexer import Token
from kmaplocal.c.outline import JUMPS, Conditional, Outline, Span

MOST_QUESTIONS = 7  # that the #ifs of one function may ask
MOST_READINGS = 16  # of all there are; of more, a choice is read
_MOVES = JUMPS | {"case", "default", "else"}
_CHANGES = {"=", "++", "--", *(f"{o}=" for o in "+ - * / % & | ^ << >>".split())}
_STARTS, _ENDS = (";", "{", "}", ":"), (";", "}")
_OPEN, _CLOSE = ("(", "[", "{"), (")", "]", "}")
EITHER = -1  # both arms, one after the other
NONE = -2  # no arm


class Kernels(NamedTuple):
    """The kernels the code is for: up to NEWEST; from OLDEST on, where that is given,
    else NEWEST alone."""

    newest: Version = conditions.NEWEST
    oldest: Version | None = None

    def apart(self, asked: Iterable[Condition]) -> list[Version]:
        """One of each of those that the conditions ASKED tell apart, latest first;
        where no oldest is given, of all there ever were."""
        oldest = self.oldest or (0, 0, 0)
        told = {v for each in asked for v in each.versions()}
        just = {(*v[:2], v[2] + n) for v in told for n in (-1, 0, 1)}
        between = {v for v in just if oldest < v < self.newest}
        return sorted({self.newest, oldest, *between}, reverse=True)


@dataclass(frozen=True, eq=False)
class Reading:
    """A choice of arms: the lines that are HIDDEN; the arm of each group, from 0, NONE
    or EITHER; in which configurations it is so."""

    hidden: frozenset[int]
    chosen: Mapping[Conditional, int]
    configurations: list[Configuration]

    @property
    def branches(self) -> list[tuple[int, int]]:
        """The lines of the directives around each arm."""
        return [lines for group in self.chosen for lines in _ranges(group)]

    def shows_gap(self, line: int) -> bool:
        """Whether what is put before LINE would be read."""
        return all(
            arm == EITHER or _arm_before(group, line) in (arm, -1)
            for group, arm in self.chosen.items()
        )


class TooMany(Exception):
    """The `#if`s ask too many questions; says how many."""


_line = attrgetter("line")


def _arm_before(group: Conditional, line: int) -> int:
    """The arm that what is put before LINE is in; -1 outside the group."""
    if not group.lines[0] < line <= group.lines[-1]:
        return -1
    return sum(start < line for start in group.lines[1:-1])


@dataclass
class Arms:
    """The arms of the function SPAN of OUTLINE, in KERNELS."""

    outline: Outline
    span: Span
    kernels: Kernels = Kernels()
    every: bool = False  # also those that do not matter

    @cached_property
    def groups(self) -> list[Conditional]:
        """The groups that have a directive in the function, and those in these."""
        first, last = self.span.line, self.span.end
        found = [
            g
            for g in self.outline.conditionals
            if any(first <= line <= last for line in g.lines)
        ]
        low = min([first, *(g.lines[0] for g in found)])
        high = max([last, *(g.lines[-1] for g in found)])
        return [
            g
            for g in self.outline.conditionals
            if low <= g.lines[0] and g.lines[-1] <= high
        ]

    def matter(self) -> list[Conditional]:
        """The groups that change more than what is printed: with a map or unmap, a
        jump, a brace, a part of a statement, a changed variable or two arms."""
        return [group for group in self.groups if self.every or self._matters(group)]

    def readings(self) -> list[Reading]:
        """What is to be read for the whole function; [] where one reading of all of
        it will do.  Raises TooMany."""
        matter = self.matter()
        if not matter:
            return []
        asked = self._questions(matter)
        if len(asked) > MOST_QUESTIONS:
            raise TooMany(
                f"its #ifs ask {len(asked)} questions, {MOST_QUESTIONS} are the most"
            )
        resolved = [g for g in self.groups if self._is_settled(g, matter, asked)]
        found: dict[frozenset[int], Reading] = {}
        for each in self._configurations(asked):
            chosen = self._chosen(resolved, each)
            hidden = frozenset(_hidden(self.outline, chosen))
            known = found.setdefault(hidden, Reading(hidden, chosen, []))
            known.configurations.append(each)
        every = list(found.values())
        return every if len(every) <= MOST_READINGS else _fewer(every)

    def whole(self) -> Reading:
        """The one reading of all of it as it is."""
        every = [Configuration(version, {}) for version in self.versions]
        return Reading(frozenset(), {}, every)

    # -- what matters --------------------------------------------------------

    def _matters(self, group: Conditional) -> bool:
        arms = [self._code(*lines) for lines in _ranges(group)]
        full = [arm for arm in arms if arm]
        return len(full) > 1 or any(self._changes(arm) for arm in full)

    def _changes(self, arm: list[Token]) -> bool:
        """Whether an arm is not just whole statements that call what maps nothing."""
        words = [token.text for token in arm]
        before = self._before(arm[0])
        whole = before in _STARTS and words[-1] in _ENDS and _is_balanced(words)
        return not whole or not self._plain.isdisjoint(words)

    @cached_property
    def _plain(self) -> frozenset[str]:
        """The words that no arm has which does not matter."""
        calls = frozenset(api.ALL)
        reaching = self.outline.reaching(calls)
        return frozenset({*_MOVES, *_CHANGES, *calls, *reaching})

    def _before(self, token: Token) -> str:
        code = self.outline.code
        at = next((i for i, t in enumerate(code) if t[:3] == token[:3]), 0)
        return code[at - 1].text if at else ""

    def _code(self, first: int, last: int) -> list[Token]:
        start = bisect_right(self._words, first, key=_line)
        return self._words[start : bisect_left(self._words, last, start, key=_line)]

    @cached_property
    def _words(self) -> list[Token]:
        """The tokens of the function, and of all its groups, but their directives."""
        first = min([self.span.line, *(group.lines[0] for group in self.groups)])
        last = max([self.span.end, *(group.lines[-1] for group in self.groups)])
        found = self.outline.between(first, last)
        return [token for token in found if not token.directive]

    # -- what is chosen ------------------------------------------------------

    def _questions(self, groups: Iterable[Conditional]) -> list[str]:
        found = (q for g in groups for c in self._conditions(g) for q in c.questions())
        return list(dict.fromkeys(found))

    def _is_settled(
        self, group: Conditional, matter: Collection[Conditional], asked: list[str]
    ) -> bool:
        return group in matter or set(self._questions([group])) <= set(asked)

    def _configurations(self, asked: list[str]) -> Iterator[Configuration]:
        """All ways in which what is ASKED can be answered, as far as what is around
        the function allows."""
        every = [
            Configuration(version, dict(zip(asked, held)))
            for version in self.versions
            for held in product((True, False), repeat=len(asked))
            if conditions.is_coherent(dict(zip(asked, held)))
        ]
        yield from [c for c in every if self._possible(c)] or every

    @cached_property
    def versions(self) -> list[Version]:
        """One of each of the kernels that the function is for and is not the same
        for, latest first; the latest alone where no oldest is given."""
        compared = [c for group in self.groups for c in self._conditions(group)]
        compared += [self._condition(group, arm) for group, arm in self._around]
        every = self.kernels.apart(compared)
        found = [v for v in every if self._possible(Configuration(v, {}))]
        found = found or every[:1]
        return found if self.kernels.oldest else found[:1]

    @cached_property
    def _around(self) -> list[tuple[Conditional, int]]:
        """The groups around the function, each with the arm that has it."""
        line = self.span.line
        outer = [g for g in self.outline.conditionals if g not in self.groups]
        return [(g, g.branch(line)) for g in outer if g.branch(line) >= 0]

    def _possible(self, configuration: Configuration) -> bool:
        return all(
            self._condition(group, arm).value(configuration) is not False
            for group, arm in self._around
        )

    def _chosen(
        self, resolved: Collection[Conditional], configuration: Configuration
    ) -> dict[Conditional, int]:
        found = {}
        for group in self.groups:
            found[group] = EITHER
            if group in resolved:
                arms = range(len(group.lines) - 1)
                true = (a for a in arms if self._holds(group, a, configuration))
                found[group] = next(true, NONE)
        return found

    def _holds(self, group: Conditional, arm: int, of: Configuration) -> bool:
        return self._condition(group, arm).value(of) is True

    def _condition(self, group: Conditional, arm: int) -> Condition:
        return _first_true([self._asked(line) for line in group.lines[: arm + 1]])

    def _conditions(self, group: Conditional) -> list[Condition]:
        return [self._asked(line) for line in group.lines[:-1]]

    def _asked(self, line: int) -> Condition:
        """What the directive at LINE asks, of names as they are defined there."""
        found = _asked(self.outline, line)
        before = [(at, text) for at, text in self._defining if at < line]
        if not before:
            return found
        names = {text: at for at, text in before if text}
        others = [at for at, text in before if not text]
        return conditions.later(
            found, conditions.Defined(names, before[-1][0], max(others, default=0))
        )

    @cached_property
    def _defining(self) -> list[tuple[int, str]]:
        """Where the function defines a name, or takes it back; or, "", where it may
        any."""
        last = max([self.span.end, *(group.lines[-1] for group in self.groups)])
        return [
            (line, found[2].text if found[1].text in ("define", "undef") else "")
            for line, found in sorted(self.outline.directives.items())
            if self.span.line <= line <= last and len(found) > 2
            if found[1].text in ("define", "undef", "include", "pragma")
        ]


def _fewer(every: Sequence[Reading]) -> list[Reading]:
    """Those of EVERY reading that have any two questions in all the ways they can be
    answered, and of the others what it takes to have each line."""
    found = [r for r in every if any(_is_even(c.held) for c in r.configurations)]
    unseen = frozenset.intersection(*(reading.hidden for reading in found))
    for reading in every:
        if not unseen <= reading.hidden:
            found.append(reading)
            unseen &= reading.hidden
    return found


def _is_even(held: Mapping[str, bool]) -> bool:
    """Whether all questions but one are answered alike."""
    return min(sum(held.values()), len(held) - sum(held.values())) <= 1


def condition(outline: Outline, group: Conditional, arm: int) -> Condition:
    """What must hold for an arm to be compiled: its own condition, and none before."""
    return _first_true([_asked(outline, line) for line in group.lines[: arm + 1]])


def _first_true(asked: Sequence[Condition]) -> Condition:
    """The last of what is ASKED holds, and none before."""
    return Some((*(Not(each) for each in asked[:-1]), asked[-1]), True)


def _asked(outline: Outline, line: int) -> Condition:
    found = outline.directives[line]
    return Fixed(True) if found[1].text == "else" else conditions.condition(found)


def serves(outline: Outline, line: int, kernels: Kernels) -> bool:
    """Whether what is at LINE of OUTLINE is for one of KERNELS."""
    around = [(group, group.branch(line)) for group in outline.conditionals]
    asked = [condition(outline, group, arm) for group, arm in around if arm >= 0]
    every = kernels.apart(asked) if kernels.oldest else [kernels.newest]
    versions = [Configuration(version, {}) for version in every]
    return any(all(c.value(v) is not False for c in asked) for v in versions)


def is_never_compiled(outline: Outline, line: int) -> bool:
    """Whether LINE is in an `#if 0`."""
    around = [(group, group.branch(line)) for group in outline.conditionals]
    asked = [outline.directives[g.lines[arm]] for g, arm in around if arm >= 0]
    return any([token.text for token in found[2:]] == ["0"] for found in asked)


def dead(outline: Outline, kernels: Kernels) -> set[int]:
    """The lines in the arms that are for other kernels than KERNELS, where these are
    a range."""
    found: set[int] = set()
    for group in outline.conditionals if kernels.oldest else ():
        for arm, (first, last) in enumerate(_ranges(group)):
            asked = condition(outline, group, arm)
            now = (asked.value(Configuration(v, {})) for v in kernels.apart([asked]))
            ever = asked.value(Configuration(None, {})) is not False
            if ever and all(value is False for value in now):
                found.update(range(first + 1, last))
    return found


def where(some: Sequence[Reading], every: Sequence[Reading]) -> str:
    """What tells the configurations of SOME readings from those of the others of
    EVERY: "CONFIG_X is set"; "" where there are no others."""
    if len(some) == len(every):
        return ""
    mine, all_ = ([c for r in each for c in r.configurations] for each in (some, every))
    told = []
    for question in all_[0].held:
        answers = {c.held[question] for c in mine}
        if len(answers) == 1:
            yes = answers.pop()
            told.append(question if yes else conditions.opposite(question))
    versions = {c.version for c in mine if c.version}
    if versions != {c.version for c in all_ if c.version}:
        told.append(f"the kernel is {_range(min(versions), max(versions))}")
    return " and ".join(told) or "in some configurations"


def _range(low: Version, high: Version) -> str:
    last = "or later" if high == conditions.NEWEST else f"to {conditions.dotted(high)}"
    return conditions.dotted(low) if low == high else f"{conditions.dotted(low)} {last}"


def _ranges(group: Conditional) -> list[tuple[int, int]]:
    """The lines of the directives around each arm."""
    return list(zip(group.lines, group.lines[1:]))


def _hidden(outline: Outline, chosen: dict[Conditional, int]) -> Iterator[int]:
    """The lines that are blank where arms are CHOSEN."""
    for group, arm in chosen.items():
        if arm == EITHER:
            continue
        for line in group.lines:
            yield from range(line, outline.through(line) + 1)
        for number, (first, last) in enumerate(_ranges(group)):
            if number != arm:
                yield from range(first, last)


def _is_balanced(words: Iterable[str]) -> bool:
    depth = 0
    for word in words:
        depth += (word in _OPEN) - (word in _CLOSE)
        if depth < 0:
            return False
    return not depth
