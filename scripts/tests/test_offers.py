# SPDX-License-Identifier: GPL-2.0-only
"""IDIOMS=1: helpers for mappings that are local already, and nothing else."""

import subprocess

import pytest
from conftest import REPOSITORY

from kmaplocal import cli

OPEN = "{\n\tchar *kaddr;\n\n\tkaddr = kmap_local_page(page);\n"
COPIED = f"""\
void copied(struct page *page, char *to)
{OPEN}\tmemcpy(to, kaddr + 64, 32);
\tkunmap_local(kaddr);
}}
"""
SUMMED = f"""\
int summed(struct page *page, char *to)
{OPEN}\tmemcpy(to, kaddr + 64, 32);
\tto[0] += kaddr[0];
\tkunmap_local(kaddr);
\treturn 0;
}}
"""
UNBOUNDED = f"""\
void unbounded(struct page *page, char *to, size_t length)
{OPEN}\tmemcpy(to, kaddr + 64, length);
\tkunmap_local(kaddr);
}}
"""
LEAKED = f"""\
int leaked(struct page *page, char *to)
{OPEN}\tmemcpy(to, kaddr, 32);
\tif (to[0])
\t\treturn 1;
\tkunmap_local(kaddr);
\treturn 0;
}}
"""
FOLIO = f"""\
void zeroed(struct folio *folio)
{OPEN.replace("(page)", "(&folio->page)")}\tmemset(kaddr, 0, 64);
\tflush_dcache_page(&folio->page);
\tkunmap_local(kaddr);
}}
"""
OLD = f"""\
void old(struct page *page, struct page *other, char *to)
{OPEN}\tmemcpy(to, kaddr + 64, 32);
\tkunmap_local(kaddr);
\tkaddr = kmap_atomic(other);
\tto[0] = kaddr[0];
\tkunmap_atomic(kaddr);
}}
"""
HELPERS = "kmap_local_page memcpy_from_page memzero_page folio_zero_range"


@pytest.fixture
def offered(tmp_path, write, capsys):
    """offered(CODE, OPTION): the lines that are added to CODE."""

    def run(code, *options):
        declared = "".join(f"void {name}(void);\n" for name in HELPERS.split())
        write(tmp_path / "Makefile", "VERSION = 6\nPATCHLEVEL = 1\n")
        write(tmp_path / "Kconfig", "")
        write(tmp_path / "include/linux/highmem.h", declared)
        write(tmp_path / "a.c", f"#include <linux/highmem.h>\n\n{code}")
        given = ["--kernel", str(tmp_path), "--dry-run", *options, "a.c"]
        assert cli.main(["apply", *given]) == 0
        told = capsys.readouterr()
        assert "kept" not in told.out
        lines = told.out.splitlines()
        return [line[1:].strip() for line in lines if line[:1] == "+"][1:]

    return run


def test_a_copy_becomes_a_helper(offered):
    assert offered(COPIED, "--idioms") == ["memcpy_from_page(to, page, 64, 32);"]


def test_a_folio_is_zeroed_and_flushed_by_its_helper(offered):
    assert offered(FOLIO, "--idioms") == ["folio_zero_range(folio, 0, 64);"]


def test_nothing_is_offered_without_being_asked_for(offered):
    assert not offered(COPIED)


@pytest.mark.parametrize("code", [SUMMED, UNBOUNDED, LEAKED, OLD])
def test_what_is_no_helper_is_left_alone(offered, code):
    assert not offered(code, "--idioms")


def test_what_is_old_waits_for_its_conversion(offered):
    found = offered(OLD)
    assert "kaddr = kmap_local_page(other);" in found
    assert not any("memcpy" in line for line in found)


def test_plain_spatch_offers_them_too(tmp_path, write):
    file = write(tmp_path / "a.c", COPIED)
    rules = REPOSITORY / "cocci/kmap_local.cocci"
    command = ["spatch", "--very-quiet", "--sp-file", rules, "-D", "patch"]
    run = [
        subprocess.run([*command, *more, file], capture_output=True, text=True)
        for more in (["-D", "idioms"], [])
    ]
    assert "+\tmemcpy_from_page(to, page, 64, 32);" in run[0].stdout
    assert not run[1].stdout
