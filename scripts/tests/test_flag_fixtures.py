# SPDX-License-Identifier: GPL-2.0-only
"""The fixtures of the flag rules: what is expected stands beside the code.

`/* finding: RULE [SEVERITY] */` speaks of its own line or, where it stands alone
on one, of the next.  kmap-deprecated is expected in its own folder only.
"""

import os
import re
import subprocess
from functools import cache

import pytest
from conftest import REPOSITORY

from kmaplocal.findings.finding import SEVERITIES
from kmaplocal.findings.registry import RULES
from kmaplocal.findings.survey import survey
from kmaplocal.tree.spatch import find_spatch

GROUPED_BY = {"name": str}
FLAG = REPOSITORY / "fixtures/flag"
NAMES = sorted(str(path.relative_to(REPOSITORY)) for path in FLAG.rglob("*.c"))
OLD = "kmap-deprecated"
GCC = [
    "gcc",
    "-std=gnu11",
    "-Wall",
    "-Werror",
    "-fsyntax-only",
    f"-I{REPOSITORY}/fixtures/include",
]
_COMMENT = re.compile(r"/\* finding: (\S+)(?: (\w+))? \*/")


@pytest.fixture(scope="module")
def surveys():
    """surveys(name): the survey of a fixture alone."""
    return cache(lambda name: survey(REPOSITORY, [name], find_spatch(), 120, jobs=1))


@pytest.fixture
def found(surveys, name):
    """The survey of the fixture at hand."""
    return surveys(name)


def expected(name):
    """What the comments of a fixture say: (line, rule, severity)."""
    wanted = []
    for number, line in enumerate((REPOSITORY / name).read_text().split("\n"), start=1):
        alone = not _COMMENT.sub("", line).strip()
        for rule, severity in _COMMENT.findall(line):
            place = number + 1 if alone else number
            wanted.append((place, rule, severity or RULES[rule].severity))
    return sorted(wanted)


def folder(name):
    """The rule that a fixture's folder is named after."""
    return name.split("/")[2].replace("_", "-")


every_fixture = pytest.mark.parametrize("name", NAMES)


@every_fixture
def test_findings_are_those_expected(name, found):
    assert found.lost == []
    seen = sorted(
        (f.line, f.rule, f.severity)
        for f in found.findings
        if f.rule != OLD or folder(name) == OLD
    )
    assert seen == expected(name)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_something_to_find_and_something_to_pass_over(rule):
    """By the comments: that they are true is tested above."""
    found, clean = set(), set()
    for name in (name for name in NAMES if folder(name) == rule):
        bodies = _functions(name)
        hits = {_around(bodies, line) for line, by, _ in expected(name) if by == rule}
        found |= hits
        clean |= set(bodies.values()) - hits
    assert found and clean


def test_every_folder_is_of_a_rule():
    assert {folder(name) for name in NAMES} == set(RULES)


def _functions(name):
    """The functions of a fixture by the line they begin at."""
    text = (REPOSITORY / name).read_text()
    heads = re.finditer(r"(?m)^\w[^;\n]*?(\w+)\([^;]*$", text)
    return {text[: m.start()].count("\n") + 1: m[1] for m in heads}


def _around(bodies, line):
    return bodies[max(start for start in bodies if start <= line)]


@every_fixture
def test_findings_say_what_and_what_to_do(name, found):
    for finding in found.findings:
        assert finding.severity in SEVERITIES
        assert finding.message and finding.remedy and finding.function
        assert "\n" not in finding.message + finding.remedy
        assert finding.message[-1] not in ".:,"


@every_fixture
def test_columns_are_of_the_line(name, found):
    for finding in found.findings:
        line = (REPOSITORY / finding.file).read_text().split("\n")[finding.line - 1]
        assert line[finding.column - 1 :].strip(), finding


@every_fixture
def test_fixture_compiles_unless_it_says_so(name):
    done = subprocess.run(
        [*GCC, REPOSITORY / name],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    if "expect: does not compile" in (REPOSITORY / name).read_text():
        assert done.returncode
    else:
        assert (done.returncode, done.stderr) == (0, "")
