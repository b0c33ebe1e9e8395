# SPDX-License-Identifier: GPL-2.0-only
"""make series: mails of a small tree, as a maintainer gets them."""

import subprocess
from email import message_from_bytes, policy

import pytest

from kmaplocal import cli
from kmaplocal.errors import GitTrouble
from kmaplocal.prove import record, trial
from kmaplocal.prove.steps import Built, Steps
from kmaplocal.series.commits import Commits

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
def tree(tmp_path, write, author):
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
    wanted = "[PATCH 0/2] Replace 2 calls of kmap{,_atomic}()"
    assert letter["Subject"] == wanted
    said = letter.get_content()
    assert "1 function stays as it is" in said
    assert "make report KERNEL=linux FILES=.\n" in said
    assert "     1 convert what maps and what unmaps" in said
    assert "       fs/two.c: kept()\n" in said
    assert "other file" not in said
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


def test_the_letter_of_a_part_says_what_is_left_elsewhere(tree, tmp_path, write):
    write(tree / "drivers/a/three.c", ONE.replace("one(", "three("))
    assert make(tree, "--out", tmp_path / "out", "drivers", "--split", "file") == 0
    said = read(mails(tmp_path / "out")[0]).get_content()
    assert "1 other file of the tree names such calls" in said
    assert "stays as it is" not in said and "next steps" not in said


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


def test_no_part_of_a_series_stays(in_git, tmp_path, git, monkeypatch, capsys):
    """As where the disk is full when git writes the second mail."""
    before = git(in_git, "branch")

    def half(_line, out, *_rest):
        out.mkdir()
        (out / "0001-half.patch").write_text("From")
        raise GitTrouble("git format-patch: No space left on device")

    monkeypatch.setattr(Commits, "mails", half)
    assert make(in_git, "--out", tmp_path / "out") == 3
    assert "No space left" in capsys.readouterr().err
    assert not mails(tmp_path / "out") and git(in_git, "branch") == before


def test_a_branch_that_exists_is_refused(tree, tmp_path, git, capsys):
    git(tree, "init", "-q")
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "all")
    git(tree, "branch", "taken")
    assert make(tree, "--out", tmp_path / "out", "--branch", "taken") == 3
    assert "taken" in capsys.readouterr().err


@pytest.fixture
def in_git(tree, git):
    """The tree, all of it committed."""
    git(tree, "init", "-q")
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "all")
    return tree


def test_commits_are_on_a_branch_of_the_day(in_git, tmp_path, git, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    for name in ("one", "two"):
        assert make(in_git, "--out", tmp_path / name, "--only", "fs") == 0
    branches = git(in_git, "branch", "--format=%(refname:short)").split()
    assert {"kmaplocal/2023-11-14", "kmaplocal/2023-11-14-2"} < {*branches}
    given = ["--out", tmp_path / "three", "--only", "fs", "--branch", "none"]
    assert make(in_git, *given) == 0
    assert git(in_git, "branch", "--format=%(refname:short)").split() == branches


def test_a_branch_that_cannot_be_made(tree, tmp_path, git, capsys):
    assert make(tree, "--out", tmp_path / "out", "--branch", "mine") == 3
    assert "not in git" in capsys.readouterr().err
    git(tree, "init", "-q")
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "all")
    assert make(tree, "--out", tmp_path / "out", "--branch", "a..b") == 3
    assert "no name of a branch" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("setting", ["--only", "--skip"])
def test_a_place_that_there_is_not(tree, setting, capsys):
    assert make(tree, "--dry-run", setting, "fs/none.c") == 3
    assert "fs/none.c: no such file" in capsys.readouterr().err


def test_a_version_keeps_the_prefix_of_the_one_before(tree, tmp_path):
    make(tree, "--out", tmp_path / "v1")
    for file in mails(tmp_path / "v1"):
        file.write_text(file.read_text().replace("[PATCH ", "[PATCH mm RESEND v3 "))
    make(tree, "--previous", tmp_path / "v1", "--out", tmp_path / "v4")
    (letter,) = (tmp_path / "v4").glob("v4-0000*")
    assert read(letter)["Subject"].startswith("[PATCH mm v4 0/2] Replace")


def test_signed_off_by_who_git_names(tree, tmp_path, monkeypatch):
    for variable in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL"):
        monkeypatch.delenv(variable)
    config = tmp_path / "config"
    config.write_text("[user]\nname = Cee\nemail = c@example.org\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    make(tree, "--out", tmp_path / "some")
    first = mails(tmp_path / "some")[1].read_text()
    assert "\nFrom: Cee <c@example.org>\n" in first
    assert "\nSigned-off-by: Cee <c@example.org>\n---\n" in first


def test_mails_from_nobody_are_not_written(tree, tmp_path, monkeypatch, capsys):
    """Nobody could send them, and git am would refuse them."""
    for variable in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "EMAIL"):
        monkeypatch.delenv(variable, raising=False)
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    assert make(tree, "--out", tmp_path / "none") == 3
    assert "git does not know who the patches are from" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
    assert make(tree, "--out", tmp_path / "none", "--dry-run") == 0


def test_a_subject_is_one_line(tree, tmp_path, write):
    name = "drivers/a/one_with_quite_a_long_name_for_a_file_of_a_driver.c"
    write(tree / name, ONE)
    make(tree, "--out", tmp_path / "out", "--split", "file")
    for file in mails(tmp_path / "out"):
        head = file.read_text().split("\n\n")[0].split("\n")
        (number,) = [n for n, line in enumerate(head) if line.startswith("Subject:")]
        assert not head[number + 1].startswith(" ")
        assert head[number].endswith(")")


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
    said = two.get_content()
    assert "\n---\n\nChanges since v1: edits of more lines of fs/two.c.\n" in said
    anew = " ".join(said.partition("\n---\n")[2].split())
    assert "New in the message: more() maps a page with kmap_atomic()" in anew
    assert "two() maps a page" not in anew


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


def test_one_patch_needs_no_cover_letter(tree, tmp_path):
    make(tree, "--out", tmp_path / "out", "--only", "fs")
    (only,) = (tmp_path / "out").glob("*.patch")
    assert (
        read(only)["Subject"]
        == "[PATCH] fs/two: Replace kmap() with memcpy_from_page()"
    )


def test_the_same_again_with_a_fixed_date(tree, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    for name in ("one", "two"):
        make(tree, "--out", tmp_path / name, "--context", "0")
    one, two = (
        {file.name: file.read_text() for file in (tmp_path / name).iterdir()}
        for name in ("one", "two")
    )
    assert one == two


@pytest.fixture
def unbuilt(monkeypatch):
    """Nothing is compiled."""
    monkeypatch.setattr(Steps, "run", lambda each: [Built() for _ in each.steps])


def said(tree, build, outcome):
    """Record that each door ended with OUTCOME for the change of drivers/a/one.c."""
    path = "drivers/a/one.c"
    before = (tree / path).read_bytes()
    after = before.replace(b"kmap_atomic", b"kmap_local_page")
    after = after.replace(b"kunmap_atomic", b"kunmap_local")
    for door in trial.TABLE:
        detail = f"{path}:7: {door}: new warning" if outcome == record.FAILED else ""
        record.add(tree, path, before, after, door, outcome, detail, build / "proofs")


def test_what_was_checked_is_said(tree, tmp_path, unbuilt):
    said(tree, tmp_path / "build", record.PASSED)
    given = ["--only", "drivers", "--verify", "--build", tmp_path / "build"]
    assert make(tree, "--out", tmp_path / "out", *given) == 0
    (only,) = (tmp_path / "out").glob("*.patch")
    text = " ".join(only.read_text().split())
    assert "Built for x86_64 allmodconfig and i386 with HIGHMEM64G without" in text
    assert "the object code before and after is the same." in text


def test_what_something_stands_against_is_told_in_the_cover_letter(tree, tmp_path):
    said(tree, tmp_path / "build", record.FAILED)
    given = ["--only", "drivers", "--verify", "--build", tmp_path / "build"]
    given += ["--out", tmp_path / "out"]
    assert make(tree, *given) == 0
    assert not list(tmp_path.glob("out/*.patch"))


LATE = """#include <linux/highmem.h>

void late(struct page *a, struct page *b)
{
	char *x = kmap_local_page(a);
	char *y = kmap_local_page(b);

	x[0] = y[0];
	kunmap_local(x);
	kunmap_local(y);
}

char page(struct page *p)
{
	char *x = kmap_local_page(p);
	char c = x[0];

	kunmap_local(p);
	return c;
}
"""


@pytest.fixture
def wrong(tree, write, git, monkeypatch, unbuilt):
    """The tree in git, with mistakes that a later commit made; the doors are open."""
    git(tree, "init", "-q")
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "all")
    write(tree / "fs/late.c", LATE)
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "fs: Be late")
    monkeypatch.setattr(trial, "results", lambda *given: [])
    return tree


def test_fixes(wrong, tmp_path, git):
    """Two mistakes of one file, with their effect, and the commit that made them."""
    given = ["--fixes", "error", "--out", tmp_path / "out", "--only", "fs/late.c"]
    assert make(wrong, *given) == 0
    (only,) = (tmp_path / "out").glob("*.patch")
    mail = read(only)
    wanted = "[PATCH] fs: Correct the use of page mappings in late() and page()"
    assert " ".join(mail["Subject"].split()) == wanted
    text = mail.get_content()
    assert "In late() x (line 5) is unmapped while" in " ".join(text.split())
    assert "The mappings of a thread are a stack" in text
    commit = git(wrong, "log", "-1", "--format=%h", "--abbrev=12").strip()
    assert f'Fixes: {commit} ("fs: Be late")\n' in text
    git(wrong, "am", "-q", str(only))
    fixed = (wrong / "fs/late.c").read_text()
    assert "kunmap_local(y);\n\tkunmap_local(x);" in fixed
    assert "kunmap_local(p)" not in fixed


def test_no_commit_is_blamed_that_git_does_not_know_of(wrong, tmp_path, git):
    git(wrong, "checkout", "-q", "--orphan", "fresh")
    git(wrong, "commit", "-qm", "all at once")
    make(wrong, "--fixes", "error", "--out", tmp_path / "out", "--only", "fs/late.c")
    (only,) = (tmp_path / "out").glob("*.patch")
    assert "Fixes:" not in only.read_text()


EARLY = """#include <linux/highmem.h>

int early(struct page *page, const char *from, int n)
{
	char *at = kmap_local_page(page);

	if (n > 10)
		return -EINVAL;
	memcpy(at, from, n);
	kunmap_local(at);
	return 0;
}

int used(struct page *page)
{
	char *at = kmap_local_page(page);

	if (at[0])
		return at[1];
	kunmap_local(at);
	return 0;
}
"""


def test_what_is_not_committed_is_no_part_of_a_patch(wrong, tmp_path, write, capsys):
    write(wrong / "fs/two.c", f"{TWO}int theirs;\n")
    given = ["--out", tmp_path / "out", "--only", "fs/two.c"]
    assert make(wrong, *given) == 3
    assert "fs/two.c: uncommitted changes" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_leak_is_mended_where_the_unmap_can_be_added(wrong, tmp_path, write, git):
    write(wrong / "fs/early.c", EARLY)
    git(wrong, "add", "-A")
    git(wrong, "commit", "-qm", "fs: Early")
    given = ["--fixes", "error", "--out", tmp_path / "out", "--only", "fs/early.c"]
    make(wrong, *given)
    (only,) = (tmp_path / "out").glob("*.patch")
    mail = read(only)
    assert mail["Subject"].endswith("Unmap the page on every path in early()")
    text = mail.get_content()
    assert "+\t\tkunmap_local(at);\n \t\treturn -EINVAL;\n+\t}" in text
    assert "entry stays on the stack of the thread's mappings" in " ".join(text.split())
    assert "used" not in text.partition("---")[0]


def test_the_message_of_a_leak_names_the_jump(wrong, tmp_path, write, git):
    text = EARLY.replace("return -EINVAL", "goto out", 1)
    text = text.replace(
        "\tkunmap_local(at);\n\treturn", "\tkunmap_local(at);\nout:\n\treturn", 1
    )
    write(wrong / "fs/early.c", text)
    git(wrong, "add", "-A")
    git(wrong, "commit", "-qm", "fs: Early")
    given = ["--fixes", "error", "--out", tmp_path / "out", "--only", "fs/early.c"]
    make(wrong, *given)
    (only,) = (tmp_path / "out").glob("*.patch")
    said = read(only).get_content()
    assert "where line 12 leaves, by the jump of line 8." in " ".join(said.split())
    assert "+\t\tkunmap_local(at);\n \t\tgoto out;\n+\t}" in said


CORRELATED = """#include <linux/highmem.h>

int some(struct page **pages, int n, char *to, int limit)
{
	bool mapped = false;
	char *src = to;
	int i;

	for (i = 0; i < n; i++) {
		if (to[i]) {
			if (mapped)
				kunmap_local(src);
			src = kmap_local_page(pages[i]);
			mapped = true;
		}
		if (src[0] > limit)
			goto bad;
	}
	if (mapped)
		kunmap_local(src);
	return 0;
bad:
	return -1;
}
"""


def test_the_letter_says_why_a_leak_is_not_mended(wrong, tmp_path, write, git):
    """Whether the page is mapped at the jump is known to a variable alone."""
    write(wrong / "fs/some.c", CORRELATED)
    write(wrong / "fs/last.c", LATE.replace("late(", "last("))
    git(wrong, "add", "-A")
    git(wrong, "commit", "-qm", "more")
    given = ["--fixes", "error", "--out", tmp_path / "out", "--split", "file"]
    make(wrong, *given, "--only", "fs")
    said = " ".join(read(mails(tmp_path / "out")[0]).get_content().split())
    assert "fs/some.c:23: some: src, mapped in line 13" in said
    assert "where it is mapped: that depends on mapped" in said
