# SPDX-License-Identifier: GPL-2.0-only
"""The steps of a finding: the lines of the path that leads to it."""

import pytest

from kmaplocal.findings.survey import survey_file
from kmaplocal.tree.spatch import find_spatch

LEAK = """\
int f(struct page *page, int n)
{
	char *v = kmap_local_page(page);
	int err = 0;

	if (n > 4) {
		err = -EINVAL;
		goto out;
	}
	kunmap_local(v);
out:
	return err;
}
"""
USE = """\
int f(struct page *page, int n)
{
	char *v = kmap_local_page(page);

	kunmap_local(v);
	return v[n];
}
"""
ORDER = """\
void f(struct page *a, struct page *b)
{
	char *v = kmap_local_page(a);
	char *w = kmap_local_page(b);

	memcpy(v, w, 8);
	kunmap_local(v);
	kunmap_local(w);
}
"""


@pytest.mark.parametrize(
    "source, line, steps",
    [
        (LEAK, 12, [(3, 12, "mapped here"), (8, 3, "jumps here")]),
        (USE, 6, [(3, 12, "mapped here"), (5, 2, "unmapped here")]),
        (ORDER, 7, [(3, 12, "v is mapped here"), (4, 12, "w is mapped here")]),
    ],
    ids=["leak", "use", "order"],
)
def test_steps_are_those_of_the_path(tmp_path, source, line, steps):
    (tmp_path / "a.c").write_text(source)
    found = survey_file(tmp_path / "a.c", find_spatch()).findings
    (told,) = (f for f in found if f.line == line)
    assert [tuple(step) for step in told.steps] == steps
