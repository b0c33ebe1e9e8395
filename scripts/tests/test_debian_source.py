# SPDX-License-Identifier: GPL-2.0-only
"""scripts/debian-source: a source package, whole or not at all, apt as it was."""

import os
import subprocess

import pytest
from conftest import REPOSITORY

SCRIPT = REPOSITORY / "scripts/debian-source"

# Notes what it is asked for; unpacks what it is told to.
APT = """#!/bin/sh
echo "$*" >>"$ASKED"
case " $* " in
*" indextargets "*) echo "http://host/debian stable main $KEY" ;;
*" update "*)
	for word; do
		case $word in Dir::Etc::SourceList=*) cat "${word#*=}" >>"$ASKED" ;; esac
	done
	;;
*" source "*)
	[ -z "$FAIL" ] || exit 100
	mkdir libthing-1.0 && echo text >libthing-1.0/file && touch libthing_1.0.dsc
	;;
esac
"""


@pytest.fixture
def fetch(tmp_path, write):
    """fetch(*arguments, **settings): run the script with a stand-in for apt-get."""
    write(tmp_path / "bin/apt-get", APT, 0o755)

    def run(*arguments, **settings):
        path = f"{tmp_path}/bin:{os.environ['PATH']}"
        asked = {"ASKED": str(tmp_path / "asked"), "KEY": "", "FAIL": ""}
        return subprocess.run(
            [SCRIPT, *arguments],
            env={**os.environ, "PATH": path, **asked, **settings},
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )

    return run


def test_package_is_unpacked_and_nothing_is_left(fetch, tmp_path):
    done = fetch("libthing", "a/b/libthing")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a/b/libthing/file").read_text() == "text\n"
    assert os.listdir(tmp_path / "a/b") == ["libthing"]
    assert done.stdout == ""
    assert "debian-source: fetching the source of libthing ..." in done.stderr


def test_repositories_are_those_of_apt(fetch, tmp_path):
    fetch("libthing", "out", KEY="/usr/share/keyrings/k.gpg")
    asked = (tmp_path / "asked").read_text()
    key = "[signed-by=/usr/share/keyrings/k.gpg] "
    assert f"deb-src {key}http://host/debian stable main\n" in asked


def test_lists_and_cache_are_its_own(fetch, tmp_path):
    fetch("libthing", "out")
    for line in (tmp_path / "asked").read_text().splitlines():
        if " update" in line or " source " in line:
            assert f"Dir::State::Lists={tmp_path}" in line
            assert f"Dir::Cache={tmp_path}" in line


def test_failing_fetch_leaves_nothing(fetch, tmp_path):
    done = fetch("libthing", "a/libthing", FAIL="1")
    assert done.returncode == 3
    assert "the source of libthing could not be fetched" in done.stderr
    assert os.listdir(tmp_path / "a") == []


def test_what_is_there_stays(fetch, tmp_path, write):
    write(tmp_path / "out/mine", "")
    done = fetch("libthing", "out")
    assert done.returncode == 3
    assert done.stderr == "debian-source: out: is there already\n"
    assert os.listdir(tmp_path / "out") == ["mine"]


@pytest.mark.parametrize("arguments", [(), ("libthing",), ("a", "b", "c")])
def test_bad_use(fetch, arguments):
    done = fetch(*arguments)
    assert done.returncode == 3
    assert done.stderr == "debian-source: usage: scripts/debian-source PACKAGE FOLDER\n"
