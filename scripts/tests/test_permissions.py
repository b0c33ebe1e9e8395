# SPDX-License-Identifier: GPL-2.0-only
"""What may not be read is not analysed; what may not be written is refused first."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from test_cli import surroundings

from kmaplocal import cli
from kmaplocal.tree import repository
from kmaplocal.tree.kernel import Tree

NOBODY = 65534
GOOD = """\
char first(struct page *page)
{
	char *at = kmap(page);
	char first = at[0];

	kunmap(page);
	return first;
}
"""


@pytest.fixture
def tree(write):
    """A kernel tree that everybody may enter, in a folder of its own."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    root = folder / "linux"
    write(root / "Makefile", "VERSION = 6\nPATCHLEVEL = 1\n")
    write(root / "Kconfig", "")
    write(root / "include/linux/highmem.h", "")
    write(root / "m/a.c", GOOD)
    write(root / "m/b.c", GOOD.replace("first(", "second("))
    yield root
    shutil.rmtree(folder)


def drive(tree, door, *arguments):
    """Run the driver as somebody who is not root."""
    user = {"user": NOBODY, "group": NOBODY} if os.geteuid() == 0 else {}
    command = [sys.executable, "-m", "kmaplocal", door, "--kernel", tree, *arguments]
    environment = surroundings() | {"HOME": "/nonexistent", "NO_CACHE": "1"}
    return subprocess.run(
        command, env=environment, cwd="/", capture_output=True, text=True, **user
    )


@pytest.mark.parametrize("door", [["flag"], ["apply", "--dry-run"], ["report"]])
def test_a_file_that_may_not_be_read(tree, door):
    (tree / "m/a.c").chmod(0o000)
    done = drive(tree, *door, "m")
    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    assert "m/a.c:1" in said and "cannot be read: Permission denied" in said
    assert "m/b.c" in said and "internal error" not in said


def test_who_calls_from_a_file_that_may_not_be_read_is_not_known(tree, write):
    mapping = "void *slot_map(struct page *p)\n{\n\treturn kmap_atomic(p);\n}\n"
    write(tree / "m/map.c", mapping)
    user = GOOD.replace("kmap(page)", "slot_map(page)").replace("first(", "user(")
    user = user.replace("kunmap(page)", "kunmap_atomic(at)")
    write(tree / "m/user.c", user)
    asked = ("apply", "--dry-run", "m/map.c", "m/user.c")
    assert "2 functions converted" in drive(tree, *asked).stderr
    other = write(tree / "lib/other.c", user.replace("user(", "other("), 0o000)
    assert "\n0 functions converted" in drive(tree, *asked).stderr
    assert other.exists()


def test_a_callee_may_be_defined_in_a_file_that_may_not_be_read(tree, write):
    header = "static inline char of(char *at)\n{\n\treturn *at;\n}\n"
    write(tree / "include/linux/of.h", header)
    write(tree / "m/a.c", GOOD.replace("at[0]", "of(at)"))
    assert "1 functions converted" in drive(tree, "apply", "--dry-run", "m/a.c").stderr
    write(tree / "lib/of.c", "char of(char *at)\n{\n\tkeep(at);\n}\n", 0o000)
    assert "0 functions converted" in drive(tree, "apply", "--dry-run", "m/a.c").stderr


def test_what_cannot_be_written_is_refused_before_the_work(tree, contents):
    before = contents(tree)
    for path, mode, words in (
        ("m/b.c", 0o444, "m/b.c: is read-only: chmod u+w "),
        ("m/b.c", 0o644, "m/a.c: is of user root, and you are user nobody"),
    ):
        (tree / path).chmod(mode)
        if mode == 0o444:
            for file in [tree, *tree.rglob("*")]:
                os.chown(file, NOBODY, NOBODY)
        else:
            for file in tree.rglob("*"):
                os.chown(file, 0, 0)
        done = drive(tree, "apply", path if mode == 0o444 else "m")
        assert (done.returncode, done.stdout) == (3, "")
        assert words in done.stderr and "nothing was changed" in done.stderr
    assert contents(tree) == before


def test_one_that_cannot_be_written_is_left_out_of_a_whole_tree(tree):
    for file in [tree, *tree.rglob("*")]:
        os.chown(file, NOBODY, NOBODY)
    locked = tree / "m/b.c"
    before = locked.read_bytes()
    locked.chmod(0o444)
    done = drive(tree, "apply", "m")
    assert done.returncode == 2
    assert "m/b.c:1: not analysed: (whole file): is read-only: chmod u+w" in done.stdout
    assert "1 functions converted" in done.stdout and locked.read_bytes() == before
    assert "kmap_local_page" in (tree / "m/a.c").read_text()


def test_a_read_only_mount(tree):
    bind = ["mount", "--bind", "-o", "ro", str(tree), str(tree)]
    if os.geteuid() or subprocess.run(bind, capture_output=True).returncode:
        pytest.skip("needs to mount")
    try:
        done = drive(tree, "apply", "m")
    finally:
        subprocess.run(["umount", str(tree)], check=True)
    assert (done.returncode, done.stdout) == (3, "")
    assert "m/a.c: is on a read-only mount: mount it writable" in done.stderr


def test_a_dry_run_needs_no_leave_to_write(tree):
    (tree / "m/a.c").chmod(0o444)
    assert "2 functions converted" in drive(tree, "apply", "--dry-run", "m").stderr


def test_git_does_not_look_at_them(committed, git, write):
    write(committed / "lib/ignored.c", "kmap(p);\n")
    write(committed / "lib/kept.c", "kmap(p);\n")
    write(committed / ".gitignore", "ignored.c\nkept.c\n")
    git(committed, "add", "-f", ".gitignore", "lib/kept.c")
    git(committed, "commit", "-qm", "more")
    git(committed, "update-index", "--assume-unchanged", "fs/aio.c")
    git(committed, "update-index", "--skip-worktree", "mm/a b.c")
    paths = [Path("fs/aio.c"), Path("lib/ignored.c"), Path("mm/a b.c")]
    found = Tree(committed).unwatched([*paths, Path("lib/kept.c")])
    assert found == paths


def test_a_tree_that_is_ignored_as_a_whole_is_not_refused(kernel, git):
    git(kernel.parent, "init", "-q")
    (kernel.parent / ".gitignore").write_text("/linux/\n")
    assert Tree(kernel).unwatched([Path("fs/aio.c")]) == []


@pytest.mark.parametrize("force", [False, True])
def test_an_ignored_file_is_not_converted_unasked(tree, git, force):
    git(tree, "init", "-q")
    (tree / ".gitignore").write_text("m/a.c\n")
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "all")
    command = [sys.executable, "-m", "kmaplocal", "apply", "--kernel", tree, "m"]
    command += ["--force"] if force else []
    done = subprocess.run(command, env=surroundings(), capture_output=True, text=True)
    assert ("kmap_local" in (tree / "m/a.c").read_text()) == force
    assert force or "m/a.c: git was told to ignore" in done.stderr


def test_a_git_that_says_nothing(committed, capfd, monkeypatch):
    """As one that was killed."""
    killed = subprocess.CompletedProcess([], -9, b"", b"")
    monkeypatch.setattr(repository, "git", lambda *_: killed)
    assert cli.main(["apply", "--kernel", str(committed)]) == 3
    assert "(its exit status: -9); mend that" in capfd.readouterr().err
