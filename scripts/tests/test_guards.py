# SPDX-License-Identifier: GPL-2.0-only
"""Conditional guards in words that spatch parses: what stays is where it was."""

import pytest

from kmaplocal.c.guards import may_fail, readable
from kmaplocal.c.lexer import tokens


def around(head, body="f(x);\n"):
    return f"void g(void)\n{{\n\t{head}{body}}}\n"


@pytest.mark.parametrize(
    ("head", "reads"),
    [
        ("scoped_cond_guard(got, return -1, &m)\n\t\t", "if(got) return -1;else"),
        ("scoped_cond_guard(got, return -1, &m) {\n}", "if(got) return -1;else{\n}"),
        (
            "scoped_cond_guard(got, { e = 1; goto o; }, &m)\n",
            "if(got) {e=1;goto o;}else",
        ),
        ("scoped_cond_guard(got, e = 1,\n\t\t&m)\n", "if(got) e = 1;else"),
    ],
)
def test_a_conditional_guard_becomes_an_if_with_all_else_in_its_place(head, reads):
    text = around(head)
    after = readable(text)
    words = [t.text for t in tokens(after)]
    assert "scoped_cond_guard" not in words
    body = tokens(f"{reads} f(x);}}")
    assert words[6:] == [t.text for t in body]
    before = {(t.line, t.column, t.text) for t in tokens(text)}
    new = {t for t in tokens(after) if (t.line, t.column, t.text) not in before}
    assert {t.text for t in new} <= {"if", "(", ")", ";", "else"}
    assert after.count("\n") == text.count("\n")


@pytest.mark.parametrize(
    "head",
    [
        "scoped_cond_guard(got, return -1,m){",  # no room for `;else`
        "scoped_cond_guard(got, return -1, &m) break; ",  # of the guard
        "scoped_cond_guard(got)\n",
    ],
)
def test_what_cannot_be_said_in_its_place_stays(head):
    assert readable(around(head)) == around(head)


def test_a_guard_that_may_not_be_got_is_told_by_its_name():
    assert may_fail("scoped_guard ( mutex_try , & m ) f ( x ) ;")
    assert not may_fail("scoped_guard ( mutex , & m ) f ( x ) ;")
