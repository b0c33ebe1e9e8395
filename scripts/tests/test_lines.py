# SPDX-License-Identifier: GPL-2.0-only
"""lines.py: some lines of a text have the tokens that they have among the others."""

import pytest

from kmaplocal.c.lexer import IDENTIFIER, tokens
from kmaplocal.c.lines import Lines

SOURCES = [
    "int a;\nint b;\n",
    "a /* one\n two */ b /*\n three */\nc",
    "#define M(x) \\\n\t(x) /* kmap\n */ + kmap\nkmap \\\n\\\n\n  d\n",
    's = "/*";\nt = \'"\';\n#error don\'t\nkmap(p) // x \\\n kmap\nu"x" L u8\n',
    "#if A /* { */\nint t[] = /* } */ { 1, 0x1u8, .5e+3f };\n#endif\n/* open\n kmap",
    'f(a$b, é, a ## b, ...)\n\n\n"no end\n{ kmap }',
    "",
]


@pytest.mark.parametrize("source", SOURCES)
def test_any_lines_are_lexed_as_in_the_whole(source):
    whole, lines = tokens(source), Lines(source)
    for first in range(1, lines.count + 2):
        for last in range(first, lines.count + 2):
            part = [token for token in whole if first <= token.line <= last]
            assert lines.between(first, last) == part
            assert list(lines.forward(first, last)) == part
            assert list(lines.back(first, last)) == part[::-1]
            assert lines.words(first, last) == identifiers(part)


@pytest.mark.parametrize("source", SOURCES)
def test_words_are_found_without_the_tokens(source):
    whole, lines = tokens(source), Lines(source)
    spoken = [token for token in whole if not token.directive]
    assert lines.vocabulary() == identifiers(whole)
    assert lines.spoken() == identifiers(spoken)
    named = [token for token in whole if token.text in ("kmap", "x", "a")]
    assert list(lines.naming(["kmap", "x", "a"])) == named


def identifiers(found):
    return {token.text for token in found if token.kind == IDENTIFIER}


@pytest.mark.parametrize(
    "source, places",
    [
        ("int t[] = { 1, { 2 } };", [(10, 21)]),
        ("struct s { int a; } s =\n{ 1 };", [(0, 4)]),
        ("int f(void)\n{ int t[] = { 1 }; return a == b; }", []),
        (
            "#define T = { 1 }\nint a /* = */ [] /*{*/ = /*}*/ {\n'}', \"{\" };",
            [(31, 9)],
        ),
        ("if (a <= b) { } }} int t = { }", [(27, 29)]),
    ],
)
def test_the_initialisers_outside_of_functions(source, places):
    found = Lines(source).initialisers()
    assert [(start.column, end.column) for start, end in found] == places
    assert [(start.text, end.text) for start, end in found] == [("{", "}")] * len(
        places
    )
    assert {token for pair in found for token in pair} <= set(tokens(source))
