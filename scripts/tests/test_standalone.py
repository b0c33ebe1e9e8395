# SPDX-License-Identifier: GPL-2.0-only
"""The semantic patches without the driver: plain spatch over every fixture, alone
and after each other. Every function ends as the driver leaves it, or untouched."""

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from conftest import REPOSITORY

from kmaplocal.apply import braces
from kmaplocal.apply.conversion import plan_file
from kmaplocal.apply.edits import applied, changes
from kmaplocal.c import lexer
from kmaplocal.c.outline import outlines
from kmaplocal.tree.spatch import MACROS, find_spatch
from kmaplocal.commands import fixtures

COCCI = REPOSITORY / "cocci"
CONVERT, FLAG = "kmap_local", "flag"
PRINTING = ("facts", "tree_facts")
ORDERS = ((CONVERT, FLAG), (FLAG, CONVERT))
MODES = ("patch", "context", "org", "report")
FLAGGED = (REPOSITORY / "fixtures/flag").rglob("*.c")
# They cut functions in two by #ifs: spatch alone does not read these.
SPLIT = (
    "fixtures/convert/kmap_atomic/ifdef_split.c",
    "fixtures/convert/kmap/ifdef_shapes.c",
)
NAMES = fixtures.names() + sorted(str(p.relative_to(REPOSITORY)) for p in FLAGGED)
NAMES = [name for name in NAMES if name not in SPLIT]
# Spatch alone passes over an arm that the driver reads: the file stays as it is.
UNREAD = "fixtures/keep/local/ifdef_stored.c"
GCC = ["gcc", "-std=gnu11", "-fsyntax-only", f"-I{REPOSITORY}/fixtures/include"]
# Only with our own macros does spatch read these; without, it leaves functions.
MISREAD = (
    "fixtures/convert/kmap/own_macro_names.c",
    "fixtures/convert/kmap_atomic/in_guard.c",
    "fixtures/flag/kmap_sleep_atomic/guarded.c",
)
# Every kind of edit is in one of them; the first four are tried in every mode.
SAMPLES = [
    "fixtures/convert/explicit_disable/copy_inatomic.c",
    "fixtures/convert/saved_address/cursor_only.c",
    "fixtures/convert/struct_fill/all_members.c",
    "fixtures/keep/local/one_of_two_functions.c",
    "fixtures/convert/dcache_flush/same_member.c",
    "fixtures/convert/kmap/page_address_joined.c",
    "fixtures/convert/unused_variable/shared_declaration.c",
]


def folder(name):
    """The folder of a fixture: what is in one is read by one process of spatch."""
    return name.rpartition("/")[0]


GROUPED_BY = {"name": folder}


def spatch(cocci, *arguments, cwd, **options):
    """Run plain spatch as a person would call it."""
    command = [find_spatch().program, "--sp-file", cocci, "--no-includes", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, **options)


class Passes:
    """What plain spatch makes of the fixtures of a folder, by the semantic patches
    it was run with, one after the other; each below a root of its own."""

    def __init__(self, place, top):
        self.names = [name for name in NAMES if folder(name) == place]
        self.top = top
        self.root = cache(self._root)
        self.driven = cache(self._driven)
        self.functions = cache(self._functions)

    def text(self, name, *patches):
        """A fixture after PATCHES."""
        return (self.root(*patches) / name).read_text()

    def _root(self, *patches):
        if not patches:
            return REPOSITORY
        before = self.root(*patches[:-1])
        after = self.top / "-".join(patches)
        # What the patches so far have not changed ends as from the last one alone.
        alone = self.root(patches[-1]) if patches[1:] else None
        for name in self.names:
            same = alone and self.text(name, *patches[:-1]) == self.text(name)
            copy = after / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy((alone if same else before) / name, copy)
            if same:
                copy.rename(copy.with_suffix(".done"))
        left = [p for p in after.rglob("*.c")]
        if left:
            options = ["--keep-comments", "-D", "patch", "--in-place", "--dir", "."]
            done = spatch(COCCI / f"{patches[-1]}.cocci", *options, cwd=after)
            assert done.returncode == 0, done.stderr
            assert not re.search(r"EXN|Traceback|already tagged token", done.stderr)
        for path in after.rglob("*.done"):
            path.rename(path.with_suffix(".c"))
        return after

    def _functions(self, root):
        """The functions of each fixture below ROOT, as tokens, by name."""
        found = {}
        for name, outline in outlines(root, self.names).items():
            lines = outline.text.split("\n")
            spans = {f.name: lines[f.line - 1 : f.end] for f in outline.functions}
            found[name] = {f: words("\n".join(text)) for f, text in spans.items()}
        return found

    def _driven(self, *patches):
        """What the driver makes of the fixtures after PATCHES, in a root."""
        before, after = self.root(*patches), self.top / "-".join((*patches, "driven"))
        for name in self.names:
            copy = after / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(before / name, copy)
            golden = fixtures.golden(name, "diff")
            if not patches and name in fixtures.names() and golden.exists():
                apply_to(after, golden)
        wanted = [n for n in self.names if patches or n not in fixtures.names()]
        for name, result in fixtures.results(before, wanted, jobs=1).items():
            (after / name).write_bytes(result.outcome.after)
        return after


def apply_to(root, patch):
    command = ["git", "apply", "-p1", "--unidiff-zero", patch]
    settings = {**os.environ, "GIT_CEILING_DIRECTORIES": str(root.parent)}
    subprocess.run(command, cwd=root, env=settings, check=True)


@pytest.fixture(scope="session")
def every(tmp_path_factory):
    """every(folder): its passes."""
    return cache(lambda place: Passes(place, tmp_path_factory.mktemp("plain")))


@pytest.fixture
def passes(every, name):
    """The passes over the folder of the fixture at hand."""
    return every(folder(name))


def words(text):
    """The tokens of TEXT, without a comma before a closing brace."""
    found = lexer.words(lexer.tokens(text))
    return [w for w, after in zip(found, [*found[1:], ""]) if (w, after) != (",", "}")]


# -- every fixture -------------------------------------------------------------------


def test_every_semantic_patch_is_tried():
    assert {p.stem for p in COCCI.rglob("*.cocci")} == {CONVERT, FLAG, *PRINTING}


@pytest.mark.parametrize("name", NAMES)
def test_alone_it_converts_as_the_driver_does(name, passes, tmp_path):
    wanted = (passes.driven() / name).read_text()
    found = passes.text(name, CONVERT)
    if name == UNREAD:
        wanted = (REPOSITORY / name).read_text()
    if name in MISREAD:
        copy = Path(shutil.copy(REPOSITORY / name, tmp_path))
        options = ["--macro-file-builtins", MACROS, "-D", "patch", "--in-place"]
        spatch(COCCI / f"{CONVERT}.cocci", *options, copy, cwd=tmp_path)
        found = copy.read_text()
    assert words(balanced(name, found)) == words(wanted)


def balanced(name, found):
    """What spatch FOUND for a fixture, and the driver's braces for other arms."""
    before = (REPOSITORY / name).read_text()
    made = braces.balanced(changes(before, found), before.split("\n"))
    return applied(before, made)


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
@pytest.mark.parametrize("name", NAMES)
def test_no_function_is_half_done_in_any_order(name, order, passes):
    """After both, a function is as it was, as one of them leaves it, or flagged and
    then converted by the driver."""
    steps = [passes.root(), passes.root(CONVERT), passes.root(FLAG)]
    if passes.text(name, FLAG) != passes.text(name):
        steps.append(passes.driven(FLAG))
    possible = [passes.functions(root)[name] for root in steps]
    for function, tokens in passes.functions(passes.root(*order))[name].items():
        assert tokens in [found[function] for found in possible], function


@pytest.mark.parametrize("name", NAMES)
def test_what_is_left_compiles(name, passes):
    if "expect: does not compile" in passes.text(name):
        pytest.skip("does not compile as it is")
    chosen = [(CONVERT,), (FLAG,), *ORDERS]
    roots = [passes.root(*patches) for patches in chosen]
    changed = [r / name for r in roots if (r / name).read_text() != passes.text(name)]
    if changed:
        subprocess.run([*GCC, *changed], check=True)


@pytest.mark.parametrize("cocci", PRINTING)
def test_facts_change_nothing(cocci, tmp_path):
    file = shutil.copy(REPOSITORY / SAMPLES[0], tmp_path)
    done = spatch(
        COCCI / "facts.cocci", "-D", "patch", "--in-place", file, cwd=tmp_path
    )
    assert done.returncode == 0
    assert Path(file).read_text() == (REPOSITORY / SAMPLES[0]).read_text()


# -- one file, in every mode ----------------------------------------------------------


@cache
def edits(name):
    """The edits of a file, as the driver plans them."""
    found, lost = plan_file(REPOSITORY / name, find_spatch())
    assert not lost
    return found.edits


def run(name, mode, cwd):
    done = spatch(COCCI / f"{CONVERT}.cocci", "-D", mode, REPOSITORY / name, cwd=cwd)
    assert done.returncode == 0
    assert not re.search(r"EXN|[Ee]rror|Traceback|ailed|xception", done.stderr)
    assert not list(cwd.iterdir()), "litter"
    return done.stdout


@pytest.mark.parametrize("name", SAMPLES)
def test_patch_is_what_the_driver_writes(name, passes, tmp_path):
    diff = run(name, "patch", tmp_path)
    shown = subprocess.run(
        ["patch", "-s", "-o", "-", REPOSITORY / name],
        input=diff,
        capture_output=True,
        text=True,
        check=True,
    )
    assert words(shown.stdout) == words((passes.driven() / name).read_text())


@pytest.mark.parametrize("name", SAMPLES[:4])
def test_report_names_every_place_and_why(name, tmp_path):
    pattern = re.compile(r"^.+\.c:(\d+):(\d+)-\d+: kmap_local: (.+)$", re.M)
    found = pattern.findall(run(name, "report", tmp_path))
    told = {f"{line}:{column}": why for line, column, why in found}
    assert told == {place: edit["message"] for place, edit in edits(name).items()}


@pytest.mark.parametrize("name", SAMPLES[:4])
def test_org_and_context_are_of_the_same_lines(name, tmp_path):
    lines = {int(place.split(":")[0]) for place in edits(name)}
    org = re.findall(r"\.c::face=[^:]*::linb=(\d+)", run(name, "org", tmp_path))
    assert {int(line) for line in org} == lines
    text = (REPOSITORY / name).read_text().split("\n")
    marked = re.findall(r"(?m)^-(?!-- )(.*)$", run(name, "context", tmp_path))
    assert set(marked) >= {text[line - 1] for line in lines}


def test_what_it_cannot_make_whole_it_leaves(tmp_path):
    """One pattern less, and no edit of the file is made."""
    text = (COCCI / f"{CONVERT}.cocci").read_text()
    pattern = "f@p@drop(...);\n|\n"
    (tmp_path / "cocci").mkdir()
    (tmp_path / "scripts").symlink_to(REPOSITORY / "scripts")
    cut = tmp_path / "cocci/kmap_local.cocci"
    cut.write_text(text.replace(pattern, "", 1))
    done = spatch(cut, "-D", "patch", REPOSITORY / SAMPLES[2], cwd=tmp_path)
    assert pattern in text
    assert (done.returncode, done.stdout) == (0, "")
    assert "all_members.c:31:1: not applied: not matched" in done.stderr
