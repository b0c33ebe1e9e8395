# SPDX-License-Identifier: GPL-2.0-only
"""The blank lines that one Coccinelle keeps and another one takes along."""

import pytest

from kmaplocal.apply.blanks import with_blanks

DECLARED = "\tint n = 0;\n"
DROPPED = "\n\tkmap(page);\n\tn++;\n"


def test_a_blank_line_stays_before_what_is_dropped():
    kept = DECLARED + "\n\tn++;\n"
    assert with_blanks(DECLARED + DROPPED, DECLARED + "\tn++;\n") == kept
    assert with_blanks(DECLARED + DROPPED, kept) == kept


def test_a_new_declaration_goes_before_the_blank_line():
    new = "\tvoid *base;\n"
    made = with_blanks(DECLARED + DROPPED, f"{DECLARED}{new}\tn++;\n")
    assert made == f"{DECLARED}{new}\n\tn++;\n"


def test_a_blank_line_stays_behind_a_declaration_that_changes():
    old = "\tu32 *at = kmap(it->page);\n\n\tkunmap(it->page);\n\treturn at[0];\n"
    new = "\tu32 *at = page_address(it->page);\n\treturn at[0];\n"
    assert with_blanks(old, new) == new.replace(";\n", ";\n\n", 1)


@pytest.mark.parametrize(
    "old, new",
    [
        ("\ta();\n\n\tkunmap(page);\n}\n", "\ta();\n}\n"),
        (
            "\tat = kmap(p);\n\n\ta();\n",
            "\tat = kmap_local_page(p);\n\tb();\n\n\ta();\n",
        ),
        ("\tint n;\n\tint m;\n\n\ta();\n", "\tint n;\n\ta();\n"),
    ],
)
def test_no_other_blank_line_is_added(old, new):
    assert with_blanks(old, new) == new
