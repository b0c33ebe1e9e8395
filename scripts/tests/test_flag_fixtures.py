# SPDX-License-Identifier: GPL-2.0-only
"""The fixtures of the flag rules: what is expected stands beside the code.

`/* finding: RULE [SEVERITY] */` speaks of its own line or, where it stands alone
on one, of the next.  kmap-deprecated is expected in its own folder only.
"""

import os
import re
import subprocess

import pytest
from conftest import REPOSITORY

from kmaplocal.flag.finding import RULES, SEVERITIES
from kmaplocal.flag.survey import survey
from kmaplocal.read.spatch import find_spatch

ROOT = REPOSITORY / "fixtures"
FLAG = ROOT / "flag"
NAMES = sorted(str(path.relative_to(ROOT)) for path in FLAG.rglob("*.c"))
OLD = "kmap-deprecated"
GCC = ["gcc", "-std=gnu11", "-Wall", "-Werror", "-fsyntax-only", f"-I{ROOT}/include"]
_COMMENT = re.compile(r"/\* finding: (\S+)(?: (\w+))? \*/")


@pytest.fixture(scope="session")
def found():
    """The survey of all fixtures."""
    return survey(ROOT, NAMES, find_spatch(), timeout=120)


def expected(name):
    """What the comments of a fixture say: (line, rule, severity)."""
    wanted = []
    for number, line in enumerate((ROOT / name).read_text().split("\n"), start=1):
        alone = not _COMMENT.sub("", line).strip()
        for rule, severity in _COMMENT.findall(line):
            place = number + 1 if alone else number
            wanted.append((place, rule, severity or RULES[rule].severity))
    return sorted(wanted)


def folder(name):
    """The rule that a fixture's folder is named after."""
    return name.split("/")[1].replace("_", "-")


@pytest.mark.parametrize("name", NAMES)
def test_findings_are_those_expected(name, found):
    seen = sorted(
        (f.line, f.rule, f.severity)
        for f in found.findings
        if f.file == name and (f.rule != OLD or folder(name) == OLD)
    )
    assert seen == expected(name)


def test_every_fixture_is_analysed(found):
    assert found.lost == []


def test_every_rule_has_a_folder_with_what_is_found_and_what_is_not(found):
    assert {folder(name) for name in NAMES} == set(RULES)
    for rule in RULES:
        mine = [name for name in NAMES if folder(name) == rule]
        hits = [f for f in found.findings if f.rule == rule and f.file in mine]
        functions = {f.function for f in hits}
        assert functions, f"{rule}: nothing to find"
        clean = [f for name in mine for f in _functions(name) if f not in functions]
        assert clean, f"{rule}: nothing to pass over"


def _functions(name):
    return re.findall(r"(?m)^\w[^;\n]*?(\w+)\([^;]*$", (ROOT / name).read_text())


def test_findings_say_what_and_what_to_do(found):
    for finding in found.findings:
        assert finding.severity in SEVERITIES
        assert finding.message and finding.remedy and finding.function
        assert "\n" not in finding.message + finding.remedy
        assert finding.message[-1] not in ".:,"


def test_columns_are_of_the_line(found):
    for finding in found.findings:
        line = (ROOT / finding.file).read_text().split("\n")[finding.line - 1]
        assert line[finding.column - 1 :].strip(), finding


@pytest.mark.parametrize("name", NAMES)
def test_fixture_compiles_unless_it_says_so(name):
    done = subprocess.run(
        [*GCC, ROOT / name],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    if "expect: does not compile" in (ROOT / name).read_text():
        assert done.returncode
    else:
        assert (done.returncode, done.stderr) == (0, "")
