# SPDX-License-Identifier: GPL-2.0-only
"""Fixtures for all tests, and the closing line that counts them."""

import signal
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def pytest_configure(config):
    """A shell that starts this in the background has ^C ignored: the tests send it
    to themselves and to the programs they start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


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
