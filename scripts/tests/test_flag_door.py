# SPDX-License-Identifier: GPL-2.0-only
"""The flag door as its user sees it, with a stand-in for the survey."""

import json
import os

import pytest
from flagging import MODULE, flag
from test_doors import make

LEAK = "m.c:3:2: error: what kmap-leak says [kmap-leak]"
OLD = (
    "m.c:10:2: warning: old(): what kmap-deprecated says: do it right [kmap-deprecated]"
)
BAD_LINE = "\tp = kmap_local_page(page); // FIND kmap-leak error"
HARMLESS = "\tp[0] = 2;"


@pytest.fixture
def module(tmp_path, write, fake_spatch):
    """A module outside of any kernel, with a leak and an old call."""
    fake_spatch()
    write(tmp_path / "mod/m.c", MODULE)
    return tmp_path / "mod"


@pytest.fixture
def repository(module, git):
    """The same in git; repository.commit(before, after): a change of m.c."""
    git(module, "init", "-q")
    git(module, "add", "-A")
    git(module, "commit", "-qm", "all")
    return module


@pytest.fixture
def commit(repository, git):
    """commit(before, after): change m.c so."""

    def change(before, after):
        text = (repository / "m.c").read_text()
        assert before in text
        (repository / "m.c").write_text(text.replace(before, after, 1))
        git(repository, "commit", "-qam", "change")

    return change


def found(done):
    """The findings of a run with --format json."""
    return [(f["rule"], f["line"]) for f in json.loads(done.stdout)["findings"]]


def one_line(done, status, *words):
    """DONE ended with STATUS and one line on stderr that holds WORDS."""
    assert done.returncode == status, done.stdout + done.stderr
    assert done.stderr.startswith("kmaplocal: ") and done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr


# -- a tree ---------------------------------------------------------------------


def test_findings_of_a_module(module):
    done = flag(module)
    assert (done.returncode, done.stderr) == (1, "")
    assert LEAK in done.stdout.splitlines() and OLD in done.stdout.splitlines()
    assert done.stdout.splitlines()[-1] == (
        "1 error, 1 warning, 0 notes in 1 file; 0 not analysed"
    )


@pytest.mark.parametrize(
    "fail_on, status", [("error", 0), ("warning", 1), ("note", 1), ("never", 0)]
)
def test_what_fails(module, fail_on, status):
    (module / "m.c").write_text(MODULE.replace("kmap-leak error", ""))
    assert flag(module, "--fail-on", fail_on).returncode == status


def test_note_fails_only_when_asked(module):
    (module / "m.c").write_text("kmap(p); // FIND kmap-nested note\n")
    assert flag(module, "--fail-on", "warning").returncode == 0
    assert flag(module, "--fail-on", "note").returncode == 1


@pytest.mark.parametrize(
    "options, rules, status",
    [
        (["--rules", "kmap-leak"], ["kmap-leak"], 1),
        (["--rules", "kmap-nested,kmap-deprecated"], ["kmap-deprecated"], 0),
        (["--ignore", "kmap-leak kmap-nested"], ["kmap-deprecated"], 0),
        (["--rules", "kmap-leak", "--ignore", "kmap-leak"], [], 0),
    ],
)
def test_rules_chosen(module, options, rules, status):
    done = flag(module, "--format", "json", *options)
    assert done.returncode == status
    assert [rule for rule, _line in found(done)] == rules


@pytest.mark.parametrize("option", ["--rules", "--ignore"])
def test_rule_that_there_is_not(module, option):
    one_line(flag(module, option, "kmap-leek"), 3, "kmap-leek: no such rule")


def test_baseline_is_of_all_rules(module):
    words = ["--baseline", "b", "--write-baseline", "--reason", "old"]
    done = flag(module, *words, "--rules", "kmap-leak")
    one_line(done, 3, "without RULES=")


def test_errors_do_not_fail_when_never(module):
    assert flag(module, "--fail-on", "never").returncode == 0


def test_nothing_found(module):
    (module / "m.c").write_text("int x;\n")
    done = flag(module)
    assert (done.returncode, done.stdout) == (
        0,
        "0 errors, 0 warnings, 0 notes in 0 files; 0 not analysed\n",
    )


def test_not_analysed_outweighs_findings(module):
    (module / "m.c").write_text(MODULE + "void g(void)\n{\n\tkmap(p); // LOST\n}\n")
    done = flag(module, "--fail-on", "never")
    assert done.returncode == 2
    assert "m.c:17: not analysed: g: does not parse\n" in done.stdout


def test_only_files_named(module, write):
    write(module / "sub/n.c", MODULE)
    done = flag(module, "--format", "json", "sub")
    assert {f["file"] for f in json.loads(done.stdout)["findings"]} == {"sub/n.c"}


def test_report_into_a_file(module, tmp_path):
    out = tmp_path / "out.sarif"
    done = flag(module, "--format", "sarif", "--out", out)
    assert done.returncode == 1
    assert done.stdout.startswith(f"{out}: 1 error, 1 warning, ")
    assert len(json.loads(out.read_text())["runs"][0]["results"]) == 2


@pytest.mark.parametrize("form", ["json", "sarif", "checkstyle"])
def test_documents_are_all_there_is_on_standard_output(module, form):
    done = flag(module, "--format", form)
    assert done.stdout[0] in "{<"
    assert "not analysed" not in done.stdout.splitlines()[-1]
    assert done.stderr == ""


# -- bad use --------------------------------------------------------------------


@pytest.mark.parametrize("out", ["none/x.json", "mod"])
def test_bad_out(module, tmp_path, out):
    one_line(flag(module, "--out", tmp_path / out), 3, f"{out}: ")


def test_no_such_tree(module, tmp_path):
    one_line(flag(tmp_path / "none"), 3, "no such folder")


def test_empty_name_of_a_tree():
    one_line(flag(None, "--kernel", ""), 3, "--kernel", "it is empty")


def test_no_such_file(module):
    one_line(flag(module, "none.c"), 3, "none.c: no such file")


def test_no_spatch(module, monkeypatch):
    monkeypatch.setenv("SPATCH", "/nowhere")
    one_line(flag(module), 3, "apt-get install coccinelle")


@pytest.mark.parametrize(
    "arguments, word",
    [
        (["--since", "HEAD", "--patch", "x"], "one of them"),
        (["-p", "1"], "PATCH="),
        (["--whole-functions"], "SINCE="),
        (["--write-baseline"], "BASELINE="),
        (["--write-baseline", "--baseline", "x"], "REASON="),
        (["--write-baseline", "--baseline", "x", "--reason", " "], "REASON="),
        (
            ["--write-baseline", "--baseline", "x", "--reason", "y", "--since", "z"],
            "without a patch",
        ),
        (["--format", "xml"], "xml"),
        (["--fail-on", "kept"], "kept"),
        (["--since", "HEAD"], "not in a git work tree"),
        (["--patch", "none.patch"], "none.patch: No such file"),
        (["--baseline", "none"], "none: no such file"),
    ],
)
def test_bad_use(module, arguments, word):
    one_line(flag(module, *arguments), 3, word)


@pytest.mark.parametrize("revision", ["nonsense", ""])
def test_unknown_revision(repository, revision):
    done = flag(repository, "--since", revision)
    one_line(done, 3, f"SINCE={revision}: git knows no commit")


# -- a change ---------------------------------------------------------------------


def test_since_shows_only_lines_that_changed(repository, commit):
    commit("// FIND kmap-deprecated warning", "// FIND kmap-null-check error")
    done = flag(repository, "--since", "HEAD~1")
    assert done.returncode == 1
    assert "[kmap-null-check]" in done.stdout
    assert "[kmap-leak]" not in done.stdout


def test_since_with_whole_functions(repository, commit):
    commit("\tp[0] = 1;", HARMLESS)
    done = flag(repository, "--since", "HEAD~1")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].endswith(
        "; 1 more elsewhere in functions that changed (WHOLE=1 shows them)"
    )
    done = flag(repository, "--since", "HEAD~1", "--whole-functions")
    assert done.returncode == 1
    assert LEAK in done.stdout
    assert OLD not in done.stdout


@pytest.mark.parametrize(
    "cause", ["\tkunmap_local(p);\n", "\tif (p[0])\n\t\treturn;\n"]
)
def test_leak_is_shown_for_what_causes_it(repository, commit, cause):
    commit("\tp[0] = 1;\n", f"\tp[0] = 1;\n{cause}")
    added = flag(repository, "--since", "HEAD~1")
    commit(cause, "")
    removed = flag(repository, "--since", "HEAD~1")
    assert LEAK in added.stdout and LEAK in removed.stdout


def test_deprecated_call_elsewhere_in_the_function_is_not_shown(repository, commit):
    commit("\tkunmap(page);", "\treturn;")
    assert flag(repository, "--since", "HEAD~1").stdout.startswith("0 errors")


def test_since_without_a_change(repository):
    done = flag(repository, "--since", "HEAD")
    assert (done.returncode, done.stdout.split(";")[0]) == (
        0,
        "0 errors, 0 warnings, 0 notes in 0 files",
    )


def test_new_file_is_all_new(repository, write):
    write(repository / "n.c", MODULE)
    done = flag(repository, "--since", "HEAD", "--format", "json")
    assert found(done) == [("kmap-leak", 3), ("kmap-deprecated", 10)]


def test_not_analysed_elsewhere_is_not_the_change_s(repository, commit):
    commit("kunmap(page);", "kunmap(page); // LOST")
    commit("\tp[0] = 1;", HARMLESS)
    assert flag(repository, "--since", "HEAD~1").returncode == 0
    done = flag(repository, "--since", "HEAD~2")
    assert done.returncode == 2
    assert "m.c:13: not analysed: old: " in done.stdout


def test_mailbox_of_several_patches_on_standard_input(repository, commit, git):
    commit("\tp[0] = 1;", BAD_LINE)
    commit("\tkunmap(page);", "\tkunmap(page); // FIND kmap-mixed-pair error")
    commit("void leaks", "\nvoid leaks")
    series = git(repository, "format-patch", "--stdout", "HEAD~3")
    assert series.count("\nSubject: ") == 3
    done = flag(repository, "--patch", "-", "--format", "json", input=series)
    assert (done.returncode, done.stderr) == (1, "")
    # The leak in line 4, too: a mapping call was added in its function.
    assert found(done) == [
        ("kmap-leak", 4),
        ("kmap-leak", 6),
        ("kmap-mixed-pair", 14),
    ]


def test_patch_in_a_file(repository, commit, git, tmp_path):
    commit("\tkunmap(page);", "\tkunmap(page); // FIND kmap-mixed-pair error")
    patch = tmp_path / "x.patch"
    patch.write_text(git(repository, "diff", "--no-prefix", "HEAD~1"))
    done = flag(repository, "--patch", patch, "--format", "json")
    assert found(done) == [("kmap-mixed-pair", 13)]
    done = flag(repository, "--patch", patch, "-p", "0", "--format", "json")
    assert found(done) == [("kmap-mixed-pair", 13)]


def test_patch_that_is_not_applied(repository, commit, git):
    commit("\tp[0] = 1;", BAD_LINE)
    patch = git(repository, "diff", "HEAD~1")
    git(repository, "reset", "-q", "--hard", "HEAD~1")
    done = flag(repository, "--patch", "-", input=patch)
    one_line(done, 3, "m.c:2: the patch leaves other lines here; apply the patch first")


def test_patch_of_a_file_that_is_not_there(repository, git):
    patch = "--- a/fs/n.c\n+++ b/fs/n.c\n@@ -1 +1 @@\n-a\n+b\n"
    done = flag(repository, "--patch", "-", input=patch)
    one_line(done, 3, "fs/n.c: the patch changes it, and there is no such file")


@pytest.mark.parametrize("text", ["", "not a patch\n"])
def test_no_patch_on_standard_input(repository, text):
    done = flag(repository, "--patch", "-", input=text)
    one_line(done, 3, "standard input: there is no patch in it")


def test_closed_standard_input(repository):
    done = flag(repository, "--patch", "-", preexec_fn=lambda: os.close(0))
    one_line(done, 3, "-: Bad file descriptor; PATCH= names a patch")


def test_patch_through_make(tmp_path, write):
    write(tmp_path / "a.c", "int x;\n")
    done = make("flag", f"KERNEL={tmp_path}", "PATCH=-", input="no patch\n")
    assert "kmaplocal: standard input: there is no patch in it\n" in done.stderr


# -- accepted findings ------------------------------------------------------------


def test_comment_accepts(module):
    comment = (
        "/* kmaplocal: allow kmap-leak: the device keeps it */\n\tchar *p = kmap_l"
    )
    (module / "m.c").write_text(MODULE.replace("\tchar *p = kmap_l", f"\t{comment}", 1))
    done = flag(module)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].endswith(
        "; accepted: 1 by comments, 0 by the baseline"
    )


def test_comment_where_nothing_is_found(module, write):
    write(module / "n.c", "/* kmaplocal: allow kmap-leak: once */\nint x;\n")
    done = flag(module, "--fail-on", "warning", "n.c")
    assert done.returncode == 1
    assert (
        "n.c:1:1: warning: there is no kmap-leak here to accept [kmap-suppression]"
        in done.stdout
    )


def test_comment_elsewhere_is_not_the_change_s(repository, commit):
    commit("\tp[0] = 1;\n\tkunmap", "\t// kmaplocal: allow kmap-leak: x\n\tkunmap")
    commit("\tp[0] = 1;", HARMLESS)
    asked = ["--fail-on", "warning", "--since"]
    assert "[kmap-suppression]" not in flag(repository, *asked, "HEAD~1").stdout
    assert "[kmap-suppression]" in flag(repository, *asked, "HEAD~2").stdout


def test_baseline_is_written_and_accepts_until_code_changes(module, tmp_path):
    base = tmp_path / "base.tsv"
    given = ["--baseline", base]
    done = flag(module, *given, "--write-baseline", "--reason", "known in 6.1")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].endswith("0 by comments, 2 by the baseline")
    lines = base.read_text().splitlines()
    assert len([line for line in lines if line.endswith("\tknown in 6.1")]) == 2
    (module / "m.c").write_text("int x;\n" + MODULE)
    assert flag(module, *given, "--fail-on", "note").returncode == 0
    (module / "m.c").write_text(MODULE.replace("kmap_local_page(page)", "kmap(q)"))
    done = flag(module, *given)
    assert done.returncode == 1
    assert LEAK in done.stdout
    stale = [line for line in done.stdout.splitlines() if "[kmap-suppression]" in line]
    (line,) = stale
    assert line.startswith(f"{base}:4:1: warning: there is no such kmap-leak in m.c ")


def test_baseline_of_the_whole_tree_serves_a_part(module, write, tmp_path):
    write(module / "n.c", MODULE)
    base = tmp_path / "base.tsv"
    given = ["--baseline", base]
    flag(module, *given, "--write-baseline", "--reason", "known")
    written = base.read_text()
    assert flag(module, *given, "--fail-on", "note", "n.c").returncode == 0
    (module / "n.c").write_text("int x;\n")
    done = flag(module, *given, "--fail-on", "note", "m.c")
    assert done.returncode == 0
    flag(module, *given, "--write-baseline", "--reason", "known", "m.c")
    assert base.read_text() == written
    assert flag(module, *given, "--fail-on", "note").returncode == 1
    flag(module, *given, "--write-baseline", "--reason", "known")
    assert base.read_text().count("\tn.c\t") == 0


def test_baseline_that_cannot_be_written(module, tmp_path):
    asked = ["--write-baseline", "--reason", "x", "--baseline"]
    done = flag(module, *asked, tmp_path / "none/base")
    one_line(done, 3, "none/base: no such folder; BASELINE= names")


def test_baseline_within_the_tree_is_named_from_there(module):
    (module / "base").write_text("kmap-leak\tm.c\tf\t1\tx\twhy\n")
    done = flag(module, "--baseline", module / "base", "--format", "json")
    assert ("kmap-suppression", 1) in found(done)
    assert '"file": "base"' in done.stdout


# -- make -------------------------------------------------------------------------


def test_make_passes_everything_on():
    asked = ["SINCE=HEAD", "WHOLE=function", "BASELINE=a b", "WRITE_BASELINE=1"]
    shown = make("-n", "flag", *asked, "KERNEL=/tmp/k", "FAIL_ON=note").stdout
    for word in (
        'flag --format "$FORMAT"',
        '--since "$SINCE"',
        "--whole-functions",
        '--baseline "$BASELINE"',
        '--write-baseline --reason "$REASON"',
        '--kernel "$KERNEL"',
    ):
        assert word in shown
    assert "--patch" not in shown
    assert '--patch "$PATCH"' in make("-n", "flag", "PATCH=-", "KERNEL=/tmp/k").stdout


def test_make_flags_everything_by_default(tmp_path, write):
    write(tmp_path / "a.c", "int x;\n")
    done = make("flag", f"KERNEL={tmp_path}", "FORMAT=json")
    assert (done.returncode, json.loads(done.stdout)["findings"]) == (0, [])


def test_make_explains_without_a_kernel():
    assert "tar -xf" not in make("-n", "-B", "flag", "EXPLAIN=kmap-leak").stdout
    done = make("-s", "flag", "EXPLAIN=kmap-leak")
    assert done.stdout.startswith("# kmap-leak: error\n")


@pytest.mark.parametrize("files", [[], ["docs"]])
def test_no_c_file_is_not_a_clean_tree(tmp_path, write, files):
    write(tmp_path / "docs/a.txt", "kmap(p)\n")
    done = flag(tmp_path, *files)
    assert done.returncode == 3 and done.stdout == ""
    assert "no C file (*.c, *.h) there; ALLOW_EMPTY=1" in done.stderr
    assert flag(tmp_path, "--allow-empty", *files).returncode == 0


def test_a_c_file_without_a_call_is_enough(tmp_path, write):
    write(tmp_path / "deep/er/a.h", "int x;\n")
    assert flag(tmp_path).returncode == 0
