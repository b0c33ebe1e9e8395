# SPDX-License-Identifier: GPL-2.0-only
"""index.py: lines by the word they begin with."""

import pytest

from kmaplocal import scratch
from kmaplocal.tree import index
from kmaplocal.tree.index import Index


@pytest.fixture
def file():
    return scratch.file()


def test_lines_in_the_order_of_the_file(file):
    file.write(b"b\t1\na\t2\nb\t3\nbb\t4\n")
    found = Index(file)
    assert list(found.lines(["b", "a", "c"])) == ["a\t2", "b\t1", "b\t3"]


def test_what_is_added_is_found(file):
    file.write(b"a\t1\n")
    found = Index(file)
    assert list(found.lines(["a"])) == ["a\t1"]
    file.write(b"a\t2\nb")
    assert list(found.lines(["a", "b"])) == ["a\t1", "a\t2"]
    file.write(b"\t3\n")
    assert list(found.lines(["b"])) == ["b\t3"]


def test_words_that_are_taken_for_one_another(file, monkeypatch):
    """Of a word no more is kept than tells it from most others."""
    monkeypatch.setattr(index, "hash", lambda word: 1, raising=False)
    file.write(b"a\t1\nb\t2\na\t3\n")
    assert list(Index(file).lines(["b"])) == ["b\t2"]
    assert list(Index(file).lines(["c"])) == []


def test_names_that_are_no_text(file):
    file.write(b"\xe9\t1\n")
    assert list(Index(file).lines(["\udce9"])) == ["\udce9\t1"]
