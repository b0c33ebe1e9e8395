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


def driver(*words, status=0):
    """What a door of the driver did, that ended with STATUS."""
    done = subprocess.run(
        [sys.executable, "-m", "kmaplocal", *words],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "scripts")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == status, done.stderr
    return done


def run(tree, *words, status=0):
    """What `flag` did, in TREE, that ended with STATUS."""
    asked = ["flag", "--kernel", tree, "--format", "json", "--fail-on", "never"]
    return driver(*asked, *words, status=status)


def leaks(tree, *words):
    """The leaks that `flag` tells of in TREE, as WORDS ask."""
    done = run(tree, *words)
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


def merged(tree, of):
    """What OF shards find in TREE, joined."""
    names = [f"{tree}/{number}.json" for number in range(1, of + 1)]
    for number, name in enumerate(names, 1):
        run(tree, "--shard", f"{number}/{of}", "--out", name)
    return json.loads(driver("merge", *names).stdout)


@pytest.mark.parametrize("of", [1, 2, 5])
def test_shards_find_what_one_run_does(tree, write, of):
    write(tree / "fs/both.c", USER.replace("leaks", "both") + HELPERS)
    whole = json.loads(run(tree).stdout)
    assert len(whole["findings"]) > 2
    assert merged(tree, of) == whole


@pytest.fixture
def since(tree, git):
    """since(): what `flag` tells of what changed since the tree was committed."""
    git(tree, "init", "-q")
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "first")

    def ask(*more):
        return leaks(tree, "--since", "HEAD", *more)

    return ask


def test_changed_user_is_read(tree, since):
    assert since() == []
    user = tree / "fs/user.c"
    user.write_text(USER.replace("return -1", "return -2"))
    assert since() == [("fs/user.c", 6, "leaks")]
    assert since("mm") == []


def test_unchanged_function_is_not_told_of(tree, since):
    user = tree / "fs/user.c"
    user.write_text(USER.replace("first = slot[0]", "first = slot[1]"))
    assert since() == []


def test_function_beside_a_map_call_is_read(tree, since):
    """The file has a map call of its own, the function that changed has none."""
    user = tree / "fs/user.c"
    own = HELPERS.replace("slot_", "own_")
    user.write_text(own + USER.replace("return -1", "return -2"))
    assert ("fs/user.c", 17, "leaks") in since()


def test_patched_user_is_read(tree, since, git):
    user = tree / "fs/user.c"
    user.write_text(USER.replace("return -1", "return -2"))
    patch = tree / "change.patch"
    patch.write_text(git(tree, "diff"))
    assert leaks(tree, "--patch", str(patch)) == [("fs/user.c", 6, "leaks")]


HEADS = """\
#define for_each_slot(t, i, p) \\
	for ((i) = 0, (p) = kmap_local_page((t)->pages[0]); (i) < 8; \\
	     kunmap_local(p), (p) = kmap_local_page((t)->pages[++(i)])) \
		if (*(p))
#define for_each_number(t, i) for ((i) = 0; (i) < (t)->n; (i)++)
"""
LOOPING = """\
#include "heads.h"

int by_macro(struct table *t, int n)
{
	char *p;
	int i;

	for_each_slot(t, i, p)
		n += p[0];
	return n;
}

int by_macro_and_map(struct table *t, struct page *page)
{
	char *p, *v = kmap_local_page(page);
	int i, n = 0;

	for_each_slot(t, i, p)
		n += p[0] + v[i];
	kunmap_local(v);
	return n;
}

int by_another(struct table *t, struct page *page)
{
	char *v = kmap_local_page(page);
	int i, n = 0;

	for_each_number(t, i)
		n += v[i];
	kunmap_local(v);
	return n;
}
"""


def test_what_a_macro_maps_in_the_head_of_a_loop_is_told(tree, write):
    """No call shows it, and it is more than a loop: who uses the macro is not analysed,
    and that is said."""
    write(tree / "fs/heads.h", HEADS)
    write(tree / "fs/looping.c", LOOPING)
    found = json.loads(run(tree, "fs", status=2).stdout)
    lost = {(each["function"], each["reason"]) for each in found["not_analysed"]}
    told = "for_each_slot() is a macro that maps or unmaps in the head of a statement"
    assert lost == {
        ("by_macro", f"line 8: {told}"),
        ("by_macro_and_map", f"line 18: {told}"),
    }


@pytest.mark.parametrize(
    "user, severity",
    [
        ("void *p = part_of(t); kunmap_local(p);", "note"),
        ("void *p = part_of(t); kunmap(p);", "warning"),
        ("void *p = another(t); kunmap_local(p);", "warning"),
    ],
)
def test_who_calls_it_from_another_file_unmaps(tree, write, user, severity):
    """What is returned mapped is as it should be where another file ends it."""
    (tree / "mm/helpers.c").unlink()
    text = "void *part_of(struct table *t)\n{\n\treturn kmap_local_page(t->page);\n}\n"
    write(tree / "mm/part.c", text)
    write(tree / "fs/user.c", f"void use(struct table *t)\n{{\n\t{user}\n}}\n")
    found = json.loads(run(tree, "mm/part.c").stdout)["findings"]
    assert [(f["rule"], f["severity"]) for f in found] == [("kmap-returned", severity)]


STOPPED = """\
int word(struct scatterlist *list, int n)
{
	struct sg_mapping_iter m;

	sg_miter_start(&m, list, n, SG_MITER_ATOMIC);
	if (!sg_miter_next(&m))
		return 0;
	sg_miter_stop(&m);
	return *(int *)m.addr;
}
"""


def test_a_stopped_walk_has_no_address_where_its_source_is_not_there(tree, write):
    write(tree / "fs/stopped.c", STOPPED)
    (found,) = json.loads(run(tree, "fs/stopped.c").stdout)["findings"]
    assert (found["rule"], found["line"]) == ("kmap-use-after-unmap", 9)


ABORTED = """\
int first(struct sk_buff *skb)
{
	struct skb_seq_state state;
	const u8 *data;

	skb_prepare_seq_read(skb, 0, 4, &state);
	if (!skb_seq_read(0, &data, &state))
		return 0;
	skb_abort_seq_read(&state);
	return data[0];
}
"""


def test_an_aborted_read_has_no_data(tree, write):
    write(tree / "net/aborted.c", ABORTED)
    (found,) = json.loads(run(tree, "net/aborted.c").stdout)["findings"]
    assert (found["rule"], found["line"]) == ("kmap-use-after-unmap", 10)
    write(tree / "net/aborted.c", ABORTED.replace("return data[0]", "return 1"))
    assert json.loads(run(tree, "net/aborted.c").stdout)["findings"] == []
