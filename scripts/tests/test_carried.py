# SPDX-License-Identifier: GPL-2.0-only
"""Pages that functions of a file give each other, with their addresses or not."""

import pytest

from kmaplocal.apply.conversion import convert
from kmaplocal.certify.analysis import Analysis
from kmaplocal.series import message
from kmaplocal.series.account import account
from kmaplocal.tree.spatch import find_spatch

CODE = """\
#include <linux/highmem.h>

static struct page *shelf_get(struct shelf *shelf)
{
	struct page *page = read_shelf(shelf);

	if (!IS_ERR(page))
		kmap(page);
	return page;
}

static void shelf_put(struct page *page)
{
	kunmap(page);
	put_page(page);
}

int shelf_word(struct shelf *shelf)
{
	struct page *page = shelf_get(shelf);
	int word;

	if (IS_ERR(page))
		return 0;
	word = *(int *)page_address(page);
	shelf_put(page);
	return word;
}
"""


INNER = """\
	{
		struct page *page = shelf_get(shelf);

		if (!IS_ERR(page))
			shelf_put(page);
	}
"""


@pytest.fixture
def carried(tmp_path, write):
    """carried(CODE): what is known of CODE, and what becomes of it."""

    def run(code):
        write(tmp_path / "a.c", code)
        file = Analysis(tmp_path, find_spatch(), 60.0, 1).run(["a.c"])["a.c"]
        return file, convert(file, find_spatch(), 60.0)

    return run


def test_the_address_goes_with_the_page(carried):
    _, outcome = carried(CODE)
    after = outcome.after.decode()
    assert "static void shelf_put(struct page *page, void *page_addr)" in after
    assert "\t\t*page_addr = kmap_local_page(page);" in after
    assert "\tstruct page *page = shelf_get(shelf, &page_addr);" in after
    assert "\tshelf_put(page, page_addr);" in after
    assert "page_address" not in after
    assert not outcome.kept and not outcome.unanalysed


def test_a_commit_message_says_so(carried):
    told = message.body([account(*carried(CODE))])
    text = " ".join(told.split())
    assert "shelf_get() and shelf_put() get one more parameter for it" in text


SCOPED = """
int shelf_first(struct page *page)
{
	int word;

	{
		int *words = kmap(page);

		word = words[0];
	}
	shelf_put(page);
	return word;
}
"""


def test_a_variable_of_an_inner_block_is_not_named_outside(carried):
    file, outcome = carried(CODE + SCOPED)
    assert "shelf_put(page, words)" not in outcome.after.decode()
    assert outcome.after == outcome.before


def test_what_goes_wrong_is_told(carried, monkeypatch):
    monkeypatch.setattr("kmaplocal.certify.carried.written", None)
    _, outcome = carried(CODE)
    lost = {lost.function for lost in outcome.unanalysed}
    assert lost == {"shelf_get", "shelf_put"}
    assert outcome.after == outcome.before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("\tshelf_put(page);\n\treturn word", "\treturn word"),  # a leak
        (
            "\tshelf_put(page);\n\treturn word",
            "\tshelf_put(page);\n\treturn word + *(int *)page_address(page)",
        ),
        ("static void shelf_put", "void shelf_put"),  # others may call it
        ("int shelf_word", "#define END(page) shelf_put(page)\n\nint shelf_word"),
        ("int word;", "struct page **at = &page;\n\tint word;"),
        ("\tshelf_put(page);\n", "\tpage = next_page(page);\n\tshelf_put(page);\n"),
        ("\tif (IS_ERR(page))\n\t\treturn 0;\n", ""),  # it may not be mapped
        ("int word;", "void *page_addr = shelf;\n\tint word;"),
        ("\treturn word;", INNER + "\treturn word;"),  # two of one name
        # it may ask page_address(), for all that is known of it
        ("\tshelf_put(page);\n", "\tshow_shelf(page);\n\tshelf_put(page);\n"),
    ],
)
def test_nothing_is_converted_where_it_cannot(carried, before, after):
    assert before in CODE
    code = CODE.replace(before, after)
    _, outcome = carried(code)
    assert outcome.after == outcome.before
    assert {doubt.function for doubt in outcome.kept} >= {"shelf_get", "shelf_put"}


ASKED = """\
static int shelf_size(struct page *page)
{
	int *words = page_address(page);

	return words[0];
}

int shelf_small(struct shelf *shelf)
{
	struct page *page = shelf_get(shelf);
	int size;

	if (IS_ERR(page))
		return 0;
	size = shelf_size(page);
	shelf_put(page);
	return size < 4;
}
"""
LATER = """
static int shelf_drop(struct shelf *shelf, struct page *page)
{
	int word = *(int *)page_address(page);

	shelf_put(page);
	shelf->words--;
	return word;
}

int shelf_both(struct shelf *one, struct shelf *two)
{
	struct page *first, *second;
	int word;

	first = shelf_get(one);
	if (IS_ERR(first))
		return 0;
	second = shelf_get(two);
	if (IS_ERR(second)) {
		shelf_put(first);
		return 0;
	}
	word = shelf_drop(one, first);
	word += *(int *)page_address(second);
	shelf_put(second);
	return word;
}
"""


def test_what_unmaps_too_early_leaves_that_to_its_callers(carried):
    file, outcome = carried(CODE + LATER)
    after = outcome.after.decode()
    assert "\tword = shelf_drop(one, first, first_addr);\n" in after
    ends = "\tshelf_put(second, second_addr);\n\tshelf_put(first, first_addr);\n"
    assert f"{ends}\treturn word;" in after
    assert not outcome.kept and not outcome.unanalysed
    told = " ".join(message.body([account(file, outcome)]).split())
    assert "shelf_drop() ends no mapping of the caller any more" in told


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "\tshelf_put(page);\n\tshelf",
            "\tshelf_put(page);\n\tinvalidate_inode_pages2(shelf->mapping);\n\tshelf",
        ),
        ("static int shelf_drop", "/* Releases the page. */\nstatic int shelf_drop"),
        (
            "\tword = shelf_drop(one, first);",
            "\tif (shelf_drop(one, first))\n\t\tword = 1;",
        ),
        ("\tword += *", "\tif (word)\n\t\tgoto out;\n\tword += *"),
        (
            "\tshelf_put(page);\n\tshelf->words--;",
            "\tif (word) {\n\t\tshelf_put(page);\n\t\treturn;\n\t}\n\tshelf_put(page);",
        ),
        (
            "\tshelf_put(page);\n\tshelf->words--;",
            "\tunlock_page(page);\n\tkunmap(page);\n\tshelf->words--;\n\tpage = 0;",
        ),
        ("\tput_page(page);\n}", "\tunlock_page(page);\n\tput_page(page);\n}"),
        # its page is another one where the function returns
        ("\tword += *", "\tfirst = NULL;\n\tword += *"),
        ("\tword += *", "\tfirst++;\n\tword += *"),
        ("\tword += *", "\tnext_page(&first);\n\tword += *"),
        # it may not be called
        ("\tword = shelf_drop(one, first);", "\tword && shelf_drop(one, first);"),
        (
            "\tword = shelf_drop(one, first);",
            '\tpr_debug("%d", shelf_drop(one, first));',
        ),
        ("\tword = shelf_drop(one, first);", "\tWARN_ON(shelf_drop(one, first));"),
        (
            "\tword = shelf_drop(one, first);",
            "\tshelf_drop(one, first), word = 0;",
        ),
        ("\tword = shelf_drop(one, first);", "\treturn shelf_drop(one, first);"),
        # in a loop
        ("\tfirst = shelf_get(one);", "\tfor (;;) {\n\tfirst = shelf_get(one);"),
        # no unmap is of another function
        (
            "\tshelf_put(second);\n\treturn word",
            "\tshelf_put(second);\n\tshelf_drop(two, second);\n\treturn word",
        ),
    ],
)
def test_an_unmap_stays_where_it_is(carried, before, after):
    code = CODE + LATER
    assert before in code
    code = code.replace(before, after)
    if "for (;;)" in after:
        code = code.replace("(second);\n\treturn word;\n", "(second);\n\t}\n")
    if "goto out" in after:
        code = code.replace(
            "\tshelf_put(second);\n\treturn word;",
            "out:\n\tshelf_put(second);\n\treturn word;",
        )
    _, outcome = carried(code)
    assert outcome.after == outcome.before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("word = shelf_drop(one, first)", "(void)shelf_drop(one, first)"),
        ("word = shelf_drop(one, first)", "shelf_drop(one, first)"),
        ("word = shelf_drop(one, first)", "word = (int)(shelf_drop(one, first))"),
        ("\tshelf_put(second);\n\treturn", "\tshelf_drop(two, second);\n\treturn"),
        ("\tword += *", "\tunlock_page(first);\n\tword += *"),
    ],
)
def test_an_unmap_is_left_to_callers_however_they_call(carried, before, after):
    assert before in LATER
    _, outcome = carried(CODE + LATER.replace(before, after))
    last = "\tshelf_put(second, second_addr);\n\tshelf_put(first, first_addr);\n"
    assert f"{last}\treturn word;" in outcome.after.decode()


@pytest.mark.parametrize("page", ["", "p", "page"])
def test_a_declaration_has_the_parameter_whatever_it_names(carried, page):
    head = f"static void shelf_put(struct page *{page}"
    first = "static struct page *shelf_get"
    _, outcome = carried(CODE.replace(first, f"{head});\n\n{first}", 1))
    assert f"{head}, void *page_addr);" in outcome.after.decode()
    assert not outcome.kept and not outcome.unanalysed


def test_a_function_declared_in_two_ways_is_kept(carried):
    head = "static void shelf_put(struct page *);\n"
    heads = head + head.replace("*)", "*page)")
    _, outcome = carried(CODE.replace("static struct", f"{heads}\nstatic struct", 1))
    assert outcome.after == outcome.before
    assert outcome.kept and not outcome.unanalysed


def test_a_caller_unmaps_by_no_function_that_comes_later(carried):
    drop, both = LATER.split("\nint shelf_both")
    get, put = CODE.split("static void shelf_put")
    both = both.replace("shelf_put(first)", "shelf_drop(one, first)")
    both = both.replace("shelf_put(second)", "shelf_drop(two, second)")
    head = "static int shelf_drop(struct shelf *, struct page *);\n\nint shelf_both"
    ends = "\tkunmap_local(first_addr);\n\tput_page(first);\n\treturn word;"
    _, outcome = carried(f"{get}{head}{both}\nstatic void shelf_put{put}{drop}")
    assert ends in outcome.after.decode()


CROSSED = LATER.replace("shelf_drop(one, first)", "0").replace(
    "\tshelf_put(second);\n\treturn word;",
    "\tshelf_put(first);\n\tshelf_put(second);\n\treturn word;",
)
FOUND = """
static int *shelf_find(struct shelf *shelf, struct page **out)
{
	struct page *page = shelf_get(shelf);

	if (IS_ERR(page))
		return ERR_CAST(page);
	*out = page;
	return page_address(page);
}

int shelf_take(struct shelf *shelf)
{
	struct page *page;
	int *word = shelf_find(shelf, &page);
	int taken = *word;

	shelf_put(page);
	return taken;
}
"""


@pytest.mark.parametrize("more", [CROSSED, FOUND])
def test_what_is_not_in_order_is_kept(carried, more):
    _, outcome = carried(CODE + more)
    assert outcome.after == outcome.before
    assert {doubt.function for doubt in outcome.kept} >= {"shelf_get", "shelf_put"}


EARLY = """
int shelf_early(struct page *page)
{
	int size = 0;

	if (PageDirty(page))
		size = shelf_size(page);
	kmap(page);
	shelf_put(page);
	return size;
}
"""
OTHER = """
int page_size_of(struct page *page)
{
	return shelf_size(page);
}
"""


def test_who_only_asks_gets_the_address(carried):
    _, outcome = carried(CODE + ASKED)
    after = outcome.after.decode()
    assert "static int shelf_size(struct page *page, void *page_addr)" in after
    assert "\tsize = shelf_size(page, page_addr);" in after
    assert "page_address" not in after
    assert not outcome.kept and not outcome.unanalysed


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("int shelf_small", EARLY + "\nint shelf_small"),  # of what is not mapped yet
        (  # ... or not any more
            "\tsize = shelf_size(page);\n\tshelf_put(page);\n",
            "\tshelf_put(page);\n\tsize = shelf_size(page);\n",
        ),
        ("static int shelf_size", "int shelf_size"),  # others may call it
        ("\treturn words[0]", "\tlast = words;\n\treturn words[0]"),
        ("\treturn words[0]", "\tpage = next_page(page);\n\treturn words[0]"),
        ("\treturn words[0]", "\treturn words[0] ?: shelf_size(page)"),
        ("int shelf_small", OTHER + "\nint shelf_small"),  # of an unknown page
        (
            "int shelf_small",
            "int (*size)(struct page *) = shelf_size;\nint shelf_small",
        ),
        ("int shelf_small", "#define SIZE(p) shelf_size(p)\nint shelf_small"),
        ("int shelf_small", "EXPORT_SYMBOL(shelf_size);\nint shelf_small"),
        (
            "\treturn words[0];",
            "#ifdef A\n\tput_page(page);\n#endif\n\treturn words[0];",
        ),
    ],
)
def test_who_only_asks_may_be_in_the_way(carried, before, after):
    code = CODE + ASKED
    assert before in code
    code = code.replace(before, after)
    _, outcome = carried(code)
    assert outcome.after == outcome.before
    assert {doubt.function for doubt in outcome.kept} >= {"shelf_get", "shelf_put"}
