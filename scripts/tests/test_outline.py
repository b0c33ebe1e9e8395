# SPDX-License-Identifier: GPL-2.0-only
"""outline.py: what a file says is the same, whether its tokens were kept or not."""

import pytest

from kmaplocal.c import outline
from kmaplocal.c.lexer import tokens
from kmaplocal.c.outline import Outline, Span

TEXT = """\
#define first kmap
int one(void)
{
	return kmap(1);
}
int two(void)
{
	return 2;
}
"""
SPANS = [Span("one", 2, 5), Span("two", 6, 9)]


@pytest.fixture
def known(monkeypatch):
    """The outline of TEXT, of which the tokens are gone as soon as another is asked."""
    monkeypatch.setattr(outline, "MOST_TOKENS", 5)
    return Outline(TEXT, SPANS)


def test_tokens_are_made_again(known):
    assert known.tokens == tokens(TEXT)
    other = Outline("int a, b, c, d;", ())
    assert len(other.tokens) == 9
    assert "_tokens" not in vars(known) and "_tokens" in vars(other)
    assert known.tokens == tokens(TEXT)
    assert known.between(6, 6) == [t for t in tokens(TEXT) if t.line == 6]


def test_words_stay(known):
    assert "kmap" in known.vocabulary and "define" in known.vocabulary
    assert "first" not in known.spoken and "kmap" in known.spoken
    known.forget()
    assert known.holding(["kmap"]) == SPANS[:1]
    assert known.holding(["kunmap"]) == []
    assert known.lines({"kmap", "return"}) == {1, 4, 8}
