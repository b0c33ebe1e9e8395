# SPDX-License-Identifier: GPL-2.0-only
"""assembly.py: what gcc writes for the same code is the same, and only that."""

import subprocess

import pytest

from kmaplocal.prove import assembly

SOURCE = """
extern int printk(const char *format, ...);
extern void use(const void *);
int table[3] = { 1, 2, 3 };
static const char *name(int n)
{
	static int calls = 4;
	return calls++ + n ? "one" : "other";
}
int f(int n)
{
	static int calls = 5;
	for (int i = 0; i < n; i++)
		use(name(i + calls++));
	return n ? printk("n is # %d\\n", n) : table[1];
}
int g(int n)
{
	while (n--)
		use("text");
	return 0;
}
"""


@pytest.fixture(scope="module")
def compiled():
    """compiled(source): its assembly, read."""

    def run(source, *options):
        command = ["gcc", "-O2", "-S", "-fverbose-asm", "-fno-inline", *options]
        done = subprocess.run(
            [*command, "-x", "c", "-o", "-", "-"],
            input=source,
            text=True,
            capture_output=True,
            check=True,
        )
        return assembly.read(done.stdout)

    return run


@pytest.fixture(scope="module")
def names(compiled):
    """names(before, after): what differs between the two sources."""

    def differ(before, after):
        return [d.name for d in assembly.compare(compiled(before), compiled(after))]

    return differ


def test_all_functions_and_data_are_found(compiled):
    found = compiled(SOURCE)
    assert {"f", "g", "name"} <= set(found.functions)
    assert "table" in found.data
    assert len(found.data["calls.#"]) == 2


def test_the_same_is_the_same(names):
    assert names(SOURCE, SOURCE) == []


def test_numbers_of_labels_strings_and_statics_do_not_matter(names):
    """A new function in front shifts all of them."""
    more = "static int new(int n) { static int calls; return n ? calls++ : n; }\n"
    more += 'int h(int n) { while (n--) printk("new %d", new(n)); return 0; }\n'
    found = names(SOURCE, SOURCE.replace("int f(", more + "int f("))
    assert set(found) == {"new", "h", "calls.# (data)"}


def test_comments_and_lines_do_not_matter(names):
    assert names(SOURCE, "\n\n/* moved */\n" + SOURCE) == []


@pytest.mark.parametrize(
    "old, new, function",
    [
        ("i < n", "i <= n", "f"),
        ("n is # %d", "n is # %x", "f"),
        ('use("text")', 'use("test")', "g"),
        ("table[1]", "table[2]", "f"),
        ('"one" : "other"', '"other" : "one"', "name"),
        ("while (n--)", "while (--n)", "g"),
    ],
)
def test_a_change_shows_in_its_function_alone(names, old, new, function):
    assert names(SOURCE, SOURCE.replace(old, new)) == [function]


def test_a_change_of_data_shows(names):
    assert names(SOURCE, SOURCE.replace("{ 1, 2, 3 }", "{ 1, 2, 4 }")) == [
        "table (data)"
    ]


def test_a_function_that_is_gone_shows(names):
    gone = SOURCE[: SOURCE.index("int g(")]
    assert "g" in names(SOURCE, gone)
    assert "g" in names(gone, SOURCE)


def test_which_of_two_labels_matters():
    """The same labels in another order are another code."""
    text = "\t.type\tf, @function\nf:\n\tjmp .L{0}\n.L{1}:\n.L{2}:\n\t.size\tf, .-f\n"
    one, other, same = (
        assembly.read(text.format(*labels))
        for labels in ((1, 1, 2), (1, 2, 1), (8, 8, 7))
    )
    assert assembly.compare(one, same) == []
    assert [d.name for d in assembly.compare(one, other)] == ["f"]


def test_line_of_a_warning_is_left_out():
    text = "\t.type\tf, @function\nf:\n\tud2\n\t.word {} # bug_entry::line\n"
    text += "\t.size\tf, .-f\n"
    before, after = (assembly.read(text.format(line)) for line in (12, 13))
    assert assembly.compare(before, after) == []
    assert before.functions["f"] == ["\tud2"]


def test_both_are_shown(compiled):
    changed = compiled(SOURCE.replace("while (n--)", "while (--n)"))
    (difference,) = assembly.compare(compiled(SOURCE), changed)
    lines = difference.diff().splitlines()
    assert lines[:2] == ["--- before/g", "+++ after/g"]
    assert any(line.startswith("-\t") for line in lines)
