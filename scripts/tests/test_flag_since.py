# SPDX-License-Identifier: GPL-2.0-only
"""SINCE=: what git says changed, whatever its user's settings are."""

from pathlib import Path

import pytest

from kmaplocal.errors import GitTrouble
from kmaplocal.findings.change.since import changed, touched
from kmaplocal.findings.text import Texts

AIO = Path("fs/aio.c")
A_B = Path("mm/a b.c")


@pytest.fixture
def since(committed):
    """since(revision, *files): the lines that changed, by file."""

    def ask(revision, *files):
        found = changed(Texts(committed), revision, files)
        return {name: c.fresh or c.lines for name, c in found.items()}

    return ask


def edit(path, before, after):
    path.write_text(path.read_text().replace(before, after))


def test_nothing_changed(since):
    assert since("HEAD", AIO, A_B) == {}
    assert since("HEAD") == {}


def test_uncommitted_staged_and_committed(since, committed, git):
    edit(committed / AIO, "void f", "int x;\nvoid f")
    git(committed, "commit", "-qam", "one")
    edit(committed / A_B, "int", "long")
    git(committed, "add", "-A")
    edit(committed / AIO, "{\n", "{\n\tint y;\n")
    assert since("HEAD~1", AIO, A_B) == {"fs/aio.c": {1, 4}, "mm/a b.c": {1}}
    assert since("HEAD", AIO, A_B) == {"fs/aio.c": {4}, "mm/a b.c": {1}}
    assert since("HEAD~1", A_B) == {"mm/a b.c": {1}}


def test_untracked_file_is_new_as_a_whole(since, committed, write):
    write(committed / "fs/new.c", "kmap(p);\n")
    write(committed / "fs/made.c", "kmap(p);\n")
    write(committed / ".gitignore", "made.c\n")
    files = [Path("fs/new.c"), Path("fs/made.c")]
    assert since("HEAD", *files) == {"fs/new.c": True}


def test_what_the_other_branch_did_is_not_ours(since, committed, git):
    git(committed, "checkout", "-qb", "theirs")
    edit(committed / A_B, "int", "long")
    git(committed, "commit", "-qam", "theirs")
    git(committed, "checkout", "-q", "b")
    edit(committed / AIO, "void f", "int x;\nvoid f")
    git(committed, "commit", "-qam", "ours")
    assert since("theirs", AIO, A_B) == {"fs/aio.c": {1}}


def test_renamed_file_keeps_its_old_lines(since, committed, git):
    git(committed, "config", "diff.renames", "false")
    lines = "".join(f"line {n};\n" for n in range(30))
    edit(committed / AIO, "void f", f"{lines}void f")
    git(committed, "commit", "-qam", "long")
    git(committed, "mv", "fs/aio.c", "fs/bio.c")
    edit(committed / "fs/bio.c", "line 3;", "kmap(p);")
    git(committed, "commit", "-qam", "moved")
    assert since("HEAD~1", Path("fs/bio.c")) == {"fs/bio.c": {4}}


def test_quoted_name(since, committed, git, write):
    odd = Path('fs/é"\t.c')
    write(committed / odd, "a;\nb;\n")
    git(committed, "add", "-A")
    git(committed, "commit", "-qam", "odd")
    edit(committed / odd, "b;", "kmap(p);")
    assert since("HEAD", odd) == {str(odd): {2}}


def test_file_that_attributes_call_binary(since, committed):
    (committed / ".gitattributes").write_text("*.c -diff\n")
    edit(committed / AIO, "void f", "int x;\nvoid f")
    assert since("HEAD", AIO) == {"fs/aio.c": {1}}


def test_bytes_that_are_no_utf_8(since, committed, git):
    (committed / AIO).write_bytes(b"// \xe9\nkmap(p);\n")
    git(committed, "commit", "-qam", "odd")
    (committed / AIO).write_bytes(b"// \xe9\nkmap(p); // \xff\n")
    assert since("HEAD", AIO) == {"fs/aio.c": {2}}


@pytest.mark.parametrize(
    "setting",
    [
        "diff.noprefix=true",
        "diff.mnemonicPrefix=true",
        "color.ui=always",
        "diff.context=0",
        "diff.external=false",
        "core.quotePath=false",
        "diff.relative=false",
    ],
)
def test_settings_of_git_change_nothing(since, committed, git, setting):
    git(committed, "config", *setting.split("="))
    edit(committed / AIO, "void f", "int x;\nvoid f")
    assert since("HEAD", AIO) == {"fs/aio.c": {1}}


def test_tree_below_the_top_of_a_repository(kernel, git):
    git(kernel.parent, "init", "-q")
    git(kernel.parent, "add", "-A")
    git(kernel.parent, "commit", "-qm", "all")
    edit(kernel / AIO, "void f", "int x;\nvoid f")
    (kernel / "fs/new.c").write_text("kmap(p);\n")
    found = changed(Texts(kernel), "HEAD", [AIO, A_B, Path("fs/new.c")])
    assert {name: c.fresh or c.lines for name, c in found.items()} == {
        "fs/aio.c": {1},
        "fs/new.c": True,
    }


def test_not_in_git(kernel):
    with pytest.raises(GitTrouble, match="not in a git work tree"):
        changed(Texts(kernel), "HEAD", [AIO])


def test_tree_that_git_ignores(kernel, git, write):
    write(kernel.parent / ".gitignore", "/linux/\n")
    git(kernel.parent, "init", "-q")
    git(kernel.parent, "add", "-A")
    git(kernel.parent, "commit", "-qm", "all")
    with pytest.raises(GitTrouble, match="git tracks nothing"):
        changed(Texts(kernel), "HEAD", [AIO])


@pytest.mark.parametrize("revision", ["nonsense", "--output=x", "HEAD:fs/aio.c"])
def test_unknown_revision(since, revision):
    with pytest.raises(GitTrouble, match=f"SINCE={revision}: git knows no commit"):
        since(revision, AIO)


def test_no_common_commit(since, committed, git):
    git(committed, "checkout", "-q", "--orphan", "other")
    git(committed, "commit", "-qm", "other")
    with pytest.raises(GitTrouble, match="no commit in common with HEAD"):
        since("b", AIO)


def test_no_git_program(since, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(GitTrouble, match="apt-get install git"):
        since("HEAD", AIO)


def test_broken_repository(kernel):
    (kernel / ".git").write_text("gitdir: /nowhere\n")
    with pytest.raises(GitTrouble, match="SINCE=HEAD: fatal: not a git repository"):
        changed(Texts(kernel), "HEAD", [AIO])


# -- submodules ----------------------------------------------------------------


@pytest.fixture
def superproject(committed, tmp_path, git, write):
    """The tree with a submodule at drivers/sub that has grown a line since."""
    other = tmp_path / "other"
    write(other / "x.c", "void f(void)\n{\n\tkmap(p);\n}\n")
    git(other, "init", "-q")
    git(other, "add", "-A")
    git(other, "commit", "-qm", "one")
    local = ("-c", "protocol.file.allow=always", "submodule", "add", "-q")
    git(committed, *local, str(other), "drivers/sub")
    git(committed, "commit", "-qm", "with a submodule")
    return committed


X = Path("drivers/sub/x.c")


def test_in_a_submodule_what_was_committed_and_what_was_not(since, superproject, git):
    below = superproject / "drivers/sub"
    assert since("HEAD", X) == {}
    edit(below / "x.c", "{\n", "{\n\tint a;\n")
    assert since("HEAD", X) == {str(X): {3}}
    git(below, "commit", "-qam", "two")
    assert since("HEAD", X) == {str(X): {3}}
    git(superproject, "commit", "-qam", "and the superproject")
    assert since("HEAD", X) == {}
    assert since("HEAD~1", X, AIO) == {str(X): {3}}


def test_a_new_submodule_is_new_as_a_whole(since, superproject):
    assert since("HEAD~1", X) == {str(X): True}
    assert str(X) in touched(superproject, "HEAD~1")


def test_what_a_submodule_has_touched(superproject, write):
    assert touched(superproject, "HEAD") == []
    write(superproject / "drivers/sub/new.c", "kmap(p);\n")
    edit(superproject / X, "{\n", "{\n\tint a;\n")
    assert touched(superproject, "HEAD") == ["drivers/sub/new.c", str(X)]


def test_a_commit_that_a_submodule_has_not_is_told(since, superproject, git):
    blob = git(superproject, "rev-parse", "HEAD:fs/aio.c").strip()
    entry = f"160000,{blob},drivers/sub"
    git(superproject, "update-index", "--cacheinfo", entry)
    git(superproject, "commit", "-qm", "a commit nobody has")
    with pytest.raises(GitTrouble, match="drivers/sub: SINCE="):
        since("HEAD", X)
