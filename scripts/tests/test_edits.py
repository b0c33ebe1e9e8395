# SPDX-License-Identifier: GPL-2.0-only
"""What spatch changed, as edits by line."""

import pytest

from kmaplocal.apply.edits import Edit, changes, laid_out

BEFORE = "\tu8 *v;\n\n\tv = kmap(p);\n\tmemcpy(v, s, n);\n\tkunmap(p);\n}\n"
HELPER = "\tmemcpy_to_page(p, 0, s, n);\n"


def test_a_blank_line_before_what_is_replaced_stays():
    after = "\tu8 *v;\n" + HELPER + "}\n"
    assert changes(BEFORE, after) == [Edit(2, 5, (HELPER.rstrip("\n"),))]


def test_a_blank_line_behind_what_is_deleted_goes_with_it():
    after = BEFORE.partition("\n\n")[2]
    assert changes(BEFORE, after) == [Edit(0, 2, ())]


MAPPED = [
    "\tat = (unsigned long) kmap_atomic(page) +",
    "\t\t(at & ~PAGE_MASK);\t/* in the page */",
]


def test_a_renamed_statement_keeps_its_blanks_and_line_breaks():
    made = ("\tat = (unsigned long)kmap_local_page(page) + (at &", "\t~PAGE_MASK);")
    for before, behind in (((), ()), ((), ("\tf();",)), (("\tf();", ""), ("\tg();",))):
        edit = Edit(0, 2, (*before, *made, *behind))
        assert laid_out(edit, MAPPED, []).lines == (
            *before,
            MAPPED[0].replace("kmap_atomic", "kmap_local_page"),
            MAPPED[1],
            *behind,
        )


def test_a_statement_that_is_changed_otherwise_is_not_laid_out_as_before():
    made = ("\tat = kmap_local_page(page) + off;",)
    assert laid_out(Edit(0, 2, made), MAPPED, []).lines == made


def test_a_sum_that_became_too_long_is_broken_behind_its_last_operator():
    before = "\t\tstart = (unsigned long)kmap_atomic(page + seg_nr) + seg_offset;"
    after = before.replace("kmap_atomic", "kmap_local_page")
    head, rest = after.split(" + seg_o")
    assert laid_out(Edit(0, 1, (after,)), [before], []).lines == (
        f"{head} +",
        f"\t\t\tseg_o{rest}",
    )


LONG = "struct entry *find_entry_of_it(struct dentry *dentry, struct page **its_page)"


@pytest.mark.parametrize(
    "more, broken",
    [(", int n)", 0), (", void **its_pages_address_too)", 2)],
)
def test_a_line_that_was_long_is_broken_when_it_gets_longer_than_checkpatch_allows(
    more, broken
):
    before = f"extern {LONG};"
    after = before.replace(")", more)
    assert 80 < len(before) < 100 and (len(after) > 100) == bool(broken)
    found = laid_out(Edit(0, 1, (after,)), [before], []).lines
    assert len(found) == 1 + broken and max(map(len, found)) <= (80 if broken else 100)


TABS = ["\tone();"] * 30


@pytest.mark.parametrize(
    "beside, wanted",
    [
        (TABS, "\t\tat = kmap_local_page(page);"),
        ([], " " * 16 + "at = kmap_local_page(page);"),
    ],
)
def test_a_changed_line_of_blanks_in_a_file_of_tabs(beside, wanted):
    """checkpatch asks for tabs; in a file of blanks, or of both, blanks stay."""
    old = " " * 16 + "at = kmap_atomic(page);"
    made = (old.replace("kmap_atomic", "kmap_local_page"),)
    assert laid_out(Edit(0, 1, made), [old, *beside], []).lines == (wanted,)


@pytest.mark.parametrize(
    "before, after",
    [
        ("\tat = (char*)kmap(page);", "\tat = (char *)kmap_local_page(page);"),
        ("\tat = (char **)kmap(page);", "\tat = (char **)kmap_local_page(page);"),
        ("\tat = (long*)x + kmap(page);", "\tat = (long*)x + kmap_local_page(page);"),
    ],
)
def test_the_cast_of_a_map_call_has_a_blank_before_its_star(before, after):
    made = (before.replace("kmap(", "kmap_local_page("),)
    assert laid_out(Edit(0, 1, made), [before], []).lines == (after,)
