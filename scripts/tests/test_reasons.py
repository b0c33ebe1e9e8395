# SPDX-License-Identifier: GPL-2.0-only
"""Reasons that are a line long."""

from kmaplocal.reasons import MOST, short

LINK = "the address is passed to {0}(): {0}(): "


def chain(*names):
    return "local: fs/a.c:5: " + "".join(map(LINK.format, names))


def test_what_fits_stays():
    assert short("local: fs/a.c:5: it is stored") == "local: fs/a.c:5: it is stored"


def test_of_a_chain_the_first_and_the_last_call_are_told():
    names = ["first_of_them", "second_of_them", "third_of_them", "last_of_them"]
    places = " (fs/d.c:40) (fs/c.c:30) (fs/b.c:20) (fs/b.c:10)"
    assert short(f"{chain(*names)}stores it in x -> y{places}") == (
        "local: fs/a.c:5: the address is passed to first_of_them(), via 3 calls to"
        " last_of_them(): stores it in x -> y (fs/d.c:40)"
    )


def test_no_reason_is_longer_than_a_line():
    names = [f"a_function_with_quite_a_long_name_{n}" for n in range(3)]
    told = short(f"{chain(*names)}{'does what takes many words to say ' * 5}(a.c:1)")
    assert len(told) == MOST and told.endswith("…")
