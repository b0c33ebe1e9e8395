# SPDX-License-Identifier: GPL-2.0-only
"""Names of files that are not made of letters alone."""

import os
import subprocess
import sys

import pytest
from test_cli import surroundings

from kmaplocal import names

GOOD = """\
char first(struct page *page)
{
	char *at = kmap(page);
	char first = at[0];

	kunmap(page);
	return first;
}
"""
ODD = [
    "a b",
    "a;b",
    "a$b",
    "a`b",
    "a\\b",
    "a\\tb",
    "a\tb",
    "a\nb",
    "a\rb",
    "\n::error::a",
    "a\x1b[31mb",
    "a\x07b",
    " a",
    "a ",
    "a'b",
    'a"b',
    "a&b",
    "a*b",
    "-a",
    "#a",
    "a%b",
    "a:1:b",
    "a{b}",
    "!a",
    "\u00e9",
    "a\u202eb",
    os.fsdecode(b"a\xe9b"),
]


@pytest.fixture
def odd(kernel, write):
    """A kernel tree with a good file of each odd name in the folder n."""
    for name in ODD:
        path = kernel / "n" / f"{name}.c"
        path.parent.mkdir(exist_ok=True)
        path.write_text(GOOD)
    return kernel


def drive(tree, door, *arguments):
    command = [sys.executable, "-m", "kmaplocal", door, "--kernel", tree, *arguments]
    return subprocess.run(command, env=surroundings(), capture_output=True)


def test_files_of_any_name_are_converted(odd):
    done = drive(odd, "apply", "n")
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
    texts = {name: (odd / "n" / f"{name}.c").read_text() for name in ODD}
    assert [name for name, text in texts.items() if "kmap_local" not in text] == []


def test_the_patch_names_them_as_git_does(odd, git):
    git(odd, "init", "-q")
    patch = drive(odd, "apply", "--dry-run", "n").stdout
    subprocess.run(["git", "apply"], cwd=odd, input=patch, check=True)
    texts = {name: (odd / "n" / f"{name}.c").read_text() for name in ODD}
    assert [name for name, text in texts.items() if "kmap_local" not in text] == []


@pytest.mark.parametrize("door", ["flag", "report", "apply"])
def test_no_name_reaches_a_terminal_raw(odd, door):
    dry = ["--dry-run"] if door == "apply" else []
    for name in ODD:  # something is to be said of each
        path = odd / "n" / f"{name}.c"
        path.write_text(
            GOOD.replace("\tkunmap(page);\n", "") + 'char *s = "\x1b[1m";\n'
        )
    done = drive(odd, door, *dry, "n")
    shown = (done.stdout + done.stderr).decode()
    assert names.visible(shown) == shown
    assert not any(line.startswith("::") for line in shown.split("\n"))
    assert '"n/a\\tb.c":' in shown and '"n/a\\033[31mb.c":' in shown


@pytest.mark.parametrize(
    "name, shown",
    [
        ("a b.c", "a b.c"),
        ("\u00e9.c", "\u00e9.c"),
        ("a\tb\n.c", '"a\\tb\\n.c"'),
        ('"\\', '"\\"\\\\"'),
        (os.fsdecode(b"\xe9"), '"\\351"'),
        ("\x9b", '"\\302\\233"'),
    ],
)
def test_quoted(name, shown):
    assert names.quoted(name) == shown


@pytest.mark.parametrize("name", [*ODD, 'it\'s\x07 "$x"'])
def test_pasted_into_a_shell_it_is_the_same(name):
    command = f"printf %s {names.pasted(name)}"
    done = subprocess.run(["bash", "-c", command], capture_output=True)
    assert os.fsdecode(done.stdout) == name


def test_next_lines_can_be_pasted(kernel, tmp_path):
    tree = kernel.rename(tmp_path / "it's a $tree\t\u00e9")
    (tree / "fs/aio.c").write_text(GOOD)
    done = drive(tree, "apply", "fs/aio.c")
    lines = [s for s in done.stdout.decode().split("\n") if s.startswith("next: ")]
    words = lines[0].partition("make verify ")[2]
    shell = ["bash", "-c", f"set -- {words}; printf '%s|%s' \"$@\""]
    words = subprocess.run(shell, capture_output=True).stdout.decode()
    assert words == f"KERNEL={tree}|FILES=fs/aio.c"
