# SPDX-License-Identifier: GPL-2.0-only
"""TIME=: a run ends in time, and names what it did not reach."""

import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from test_cli import surroundings

from kmaplocal import deadline
from kmaplocal.apply import conversion, outcomes
from kmaplocal.console import Console
from kmaplocal.findings.survey import survey
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.tree.spatch import find_spatch
from kmaplocal.tree.target import Target

GOOD = """
char NAME(struct page *page)
{
	char *at = kmap(page);
	char first = at[0];

	kunmap(page);
	return first;
}
"""
REASON = "not reached in the 1000 seconds of TIME="


@pytest.fixture
def ends(monkeypatch):
    """ends(when): no time is left once WHEN(a function's name) was true."""
    monkeypatch.setattr(deadline.RUN, "_seconds", 1000.0)
    monkeypatch.setattr(deadline.RUN, "_end", time.monotonic() + 1000)
    before = FunctionAnalysis.follow

    def start(when):
        def follow(self):
            before(self)
            if when(self.function.name):
                deadline.RUN._end = time.monotonic() - 1

        monkeypatch.setattr(FunctionAnalysis, "follow", follow)

    return start


def files(tmp_path, **texts):
    for name, text in texts.items():
        (tmp_path / f"{name}.c").write_text(text)
    return [Path(f"{name}.c") for name in texts]


def convert(tmp_path, **texts):
    paths = files(tmp_path, **texts)
    tree = SimpleNamespace(root=tmp_path)
    request = SimpleNamespace(jobs=1, timeout=60, target=Target)
    screen = SimpleNamespace(progress=Console().progress)
    return outcomes.convert_all(
        tree, paths, find_spatch(), request, screen, conversion.prepare
    )


def test_what_is_not_reached_is_named_and_not_converted(tmp_path, ends):
    ends(lambda name: name == "two")
    text = "".join(GOOD.replace("NAME", name) for name in ("one", "two", "three"))
    (outcome,) = convert(tmp_path, a=text)
    assert outcome.after == outcome.before
    assert REASON in {lost.reason for lost in outcome.unanalysed}


def test_what_waits_for_a_callee_is_not_reached(tmp_path, ends):
    """What was said of it is not all that there is to say."""
    ends(lambda name: name == "waits")
    callee = "static char of(char *at)\n{\n\treturn at[0];\n}\n"
    waits = GOOD.replace("NAME", "waits").replace("at[0]", "of(at)")
    root = tmp_path
    files(root, a=callee + waits)
    found = survey(root, ["a.c"], find_spatch(), 60, jobs=1)
    assert [lost.reason for lost in found.lost] == [REASON]
    deadline.RUN._end = time.monotonic() + 1000
    (outcome,) = convert(root, a=callee + waits)
    assert [lost.reason for lost in outcome.unanalysed][0] == REASON
    assert outcome.kept == ()


def test_no_time_at_all(tmp_path, kernel):
    (kernel / "fs/aio.c").write_text(GOOD.replace("NAME", "one"))
    for door in (["flag"], ["apply", "--dry-run"], ["report"]):
        command = [sys.executable, "-m", "kmaplocal", *door, "--time", "0.001"]
        done = subprocess.run(
            [*command, "--kernel", kernel, "fs/aio.c"],
            env=surroundings() | {"NO_CACHE": "1"},
            capture_output=True,
            text=True,
        )
        said = done.stdout + done.stderr
        assert done.returncode == 2
        assert "analysed: " in said and "the 0.001 seconds of TIME=" in said


def test_a_spatch_that_runs_is_not_waited_for(kernel, fake_spatch):
    fake_spatch("sleep 60")
    (kernel / "fs/aio.c").write_text(GOOD.replace("NAME", "one"))
    command = [sys.executable, "-m", "kmaplocal", "flag", "--time", "2"]
    before = time.monotonic()
    done = subprocess.run(
        [*command, "--kernel", kernel, "fs/aio.c"],
        env=surroundings() | {"NO_CACHE": "1"},
        capture_output=True,
        text=True,
    )
    assert time.monotonic() - before < 30
    assert done.returncode == 2 and "one:" in done.stdout


def test_without_it_a_run_takes_what_it_takes():
    never = deadline.Deadline()
    assert not never.over and never.within(60) == 60
