# SPDX-License-Identifier: GPL-2.0-only
"""What is kept on disk: never wrong, never in the way."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
from conftest import REPOSITORY

from kmaplocal import cli
from kmaplocal.certify import analysis, learner
from kmaplocal.cache import cache
from kmaplocal.tree import facts
from kmaplocal.cache.cache import Cache
from kmaplocal.cache.state import state
from kmaplocal.tree.processes import in_processes

KEYS = [cache.key("test", str(number)) for number in range(4)]

CALLER = """\
#include <linux/highmem.h>

static void caller(struct page *page)
{
	char *p = kmap(page);

	fill(p);
	kunmap(page);
}
"""
FILLS = "static inline void fill(char *p)\n{\n\tp[0] = 1;\n}\n"
KEEPS = "static inline void fill(char *p)\n{\n\tkept_p = p;\n}\n"


@pytest.fixture
def said():
    return []


@pytest.fixture
def store(tmp_path, said):
    """store(): the cache of another run."""
    opened = []

    def another():
        opened.append(Cache(tmp_path / "c" / "kmaplocal", said.append))
        return opened[-1]

    yield another
    for each in opened:
        each.close()


def test_another_run_finds_what_was_kept(store, said):
    store().put({KEYS[0]: b"one", KEYS[1]: b""})
    assert store().get(KEYS) == {KEYS[0]: b"one", KEYS[1]: b""}
    assert os.stat(store().folder).st_mode & 0o777 == 0o700
    assert not said


def test_without_a_folder_nothing_is_kept():
    nothing = Cache(None)
    nothing.put({KEYS[0]: b"one"})
    assert not nothing.usable and nothing.get(KEYS) == {}


def test_a_folder_others_can_write_is_not_used(store, said):
    folder = store().folder
    folder.chmod(0o770)
    open_ = store()
    open_.put({KEYS[0]: b"one"})
    assert not open_.usable and open_.get(KEYS) == {}
    assert "not yours alone" in said[0]


def test_a_link_is_not_used(store, said, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "c").mkdir()
    (tmp_path / "c/kmaplocal").symlink_to(tmp_path / "elsewhere")
    assert not store().usable
    assert "not a folder" in said[0]


def test_a_broken_file_is_thrown_away(store, said):
    first = store()
    first.close()
    (first.folder / "cache.sqlite").write_bytes(b"no database at all" * 400)
    assert not store().usable
    assert len(said) == 1 and "thrown away" in said[0]
    assert store().usable


def test_a_broken_entry_is_thrown_away(store, said):
    first = store()
    first.put({KEYS[0]: b"one" * 100, KEYS[1]: b"two"})
    first.close()
    base = sqlite3.connect(first.folder / "cache.sqlite")
    with base:
        base.execute("UPDATE entry SET value = ? WHERE key = ?", (b"x", KEYS[0]))
    base.close()
    assert store().get(KEYS) == {KEYS[1]: b"two"}
    assert said == [f"{first.folder}: 1 broken entries thrown away"]
    assert store().get(KEYS) == {KEYS[1]: b"two"} and len(said) == 1


def test_the_oldest_go_first(store, monkeypatch):
    monkeypatch.setattr(cache, "MOST_BYTES", 3500)
    for each in KEYS:
        another = store()
        another.put({each: os.urandom(1000)})
        another.get([KEYS[0]])  # used last
        another.close()
    left = store().get(KEYS)
    assert KEYS[0] in left and KEYS[3] in left and KEYS[1] not in left


WRITER = """
import sys
from pathlib import Path
from kmaplocal.cache import cache
from kmaplocal.tree import facts
name, count = sys.argv[2], int(sys.argv[3])
store = cache.Cache(Path(sys.argv[1]))
print("ready", flush=True)
for number in range(count):
    value = f"{name} {number} ".encode() * 1000
    store.put({cache.key(name, str(number)): value})
"""


def writer(folder, name, count):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), name, str(count)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "scripts")},
        stdout=subprocess.PIPE,
        text=True,
    )


def entries(store, name, count):
    keys = [cache.key(name, str(number)) for number in range(count)]
    found = store.get(keys)
    for number, each in enumerate(keys):
        value = f"{name} {number} ".encode() * 1000
        assert found.get(each, value) == value
    return len(found)


def test_two_runs_at_once(store, said):
    folder = store().folder
    runs = [writer(folder, name, 20) for name in "ab"]
    assert [run.wait() for run in runs] == [0, 0]
    for run in runs:
        run.stdout.close()
    assert [entries(store(), name, 20) for name in "ab"] == [20, 20]
    assert not said


def test_a_run_that_is_killed(store, said):
    run = writer(store().folder, "a", 10**6)
    assert run.stdout.readline() == "ready\n"
    time.sleep(0.3)
    run.send_signal(signal.SIGKILL)
    run.wait()
    run.stdout.close()
    after = store()
    entries(after, "a", 50)
    after.put({KEYS[0]: b"one"})
    assert store().get(KEYS) == {KEYS[0]: b"one"} and not said


def test_a_key_depends_on_all_its_parts(monkeypatch):
    different = {cache.key("ab", "c"), cache.key("a", "bc"), cache.key("abc")}
    assert len(different) == 3
    before = cache.key("a")
    monkeypatch.setattr(cache, "version", lambda: b"another")
    assert cache.key("a") != before


@pytest.mark.parametrize("name", ["cocci/macros.h", "code/read/a.py", "cocci/new"])
def test_a_key_depends_on_every_file_of_ours(tmp_path, write, monkeypatch, name):
    for each in ("cocci/macros.h", "cocci/facts.cocci", "code/read/a.py"):
        write(tmp_path / each, "before")
    monkeypatch.setattr(cache, "_SOURCES", tmp_path / "code")
    monkeypatch.setattr(cache, "_RULES", tmp_path / "cocci")
    digest = cache.version.__wrapped__
    before = digest()
    write(tmp_path / "code/__pycache__/a.pyc", "made of it")
    assert digest() == before
    write(tmp_path / name, "after")
    assert digest() != before


# -- whole runs ----------------------------------------------------------------


@pytest.fixture
def tree(kernel, write):
    """A tree whose one mapping depends on a function in a header."""
    for name in ("fs/aio.c", "mm/a b.c"):
        (kernel / name).unlink()
    write(kernel / "fs/own.h", FILLS)
    write(kernel / "fs/a.c", CALLER)
    return kernel


@pytest.fixture
def run(tree, tmp_path, monkeypatch, capsys):
    """run(*words, cached): what the driver prints, and how often it analysed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    runs = []
    analyse = analysis.Analysis.run

    def counted(*arguments, **settings):
        runs.append(1)
        return analyse(*arguments, **settings)

    monkeypatch.setattr(analysis.Analysis, "run", counted)

    def ask(*words, cached=True):
        monkeypatch.setenv("NO_CACHE", "" if cached else "1")
        runs.clear()
        command = [words[0], "--kernel", str(tree), *words[1:], "."]
        status = cli.main(command)
        output = capsys.readouterr()
        assert "Traceback" not in output.err
        return status, output.out, len(runs)

    return ask


REPORT = ("report", "--format", "json")
FLAG = ("flag", "--format", "json")


@pytest.mark.parametrize("words", [REPORT, FLAG, ("report",), ("flag",)])
def test_the_same_again_without_the_work(run, words):
    plain = run(*words, cached=False)
    first, again = run(*words), run(*words)
    assert first == plain and first[2] == 1
    assert again == (*plain[:2], 0)


def test_jobs_change_nothing(run):
    assert run(*REPORT, "--jobs", "1", cached=False)[:2] == run(*REPORT)[:2]
    assert run(*REPORT, "--jobs", "3", cached=False)[:2] == run(*REPORT)[:2]


def test_a_change_of_a_callee_is_seen(run, tree):
    header = tree / "fs/own.h"
    assert '"convert"' in run(*REPORT)[1]
    for text in (KEEPS, FILLS, KEEPS.replace("kept_p", "kept_q")):
        times = header.stat()
        header.write_text(text)
        # Neither the size nor the time need tell.
        os.utime(header, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert run(*REPORT)[:2] == run(*REPORT, cached=False)[:2]
    assert '"verdict": "keep"' in run(*REPORT)[1]


@pytest.mark.parametrize(
    "name, looked", [("fs/b.c", 1), ("fs/b.h", 1), ("tools/b.c", 0)]
)
def test_a_file_more_or_less_is_seen(run, tree, write, name, looked):
    before = run(*REPORT)
    write(tree / name, KEEPS.replace("static inline ", ""))
    assert run(*REPORT)[2] == looked
    (tree / name).unlink()
    assert run(*REPORT)[:2] == before[:2]


def test_a_name_that_is_no_text(run, tree):
    name = os.fsdecode(b"fs/l\xe9.c")
    (tree / name).write_text(CALLER)
    plain = run(*REPORT, name, cached=False)
    assert [run(*REPORT, name)[:2] for _ in range(2)] == [plain[:2]] * 2


def test_a_link_to_what_has_no_end_is_not_read(tree):
    (tree / "fs/zero.c").symlink_to("/dev/null")
    assert state(tree).young["fs/zero.c"] == "no file"


def test_an_old_tree_is_told_by_its_times(run, tree, monkeypatch):
    monkeypatch.setattr("kmaplocal.cache.state._YOUNG", -1000.0)
    run(*REPORT)
    assert run(*REPORT)[2] == 0
    (tree / "fs/own.h").write_text(KEEPS)
    assert run(*REPORT)[:2] == run(*REPORT, cached=False)[:2]
    assert run(*REPORT)[2] == 0


def test_other_files_are_another_question(run, tree):
    whole = run(*REPORT)
    assert run(*REPORT, "fs")[2] == 1
    assert run(*REPORT)[1] == whole[1]


def test_a_run_that_failed_on_something_is_not_kept(run, fake_spatch):
    fake_spatch("sleep 30")
    words = (*REPORT, "--timeout", "0.2")
    assert [run(*words)[::2] for _ in range(2)] == [(2, 1), (2, 1)]


def test_a_run_with_a_fault_is_not_kept(run, monkeypatch):
    with monkeypatch.context() as patched:

        def wrong(*_arguments):
            raise RuntimeError

        patched.setattr(analysis.Analysis, "_analyse_function", wrong)
        assert run(*REPORT)[0] == 2
    assert run(*REPORT)[::2] == (0, 1)


def test_an_interrupted_run_is_not_kept(run, monkeypatch):
    with monkeypatch.context() as patched:

        def stop(*_arguments):
            raise KeyboardInterrupt

        patched.setattr(learner.Learner, "learn", stop)
        assert run(*REPORT)[0] == 130
    assert run(*REPORT)[0] == 0


def test_facts_are_shared_between_trees(run, tree, monkeypatch):
    run(*REPORT)
    (tree / "Makefile").write_text("VERSION = 6\nPATCHLEVEL = 2\n")

    def never(*_arguments, **_settings):
        raise AssertionError("read again")

    monkeypatch.setattr(facts, "read", never)
    assert run(*REPORT)[::2] == (0, 1)


def test_no_cache_keeps_nothing(run, tree, tmp_path):
    run(*REPORT, cached=False)
    assert cli.main(["--no-cache", *REPORT, "--kernel", str(tree), "."]) == 0
    assert not (tmp_path / "cache").exists()


def test_clean_cache(run, tmp_path):
    run(*REPORT)
    assert cli.main(["clean-cache"]) == cli.main(["clean-cache"]) == 0
    assert list((tmp_path / "cache/kmaplocal").iterdir()) == []
    assert run(*REPORT)[2] == 1


def test_a_process_of_the_run_has_a_connection_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("NO_CACHE", raising=False)
    cache.close()
    ours = cache.cache()

    def work(number, progress):
        assert cache.cache() is not ours
        cache.cache().put({KEYS[number]: b"%d" % number})
        cache.close()

    in_processes(work, [0, 1])
    assert ours.get(KEYS) == {KEYS[0]: b"0", KEYS[1]: b"1"}
    cache.close()
