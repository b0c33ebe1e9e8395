# SPDX-License-Identifier: GPL-2.0-only
"""prove/boot: what differs between two trees, and the copy that is built from."""

import os
import tarfile

import pytest

from kmaplocal.errors import KmaplocalError
from kmaplocal.prove.boot import pristine, sides, source

AIO = "fs/aio.c"


@pytest.fixture
def work(tmp_path):
    """A folder for what is remembered."""
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def now(root, work):
    return sides.of_tree(root, work / "after.json")


def before(root, work, **options):
    return sides.before_of(now(root, work), "6.1", work, options.get("tree"))


def differing(root, work, **options):
    return sides.changed(before(root, work, **options), now(root, work))


def test_files_and_their_digests(kernel, work):
    found = now(kernel, work)
    assert AIO in found.digests and "mm/a b.c" in found.digests
    assert found.digests[AIO] == sides.digest_of((kernel / AIO).read_bytes())
    assert found.read(AIO) == (kernel / AIO).read_bytes()


def test_unchanged_files_are_not_read_again(kernel, work, monkeypatch):
    first = now(kernel, work)
    monkeypatch.setattr(sides, "digest_of", lambda content: "read again")
    assert now(kernel, work).digests == first.digests


def test_change_that_hides_its_time_and_size(kernel, work):
    first, status = now(kernel, work), (kernel / AIO).stat()
    text = (kernel / AIO).read_text()
    (kernel / AIO).write_text(text.replace("void", "long"))
    os.utime(kernel / AIO, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert sides.changed(first, now(kernel, work)) == [AIO]


def test_file_moved_over_another(kernel, work):
    first = now(kernel, work)
    os.replace(kernel / "mm/clean.c", kernel / AIO)
    assert sides.changed(first, now(kernel, work)) == [AIO, "mm/clean.c"]


def test_broken_memory_is_no_trouble(kernel, work):
    first = now(kernel, work)
    (work / "after.json").write_text("{")
    assert now(kernel, work).digests == first.digests


def test_tree_built_in_place_is_refused(kernel, work, write):
    write(kernel / ".config", "")
    with pytest.raises(KmaplocalError, match="built in place.*mrproper"):
        now(kernel, work)


def test_before_is_head(committed, work, write):
    text = (committed / AIO).read_bytes()
    write(committed / AIO, "new\n")
    write(committed / "fs/added.c", "")
    (committed / "mm/clean.c").unlink()
    was = before(committed, work)
    assert differing(committed, work) == ["fs/added.c", AIO, "mm/clean.c"]
    assert was.read(AIO) == text
    assert "fs/added.c" not in was.digests
    assert was.read("mm/clean.c").startswith(b"int kmap_local_page")


def test_products_that_git_ignores_are_no_sources(committed, work, write, git):
    write(committed / ".gitignore", "*.o\n.config\n")
    git(committed, "add", ".gitignore")
    git(committed, "commit", "-qm", "ignore")
    write(committed / "fs/aio.o", "")
    write(committed / ".config", "")
    assert differing(committed, work) == []


def test_tree_below_the_top_of_a_repository(tmp_path, kernel, work, write, git):
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "linux")
    git(tmp_path, "commit", "-qm", "all")
    write(kernel / AIO, "new\n")
    assert differing(kernel, work) == [AIO]
    assert b"kmap" in before(kernel, work).read(AIO)


def test_before_is_a_tree(kernel, work, tmp_path, write):
    write(tmp_path / "old" / AIO, "old\n")
    was = before(kernel, work, tree=tmp_path / "old")
    assert AIO in differing(kernel, work, tree=tmp_path / "old")
    assert was.read(AIO) == b"old\n"


@pytest.fixture
def tarball(tmp_path, kernel, monkeypatch):
    """Debian's tarball of the kernel as it is at first."""
    monkeypatch.setattr(pristine, "FOLDER", tmp_path)
    path = tmp_path / "linux-source-6.1.tar.xz"
    with tarfile.open(path, "w:xz") as archive:
        archive.add(kernel, "linux-source-6.1")
    return path


def test_before_is_debians(kernel, work, write, tarball):
    assert differing(kernel, work) == []
    text = (kernel / AIO).read_bytes()
    write(kernel / AIO, "new\n")
    assert differing(kernel, work) == [AIO]
    assert before(kernel, work).read(AIO) == text


def test_tarball_is_read_once(kernel, work, write, tarball, monkeypatch):
    write(kernel / AIO, "new\n")
    first = before(kernel, work)
    monkeypatch.setattr(tarfile, "open", None)
    assert before(kernel, work) == first


@pytest.mark.parametrize("missing", [1, 20, 100, 200])
def test_tarball_that_is_cut_off(kernel, work, tarball, missing):
    whole = tarball.read_bytes()
    tarball.write_bytes(whole[:-missing])
    with pytest.raises(KmaplocalError, match="cannot be read.*install"):
        before(kernel, work)


def test_tree_of_another_origin(kernel, work, write, tarball):
    write(kernel / "Makefile", "VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 1\n")
    with pytest.raises(KmaplocalError, match="neither a git tree.*BEFORE="):
        before(kernel, work)


def test_no_tarball(kernel, work, monkeypatch, tmp_path):
    monkeypatch.setattr(pristine, "FOLDER", tmp_path)
    with pytest.raises(KmaplocalError, match="BEFORE="):
        before(kernel, work)


def side_of(files):
    content = {path: text.encode() for path, text in files.items()}
    digests = {path: sides.digest_of(text) for path, text in content.items()}
    return sides.Side("side", digests, None, content)


@pytest.fixture
def copy(tmp_path):
    """A source folder, and take(files): what it then holds."""
    copied = source.Source(tmp_path / "copy")

    def take(files):
        written = []
        copied.take(side_of(files), written.append)
        folder = copied.folder
        found = [path for path in folder.rglob("*") if path.is_file()]
        return {str(p.relative_to(folder)): p.read_text() for p in found}, len(written)

    return take


def test_copy_there_and_back(copy):
    old = {AIO: "old", "mm/x.c": "x", "gone.c": ""}
    new = {AIO: "new", "mm/x.c": "x", "fresh.c": ""}
    assert copy(old) == (old, 3)
    assert copy(new) == (new, 2)
    assert copy(old) == (old, 2)
    assert copy(old) == (old, 0)


def test_what_changes_is_new_for_make(copy, tmp_path):
    copy({AIO: "old"})
    os.utime(tmp_path / "copy" / AIO, (1, 1))
    copy({AIO: "new"})
    assert (tmp_path / "copy" / AIO).stat().st_mtime > 1


def test_copy_after_an_interrupt(copy, tmp_path):
    files = {AIO: "old", "fs/b.c": "old"}
    copy(files)

    def interrupt(done):
        raise KeyboardInterrupt

    half = source.Source(tmp_path / "copy")
    with pytest.raises(KeyboardInterrupt):
        half.take(side_of({AIO: "new", "fs/b.c": "new"}), interrupt)
    assert copy(files)[0] == files


def test_file_that_changes_meanwhile(tmp_path):
    side = side_of({AIO: "old"})
    moved = sides.Side("side", side.digests, None, {AIO: b"new"})
    with pytest.raises(KmaplocalError, match="fs/aio.c: changed while"):
        source.Source(tmp_path / "copy").take(moved, lambda *done: None)


def test_what_is_not_needed_is_not_copied(copy):
    kept = {"arch/Kconfig": "", "arch/x86/a.c": "", "arch/arm/crypto/Kconfig": ""}
    kept |= {"Documentation/Kconfig": "", "archive/x.c": ""}
    left = {"arch/arm/a.c": "", "Documentation/a.rst": ""}
    assert copy({**kept, **left})[0] == kept


def test_programs_can_be_run(copy, tmp_path):
    copy({"scripts/a.sh": "#!/bin/sh\n", "fs/a.c": ""})
    assert os.access(tmp_path / "copy/scripts/a.sh", os.X_OK)
    assert not os.access(tmp_path / "copy/fs/a.c", os.X_OK)


def test_digest_speaks_of_needed_files_only():
    first = source.digest(side_of({AIO: "a"}))
    assert first == source.digest(side_of({AIO: "a", "arch/arm/a.c": ""}))
    assert first != source.digest(side_of({AIO: "b"}))
    assert first != source.digest(side_of({"fs/bio.c": "a"}))
