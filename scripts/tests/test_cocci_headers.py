# SPDX-License-Identifier: GPL-2.0-only
"""The semantic patches as coccicheck and a reader want them: their heads, and what
they ask spatch to look for."""

import re
import subprocess
from collections import Counter

import pytest
from conftest import REPOSITORY

from kmaplocal.tree.spatch import find_spatch

FILES = sorted((REPOSITORY / "cocci").rglob("*.cocci"))
MODES = ("patch", "context", "org", "report")
LICENCE = "// SPDX-License-Identifier: GPL-2.0-only"
_RULE = re.compile(
    r"^@\s*(?:script:\w+\s+)?([A-Za-z_]\w*)\b(?!\s*:)[^@]*@", re.MULTILINE
)
_NAMELESS = {
    "script",
    "initialize",
    "finalize",
    "depends",
    "exists",
    "forall",
    "expression",
}


def rule_names(text):
    """The names of the rules that TEXT declares."""
    return [name for name in _RULE.findall(text) if name not in _NAMELESS]


def test_rule_names():
    text = (
        "@@\n@@\n@a@\n@@\n@ b depends on patch @\n@@\n"
        "@script:python c depends on org@\n@@\n@script:python@\n@@\n"
        "@initialize:python@\n@@\n@depends on x@\n@@\n@d extends a@\n@@\n"
    )
    assert rule_names(text) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
class TestHeader:
    """What every .cocci file has."""

    def test_licence_comes_first(self, file):
        assert file.read_text().startswith(LICENCE + "\n")

    @pytest.mark.parametrize(
        "start", ["/// ", "// Confidence: ", "// Options: ", "// Comments:"]
    )
    def test_says_what_it_is(self, file, start):
        assert re.search(f"^{re.escape(start)}", file.read_text(), re.MULTILINE)

    @pytest.mark.parametrize("mode", MODES)
    def test_mode_is_on_a_line_of_its_own(self, file, mode):
        assert re.search(rf"^virtual {mode}$", file.read_text(), re.MULTILINE)


def test_rule_names_are_unique_over_all_files():
    names = [name for file in FILES for name in rule_names(file.read_text())]
    assert [name for name, times in Counter(names).items() if times > 1] == []


def test_kmaplocal_is_found_by_the_same_words_everywhere():
    texts = [file.read_text() for file in FILES if not file.stem.endswith("facts")]
    found = {re.search(r"@initialize:python@\n@@\n(?:.+\n)+", t)[0] for t in texts}
    assert len(texts) == 2
    assert [text.count("from kmaplocal import inline") for text in found] == [1]


@pytest.mark.parametrize(
    "file",
    [f for f in FILES if not f.stem.endswith("facts")],
    ids=lambda file: file.name,
)
@pytest.mark.parametrize("mode", MODES)
def test_file_without_mapping_is_not_even_read(file, mode, tmp_path):
    """spatch --dir, and so coccicheck, reads the files with words it found in the
    rules: without one it would take an hour for a kernel."""
    (tmp_path / "innocent.c").write_text("int f(int a)\n{\n\treturn g(a);\n}\n")
    command = [find_spatch().program, "--sp-file", file, "--no-includes"]
    command += ["-D", mode, "--dir", tmp_path]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0
    assert "Skipping: " in done.stdout + done.stderr
    assert "HANDLING" not in done.stdout + done.stderr
