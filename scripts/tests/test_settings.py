# SPDX-License-Identifier: GPL-2.0-only
"""The settings of the Makefile: their text is text, and their names are known."""

import os
import re

import pytest
from conftest import REPOSITORY
from test_doors import MAKES_OWN, make

TEXT = (REPOSITORY / "Makefile").read_text()
NAMES = [
    n for line in re.findall(r"^NAMES [:+]= (.*)$", TEXT, re.M) for n in line.split()
]
# A door that looks at the setting; flag does at most.
DOORS = {"OLD": "history", "NEW": "history", "CC": "verify", "DOORS": "verify"}
DOORS |= {"BEFORE": "verify", "FORCE": "apply", "DRY_RUN": "apply", "ONLY": "series"}
DOORS |= dict.fromkeys(("BRANCH", "SPLIT", "PREVIOUS", "SKIP"), "series")
# Without these the door has no use for them.
WITH = {"REASON": ["WRITE_BASELINE=1", "BASELINE=x"]}


def hostile(place):
    """A text that would make the file PLACE if any of it were run."""
    touch = f"touch {place}"
    return (
        f"$(shell {touch})${{shell {touch}}}`{touch}`;{touch};\"';{touch};'\"$({touch})"
    )


@pytest.mark.parametrize(
    "name, given",
    [(name, "word") for name in NAMES] + [("FILES", "environment")],
)
def test_no_command_comes_out_of_a_setting(tmp_path, name, given):
    made = tmp_path / "made"
    value = hostile(made)
    settings = {"KERNEL": str(tmp_path / "none"), name: value}
    words = [DOORS.get(name, "flag"), *WITH.get(name, ())]
    if given == "word":
        done = make(*words, *(f"{n}={v}" for n, v in settings.items()))
    else:
        clean = {k: v for k, v in os.environ.items() if k not in MAKES_OWN}
        done = make(*words, env=clean | settings)
    assert not made.exists()
    assert done.returncode == 2, done.stdout


def test_a_setting_arrives_as_it_was_given(tmp_path):
    kernel = f"{tmp_path}/a b$c$(d)'e\"\\f"
    done = make("flag", f"KERNEL={kernel}")
    assert f"kmaplocal: {kernel}: no such folder" in done.stderr


def test_a_dollar_in_a_file_name(tmp_path):
    (tmp_path / "a$b.c").write_text("void f(void)\n{\n\tkmap(page);\n}\n")
    done = make("-s", "flag", f"KERNEL={tmp_path}", "FILES=a$b.c")
    assert "a$b.c:3:2: warning: " in done.stdout


@pytest.mark.parametrize(
    "wrong, right",
    [
        ("DRYRUN", "DRY_RUN"),
        ("FILE", "FILES"),
        ("SINC", "SINCE"),
        ("kernel", "KERNEL"),
        ("FAILON", "FAIL_ON"),
        ("BASLINE", "BASELINE"),
    ],
)
def test_a_misspelt_setting_is_refused(tmp_path, wrong, right):
    done = make("flag", f"KERNEL={tmp_path}", f"{wrong}=1")
    assert done.returncode == 2 and done.stdout == ""
    assert f"no setting {wrong}=; did you mean {right}=?" in done.stderr


@pytest.mark.parametrize("name", ["Q_Q", "PYTHON", "DEFAULT_KERNEL", "a'b"])
def test_what_is_no_setting_is_not_run(tmp_path, name):
    made = tmp_path / "made"
    done = make("flag", f"KERNEL={tmp_path}", f"{name}={hostile(made)}")
    assert not made.exists()
    assert name == "PYTHON" or f"no setting {name}=" in done.stderr


@pytest.mark.parametrize("name", ["KERNEL", "OLD", "NEW"])
def test_an_empty_tree_is_not_the_default(name):
    done = make("history" if name != "KERNEL" else "apply", f"{name}=", "DRY_RUN=1")
    assert done.returncode == 2 and done.stdout == ""
    assert f"{name}= is empty: it names a kernel tree" in done.stderr


@pytest.mark.parametrize("value", ["", "  "])
def test_no_files_are_not_all_files(tmp_path, value):
    for door in ("apply", "flag", "report", "series"):
        done = make(door, f"KERNEL={tmp_path}", f"FILES={value}", "DRY_RUN=1")
        assert done.returncode == 2 and done.stdout == ""
        assert "FILES= is empty: it names files or folders" in done.stderr


def test_every_setting_that_help_names_is_one():
    told = set(re.findall(r"\b([A-Z][A-Z_]+)=", make("help").stdout))
    assert told - {"PYTHONPATH", "NAME"} == set(NAMES) - {"PREVIOUS", "V", "DESTDIR"}


def test_a_name_in_files_may_have_blanks(tmp_path):
    for name in ("a b.c", "c.c", "it's.c"):
        (tmp_path / name).write_text("void f(void)\n{\n\tkmap(page);\n}\n")
    for files in ("a\\ b.c c.c", '"a b.c" c.c'):
        done = make("-s", "flag", f"KERNEL={tmp_path}", f"FILES={files}")
        assert "a b.c:3:2: warning" in done.stdout and "in 2 files" in done.stdout
    done = make("-s", "flag", f"KERNEL={tmp_path}", "FILES=it's.c c.c")
    assert "it's.c:3:2: warning" in done.stdout and "in 2 files" in done.stdout


def test_a_table_at_the_end(tmp_path):
    (tmp_path / "a.c").write_text("void f(void)\n{\n\tkmap(page);\n}\n")
    done = make("-s", "flag", f"KERNEL={tmp_path}", "STATS=1")
    *_, heads, row, last = done.stdout.splitlines()
    assert heads.split() == ["findings", "severity", "rule"]
    assert row.split()[:3] == ["1", "warning", "kmap-deprecated"]
    assert last.startswith("0 errors, 1 warning")
    done = make("-s", "apply", f"KERNEL={tmp_path}", "FILES=.", "DRY_RUN=1", "STATS=1")
    assert "kept for" in done.stderr
