# SPDX-License-Identifier: GPL-2.0-only
"""What spatch is given to read in the place of what it does not."""

import pytest

from kmaplocal.c.inner import spoken
from kmaplocal.findings.survey import survey_file
from kmaplocal.tree.spatch import find_spatch
from kmaplocal.c.labels import closed


@pytest.mark.parametrize(
    "text, read",
    [
        ("f(a, ({ g(b); }));", "f(a, (  g(b)   ));"),
        ("f(({ g(b); c = 1; }), d);", "f((  g(b), c = 1   ), d);"),
        ("f(a, ({\n\tg(b);\n}));", "f(a, ( \n\tg(b) \n ));"),
    ],
)
def test_statement_expression_becomes_a_comma_expression(text, read):
    assert spoken(text) == read
    assert len(read) == len(text)


@pytest.mark.parametrize(
    "text",
    [
        "x = ({ g(b); });",  # no argument: spatch reads it
        "f(a, ({ int n = 1; g(n); }));",
        "f(a, ({ if (a) g(b); }));",
        "f(a, ({ return g(b); }));",
        "f(a, ({ { g(b); } }));",
        "f(a, ({ p = kmap(page); }));",
        "f(a, ({ g(b) }));",
        "f(a, ({ }));",
        "f(a, ({ struct s t; }));",
        "f(a, ({ g(b);",
    ],
)
def test_what_is_no_list_of_expressions_stays(text):
    assert spoken(text) == text


def test_label_before_a_condition_gets_a_statement():
    text = "{\n\tf();\nout: \n\t/* why */\n#ifdef A\n\tg();\n#endif\n}"
    assert closed(text) == text.replace("out: ", "out:; ")


@pytest.mark.parametrize(
    "text",
    [
        "{\nout:\n\tf();\n#ifdef A\n#endif\n}",
        "{\n\tx = a ? b\n:\n#ifdef A\n\tc;\n#endif\n}",
        "{\nout:\n#define A\n\tf();\n}",
        "/*\nout:\n*/\n#ifdef A\n#endif",
        "{ out:",
    ],
)
def test_other_text_stays(text):
    assert closed(text) == text


CLOCK = """\
void clock(struct page *page, int n)
{
	if (n)
		goto set;
	memcpy_to_page(page, 0, old, 64);
set:
#ifdef CONFIG_A
	if (n)
		tick(n);
#endif

	/*
	 * The way it was set() before.
	 */
	old = x86_init.timers.setup;
	n = 6;
#ifdef CONFIG_B
	if (n)
		x86_init.irqs.create = tick;
#endif
	n = 7;
}
"""


def test_function_with_such_a_label_is_read(tmp_path):
    file = tmp_path / "clock.c"
    file.write_text(f"#include <linux/highmem.h>\n{CLOCK}")
    assert survey_file(file, find_spatch()).lost == []
