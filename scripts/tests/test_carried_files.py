# SPDX-License-Identifier: GPL-2.0-only
"""Pages that functions of several files give each other, with their addresses."""


import pytest

from kmaplocal.commands.apply import Request, _convert_tree
from kmaplocal.apply.conversion import prepare
from kmaplocal.console import Console
from kmaplocal.errors import ReplaceFailed
from kmaplocal.tree.kernel import Tree

MAPS = """\
#include <linux/highmem.h>
#include "shelf.h"

/**
 * shelf_get - map a page of a shelf
 * @shelf: the shelf
 *
 * Returns: the page, or an error.
 */
struct page *shelf_get(struct shelf *shelf)
{
	struct page *page = read_shelf(shelf);

	if (!IS_ERR(page))
		kmap(page);
	return page;
}

void shelf_put(struct page *page)
{
	kunmap(page);
	put_page(page);
}
"""
HEADER = """\
struct page *shelf_get(struct shelf *);
void shelf_put(struct page *page);
"""
USER = """\
#include "shelf.h"

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
FILES = {"maps.c": MAPS, "shelf.h": HEADER, "user.c": USER}


@pytest.fixture
def apply(tmp_path, write):
    """apply(FILES, names): what becomes of each of FILES where NAMES are named; CHANGED
    are written instead, and a DRY run writes nothing."""
    root = tmp_path / "linux"
    write(root / "Makefile", "VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 0\n")
    write(root / "Kconfig", "")
    write(root / "include/linux/highmem.h", "")

    def run(names=("fs/shelf",), dry=True, mode=0o644, **changed):
        told = FILES | {name.replace("_", "."): text for name, text in changed.items()}
        for name, text in told.items():
            write(root / "fs/shelf" / name, text, mode)
        request = Request(root, tuple(names), dry_run=dry)
        outcomes = _convert_tree(Tree(root), request, Console(), prepare)
        return {outcome.path.name: outcome for outcome in outcomes}

    run.root = root
    return run


def same(done):
    return all(outcome.after == outcome.before for outcome in done.values())


def test_all_files_are_changed_together(apply):
    done = apply()
    after = {name: outcome.after.decode() for name, outcome in done.items()}
    assert "*page_addr = kmap_local_page(page);" in after["maps.c"]
    assert (
        "struct page *shelf_get(struct shelf *, void **page_addr);" in after["shelf.h"]
    )
    assert "void shelf_put(struct page *page, void *page_addr);" in after["shelf.h"]
    assert "shelf_put(page, page_addr);" in after["user.c"]
    assert "page_address" not in after["user.c"]
    assert not any(outcome.kept or outcome.unanalysed for outcome in done.values())


def test_kernel_doc_describes_the_parameter(apply):
    after = apply()["maps.c"].after.decode()
    assert (
        " * @shelf: the shelf\n"
        " * @page_addr: filled with the address the page is mapped at\n *\n"
    ) in after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "extern struct page *\t\tshelf_get(struct shelf *, unsigned long nr);",
            "extern struct page\t\t*shelf_get(struct shelf *, unsigned long nr,\n"
            "\t\t\t\t\t   void **page_addr);",
        ),
        (
            "struct page * shelf_get(struct shelf *);",
            "struct page *shelf_get(struct shelf *, void **page_addr);",
        ),
        (
            "struct page\t\t*shelf_get(struct shelf *);",
            "struct page\t\t*shelf_get(struct shelf *, void **page_addr);",
        ),
    ],
)
def test_a_declaration_that_changes_is_laid_out(apply, before, after):
    told = HEADER.replace("struct page *shelf_get(struct shelf *);", before)
    done = apply(shelf_h=told)
    assert after in done["shelf.h"].after.decode()


def test_it_is_written(apply):
    apply(dry=False)
    text = (apply.root / "fs/shelf/user.c").read_text()
    assert "shelf_get(shelf, &page_addr)" in text
    text = (apply.root / "fs/shelf/shelf.h").read_text()
    assert text.count("page_addr") == 2


def test_a_file_that_may_not_be_written_keeps_all(apply):
    with pytest.raises(ReplaceFailed, match="shelf.h|user.c|maps.c"):
        apply(dry=False, mode=0o444)
    assert (apply.root / "fs/shelf/maps.c").read_text() == MAPS


@pytest.mark.parametrize(
    "names", [["fs/shelf/maps.c"], ["fs/shelf/maps.c", "fs/shelf/user.c"]]
)
def test_all_files_have_to_be_named(apply, names):
    done = apply(names)
    assert same(done)
    reasons = {doubt.reason for doubt in done["maps.c"].kept}
    why = "fs/shelf/maps.c, fs/shelf/shelf.h, fs/shelf/user.c: name all of these files"
    assert any(reason.endswith(why) for reason in reasons)


def test_naming_them_all_will_do(apply):
    done = apply([f"fs/shelf/{name}" for name in FILES])
    assert not same(done)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("maps_c", "void shelf_put", "EXPORT_SYMBOL(shelf_get);\nvoid shelf_put"),
        ("user_c", "int shelf_word", "#define END(p) shelf_put(p)\nint shelf_word"),
        ("user_c", "int shelf_word", "void (*end)(struct page *) = shelf_put;\nint sh"),
        ("user_c", "\tshelf_put(page);\n", ""),
        ("user_c", "\tif (IS_ERR(page))\n\t\treturn 0;\n", ""),
        ("user_c", "\tint word;", "\tint word;\n\tshow_shelf(page);"),
        (
            "shelf_h",
            "void shelf_put(struct page *page);",
            "#define shelf_put(p) put(p)",
        ),
    ],
)
def test_nothing_is_changed_where_one_cannot(apply, name, before, after):
    text = FILES[name.replace("_", ".")]
    assert before in text
    done = apply(**{name: text.replace(before, after, 1)})
    assert same(done)
    kept = {doubt.function for doubt in done["maps.c"].kept}
    assert kept >= {"shelf_get", "shelf_put"}


def test_another_function_of_the_name_keeps_it(apply, write):
    write(apply.root / "fs/other.c", "void shelf_put(struct page *page)\n{\n}\n")
    assert same(apply())


def test_a_static_namesake_is_another(apply, write):
    other = "static void shelf_put(struct page *page)\n{\n}\n"
    write(apply.root / "fs/other.c", other)
    done = apply()
    assert not same(done) and "other.c" not in done


def test_an_if_that_hides_none_of_it(apply):
    hidden = "#ifdef DEBUG\n\tpr_info();\n#endif\n\tshelf_put(page);"
    done = apply(user_c=USER.replace("\tshelf_put(page);", hidden))
    assert not same(done)
    hidden = "#ifdef DEBUG\n\tif (!word)\n\t\treturn 1;\n#endif\n\tshelf_put(page);"
    done = apply(user_c=USER.replace("\tshelf_put(page);", hidden))
    assert same(done)


DROPS = """
int shelf_drop(struct shelf *shelf, struct page *page)
{
	int word = *(int *)page_address(page);

	shelf_put(page);
	shelf->words--;
	return word;
}
"""
BOTH = """\
#include "shelf.h"

int shelf_both(struct shelf *one, struct shelf *two)
{
	struct page *first, *second;
	int word;

	first = shelf_get(one);
	if (IS_ERR(first))
		return 0;
	second = shelf_get(two);
	if (IS_ERR(second)) {
		shelf_drop(one, first);
		return 0;
	}
	word = shelf_drop(one, first);
	shelf_drop(two, second);
	return word;
}
"""
UNMAPS = """
void shelf_clear(struct page *page)
{
	clear_page(kmap(page));
	kunmap(page);
	put_page(page);
}
"""


def test_callers_unmap_by_what_is_declared_to_them(apply):
    header = HEADER.replace(
        "put(struct page *page)", "drop(struct shelf *, struct page *)"
    )
    header = header.replace("void", "int")
    files = {"maps_c": MAPS + DROPS, "shelf_h": header}
    assert same(apply(**files, user_c=BOTH))  # there may be no kunmap_local() at all
    after = apply(**files, user_c=BOTH + UNMAPS)["user.c"].after.decode()
    ends = "\tkunmap_local(first_addr);\n\tput_page(first);\n\treturn word;"
    assert ends in after
    files["shelf_h"] += "void shelf_put(struct page *page);\n"
    assert same(apply(**files, user_c=BOTH))
    word = USER.partition("\n\n")[2]
    after = apply(**files, user_c=BOTH.replace("\nint", f"\n{word}\nint"))["user.c"]
    assert "\tshelf_put(first, first_addr);\n\treturn word;" in after.after.decode()


def test_a_caller_in_a_header_is_changed(apply):
    inline = USER.partition("\n")[2].replace("int shelf_word", "static inline int word")
    done = apply(shelf_h=HEADER + inline, user_c='#include "shelf.h"\n')
    after = done["shelf.h"].after.decode()
    assert "\tshelf_put(page, page_addr);" in after
    assert "\tstruct page *page = shelf_get(shelf, &page_addr);" in after
