# SPDX-License-Identifier: GPL-2.0-only
"""What was found out of a function, once more, while all that it rests on is the same.

What a function is said to do rests on its text, and on the answers that were given
about what it calls.  Most of it is asked for again whenever something new is known of
any callee: then the questions alone are asked again, which costs little, in the order
in which they were.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple, TypeVar

from kmaplocal.flow.tree import Knowledge

Found = TypeVar("Found")
Question = tuple[str, tuple]  # a method of Knowledge, and what it is given


class Asked:
    """KNOWLEDGE, which is asked for nothing twice, and what it answered."""

    def __init__(self, knowledge: Knowledge):
        self.maps, self.unmaps = knowledge.maps, knowledge.unmaps
        self.answers: dict[Question, Any] = {}
        self._knowledge = knowledge

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


class _Kept(NamedTuple):
    maps: Mapping
    unmaps: Mapping
    answers: Mapping[Question, Any]
    found: Any

    def holds(self, knowledge: Knowledge) -> bool:
        """Whether KNOWLEDGE says the same again."""
        if (self.maps, self.unmaps) != (knowledge.maps, knowledge.unmaps):
            return False
        return all(
            getattr(knowledge, name)(*given) == answer
            for (name, given), answer in self.answers.items()
        )


class Memory:
    """What was found out, by what it is called."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, _Kept] = {}

    def found(
        self, key: Hashable, knowledge: Knowledge, make: Callable[[Any], Found]
    ) -> Found:
        """What MAKE makes of KNOWLEDGE, or made when that gave the same answers.  What
        it makes must rest on nothing else but KEY."""
        kept = self._kept.get(key)
        if kept is None or not kept.holds(knowledge):
            asked = Asked(knowledge)
            made = make(asked)
            kept = _Kept(asked.maps, asked.unmaps, asked.answers, made)
            self._kept[key] = kept
        return kept.found
