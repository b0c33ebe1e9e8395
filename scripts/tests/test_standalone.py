# SPDX-License-Identifier: GPL-2.0-only
"""The semantic patches without the driver: plain spatch, and coccicheck."""

import functools
import os
import re
import subprocess

import pytest
from conftest import REPOSITORY

from kmaplocal.convert import edits
from kmaplocal.read import api, lexer
from kmaplocal.tell import fixtures
from kmaplocal.convert.conversion import plan_file
from kmaplocal.convert.plan import RULES
from kmaplocal.read.spatch import find_spatch

GROUPED_BY = {"rule": str}
COCCI = REPOSITORY / "cocci/convert"
MODES = ("patch", "context", "org", "report")
TREES = [
    path
    for path in (REPOSITORY / f"build/linux-source-{v}" for v in ("6.1", "6.12"))
    if path.name == "linux-source-6.1" or path.exists()
]
# Files in which the rule has something to do, all of it at calls and names.
SAMPLES = {
    "kmap": ["kmap/pair", "kmap/exclusive_unmaps", "kmap/mixed_with_atomic"],
    "kmap_atomic": [
        "kmap_atomic/atomic_pair",
        "kmap_atomic/switch_arms",
        "kmap_atomic/cast",
    ],
    "page_address": ["kmap/page_address_joined"],
    "saved_address": ["saved_address/cursor_only", "saved_address/cursor_to_end"],
    "new_variable": ["saved_address/cursor_only"],
    "explicit_disable": ["explicit_disable/copy_retried", "explicit_disable/this_cpu"],
    "page_helper": ["page_helper/memcpy_to_page", "page_helper/whole_page"],
    "struct_fill": ["struct_fill/all_members", "struct_fill/flexible_array"],
    "dcache_flush": ["dcache_flush/same_member", "dcache_flush/write_by_alias"],
    "unused_variable": ["unused_variable/shared_declaration"],
}
CASES = [(rule, f"convert/{name}") for rule in RULES for name in SAMPLES[rule]]
FIRST = [(rule, f"convert/{SAMPLES[rule][0]}") for rule in RULES]
# Files some of whose functions are kept, and files of kept functions only.
KEPT = [
    "keep/local/one_of_two_functions",
    "keep/paired/mixed_pair",
    "keep/lifo/fifo",
    "keep/one_page/address_overwritten",
    "keep/faults/copy_in_declaration",
    "keep/syntax/macro_half",
]
HALF = [(rule, name) for rule in ("kmap", "kmap_atomic") for name in KEPT]


def source(name):
    return REPOSITORY / "fixtures" / f"{name}.c"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """runs(rule, name, mode): plain spatch, as a person would call it."""
    folder = tmp_path_factory.mktemp("plain")

    @functools.cache
    def run(rule, name, mode):
        command = [find_spatch().program, "--sp-file", COCCI / f"{rule}.cocci"]
        done = subprocess.run(
            [*command, "-D", mode, source(name)],
            cwd=folder,
            capture_output=True,
            text=True,
        )
        assert not list(folder.iterdir()), "litter"
        return done

    return run


@functools.cache
def plan(name):
    """What is to be done at which lines, by rule."""
    found, lost = plan_file(source(name), find_spatch())
    assert not lost
    return found


def lines_of(rule, name, **wanted):
    """The lines at which the plan has RULE do something."""
    actions = plan(name).actions.get(rule, {})
    return {
        int(place.split(":")[0])
        for place, action in actions.items()
        if wanted.items() <= action.items()
    }


def test_every_semantic_patch_is_tried():
    assert sorted(SAMPLES) == sorted(path.stem for path in COCCI.glob("*.cocci"))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rule, name", FIRST)
def test_every_mode_runs_without_a_complaint(rule, name, mode, runs):
    done = runs(rule, name, mode)
    assert done.returncode == 0
    assert not re.search(r"EXN|[Ee]rror|Traceback|ailed|xception", done.stderr)
    assert done.stdout


# -- patch -------------------------------------------------------------------


def side(diff, sign):
    """The lines a patch removes ("-") or adds ("+"), as tokens."""
    body = re.sub(r"(?m)^(---|\+\+\+|diff) .*\n", "", diff)
    lines = [line[1:] for line in body.split("\n") if line.startswith(sign)]
    return lexer.words(lexer.tokens("\n".join(lines)))


@pytest.mark.parametrize("name", sorted({name for _, name in CASES}))
def test_all_patches_together_are_the_golden(name, tmp_path):
    """What each semantic patch alone does to a file, joined, is what the driver
    writes, up to white space."""
    before = source(name).read_text()
    changes = []
    for rule in (rule for rule in RULES if plan(name).actions.get(rule)):
        after = tmp_path / "after.c"
        command = [find_spatch().program, "--sp-file", COCCI / f"{rule}.cocci"]
        command += ["--keep-comments", "-D", "patch", source(name), "-o", after]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        changes.append(edits.changes(before, after.read_text()))
    joined = edits.applied(before, edits.join(before, changes))
    golden = fixtures.golden(f"fixtures/{name}.c", "diff")
    wanted = tmp_path / f"fixtures/{name}.c"
    wanted.parent.mkdir(parents=True)
    wanted.write_text(before)
    command = ["git", "apply", "-p1", "--unidiff-zero", golden]
    settings = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
    subprocess.run(command, cwd=tmp_path, env=settings, check=True)
    assert _words(joined) == _words(wanted.read_text())


def _words(text):
    """The tokens of TEXT, without a comma before a closing brace."""
    words = lexer.words(lexer.tokens(text))
    return [w for w, after in zip(words, [*words[1:], ""]) if (w, after) != (",", "}")]


@pytest.mark.parametrize("rule, name", HALF)
def test_no_function_is_half_converted(rule, name, runs):
    done = runs(rule, name, "patch")
    assert done.returncode == 0
    wanted = plan(name).actions.get(rule, {})
    removed = [word for word in side(done.stdout, "-") if word in api.OLD]
    assert len(removed) == len(wanted)
    assert bool(done.stdout) == bool(wanted)


def test_kept_function_stays_beside_a_converted_one(runs):
    done = runs("kmap", "keep/local/one_of_two_functions", "patch")
    assert side(done.stdout, "-").count("kmap") == 1
    assert side(done.stdout, "-").count("kunmap") == 1


# -- context, org, report --------------------------------------------------------


@pytest.mark.parametrize("rule, name", [c for c in CASES if c[0].startswith("kmap")])
def test_report_names_every_place_and_why(rule, name, runs):
    done = runs(rule, name, "report")
    pattern = re.compile(rf"^(.+\.c):(\d+):(\d+)-\d+: {rule}: (.+)$", re.M)
    told = {
        (f"{line}:{column}", why)
        for _, line, column, why in pattern.findall(done.stdout)
    }
    actions = plan(name).actions[rule]
    assert told == {(place, action["message"]) for place, action in actions.items()}


@pytest.mark.parametrize("rule, name", FIRST)
def test_report_and_org_are_of_planned_lines(rule, name, runs):
    planned = lines_of(rule, name)
    report = re.findall(r"\.c:(\d+):\d+-\d+: ", runs(rule, name, "report").stdout)
    org = re.findall(r"\.c::face=[^:]*::linb=(\d+)", runs(rule, name, "org").stdout)
    assert {int(n) for n in report} == {int(n) for n in org} != set()
    assert {int(n) for n in report} <= planned


@pytest.mark.parametrize("rule, name", FIRST)
def test_context_marks_planned_lines(rule, name, runs):
    text = source(name).read_text().split("\n")
    marked = re.findall(r"(?m)^-(?!-- )(.*)$", runs(rule, name, "context").stdout)
    assert marked
    assert set(marked) <= {text[line - 1] for line in lines_of(rule, name)}


# -- the kernel's coccicheck -------------------------------------------------------


@pytest.fixture(scope="module")
def checks(tmp_path_factory):
    """checks(tree, rule, mode): coccicheck on a folder with a sample of the rule,
    as on an external module."""

    @functools.cache
    def check(tree, rule, mode):
        name = dict(FIRST)[rule]
        folder = tmp_path_factory.mktemp(rule)
        copy = folder / f"{name.split('/')[-1]}.c"
        copy.write_bytes(source(name).read_bytes())
        hidden = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "KERNEL", "FILES")
        hidden += ("MAKEOVERRIDES",)
        settings = {k: v for k, v in os.environ.items() if k not in hidden}
        command = ["make", "-C", tree, "coccicheck", f"COCCI={COCCI / rule}.cocci"]
        return subprocess.run(
            [*command, f"MODE={mode}", f"M={folder}"],
            env=settings,
            capture_output=True,
            text=True,
        )

    return check


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.name)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rule", RULES)
def test_coccicheck(rule, mode, tree, checks):
    done = checks(tree, rule, mode)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not re.search(r"EXN|exn|Traceback|coccicheck failed", done.stdout)
    assert f"{SAMPLES[rule][0].split('/')[-1]}.c" in done.stdout


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.name)
@pytest.mark.parametrize("rule", RULES)
def test_coccicheck_patches_like_plain_spatch(rule, tree, checks, runs):
    ours = checks(tree, rule, "patch").stdout
    plain = runs(rule, dict(FIRST)[rule], "patch").stdout
    # Only coccicheck reads the `Options:` line and so keeps comments.
    assert [side(ours, sign) for sign in "-+"] == [side(plain, sign) for sign in "-+"]
    assert side(ours, "-") or side(ours, "+")


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.name)
@pytest.mark.parametrize("rule", RULES)
def test_coccicheck_reports_like_plain_spatch(rule, tree, checks, runs):
    ours = checks(tree, rule, "report").stdout
    plain = runs(rule, dict(FIRST)[rule], "report").stdout
    assert _reports(ours) == _reports(plain) != []


def _reports(output):
    return sorted(re.findall(r"(?m)^\S*?([^/\s]+\.c:\d+:\d+-\d+: .*)$", output))
