# SPDX-License-Identifier: GPL-2.0-only
"""TMPDIR that is full, missing or littered is named; nothing else is blamed."""

import os
import subprocess
import sys
import time

import pytest
from conftest import REPOSITORY
from test_cli import one_line, surroundings

from kmaplocal import scratch

GOOD = """\
char first(struct page *page)
{
	char *at = kmap(page);
	char first = at[0];

	kunmap(page);
	return first;
}
"""


def drive(tree, place, *arguments):
    command = [sys.executable, "-m", "kmaplocal", *arguments, "--kernel", tree]
    environment = surroundings() | {"TMPDIR": str(place), "NO_CACHE": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True)


@pytest.fixture
def tree(kernel):
    (kernel / "fs/aio.c").write_text(GOOD)
    return kernel


@pytest.fixture(params=["0", "8k", "16k", "64k"])
def full(tmp_path, request):
    """A small disk with no room, or not enough."""
    disk = tmp_path / "disk"
    disk.mkdir()
    size = request.param if request.param != "0" else "4k"
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs to mount a small disk")
    if request.param == "0":
        (disk / "all").write_bytes(b"a" * 4096)
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("door", ["flag", "apply"])
def test_a_full_place_is_named(tree, full, door, contents):
    before = contents(full), contents(tree)
    done = drive(tree, full, door)
    assert (contents(full), contents(tree)) == before or done.returncode < 3
    if done.returncode == 3:
        one_line(done, 3, "No space left", f"in {full} (TMPDIR)")
    assert "cannot be read" not in done.stdout and "internal" not in done.stdout


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_a_place_that_is_none(tree, tmp_path, kind):
    place = tmp_path / "none"
    if kind == "file":
        place.write_text("")
    done = drive(tree, place, "apply")
    one_line(done, 3, f"TMPDIR={place}: no such folder for temporary files")


def test_a_full_output_is_no_full_place(tree):
    with open("/dev/full", "w") as out:
        command = [sys.executable, "-m", "kmaplocal", "flag", "--kernel", tree]
        done = subprocess.run(
            command, env=surroundings(), stdout=out, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 3
    assert "standard output or stderr: No space left on device" in done.stderr


def test_what_killed_runs_left_is_removed(tmp_path, monkeypatch):
    gone = subprocess.run(["sh", "-c", "echo $$"], capture_output=True, text=True)
    dead, alive = gone.stdout.strip(), os.getpid()
    monkeypatch.setattr(scratch.tempfile, "tempdir", str(tmp_path))
    names = [f"kmaplocal-{dead}-old", f"kmaplocal-{dead}-new", f"kmaplocal-{alive}-old"]
    names += ["kmaplocal-old", f"other-{dead}-old"]
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("")
        if name.endswith("old"):
            at = time.time() - 2 * 24 * 60 * 60
            os.utime(tmp_path / name, (at, at))
    scratch.sweep()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[1:])


def test_a_killed_run_leaves_what_can_be_swept(monkeypatch, tmp_path):
    monkeypatch.setattr(scratch.tempfile, "tempdir", str(tmp_path))
    with scratch.folder() as folder:
        name = os.path.basename(folder)
    assert name.startswith(f"kmaplocal-{os.getpid()}-")


def test_too_few_open_files_are_not_taken_for_another_system():
    limited = "ulimit -n 12; exec scripts/install apply"
    done = subprocess.run(
        ["bash", "-c", limited], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 3
    assert "ulimit -n is 12" in done.stderr and "Debian" not in done.stderr
