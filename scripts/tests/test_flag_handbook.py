# SPDX-License-Identifier: GPL-2.0-only
"""The handbook: a page a rule, and examples that a compiler takes."""

import json
import os
import subprocess
import sys
from types import ModuleType

import pytest
from conftest import REPOSITORY
from flagging import flag

from kmaplocal.findings import handbook, registry, survey
from kmaplocal.tree.spatch import find_spatch

INCLUDES = (
    "linux/errno.h linux/gfp.h linux/highmem.h linux/mutex.h linux/workqueue.h"
    " asm/byteorder.h"
).split()


def examples(rule, after="## The contract"):
    """The C code of a page, from a heading on."""
    blocks = handbook.page(rule).partition(after)[2].split("```c\n")[1:]
    return [block.split("```")[0] for block in blocks]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What is found in the example of each page, EXAMPLE.c, and in its FIX.c."""
    folder = tmp_path_factory.mktemp("pages")
    for rule in handbook.EVERY:
        fixes = examples(rule, "## The fix")
        wrong = examples(rule)[: -len(fixes) or None]
        (folder / rule).mkdir()
        (folder / rule / "example.c").write_text("\n".join(wrong))
        (folder / rule / "fix.c").write_text("\n".join(fixes))
    command = [sys.executable, "-m", "kmaplocal", "flag", "--kernel", str(folder)]
    done = subprocess.run(
        [*command, "--format", "json"],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "scripts")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return json.loads(done.stdout)["findings"]


def test_every_rule_has_a_page_and_every_page_a_rule():
    pages = {page.stem for page in handbook.PAGES.glob("*.md")}
    assert pages == set(handbook.EVERY)


@pytest.mark.parametrize("rule", handbook.EVERY.values(), ids=list(handbook.EVERY))
def test_page_has_its_parts(rule):
    page = handbook.page(rule.id)
    assert page.startswith(f"# {rule.id}: {rule.severity}\n\n")
    titles = [line[3:] for line in page.splitlines() if line.startswith("## ")]
    assert tuple(titles) == handbook.SECTIONS
    assert examples(rule.id), "an example and what becomes of it"
    assert max(map(len, page.splitlines())) <= 88


@pytest.mark.parametrize("rule", handbook.EVERY)
def test_examples_compile(rule, tmp_path):
    source = tmp_path / f"{rule}.c"
    lines = [f"#include <{header}>\n" for header in INCLUDES]
    source.write_text("".join(lines + examples(rule)))
    command = ["gcc", "-std=gnu11", "-Wall", "-Werror", "-fsyntax-only"]
    include = f"-I{REPOSITORY / 'fixtures/include'}"
    done = subprocess.run(
        [*command, include, str(source)], capture_output=True, text=True
    )
    assert not done.returncode and not done.stderr, done.stderr


@pytest.mark.parametrize("rule", handbook.EVERY)
def test_example_is_found_and_its_fix_is_not(found, rule):
    example = {f["rule"] for f in found if f["file"] == f"{rule}/example.c"}
    fix = [f for f in found if f["file"] == f"{rule}/fix.c"]
    assert rule in example
    assert [f for f in fix if f["rule"] == rule or f["severity"] == "error"] == []


def test_page_is_printed():
    done = flag(None, "--explain", "kmap-leak")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == handbook.page("kmap-leak")


def test_no_such_page():
    done = flag(None, "--explain", "kmap-nonsense")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("kmaplocal: kmap-nonsense: no such rule; there are: ")
    assert done.stderr.count("\n") == 1


def indented(text, first):
    """The indented code of TEXT that begins with the line FIRST."""
    code = text[text.index(f"       {first}") :]
    lines = []
    for line in code.splitlines():
        if line and not line.startswith("       "):
            break
        lines.append(line[7:] + "\n")
    return "".join(lines)


def test_the_rule_that_the_documents_add_finds_what_their_fixture_says(
    tmp_path, monkeypatch
):
    told = (REPOSITORY / "fixtures/README.md").read_text()
    told = told[told.index("\n## A flag rule\n") :]
    file = tmp_path / "never_read.c"
    file.write_text(indented(told, "// SPDX-License-Identifier: GPL-2.0-only"))
    module = ModuleType("kmap_forgotten")
    exec(indented(told, "# SPDX-License-Identifier: GPL-2.0-only"), vars(module))
    monkeypatch.setitem(registry.RULES, module.RULE.id, module.RULE)
    monkeypatch.setattr(
        registry, "FOLDS", [*registry.FOLDS, (module.RULE, module.find)]
    )
    expected = [
        (module.RULE.id, number)
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if "/* finding: " in line
    ]
    found = survey.survey_file(file, find_spatch()).findings
    assert [(f.rule, f.line) for f in found] == expected
    assert expected
