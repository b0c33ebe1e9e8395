# SPDX-License-Identifier: GPL-2.0-only
"""What goes wrong with one file or function costs that one, and is told."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from test_cli import surroundings

from kmaplocal import cli, faults
from kmaplocal.apply import conversion, edit, outcomes
from kmaplocal.commands import flag
from kmaplocal.errors import KmaplocalError
from kmaplocal.findings import registry, survey
from kmaplocal.certify import gaps, learner
from kmaplocal.certify import wrappers
from kmaplocal.summaries.callees import Callees
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.c import outline
from kmaplocal.tree import facts
from kmaplocal.tree.spatch import find_spatch
from kmaplocal.tree.target import Target
from kmaplocal.progress import silent

GOOD = """
char good(struct page *page)
{
	char *at = kmap(page);
	char first = at[0];

	kunmap(page);
	return first;
}
"""
BAD = GOOD.replace("good", "bad")
WRAPPED = """
void *bad_map(struct page *page)
{
	return kmap_atomic(page);
}

char bad_user(struct page *page)
{
	char *at = bad_map(page);
	char first = at[0];

	kunmap_atomic(at);
	return first;
}
"""
HELPED = """
static char helper(char *at)
{
	return inner(at);
}

char bad(struct page *page)
{
	char *at = kmap(page);
	char first = helper(at);

	kunmap(page);
	return first;
}
"""


class Broken(Exception):
    """What is not foreseen."""


def breaks(monkeypatch, owner, name, when):
    """Have OWNER's function NAME raise where WHEN(its arguments) holds."""
    before = getattr(owner, name)

    def broken(*given, **options):
        if when(*given):
            raise Broken("on\npurpose")
        return before(*given, **options)

    monkeypatch.setattr(owner, name, broken)


@pytest.fixture
def convert(tmp_path):
    """convert(**texts): the outcome by name of files of these TEXTS."""

    def run(**texts):
        for name, text in texts.items():
            (tmp_path / f"{name}.c").write_text(text)
        paths = [Path(f"{name}.c") for name in texts]
        tree = SimpleNamespace(root=tmp_path)
        request = SimpleNamespace(jobs=1, timeout=60.0, target=Target)
        worker = conversion.prepare(tmp_path, paths, find_spatch(), request, silent)
        return {path.stem: outcomes._convert(tree, worker, path) for path in paths}

    return run


@pytest.fixture
def flagged(tmp_path):
    """flagged(**texts): the survey of files of these TEXTS."""

    def run(**texts):
        for name, text in texts.items():
            (tmp_path / f"{name}.c").write_text(text)
        names = [f"{name}.c" for name in texts]
        return survey.survey(tmp_path, names, find_spatch(), 60, jobs=1)

    return run


def only(lost, file, function):
    """Only FUNCTION of FILE is LOST, and it is said how to report it."""
    assert [(loss.file, loss.function) for loss in lost] == [(file, function)]
    assert lost[0].reason.startswith("internal error: Broken at test_faults.py:")
    assert "on purpose (please report" in lost[0].reason


def lost_in(done):
    return [lost for outcome in done.values() for lost in outcome.unanalysed]


@pytest.mark.parametrize("compiler", [True, False])
def test_a_file_that_cannot_be_written_for_spatch(convert, monkeypatch, compiler):
    breaks(monkeypatch, facts._Job, "copy", lambda job: job.piece.name == "bad.c")
    if not compiler:
        monkeypatch.setattr(facts, "_by_tree", lambda *_: {})
    done = convert(bad=BAD, fine=GOOD)
    only(lost_in(done), "bad.c", "bad")
    assert done["fine"].converted == ("good",)


def test_a_file_that_has_no_outline(convert, flagged, monkeypatch):
    breaks(monkeypatch, outline, "read", lambda path: path.name == "bad.c")
    done = convert(bad=BAD, fine=GOOD)
    only(lost_in(done), "bad.c", "(whole file)")
    assert done["fine"].converted == ("good",)
    only(flagged(bad=BAD, fine=GOOD).lost, "bad.c", "(whole file)")


def test_a_file_that_is_not_understood(convert, monkeypatch):
    breaks(monkeypatch, gaps, "lost", lambda file, *_: file.path == "bad.c")
    done = convert(bad=BAD, fine=GOOD)
    only(lost_in(done), "bad.c", "(whole file)")
    assert done["fine"].converted == ("good",)


def test_a_function_that_cannot_be_analysed(convert, monkeypatch):
    breaks(monkeypatch, FunctionAnalysis, "follow", lambda f: f.function.name == "bad")
    done = convert(both=BAD + GOOD)
    only(lost_in(done), "both.c", "bad")
    assert done["both"].converted == ("good",)


@pytest.mark.parametrize("stage", ["_find", "_conclude", "_certify_one", "_components"])
def test_wrappers_that_cannot_be_joined(convert, monkeypatch, stage):
    breaks(monkeypatch, wrappers.Wrappers, stage, lambda *_: True)
    done = convert(both=WRAPPED + GOOD)
    assert done["both"].converted == ("good",)
    assert "bad_map" in [lost.function for lost in lost_in(done)]
    assert b"return kmap_atomic(page)" in done["both"].after


def test_half_of_a_component_is_not_converted(convert, monkeypatch):
    """What went wrong with its second function takes the first back."""

    class Verdicts(list):
        def __setitem__(self, index, verdict):
            if verdict.function == "bad_user":
                raise Broken
            super().__setitem__(index, verdict)

    before = wrappers.Wrappers._conclude

    def conclude(self, component):
        for file in self.files.values():
            file.verdicts = Verdicts(file.verdicts)
        before(self, component)

    assert set(convert(both=WRAPPED)["both"].converted) == {"bad_map", "bad_user"}
    monkeypatch.setattr(wrappers.Wrappers, "_conclude", conclude)
    done = convert(both=WRAPPED)["both"]
    assert (done.converted, done.after) == ((), done.before)
    assert {lost.function for lost in done.unanalysed} == {"bad_map", "bad_user"}


@pytest.mark.parametrize("stage", ["_find", "_read_callees"])
def test_callees_that_cannot_be_found(convert, monkeypatch, stage):
    breaks(monkeypatch, learner.Learner, stage, lambda *_: True)
    done = convert(both=HELPED + GOOD)["both"]
    assert done.converted == ("good",)
    assert any("internal error: Broken" in doubt.reason for doubt in done.kept)


def test_a_callee_that_cannot_be_summarised(convert, monkeypatch):
    """And what was said of a function while it was looked at is forgotten."""
    again = HELPED.replace("bad(", "worse(").replace("helper(", "inner(")
    cycle = HELPED + again.replace("return inner(at)", "return helper(at)")
    assert convert(both=cycle)["both"].converted == ("bad", "worse")
    times = iter(range(100))
    breaks(monkeypatch, Callees, "_summarise", lambda *_: next(times) in (1, 2))
    done = convert(both=cycle)["both"]
    assert {lost.function for lost in done.unanalysed} >= {"bad"}


def test_a_rule_that_fails(flagged, monkeypatch):
    def rule(context):
        if context.function.name == "bad":
            raise Broken("on purpose")
        return ()

    monkeypatch.setattr(registry, "FOLDS", [(None, rule), *registry.FOLDS])
    leaks = BAD.replace("kmap(", "kmap_local_page(").replace("\tkunmap(page);\n", "")
    found = flagged(both=leaks + GOOD)
    only(found.lost, "both.c", "bad")
    assert "kmap-leak" in [finding.rule for finding in found.findings]


def test_a_survey_that_fails_for_a_file(flagged, monkeypatch):
    breaks(monkeypatch, survey, "in_file", lambda file, _: file.path == "bad.c")
    found = flagged(bad=BAD, fine=GOOD)
    only(found.lost, "bad.c", "(whole file)")
    assert {finding.file for finding in found.findings} == {"fine.c"}


def test_a_plan_that_fails(convert, monkeypatch):
    breaks(monkeypatch, conversion, "make_plan", lambda file: file.path == "bad.c")
    done = convert(bad=BAD, fine=GOOD)
    only(lost_in(done), "bad.c", "(whole file)")
    assert done["fine"].converted == ("good",)


def crowds(monkeypatch):
    """Have the edits of the function bad() be in each other's way."""
    before = edit.Draft.finished

    def finished(draft):
        if draft.places.function.name == "bad":
            raise edit.Crowded("line 13 is to be changed in two ways")
        return before(draft)

    monkeypatch.setattr(edit.Draft, "finished", finished)


def test_edits_in_each_others_way_cost_their_function(convert, monkeypatch):
    crowds(monkeypatch)
    outcome = convert(both=GOOD + BAD)["both"]
    why = "not applied: line 13 is to be changed in two ways"
    assert [(n.function, n.reason) for n in outcome.unanalysed] == [("bad", why)]
    assert outcome.converted == ("good",)
    assert b"*at = kmap_local_page(page);" in outcome.after


def test_what_is_converted_with_it_is_not_applied_either(convert, monkeypatch):
    crowds(monkeypatch)
    text = WRAPPED.replace("bad", "slot").replace("slot_user", "bad")
    outcome = convert(both=GOOD + text)["both"]
    assert {n.function for n in outcome.unanalysed} == {"good", "bad", "slot_map"}
    assert outcome.after == outcome.before


def test_an_edit_that_goes_wrong_costs_its_function(convert, monkeypatch):
    before = conversion._look_again

    def look(outline, after, plan, *rest):
        if "bad" in [verdict.function for verdict in plan.functions]:
            raise conversion.NotApplied("bad() still holds an old call")
        return before(outline, after, plan, *rest)

    monkeypatch.setattr(conversion, "_look_again", look)
    outcome = convert(both=GOOD + BAD)["both"]
    assert [n.function for n in outcome.unanalysed] == ["bad"]
    assert outcome.converted == ("good",)


def test_what_ends_a_run_still_does():
    with pytest.raises(KmaplocalError), faults.net(pytest.fail):
        raise KmaplocalError("no spatch")


def test_a_fault_at_the_top_is_one_line_and_no_finding(monkeypatch, capfd):
    breaks(monkeypatch, flag, "Console", lambda *_: True)
    assert cli.main(["flag", "--kernel", "/"]) == 3
    out, err = capfd.readouterr()
    assert out == "" and err.count("\n") == 1
    assert err.startswith("kmaplocal: internal error: Broken at ")


# What came with it is made right, and not only caught.

UNREAD = """
static void *slot_map(struct page *page)
{
	return kmap(page);
}

int half(struct page *p, struct page *q, char *buf, int n)
{
	char *at;

	repeat {
		n--;
	} until (check(buf, n))
	at = kmap(p);
	buf[0] = at[0];
	kunmap(p);
	at = slot_map(q);
	buf[1] = at[0];
	kunmap(q);
	return 0;
}
"""
ASSIGNED = """
int assigned(struct page *page, struct slot *slot)
{
	char *at = kmap_local_page(page);

	slot->at = at;
	slot->at = kunmap_local(at);
	return 0;
}
"""


def test_a_function_that_was_not_read_uses_a_wrapper(convert):
    done = convert(one=UNREAD + GOOD)["one"]
    assert done.converted == ("good",)
    (lost,) = done.unanalysed
    assert (lost.function, "internal" in lost.reason) == ("half", False)


def test_an_unmap_as_a_value(flagged):
    assert not any("internal" in lost.reason for lost in flagged(a=ASSIGNED).lost)


# -- streams -----------------------------------------------------------------


@pytest.mark.parametrize(
    "closed, status, out, err",
    [
        (">&-", 3, "", "kmaplocal: standard output is closed; nothing was done\n"),
        ("2>&-", 0, "kmap-leak", ""),
        ("<&-", 0, "kmap-leak", ""),
        (">&- 2>&-", 3, "", ""),
    ],
)
def test_a_closed_stream(closed, status, out, err):
    command = f"{sys.executable} -m kmaplocal flag --explain kmap-leak {closed}"
    done = subprocess.run(
        ["bash", "-c", command], env=surroundings(), capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (status, err)
    assert out in done.stdout


def test_what_is_found_is_told_without_stderr(tmp_path):
    (tmp_path / "a.c").write_text(GOOD)
    command = f"{sys.executable} -m kmaplocal flag --kernel {tmp_path} 2>&- | cat"
    done = subprocess.run(
        ["bash", "-c", command], env=surroundings(), capture_output=True, text=True
    )
    assert "kmap() and kunmap() are deprecated" in done.stdout


@pytest.mark.parametrize("asked", ["flag --explain kmap-leak", "--help", "flag --help"])
def test_an_output_that_is_closed_early_is_no_finding(asked):
    run = f"{sys.executable} -m kmaplocal {asked}"
    command = f"{{ sleep 1; {run}; echo $? >&2; }} | true"
    done = subprocess.run(
        ["bash", "-c", command], env=surroundings(), capture_output=True, text=True
    )
    said = done.stderr.splitlines()
    assert said[-1] == "3" and len(said) == 2 and "closed" in said[0], said


@pytest.mark.parametrize("asked", ["flag --explain kmap-leak", "--help"])
def test_an_output_without_room_is_told(asked):
    command = f"{sys.executable} -m kmaplocal {asked} > /dev/full; echo $? >&2"
    done = subprocess.run(
        ["bash", "-c", command], env=surroundings(), capture_output=True, text=True
    )
    said = done.stderr.splitlines()
    assert said[-1] == "3" and len(said) == 2 and "standard output" in said[0], said


def test_what_is_nested_too_deeply_is_told_in_words():
    def deeper():
        deeper()

    with pytest.raises(RecursionError) as caught:
        deeper()
    assert faults.told(caught.value) == (
        "what is in it is nested too deeply to be followed"
    )
