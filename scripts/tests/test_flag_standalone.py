# SPDX-License-Identifier: GPL-2.0-only
"""The flag rules without the driver: plain spatch, and the kernel's coccicheck."""

import functools
import os
import re
import subprocess

import pytest
from conftest import REPOSITORY

from kmaplocal.flag.finding import RULES
from kmaplocal.flag.survey import survey_file
from kmaplocal.read.spatch import find_spatch

GROUPED_BY = {"rule": str}
COCCI = REPOSITORY / "cocci/flag"
FLAG = REPOSITORY / "fixtures/flag"
TREES = [
    path
    for path in (REPOSITORY / f"build/linux-source-{v}" for v in ("6.1", "6.12"))
    if path.name == "linux-source-6.1" or path.exists()
]
# A file with findings of the rule; what patch mode makes of it, if anything.
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
}
# Of each kind of pattern one rule shows its places; reports are all compared.
SHOWN = ("kmap-nested", "kmap-handoff", "kmap-leak", "kmap-null-check")
CASES = [(rule, mode) for rule in RULES for mode in ("report", "patch")]
CASES += [(rule, mode) for rule in SHOWN for mode in ("context", "org")]


def stem(rule):
    """The name of a rule's folder and file."""
    return rule.replace("-", "_")


def source(rule):
    return FLAG / stem(rule) / f"{SAMPLES[rule]}.c"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """runs(rule, mode): plain spatch on the rule's sample, as a person calls it."""
    folder = tmp_path_factory.mktemp("plain")

    @functools.cache
    def run(rule, mode):
        command = [find_spatch().program, "--sp-file", COCCI / f"{stem(rule)}.cocci"]
        done = subprocess.run(
            [*command, "--no-includes", "-D", mode, source(rule)],
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


def test_every_rule_has_a_semantic_patch():
    assert {path.stem for path in COCCI.glob("*.cocci")} == set(map(stem, RULES))


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
    command = [find_spatch().program, "--sp-file", COCCI / f"{stem(rule)}.cocci"]
    command += ["--no-includes", "--keep-comments", "-D", "patch"]
    subprocess.run([*command, source(rule), "-o", fixed], check=True, cwd=tmp_path)
    left = [f for f in survey_file(fixed, find_spatch()).findings if f.rule == rule]
    assert len(left) == len(findings(rule)) - FIXING[rule]
    includes = f"-I{REPOSITORY}/fixtures/include"
    subprocess.run(["gcc", "-std=gnu11", "-fsyntax-only", includes, fixed], check=True)


# -- the kernel's coccicheck -------------------------------------------------------


@pytest.fixture(scope="module")
def checks(tmp_path_factory):
    """checks(tree, rule): coccicheck MODE=report on a folder with the sample."""

    @functools.cache
    def check(tree, rule):
        folder = tmp_path_factory.mktemp(stem(rule))
        (folder / source(rule).name).write_bytes(source(rule).read_bytes())
        hidden = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "KERNEL", "FILES")
        settings = {k: v for k, v in os.environ.items() if k not in hidden}
        command = ["make", "-C", tree, "coccicheck", "MODE=report", f"M={folder}"]
        return subprocess.run(
            [*command, f"COCCI={COCCI / stem(rule)}.cocci"],
            env=settings,
            capture_output=True,
            text=True,
        )

    return check


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.name)
@pytest.mark.parametrize("rule", RULES)
def test_coccicheck_reports_like_plain_spatch(rule, tree, checks, runs):
    done = checks(tree, rule)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not re.search(r"EXN|exn|Traceback|coccicheck failed", done.stdout)
    assert _reports(done.stdout) == _reports(runs(rule, "report").stdout) != []


def _reports(output):
    return sorted(re.findall(r"(?m)^\S*?([^/\s]+\.c:\d+:\d+-\d+: .*)$", output))
