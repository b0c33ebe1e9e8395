# SPDX-License-Identifier: GPL-2.0-only
"""What is known after each thing that happens: values and states, on their own."""

import expressions
import pytest

from kmaplocal.flow import state as states
from kmaplocal.c.syntax import Expr, Function, Variable
from kmaplocal.flow.state import State
from kmaplocal.flow.trace import Site, Trace
from kmaplocal.flow.values import CURSOR, ERROR, NONZERO, NULL, OFFSET, START, Given
from kmaplocal.flow.values import Value
from kmaplocal.flow.values import constant_of, is_loaded, number_of, truth_of
from kmaplocal.knowledge import api

MAPPED, GIVEN = Value("address", 0), Value("address", Given(0))

CONSTANTS = {
    "NULL": NULL,
    "0": NULL,
    "(void *)0": NULL,
    "false": NULL,
    "true": Value("constant", text="true"),
    "0x10": Value("constant", text="0x10"),
    "-5": Value("constant", text="- 5"),
    "n": None,
    "-(n + 1)": None,
    "'a'": None,
}
WRITTEN = ["holder->page", "holder->count", "*p"]
CALLED = ["put(page)", "put(holder)", "put(n)"]


@pytest.fixture(scope="module")
def exprs(tmp_path_factory):
    """Every expression of this module, by its text."""
    texts = [*CONSTANTS, *WRITTEN, *CALLED]
    return expressions.read(tmp_path_factory.mktemp("state"), texts)


@pytest.mark.parametrize("text", CONSTANTS)
def test_what_is_a_constant(exprs, text):
    assert constant_of(exprs[text]) == CONSTANTS[text]


def test_how_far_an_address_was_moved_only_grows():
    assert MAPPED.moved == START
    assert MAPPED.onward().moved == OFFSET
    assert MAPPED.onward(CURSOR).onward().moved == CURSOR


@pytest.mark.parametrize(
    "value, truth",
    [
        (NULL, False),
        (NONZERO, True),
        (Value("constant", text="7"), True),
        (MAPPED, True),
        (GIVEN, None),
        (ERROR, None),
        (Value("copy", text="n"), None),
    ],
)
def test_how_a_value_turns_out(value, truth):
    assert truth_of(value) is truth


@pytest.mark.parametrize(
    "value, number",
    [
        (NULL, 0),
        (Value("constant", text="- 22"), -22),
        (Value("constant", text="0x1f"), 31),
        (Value("constant", text="2UL"), None),
        (Value("constant", text="true"), None),
        (NONZERO, None),
        (None, None),
    ],
)
def test_which_number_a_value_is(value, number):
    assert number_of(value) == number


def test_only_an_address_that_was_read_is_loaded():
    assert is_loaded(MAPPED._replace(text="loaded"))
    assert not is_loaded(MAPPED)
    assert not is_loaded(Value("copy", text="loaded"))
    assert not is_loaded(None)


def test_a_variable_given_anew_takes_all_along_that_spoke_of_it():
    before = State((0,), ((0, "page"), (1, "next -> page")))
    before = before.hold("at", MAPPED).hold("at . head", MAPPED).hold("other", GIVEN)
    before = before.hold("copied", Value("copy", text="at -> next"))
    before = before.decide("at -> count", True).decide("n", False)
    after = before.put("at", NULL)
    assert after.held == (("at", NULL), ("other", GIVEN))
    assert after.decided == (("n", False),)
    assert after.pages == before.pages
    assert before.put("next", None).pages == ((0, "page"),)
    assert after.live == (0,)


def test_a_name_is_a_word_and_not_a_part_of_one():
    before = State(pages=((0, "pages"),)).hold("atom", MAPPED).decide("atoms", True)
    assert before.put("at", None) == before
    assert before.put("page", None) == before


def test_a_member_given_anew_leaves_its_neighbours():
    before = State().hold("s . a", MAPPED).hold("s . b", GIVEN).decide("s . a", True)
    after = before.hold("s . a", None)
    assert after.addresses("s") == [GIVEN]
    assert after.decided == before.decided


def test_states_are_equal_however_they_came_about():
    one = State().put("a", MAPPED).put("b", GIVEN).decide("n", True).decide("m", True)
    two = State().decide("m", True).decide("n", True).put("b", GIVEN).put("a", MAPPED)
    assert one == two
    assert one.decide("n", False) != two


def test_addresses_are_found_in_a_variable_and_behind_an_address():
    state = State().hold("s", GIVEN).hold("s . m", MAPPED).hold("s . n", NULL)
    state = state.hold("st", MAPPED)
    state = states.put_behind(state, Given(0), MAPPED.onward())
    assert state.addresses("s") == [GIVEN, MAPPED]
    assert state.behind(Given(0)) == [MAPPED.onward()]
    assert state.behind(Given(10)) == state.behind(0) == []
    inside = states.found_in(Value("place", text="s"), state)
    assert inside == [(GIVEN, ""), (MAPPED, "m")]
    assert states.found_in(GIVEN, state) == [(MAPPED.onward(), "")]
    assert states.found_in(None, state) == states.found_in(NULL, state) == []
    assert states.reached({"s"}, state) == [MAPPED, MAPPED.onward()]
    assert states.reached({"t"}, state) == []


def test_member_that_a_callee_writes_is_changed_alone():
    before = State().hold("s . m", MAPPED).hold("s . n", GIVEN).hold("t", MAPPED)
    before = before.decide("s . m", True).decide("s . n", True)
    after = states.changed_by(before, "s", "fill", {"n"})
    assert after.get("s . m") == MAPPED and after.get("t") == MAPPED
    changed = after.get("s . n")
    assert changed is not None and (changed.kind, changed.text) == ("changed", "fill()")
    assert after.decided == (("s . m", True),)
    assert states.changed_by(before, "s", "fill", set()) == before


def test_whose_address_is_given_away_holds_what_it_held_only():
    before = State().put("n", MAPPED).put("m", Value("copy", text="n"))
    before = before.decide("n == 2", True).decide("k", True)
    after = states.unsure(before, "n")
    assert after.held == (("n", MAPPED),)
    assert after.decided == (("k", True),)


def test_what_a_callee_wrote_to_is_changed_in_every_part():
    before = State().hold("s . a", MAPPED).hold("s . n", NULL).hold("st", GIVEN)
    after = states.changed_by(before, "s", "fill")
    assert after.get("s . a") == Value("changed", 0, text="fill()")
    assert after.get("s . n") is None
    assert after.get("st") == GIVEN


def test_a_write_to_a_member_ends_what_is_known_of_that_name(exprs):
    before = State(pages=((0, "holder -> page"), (1, "other"), (2, "find ( n )")))
    before = before.hold("c", Value("copy", text="holder -> page"))
    before = before.hold("d", Value("added", text="n .page"))
    before = before.decide("a -> page", True).decide("a -> count", True)
    after = states.after_write(exprs["holder->page"], before)
    assert after.pages == ((1, "other"),)
    assert after.held == ()
    assert after.decided == (("a -> count", True),)


def test_a_write_to_another_member_leaves_it(exprs):
    before = State(pages=((0, "holder -> page"),)).decide("a -> page", True)
    assert states.after_write(exprs["holder->count"], before) == before
    assert states.after_write(exprs["*p"], before) == before


def test_a_call_changes_computed_pages_of_what_it_is_given(exprs):
    before = State(pages=((0, "find ( page )"), (1, "page"), (2, "find ( n )")))
    after = states.after_call(exprs["put(page)"], before)
    assert after.pages == ((1, "page"), (2, "find ( n )"))
    assert states.after_call(exprs["put(holder)"], before) == before


def test_what_is_no_call_is_not_computed(exprs):
    before = State(pages=((0, "pages [ sizeof ( n ) ]"),))
    assert states.after_call(exprs["put(n)"], before) == before


def test_forgetting_spares_addresses_and_guards():
    before = State((0,), ((0, "page"),)).put("n", Value("constant", text="1"))
    before = before.put("k", Value("constant", text="2")).put("p", MAPPED)
    before = before.decide("n", True).decide("rc", False)
    after = states.forget(before, {"k", "rc"})
    assert [name for name, _ in after.held] == ["k", "p"]
    assert after.decided == (("rc", False),)
    assert (after.live, after.pages) == (before.live, before.pages)


def test_what_the_caller_mapped_is_told_by_its_parameter():
    """It is no mapping of the function, the last one of all least of all."""
    function = Function("end", params=[Variable("from", "char *", (1, 9))])
    call = Expr((3, 11), (3, 29), "kmap_atomic ( page )")
    site = Site(0, call, api.MAPS["kmap_atomic"], "kmap_atomic", "page")
    trace = Trace(function, (site,))
    assert [trace.told(Given(0)), trace.told(0)] == ["from", call.text]
    assert trace.own([(Given(0), 0), (0, Given(0)), (0, 0)]) == [(site, site)]


def test_a_state_of_which_nothing_is_forgotten_stays_itself():
    state = State().put("n", Value("constant", text="1")).decide("n > 1", True)
    assert states.forget(state, {"n", "n > 1"}) is state
    assert states.forget(state, {"n"}) == state._replace(decided=())
    assert states.forget(state, {"n > 1"}) == state._replace(held=())
