# SPDX-License-Identifier: GPL-2.0-only
"""Every command in the README runs, and says what the README shows."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from test_doors import MAKES_OWN

TOP = Path(__file__).resolve().parents[2]
README = (TOP / "README.md").read_text()
# Running the tests is what is going on; building kernels takes minutes.
WITHIN = "make check"
APART = "make verify"


def commands() -> list[str]:
    """The lines of the README's sh blocks."""
    blocks = README.split("```sh\n")[1:]
    return [line for block in blocks for line in block.split("```")[0].splitlines()]


def run(command: str):
    """A command as a reader types it, in the repository."""
    settings = {k: v for k, v in os.environ.items() if k not in MAKES_OWN}
    return subprocess.run(
        ["sh", "-c", command],
        cwd=TOP,
        env=settings,
        capture_output=True,
        text=True,
        timeout=600,
    )


def test_readme_shows_both_doors():
    assert "make apply" in commands()
    assert WITHIN in commands()


def test_it_is_a_front_page_with_pictures():
    assert len(README.encode()) < 8000
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", README)
    assert len(pictures) == 2 and all((TOP / name).is_file() for name in pictures)


def test_a_picture_loads_nothing_from_elsewhere():
    text = (TOP / "expected/pictures/terminal.svg").read_text()
    assert "url(" not in text.replace("url(#", "")


def test_what_is_not_run_here_is_run_by_ci():
    lines = (TOP / ".ci/run").read_text().splitlines()
    assert APART in commands()
    assert {WITHIN, APART} <= set(lines)


@pytest.mark.parametrize("command", [c for c in commands() if c not in (WITHIN, APART)])
def test_command_runs(command):
    done = run(command)
    assert done.returncode == 0, done.stdout + done.stderr


def test_example_is_real_output():
    example = README.split("reason:\n\n```\n")[1].split("```")[0]
    command = next(c for c in commands() if "DRY_RUN" in c)
    done = run(command)
    shown = (done.stdout + done.stderr).splitlines()
    for line in example.splitlines():
        assert line in shown, line


SHOWN = {
    "rule=kmap-leak": r"bitmap\.c:\d+:\d+-\d+: kmap-leak: pptr, mapped in line \d+, is",
    "kmap_local.cocci --no-includes -D report": r"inode\.c:250:\d+-\d+: kmap_local: ",
    "kmap_local.cocci --no-includes -D patch": r"(?m)^\+\s+memcpy_from_page\(data",
}


def test_every_spatch_command_is_here():
    ours = [c for c in commands() if c.startswith("spatch")]
    assert len(ours) == len(SHOWN)


@pytest.mark.parametrize("words", SHOWN)
def test_spatch_shows_something(words):
    command = next(c for c in commands() if words in c)
    done = run(command)
    assert re.search(SHOWN[words], done.stdout), done.stdout + done.stderr


MODULE = """#include <linux/highmem.h>

int first(struct page *page)
{
	char *at = kmap(page);
	int n = at[0];

	kunmap(page);
	return n;
}
"""


def test_a_module_from_clone_to_patch(tmp_path):
    origin, clone = tmp_path / "origin", tmp_path / "module"
    origin.mkdir()
    (origin / "m.c").write_text(MODULE)
    git = "git -c user.name=x -c user.email=x@example.org"
    made = run(f"cd {origin} && git init -q && git add . && {git} commit -qm x")
    assert made.returncode == 0, made.stderr
    block = README.split("from clone to patch:\n\n```\n")[1].split("```")[0]
    fetch, flag, apply = block.replace("> module", f"> {tmp_path}/module").splitlines()
    fetch = fetch.replace("https://example.org/module.git", f"{origin} {clone}")
    for command in (fetch, flag, apply):
        done = run(command.replace("KERNEL=module", f"KERNEL={clone}"))
        assert done.returncode == 0, done.stderr
    check = run(f"git -C {clone} apply {tmp_path}/module.patch && cat {clone}/m.c")
    assert check.returncode == 0, check.stderr
    assert check.stdout == MODULE.replace(
        "kmap(page)", "kmap_local_page(page)"
    ).replace("kunmap(page)", "kunmap_local(at)")
