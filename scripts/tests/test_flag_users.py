# SPDX-License-Identifier: GPL-2.0-only
"""Files without a map or unmap function, that map by what another file has."""

import json
import os
import subprocess
import sys

import pytest
from conftest import REPOSITORY

HELPERS = """\
#include <linux/highmem.h>

void *slot_map(struct page *page)
{
	return kmap_local_page(page);
}

void slot_unmap(void *slot)
{
	kunmap_local(slot);
}
"""
USER = """\
int leaks(struct page *page)
{
	int *slot = slot_map(page);

	if (!slot[0])
		return -1;
	slot_unmap(slot);
	return 0;
}

int ends(struct page *page)
{
	int *slot = slot_map(page);
	int first = slot[0];

	slot_unmap(slot);
	return first;
}
"""
OTHER = """\
static int slot_map(struct page *page)
{
	return page != 0;
}

int asks(struct page *page)
{
	return slot_map(page);
}
"""


@pytest.fixture
def tree(tmp_path, write):
    """A tree with helpers, their user, and a file with a function of such a name."""
    write(tmp_path / "Makefile", "VERSION = 6\nPATCHLEVEL = 1\n")
    write(tmp_path / "Kconfig", "")
    write(tmp_path / "include/linux/highmem.h", "")
    write(tmp_path / "mm/helpers.c", HELPERS)
    write(tmp_path / "fs/user.c", USER)
    write(tmp_path / "fs/other.c", OTHER)
    return tmp_path


def leaks(tree, *files):
    """The leaks that `flag` tells of in FILES of TREE."""
    line = [sys.executable, "-m", "kmaplocal", "flag", "--kernel", tree]
    line += ["--format", "json", "--fail-on", "never", *files]
    done = subprocess.run(
        line,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "scripts")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert not told["not_analysed"]
    found = [f for f in told["findings"] if f["rule"] == "kmap-leak"]
    return [(f["file"], f["line"], f["function"]) for f in found]


@pytest.mark.parametrize(
    "files", [["."], ["fs/user.c"], ["mm", "fs/user.c"], ["mm", "fs"]]
)
def test_user_is_read(tree, files):
    assert leaks(tree, *files) == [("fs/user.c", 6, "leaks")]


@pytest.mark.parametrize("files", [["mm"], ["fs/other.c"], ["mm/helpers.c"]])
def test_what_was_not_asked_for_is_left_alone(tree, files):
    assert leaks(tree, *files) == []
