# SPDX-License-Identifier: GPL-2.0-only
"""Conditions on their own: which are the same one, and how one turns out."""

import expressions
import pytest

from kmaplocal.flow.conditions import against_null, atom_of, atoms_of, compared_call
from kmaplocal.flow.conditions import compared_values, decided_of, flag_of, same_address
from kmaplocal.flow.state import State
from kmaplocal.flow.values import ERROR, NONZERO, NULL, Given, Value

MAPPED, GIVEN = Value("address", 0), Value("address", Given(0))
NEGATIVE = Value("nonzero", text="-")
TRUE = Value("constant", text="1")

ATOMS = {
    "n": ("n", True),
    "n != 0": ("n", True),
    "n == 0": ("n", False),
    "p == NULL": ("p", False),
    "(p) != NULL": ("p", True),
    "n == 3": ("n == 3", True),
    "n != 3": ("n == 3", False),
    "n < 3": ("n < 3", True),
}
PARTS = {
    "!n": ["n"],
    "!(n && !p)": ["n", "p"],
    "unlikely(n != 3 || q)": ["n == 3", "q"],
    "n & 1": ["n & 1"],
}
# A condition, what is known of its variables, and how it turns out.
TURNS = [
    ("p == NULL", {"p": NULL}, True),
    ("p == NULL", {"p": MAPPED}, False),
    ("p != NULL", {"p": MAPPED}, True),
    ("p == NULL", {"p": GIVEN}, None),
    ("p == NULL", {}, None),
    ("p == q", {"p": MAPPED, "q": MAPPED}, True),
    ("p != q", {"p": MAPPED, "q": MAPPED}, False),
    ("p == q", {"p": MAPPED, "q": MAPPED.onward()}, None),
    ("p == q", {"p": MAPPED, "q": GIVEN}, None),
    ("n == 3", {"n": Value("constant", text="3")}, True),
    ("n < 3", {"n": Value("constant", text="3")}, False),
    ("n >= 3", {"n": NULL}, False),
    ("n >= 3", {"n": NONZERO}, None),
    ("n < 0", {"n": NEGATIVE}, True),
    ("n < 0", {"n": Value("nonzero", text="+")}, False),
    ("n < 0", {"n": NONZERO}, None),
    ("n < 0", {"n": Value("constant", text="- EIO")}, True),
    ("n > 0", {"n": NEGATIVE}, None),
    ("p == NULL", {"p": ERROR}, None),
    ("n + 1", {"n": NULL}, None),
]
# A condition, the number that its left side is, and what is known of it.
CALLS = [
    ("get(n) < 0", NEGATIVE, TRUE),
    ("get(n) > 0", NEGATIVE, NULL),
    ("get(n) < 0", NULL, NULL),
    ("get(n) >= 0", NULL, TRUE),
    ("get(n) == 0", NONZERO, NULL),
    ("get(n) != 0", NONZERO, TRUE),
    ("get(n) < 0", NONZERO, None),
    ("get(n) < 0", None, None),
    ("get(n) < 0", MAPPED, None),
    ("get(n) < 1", NEGATIVE, None),
    ("n < 0", NEGATIVE, None),
]


@pytest.fixture(scope="module")
def exprs(tmp_path_factory):
    """Every expression of this module, by its text."""
    texts = [*ATOMS, *PARTS, *(turn[0] for turn in TURNS), *(call[0] for call in CALLS)]
    folder = tmp_path_factory.mktemp("conditions")
    return expressions.read(folder, list(dict.fromkeys(texts)))


@pytest.mark.parametrize("text", ATOMS)
def test_one_condition_in_other_words(exprs, text):
    assert atom_of(exprs[text]) == ATOMS[text]


@pytest.mark.parametrize("text", PARTS)
def test_what_a_condition_is_put_together_of(exprs, text):
    assert atoms_of(exprs[text]) == PARTS[text]


def test_against_null_is_with_null_written_out(exprs):
    found = [text for text in ATOMS if against_null(exprs[text])]
    assert found == ["p == NULL", "(p) != NULL"]


@pytest.mark.parametrize(
    "atom, name",
    [
        ("n", "n"),
        ("n < 3", "n"),
        ("n == m", "n == m"),
        ("n == - 1", "n == - 1"),
        ("n & 1", "n & 1"),
    ],
)
def test_the_variable_of_a_condition(atom, name):
    assert flag_of(atom) == name


@pytest.mark.parametrize("text, known, truth", TURNS)
def test_how_a_comparison_turns_out(exprs, text, known, truth):
    state = State()
    for name, value in known.items():
        state = state.put(name, value)
    assert compared_values(exprs[text], state) is truth


@pytest.mark.parametrize("text, left, expected", CALLS)
def test_how_the_result_of_a_call_compares(exprs, text, left, expected):
    assert compared_call(exprs[text], left) == expected


def test_what_conditions_say_of_a_number():
    state = State().decide("rc", True).decide("n", False).decide("err < 0", True)
    state = state.decide("len < 0", False)
    assert decided_of("rc", state) == NONZERO
    assert decided_of("n", state) == NULL
    assert decided_of("err", state) == NEGATIVE
    assert decided_of("len", state) is decided_of("other", state) is None


def test_two_are_one_address_only_where_it_was_not_moved():
    assert same_address(MAPPED, MAPPED)
    assert not same_address(MAPPED.onward(), MAPPED.onward())
    assert not same_address(MAPPED, GIVEN)
    assert not same_address(None, None)
    assert not same_address(NULL, NULL)
