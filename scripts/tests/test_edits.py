# SPDX-License-Identifier: GPL-2.0-only
"""What spatch changed, as edits by line."""

from kmaplocal.apply.edits import Edit, changes

BEFORE = "\tu8 *v;\n\n\tv = kmap(p);\n\tmemcpy(v, s, n);\n\tkunmap(p);\n}\n"
HELPER = "\tmemcpy_to_page(p, 0, s, n);\n"


def test_a_blank_line_before_what_is_replaced_stays():
    after = "\tu8 *v;\n" + HELPER + "}\n"
    assert changes(BEFORE, after) == [Edit(2, 5, (HELPER.rstrip("\n"),))]


def test_a_blank_line_behind_what_is_deleted_goes_with_it():
    after = BEFORE.partition("\n\n")[2]
    assert changes(BEFORE, after) == [Edit(0, 2, ())]
