# SPDX-License-Identifier: GPL-2.0-only
"""What is too deep in itself is told with its depth, and costs no other function."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from kmaplocal.apply import conversion, outcomes
from kmaplocal.c import lexer, nesting, tags
from kmaplocal.c.outline import Macro, outlines
from kmaplocal.progress import silent
from kmaplocal.tree.spatch import find_spatch
from kmaplocal.tree.target import Target

DEEP = 1500
PLAIN = """
char plain(struct page *page)
{
	char *at = kmap_atomic(page);
	char first = at[0];

	kunmap_atomic(at);
	return first;
}
"""
INSIDE = """
int deep(struct page *page, int x, int *a)
{{
	char *at = kmap_atomic(page);
	{}
	at[0] = x;
	kunmap_atomic(at);
	return x;
}}
"""
KINDS = {
    "parentheses": ("x = ", "(", "x", ")", ";"),
    "on lines": ("x = ", "(\n", "x", ")\n", ";"),
    "not": ("x = ", "!", "x", "", ";"),
    "minus": ("x = ", "- ", "x", "", ";"),
    "pointers": ("x = ", "*", "a", "", ";"),
    "casts": ("x = ", "(long)", "x", "", ";"),
    "otherwise": ("x = ", "x ? 1 : ", "x", "", ";"),
    "if so": ("x = ", "x ? ", "x", " : 1", ";"),
    "sums": ("x = x", " + x", "", "", ";"),
    "assignments": ("", "x = ", "0", "", ";"),
    "subscripts": ("x = ", "a[", "0", "]", ";"),
    "of subscripts": ("x = a", "[0]", "", "", ";"),
    "calls": ("x = ", "f(", "x", ")", ";"),
    "of calls": ("x = f", "(x)", "", "", ";"),
    "members": ("x = a", "->n", "", "", ";"),
    "commas": ("x = (0", ", x", "", "", ");"),
    "sizes": ("x = ", "sizeof ", "x", "", ";"),
    "statements": ("x = ", "({", "x;", "});", ";"),
    "initialisers": ("int z[] = ", "{", "1", "}", ";"),
    "structures": ("", "struct {\n", "int x;", "} y;\n", ""),
    "blocks": ("", "{ ", "x++; ", "} ", ""),
    "if": ("", "if (x)\n", "x++;", "", ""),
    "for": ("", "for (;;)\n", "x++;", "", ""),
    "do": ("", "do ", "x++;", " while (x);", ""),
    "switch": ("", "switch (x) { case 1:\n", "x++;", "}", ""),
    "ladder": ("", "if (x) x++; else ", "x--;", "", ""),
    "cases": ("switch (x) { ", "case 1:\n", "x++;", "", " }"),
}


def nest(kind, times=DEEP):
    begin, opens, middle, closes, end = KINDS[kind]
    return begin + opens * times + middle + closes * times + end


def files(tmp_path, **texts):
    for name, text in texts.items():
        (tmp_path / f"{name}.c").write_text(text)
    return [Path(f"{name}.c") for name in texts]


@pytest.fixture
def convert(tmp_path):
    """convert(**texts): the outcome by name of files of these TEXTS."""

    def run(**texts):
        paths = files(tmp_path, **texts)
        tree = SimpleNamespace(root=tmp_path)
        request = SimpleNamespace(jobs=1, timeout=60.0, target=Target)
        worker = conversion.prepare(tmp_path, paths, find_spatch(), request, silent)
        return {path.stem: outcomes._convert(tree, worker, path) for path in paths}

    return run


def words(text):
    return lexer.words(lexer.tokens(text))


def test_a_deep_function_costs_no_other(convert):
    """All kinds in one run: none of them is given to spatch."""
    kinds = {f"k{n}": kind for n, kind in enumerate(KINDS)}
    done = convert(
        **{name: INSIDE.format(nest(kind)) + PLAIN for name, kind in kinds.items()}
    )
    for name, kind in kinds.items():
        outcome = done[name]
        (lost,) = outcome.unanalysed
        told = f"deep in itself, {nesting.MOST} are the most"
        assert (lost.function, told in lost.reason) == ("deep", True), kind
        assert int(lost.reason.split(" deep")[0].split()[-1]) >= DEEP, kind
        assert outcome.converted == ("plain",), kind


@pytest.mark.parametrize("kind", KINDS)
def test_the_most_is_the_border(kind):
    assert not nesting.too_deep(words(INSIDE.format(nest(kind, nesting.MOST // 5))))
    text = INSIDE.format(nest(kind, nesting.MOST + 1))
    assert nesting.may_exceed(text) and nesting.too_deep(words(text))


@pytest.mark.parametrize(
    "text",
    [
        "f(0" + ", x" * 500 + ");",
        "int z[] = {" + "{ 1, 2 }, " * 500 + "};",
        "x = a + b;\n" * 500,
        "if (x) { x++; } else { x--; }\n" * 500,
        "switch (x) {" + "case 1: x++; break;" * 500 + "}",
        'f("a"' + '\n"b"' * 500 + ");",
        "\n".join(f"#define A{n} (1 << {n})" for n in range(500)),
    ],
)
def test_a_long_text_is_not_deep(text):
    assert nesting.depth(words(text)) < 10


def test_how_deep():
    assert nesting.depth(words("if (a) b = -(c);")) == 4
    assert nesting.depth(words("if (a) x; else if (b) x; else x;")) == 3


@pytest.mark.parametrize(
    "beside",
    [
        "int z[] = " + "{" * DEEP + "1" + "}" * DEEP + ";\n",
        "int z = " + "(" * DEEP + "1" + ")" * DEEP + ";\n",
        "int z = " + "(int)" * DEEP + "1;\n",
        "struct s {\n" + "struct {\n" * DEEP + "int x;\n" + "} y;\n" * DEEP + "};\n",
        "int f(int x) { return " + "(" * DEEP + "x" + ")" * DEEP + "; }\n",
        "int f(int x)\n{\n\treturn " + "(" * DEEP + "x" + ")" * DEEP + ";\n}\n",
        "#define F(x) " + "(" * DEEP + "x" + ")" * DEEP + "\n",
    ],
)
def test_what_is_deep_beside_a_function_is_not_read(tmp_path, beside):
    (name,) = map(str, files(tmp_path, a=beside + PLAIN))
    outline = outlines(tmp_path, [name])[name]
    (span,) = (s for s in outline.functions if s.name == "plain")
    excerpt = outline.excerpt([span])
    assert nesting.depth(words(excerpt)) < nesting.MOST
    assert excerpt.split("\n")[span.line :] == PLAIN.split("\n")[2:]


def test_a_deep_callee_is_not_known(convert):
    helper = "static void fill(char *at, int x)\n{{\n\tat[0] = {}x{};\n}}\n"
    user = PLAIN.replace("at[0];", "0;\n\tfill(at, 1);")
    deep = helper.format("(" * DEEP, ")" * DEEP)
    done = convert(a=deep + user, b=helper.format("(", ")") + user)
    assert [len(done[name].converted) for name in "ab"] == [0, 1]
    assert "fill()" in str(done["a"].kept)


def test_a_deep_macro_is_no_function():
    deep = Macro("M", 1, ("(", "x", ")", *"(" * DEEP, "x", *")" * DEEP))
    assert deep.as_function() == ""
    assert Macro("M", 1, ("(", "x", ")", "(", "x", ")")).as_function()


def test_many_groups_are_told(convert):
    groups = "\n".join(f"#if A{n}\n\tx++;" for n in range(600)) + "\n#endif" * 600
    done = convert(a=INSIDE.format(f"\n{groups}\n") + PLAIN)["a"]
    (lost,) = done.unanalysed
    assert (lost.function, "600 #ifs, 500 are the most" in lost.reason) == (
        "deep",
        True,
    )
    assert done.converted == ("plain",)


def test_the_same_functions_where_ctags_would_lose_its_way(tmp_path):
    (name,) = map(str, files(tmp_path, a=INSIDE.format(nest("on lines")) + PLAIN))
    found = outlines(tmp_path, [name])[name].functions
    lost = tags.functions(tmp_path, [name])
    assert [span.name for span in found] == ["deep", "plain"]
    assert [(tag.name, tag.end) for tag in lost] != [(s.name, s.end) for s in found]
