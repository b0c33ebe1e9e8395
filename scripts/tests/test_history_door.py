# SPDX-License-Identifier: GPL-2.0-only
"""`history`: a small tree converted in memory, beside a newer one."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY
from test_doors import make

from kmaplocal.commands import history as doors
from kmaplocal.tree.outcome import Doubt, Lost, Outcome

OLD = """\
static void renamed(struct page *page)
{
	char *p = kmap_atomic(page);

	p[0] = 1;
	kunmap_atomic(p);
}

static void stored(struct page *page, struct own *own)
{
	own->address = kmap(page);
}
"""
NEW = OLD.replace("kmap_atomic", "kmap_local_page").replace(
    "kunmap_atomic", "kunmap_local"
)


@pytest.fixture
def trees(kernel, write, tmp_path):
    """The old and the new tree."""
    write(kernel / "fs/aio.c", OLD)
    (kernel / "mm/a b.c").unlink()
    new = shutil.copytree(kernel, tmp_path / "new linux")
    write(new / "fs/aio.c", NEW)
    return kernel, new


@pytest.fixture
def door(trees):
    """door(*arguments): run `history` on the trees; the completed process."""

    def run(*arguments):
        command = ["history", *arguments, *trees]
        return subprocess.run(
            [sys.executable, "-m", "kmaplocal", *map(str, command)],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY / "scripts")},
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


def test_json(door, trees, contents):
    before = [contents(tree) for tree in trees]
    done = door("--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    renamed, stored = json.loads(done.stdout)["functions"]
    assert (renamed["upstream"], renamed["ours"]) == ("renamed", "convert")
    assert renamed["identical"] is True
    assert (stored["upstream"], stored["ours"]) == ("kept", "keep")
    assert ": line 11: " in stored["reason"]
    assert [contents(tree) for tree in trees] == before


def test_text_and_file(door, tmp_path):
    text = door().stdout
    assert text.startswith("upstream / ours")
    assert text.endswith("\n0 differences:\n")
    out = tmp_path / "history.txt"
    done = door("--out", out)
    assert out.read_text() == text
    assert done.stdout == (
        f"{out}: 1 functions converted (1 mappings), 1 kept, 0 not analysed\n"
    )


def test_difference_and_what_was_lost(door, trees, write):
    write(trees[0] / "fs/bad.c", OLD.replace("p[0] = 1;", "p[0] @ = 1;"))
    write(trees[1] / "fs/bad.c", NEW)
    write(trees[1] / "fs/aio.c", OLD)
    done = door()
    assert done.returncode == 2
    assert "fs/aio.c:1: renamed: upstream kept, we convert\n" in done.stdout
    assert "fs/bad.c:1: renamed: upstream " in done.stdout
    assert "we not-analysed" in done.stdout


def test_new_is_no_kernel(door, trees):
    (trees[1] / "Kconfig").unlink()
    done = door()
    assert (done.returncode, done.stdout) == (3, "")
    assert "not a Linux kernel tree" in done.stderr


def outcome(**what):
    empty = {"converted": (), "kept": (), "unanalysed": (), "mappings": 0}
    return Outcome(Path("a.c"), b"old\xff", b"old\xff", **{**empty, **what})


def test_of_two_definitions_the_worst_counts():
    kept = (Doubt("a.c", 3, 1, "f", "local", "stored"),)
    lost = (Lost("a.c", 1, "f", "odd"), Lost("a.c", 9, "g", "odd"))
    found = doors.reasons([outcome(converted=("f", "h"), kept=kept, unanalysed=lost)])
    assert found == {
        ("a.c", "f"): ("keep", "local: line 3: stored"),
        ("a.c", "g"): ("not-analysed", "odd"),
        ("a.c", "h"): ("convert", ""),
    }


def test_only_changed_texts_are_handed_on():
    changed = Outcome(Path("b.c"), b"old\xff", b"new\xff", ("f",), (), (), 1)
    assert doors.texts([outcome(), changed]) == {"b.c": "new\udcff"}


def test_make_history(trees):
    done = make("-s", "history", f"OLD={trees[0]}", f"NEW={trees[1]}", "FORMAT=json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["counts"]["renamed"]["identical"] == 1


def test_make_report(trees, tmp_path):
    out = tmp_path / "a report.json"
    done = make("report", f"KERNEL={trees[1]}", "FILES=.", "FORMAT=json", f"OUT={out}")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(out.read_text())["mappings"]) == 1


def test_make_report_is_of_the_whole_tree_unless_told(kernel):
    where = f"KERNEL={kernel}"
    assert "mm/a b.c:1 " in make("-s", "report", where).stdout
    assert "mm/" not in make("-s", "report", where, "FILES=fs").stdout
    applied = make("-s", "apply", where, "DRY_RUN=1").stderr
    assert "fs/aio.c" in applied and "mm/" not in applied


def test_make_unpacks_only_its_own_kernels():
    shown = make("-n", "-B", "history").stdout  # -B: as if they were not there
    for version in ("6.1", "6.12"):
        assert f"tar -xf /usr/src/linux-source-{version}.tar.xz" in shown
    others = ["OLD=/tmp/a", "NEW=/tmp/b"]
    assert "tar -xf" not in make("-n", "-B", "history", *others).stdout
