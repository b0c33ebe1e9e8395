# SPDX-License-Identifier: GPL-2.0-only
"""The lexer: what is a token, what is not, and where it stands."""

import re

import pytest

from kmaplocal.c.lexer import Token, comments, tokens, words
from kmaplocal.c.lines import Lines


def texts(source):
    return words(tokens(source))


@pytest.mark.parametrize(
    "source, expected",
    [
        ("a/**/b", ["a", "b"]),
        ("a // kmap(page)\nb", ["a", "b"]),
        ("a // one \\\n two\nb", ["a", "b"]),
        ("a /* /* // */ b", ["a", "b"]),
        ("a / b /*", ["a", "/", "b"]),
        ('f("/* no */", "//")', ["f", "(", '"/* no */"', ",", '"//"', ")"]),
        (r'"a\"b" c', [r'"a\"b"', "c"]),
        (r"'\'' '\\' '\"'", [r"'\''", r"'\\'", r"'\"'"]),
        ("'\"' a '\"'", ["'\"'", "a", "'\"'"]),
        ('L"x" u8"y" U\'z\'', ['L"x"', 'u8"y"', "U'z'"]),
        ("p->q.r...", ["p", "->", "q", ".", "r", "..."]),
        ("a<<=b>>=c<<d", ["a", "<<=", "b", ">>=", "c", "<<", "d"]),
        ("a+++b---c", ["a", "++", "+", "b", "--", "-", "c"]),
        ("x##y", ["x", "##", "y"]),
        (
            "1.5e+3f 0x1p-2 .5 1UL 0xffULL",
            ["1.5e+3f", "0x1p-2", ".5", "1UL", "0xffULL"],
        ),
        ("x-1", ["x", "-", "1"]),
        ("km\\\nap(p)", ["kmap", "(", "p", ")"]),
        ("km\\\r\nap(p)\r\n", ["kmap", "(", "p", ")"]),
        ('"a\\\nb"', ['"ab"']),
        ("", []),
    ],
)
def test_tokens(source, expected):
    assert texts(source) == expected


def test_kinds():
    kinds = [token.kind for token in tokens("int x9 = 9 + 'c' + \"s\";")]
    expected = "identifier identifier punct number punct char punct string punct"
    assert kinds == expected.split()


def test_lines_count_from_one_and_columns_from_zero():
    found = tokens("int a;\n\n  /* x\n y */ b;\n")
    assert found[0] == Token("int", 1, 0, "identifier")
    assert found[3] == Token("b", 4, 6, "identifier")


def test_first_line_numbers_a_slice_of_a_file():
    assert [token.line for token in tokens("a\nb", first_line=40)] == [40, 41]


def test_places_after_continued_lines_are_those_of_the_file():
    source = "#define M(x) \\\n\\\n\tkmap(x) \\\n  ; \\\n\nint a;\n"
    places = {token.text: (token.line, token.column) for token in tokens(source)}
    assert places["kmap"] == (3, 1)
    assert places[";"] == (6, 5)
    assert places["int"] == (6, 0)
    assert (4, 2) in [(token.line, token.column) for token in tokens(source)]


def test_every_token_stands_where_it_says():
    source = 'a = f(x, "s\\t") + \\\n  kmap_atomic(p) /* c\n */ - 0x1f;\n\tb->c++;\n'
    lines = source.split("\n")
    for token in tokens(source):
        assert lines[token.line - 1].startswith(token.text, token.column)


def test_directive_lines_are_marked_to_their_continued_end():
    source = "a\n  # define X \\\n  kmap(y)\nb /* c */ # d\n/* e */ #if 1\nf\n"
    marked = [token.text for token in tokens(source) if token.directive]
    assert marked == ["#", "define", "X", "kmap", "(", "y", ")", "#", "if", "1"]


def test_a_comment_over_lines_does_not_end_a_directive():
    source = "#define A /* x\n y */ kmap(p)\nb"
    assert [token.text for token in tokens(source) if not token.directive] == ["b"]


@pytest.mark.parametrize(
    "source",
    [
        "#if A\nx();\n# endif\n  /* b */ # include_next <c.h>\n",
        "#define M(x) \\\n # x \\\n\t/* a\n b */ f(x)\ny\n#undef M",
        'char s[] = "#if \\"\n#else"; /*\n#define NO\n*/ #no\n#pragma a \'\n#',
        "#error don't\n'\n#line 3 /* open\n#if",
    ],
)
def test_the_directives_are_read_without_the_code_between_them(source):
    marked = [token for token in tokens(source) if token.directive]
    lines = Lines(source).directives()
    assert [token for line in lines for token in line] == marked
    assert all([t.text for t in line].index("#") == 0 for line in lines)


def test_comments_say_what_is_in_them_and_where():
    source = 'a /* one\n * two */ "/* no */" // three \\\n four\nb // */\n/* open'
    assert comments(source) == [
        (" one\n * two ", 1, 2, 2),
        (" three  four", 2, 21, 3),
        (" */", 4, 2, 4),
        (" open", 5, 0, 5),
    ]


@pytest.mark.parametrize(
    "source", ["'", '"', "a \\", '"\\', "/*", "@`$", "\\", "é = 1"]
)
def test_nothing_is_an_error(source):
    tokens(source)


def test_an_unclosed_quote_ends_with_its_line():
    assert texts("#error don't do this\nkmap(p)")[-4:] == ["kmap", "(", "p", ")"]


def test_no_character_is_lost():
    source = "x = a ? \"b c\" : 'd'; y @ ` \\ z # $q 1.e5 .."
    assert "".join(texts(source)) == re.sub(r" (?!c\")", "", source)
