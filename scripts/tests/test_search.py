# SPDX-License-Identifier: GPL-2.0-only
"""search.py: which files hold which words, whatever ripgrep would leave out."""

import pytest

from kmaplocal.tree import search
from kmaplocal.knowledge import api
from kmaplocal.tree.search import Lines, Search, SearchFailed, pieces


@pytest.fixture
def found(tmp_path, write):
    write(tmp_path / "fs/a.c", "int one(void);\nint one_more;\n")
    write(tmp_path / "fs/b.h", "struct two {\n\tint one;\n};\n")
    write(tmp_path / "fs/c.S", "one\n")
    write(tmp_path / "tools/a.c", "one\n")
    write(tmp_path / "plain.h", "int one;\n")
    return Search(tmp_path)


def test_whole_words_of_the_kernel_proper(found):
    assert found.mentions(["one", "two", "on"]) == {
        "on": [],
        "one": ["fs/a.c", "fs/b.h", "plain.h"],
        "two": ["fs/b.h"],
    }
    assert found.holding(["one"], "tools") == ["tools/a.c"]


def test_nothing_to_ask_or_to_look_at(found, tmp_path, write):
    assert found.mentions([]) == {}
    write(tmp_path / "empty/readme", "one\n")
    assert Search(tmp_path / "empty").mentions(["one"]) == {"one": []}


def test_only_headers_with_structures_define_members(found):
    assert found.headers(["one"]) == ["fs/b.h"]


@pytest.mark.parametrize(
    "name, content",
    [
        ("fs/.hidden.c", b"one\n"),
        ("fs/ignored.c", b"one\n"),
        ("fs/nul.c", b"\0\0one\n"),
        ("fs/latin.c", b"\xe9one\xe9\n"),
        ("fs/wide.c", b"\xff\xfeone\n"),  # as if it were UTF-16
        ("fs/a:b c.c", b"one\r\n"),
        ("fs/\udcff.c", b"one"),
    ],
)
def test_nothing_is_left_out(found, tmp_path, name, content):
    (tmp_path / ".gitignore").write_text("ignored.c\n")
    (tmp_path / name).write_bytes(content)
    assert name in found.mentions(["one"])["one"]


def test_the_user_s_settings_do_not_count(found, tmp_path, write, monkeypatch):
    rc = write(tmp_path / "rc", "--max-count=0\n--glob=!fs\n")
    monkeypatch.setenv("RIPGREP_CONFIG_PATH", str(rc))
    assert len(found.mentions(["one"])["one"]) == 3


def test_lines_to_choose_from(found):
    lines = Lines()
    found.lines("^int", "", lines.file)
    assert sorted(lines.with_words(["one_more", "two"])) == ["./fs/a.c\0int one_more;"]
    assert sorted(lines.matching("one;$")) == ["./plain.h\0int one;"]


def test_trouble_is_said(found, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SearchFailed, match="apt-get install ripgrep"):
        found.mentions(["one"])
    monkeypatch.undo()
    with pytest.raises(SearchFailed, match="failed"):
        Search(found.tree).holding(["one"], "gone")
    assert search.program().endswith("rg")


def test_pieces_are_in_all_words_and_few():
    some = pieces(api.NAMES)
    assert all(any(piece in name for piece in some) for name in api.NAMES)
    assert "kmap" in some and "kmap_atomic" not in some
    assert pieces(["a"]) == ["a"] and pieces([]) == []
    assert pieces([f"{n:03}_name" for n in range(40)]) is None


def test_who_names_a_map_function(found, write):
    write(found.tree / "fs/maps.c", "p = kmap(page);\n")
    write(found.tree / "fs/others.c", "p = ioremap_kmaps(page);\n")
    assert found.mapping == ["fs/maps.c"]


def test_many_words_are_found_as_few_are(found, write):
    words = [f"{n:02}_word_of_many"[::-1] for n in range(30)]
    text = "".join(f"f({word}, {word}s);\n" for word in words[1:])
    write(found.tree / "fs/many.c", text)
    write(found.tree / "fs/one\nc.c", f"{words[0]}_not;\xe9{words[3]}\n")
    assert pieces(words) and pieces(words) != words
    few = [found.mentions([word])[word] for word in words]
    assert found.mentions(words) == dict(zip(words, few))
    assert few[0] == [] and "fs/many.c" in few[1]


def test_lists_of_registers_are_passed_over(found, write):
    write(found.tree / search.NUMBERS / "deep/one_offset.h", "#define one 1\n")
    write(found.tree / "fs" / search.NUMBERS / "one.h", "#define one 1\n")
    write(found.tree / f"{search.NUMBERS}s.h", "#define one 1\n")
    named = ["fs/a.c", "fs/b.h", f"fs/{search.NUMBERS}/one.h"]
    named += [f"{search.NUMBERS}s.h", "plain.h"]
    assert sorted(found.mentions(["one"])["one"]) == sorted(named)
