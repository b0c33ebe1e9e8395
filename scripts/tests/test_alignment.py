# SPDX-License-Identifier: GPL-2.0-only
"""alignment.py: what did not change is on the same line on both sides."""

import pytest

from kmaplocal.prove.alignment import align

OLD = b"int a;\nint *b = kmap(p);\nint c;\nint d;\nint e;\n"


def same_lines(before, after, same):
    """Both sides have each line of SAME, and on the same line."""
    found = align(before, after)
    old, new = found.before.text.split(b"\n"), found.after.text.split(b"\n")
    assert len(old) == len(new)
    for line in same:
        assert old.index(line) == new.index(line), line
    return found


@pytest.mark.parametrize(
    "after",
    [
        OLD,
        OLD.replace(b"kmap(", b"kmap_local_page("),
        OLD.replace(b"int c;\nint d;\n", b"int cd;\n"),
        OLD.replace(b"int c;\n", b""),
        OLD.replace(b"int c;\n", b"int c;\nint x;\nint y;\n"),
        b"int before;\n" + OLD,
        OLD.replace(b"int a;\n", b"").replace(b"int d;\n", b"int d;\nint f;\n"),
    ],
)
def test_unchanged_lines_keep_their_place(after):
    kept = set(OLD.split(b"\n")) & set(after.split(b"\n")) - {b""}
    found = same_lines(OLD, after, kept)
    assert found.before.text.replace(b"\n", b"") == OLD.replace(b"\n", b"")
    assert found.after.text.replace(b"\n", b"") == after.replace(b"\n", b"")


def test_real_lines_are_remembered():
    after = OLD.replace(b"int c;\nint d;\n", b"")
    found = align(OLD, after)
    line = found.after.text.split(b"\n").index(b"int e;") + 1
    assert (line, found.after.real(line), found.before.real(line)) == (5, 3, 5)
    assert found.place(3) == found.place(4) == 3
    assert found.place(5) == 5


def test_macro_is_not_torn():
    before = b"#define f(x) \\\n\tg(x); \\\n\th(x); \\\n\ti(x)\nint e;\n"
    after = b"#define f(x) \\\n\tg(x); \\\n\ti(x)\nint e;\n"
    found = same_lines(before, after, [b"int e;"])
    assert found.after.text.split(b"\n")[2] == b"\\"


def test_no_newline_at_the_end():
    found = align(b"a\nb", b"a\nc\nd")
    assert found.after.text == b"a\nc\nd"
    assert found.before.text.startswith(b"a\nb")


def test_form_feed_and_foreign_bytes_are_no_line_ends():
    before = b"a\x0cb\x85\r\nint c;\nint d;\n"
    same_lines(before, before.replace(b"int c;\n", b""), [b"int d;"])
