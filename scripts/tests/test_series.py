# SPDX-License-Identifier: GPL-2.0-only
"""make series: mails of a small tree, as a maintainer gets them."""

import subprocess
from email import message_from_bytes, policy

import pytest

from kmaplocal import cli

ONE = """#include <linux/highmem.h>

int one(struct page *page, char *buf)
{
	char *kaddr;

	kaddr = kmap_atomic(page);
	buf[0] = kaddr[0];
	buf[1] = kaddr[1];
	kunmap_atomic(kaddr);
	return 0;
}
"""
TWO = """#include <linux/highmem.h>

void two(struct page *page, char *buf)
{
	char *kaddr = kmap(page);

	memcpy(buf, kaddr, PAGE_SIZE);
	kunmap(page);
}

char *kept(struct page *page)
{
	return kmap(page);
}
"""
MAINTAINERS = "A DRIVER\nM:\tAnn <ann@example.org>\nF:\tdrivers/a/\n"
SCRIPT = """print "Ann <ann\\@example.org> (maintainer:A DRIVER)\\n";
print "list\\@example.org (open list)\\n";
"""


@pytest.fixture
def tree(tmp_path, write):
    """A kernel with two drivers to convert, each of two files."""
    root = tmp_path / "linux"
    write(root / "Makefile", "VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 0\n")
    write(root / "Kconfig", "")
    header = "void memcpy_from_page(void);\nvoid memcpy_to_page(void);\n"
    write(root / "include/linux/highmem.h", header)
    write(root / "MAINTAINERS", MAINTAINERS)
    write(root / "scripts/get_maintainer.pl", SCRIPT)
    write(root / "drivers/a/one.c", ONE)
    write(root / "fs/two.c", TWO)
    return root


def make(tree, *more):
    return cli.main(["series", "--kernel", str(tree), *map(str, more)])


def mails(folder):
    return sorted(folder.glob("0*.patch"))


def read(file):
    return message_from_bytes(file.read_bytes(), policy=policy.default)


def test_mails_without_git(tree, tmp_path, capsys, contents):
    before = contents(tree)
    assert make(tree, "--out", tmp_path / "out") == 0
    letter, first, second = map(read, mails(tmp_path / "out"))
    assert contents(tree) == before
    assert (
        letter["Subject"]
        == "[PATCH 0/2] Replace 2 mappings by kmap() and kmap_atomic()"
    )
    assert "1 function stays" in letter.get_content()
    wanted = "[PATCH 1/2] a: one: Replace kmap_atomic() with kmap_local_page()"
    assert first["Subject"] == wanted
    assert (
        second["Subject"]
        == "[PATCH 2/2] fs/two: Replace kmap() with memcpy_from_page()"
    )
    assert first["To"] == "Ann <ann@example.org>" and first["Cc"] == "list@example.org"
    assert "disables page faults and preemption" in " ".join(
        first.get_content().split()
    )
    assert "2 patches; 2 functions converted" in capsys.readouterr().out


def test_the_mails_apply_one_by_one_and_are_what_apply_writes(tree, tmp_path, git):
    git(tree, "init", "-q")
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "all")
    assert make(tree, "--out", tmp_path / "out", "--branch", "kmaplocal/x") == 0
    git(tree, "am", "-q", *map(str, mails(tmp_path / "out")[1:]))
    assert git(tree, "diff", "HEAD", "kmaplocal/x") == ""
    sent = {
        name: (tree / name).read_bytes() for name in ("drivers/a/one.c", "fs/two.c")
    }
    git(tree, "reset", "-q", "--hard", "HEAD~2")
    assert cli.main(["apply", "--kernel", str(tree), "."]) == 0
    assert sent == {name: (tree / name).read_bytes() for name in sent}


def test_a_dry_run_lists_and_writes_nothing(tree, tmp_path, capsys):
    assert make(tree, "--out", tmp_path / "out", "--dry-run") == 0
    shown = capsys.readouterr().out
    assert "a: one: Replace" in shown and "To: Ann <ann@example.org>" in shown
    assert not (tmp_path / "out").exists()


def test_only_and_skip(tree, tmp_path, capsys):
    make(tree, "--dry-run", "--only", "fs")
    assert "drivers" not in capsys.readouterr().out
    make(tree, "--dry-run", "--skip", "fs")
    assert "fs/two" not in capsys.readouterr().out


def test_a_folder_with_something_in_it_is_refused(tree, tmp_path, write, capsys):
    write(tmp_path / "out/old.patch", "")
    assert make(tree, "--out", tmp_path / "out") == 3
    assert "OUT= names a new one" in capsys.readouterr().err


def test_a_branch_that_exists_is_refused(tree, tmp_path, git, capsys):
    git(tree, "init", "-q")
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "all")
    git(tree, "branch", "taken")
    assert make(tree, "--out", tmp_path / "out", "--branch", "taken") == 3
    assert "taken" in capsys.readouterr().err


def test_signed_off_only_by_who_git_names(tree, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    make(tree, "--out", tmp_path / "none")
    assert "Signed-off-by" not in mails(tmp_path / "none")[1].read_text()
    config = tmp_path / "config"
    config.write_text("[user]\nname = Cee\nemail = c@example.org\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    make(tree, "--out", tmp_path / "some")
    first = mails(tmp_path / "some")[1].read_text()
    assert "\nSigned-off-by: Cee <c@example.org>\n---\n" in first


def test_git_send_email_takes_them(tree, tmp_path):
    make(tree, "--out", tmp_path / "out")
    for file in mails(tmp_path / "out"):
        done = subprocess.run(
            ["git", "mailinfo", "/dev/null", "/dev/null"],
            stdin=file.open("rb"),
            capture_output=True,
            cwd=tmp_path,
        )
        assert done.returncode == 0


def test_the_next_version_says_what_is_new(tree, tmp_path, write):
    """one.c was taken upstream, two.c has another function, and three.c is new."""
    make(tree, "--out", tmp_path / "v1")
    sent = read(mails(tmp_path / "v1")[0])["Message-ID"]
    write(tree / "drivers/a/one.c", ONE.replace("_atomic", "_local"))
    write(tree / "fs/two.c", TWO + ONE.partition("\n\n")[2].replace("one", "more"))
    write(tree / "fs/three.c", ONE.replace("one", "three"))
    given = ["--previous", tmp_path / "v1", "--out", tmp_path / "v2"]
    assert make(tree, *given) == 0
    letter, three, two = map(read, sorted((tmp_path / "v2").glob("v2-*.patch")))
    assert letter["In-Reply-To"] == sent
    assert letter["Subject"].startswith("[PATCH v2 0/2]")
    gone = "a: one: Replace kmap_atomic() with kmap_local_page()"
    assert gone in letter.get_content()
    assert "\n---\n\nNew since v1.\n" in three.get_content()
    changes = "\n---\n\nChanges since v1: other edits in fs/two.c.\n"
    assert changes in two.get_content()


def test_a_version_without_changes_says_so(tree, tmp_path):
    make(tree, "--out", tmp_path / "v1")
    make(tree, "--previous", tmp_path / "v1", "--out", tmp_path / "v2")
    for file in sorted((tmp_path / "v2").glob("v2-000[12]*")):
        said = "Changes since v1: none but the lines it applies to."
        assert said in file.read_text()


def test_a_folder_without_mails_is_no_previous_series(tree, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    given = ["--previous", tmp_path / "empty", "--out", tmp_path / "out"]
    assert make(tree, *given) == 3
    assert "PREVIOUS= names a sent series" in capsys.readouterr().err
