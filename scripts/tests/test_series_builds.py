# SPDX-License-Identifier: GPL-2.0-only
"""Each commit of a series is built in its turn, on a kernel of a few lines."""

from pathlib import Path

import pytest
from test_verify import HIGHMEM, MAKEFILE, TYPES

from kmaplocal import cli
from kmaplocal.prove.bench import Bench
from kmaplocal.prove.reference import Change
from kmaplocal.prove.steps import Steps

HEADER, USER, OTHER = Path("fs/a.h"), Path("fs/user.c"), Path("fs/other.c")
BEFORE = {
    HEADER: "struct a {\n\tint old;\n};\n",
    USER: '#include "a.h"\nint user(struct a *a)\n{\n\treturn a->old;\n}\n',
    OTHER: "int other(void)\n{\n\treturn 1;\n}\n",
}
AFTER = {
    HEADER: BEFORE[HEADER].replace("old", "fresh"),
    USER: BEFORE[USER].replace("old", "fresh"),
    OTHER: BEFORE[OTHER].replace("1", "2"),
}


@pytest.fixture
def root(tmp_path, write, author):
    """A kernel with a header, its user and another file."""
    top = tmp_path / "linux"
    write(top / "Makefile", MAKEFILE)
    write(top / "Kconfig", "")
    write(top / "include/linux/highmem.h", HIGHMEM)
    write(top / "include/linux/types.h", TYPES)
    for path, text in BEFORE.items():
        write(top / path, text)
    return top


@pytest.fixture
def build(root, tmp_path):
    """build(*steps): what came of each, and how many objects were begun."""

    def run(*steps, after=AFTER):
        changes = [
            Change(path, (root / path).read_bytes(), after[path].encode())
            for path in BEFORE
        ]
        bench, begun = Bench(root, changes, tmp_path / "build"), []
        with bench.open():
            found = Steps(bench, steps, lambda: begun.append(1)).run()
        return found, len(begun)

    return run


def test_steps_that_build(build):
    (one, two), _ = build([OTHER], [HEADER, USER])
    assert one.objects == ("fs/other",) and two.objects == ("fs/user",)
    assert not one.error and not two.error


def test_an_interface_that_changes_before_its_user(build):
    """The header is first and breaks the user, which is not changed yet; what is
    behind it is built without it, so that the user is broken, too."""
    (header, user, other), _ = build([HEADER], [USER], [OTHER])
    assert "fs/user.c" in header.error or "fs/a.h" in header.error
    assert user.error and not other.error


def test_the_user_before_its_interface(build):
    (user, header), _ = build([USER], [HEADER])
    assert user.error.startswith("fs/user.c:4: ")
    assert header.error


def test_what_was_broken_before_is_not_held_against_a_step(build, root, write):
    write(root / OTHER, "int other(void)\n{\n\treturn nothing;\n}\n")
    (one,), _ = build([OTHER], after={**AFTER, OTHER: "int other = nothing;\n"})
    assert one.objects == () and not one.error


def test_what_was_built_is_remembered(build):
    first = build([OTHER], [HEADER, USER])
    assert first[1] > 0
    assert build([OTHER], [HEADER, USER]) == (first[0], 0)
    again, begun = build([OTHER], [HEADER, USER], after={**AFTER, OTHER: "int x;\n"})
    assert begun == 1 and not any(each.error for each in again)


# -- by make series --------------------------------------------------------------------

MAPS = """#include <linux/highmem.h>

int first(struct page *page);
int first(struct page *page)
{
	char *at = kmap(page);
	int n = at[0];

	kunmap(page);
	return n;
}
"""


def make(root, tmp_path, *more):
    given = ["series", "--kernel", root, "--out", tmp_path / "out", "--door", "commits"]
    given += ["--build", tmp_path / "build", "--split", "file", *more]
    return cli.main(list(map(str, given)))


def letter(tmp_path):
    (file,) = (tmp_path / "out").glob("0000*")
    return " ".join(file.read_text().split())


def test_the_letter_says_how_the_commits_were_built(root, tmp_path, write):
    write(root / "fs/one.c", MAPS)
    write(root / "fs/two.c", MAPS)
    write(root / "arch/arm/mm.c", MAPS)
    assert make(root, tmp_path) == 0
    said = "in its turn for x86_64 allmodconfig: 2 objects; 1 commit has none there."
    assert said in letter(tmp_path)
    assert "make series KERNEL=linux FILES=. SPLIT=file VERIFY=1 DOORS=commits" in (
        letter(tmp_path)
    )


def test_a_commit_that_does_not_build_is_withheld(root, tmp_path, write, capsys):
    write(root / "fs/one.c", MAPS)
    broken = "\n#undef kunmap_local\n#define kunmap_local =\n\n"
    write(root / "fs/two.c", MAPS.replace("\n\n", broken, 1))
    write(root / "fs/three.c", MAPS)
    assert make(root, tmp_path) == 0
    assert len(list((tmp_path / "out").glob("000[1-9]*"))) == 2
    subject = "fs/two: Replace kmap() with kmap_local_page()"
    assert f"withheld: {subject}: fs/two.c:" in capsys.readouterr().out
    assert f"not in this series: {subject}" in letter(tmp_path)


def test_a_door_that_there_is_not(root, tmp_path, capsys):
    assert make(root, tmp_path, "--door", "commit") == 3
    assert "there are: identity x86_64" in capsys.readouterr().err
