# SPDX-License-Identifier: GPL-2.0-only
"""No advice contradicts what apply does: flag, report and apply over all fixtures."""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import REPOSITORY

from kmaplocal.apply.conversion import prepare
from kmaplocal.c.outline import outlines
from kmaplocal.certify.analysis import FileAnalysis
from kmaplocal.certify.doubts import SYNTAX
from kmaplocal.findings.change.changes import Change
from kmaplocal.findings.change.scope import Scope
from kmaplocal.findings.survey import Survey, survey
from kmaplocal.findings.text import Texts
from kmaplocal.knowledge import api
from kmaplocal.report import report
from kmaplocal.tree.outcome import Outcome
from kmaplocal.tree.spatch import find_spatch
from kmaplocal.tree.target import NOWHERE
from kmaplocal.commands import fixtures
from kmaplocal.commands.apply import Request
from kmaplocal.progress import silent

FLAG = REPOSITORY / "fixtures/flag"
NAMES = fixtures.names()
FLAGGED = [str(path.relative_to(REPOSITORY)) for path in FLAG.rglob("*.c")]
FOLDERS = sorted({name.rpartition("/")[0] for name in NAMES})
OTHERS = sorted({name.rpartition("/")[0] for name in FLAGGED})
GROUPED_BY = {"folder": str}


class Case(NamedTuple):
    """The fixtures of a folder at another place: their names, how apply converts each,
    and what flag finds in them."""

    root: Path
    names: list[str]
    convert: Callable[[Path], Outcome]
    files: Mapping[str, FileAnalysis]
    survey: Survey


@pytest.fixture(scope="module")
def folder(request, tmp_path_factory):
    """The case of a folder, analysed once for all tests."""
    root = tmp_path_factory.mktemp("fixtures")
    names = [n for n in [*NAMES, *FLAGGED] if n.rpartition("/")[0] == request.param]
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes((REPOSITORY / name).read_bytes())
    paths, spatch = [Path(name) for name in names], find_spatch()
    asked = Request(kernel=root, files=(".",), source=NOWHERE)
    convert = prepare(root, paths, spatch, asked, silent)
    found = survey(root, names, spatch, 120)
    return Case(root, names, functools.cache(convert), convert.files, found)


@pytest.mark.parametrize("folder", [*FOLDERS, *OTHERS], indirect=True)
def test_all_say_the_same_of_what_is_analysed(folder):
    outcomes = [folder.convert(Path(name)) for name in folder.names]
    told = report.report("", folder.files.values())["not_analysed"]
    lost = {(x.file, x.function) for o in outcomes for x in o.unanalysed}
    assert {(x["file"], x["function"]) for x in told} == lost
    # What hides from flag is a reason for apply to keep it.
    doubts = (d for o in outcomes for d in o.kept if d.obligation == SYNTAX)
    hidden = {(d.file, d.function) for d in doubts}
    old = {
        (name, span.name)
        for name, file in folder.files.items()
        for span in file.outline.holding(api.OLD)
    }
    unseen = {(x.file, x.function) for x in folder.survey.lost} & old
    assert lost <= unseen <= lost | hidden


@pytest.mark.parametrize("folder", FOLDERS, indirect=True)
def test_flag_says_what_apply_does(folder):
    for path in map(Path, folder.names):
        outcome = folder.convert(path)
        here = [f for f in folder.survey.findings if f.file == str(path)]
        said = {finding.function: finding for finding in here if _is_old(finding)}
        kept = {doubt.function for doubt in outcome.kept}
        lost = {x.function for x in outcome.unanalysed}
        for name, finding in said.items():
            if name in outcome.converted:
                assert finding.remedy == "make apply converts it"
            elif name in kept:
                assert finding.remedy.startswith("make apply keeps it: ")
            else:
                assert finding.remedy.startswith("make apply cannot read it: ")
                assert name in lost
        # What hands a page on is changed with what maps it, and has no old call.
        old = {span.name for span in _holding(folder.root, path)}
        assert {*outcome.converted} & old | kept | lost <= said.keys()
        for finding in (f for f in here if f.rule == "kmap-sleep-atomic"):
            if finding.function in outcome.converted:
                _agrees(finding, outcome.after.decode())


# What the advice says where it is what the conversion does anyway, or nothing.
CONVERSION = "by kmap_local_page()", "by kunmap_local()", "nothing, if it stays so"


@pytest.mark.parametrize("folder", [*FOLDERS, *OTHERS], indirect=True)
def test_what_apply_mends_is_what_flag_says_it_mends(folder, tmp_path):
    """A finding in what apply converts is left by it, or the advice says why not."""
    outcomes = {name: folder.convert(Path(name)) for name in folder.names}
    for name, outcome in outcomes.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(outcome.after or outcome.before)
    after = survey(tmp_path, folder.names, find_spatch(), 120).findings
    left = {(f.file, f.rule, f.function) for f in after}
    for finding in folder.survey.findings:
        if _is_old(finding) or finding.function not in outcomes[finding.file].converted:
            continue
        mends = finding.remedy.startswith("make apply repairs it: ")
        if (finding.file, finding.rule, finding.function) in left:
            assert not mends, finding
        else:
            same = any(words in finding.remedy for words in CONVERSION)
            assert mends or same, finding
        assert not {f"{old}()" for old in api.OLD_UNMAPS} & {*_words(finding)}


def _words(finding):
    return finding.remedy.split() if finding.rule == "kmap-returned" else ()


def _holding(folder, path):
    """The functions of a file that hold an old call."""
    return outlines(folder, [str(path)])[str(path)].holding(api.OLD)


def _is_old(finding):
    return finding.rule == "kmap-deprecated"


def _agrees(finding, after):
    """Where apply disables page faults by name, flag does not advise otherwise."""
    if "pagefault_disable" in after and "page faults" in finding.message:
        assert "pagefault_disable()" in finding.remedy


def test_a_finding_is_of_a_change_on_any_of_its_lines(tmp_path, write):
    """A patch that adds a second old call to a function is answerable for it."""
    text = "void f(struct page *p)\n{\n\tkmap(p);\n\tkunmap(p);\n\tkmap(p);\n}\n"
    write(tmp_path / "x.c", text)
    (finding,) = filter(_is_old, survey(tmp_path, ["x.c"], find_spatch(), 120).findings)
    assert (finding.line, finding.also) == (3, (4, 5))

    def holds(*lines):
        return Scope({"x.c": Change(set(lines))}, Texts(tmp_path), False).holds(finding)

    assert holds(5) and holds(3) and not holds(1)
