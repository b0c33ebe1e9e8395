# SPDX-License-Identifier: GPL-2.0-only
"""What was found out of a function, once more, while all that it rests on is the same.

What a function is said to do rests on its text, and on the answers that were given
about what it calls.  Most of it is asked for again whenever something new is known of
any callee: then the questions alone are asked again, which costs little, in the order
in which they were.

Where an answer is another, but something it rests on is still being looked for, it
will be another once more.  A function is not followed again for it until then, unless
it would go other ways, and so ask other questions.

What is followed while something is still being looked for will be followed again: that
is for the questions alone, which show on a few of the ways to a place.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from enum import Enum
from typing import Any, NamedTuple, TypeVar

from kmaplocal.flow.tree import Effect, Knowledge

MOST_KEPT = 4  # of one name: a callee is told less the more calls away it is

Found = TypeVar("Found")
Question = tuple[str, tuple]  # a method of Knowledge, and what it is given


class Recorder:
    """KNOWLEDGE, which is asked for nothing twice, and what it answered."""

    def __init__(self, knowledge: Knowledge, patient: bool):
        """PATIENT: what is made will be made again once something was not known."""
        self.maps, self.unmaps = knowledge.maps, knowledge.unmaps
        self.answers: dict[Question, Any] = {}
        self.cut = False
        self.rushed = False  # some ways were left out
        self._knowledge = knowledge
        self._patient, self._before = patient, knowledge.asked

    @property
    def hasty(self) -> bool:
        """Whether what is made will be made again, so that ways may be left out."""
        return self._patient and self._knowledge.asked > self._before

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._knowledge, name)
        if not callable(method):
            return method

        def ask(*given: Hashable) -> Any:
            question = (name, given)
            if question not in self.answers:
                self.answers[question] = method(*given)
            return self.answers[question]

        setattr(self, name, ask)
        return ask


class _Match(Enum):
    """What is said when all questions are asked again."""

    SAME, ALIKE, OTHER = range(3)


class _Entry(NamedTuple):
    maps: Mapping
    unmaps: Mapping
    answers: Mapping[Question, Any]
    cut: bool  # it rests on which ways there are, and on nothing that was noted
    rushed: bool
    found: Any

    def compared(self, knowledge: Knowledge) -> _Match:
        """Whether KNOWLEDGE says the same again, or what is followed the same ways."""
        if (self.maps, self.unmaps) != (knowledge.maps, knowledge.unmaps):
            return _Match.OTHER
        said = _Match.SAME
        for (name, given), answer in self.answers.items():
            now = getattr(knowledge, name)(*given)
            if now == answer:
                continue
            leads = _leads_as(now, answer)
            if not (leads or self.cut):
                return _Match.OTHER
            if not (leads and self.cut):
                said = _Match.ALIKE
        return said


def _leads_as(one: Any, other: Any) -> bool:
    """Whether what is followed goes the same ways by ONE answer as by the OTHER: these
    are effects on an address, and differ in what is noted of it."""
    if not (isinstance(one, Effect) and isinstance(other, Effect)):
        return False
    return (one.returns, one.through) == (other.returns, other.through)


class Memo:
    """What was found out, by what it is called."""

    def __init__(self) -> None:
        self.patient = True  # what is to be asked for once more may be out of date
        self._kept: dict[Hashable, list[_Entry]] = {}

    def result(
        self, key: Hashable, knowledge: Knowledge, make: Callable[[Any], Found]
    ) -> Found:
        """What MAKE makes of KNOWLEDGE, or made when that gave the same answers.  What
        it makes must rest on nothing else but KEY."""
        kept = self._kept.setdefault(key, [])
        before = knowledge.asked
        for each in kept:
            said = each.compared(knowledge)
            soon = self.patient and knowledge.asked > before
            whole = said is _Match.SAME and not each.rushed
            if whole or (said is not _Match.OTHER and soon):
                return each.found
        recorder = Recorder(knowledge, self.patient)
        made = make(recorder)
        how = recorder.answers, recorder.cut, recorder.rushed
        new = _Entry(recorder.maps, recorder.unmaps, *how, made)
        kept[:] = [new, *kept[: MOST_KEPT - 1]]
        return made
