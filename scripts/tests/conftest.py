# SPDX-License-Identifier: GPL-2.0-only
"""Fixtures for all tests, which tests are run and by which worker, and the closing
line that counts them."""

import os
import signal
import subprocess
import traceback

import pytest

from kmaplocal.cache import cache
from kmaplocal.commands.fixtures import REPOSITORY, chosen

# What `make check ONLY=...` hands on: words, of which a test that is run has one in
# its path, its name or its fixture's path.
ONLY = os.environ.get("ONLY", "")
GROUP = "xdist_group(name): run by one worker together with all others of this name"


def pytest_configure(config):
    """A shell that starts this in the background has ^C ignored: the tests send it
    to themselves and to the programs they start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", GROUP)
    config.addinivalue_line("markers", "interrupts: sends ^C to its own process")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """A test that interrupts itself, run by a worker of xdist, gets a process of its
    own: a worker has more threads, any of which may be given the signal."""
    alone = "PYTEST_XDIST_WORKER" not in os.environ
    if alone or not pyfuncitem.get_closest_marker("interrupts"):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    _in_child(pyfuncitem.obj, {name: pyfuncitem.funcargs[name] for name in names})
    return True


def _in_child(function, arguments):
    """Call FUNCTION in a forked process, and fail as it does."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            function(**arguments)
            status = 0
        except BaseException:
            os.write(writing, traceback.format_exc().encode()[-60000:])
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        told = stream.read().decode(errors="replace")
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        pytest.fail(told or "the process of the test ended early", pytrace=False)


# Before xdist, which adds the group to the name of a test, looks at the items.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Leave out what ONLY does not name. One worker runs the tests of a group: what
    they have in common, such as a converted fixture, is made once."""
    found = {_called(item): item for item in items}
    wanted = set(chosen(found, ONLY.split()))
    left_out = [item for name, item in found.items() if name not in wanted]
    items[:] = [item for name, item in found.items() if name in wanted]
    config.hook.pytest_deselected(items=left_out)
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))


def _called(item):
    """A test as ONLY may name it: scripts/tests/test_x.py::test_y[parameter]."""
    return f"{item.path.relative_to(REPOSITORY)}::{item.name}"


def _group(item):
    """The module of a test; or what the module's GROUPED_BY, functions by the name of
    a parameter, makes of a parameter of the test."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    for name, group_of in getattr(item.module, "GROUPED_BY", {}).items():
        if name in parameters:
            return f"{item.path.stem}:{group_of(parameters[name])}"
    return item.path.stem


def pytest_terminal_summary(terminalreporter, exitstatus):
    """Say it where ONLY names no test."""
    if ONLY and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        terminalreporter.write_line(f"ONLY={ONLY}: no test of this path or name")


def pytest_unconfigure(config):
    """The last line, after pytest's own summary: N passed, N failed."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if not reporter or hasattr(config, "workerinput"):
        return
    stats = reporter.stats
    skipped = len(stats.get("skipped", []))
    if skipped:
        reporter.write_line(f"{skipped} skipped")
    failed = len(stats.get("failed", [])) + len(stats.get("error", []))
    reporter.write_line(f"{len(stats.get('passed', []))} passed, {failed} failed")


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    """What one test finds out no other is to be told; nor has one the cache, or none,
    that another opened in the same process."""
    cache.close()
    monkeypatch.setenv("NO_CACHE", "1")


@pytest.fixture
def author(monkeypatch):
    """Whom git names as the author."""
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Ann Author")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "author@example.org")


@pytest.fixture
def repository():
    """The top folder of this repository."""
    return REPOSITORY


@pytest.fixture
def write():
    """write(path, text): a file with its folders; returns the path."""

    def write_file(path, text, mode=0o644):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    return write_file


@pytest.fixture
def kernel(tmp_path, write):
    """A small kernel tree with two candidate files."""
    root = tmp_path / "linux"
    write(root / "Makefile", "VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 0\n")
    write(root / "Kconfig", "")
    write(root / "include/linux/highmem.h", "/* highmem */\n")
    write(root / "fs/aio.c", "void f(void)\n{\n\tp = kmap(page);\n}\n")
    write(root / "mm/a b.c", "int x = kunmap_atomic(a);\n")
    write(root / "mm/clean.c", "int kmap_local_page;\nint my_kmap, kmapped;\n")
    write(root / "Documentation/kmap.c", "kmap(page);\n")
    return root


@pytest.fixture
def git():
    """git(folder, *arguments): run git there, as nobody in particular."""

    def run(folder, *arguments):
        who = [
            "-c",
            "user.name=n",
            "-c",
            "user.email=e@e",
            "-c",
            "init.defaultBranch=b",
        ]
        command = ["git", *who, *arguments]
        done = subprocess.run(command, cwd=folder, check=True, capture_output=True)
        return done.stdout.decode()

    return run


@pytest.fixture
def committed(kernel, git):
    """The kernel tree as a git repository, everything committed."""
    git(kernel, "init", "-q")
    git(kernel, "add", "-A")
    git(kernel, "commit", "-qm", "all")
    return kernel


@pytest.fixture
def fake_spatch(tmp_path, write, monkeypatch):
    """fake_spatch(body, version): SPATCH is a shell script with this body."""

    def make(body="", version="1.1.1"):
        text = (
            "#!/bin/sh\n"
            f'[ "$1" = --version ] && {{ echo "spatch version {version}"; exit 0; }}\n'
        )
        script = write(tmp_path / "bin/spatch", text + body + "\n", 0o755)
        monkeypatch.setenv("SPATCH", str(script))
        return script

    return make


@pytest.fixture
def contents():
    """contents(folder): every path below it, with what it holds."""

    def read(folder):
        return {
            path: path.read_bytes() if path.is_file() else None
            for path in folder.rglob("*")
            if ".git" not in path.parts
        }

    return read
