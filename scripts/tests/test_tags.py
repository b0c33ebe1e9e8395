# SPDX-License-Identifier: GPL-2.0-only
"""Universal Ctags: where functions begin and end."""

import pytest

from kmaplocal.c import tags

SOURCE = """\
struct s { int f; };
int declared(int);

static int one(int x)
{
    return x;
}

int
two(void) { return 2; }
#ifdef A
static void three(void)
{
}
#else
static void three(void) { }
#endif
""".replace(
    "    ", "\t"
)


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "x.c").write_text(SOURCE)
    (tmp_path / "y.h").write_text("static inline int class(int new) { return new; }\n")
    return tmp_path


def test_functions_with_their_lines(tree):
    found = tags.functions(tree, ["a b/x.c"])
    assert [tag[1:] for tag in found] == [
        ("one", 4, 7),
        ("two", 10, 10),
        ("three", 12, 14),
        ("three", 16, 16),
    ]
    assert {tag.file for tag in found} == {"a b/x.c"}


def test_a_header_is_read_as_c(tree):
    assert tags.functions(tree, ["y.h"]) == [tags.Function("y.h", "class", 1, 1)]


def test_files_that_are_not_there_are_left_out(tree):
    assert tags.functions(tree, ["gone.c"]) == []
    assert len(tags.functions(tree, ["gone.c", "y.h"])) == 1


def test_no_ctags_is_an_error(monkeypatch):
    monkeypatch.delenv("CTAGS", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(tags.TagsError, match="universal-ctags"):
        tags.program()


def test_another_program_called_ctags_is_not_taken(monkeypatch, tmp_path):
    fake = tmp_path / "ctags"
    fake.write_text("#!/bin/sh\necho Exuberant Ctags\n")
    fake.chmod(0o755)
    monkeypatch.delenv("CTAGS", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(tags.TagsError):
        tags.program()


def test_a_failing_ctags_is_an_error(monkeypatch, tree, tmp_path):
    fake = tmp_path / "failing"
    fake.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo Universal Ctags && exit\n'
        "echo broken >&2\nexit 3\n"
    )
    fake.chmod(0o755)
    monkeypatch.setenv("CTAGS", str(fake))
    with pytest.raises(tags.TagsError, match="broken"):
        tags.functions(tree, ["y.h"])
