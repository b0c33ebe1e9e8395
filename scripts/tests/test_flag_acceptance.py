# SPDX-License-Identifier: GPL-2.0-only
"""Fingerprints, suppressions and baselines: what is accepted, and what is stale."""

from pathlib import Path

import pytest
from flagging import finding

from kmaplocal.findings.accept import baseline
from kmaplocal.findings.accept.acceptance import Acceptance
from kmaplocal.findings.accept.fingerprint import fingerprints
from kmaplocal.findings.accept.suppression import suppressions
from kmaplocal.findings.survey import Survey
from kmaplocal.findings.text import Texts
from kmaplocal.tree.outcome import Lost

REASON = "it is fine"
BODY = """\
int f(struct page *page)
{
	char *p = kmap(page);

	p[0] = 1;
	return 0;
}
"""


@pytest.fixture
def texts(tmp_path):
    """texts(text): a tree whose x.c has this text."""

    def make(text):
        (tmp_path / "x.c").write_bytes(text.encode(errors="surrogateescape"))
        return Texts(tmp_path)

    return make


def prints(texts, *findings):
    return list(fingerprints(findings, texts).values())


def leak(line, function="f"):
    return finding("x.c", line, "kmap-leak", function=function)


# -- fingerprints ---------------------------------------------------------------


def test_lines_above_and_white_space_do_not_matter(texts):
    (before,) = prints(texts(BODY), leak(3))
    moved = "/* new */\n\n" + BODY.replace("\tchar *p =", "    char * p = /* x */")
    (after,) = prints(texts(moved), leak(5))
    assert before == after
    assert before.digest() == after.digest()
    assert before.code == "char * p = kmap ( page ) ;"


def test_digest_is_what_servers_have_stored(texts):
    (known,) = prints(texts(BODY), leak(3))
    assert known.digest() == "ce252f0d2ce3bf82c5884ce45a95903f"


def test_what_does_matter(texts):
    here = texts(BODY)
    other = finding("x.c", 3, "kmap-deprecated")
    found = prints(here, leak(3), leak(5), leak(3, "g"), other)
    assert len({known.digest() for known in found}) == 4


def test_like_lines_are_numbered(texts):
    here = texts("\tkmap(a);\n\tkmap(a);\n\tkmap(b);\n")
    found = fingerprints([leak(2), leak(1), leak(3)], here)
    assert [found[leak(n)].nth for n in (1, 2, 3)] == [1, 2, 1]


def test_tab_in_a_literal_is_no_column(texts):
    here = texts('f("a\tb\udce9");\n')
    (known,) = prints(here, leak(1))
    assert known.code == 'f ( "a b\\xe9" ) ;'


# -- comments -------------------------------------------------------------------


def read(texts, text):
    return suppressions("x.c", texts(text))


@pytest.mark.parametrize(
    "text, first, last",
    [
        ("a;\nb; /* kmaplocal: allow kmap-leak: why */\nc;\n", 2, 2),
        ("a;\nb; // kmaplocal: allow kmap-leak: why\nc;\n", 2, 2),
        ("a;\n/* kmaplocal: allow kmap-leak: why */\nb;\nc;\n", 3, 3),
        (
            "a;\n\n/*\n * kmaplocal: allow kmap-leak:\n * why\n */\n\nb(c,\n  d);\n",
            8,
            9,
        ),
        ("/* kmaplocal: allow kmap-leak: why */ a; b;\n", 1, 1),
        ("/* kmaplocal: allow kmap-leak: why */\n/* x */\nif (a) {\nb;\n", 3, 3),
        ("a;\n/* kmaplocal: allow kmap-leak: why */\n", 3, 3),
    ],
)
def test_lines_a_comment_is_about(texts, text, first, last):
    (found,) = read(texts, text)
    assert (found.first, found.last) == (first, last)
    assert (found.rules, found.fault) == (("kmap-leak",), "")


def test_several_rules(texts):
    (found,) = read(texts, "/* kmaplocal: allow kmap-leak, kmap-returned: why: */\n")
    assert found.rules == ("kmap-leak", "kmap-returned")


@pytest.mark.parametrize(
    "said, fault",
    [
        ("allow kmap-leak", "gives no reason"),
        ("allow kmap-leak:  ", "gives no reason"),
        ("allow kmap-laek: why", "there is no rule kmap-laek"),
        ("allow kmap-suppression: why", "there is no rule kmap-suppression"),
        ("allow: why", "not understood"),
        ("ignore kmap-leak: why", "not understood"),
        ("", "not understood"),
    ],
)
def test_faulty_comment(texts, said, fault):
    text = BODY.replace("page);", f"page); /* kmaplocal: {said} */")
    accepted = Acceptance(Survey([leak(3)]), texts(text))
    accepted.read_comments(["x.c"])
    assert accepted.left == [leak(3)]
    (complaint,) = accepted.complaints
    assert (complaint.file, complaint.line, complaint.column) == ("x.c", 3, 24)
    assert (complaint.rule, complaint.function) == ("kmap-suppression", "f")
    assert fault in complaint.message


@pytest.mark.parametrize("text", ["kmaplocal", "not kmaplocal: allow", "see kmaplocal"])
def test_other_comments_and_strings_say_nothing(texts, text):
    assert read(texts, f'/* {text} */\nchar *s = "/* kmaplocal: allow */";\n') == []


def accepting(texts, *findings, lost=()):
    text = BODY.replace("page);", f"page); /* kmaplocal: allow kmap-leak: {REASON} */")
    accepted = Acceptance(Survey(list(findings), list(lost)), texts(text))
    accepted.read_comments(["x.c"])
    return accepted


def test_comment_accepts_its_rule_on_its_line(texts):
    other = finding("x.c", 3, "kmap-returned")
    accepted = accepting(texts, leak(3), leak(5), other)
    assert accepted.left == [other, leak(5)]
    assert accepted.by_comment == {leak(3)}
    assert accepted.complaints == []


def test_comment_that_accepts_nothing(texts):
    (complaint,) = accepting(texts, leak(5)).complaints
    assert complaint.message == "there is no kmap-leak here to accept"
    assert complaint.severity == "warning"


@pytest.mark.parametrize("function", ["f", "(whole file)"])
def test_nothing_is_said_of_what_was_not_analysed(texts, function):
    lost = Lost("x.c", 1, function, "why")
    assert accepting(texts, lost=[lost]).complaints == []


# -- the baseline -----------------------------------------------------------------


def entries(texts, *lines, reason=REASON):
    found = map(leak, lines)
    return [baseline.Entry(known, reason, 9) for known in prints(texts, *found)]


def based(texts, found, known, covers=True, lost=()):
    accepted = Acceptance(Survey(list(found), list(lost)), texts)
    accepted.apply_baseline(known, Path("base"), lambda file: covers)
    return accepted


def test_baseline_accepts_what_has_moved(texts):
    known = entries(texts(BODY), 3)
    accepted = based(texts("int x;\n" + BODY), [leak(4), leak(6)], known)
    assert accepted.left == [leak(6)]
    assert accepted.stale == []


def test_entry_that_accepts_nothing(texts):
    here = texts(BODY)
    (stale,) = based(here, [leak(3)], entries(here, 5)).stale
    assert (stale.file, stale.line, stale.rule) == ("base", 9, "kmap-suppression")
    assert stale.message == "there is no such kmap-leak in x.c any more"


def test_entry_of_what_was_not_looked_at(texts):
    here = texts(BODY)
    assert based(here, [], entries(here, 5), covers=False).stale == []
    lost = Lost("x.c", 1, "f", "why")
    assert based(here, [], entries(here, 5), lost=[lost]).stale == []


def test_entry_without_a_reason_accepts_nothing(texts):
    here = texts(BODY)
    accepted = based(here, [leak(3)], entries(here, 3, reason=""))
    assert accepted.left == [leak(3)]
    assert "gives no reason" in accepted.stale[0].message


def test_entry_is_spent_by_the_comment(texts):
    here = texts(BODY)
    known = entries(here, 3)
    accepted = accepting(texts, leak(3))
    accepted.apply_baseline(known, Path("base"), lambda file: True)
    assert accepted.by_baseline == set()
    assert len(accepted.stale) == 1


def test_written_baseline_is_read_back(texts, tmp_path):
    here = texts(BODY)
    written = baseline.as_text(entries(here, 5, 3))
    (tmp_path / "base").write_text(written)
    found = baseline.read(tmp_path / "base")
    assert [e.fingerprint for e in found] == prints(here, leak(3), leak(5))
    assert [(e.reason, e.line) for e in found] == [(REASON, 3), (REASON, 4)]
    assert baseline.as_text(found) == written


def test_all_that_is_left_is_accepted(texts):
    here = texts(BODY)
    old = [*entries(here, 3, reason="old"), *entries(here, 6, reason="gone")]
    accepted = Acceptance(Survey([leak(3), leak(5)]), here)
    fresh = accepted.accept_all(old, lambda file: True, "new")
    assert [(e.fingerprint.code, e.reason) for e in fresh] == [
        ("char * p = kmap ( page ) ;", "old"),
        ("p [ 0 ] = 1 ;", "new"),
    ]
    assert accepted.left == []


def test_entries_of_other_files_stay(texts):
    here = texts(BODY)
    accepted = Acceptance(Survey([]), here)
    fresh = accepted.accept_all(entries(here, 3), lambda file: False, "new")
    assert [e.reason for e in fresh] == [REASON]


@pytest.mark.parametrize(
    "line, why",
    [
        ("kmap-leak\tx.c\tf\t1\tcode", "6 columns"),
        ("kmap-laek\tx.c\tf\t1\tcode\twhy", "no rule kmap-laek"),
        ("kmap-leak\tx.c\tf\tone\tcode\twhy", "'one', is no number"),
    ],
)
def test_bad_line(tmp_path, line, why):
    path = tmp_path / "base"
    path.write_text(f"# comment\n\n{line}\n")
    with pytest.raises(baseline.BadBaseline, match=f"base:3: .*{why}"):
        baseline.read(path)


def test_bad_file(tmp_path):
    with pytest.raises(
        baseline.BadBaseline, match="none: no such file; WRITE_BASELINE=1"
    ):
        baseline.read(tmp_path / "none")
    with pytest.raises(baseline.BadBaseline, match="Is a directory; BASELINE="):
        baseline.read(tmp_path)
    (tmp_path / "base").write_bytes(b"\xff")
    with pytest.raises(baseline.BadBaseline, match="not text"):
        baseline.read(tmp_path / "base")
