# SPDX-License-Identifier: GPL-2.0-only
"""patch.py and goldens.py: patches that apply, and what goldens say of them."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from kmaplocal.apply import patch
from kmaplocal.apply import goldens

PATH = Path("fs/x.c")
BEFORE = b"a\nb\nc\nd\ne\n"
AFTER = b"a\nb\nC\nd\ne\n"


def test_no_change_is_no_patch():
    assert patch.unified(PATH, BEFORE, BEFORE) == b""


def test_headers():
    head = patch.unified(PATH, BEFORE, AFTER).split(b"\n")[:4]
    assert head == [
        b"diff --git a/fs/x.c b/fs/x.c",
        b"--- a/fs/x.c",
        b"+++ b/fs/x.c",
        b"@@ -1,5 +1,5 @@",
    ]


@pytest.mark.parametrize("context", [0, 3])
@pytest.mark.parametrize(
    "before, after",
    [
        (BEFORE, AFTER),
        (b"a\nb", b"a\nc"),
        (b"a\nb", b"a\nb\n"),
        (b"a\nb\n", b"a\nb"),
        (b"\xe9\r\n\x0c\n", b"\xe9\xff\r\n\x0c\n"),
        (b"a\n" * 50, b"x\n" + b"a\n" * 50 + b"y\n"),
    ],
)
def test_git_apply_takes_it(tmp_path, write, before, after, context):
    file = write(tmp_path / PATH, "")
    file.write_bytes(before)
    command = ["git", "apply", "--unidiff-zero", "--whitespace=nowarn"]
    text = patch.unified(PATH, before, after, context)
    subprocess.run(command, cwd=tmp_path, input=text, check=True)
    assert file.read_bytes() == after


def test_path_with_a_blank_applies(tmp_path, write):
    path = Path("mm/a b.c")
    write(tmp_path / path, BEFORE.decode())
    text = patch.unified(path, BEFORE, AFTER)
    subprocess.run(["git", "apply"], cwd=tmp_path, input=text, check=True)
    assert (tmp_path / path).read_bytes() == AFTER


@pytest.fixture
def expected(tmp_path):
    golden = goldens.golden_path(tmp_path, "6.1", PATH)
    golden.parent.mkdir(parents=True)
    golden.write_bytes(goldens.render(PATH, BEFORE, AFTER))
    return tmp_path


def test_golden_names_its_input(expected):
    text = (expected / "linux-6.1/fs/x.c.diff").read_text()
    digest = hashlib.sha256(BEFORE).hexdigest()
    assert text.startswith(f"# before: sha256 {digest}\n# after: sha256 ")
    assert text.endswith("@@ -3 +3 @@\n-c\n+C\n")


def test_identical(expected):
    found = goldens.compare(expected, PATH, BEFORE, AFTER)
    assert (found.state, found.detail) == (goldens.IDENTICAL, "")


def test_already_converted(expected):
    found = goldens.compare(expected, PATH, AFTER, AFTER)
    assert (found.state, found.detail) == (goldens.IDENTICAL, "already converted")


def test_converted_file_that_changes_again_is_not_identical(expected):
    found = goldens.compare(expected, PATH, AFTER, b"again\n")
    assert found.state == goldens.UNKNOWN_INPUT


def test_different(expected):
    found = goldens.compare(expected, PATH, BEFORE, b"a\nb\nX\nd\ne\n")
    assert found.state == goldens.DIFFERENT
    assert found.detail == "the golden has '+C', this run '+X'"


def test_nothing_done_is_different(expected):
    found = goldens.compare(expected, PATH, BEFORE, BEFORE)
    assert found.detail == "the golden has '-c', this run no more lines"


def test_unknown_input(expected):
    found = goldens.compare(expected, PATH, b"other\n", b"else\n")
    assert found.state == goldens.UNKNOWN_INPUT


def test_the_golden_of_the_right_version_is_used(expected):
    other = goldens.golden_path(expected, "6.12", PATH)
    other.parent.mkdir(parents=True)
    other.write_bytes(goldens.render(PATH, b"x\n", b"y\n"))
    found = goldens.compare(expected, PATH, b"x\n", b"y\n")
    assert (found.state, found.golden) == (goldens.IDENTICAL, other)


def test_no_golden(expected):
    assert goldens.compare(expected, Path("fs/y.c"), BEFORE, AFTER) is None


def test_golden_without_digests(expected):
    (expected / "linux-6.1/fs/x.c.diff").write_text("--- a\n")
    with pytest.raises(ValueError, match="# before"):
        goldens.compare(expected, PATH, BEFORE, AFTER)


def test_is_converted(expected):
    golden = goldens.golden_path(expected, "6.1", PATH)
    assert goldens.is_converted(golden, AFTER)
    assert not goldens.is_converted(golden, BEFORE)
    assert not goldens.is_converted(expected / "none.diff", AFTER)
