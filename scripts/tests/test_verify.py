# SPDX-License-Identifier: GPL-2.0-only
"""make verify, with a kernel of a few lines that compiles in a moment."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from conftest import REPOSITORY

from kmaplocal.prove import record
from kmaplocal.tree.kernel import Tree
from kmaplocal.commands.report import _proofs

# What of the kernel's top Makefile make verify uses.
MAKEFILE = """
VERSION = 6
PATCHLEVEL = 1
ifeq ($(origin CC),default)
CC := gcc
endif
FLAGS = -O2 -Wall $(if $(W),-Wextra) $(NOSTDINC_FLAGS) -I$(CURDIR)/include $(KCFLAGS)
SOURCE = $(CURDIR)/$<
.PHONY: FORCE
allmodconfig:
	grep -v =n $(KCONFIG_ALLCONFIG) > $(O)/.config || :
olddefconfig prepare:
	$(if $(BROKEN),@echo 'no libelf: error'; exit 1)
%.o: %.c FORCE
	@echo '  $(if $(C),CHECK,CC)      $@'
	@mkdir -p $(O)/$(@D)
	@$(if $(C),sparse $(CF) $(FLAGS) $(SOURCE))
	@$(CC) $(FLAGS) -c -o $(O)/$@ $(SOURCE) $(if $(C),2>/dev/null)
%.s: %.c FORCE
	@echo '  CC      $@'
	@mkdir -p $(O)/$(@D)
	@$(CC) $(FLAGS) -S -o $(O)/$@ $(SOURCE)
FORCE:
"""

HIGHMEM = """
#ifndef HIGHMEM_H
#define HIGHMEM_H
#include <linux/types.h>
void *kmap(struct page *page);
void kunmap(struct page *page);
void *kmap_atomic(struct page *page);
void *kmap_local_page(struct page *page);
void __kunmap(const void *address);
#define kunmap_atomic(address) __kunmap(address)
#define kunmap_local(address) __kunmap(address)
static inline void memcpy_to_page(struct page *page, size_t offset,
				  const char *from, size_t len)
{
	char *to = kmap_local_page(page);
	memcpy(to + offset, from, len);
	kunmap_local(to);
}
#endif
"""

TYPES = """
#ifndef TYPES_H
#define TYPES_H
#define __always_inline inline __attribute__((__always_inline__))
#define PAGE_SIZE 4096UL
#define PAGE_MASK (~(PAGE_SIZE - 1))
typedef unsigned long size_t;
struct page { int n; };
struct folio { struct page page; };
#define folio_page(folio, n) (&(folio)->page + (n))
void *memcpy(void *to, const void *from, size_t len);
void *memset(void *to, int value, size_t len);
void clear_page(void *page);
void copy_page(void *to, void *from);
void preempt_disable(void);
void preempt_enable(void);
void pagefault_disable(void);
void pagefault_enable(void);
void use(int line, ...);
#define WARN() use(__LINE__)
#endif
"""

SOURCE = """
#include <linux/highmem.h>

int swap(struct page *one, struct page *two);
int swap(struct page *one, struct page *two)
{
	int *a = kmap_atomic(one);
	int *b = kmap_atomic(two);
	int sum = *a + *b;

	*a = *b;
	kunmap_atomic(b);
	kunmap_atomic(a);
	return sum;
}

void fill(struct page *page, const int *from, int n);
void fill(struct page *page, const int *from, int n)
{
	int *to;

	to = kmap(page);
	memcpy(to, from, 64);
	kunmap(page);
	if (n)
		WARN();
}

int last(struct page *page);
int last(struct page *page)
{
	int *p = kmap(page);

	if (!*p) {
		kunmap(page);
		return 0;
	}
	use(0, p);
	kunmap(page);
	return 1;
}
"""

CONVERTED = (
    SOURCE.replace("kunmap(page)", "kunmap_local(p)")
    .replace("kunmap_atomic", "kunmap_local")
    .replace("kmap_atomic", "kmap_local_page")
    .replace("kmap(", "kmap_local_page(")
    .replace("\tint *to;\n\n\tto = kmap_local_page(page);\n", "")
    .replace(
        "\tmemcpy(to, from, 64);\n\tkunmap_local(p);\n",
        "\tmemcpy_to_page(page, 0, (const char *)from, 64);\n",
    )
)

CHECKPATCH = """#!/usr/bin/perl
while (<STDIN>) {
	$n++ if /^@@/;
	print "fs/aio.c:1: WARNING:DEPRECATED_API: Deprecated use of '$1'\\n"
		if /^\\+.*\\b(kmap|kmap_atomic)\\(/;
	print "fs/aio.c:2: ERROR:TRAILING_WHITESPACE: trailing whitespace\\n" if /^\\+.* $/;
}
"""


@pytest.fixture
def kernel(tmp_path, write):
    """A kernel with one file, converted by hand, and what it was before."""
    root = tmp_path / "linux"
    write(root / "Makefile", MAKEFILE)
    write(root / "Kconfig", "")
    write(root / "include/linux/highmem.h", HIGHMEM)
    write(root / "include/linux/types.h", TYPES)
    write(root / "include/linux/kconfig.h", "")
    write(root / "include/linux/compiler_types.h", "")
    write(root / "scripts/checkpatch.pl", CHECKPATCH)
    write(root / "fs/aio.c", SOURCE)
    write(root / "arch/arm/mm.c", SOURCE)
    shutil.copytree(root, tmp_path / "before")
    write(root / "fs/aio.c", CONVERTED)
    return root


@pytest.fixture
def verify(kernel, tmp_path, fake_spatch):
    """verify(*arguments): the completed process of kmaplocal verify."""
    fake_spatch("exit 0")

    def run(*arguments, before=tmp_path / "before", build=tmp_path / "build"):
        places = ["--kernel", kernel, "--build", build]
        places += ["--before", before] if before else []
        command = [sys.executable, "-m", "kmaplocal", "verify", *places, *arguments]
        settings = {**os.environ, "PYTHONPATH": str(REPOSITORY / "scripts")}
        return subprocess.run(
            list(map(str, command)), env=settings, capture_output=True, text=True
        )

    return run


@pytest.fixture
def mend(kernel):
    """mend(old, new): change the converted file once more."""

    def change(old, new):
        file = kernel / "fs/aio.c"
        text = file.read_text()
        assert text.count(old) == 1, old
        file.write_text(text.replace(old, new))

    return change


def row(done):
    """The words of the table for fs/aio.c, by door."""
    lines = done.stdout.splitlines()
    heads = lines[0].replace("build ", "build_").split()
    return dict(zip(heads, lines[1].replace(" -> ", "->").replace(" of ", "/").split()))


def test_a_good_conversion_passes_every_door(verify, kernel, contents, monkeypatch):
    monkeypatch.delenv("SPATCH")
    before = contents(kernel)
    done = verify()
    assert done.returncode == 0, done.stdout + done.stderr
    found = row(done)
    assert found.pop("identity") == "3/3"
    assert found.pop("checkpatch") == "4->0"
    assert set(found.values()) == {"fs/aio.c", "ok"}
    assert contents(kernel) == before
    assert "something stands against 0, 0 not checked" in done.stdout.splitlines()[-1]


def test_what_was_found_is_recorded(verify, kernel, tmp_path):
    verify()
    after = (kernel / "fs/aio.c").read_bytes()
    folder = tmp_path / "build/proofs"
    said = record.recorded(kernel, "fs/aio.c", after, folder=folder)
    found = record.proved(said)
    doors = [record.IDENTITY, *record.BUILDS, record.SPARSE, record.CHECKPATCH]
    later = (record.CONTEXT, record.FLAG)
    assert [proof.door for proof in found if proof.door not in later] == doors


BUILDS = {"build_x86_64", "build_i386"}


@pytest.mark.parametrize(
    "old, new, doors",
    [
        # A swapped page, and a line that is lost.
        ("b = kmap_local_page(two)", "b = kmap_local_page(one)", {"identity"}),
        ("\t*a = *b;\n", "", {"identity"}),
        # A forgotten unmap, on the way and on a branch.
        ("\tkunmap_local(b);\n", "", {"sparse"}),
        ("\t\tkunmap_local(p);\n\t\treturn", "\t\treturn", {"sparse"}),
        # A variable left over, a blank too much, a typing error.
        ("\tuse(0, p);", "\tint q;\n\tuse(0, p);", BUILDS),
        ("\tuse(0, p);", "\tuse(0, p); ", {"checkpatch"}),
        ("\tuse(0, p);", "\tuse(0, p)", BUILDS),
    ],
)
def test_a_mistake_stands_against_it(verify, mend, old, new, doors):
    mend(old, new)
    done = verify()
    assert done.returncode == 1, done.stdout + done.stderr
    against = done.stdout.split("against the change:\n")[1].split("\n\n")[0]
    found = row(done)
    failed = {d for d in found if d.replace("_", " ", 1) in against or d in against}
    assert doors <= failed, done.stdout
    assert "fs/aio.c:" in against


def differences(done):
    """What is said of each function that is not the same."""
    said = [
        x.split(": identity: ")[1]
        for x in done.stdout.splitlines()
        if x[:3] == "fs/" and ": identity: " in x
    ]
    return dict(line.split(": ", 1) for line in said if ": " in line)


def test_swapped_unmaps_stand_against_it(verify, mend, monkeypatch):
    monkeypatch.delenv("SPATCH")
    mend(
        "\tkunmap_local(b);\n\tkunmap_local(a);\n",
        "\tkunmap_local(a);\n\tkunmap_local(b);\n",
    )
    done = verify("--door", "identity")
    assert done.returncode == 1
    said = differences(done)["swap"]
    assert said.startswith("the same but for its unmaps; fs/aio.c:12: "), said
    assert "is unmapped before" in said


def test_unmap_of_a_moved_pointer_stands_against_it(verify, mend):
    mend("\tkunmap_local(b);\n", "\tkunmap_local(b + 1024);\n")
    assert verify("--door", "identity").returncode == 1


def test_the_page_of_a_kunmap_need_not_be_seen(verify, kernel, tmp_path, monkeypatch):
    """The page is read once more, and somebody else might have changed it."""
    monkeypatch.delenv("SPATCH")
    text = """
#include <linux/highmem.h>
void f(struct page **pages, const int *from);
void f(struct page **pages, const int *from)
{
	int *p = kmap(pages[0]);

	memcpy(p, from, 64);
	use(1);
	kunmap(pages[0]);
}
"""
    (tmp_path / "before/fs/aio.c").write_text(text)
    text = text.replace("kunmap(pages[0])", "kunmap_local(p)")
    (kernel / "fs/aio.c").write_text(text.replace("kmap(", "kmap_local_page("))
    done = verify("--door", "identity")
    assert done.returncode == 0, done.stdout
    assert differences(done) == {"f": "the same but for its unmaps"}


def test_a_variable_more_is_named(verify, kernel, tmp_path, monkeypatch):
    """It takes a register, and what else is other code is not told from that."""
    monkeypatch.delenv("SPATCH")
    text = """
#include <linux/highmem.h>
void f(struct page *page, const int *from);
void f(struct page *page, const int *from)
{
	int *p = kmap(page);

	memcpy(p, from, 64);
	kunmap(page);
}
"""
    (tmp_path / "before/fs/aio.c").write_text(text)
    text = text.replace("int *p = kmap(page)", "void *kaddr = kmap_local_page(page)")
    text = text.replace(
        "\n\n\tmemcpy(p, from, 64)", "\n\tint *p = kaddr;\n\n\tp[1] = *from"
    )
    (kernel / "fs/aio.c").write_text(
        text.replace("kunmap(page)", "kunmap_local(kaddr)")
    )
    done = verify("--door", "identity")
    assert done.returncode == 1, done.stdout
    assert differences(done) == {"f": "not the same code: kaddr keeps the address"}


RECORDS = """
#ifndef RECORDS_H
#define RECORDS_H
struct record {
	unsigned long long key, at;
	long long size;
	unsigned int flags, count;
};
#endif
"""

# 128 records a page; what is read cannot be seen to be the same page again.
READER = """
#include <linux/highmem.h>
#include <linux/records.h>

struct table { struct page **pages; unsigned int first, n; };

int read_table(struct table *table, struct record *to);
int read_table(struct table *table, struct record *to)
{
	struct record *head, *record;
	unsigned int n, from;

	head = kmap_atomic(table->pages[0]);
	from = head->count;
	kunmap_atomic(head);
	for (n = 0; n < table->n; n++) {
		record = kmap(table->pages[n]);
		if (!record[from % 128].flags) {
			kunmap(table->pages[n]);
			return -1;
		}
		memcpy(to + n, record + from % 128, sizeof(*to));
		kunmap(table->pages[n]);
	}
	return 0;
}
"""
READ = (
    READER.replace("kunmap(table->pages[n])", "kunmap_local(record)")
    .replace("kunmap_atomic", "kunmap_local")
    .replace("kmap_atomic", "kmap_local_page")
    .replace("kmap(", "kmap_local_page(")
)
COPIED = "sizeof(*to));\n\t\tkunmap_local(record);\n"
LAST = "\t\tkunmap_local(record);\n\t}\n\treturn 0;\n"


@pytest.fixture
def read_by(kernel, tmp_path, write, verify, monkeypatch):
    """read_by(*changes): what verify says where read_table() was converted, and then
    changed from the first to the second of each of CHANGES."""
    monkeypatch.delenv("SPATCH")
    for root in (kernel, tmp_path / "before"):
        write(root / "include/linux/records.h", RECORDS)
    write(tmp_path / "before/fs/aio.c", READER)

    def run(*changes):
        text = READ
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (kernel / "fs/aio.c").write_text(text)
        return verify("--door", "identity")

    return run


@pytest.mark.parametrize(
    "changes",
    [
        [],
        [(COPIED, COPIED.replace("(record)", "(record + 127)"))],
        [(COPIED, COPIED.replace("(record)", "((char *)record + 40)"))],
        [(COPIED, COPIED.replace("(record)", "(record + from % 128)"))],
        [(COPIED, COPIED.replace("(record)", "(&record[from % 128])"))],
        # The head stays mapped, under the records.
        [
            ("\tkunmap_local(head);\n", ""),
            ("\t\t\treturn -1;\n", "\t\t\tkunmap_local(head);\n\t\t\treturn -1;\n"),
            ("\treturn 0;\n", "\tkunmap_local(head);\n\treturn 0;\n"),
        ],
    ],
)
def test_other_unmaps_that_are_right(read_by, changes):
    done = read_by(*changes)
    assert done.returncode == 0, done.stdout + done.stderr
    assert differences(done) == {"read_table": "the same but for its unmaps"}


@pytest.mark.parametrize(
    "changes, line, why",
    [
        ([(COPIED, COPIED.replace("record)", "record + 128)"))], 23, "another page"),
        (
            [(COPIED, COPIED.replace("record)", "record + from)"))],
            23,
            "nothing in sight says",
        ),
        (
            [(COPIED, COPIED.replace("record)", "(char *)record - 1)"))],
            23,
            "another page",
        ),
        ([(COPIED, COPIED.replace("(record", "(head"))], 17, "mapped again"),
        ([(COPIED, COPIED.replace("(record", "(to"))], 8, "some paths only"),
        ([(COPIED, COPIED + "\t\tkunmap_local(record);\n")], 24, "unmapped twice"),
        ([(LAST, LAST[24:])], 17, "still mapped"),
        (
            [(COPIED, COPIED.replace("\t\tk", "\t\trecord += from;\n\t\tk"))],
            24,
            "was moved and may have left the page",
        ),
        (
            [
                ("\t\tmemcpy", "\t\tkunmap_local(record);\n\t\tmemcpy"),
                (LAST, LAST[24:]),
            ],
            23,
            "used after the unmap",
        ),
        # The head stays mapped, but is unmapped first.
        (
            [
                ("\tkunmap_local(head);\n", ""),
                (COPIED, COPIED + "\t\tkunmap_local(head);\n"),
            ],
            0,
            "",
        ),
    ],
)
def test_other_unmaps_that_are_wrong(read_by, changes, line, why):
    done = read_by(*changes)
    assert done.returncode == 1, done.stdout + done.stderr
    said = differences(done)["read_table"]
    assert said.startswith("the same but for its unmaps; fs/aio.c:"), said
    assert why in said and (not line or f"aio.c:{line}: " in said), said


def test_a_wrong_unmap_beside_a_helper(verify, mend, monkeypatch):
    """The code of a helper is other code: nothing else tells of the unmap."""
    monkeypatch.delenv("SPATCH")
    mend(
        "\tmemcpy_to_page(page, 0, (const char *)from, 64);\n",
        "\tint *p = kmap_local_page(page);\n\n\tp[n & 7] = from[0];\n"
        "\tkunmap_local(p + 1024);\n\tmemcpy_to_page(page, 0, (char *)from, 64);\n",
    )
    done = verify("--door", "identity")
    assert done.returncode == 1, done.stdout
    assert "p + 1024 is in another page" in differences(done)["fill"]


def test_disabling_page_faults_by_hand_is_the_same(verify, mend):
    mend("\tint *a =", "\tpagefault_disable();\n\tpagefault_disable();\n\tint *a =")
    mend(
        "\tkunmap_local(a);\n",
        "\tkunmap_local(a);\n\tpagefault_enable();\n\tpagefault_enable();\n",
    )
    assert "not the same code" in differences(verify())["swap"]


def test_a_helper_with_other_code_is_shown(verify, mend, tmp_path):
    mend("(const char *)from, 64)", "(const char *)&(struct page) { from[n] }, 4)")
    done = verify()
    assert done.returncode == 0
    assert "memcpy_to_page() replaces" in differences(done)["fill"]
    shown = list((tmp_path / "build/verify").glob("*/differences/fs/aio.c.diff"))
    assert shown and shown[0].read_text().startswith("--- before/fill\n")
    assert str(shown[0]) in done.stdout


def test_one_door_alone(verify, mend):
    mend("\tkunmap_local(b);\n", "")
    assert row(verify("--door", "checkpatch")) == {
        "file": "fs/aio.c",
        "checkpatch": "4->0",
    }
    done = verify("--door", "sparse", "--door", "i386")
    assert done.returncode == 1
    assert row(done).keys() == {"file", "sparse", "build_i386"}


def test_nothing_changed(verify, kernel):
    done = verify(before=kernel)
    assert done.returncode == 0
    assert "nothing to verify" in done.stdout


def test_another_architecture_is_listed(verify, kernel):
    (kernel / "arch/arm/mm.c").write_text(CONVERTED)
    done = verify(".")
    assert done.returncode == 2
    assert "arch/arm/mm.c: identity: not compiled: needs another" in done.stdout
    assert "1 not checked" in done.stdout.splitlines()[-1]


def test_code_that_was_broken_before_is_not_held_against_it(verify, kernel, tmp_path):
    for root in (kernel, tmp_path / "before"):
        file = root / "fs/aio.c"
        file.write_text(file.read_text() + "int x = no_such_thing;\n")
    done = verify()
    assert done.returncode == 2
    assert "no_such_thing" in done.stdout


def test_a_new_file_cannot_be_checked(verify, kernel):
    shutil.copy(kernel / "fs/aio.c", kernel / "fs/new.c")
    done = verify("fs/new.c")
    assert done.returncode == 2
    assert "fs/new.c: is new" in done.stdout


def test_an_included_file_is_seen_through_its_parent(verify, kernel, tmp_path):
    for root, text in ((kernel, CONVERTED), (tmp_path / "before", SOURCE)):
        (root / "fs/part.h").write_text(text)
        (root / "fs/aio.c").write_text('#include "part.h"\n')
    done = verify("fs/part.h")
    assert done.returncode == 0, done.stdout
    assert row(done)["identity"] == "3/3"


def test_the_compiler_is_passed_on(verify, write, tmp_path):
    log = tmp_path / "log"
    write(tmp_path / "bin/cache", f'#!/bin/sh\necho "$1" >> {log}\nexec "$@"\n', 0o755)
    assert verify("--cc", f"{tmp_path}/bin/cache gcc").returncode == 0
    assert set(log.read_text().split()) == {"gcc"}


def test_json(verify):
    done = verify("--format", "json")
    found = json.loads(done.stdout)["files"]["fs/aio.c"]
    assert found["identity"]["outcome"] == record.PASSED
    assert found[record.I386]["words"] == "ok"


def one_line(done, *words):
    assert done.returncode == 3, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("kmaplocal: ")
    for word in words:
        assert word in line


def test_bad_use_is_one_line(verify, tmp_path, kernel, write):
    one_line(verify("fs/none.c"), "fs/none.c", "no such file")
    one_line(verify(before=tmp_path / "none"), "no such folder")
    one_line(verify("--out", tmp_path / "none/x"), "no such folder")
    one_line(verify("--door", "luck"), "no such door")
    one_line(verify(build=tmp_path / "a b"), "blank")
    write(kernel / ".config", "")
    one_line(verify(), "mrproper")


def test_a_kernel_that_cannot_be_prepared(verify, kernel):
    text = (kernel / "Makefile").read_text()
    (kernel / "Makefile").write_text("BROKEN = 1\n" + text)
    one_line(verify(), "make prepare for x86_64 failed: no libelf: error", "DOORS=")


def test_a_kernel_without_highmem64g(verify, kernel):
    text = (kernel / "Makefile").read_text()
    (kernel / "Makefile").write_text(text.replace("grep -v =n", "grep -v =."))
    one_line(verify(), "CONFIG_HIGHMEM64G=y did not survive")
    assert verify("--door", "identity", "--door", "sparse").returncode == 0


def test_the_report_tells_what_was_proved(verify, kernel, monkeypatch, tmp_path):
    verify("--door", "identity", "--door", "sparse")
    monkeypatch.setattr(record, "PROOFS", tmp_path / "build/proofs")
    tree = Tree(kernel)
    (proofs,) = _proofs(tree, ["."]).items()
    assert (proofs[0], list(map(str, proofs[1]))) == (
        "fs/aio.c",
        ["identity", "sparse"],
    )
    assert _proofs(tree, ["include"]) == {}
    (kernel / "fs/aio.c").write_text(SOURCE)
    assert _proofs(tree, ["."]) == {}


FAULTING = """
#include <linux/highmem.h>
unsigned long copy_to_user(void *to, const void *from, unsigned long n);
int copy(struct page *page, void *to);
int copy(struct page *page, void *to)
{
	int *from = kmap_atomic(page);
	int left = copy_to_user(to, from, 64);

	kunmap_atomic(from);
	return left;
}
"""
RENAMED = FAULTING.replace("kmap_atomic", "kmap_local_page").replace(
    "kunmap_atomic", "kunmap_local"
)
AROUND = RENAMED.replace("\tint *from", "\tpagefault_disable();\n\tint *from").replace(
    "kunmap_local(from);\n", "kunmap_local(from);\n\tpagefault_enable();\n"
)
WITHIN = RENAMED.replace("int left =", "int left;\n\n\tpagefault_disable();\n\tleft =")
WITHIN = WITHIN.replace("\n\n\tkunmap", "\n\tpagefault_enable();\n\tkunmap")


@pytest.mark.parametrize(
    "after, words", [(RENAMED, "1 new"), (AROUND, "ok"), (WITHIN, "ok")]
)
def test_page_faults_that_were_disabled(
    verify, kernel, tmp_path, monkeypatch, after, words
):
    monkeypatch.delenv("SPATCH")
    (tmp_path / "before/fs/aio.c").write_text(FAULTING)
    (kernel / "fs/aio.c").write_text(after)
    done = verify("--door", "context", "--door", "identity", "--format", "json")
    found = json.loads(done.stdout)["files"]["fs/aio.c"]
    assert found["context"]["words"] == words, found
    if after != RENAMED:
        (remark, *_) = found["identity"]["remarks"]
        assert remark.endswith(
            "the same with kmap_atomic()'s pagefault_disable() spelt out"
        )
    else:
        (remark,) = found["context"]["remarks"]
        assert "needs page faults disabled" in remark
        assert remark.startswith("fs/aio.c:8: context: copy")
