# SPDX-License-Identifier: GPL-2.0-only
"""Pages named by their bio_vec, where the kernel has calls for these or none."""

import pytest

from kmaplocal.apply.conversion import convert
from kmaplocal.apply.plan import make_plan
from kmaplocal.certify.analysis import Analysis
from kmaplocal.series.account import account
from kmaplocal.tree.definitions import Definitions
from kmaplocal.tree.spatch import find_spatch

CODE = """\
void save(struct bio *bio, char *to)
{
	struct bvec_iter iter;
	struct bio_vec bv;

	bio_for_each_segment(bv, bio, iter) {
		char *p = kmap_atomic(bv.bv_page);

		memcpy(to, p + bv.bv_offset, bv.bv_len);
		kunmap_atomic(p);
	}
}

int first(struct bio *bio)
{
	struct bvec_iter iter;
	struct bio_vec bv;
	int byte = 0;

	bio_for_each_segment(bv, bio, iter) {
		char *p = kmap_atomic(bv.bv_page) + bv.bv_offset;

		byte += p[0];
		kunmap_atomic(p);
	}
	return byte;
}
"""
PAGES = "kmap_local_page kunmap_local memcpy_from_page"
VECTORS = "bvec_kmap_local memcpy_from_bvec"


@pytest.fixture
def analysed(tmp_path, write):
    """analysed(CALLS, CODE): what is known of CODE, where bvec.h has CALLS."""

    def run(calls, code=CODE):
        for header, names in (("highmem", PAGES), ("bvec", calls)):
            declared = "".join(f"void {name}(void);\n" for name in names.split())
            write(tmp_path / f"include/linux/{header}.h", declared)
        write(tmp_path / "Makefile", "VERSION = 6\nPATCHLEVEL = 1\n")
        write(tmp_path / "Kconfig", "")
        write(tmp_path / "fs/a.c", code)
        analysis = Analysis(tmp_path, find_spatch(), 60.0, 1, Definitions(tmp_path))
        return analysis.run(["fs/a.c"])["fs/a.c"]

    return run


def _texts(file):
    edits = make_plan(file).edits.values()
    return {edit.get("first") or edit.get("name") for edit in edits}


def test_calls_for_bio_vecs_where_there_are(analysed):
    found = _texts(analysed(VECTORS))
    assert {"memcpy_from_bvec(to, &bv)", "bvec_kmap_local(&bv)"} <= found


def test_calls_for_pages_where_there_are_no_others(analysed):
    found = _texts(analysed(""))
    assert "memcpy_from_page(to, bv.bv_page, bv.bv_offset, bv.bv_len)" in found
    assert "kmap_local_page" in found


def test_an_iterator_of_the_file_itself_may_cut_nothing(analysed):
    own = "#define bio_for_each_segment(bv, bio, iter) while (next(&bv, bio, &iter))\n"
    found = _texts(analysed(VECTORS, own + CODE))
    assert not any("bvec" in (text or "") for text in found)


def test_a_commit_message_names_them(analysed):
    file = analysed(VECTORS)
    found = account(file, convert(file, find_spatch(), 60.0))
    new = [m.new for function in found.functions for m in function.mappings]
    assert new == ["memcpy_from_bvec", "bvec_kmap_local"]
