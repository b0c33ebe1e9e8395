# SPDX-License-Identifier: GPL-2.0-only
"""The man pages and what completes words: of the same texts as --help."""

import os
import shutil
import subprocess
import sys

import pytest
from conftest import REPOSITORY

from kmaplocal import manual
from kmaplocal.findings import handbook
from kmaplocal.options import COMMANDS

KMAPLOCAL = [sys.executable, "-m", "kmaplocal"]
SCRIPTS = {**os.environ, "PYTHONPATH": str(REPOSITORY / "scripts")}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("share")
    manual.write(folder)
    return folder


def test_each_command_and_option_is_in_the_page(written):
    page = (written / "man/man1/kmaplocal.1").read_text().replace("\\-", "-")
    for name in COMMANDS:
        assert f'.SS "{name}' in page
    shown = subprocess.run(
        [*KMAPLOCAL, "flag", "--help"], env=SCRIPTS, capture_output=True, text=True
    )
    options = [w for w in shown.stdout.split() if w.startswith("--")]
    assert all(option.rstrip(",;.") in page for option in options)


def test_a_page_a_rule_with_all_of_its_text(written):
    for rule in handbook.EVERY:
        page = (written / f"man/man7/{rule}.7").read_text().replace("\\-", "-")
        words = handbook.page(rule).replace("```c", "").replace("`", "").split()
        words = [word.lower() for word in words if word.isalpha()]
        assert not [word for word in words if word not in page.lower()]


def test_no_paragraph_of_a_page_is_empty(written):
    pages = [*(written / "man").rglob("*.[17]")]
    assert len(pages) == 1 + len(handbook.EVERY)
    for page in pages:
        lines = page.read_text().split("\n")
        for line, after in zip(lines, lines[1:]):
            assert (line[:3], after[:3]) not in {
                (one, two)
                for one in (".PP", ".SH", ".SS")
                for two in (".PP", ".SH")
                if ".PP" in (one, two)
            }


def test_zsh_completes_where_it_has_just_read_the_script(tmp_path, written):
    if not shutil.which("zsh"):
        pytest.skip("no zsh")
    folder = next(written.rglob("_kmaplocal")).parent
    asked = f"""
        kmaplocal() {{ print "plain\\nflag\\n_"; }}; commands[kmaplocal]=x
        env() {{ kmaplocal; }}; compdef() {{ :; }}; compadd() {{ print added $5; }}
        words=(kmaplocal fl); CURRENT=2; fpath=({folder} $fpath)
        autoload -U _kmaplocal; _kmaplocal"""
    done = subprocess.run(["zsh", "-fc", asked], capture_output=True, text=True)
    assert done.stdout.startswith("added"), done.stderr


def test_nothing_in_a_page_is_taken_for_troff():
    assert manual._plain(".SH x\\n") == "\\&.SH x\\en"
    assert manual._plain("'quoted'") == "\\&'quoted'"


@pytest.mark.parametrize(
    "words, wanted",
    [
        ("kmaplocal fl", "flag"),
        ("kmaplocal flag --explain kmap-le", "kmap-leak"),
        ("kmaplocal series --spl", "--split"),
        ("kmaplocal series --split dr", "driver"),
    ],
)
def test_words_are_completed(words, wanted):
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    asked["_KMAPLOCAL_COMPLETE"] = "bash_complete"
    done = subprocess.run(
        KMAPLOCAL, env=SCRIPTS | asked, capture_output=True, text=True, check=True
    )
    assert f"plain,{wanted}\n" in done.stdout


def test_each_shell_has_its_script(written):
    for place in manual.SHELLS.values():
        assert "_KMAPLOCAL_COMPLETE" in (written / place).read_text()
