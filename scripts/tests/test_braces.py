# SPDX-License-Identifier: GPL-2.0-only
"""Braces for the other arms of an `if`, where an edit gives them to one."""

import pytest

from kmaplocal.apply.braces import balanced
from kmaplocal.apply.edits import Edit, applied

# The `else` of each of these gets braces by an edit: its two lines become four.
ELSE = ("\telse {", "\t\tq();", "\t\tr();", "\t}")


def made(text, first, new):
    """A function of TEXT, tab by tab, after an edit of two lines from FIRST on."""
    lines = ["void f(int n)", "{", *text.split("\n"), "}"]
    return applied("\n".join(lines), balanced([Edit(first, first + 2, new)], lines))


def test_the_other_arm_gets_braces():
    text = "\tif (n)\n\t\tp();\n\telse\n\t\tq();"
    assert made(text, 4, ELSE) == (
        "void f(int n)\n{\n\tif (n) {\n\t\tp();\n\t} else {\n\t\tq();\n\t\tr();\n\t}\n}"
    )


def test_the_else_gets_braces():
    text = "\tif (n)\n\t\tp();\n\telse\n\t\tg(n,\n\t\t  n);"
    new = ("\tif (n) {", "\t\tp();", "\t\tr();", "\t} else")
    lines = ["void f(int n)", "{", *text.split("\n"), "}"]
    found = balanced([Edit(2, 5, new)], lines)
    assert applied("\n".join(lines), found) == (
        "void f(int n)\n{\n\tif (n) {\n\t\tp();\n\t\tr();\n\t} else {\n"
        "\t\tg(n,\n\t\t  n);\n\t}\n}"
    )


@pytest.mark.parametrize("loop", ["for (;;)", "each_of(n)", "each_of(n) {", "do {"])
def test_inside_of_a_loop(loop):
    text = f"\t{loop}\n\tif (n)\n\t\tp();\n\telse\n\t\tq();"
    text += {"each_of(n) {": "\n\t}", "do {": "\n\t} while (n);"}.get(loop, "")
    assert "\tif (n) {\n\t\tp();\n\t} else {\n" in made(text, 5, ELSE)


@pytest.mark.parametrize(
    "text",
    [
        "\tif (n)\n\t\tp();\n\t/* or */\n\telse\n\t\tq();",
        "\tif (n)\n\t\tp();\n#ifdef X\n\telse\n\t\tq();\n#endif",
        "\tif (n) p();\n\telse if (n)\n\t\tp();\n\telse\n\t\tq();",
        "\tif (n\n\t\tp();\n\telse\n\t\tq();",
    ],
    ids=["comment", "directive", "one line", "unread"],
)
def test_left_as_it_is(text):
    first = 2 + text.split("\n").index("\telse")
    lines = ["void f(int n)", "{", *text.split("\n"), "}"]
    assert balanced([Edit(first, first + 2, ELSE)], lines) == [
        Edit(first, first + 2, ELSE)
    ]


def test_what_was_not_balanced_before_stays():
    text = "\tif (n)\n\t\tp();\n\telse {\n\t\tq();\n\t}\n"
    text += "\tif (m) {\n\t\tp();\n\t\to();\n\t}"
    lines = ["void f(int n)", "{", *text.split("\n"), "}"]
    edits = [Edit(5, 6, ("\t\tr();",)), Edit(7, 8, ("\tif (m && n) {",))]
    assert balanced(edits, lines) == edits
