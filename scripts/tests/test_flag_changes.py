# SPDX-License-Identifier: GPL-2.0-only
"""Patches: what is read of them, and which lines of the tree they touched."""

import pytest

from kmaplocal.findings.change import diff, mail
from kmaplocal.findings.change.changes import changes
from kmaplocal.findings.change.diff import BadPatch
from kmaplocal.findings.text import Texts
from kmaplocal.c.outline import Span

TEN = [f"line {n};" for n in range(1, 11)]
HEAD = "--- a/fs/x.c\n+++ b/fs/x.c\n"


@pytest.fixture
def tree(tmp_path, write):
    """tree(path, lines): a file of the tree; tree.touched(patches): their changes."""

    def add(path, lines):
        write(tmp_path / "tree" / path, "".join(f"{line}\n" for line in lines))

    def touched(*patches, strip=None):
        return changes(patches, "the patch", Texts(tmp_path / "tree"), strip)

    add.touched = touched
    return add


# -- reading --------------------------------------------------------------------


def test_hunks():
    text = HEAD + "@@ -1,2 +1,3 @@ f()\n a\n+b\n c\n@@ -9 +10,0 @@\n-d\n"
    (file,) = diff.parse(text, "p")
    assert (file.old, file.new) == ("a/fs/x.c", "b/fs/x.c")
    first, second = file.hunks
    assert first.lines == [(" ", "a"), ("+", "b"), (" ", "c")]
    assert (second.old, second.new, second.lines) == (9, 11, [("-", "d")])


def test_what_is_not_a_diff_is_passed_over():
    text = (
        "Subject: --- a/y.c\n\n@@ -1 +1 @@ is how a hunk starts\n"
        "--- a\n---\n x.c | 2 +-\n"
        + HEAD
        + "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n-- \n2.39.5\n\n"
    )
    (file,) = diff.parse(text, "p")
    assert file.hunks[0].lines == [("-", "a"), ("+", "b")]


def test_lines_that_look_like_headers():
    text = HEAD + "@@ -1,2 +1,2 @@\n--- a/y.c\n+++ b/y.c\n @@ -1 +1 @@\n"
    (file,) = diff.parse(text, "p")
    assert file.hunks[0].lines[:2] == [("-", "-- a/y.c"), ("+", "++ b/y.c")]


def test_blank_of_an_empty_line_may_be_lost():
    text = HEAD + "@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n"
    assert diff.parse(text, "p")[0].hunks[0].lines[1] == (" ", "")


@pytest.mark.parametrize(
    "written, name",
    [
        ("b/a b.c\t", "b/a b.c"),
        ("x.c\t2026-01-01 00:00:00.000000000 +0000", "x.c"),
        ('"b/\\303\\244\\t\\"\\\\.c"', 'b/ä\t"\\.c'),
        ('"b/\\351.c"', "b/\udce9.c"),
        ("/dev/null", ""),
    ],
)
def test_file_names(written, name):
    text = f"--- a/x.c\n+++ {written}\n@@ -0,0 +1 @@\n+a\n"
    assert diff.parse(text, "p")[0].new == name


def test_rename_without_a_hunk():
    text = "diff --git a/x.c b/y.c\nrename from x.c\nrename to y.c\nindex 1..2\n"
    (file,) = diff.parse(text, "p")
    assert (file.old, file.new, file.renamed, file.hunks) == ("x.c", "y.c", True, [])


@pytest.mark.parametrize(
    "body, where, why",
    [
        ("@@ -1,2 +1,2 @@\n a\n", 5, "cut short"),
        ("@@ -1,2 +1,2 @@\n a\nDate: x\n", 5, "cut short"),
        ("@@ -1,1 +1,2 @@\n-a\n-b\n", 5, "longer"),
        ("@@ -a,1 +1,2 @@\n", 3, "first line of a hunk"),
    ],
)
def test_bad_patch(body, where, why):
    with pytest.raises(BadPatch, match=rf"^p: line {where}: .*{why}"):
        diff.parse(HEAD + body, "p")


def test_diff_of_a_merge():
    with pytest.raises(BadPatch, match="line 1: a diff of a merge"):
        diff.parse("diff --cc fs/x.c\nindex 1,2..3\n", "p")


# -- mail -----------------------------------------------------------------------

POSTMARK = b"From 0123456789abcdef Mon Sep 17 00:00:00 2001\n"


def test_mailbox():
    one = POSTMARK + b"From: n <e@e>\nSubject: [PATCH 1/2] a\n\nFrom here on\n\none\n"
    two = POSTMARK + b"From: n <e@e>\nSubject: [PATCH 2/2] b\n\ntwo\n"
    first, second = mail.texts(one + b"\n" + two)
    assert first == "From here on\n\none\n\n"
    assert second == "two\n"


@pytest.mark.parametrize("postmark", [b"", POSTMARK])
@pytest.mark.parametrize(
    "encoding, body",
    [
        (b"quoted-printable", b"+a =3D \xc3=\n=A4;\n"),
        (b"base64", b"K2EgPSDDpDsK\n"),
        (b"8bit", b"+a = \xc3\xa4;\n"),
    ],
)
def test_encoded_mail(postmark, encoding, body):
    head = b"Subject: x\nContent-Type: text/plain; charset=utf-8\n"
    coded = b"Content-Transfer-Encoding: " + encoding + b"\n\n"
    assert mail.texts(postmark + head + coded + body) == ["+a = ä;\n"]


def test_attached_patch():
    text = (
        b'Subject: x\nContent-Type: multipart/mixed; boundary="B"\n\n'
        b"--B\nContent-Type: text/plain\n\nhello\n"
        b"--B\nContent-Type: text/x-patch\nContent-Transfer-Encoding: base64\n\nK2E=\n"
        b"--B--\n"
    )
    assert mail.texts(text) == ["hello\n+a"]


def test_plain_patch_is_itself():
    assert mail.texts(b"--- a/x.c\r\n+++ \xe9\n") == ["--- a/x.c\n+++ \udce9\n"]


# -- what they touched -----------------------------------------------------------


def test_added_lines_are_touched_and_context_is_not(tree):
    tree("fs/x.c", [*TEN[:4], "kmap(p);", *TEN[4:]])
    patch = HEAD + "@@ -4,2 +4,3 @@\n line 4;\n+kmap(p);\n line 5;\n"
    change = tree.touched(patch)["fs/x.c"]
    assert (change.lines, change.gaps) == ({5}, set())
    assert change.holds(5) and not change.holds(4)
    assert change.deciding_lines == {5}


def test_removed_lines_touch_the_function_around_them(tree):
    tree("fs/x.c", TEN)
    patch = HEAD + "@@ -4,3 +4,2 @@\n line 4;\n-kunmap(p);\n line 5;\n"
    change = tree.touched(patch)["fs/x.c"]
    assert (change.lines, change.gaps, change.deciding_gaps) == (set(), {5}, {5})
    assert change.touches(Span("f", 4, 5)) and change.decides(Span("f", 1, 10))
    # Between two functions nothing is touched.
    assert not change.touches(Span("f", 1, 4))
    assert not change.touches(Span("f", 5, 9))


@pytest.mark.parametrize(
    "line, decides",
    [("kunmap_local(p);", True), ("\tgoto out;", True), ("x = kmapper;", False)],
)
def test_what_decides_about_other_lines(tree, line, decides):
    tree("fs/x.c", [line, *TEN])
    change = tree.touched(HEAD + f"@@ -1 +1,2 @@\n+{line}\n line 1;\n")["fs/x.c"]
    assert change.decides(Span("f", 1, 9)) is decides


def test_later_patch_moves_what_an_earlier_one_touched(tree):
    tree("fs/x.c", ["new 1", "new 2", *TEN[:4], "mine", *TEN[5:]])
    first = HEAD + "@@ -4,3 +4,3 @@\n line 4;\n-line 5;\n+mine\n line 6;\n"
    second = HEAD + "@@ -1 +1,3 @@\n+new 1\n+new 2\n line 1;\n"
    assert tree.touched(first, second)["fs/x.c"].lines == {1, 2, 7}


def test_later_patch_takes_back_what_an_earlier_one_added(tree):
    tree("fs/x.c", TEN)
    first = HEAD + "@@ -4,2 +4,3 @@\n line 4;\n+kmap(p);\n line 5;\n"
    second = HEAD + "@@ -3,4 +3,3 @@\n line 3;\n line 4;\n-kmap(p);\n line 5;\n"
    change = tree.touched(first, second)["fs/x.c"]
    assert (change.lines, change.gaps) == (set(), {5})


def test_touched_line_is_context_of_a_later_patch(tree):
    tree("fs/x.c", ["one", "two", *TEN])
    first = HEAD + "@@ -1 +1,2 @@\n+two\n line 1;\n"
    second = HEAD + "@@ -1,2 +1,3 @@\n+one\n two\n line 1;\n"
    assert tree.touched(first, second)["fs/x.c"].lines == {1, 2}


def test_patch_that_was_applied_some_lines_off(tree):
    tree("fs/x.c", ["else"] * 30 + [*TEN[:4], "mine", *TEN[5:]])
    patch = HEAD + "@@ -4,3 +4,2 @@\n line 4;\n-line 5;\n-line 5a;\n+mine\n"
    change = tree.touched(patch)["fs/x.c"]
    assert change.lines == {35}
    assert change.gaps == {35}


def test_new_file(tree):
    tree("fs/new.c", ["a", "kmap(p);"])
    patch = "--- /dev/null\n+++ b/fs/new.c\n@@ -0,0 +1,2 @@\n+a\n+kmap(p);\n"
    assert tree.touched(patch)["fs/new.c"].lines == {1, 2}


def test_renamed_then_changed(tree):
    tree("fs/y.c", ["first", *TEN[:4], "second", *TEN[5:]])
    first = HEAD + "@@ -1 +1,2 @@\n+first\n line 1;\n"
    rename = (
        "diff --git a/fs/x.c b/fs/y.c\nsimilarity index 90%\n"
        "rename from fs/x.c\nrename to fs/y.c\nindex 1..2 100644\n"
        "--- a/fs/x.c\n+++ b/fs/y.c\n"
        "@@ -5,3 +5,3 @@\n line 4;\n-line 5;\n+second\n line 6;\n"
    )
    found = tree.touched(first, rename)
    assert {name: change.lines for name, change in found.items()} == {"fs/y.c": {1, 6}}


def test_rename_alone_touches_nothing(tree):
    tree("fs/y.c", TEN)
    rename = "diff --git a/fs/x.c b/fs/y.c\nrename from fs/x.c\nrename to fs/y.c\n"
    assert tree.touched(rename)["fs/y.c"].lines == set()


def test_copy_is_all_new(tree):
    tree("fs/y.c", ["new", *TEN])
    tree("fs/x.c", TEN)
    copy = (
        "diff --git a/fs/x.c b/fs/y.c\nsimilarity index 90%\n"
        "copy from fs/x.c\ncopy to fs/y.c\nindex 1..2 100644\n"
        "--- a/fs/x.c\n+++ b/fs/y.c\n@@ -1 +1,2 @@\n+new\n line 1;\n"
    )
    found = tree.touched(copy)
    assert {name: change.fresh for name, change in found.items()} == {"fs/y.c": True}
    assert found["fs/y.c"].holds(9)


def test_removed_file(tree):
    patch = "--- a/fs/x.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"
    assert tree.touched(patch) == {}
    tree("fs/x.c", ["a"])
    with pytest.raises(BadPatch, match="fs/x.c: the patch removes it, and it is there"):
        tree.touched(patch)


def test_files_that_are_not_c_are_not_looked_for(tree):
    tree("fs/x.c", TEN)
    other = "--- a/Makefile\n+++ b/Makefile\n@@ -1 +1 @@\n-a\n+b\n"
    assert tree.touched(other) == {}


def test_patch_that_is_not_applied(tree):
    tree("fs/x.c", TEN)
    patch = HEAD + "@@ -4,2 +4,3 @@\n line 4;\n+kmap(p);\n line 5;\n"
    with pytest.raises(BadPatch, match="^fs/x.c:4: .*; apply the patch first"):
        tree.touched(patch)


def test_file_that_is_not_there(tree):
    tree("fs/y.c", TEN)
    with pytest.raises(BadPatch, match="^fs/x.c: .*no such file; apply the patch"):
        tree.touched(HEAD + "@@ -1 +1,2 @@\n+a\n line 1;\n")


@pytest.mark.parametrize("text", ["", "no patch\n", "commit 1\n\n    --- a/x.c\n"])
def test_no_patch_at_all(tree, text):
    with pytest.raises(BadPatch, match="^the patch: there is no patch in it"):
        tree.touched(text)


@pytest.mark.parametrize(
    "prefix, strip", [("", None), ("b/", None), ("linux-6.1/", None), ("u/v/w/", None)]
)
def test_prefix_is_found_out(tree, prefix, strip):
    tree("fs/x.c", ["a", *TEN])
    names = f"--- {prefix}fs/x.c\n+++ {prefix}fs/x.c\n"
    found = tree.touched(names + "@@ -1 +1,2 @@\n+a\n line 1;\n", strip=strip)
    assert found["fs/x.c"].lines == {1}


def test_prefix_that_is_given_is_kept_to(tree):
    tree("b/fs/x.c", ["a", *TEN])
    tree("fs/x.c", ["a", *TEN])
    patch = HEAD + "@@ -1 +1,2 @@\n+a\n line 1;\n"
    assert set(tree.touched(patch, strip=0)) == {"b/fs/x.c"}
    assert set(tree.touched(patch)) == {"fs/x.c"}


def test_line_ends_do_not_matter(tree):
    tree("fs/x.c", ["a\r", "b\r"])
    patch = HEAD + "@@ -1 +1,2 @@\n a\n+b\n"
    assert tree.touched(patch)["fs/x.c"].lines == {2}
