# SPDX-License-Identifier: GPL-2.0-only
"""Texts joined for one run come apart with the lines they had."""

from kmaplocal.read.batch import Batch


def fact(kind, line, last, element_line, *rest):
    return "\t".join(
        (kind, str(line), "4", str(last), "9", "f", str(element_line)) + rest
    )


def joined():
    batch = Batch()
    batch.add("a", "\n\nvoid f(void)\n{\n}")
    batch.add("b", "\n\n\n\nvoid f(void)\n{\n}\n")
    return batch


def test_leading_blank_lines_are_left_out():
    assert joined().text.startswith("void f(void)\n{\n}\nvoid f(void)\n")


def test_facts_get_their_own_lines_back():
    facts = joined().facts(
        fact("expression", 2, 3, 1, "x") + "\n" + fact("expression", 5, 6, 4, "x")
    )
    assert facts["a"] == fact("expression", 4, 5, 3, "x")
    assert facts["b"] == fact("expression", 6, 7, 5, "x")


def test_the_place_of_an_initialiser_moves_too():
    facts = joined().facts(fact("initialised", 5, 5, 4, "x", "int", "5", "7"))
    assert facts["b"] == fact("initialised", 6, 6, 5, "x", "int", "6", "7")


def test_other_output_belongs_to_nobody():
    facts = joined().facts("warning: something\n" + fact("expression", 99, 99, 1, "x"))
    assert facts == {"a": "", "b": ""}
