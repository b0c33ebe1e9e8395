# SPDX-License-Identifier: GPL-2.0-only
"""Makefile, scripts/install and .ci/run: the doors, as far as they go offline."""

import os
import re
import subprocess

import pytest
from conftest import REPOSITORY

INSTALL = REPOSITORY / "scripts/install"


MAKES_OWN = set(
    "MAKEFLAGS MAKELEVEL MFLAGS KERNEL FILES FAIL_ON OLD NEW FORMAT OUT BEFORE"
    " CC DOORS BRANCH SPLIT SKIP ONLY".split()
)


def make(*arguments, **options):
    # Not the flags and variables of a make that runs this very test.
    clean = {k: v for k, v in os.environ.items() if k not in MAKES_OWN}
    command = ["make", "--no-print-directory", *arguments]
    settings = {"env": clean, "capture_output": True, "text": True, **options}
    return subprocess.run(command, cwd=REPOSITORY, **settings)


@pytest.fixture
def tools(tmp_path, write):
    """tools(name, body): a stand-in command; its folder is a whole PATH."""
    folder = tmp_path / "tools"

    def add(name, body):
        write(folder / name, f"#!/bin/sh\n{body}\n", 0o755)
        return folder

    for name in ("sh", "sed", "tr", "sort", "env"):
        add(name, f'exec /bin/{name} "$@"')
    return add


def install(folder, *purposes):
    return subprocess.run(
        ["/bin/sh", str(INSTALL), *purposes],
        env={"PATH": str(folder), "LOG": str(folder / "log")},
        capture_output=True,
        text=True,
    )


def logged(folder):
    log = folder / "log"
    return log.read_text().splitlines() if log.exists() else []


ALL_THERE = 'shift 3; for p; do echo "installed $p"; done'
NONE_THERE = "exit 1"


def test_nothing_missing_is_silent(tools):
    folder = tools("dpkg-query", ALL_THERE)
    done = install(folder, "apply", "kernel", "check", "lint", "history")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("purpose", ["apply", "boot", "check", "verify"])
def test_a_bare_machine_gets_what_the_driver_runs_on(tools, purpose):
    tools("dpkg-query", NONE_THERE)
    tools("id", "echo 0")
    folder = tools("apt-get", 'echo "$@" >> "$LOG"')
    assert install(folder, purpose).returncode == 0
    assert {"coccinelle", "python3", "python3-click"} < set(logged(folder)[-1].split())


def test_only_what_is_missing_is_installed(tools):
    tools("dpkg-query", "echo installed black; echo config-files flake8; exit 1")
    tools("id", "echo 0")
    folder = tools("apt-get", 'echo "$@" >> "$LOG"')
    done = install(folder, "lint")
    assert done.returncode == 0
    assert done.stdout == ""
    assert "install: installing: flake8 mypy shellcheck\n" in done.stderr
    assert logged(folder)[-1] == (
        "-q install -y --no-install-recommends flake8 mypy shellcheck"
    )


def test_sudo_when_not_root(tools):
    tools("dpkg-query", NONE_THERE)
    tools("id", "echo 1000")
    tools("apt-get", 'echo "$@" >> "$LOG"')
    folder = tools("sudo", 'echo sudo >> "$LOG"; exec "$@"')
    assert install(folder, "lint").returncode == 0
    assert logged(folder)[-2] == "sudo"


def test_neither_root_nor_sudo(tools):
    tools("dpkg-query", NONE_THERE)
    folder = tools("id", "echo 1000")
    done = install(folder, "lint")
    assert done.returncode == 3
    assert done.stderr == (
        "install: these packages are missing, and installing them needs root:"
        " black flake8 mypy shellcheck\n"
    )


def test_apt_fails_once(tools):
    tools("dpkg-query", NONE_THERE)
    tools("id", "echo 0")
    folder = tools(
        "apt-get",
        'echo "$2" >> "$LOG"; [ "$2" = update ] || [ -e "$LOG.x" ] || '
        '{ : > "$LOG.x"; exit 100; }',
    )
    assert install(folder, "lint").returncode == 0
    assert logged(folder)[-3:] == ["install", "update", "install"]


def test_apt_fails_for_good(tools):
    tools("dpkg-query", NONE_THERE)
    tools("id", "echo 0")
    done = install(tools("apt-get", "exit 100"), "lint")
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].startswith("install: apt-get ")


@pytest.mark.parametrize("purposes", [[], ["nonsense"]])
def test_bad_purpose(tools, purposes):
    done = install(tools("dpkg-query", ALL_THERE), *purposes)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1


def test_not_debian(tools):
    folder = tools("id", "echo 1000")
    done = install(folder, "lint")
    assert done.returncode == 0
    assert "black flake8 mypy shellcheck" in done.stderr


def test_help_lists_every_door():
    text = make("help").stdout
    phony = re.search(r"^\.PHONY: (.*)$", (REPOSITORY / "Makefile").read_text(), re.M)
    for door in phony[1].split():
        assert re.search(rf"^ +{door} ", text, re.MULTILINE)
    assert make().stdout == text


def test_settings_reach_the_driver():
    asked = ["DRY_RUN=1", "FORCE=1", "JOBS=3", "V=1", "KERNEL=/tmp/k"]
    shown = make("-n", "apply", *asked).stdout
    assert "--dry-run" in shown and "--force" in shown and '--jobs "$JOBS"' in shown
    assert "--force" not in make("-n", "apply", "FORCE=0", "KERNEL=/tmp/k").stdout


def test_default_kernel_is_unpacked_and_others_are_not():
    # -B: as if it were not there.
    assert "tar -xf" not in make("-n", "-B", "apply", "KERNEL=/tmp/k").stdout
    assert (
        "tar -xf /usr/src/linux-source-6.1.tar.xz" in make("-n", "-B", "apply").stdout
    )


def test_awkward_kernel_path(tmp_path):
    awkward = tmp_path / 'it\'s a "tree"; no'
    done = make("apply", f"KERNEL={awkward}", "FILES=*.c")
    assert f"kmaplocal: {awkward}: no such folder" in done.stderr
    assert "Error 3" in done.stderr
    assert done.returncode == 2


def test_files_are_no_patterns(kernel):
    done = make("apply", f"KERNEL={kernel}", "FILES=fs/none*.c lib/?.c")
    assert "kmaplocal: fs/none*.c: no such file" in done.stderr


def test_dry_run_keeps_standard_output_clean(kernel):
    done = make("-s", "apply", f"KERNEL={kernel}", "FILES=mm/clean.c", "DRY_RUN=1")
    assert done.stdout == ""
    assert "mm/clean.c: nothing to convert" in done.stderr


def test_scripts_can_be_run():
    for script in (INSTALL, REPOSITORY / ".ci/run"):
        assert os.access(script, os.X_OK)
