# SPDX-License-Identifier: GPL-2.0-only
"""replace.py: all files or none, at once each, with their modes."""

import errno
import os
import signal
import subprocess
from pathlib import Path

import pytest

from kmaplocal.errors import Interrupted, ReplaceFailed
from kmaplocal.apply.replace import replace_files

A, B = Path("d/a.c"), Path("d/b.c")
OLD = {A: b"old a\n", B: b"old b\n"}
NEW = {A: b"new a\n", B: b"new b\n"}


@pytest.fixture
def root(tmp_path, write):
    for path, content in OLD.items():
        write(tmp_path / "tree" / path, content.decode())
    return tmp_path / "tree"


def state(root):
    return {
        path.relative_to(root): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def test_replaces_all(root):
    replace_files(root, NEW, OLD)
    assert state(root) == NEW


@pytest.mark.parametrize("mode", [0o640, 0o664, 0o755, 0o4755])
def test_mode_is_kept(root, mode):
    (root / A).chmod(mode)
    replace_files(root, NEW, OLD)
    assert (root / A).stat().st_mode & 0o7777 == mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_owner_is_kept(root):
    os.chown(root / A, 1234, 4321)
    replace_files(root, NEW, OLD)
    status = (root / A).stat()
    assert (status.st_uid, status.st_gid) == (1234, 4321)


def test_link_stays_and_its_file_is_replaced(root):
    (root / "link.c").symlink_to("d/a.c")
    replace_files(root, {Path("link.c"): b"new"}, {Path("link.c"): OLD[A]})
    assert (root / "link.c").is_symlink()
    assert (root / A).read_bytes() == b"new"


def test_other_hard_link_is_left_alone(root):
    os.link(root / A, root / "twin.c")
    replace_files(root, NEW, OLD)
    assert (root / "twin.c").read_bytes() == OLD[A]


def test_changed_in_the_meantime(root):
    (root / B).write_bytes(b"edited")
    with pytest.raises(ReplaceFailed, match="d/b.c: changed while"):
        replace_files(root, NEW, OLD)
    assert state(root) == {A: OLD[A], B: b"edited"}


def test_gone_in_the_meantime(root):
    (root / B).unlink()
    with pytest.raises(ReplaceFailed, match="d/b.c: No such file"):
        replace_files(root, NEW, OLD)
    assert state(root) == {A: OLD[A]}


def test_read_only_file(root):
    (root / B).chmod(0o444)
    with pytest.raises(ReplaceFailed, match="d/b.c: is read-only: chmod"):
        replace_files(root, NEW, OLD)
    assert state(root) == OLD


def test_read_only_folder(root):
    (root / "d").chmod(0o555)
    with pytest.raises(ReplaceFailed, match="in a folder that is read-only"):
        replace_files(root, NEW, OLD)
    assert state(root) == OLD


def test_disk_full(root, monkeypatch):
    written = []

    def write(handle, data):
        written.append(bytes(data))
        if len(written) > 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.pwrite(handle, data[:3], 0) if len(written) == 1 else 3

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(ReplaceFailed, match="No space left on device; nothing"):
        replace_files(root, NEW, OLD)
    assert state(root) == OLD


def test_really_full_disk(root, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs to mount a small disk")
    try:
        (disk / "a.c").write_bytes(b"a" * 40000)
        old = {Path("a.c"): b"a" * 40000}
        with pytest.raises(ReplaceFailed, match="a.c: No space left on device"):
            replace_files(disk, {Path("a.c"): b"b" * 40000}, old)
        assert state(disk) == old
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_failing_rename_is_rolled_back(root, monkeypatch):
    rename, calls = os.replace, []

    def replace(source, target):
        calls.append(target)
        if len(calls) == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        rename(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(ReplaceFailed, match="d/b.c: Input/output error; nothing"):
        replace_files(root, NEW, OLD)
    assert state(root) == OLD


def test_failing_roll_back_names_the_files(root, monkeypatch):
    rename, calls = os.replace, []

    def replace(source, target):
        calls.append(target)
        if len(calls) >= 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        rename(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(ReplaceFailed, match="could not be put back: d/a.c"):
        replace_files(root, NEW, OLD)
    assert state(root) == {A: NEW[A], B: OLD[B]}


@pytest.mark.interrupts
def test_interrupt_while_writing(root, monkeypatch):
    def fsync(handle):
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(KeyboardInterrupt):
        replace_files(root, NEW, OLD)
    assert state(root) == OLD


@pytest.mark.interrupts
def test_interrupt_while_renaming_comes_too_late(root, monkeypatch):
    rename = os.replace

    def replace(source, target):
        os.kill(os.getpid(), signal.SIGINT)
        rename(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(Interrupted, match="all 2 files were already replaced"):
        replace_files(root, NEW, OLD)
    assert state(root) == NEW
