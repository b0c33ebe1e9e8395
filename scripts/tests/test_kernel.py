# SPDX-License-Identifier: GPL-2.0-only
"""kernel.py: what is a tree, its candidate files, its uncommitted changes."""

import os
from pathlib import Path

import pytest

from kmaplocal.errors import BadName, GitTrouble, NotAKernelTree
from kmaplocal.tree.kernel import CTree, Module, Tree

AIO = Path("fs/aio.c")
A_B = Path("mm/a b.c")


def test_version(kernel):
    assert Tree(kernel).version == "6.1"


def test_tilde(kernel, monkeypatch):
    monkeypatch.setenv("HOME", str(kernel.parent))
    assert Tree("~/linux").root == kernel.resolve()


def test_no_such_folder(tmp_path):
    with pytest.raises(NotAKernelTree, match="no such folder"):
        Tree(tmp_path / "nowhere")


def test_a_file_is_no_tree(kernel):
    with pytest.raises(NotAKernelTree, match="not a folder"):
        Tree(kernel / "Makefile")


@pytest.mark.parametrize("landmark", ["Makefile", "Kconfig", "include/linux/highmem.h"])
def test_not_a_kernel_tree(kernel, landmark):
    (kernel / landmark).unlink()
    with pytest.raises(NotAKernelTree, match=f"has no {landmark}"):
        Tree(kernel)


def test_makefile_of_something_else(kernel):
    (kernel / "Makefile").write_text("all:\n")
    with pytest.raises(NotAKernelTree, match="VERSION"):
        Tree(kernel)


def test_whole_tree_without_documentation(kernel):
    assert Tree(kernel).candidates(["."]) == [AIO, A_B]


def test_documentation_when_named(kernel):
    found = Tree(kernel).candidates(["Documentation"])
    assert found == [Path("Documentation/kmap.c")]


def test_each_file_once_and_sorted(kernel):
    names = ["mm", "fs/../fs/aio.c", "fs", "./fs/aio.c", str(kernel / "fs")]
    assert Tree(kernel).candidates(names) == [AIO, A_B]


def test_whole_identifiers_only(kernel):
    assert Tree(kernel).candidates(["mm/clean.c"]) == []


def test_bytes_that_are_not_utf8(kernel):
    (kernel / "fs/latin.c").write_bytes(b"/* \xe9 \0 */ kmap(p);\n")
    assert Path("fs/latin.c") in Tree(kernel).candidates(["fs"])


def test_no_names(kernel):
    assert Tree(kernel).candidates([]) == []


@pytest.mark.parametrize(
    "name, why",
    [
        ("fs/none.c", "no such file"),
        ("../outside.c", "outside"),
        ("/etc", "outside"),
        ("link.c", "outside"),
        ("Kconfig", "not a C file"),
        ("pipe.c", "neither a file nor a folder"),
    ],
)
def test_bad_names(kernel, write, name, why):
    outside = write(kernel.parent / "outside.c", "kmap(p);\n")
    (kernel / "link.c").symlink_to(outside)
    os.mkfifo(kernel / "pipe.c")
    with pytest.raises(BadName, match=why):
        Tree(kernel).candidates([name])


def test_links_do_not_lead_out_of_the_tree(kernel, write):
    write(kernel.parent / "other/x.c", "kmap(p);\n")
    (kernel / "top").symlink_to(kernel.parent / "other")
    (kernel / "fs/sub").symlink_to(kernel.parent / "other")
    assert Tree(kernel).candidates([".", "fs"]) == [AIO, A_B]


def test_named_link_gives_the_file_it_leads_to(kernel):
    (kernel / "fs/link.c").symlink_to("aio.c")
    assert Tree(kernel).candidates(["fs/link.c", "fs"]) == [AIO]


def test_any_c_tree_has_candidates(tmp_path, write):
    write(tmp_path / "mod/a.c", "kmap_local_page(p);\n")
    tree = CTree(tmp_path / "mod")
    assert tree.candidates(["."], ("kmap_local_page",)) == [Path("a.c")]
    with pytest.raises(NotAKernelTree, match="no such folder"):
        CTree(tmp_path / "none")


def test_outside_git_nothing_is_dirty(kernel):
    assert Tree(kernel).dirty([AIO]) == []


def test_committed_is_clean(committed):
    assert Tree(committed).dirty([AIO, A_B]) == []


def test_changed_staged_and_untracked_are_dirty(committed, git, write):
    (committed / AIO).write_text("changed kmap\n")
    (committed / A_B).write_text("staged kmap\n")
    git(committed, "add", "mm")
    new = write(committed / "new/n.c", "kmap\n").relative_to(committed)
    assert Tree(committed).dirty([AIO, A_B, new]) == [AIO, A_B, new]
    assert Tree(committed).dirty([A_B]) == [A_B]


def test_renamed_is_dirty(committed, git):
    git(committed, "mv", "fs/aio.c", "fs/bio.c")
    assert Tree(committed).dirty([Path("fs/bio.c")]) == [Path("fs/bio.c")]


def test_tree_below_the_top_of_a_repository(kernel, git):
    git(kernel.parent, "init", "-q")
    git(kernel.parent, "add", "-A")
    git(kernel.parent, "commit", "-qm", "all")
    (kernel / AIO).write_text("changed kmap\n")
    assert Tree(kernel).dirty([AIO, A_B]) == [AIO]


def test_untracked_tree_is_dirty_ignored_tree_is_not(kernel, git):
    git(kernel.parent, "init", "-q")
    assert Tree(kernel).dirty([AIO]) == [AIO]
    (kernel.parent / ".gitignore").write_text("/linux/\n")
    assert Tree(kernel).dirty([AIO]) == []


def test_git_of_a_hook_does_not_mislead(committed, tmp_path, monkeypatch):
    (committed / AIO).write_text("changed kmap\n")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert Tree(committed).dirty([AIO]) == [AIO]


def test_broken_repository_is_no_silent_go_ahead(kernel):
    (kernel / ".git").write_text("gitdir: /nowhere\n")
    with pytest.raises(GitTrouble, match="FORCE=1"):
        Tree(kernel).dirty([AIO])


def test_no_git_program(committed, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(GitTrouble, match="apt-get install git"):
        Tree(committed).dirty([AIO])


def test_status_writes_nothing(committed, git):
    index = (committed / ".git/index").read_bytes()
    (committed / AIO).touch()
    Tree(committed).dirty([AIO])
    assert (committed / ".git/index").read_bytes() == index


def test_a_module_is_any_folder(tmp_path):
    (tmp_path / "m.c").write_text("int kmap;\n")
    module = Module(tmp_path)
    assert module.version == ""
    assert module.candidates(["."]) == [Path("m.c")]
    with pytest.raises(NotAKernelTree, match="no such folder"):
        Module(tmp_path / "nowhere")
