# SPDX-License-Identifier: GPL-2.0-only
"""asked.py: a result is kept just as long as all that it rests on is the same."""

import pytest

from kmaplocal.flow.asked import Memory


class Knowledge:
    def __init__(self):
        self.maps, self.unmaps = {"kmap": 1}, {}
        self.known = {"a": 1, "b": 2, "c": 3}
        self.asked = []

    def argument(self, callee, number):
        self.asked.append(callee)
        return self.known[callee]


@pytest.fixture
def knowledge():
    return Knowledge()


@pytest.fixture
def found(knowledge):
    """found(): what is made of the knowledge, which asks for c only where b is 2; and
    how often it was made."""
    memory, made = Memory(), []

    def make(told):
        made.append(1)
        names = ["a", "b", "a", *["c"] * (told.argument("b", 0) == 2)]
        return sum(told.argument(name, 0) for name in names)

    return lambda: (memory.found("key", knowledge, make), len(made))


def test_nothing_is_asked_twice(found, knowledge):
    assert found() == (7, 1)
    assert knowledge.asked == ["b", "a", "c"]


def test_the_same_answers_make_the_same(found, knowledge):
    found()
    assert found() == (7, 1)


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_another_answer_makes_another(found, knowledge, name):
    found()
    knowledge.known[name] += 1
    assert found()[1] == 2


def test_what_is_not_to_be_asked_again_is_not(found, knowledge):
    """Behind the first answer that is another, other questions may follow."""
    found()
    knowledge.asked.clear()
    knowledge.known["b"] = 5
    assert found() == (7, 2)
    assert knowledge.asked == ["b", "b", "a"]


def test_other_map_functions_make_another(found, knowledge):
    found()
    knowledge.maps = {"kmap": 1, "my_map": 2}
    assert found()[1] == 2
