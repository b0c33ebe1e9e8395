# SPDX-License-Identifier: GPL-2.0-only
"""The findings in whole kernels: every error and warning, read against the source.

expected/linux-VERSION/findings.tsv has a line for each; the true ones of 6.12, and
those that are new in 7.2, are written up below expected/linux-VERSION/findings/,
each with a fix.
"""

import re
import shutil
import subprocess

import pytest
from conftest import REPOSITORY

from kmaplocal.findings.finding import NOTE
from kmaplocal.findings.registry import RULES
from kmaplocal.findings.survey import survey_file
from kmaplocal.tree.spatch import find_spatch

VERSIONS = ("6.1", "6.12", "7.2")
# Found only with functions of other files at hand.
BY_CALLEES = {"nilfs_do_unlink", "ntfs_check_logfile", "ntfs_mft_record_alloc"}
# What takes another loop, and no patch that only mends an unmap.
MANY_PAGES = "may be of many pages"
FIRST_PAGE = "mapping of the entry's first page"
COLUMNS = ["file", "function", "rule", "verdict", "why"]
EXPECTED = REPOSITORY / "expected"
WRITTEN = sorted(EXPECTED.glob("linux-*/findings/*.patch"))


def rows(version):
    """The lines of a list, by column."""
    text = (EXPECTED / f"linux-{version}/findings.tsv").read_text()
    head, *lines = [line.split("\t") for line in text.splitlines()]
    assert head == COLUMNS
    assert all(len(line) == len(COLUMNS) for line in lines)
    return [dict(zip(COLUMNS, line)) for line in lines]


def tree(version):
    """The unpacked kernel; all but 6.1 are there only if somebody asked for them."""
    path = REPOSITORY / f"build/linux-source-{version}"
    if not path.exists():
        pytest.skip(f"no {path.name}")
    return path


@pytest.mark.parametrize("version", VERSIONS)
def test_list_is_well_formed(version):
    found = rows(version)
    assert found == sorted(found, key=lambda row: (row["file"], row["function"]))
    for row in found:
        assert row["rule"] in RULES and row["rule"] != "kmap-deprecated"
        assert row["verdict"] in ("true", "false")
        assert row["why"].strip() == row["why"] != ""


@pytest.mark.parametrize("version", VERSIONS)
def test_four_in_five_are_true(version):
    verdicts = [row["verdict"] for row in rows(version)]
    assert verdicts.count("true") >= 4 * verdicts.count("false")


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_true_is_still_found(version):
    """As far as one file alone tells: what needs a callee of another file does
    not come out here."""
    root, missed = tree(version), []
    wanted = [row for row in rows(version) if row["verdict"] == "true"]
    wanted = [row for row in wanted if row["function"] not in BY_CALLEES]
    for name in sorted({row["file"] for row in wanted}):
        found = survey_file(root / name, find_spatch()).findings
        seen = {(f.function, f.rule) for f in found if f.severity != NOTE}
        missed += [
            row
            for row in wanted
            if row["file"] == name and (row["function"], row["rule"]) not in seen
        ]
    assert missed == []


def test_every_true_finding_is_written_up():
    written = [path for path in WRITTEN if "linux-6.12" in path.parts]
    texts = "".join(path.read_text() for path in written)
    fixed = set(re.findall(r"(?m)^--- a/(\S+)$", texts))
    true = [row for row in rows("6.12") if row["verdict"] == "true"]
    mended = [row for row in true if FIRST_PAGE not in row["why"]]
    assert {row["file"] for row in mended} <= fixed <= {row["file"] for row in true}


@pytest.mark.parametrize("patch", WRITTEN, ids=lambda path: path.stem)
def test_fix_applies_and_ends_the_finding(patch, tmp_path):
    version = patch.parent.parent.name.removeprefix("linux-")
    root, text = tree(version), patch.read_text()
    assert text.startswith("Subject: ")
    assert not re.search(r"(?m)^ ", text.partition("\n--- a/")[2]), "context"
    names = re.findall(r"(?m)^\+\+\+ b/(\S+)$", text)
    true = {(r["file"], r["rule"]) for r in rows(version) if r["verdict"] == "true"}
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, tmp_path / name)
    command = ["patch", "-p1", "-s", "-F0", "-i", patch]
    subprocess.run(command, cwd=tmp_path, check=True)
    for name in names:
        left = survey_file(tmp_path / name, find_spatch()).findings
        left = [f for f in left if MANY_PAGES not in f.message]
        rules = {f.rule for f in left if f.severity != NOTE}
        assert not rules & {rule for file, rule in true if file == name}
