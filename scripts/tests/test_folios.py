# SPDX-License-Identifier: GPL-2.0-only
"""Pages that are named by their folio, where the kernel has calls for folios or not."""

import pytest

from kmaplocal.apply.conversion import convert
from kmaplocal.apply.plan import make_plan
from kmaplocal.certify.analysis import Analysis
from kmaplocal.series.account import account
from kmaplocal.tree.definitions import Definitions
from kmaplocal.tree.spatch import find_spatch

CODE = """\
void save(struct folio *folio, const char *name)
{
	char *p = kmap_atomic(&folio->page);

	memcpy(p, name, 32);
	kunmap_atomic(p);
}

int word(struct folio *folio)
{
	int *p = kmap_atomic(folio_page(folio, 2));
	int word = p[0];

	kunmap_atomic(p);
	return word;
}
"""
PAGES = "kmap_local_page kunmap_local memcpy_to_page"


@pytest.fixture
def analysed(tmp_path, write):
    """analysed(HELPERS): what is known of CODE, where highmem.h has HELPERS."""

    def run(helpers):
        declared = "".join(f"void {name}(void);\n" for name in helpers.split())
        write(tmp_path / "Makefile", "VERSION = 7\nPATCHLEVEL = 2\n")
        write(tmp_path / "Kconfig", "")
        write(tmp_path / "include/linux/highmem.h", declared)
        write(tmp_path / "fs/a.c", CODE)
        analysis = Analysis(tmp_path, find_spatch(), 60.0, 1, Definitions(tmp_path))
        return analysis.run(["fs/a.c"])["fs/a.c"]

    return run


@pytest.fixture
def texts(analysed):
    """texts(HELPERS): what the plan for CODE puts in, where highmem.h has HELPERS."""

    def run(helpers):
        edits = make_plan(analysed(helpers)).edits.values()
        return {edit.get("first") or edit.get("name") for edit in edits}

    return run


def test_calls_for_folios_where_there_are(texts):
    found = texts(f"{PAGES} kmap_local_folio memcpy_to_folio")
    assert "memcpy_to_folio(folio, 0, name, 32)" in found
    assert "kmap_local_folio(folio, 2 * PAGE_SIZE)" in found


def test_calls_for_pages_where_there_are_no_others(texts):
    found = texts(PAGES)
    assert "memcpy_to_page(&folio->page, 0, name, 32)" in found
    assert "kmap_local_page" in found
    assert not any("_folio(" in (text or "") for text in found)


def test_a_commit_message_names_them(analysed):
    file = analysed(f"{PAGES} kmap_local_folio memcpy_to_folio")
    found = account(file, convert(file, find_spatch(), 60.0))
    new = [m.new for function in found.functions for m in function.mappings]
    assert new == ["memcpy_to_folio", "kmap_local_folio"]
