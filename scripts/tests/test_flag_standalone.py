# SPDX-License-Identifier: GPL-2.0-only
"""The flag rules without the driver: plain spatch."""

import functools
import difflib
import re
import subprocess

import pytest
from conftest import REPOSITORY

from kmaplocal.findings.registry import RULES
from kmaplocal.findings.survey import survey_file
from kmaplocal.tree.spatch import find_spatch

GROUPED_BY = {"rule": str}
COCCI = REPOSITORY / "cocci/flag.cocci"
FLAG = REPOSITORY / "fixtures/flag"
# The file that plain spatch runs on, where it is not the first of the rule's folder;
# and how many lines of it patch mode changes.
SAMPLES = {
    "kmap-nested": "nested",
    "kmap-nesting-order": "forwards",
    "kmap-handoff": "translated",
    "kmap-returned": "wrappers",
    "kmap-leak": "error_paths",
    "kmap-double-unmap": "twice",
    "kmap-use-after-unmap": "reads_and_writes",
    "kmap-mixed-pair": "mixed",
    "kmap-wrong-argument": "address_for_page",
    "kmap-off-page": "beyond",
    "kmap-sleep-atomic": "sleeps",
    "kmap-null-check": "checks",
    "kmap-deprecated": "old_calls",
}
FIXING = {
    "kmap-nesting-order": 3,
    "kmap-mixed-pair": 8,
    "kmap-wrong-argument": 2,
    "kmap-null-check": 5,
    "kmap-leak": 4,  # of an `if` that gets braces
}
# Of each kind of pattern one rule shows its places; reports are all compared.
SHOWN = ("kmap-nested", "kmap-handoff", "kmap-leak", "kmap-null-check")
CASES = [(rule, mode) for rule in RULES for mode in ("report", "patch")]
CASES += [(rule, mode) for rule in SHOWN for mode in ("context", "org")]


def stem(rule):
    """The name of a rule's folder and file."""
    return rule.replace("-", "_")


def source(rule):
    folder = FLAG / stem(rule)
    return folder / f"{SAMPLES[rule]}.c" if rule in SAMPLES else min(folder.glob("*.c"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """runs(rule, mode): plain spatch on the rule's sample, as a person calls it."""
    folder = tmp_path_factory.mktemp("plain")

    @functools.cache
    def run(rule, mode):
        command = [find_spatch().program, "--sp-file", COCCI, "--no-includes"]
        done = subprocess.run(
            [*command, "-D", mode, "-D", f"rule={rule}", source(rule)],
            cwd=folder,
            capture_output=True,
            text=True,
        )
        assert not list(folder.iterdir()), "litter"
        return done

    return run


@functools.cache
def findings(rule):
    """The findings of a rule in its sample, as the driver finds them."""
    found = survey_file(source(rule), find_spatch())
    assert not found.lost
    return [f for f in found.findings if f.rule == rule]


def test_without_a_rule_all_are_reported(tmp_path):
    command = [find_spatch().program, "--sp-file", COCCI, "--no-includes", "-D"]
    file = source("kmap-mixed-pair")
    done = subprocess.run(
        [*command, "report", file], cwd=tmp_path, capture_output=True, text=True
    )
    told = re.findall(r"(?m)^.+\.c:(\d+):\d+-\d+: (kmap-[a-z-]+): ", done.stdout)
    found = survey_file(file, find_spatch()).findings
    assert len({f.rule for f in found}) > 1
    assert sorted(told) == sorted((str(f.line), f.rule) for f in found)


def test_rule_that_there_is_not(tmp_path):
    command = [find_spatch().program, "--very-quiet", "--sp-file", COCCI]
    command += ["-D", "report", "-D", "rule=kmap-leek", source("kmap-leak")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("kmaplocal: kmap-leek: no such rule; ")
    assert done.stderr.count("\n") == 1


def test_context_marks_what_several_rules_find(tmp_path):
    """No two findings of one place, or of a place in another one, lose the file."""
    shown = 0
    for file in sorted(FLAG.rglob("*.c"))[::4]:
        command = [find_spatch().program, "--sp-file", COCCI, "--no-includes"]
        done = subprocess.run(
            [*command, "-D", "context", file],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert not re.search("EXN|already tagged token|Traceback", done.stderr)
        shown += bool(done.stdout)
    assert shown > 5


@pytest.mark.parametrize("rule, mode", CASES)
def test_no_trouble(rule, mode, runs):
    done = runs(rule, mode)
    assert done.returncode == 0
    assert not re.search(r"EXN|exn|Traceback|rror:", done.stdout + done.stderr)


@pytest.mark.parametrize("rule", RULES)
def test_report_says_what_the_driver_finds(rule, runs):
    pattern = re.compile(rf"^(.+\.c):(\d+):(\d+)-\d+: {rule}: (.+)$", re.M)
    told = sorted(
        (int(line), int(column) + 1, message)
        for _, line, column, message in pattern.findall(runs(rule, "report").stdout)
    )
    assert told == [(f.line, f.column, f.message) for f in findings(rule)]
    assert told


@pytest.mark.parametrize("rule", SHOWN)
def test_org_and_context_are_of_the_same_lines(rule, runs):
    lines = {f.line for f in findings(rule)}
    org = re.findall(r"\.c::face=[^:]*::linb=(\d+)", runs(rule, "org").stdout)
    assert {int(line) for line in org} == lines
    text = source(rule).read_text().split("\n")
    marked = re.findall(r"(?m)^-(?!-- )(.*)$", runs(rule, "context").stdout)
    assert set(marked) >= {text[line - 1] for line in lines} != set()


@pytest.mark.parametrize("rule", RULES)
def test_patch_mode_fixes_what_is_certain(rule, runs):
    hunks = runs(rule, "patch").stdout
    removed = re.findall(r"(?m)^-(?!-- )\s*(.*?);?(?: /\*.*)?$", hunks)
    calls = [text for text in removed if text.startswith(("kunmap", "if"))]
    assert len(calls) == FIXING.get(rule, 0)
    if rule not in FIXING:
        assert not hunks


@pytest.mark.parametrize("rule", FIXING)
def test_what_was_fixed_is_not_found_again(rule, tmp_path):
    fixed = tmp_path / source(rule).name
    command = [find_spatch().program, "--sp-file", COCCI, "--no-includes"]
    command += ["--keep-comments", "-D", "patch", "-D", f"rule={rule}"]
    subprocess.run([*command, source(rule), "-o", fixed], check=True, cwd=tmp_path)
    left = [f for f in survey_file(fixed, find_spatch()).findings if f.rule == rule]
    assert len(left) == sum(not finding.fix for finding in findings(rule))
    includes = f"-I{REPOSITORY}/fixtures/include"
    subprocess.run(["gcc", "-std=gnu11", "-fsyntax-only", includes, fixed], check=True)


def test_an_unmap_is_added_where_it_is_right_on_every_path(tmp_path):
    """Before the statements of the fixture that say so, in whatever way it is left."""
    sample, fixed = FLAG / "kmap_leak/jumps.c", tmp_path / "jumps.c"
    command = [find_spatch().program, "--sp-file", COCCI, "--no-includes"]
    command += ["--keep-comments", "-D", "patch", "-D", "rule=kmap-leak"]
    subprocess.run([*command, sample, "-o", fixed], check=True, cwd=tmp_path)
    before = sample.read_text().split("\n")
    after = fixed.read_text().split("\n")
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    added = [
        before[last - 1 if kind == "replace" else last]
        for kind, _, last, start, end in matcher.get_opcodes()
        if kind != "equal" and any("kunmap" in line for line in after[start:end])
    ]
    wanted = [line for line in before if "/* unmap before */" in line]
    assert added == wanted
    includes = f"-I{REPOSITORY}/fixtures/include"
    subprocess.run(["gcc", "-std=gnu11", "-fsyntax-only", includes, fixed], check=True)
