# SPDX-License-Identifier: GPL-2.0-only
"""Fixtures with a few tokens deleted, doubled, swapped or hidden: none ends a run.

Seeds are fixed. To try others, or more: MUTANTS=1000-1500 in the environment."""

import os
import re
import subprocess
import sys

import pytest
from mutants import mutant
from test_cli import surroundings

from kmaplocal.knowledge import api
from kmaplocal.c import lexer
from kmaplocal.c.outline import outlines

FIRST, LAST = map(int, os.environ.get("MUTANTS", "700-760").split("-"))


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A small kernel tree with the mutants in it."""
    root = tmp_path_factory.mktemp("mutants")
    (root / "include/linux").mkdir(parents=True)
    (root / "include/linux/highmem.h").write_text("")
    (root / "Makefile").write_text("VERSION = 6\nPATCHLEVEL = 1\n")
    (root / "Kconfig").write_text("")
    (root / "m").mkdir()
    for seed in range(FIRST, LAST):
        name, text = mutant(seed)
        (root / "m" / name).write_text(text)
    return root


def drive(tree, *arguments):
    command = [sys.executable, "-m", "kmaplocal", *arguments, "--kernel", tree, "m"]
    done = subprocess.run(command, env=surroundings(), capture_output=True, text=True)
    both = done.stdout + done.stderr
    assert "Traceback" not in both
    assert "internal error" not in both, re.findall(".*internal error.*", both)
    return done


def halves(before, after):
    """The functions of which something changed, and an old call is left."""
    for name, outline in after.items():
        old = [before[name].text.split("\n"), before[name].functions]
        new = [outline.text.split("\n"), outline.functions]
        for was, now in zip(old[1], new[1]):
            text = "\n".join(new[0][now.line - 1 : now.end])
            same = text == "\n".join(old[0][was.line - 1 : was.end])
            words = {token.text for token in lexer.tokens(text)}
            if not same and words & set(api.OLD):
                yield f"{name}: {now.name}"


def test_no_mutant_ends_apply_or_is_half_converted(tree):
    names = [f"m/{path.name}" for path in (tree / "m").iterdir()]
    done = drive(tree, "apply", "--dry-run")
    assert done.returncode in (0, 2)
    before = outlines(tree, names)
    patched = subprocess.run(
        ["patch", "-p1", "-s"], cwd=tree, input=done.stdout, text=True
    )
    assert patched.returncode == 0
    after = outlines(tree, names)
    assert list(halves(before, after)) == []
    assert before != after and "functions converted" in done.stderr


def test_no_mutant_ends_flag(tree):
    assert drive(tree, "flag").returncode in (0, 1, 2)
