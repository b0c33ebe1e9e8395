# SPDX-License-Identifier: GPL-2.0-only
"""spatch.py and parsing.py: runs whose losses are all accounted for."""

import os
from pathlib import Path

import pytest

from kmaplocal.c import parsing
from kmaplocal.errors import SpatchMissing
from kmaplocal.c.parsing import PASSED, UNPARSED, Gap
from kmaplocal.tree.spatch import find_spatch

RENAME = """virtual patch
@r depends on patch@
expression p;
@@
- kmap_atomic
+ kmap_local_page
  (p)
"""

SOURCE = """int good(struct page *p)
{
	void *a = kmap_atomic(p);
	kunmap_atomic(a);
	return 0;
}

int bad(struct page *p)
{
	void *a = kmap_atomic(p);
	FOO BAR BAZ { kunmap_atomic(a) ) ;
	return 0;
}

int half(struct page *p)
{
	void *a = kmap_atomic(p);
#ifdef A /* one */
	if (x)
#else
	if (y)
#endif
		kunmap_atomic(a);
#if 0
	old_thing(a);
#endif
	return 0;
}
"""


@pytest.fixture
def cocci(tmp_path, write):
    """cocci(text): the path of a semantic patch with that text."""
    return lambda text: write(tmp_path / "rules/t.cocci", text)


@pytest.fixture
def source(tmp_path, write):
    """A C file alone in its folder."""
    return write(tmp_path / "source/s.c", SOURCE)


def test_edit_comes_as_a_patch(cocci, source):
    run = find_spatch().run(cocci(RENAME), source, virtuals=["patch"])
    assert "+\tvoid *a = kmap_local_page(p);" in run.stdout
    assert run.failures == ()
    assert source.read_text() == SOURCE


def test_nothing_to_write_is_no_failure(cocci, source, tmp_path):
    text = "@r@\n@@\n- nowhere\n+ somewhere\n  (...)\n"
    result = tmp_path / "result.c"
    run = find_spatch().run(cocci(text), source, options=["-o", str(result)])
    assert run.failures == ()
    assert not result.exists()


def test_function_that_does_not_parse_is_told(cocci, source):
    run = find_spatch().run(cocci(RENAME), source, virtuals=["patch"])
    (gap,) = run.lost
    assert gap == Gap(6, 13, "FOO BAR BAZ { kunmap_atomic(a) ) ;", UNPARSED, 11)


def test_skipped_halves_are_told(source):
    run = find_spatch().parse(source)
    assert run.failures == ()
    passed = [(gap.line, gap.last, gap.text) for gap in run.lost if gap.kind == PASSED]
    assert passed == [
        (18, 19, "#ifdef A /* one */"),
        (20, 21, "#else"),
        (22, 22, "#endif"),
        (24, 25, "#if 0"),
        (26, 26, "#endif"),
    ]
    assert 21 in run.passed and 23 not in run.passed


@pytest.mark.parametrize("place", ["", "/tmp/a:1: b/s.c:{}: "])  # 1.1.1, 1.3
def test_both_ways_to_tell_of_a_skipped_half(place):
    texts = [(1, "#ifdef A__at_line_1 "), (3, "#else "), (4, "if ( y ) ")]
    texts.append((5, "#endif "))
    stderr = "\n".join(f"{place.format(line)}passed:{text}" for line, text in texts)
    source = "#ifdef A\nif (x)\n#else\nif (y)\n#endif\n\tf();\n"
    found = parsing.gaps(stderr, "/tmp/a:1: b/s.c", source)
    assert [(gap.line, gap.last) for gap in found] == [(1, 2), (3, 4), (5, 5)]
    assert list(parsing.without_source(stderr)) == []


TWINS = """int innocent(int x)
{
#ifdef A
	x++;
#else
	x--;
#endif
	return x;
}

int half(int x)
{
#ifdef A
	if (x) {
#else
	if (!x) {
#endif
		x++;
	}
#if defined(B) && \\
	defined(C) /* both */
	x++;
#endif
	return x;
}
"""


def test_skipped_halves_of_one_function_are_not_those_of_another(tmp_path, write):
    """spatch prints the same of both #ifdef A."""
    twins = write(tmp_path / "t.c", TWINS)
    other = write(tmp_path / "o.c", TWINS.replace("if (x) {", "x++; {"))
    for run in (
        find_spatch().parse(twins),
        find_spatch().parse_each([other, twins])[1],
    ):
        assert [gap.line for gap in run.lost] == [13, 15, 17]


@pytest.mark.parametrize(
    "told", ["#ifdef B__at_line_9", "#else", "#ifdef A__at_line_3\npassed:#if 1"]
)
def test_a_skipped_half_of_no_known_line_is_any(told):
    found = parsing.gaps(f"passed:{told}\n", "/t.c", TWINS)
    assert [gap.line for gap in found] == [3, 5, 7, 13, 15, 17, 20, 23]


def test_an_if_without_end_lasts_to_the_end():
    found = parsing.gaps("passed:#if X/*__at_line_2*/\n", "/t.c", "a\n#if X\nb\nc")
    assert [(gap.line, gap.last) for gap in found] == [(2, 3), (4, 4)]


def test_marks_change_no_line_and_no_text_of_a_gap(tmp_path, write):
    text = TWINS.replace("if (!x) {", "FOO BAR BAZ ) ;")
    assert parsing.marked(text).count("\n") == text.count("\n")
    run = find_spatch().parse(write(tmp_path / "t.c", text))
    assert [gap.at for gap in run.lost if gap.kind == UNPARSED] == [16]
    assert not any("at_line" in gap.text for gap in run.lost)


def test_clean_file_has_no_gaps(tmp_path, write):
    clean = write(tmp_path / "c.c", "int f(int a)\n{\n\treturn a;\n}\n")
    run = find_spatch().parse(clean)
    assert (run.failures, run.lost) == ((), ())


def test_defines_and_environment_reach_scripts(cocci, source):
    text = """virtual report
@initialize:python@
colour << virtual.colour;
@@
import os
print(colour, os.environ["SHAPE"])
@r@
@@
* kmap_atomic(...)
"""
    run = find_spatch().run(
        cocci(text),
        source,
        virtuals=["report"],
        defines={"colour": "red"},
        env={"SHAPE": "round"},
    )
    assert "red round" in run.stdout


def test_no_litter_anywhere(cocci, source, tmp_path, contents, monkeypatch):
    rules, place = cocci(RENAME), tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("TMPDIR", str(place))
    before = contents(tmp_path)
    find_spatch().run(rules, source, virtuals=["patch"])
    assert contents(tmp_path) == before


def test_settings_of_the_user_do_not_count(cocci, source, tmp_path, write, monkeypatch):
    bad = "[spatch]\n\toptions = --no-such-option\n"
    write(tmp_path / "home/.cocciconfig", bad)
    write(source.parent / ".cocciconfig", bad)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(source.parent)
    run = find_spatch().run(cocci(RENAME), source, virtuals=["patch"])
    assert run.failures == ()


FAILING = {
    "ValueError: oops": (
        "@r@\nposition p;\n@@\nkmap_atomic@p(...)\n"
        "@script:python@\np << r.p;\n@@\nraise ValueError('oops')\n"
    ),
    "parse error": "@r@\nexpression e\n@@\nkmap(e)\n",
}


@pytest.mark.parametrize("words", FAILING)
def test_failures_are_told(cocci, source, words):
    run = find_spatch().run(cocci(FAILING[words]), source)
    assert any(words in failure for failure in run.failures)


def test_already_tagged(cocci, tmp_path, write):
    text = "@r@\nexpression e;\nidentifier f;\n@@\n- f(e)\n+ f(e, e)\n"
    nested = write(tmp_path / "n.c", "void f(void)\n{\n\ta(b(c));\n}\n")
    run = find_spatch().run(cocci(text), nested)
    assert any("already tagged token" in failure for failure in run.failures)


def test_virtual_that_is_not_there(cocci, source):
    run = find_spatch().run(cocci(RENAME), source, virtuals=["nosuch"])
    assert "virtual rule nosuch not supported" in run.failures[0]


def test_no_such_source(cocci, tmp_path):
    run = find_spatch().run(cocci(RENAME), tmp_path / "none.c")
    assert any("does not exist" in failure for failure in run.failures)


def test_no_such_rules(source, tmp_path):
    run = find_spatch().run(tmp_path / "none.cocci", source)
    assert "Fatal error" in run.failures[0]


@pytest.mark.parametrize(
    "stderr",
    ["EXN: Coccinelle_modules.Common.Timeout", "r: already tagged token:", "exn while"],
)
def test_losses_with_exit_status_0_are_told(fake_spatch, cocci, source, stderr):
    fake_spatch(f"echo '{stderr} in x' >&2")
    assert find_spatch().run(cocci(RENAME), source).failures


def test_source_text_is_no_message(fake_spatch, cocci, source):
    fake_spatch("echo 'passed:EXN: x' >&2; echo '  whole content = EXN:' >&2")
    assert find_spatch().run(cocci(RENAME), source).failures == ()


def test_silent_death_is_told(fake_spatch, cocci, source):
    fake_spatch("exit 7")
    run = find_spatch().run(cocci(RENAME), source)
    assert run.failures == ("spatch: exit status 7",)


def test_timeout_kills_the_whole_group(fake_spatch, cocci, source, tmp_path):
    pid_file = tmp_path / "pid"
    fake_spatch(f"sleep 300 & echo $! > {pid_file}; wait")
    run = find_spatch().run(cocci(RENAME), source, timeout=0.5)
    assert run.failures == ("spatch took longer than 0.5 seconds",)
    status = Path(f"/proc/{pid_file.read_text().strip()}/status")
    assert not status.exists() or "Z (zombie)" in status.read_text()


def test_timeout_clears_what_spatch_left(fake_spatch, cocci, source, tmp_path):
    note = tmp_path / "name"
    fake_spatch(
        f"echo /tmp/cocci-output-$$-0-s.c > {note}; touch $(cat {note}); sleep 9"
    )
    find_spatch().run(cocci(RENAME), source, timeout=0.5)
    assert not os.path.exists(note.read_text().strip())


def test_no_spatch(monkeypatch):
    monkeypatch.delenv("SPATCH", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SpatchMissing, match="apt-get install coccinelle"):
        find_spatch()


def test_spatch_variable_leads_nowhere(monkeypatch):
    monkeypatch.setenv("SPATCH", "/nowhere/spatch")
    with pytest.raises(SpatchMissing, match="/nowhere/spatch: no such program"):
        find_spatch()


@pytest.mark.parametrize("version", ["1.0.8", "1.1.0", "1.1", "0.9.9"])
def test_too_old(fake_spatch, version):
    fake_spatch(version=version)
    with pytest.raises(SpatchMissing, match="too old, 1.1.1 .* apt-get install"):
        find_spatch()


@pytest.mark.parametrize(
    "version", ["1.1.1", "1.1.1-00520-gabc", "1.2", "1.10.0", "2.0"]
)
def test_new_enough(fake_spatch, version):
    fake_spatch(version=version)
    assert find_spatch().version >= (1, 1, 1)


def test_something_else_called_spatch(fake_spatch):
    fake_spatch(version="unknown")
    with pytest.raises(SpatchMissing, match="tells no version"):
        find_spatch()


def test_messages_about_other_files_are_left_out():
    stderr = ' = File "/tmp/x.c", line 1, column 0, charpos = 0\nBAD:!!!!! int a;\n'
    assert parsing.gaps(stderr, "/s.c", "int a;\n") == ()


def test_misplaced_text_is_found_where_it_is():
    stderr = ' = File "/s.c", line 9, column 0, charpos = 0\nbad: a\nBAD:!!!!! b\n'
    assert parsing.gaps(stderr, "/s.c", "x\na\nb\n") == (Gap(2, 3, "b", UNPARSED, 3),)


def test_unparsed_text_from_nowhere():
    stderr = ' = File "/s.c", line 1, column 0, charpos = 0\nBAD:!!!!! b\n'
    with pytest.raises(ValueError, match="not in the file"):
        parsing.gaps(stderr, "/s.c", "x\n")
