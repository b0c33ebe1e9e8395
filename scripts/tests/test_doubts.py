# SPDX-License-Identifier: GPL-2.0-only
"""What keeps a function that no header of today would let a fixture say."""

import pytest

from kmaplocal.certify.analysis import Analysis
from kmaplocal.c.outline import Outline
from kmaplocal.certify.doubts import HEADING, TYPED
from kmaplocal.tree.spatch import find_spatch

SOURCE = """
int second(struct page *page, int *to)
{
	int *v = kmap_atomic(page%s);

	to[0] = v[0];
	to[1] = v[1];
	kunmap_atomic(v%s);
	return 0;
}
"""


@pytest.mark.parametrize("types", [("", ""), (", KM_USER0", ", KM_USER0")])
def test_the_type_of_a_mapping_says_how_old_the_code_is(tmp_path, write, types):
    write(tmp_path / "a.c", SOURCE % types)
    found = Analysis(tmp_path, find_spatch(), 60.0, 1).run(["a.c"])["a.c"]
    (verdict,) = found.verdicts
    assert [d.reason for d in verdict.doubts] == [TYPED, TYPED] * any(types)


SCOPED = """
DEFINE_FREE(unmap, void *, if (_T) kunmap_atomic(_T))

int first(struct page *page)
{
	int *v __free(unmap) = kmap_atomic(page);

	return v[0];
}
"""


def test_an_unmap_where_a_scope_ends_is_left_with_its_map(tmp_path, write):
    write(tmp_path / "a.c", SCOPED)
    found = Analysis(tmp_path, find_spatch(), 60.0, 1).run(["a.c"])["a.c"]
    (verdict,) = (v for v in found.verdicts if v.function == "first")
    assert [d.reason for d in verdict.doubts] == [
        "v is unmapped where its scope ends: __free()"
    ]
    assert [c.failing for c in verdict.certificates] == [None]


HEADED = """
#define for_each_part(t, p) \\
	for ((p) = kmap_local_page((t)->page); (p); kunmap_local(p), (p) = 0)

int second(struct table *t, struct page *page)
{
	int *p, *v = kmap_atomic(page), n = v[0];

	kunmap_atomic(v);
	for_each_part(t, p)
		n += p[0];
	return n;
}
"""


def test_a_head_that_maps_is_left_to_a_person(tmp_path, write):
    write(tmp_path / "a.c", HEADED)
    found = Analysis(tmp_path, find_spatch(), 60.0, 1).run(["a.c"])["a.c"]
    (verdict,) = (v for v in found.verdicts if v.function == "second")
    assert [d.reason for d in verdict.doubts] == [f"for_each_part() {HEADING}"]


@pytest.mark.parametrize(
    "body, heads",
    [
        ("for (i = 0; i < n; i++)", True),
        ("for (i = 0; i < n; i++) if (f(x))", True),
        ("if (!f(x)) {} else", True),
        ("EACH(x) while ((p = f(x)))", True),
        ("if (x) f(x)", False),
        ("for (i = 0; i < n; i++) f(x);", False),
        ("do { f(x); } while (0)", False),
        ("f(x)", False),
    ],
)
def test_whether_a_macro_is_the_head_of_a_statement(body, heads):
    (macro,) = Outline(f"#define M(x, n) {body}\n", ()).macros
    assert macro.heads() is heads


@pytest.mark.parametrize(
    "body, leaves",
    [
        ("do { if (x) return; } while (0)", True),
        ("do { if (x) break; f(x); } while (0)", False),
        ("if (x) { break; }", True),
        ("if (x) continue", True),
        ("switch (x) { case 1: f(); break; }", False),
        ("switch (x) { case 1: continue; }", True),
        ("for (i = 0; i < x; i++) { if (i) continue; }", False),
        ("for (i = 0; i < x; i++) break; { break; }", True),
        ("({ switch (x) { case 1: { y = 1; break; } } y; })", False),
        ("do { f(); } while (0); break", True),
    ],
)
def test_whether_a_macro_may_leave(body, leaves):
    (macro,) = Outline(f"#define X(x) {body}\n", ()).macros
    assert macro.leaves() == leaves


ARGUMENTS = """
int third(struct page **pages, unsigned int at)
{
	int n = 0;

	n += sum(%s, (char *)kmap(pages[at]) + 4);
	kunmap(pages[at]);
	return n;
}
static int sum(int n, char *v)
{
	return n + v[0];
}
"""


@pytest.mark.parametrize(
    "other, verdict",
    [("n", "convert"), ("at++", "keep"), ("step(&at)", "keep"), ("pages++", "keep")],
)
def test_what_is_mapped_before_a_statement_that_may_name_another_page(
    tmp_path, write, other, verdict
):
    write(tmp_path / "a.c", ARGUMENTS % other)
    found = Analysis(tmp_path, find_spatch(), 60.0, 1).run(["a.c"])["a.c"]
    assert [v.verdict for v in found.verdicts] == [verdict]
