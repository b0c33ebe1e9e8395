# SPDX-License-Identifier: GPL-2.0-only
"""reference.py: what a file was before, by another tree, by git, by an archive."""

import shutil
import subprocess
from pathlib import Path

import pytest

from kmaplocal.errors import NotAKernelTree
from kmaplocal.prove import reference
from kmaplocal.tree.kernel import Tree

AIO, OTHER = Path("fs/aio.c"), Path("mm/clean.c")
NEW = b"void f(void)\n{\n\tp = kmap_local_page(page);\n}\n"


@pytest.fixture
def archive(kernel, tmp_path):
    """A folder with the archive that the kernel tree was unpacked from."""
    folder = tmp_path / "archives"
    shutil.copytree(kernel, folder / "linux-source-6.1")
    command = ["tar", "-cJf", "linux-source-6.1.tar.xz", "linux-source-6.1"]
    subprocess.run(command, cwd=folder, check=True)
    return folder


@pytest.fixture
def find(kernel, tmp_path, monkeypatch):
    """find(before): the reference of the kernel tree."""
    monkeypatch.setattr(reference, "ARCHIVES", tmp_path / "nothing")

    def of(before=None):
        return reference.find(Tree(kernel), before, tmp_path / "cache")

    return of


def changed(kernel, found):
    """The one change of fs/aio.c that FOUND leads to, beside an unchanged file."""
    old = (kernel / AIO).read_bytes()
    (kernel / AIO).write_bytes(NEW)
    changes, new = reference.changes(Tree(kernel), [AIO, OTHER], found)
    assert changes == [reference.Change(AIO, old, NEW)]
    assert new == []


def test_another_tree(kernel, find, tmp_path):
    shutil.copytree(kernel, tmp_path / "old")
    changed(kernel, find(tmp_path / "old"))


def test_the_last_commit(committed, find):
    found = find()
    assert found.name == "HEAD"
    changed(committed, found)


def test_a_staged_change_counts_too(committed, find, git):
    old = (committed / AIO).read_bytes()
    (committed / AIO).write_bytes(NEW)
    git(committed, "add", "-A")
    changes, _new = reference.changes(Tree(committed), [AIO], find())
    assert changes == [reference.Change(AIO, old, NEW)]


def test_what_git_ignores_is_not_in_git(kernel, find, git, write):
    """As a tree below our own build/."""
    git(kernel.parent, "init", "-q")
    write(kernel.parent / ".gitignore", "/linux/\n")
    with pytest.raises(reference.NoReference, match="BEFORE="):
        find()


def test_the_archive(kernel, archive, tmp_path):
    found = reference.Archive.of(Tree(kernel), tmp_path / "cache", archive)
    changed(kernel, found)
    # Once more, from what was kept.
    assert found.read([AIO, Path("no/such.c")]).keys() == {AIO}


def test_the_archive_of_another_kernel(kernel, archive, tmp_path):
    (kernel / "Makefile").write_text("VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 9\n")
    assert reference.Archive.of(Tree(kernel), tmp_path / "cache", archive) is None


def test_a_damaged_archive_is_named(kernel, archive, tmp_path):
    (archive / "linux-source-6.1.tar.xz").write_text("no archive")
    with pytest.raises(reference.NoReference, match="cannot be unpacked"):
        reference.Archive.of(Tree(kernel), tmp_path / "cache", archive)


def test_nothing_to_compare_with(kernel, find):
    with pytest.raises(reference.NoReference, match="BEFORE="):
        find()


def test_before_is_no_tree(find, tmp_path):
    with pytest.raises(NotAKernelTree):
        find(tmp_path)


def test_new_files_are_told_apart(kernel, find, tmp_path, write):
    shutil.copytree(kernel, tmp_path / "old")
    write(kernel / "fs/new.c", "int x;\n")
    found = find(tmp_path / "old")
    changes, new = reference.changes(Tree(kernel), [AIO, Path("fs/new.c")], found)
    assert (changes, new) == ([], [Path("fs/new.c")])
