# SPDX-License-Identifier: GPL-2.0-only
"""The main job: fs/aio.c of Linux 6.1 comes out as its golden has it.

The lines removed and added were compared once, hunk by hunk, with those of the
patch upstream reviewed ("fs/aio: Replace kmap{,_atomic}() with
kmap_local_page()", v3): the golden has the same tokens in all of its nine hunks.
"""

import hashlib
import os
import re
import subprocess

import pytest
from conftest import REPOSITORY

from kmaplocal.c import lexer

from kmaplocal.c import tags
from kmaplocal.commands import fixtures

KERNEL = REPOSITORY / "build/linux-source-6.1"
GOLDEN = REPOSITORY / "expected/linux-6.1/fs/aio.c.diff"
FUNCTIONS = [
    "aio_complete",
    "aio_read_events_ring",
    "aio_setup_ring",
    "ioctx_add_table",
    "user_refill_reqs_available",
]
# Kinds of what a C file defines, locals, parameters, members and labels included.
KINDS = "--kinds-C=defgmstuvlzL"


@pytest.fixture(scope="module")
def aio(tmp_path_factory):
    """fs/aio.c as Debian ships it, also where `make apply` has converted it."""
    path = KERNEL / "fs/aio.c"
    assert path.exists(), f"{path} is missing: make {KERNEL.name}/Makefile unpacks it"
    content = path.read_bytes()
    if _digest(content) != _golden_digest("after"):
        return content
    copy = tmp_path_factory.mktemp("original") / "fs/aio.c"
    copy.parent.mkdir()
    copy.write_bytes(content)
    command = ["git", "apply", "-R", "-p1", "--unidiff-zero", str(GOLDEN)]
    settings = {**os.environ, "GIT_CEILING_DIRECTORIES": str(copy.parents[2])}
    subprocess.run(command, cwd=copy.parents[1], env=settings, check=True)
    return copy.read_bytes()


def _digest(content):
    return hashlib.sha256(content).hexdigest()


def _golden_digest(name):
    text = GOLDEN.read_text()
    return re.search(rf"^# {name}: sha256 (\w+)$", text, re.M).group(1)


@pytest.fixture
def tree(tmp_path, write):
    """tree(content): a kernel tree with this fs/aio.c."""

    def make(content):
        root = tmp_path / "linux"
        write(root / "Makefile", "VERSION = 6\nPATCHLEVEL = 1\n")
        write(root / "Kconfig", "")
        for name in ("highmem.h", "highmem-internal.h"):
            header = (KERNEL / "include/linux" / name).read_text()
            write(root / "include/linux" / name, header)
        write(root / "fs/aio.c", "").write_bytes(content)
        return root

    return make


def apply(root, *options):
    command = ["/usr/bin/python3", "-m", "kmaplocal", "apply", "--kernel", str(root)]
    settings = {**os.environ, "PYTHONPATH": str(REPOSITORY / "scripts")}
    return subprocess.run(
        [*command, *options, "fs/aio.c"], env=settings, capture_output=True, text=True
    )


def changes(diff):
    """The tokens of the lines a patch removes, and of those it adds."""
    lines = re.sub(r"(?m)^(---|\+\+\+) .*\n", "", diff).split("\n")
    sides = (
        "\n".join(line[1:] for line in lines if line.startswith(sign)) for sign in "-+"
    )
    return [lexer.words(lexer.tokens(side)) for side in sides]


def converted(root):
    """The result for fs/aio.c, by what this file says alone."""
    return fixtures.results(root, ["fs/aio.c"])["fs/aio.c"]


# -- the file itself ---------------------------------------------------------------


def test_apply_gives_the_golden(tree, aio):
    root = tree(aio)
    done = apply(root, "--fail-on", "kept", "--fail-on", "golden")
    assert (done.returncode, done.stderr.replace("reading", "")) == (0, "")
    assert "fs/aio.c: identical to expected/linux-6.1/fs/aio.c.diff\n" in done.stdout
    assert "5 functions converted (8 mappings), 0 kept, 0 not analysed" in done.stdout
    assert _digest((root / "fs/aio.c").read_bytes()) == _golden_digest("after")


def test_dry_run_prints_the_patch_and_changes_nothing(tree, aio):
    root = tree(aio)
    done = apply(root, "--dry-run")
    assert done.returncode == 0
    assert changes(done.stdout) == changes(GOLDEN.read_text())
    assert (root / "fs/aio.c").read_bytes() == aio


def test_golden_starts_from_this_file(aio):
    assert _digest(aio) == _golden_digest("before")


def test_converted_functions(tree, aio):
    outcome = converted(tree(aio)).outcome
    assert sorted(outcome.converted) == FUNCTIONS
    assert (outcome.kept, outcome.unanalysed, outcome.mappings) == ((), (), 8)


def test_converted_file_converts_to_itself(tree, aio):
    after = converted(tree(aio)).outcome.after
    second = converted(tree(after)).outcome
    assert second.after == after
    assert (second.converted, second.kept, second.unanalysed) == ((), (), ())


def test_golden_leaves_comments_and_other_lines_alone(tree, aio):
    result = converted(tree(aio))
    assert not re.search(r"^\+.*(/\*|\*/|//)", result.diff.decode(), re.M)
    for line in re.findall(r"^\+(?!\+\+ )(.*)$", result.diff.decode(), re.M):
        assert not line.startswith(" ") and line == line.rstrip()
        margin = len(line.expandtabs(8)) - len(line.lstrip())
        shortest = margin + 8 + len(line.partition("= ")[2])
        assert len(line.expandtabs(8)) <= 80 or shortest > 80


# -- names do not matter --------------------------------------------------------------


def names_defined_in(path):
    """Every identifier that is defined in a C file."""
    command = [tags.program(), "--options=NONE", "--language-force=C", KINDS]
    command += ["--excmd=number", "--fields=", "-f", "-", str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = {line.split("\t")[0] for line in done.stdout.splitlines()}
    return sorted(n for n in found if n.isidentifier() and not n.startswith("__anon"))


def renamed(text, names):
    """TEXT with the identifiers that are keys of NAMES replaced."""
    lines = text.split("\n")
    for token in sorted(lexer.tokens(text), key=lambda t: (t.line, -t.column)):
        if token.kind == lexer.IDENTIFIER and token.text in names:
            line, end = lines[token.line - 1], token.column + len(token.text)
            assert line[token.column : end] == token.text
            lines[token.line - 1] = (
                line[: token.column] + names[token.text] + line[end:]
            )
    return "\n".join(lines)


def _rotated(name):
    letters = "abcdefghijklmnopqrstuvwxyz"
    return name.lower().translate(str.maketrans(letters, letters[13:] + letters[:13]))


RENAMINGS = {
    "numbers": lambda number, name: f"n{number}",
    "long numbers": lambda number, name: f"number_{number}_of_the_names_of_this_file",
    "rotated": lambda number, name: f"{_rotated(name)}{number}",
}


@pytest.mark.parametrize("new_name", RENAMINGS.values(), ids=RENAMINGS)
def test_renamed_file_is_converted_alike(new_name, tree, aio):
    found = names_defined_in(tree(aio) / "fs/aio.c")
    assert {"aio_ring", "ring_pages", "ring", "head", "ev_page", "pos"} < set(found)
    names = {name: new_name(number, name) for number, name in enumerate(found)}
    assert identifiers(aio.decode()).isdisjoint(names.values())
    text = renamed(aio.decode(), names)
    assert identifiers(text).isdisjoint(names)
    result = converted(tree(text.encode()))
    back = {new: old for old, new in names.items()}
    removed_and_added = changes(result.diff.decode())
    ours = [[back.get(word, word) for word in side] for side in removed_and_added]
    assert ours == changes(GOLDEN.read_text())
    assert not (result.outcome.kept or result.outcome.unanalysed)


def identifiers(text):
    return {t.text for t in lexer.tokens(text) if t.kind == lexer.IDENTIFIER}
