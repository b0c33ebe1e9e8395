# SPDX-License-Identifier: GPL-2.0-only
"""What is too deep, or too much, is told with how much, and costs no other function."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from kmaplocal.apply import conversion, outcomes
from kmaplocal.c import lexer, limits, nesting, tags
from kmaplocal.c.outline import Macro, Outline, Span, outlines
from kmaplocal.progress import silent
from kmaplocal.tree.spatch import Spatch, SpatchRun, find_spatch
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
int {name}(struct page *page, int x, int *a)
{{
	char *at = kmap_atomic(page);
	{body}
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
    "selections": ("x = ", "_Generic(x, int: ", "x", ")", ";"),
    "types": ("", "typeof(", "x", ")", " y;"),
    "attributes": ("int y __attribute__(", "(", "aligned", ")", ");"),
    "cases": ("switch (x) { ", "case 1:\n", "x++;", "", " }"),
}


def nest(kind, times=DEEP):
    begin, opens, middle, closes, end = KINDS[kind]
    return begin + opens * times + middle + closes * times + end


def files(tmp_path, **texts):
    for name, text in texts.items():
        (tmp_path / f"{name}.c").write_text(text)
    return [Path(f"{name}.c") for name in texts]


def inside(body, name="deep"):
    return INSIDE.format(name=name, body=body)


@pytest.fixture
def convert(tmp_path):
    """convert(spatch, **texts): the outcome by name of files of these TEXTS."""

    def run(spatch=None, **texts):
        paths = files(tmp_path, **texts)
        tree = SimpleNamespace(root=tmp_path)
        request = SimpleNamespace(jobs=1, timeout=60.0, target=Target)
        spatch = spatch or find_spatch()
        worker = conversion.prepare(tmp_path, paths, spatch, request, silent)
        return {path.stem: outcomes._convert(tree, worker, path) for path in paths}

    return run


def words(text):
    return lexer.words(lexer.tokens(text))


def test_a_deep_function_costs_no_other(convert):
    """All kinds in one file: none of them is given to spatch."""
    kinds = {f"k{n}": kind for n, kind in enumerate(KINDS)}
    text = "".join(inside(nest(kind), name) for name, kind in kinds.items())
    outcome = convert(a=text + PLAIN)["a"]
    told = f"deep in itself, {nesting.MOST} are the most"
    assert [lost.function for lost in outcome.unanalysed] == list(kinds)
    for lost in outcome.unanalysed:
        kind = kinds[lost.function]
        assert told in lost.reason, kind
        assert int(lost.reason.split(" deep")[0].split()[-1]) >= DEEP, kind
    assert outcome.converted == ("plain",)


@pytest.mark.parametrize("kind", KINDS)
def test_the_most_is_the_border(kind):
    assert not nesting.too_deep(words(inside(nest(kind, nesting.MOST // 5))))
    text = inside(nest(kind, nesting.MOST + 1))
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
        'char *z = "' + "x" * (limits.MOST_CHARACTERS + 1) + '";\n',
        "#define F(x) " + "(" * DEEP + "x" + ")" * DEEP + "\n",
    ],
    ids=lambda text: text[:12].strip(),
)
def test_what_is_deep_beside_a_function_is_not_read(tmp_path, beside):
    (name,) = map(str, files(tmp_path, a=beside + PLAIN))
    outline = outlines(tmp_path, [name])[name]
    (span,) = (s for s in outline.functions if s.name == "plain")
    excerpt = outline.excerpt([span])
    assert nesting.depth(words(excerpt)) < nesting.MOST
    assert limits.longest_line(excerpt) < limits.MOST_CHARACTERS
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


def arms(count):
    return "\n#if A\n" + "#elif B\n\tx++;\n" * (count - 1) + "#endif\n"


def groups(count):
    return "\n" + "#if A\n\tx++;\n" * count + "#endif\n" * count


def gotos(count):
    jumps = (f"l{n}: if (x) goto l{n * 7 % count};\n" for n in range(count // 2))
    return "".join(jumps)


def line(count):
    begin = '\tf("", "'
    return "\n" + begin + "x" * (count - len(begin) - 3) + '");\n'


MUCH = {
    "arms of #ifs": (arms, limits.MOST_ARMS),
    "arms of": (groups, limits.MOST_ARMS),
    "branches": (gotos, limits.MOST_BRANCHES),
    "characters": (line, limits.MOST_CHARACTERS),
}


@pytest.mark.parametrize("what", MUCH)
def test_how_much_is_read(what):
    make, most = MUCH[what]
    for count, told in ((most, ""), (most + 2, f"{most + 2} {what}")):
        text = inside(make(count))
        function = Span("deep", 2, text.count("\n"))
        why = Outline(text, [function]).unreadable(function)
        assert (told in why) if told else not why


def test_too_much_costs_no_other_function(convert):
    """Ten thousand of each, in one file; what spatch reads fast is converted."""
    many = 10_000
    given = ", ".join(f"int x{n}" for n in range(many))
    told = {
        "arms": inside(arms(many), "arms"),
        "gotos": inside(gotos(many), "gotos"),
        "token": inside("x" * 1_000_000 + " = 1;", "token"),
        "given": inside("x++;", "given").replace("int *a", given),
    }
    read = {
        "comments": inside("x++; " + "/* " * 1000 + "*/", "comments"),
        "continued": inside("x = x" + " \\\n" * 1000 + " + 1;", "continued"),
    }
    outcome = convert(a="".join({**told, **read}.values()) + PLAIN)["a"]
    assert [lost.function for lost in outcome.unanalysed] == list(told)
    assert all("are the most" in lost.reason for lost in outcome.unanalysed)
    assert outcome.converted == (*read, "plain")


class Slow(Spatch):
    """A spatch that takes too long for files with `slow` in them."""

    def run(self, cocci, file, *, timeout, **given):
        reads = "-o" not in given.get("options", ())
        if reads == self.reading and "slow" in file.read_text():
            self.taken.append(timeout)
            failures = (f"spatch took longer than {timeout:g} seconds",)
            return SpatchRun("", "", failures, ())
        return super().run(cocci, file, timeout=timeout, **given)

    def run_each(self, cocci, files, **given):
        return [self.run(cocci, file, **given) for file in files]


@pytest.fixture(params=[True, False], ids=["reading", "changing"])
def slow(request):
    found = find_spatch()
    spatch = Slow(found.program, found.version)
    vars(spatch).update(reading=request.param, taken=[])
    return spatch


def test_what_takes_too_long_is_asked_for_once_more_without_the_others(convert, slow):
    other = PLAIN.replace("plain", "other")
    text = PLAIN + inside("slow++;") + other
    outcome = convert(slow, a=text)["a"]
    assert sorted(outcome.converted) == ["other", "plain"]
    (lost,) = outcome.unanalysed
    assert (lost.function, lost.reason.endswith("longer than 15 seconds")) == (
        "deep",
        True,
    )
    assert slow.taken == [60.0, 15.0]


def test_what_takes_too_long_alone_is_asked_for_once(convert, slow):
    body = (
        "\n#ifdef A\n\tslow++;\n#else\n\tslow--;\n#endif\n"
        if slow.reading
        else "slow++;"
    )
    (lost,) = convert(slow, a=inside(body))["a"].unanalysed
    assert lost.reason.endswith("longer than 60 seconds")
    assert slow.taken == [60.0]


def test_the_same_functions_where_ctags_would_lose_its_way(tmp_path):
    (name,) = map(str, files(tmp_path, a=inside(nest("on lines")) + PLAIN))
    found = outlines(tmp_path, [name])[name].functions
    lost = tags.functions(tmp_path, [name])
    assert [span.name for span in found] == ["deep", "plain"]
    assert [(tag.name, tag.end) for tag in lost] != [(s.name, s.end) for s in found]
