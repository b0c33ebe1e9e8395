# SPDX-License-Identifier: GPL-2.0-only
"""Every fixture: its goldens, what its head expects, gcc, and once more."""

import os
import re
import subprocess
from collections import Counter
from functools import cache

import pytest
from conftest import REPOSITORY

from kmaplocal.knowledge import api
from kmaplocal.c import lexer
from kmaplocal.certify.certificate import OBLIGATIONS
from kmaplocal.certify.doubts import SYNTAX
from kmaplocal.commands import fixtures
from kmaplocal.knowledge.functions import HELPERS
from kmaplocal.c.outline import outlines

NAMES = fixtures.names()
PAIR = "fixtures/convert/kmap/pair.c"
OLD = set(api.OLD)
FLUSH = "flush_dcache_page"
REASONS = (*OBLIGATIONS, SYNTAX)
# How many words follow the first one of an `expect:` line.
WORDS = {
    "convert": (0, 1),
    "keep": (2,),
    "nothing": (0,),
    "helper": (2,),
    "not-helper": (1,),
    "flush": (1,),
    "not-flush": (1,),
    "drops": (2,),
    "leaves": (2,),
}
GCC = ["gcc", "-std=gnu11", "-Wall", "-Werror", "-fsyntax-only"]
GCC += [f"-I{REPOSITORY}/fixtures/include"]


def folder(name):
    """The folder of a fixture: what is in one is read together, in few runs."""
    return name.rpartition("/")[0]


GROUPED_BY = {"name": folder}


@pytest.fixture(scope="session")
def results(request, tmp_path_factory):
    """What becomes of the fixtures that the tests of this run ask for."""
    cases = [x.callspec.params for x in request.session.items if hasattr(x, "callspec")]
    asked_for = {params.get("name") for params in cases}
    wanted = [name for name in NAMES if name in asked_for]
    return Results(wanted, tmp_path_factory.mktemp("converted"))


class Results:
    """What becomes of the fixtures NAMED, folder by folder, at the first question.
    CONVERTED is a tree with those that were asked for, after their conversion."""

    def __init__(self, named, converted):
        self.named = named
        self.converted = converted
        self.first_of = cache(self._first_of)
        self.again_of = cache(self._again_of)
        self.bodies_of = cache(self._bodies_of)

    def first(self, name):
        return self.first_of(folder(name))[name]

    def again(self, name):
        return self.again_of(folder(name))[name]

    def bodies(self, name):
        return [bodies[name] for bodies in self.bodies_of(folder(name))]

    def _together(self, place):
        return [name for name in self.named if folder(name) == place]

    def _first_of(self, place):
        found = fixtures.results(REPOSITORY, self._together(place), jobs=1)
        for name, result in found.items():
            path = self.converted / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(result.outcome.after)
        return found

    def _again_of(self, place):
        return fixtures.results(self.converted, list(self.first_of(place)), jobs=1)

    def _bodies_of(self, place):
        names = list(self.first_of(place))
        trees = [outlines(root, names) for root in (REPOSITORY, self.converted)]
        return [{name: _bodies(tree[name]) for name in names} for tree in trees]


@pytest.fixture
def result(results, name):
    """The result of the fixture at hand."""
    return results.first(name)


@pytest.fixture
def again(results, name):
    """The result of converting it once more."""
    return results.again(name)


@pytest.fixture
def converted(result, results):
    """A tree with it after its conversion."""
    return results.converted


@pytest.fixture
def bodies(results, name):
    """Its functions before and after, by name, as words."""
    return results.bodies(name)


def _bodies(outline):
    found = {f.name: _words_of(outline, f.line, f.end) for f in outline.functions}
    return found | {m.name: list(m.words) for m in outline.macros}


def _words_of(outline, first, last):
    return [t.text for t in outline.tokens if first <= t.line <= last]


def expectations(name):
    """The `expect:` lines of a fixture, each as its words."""
    text = (REPOSITORY / name).read_text()
    head = text[: text.index("*/")]
    return [line.split() for line in re.findall(r"^ \* expect: (.+)$", head, re.M)]


# -- goldens -----------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_golden(name, result):
    wanted = {path: path.read_bytes() for path in _kept_goldens(name)}
    assert fixtures.goldens([result]) == wanted, "make goldens shows the difference"


def _kept_goldens(name):
    paths = [fixtures.golden(name, kind) for kind in ("diff", "report")]
    return [path for path in paths if path.exists()]


def test_every_golden_is_of_a_fixture():
    ours = {fixtures.golden(n, kind) for n in NAMES for kind in ("diff", "report")}
    strays = [p for p in fixtures.GOLDENS.rglob("*") if p.is_file() and p not in ours]
    assert not strays


def test_no_golden_is_empty_but_reports_of_nothing():
    empty = [p for p in fixtures.GOLDENS.rglob("*.*") if p.stat().st_size == 0]
    silent = [n for n in NAMES if ["nothing"] in expectations(n)]
    assert sorted(empty) == [fixtures.golden(name, "report") for name in silent]


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Where goldens are written instead, with one that is of no fixture."""
    folder = tmp_path / "expected/fixtures"
    monkeypatch.setattr(fixtures, "EXPECTED", tmp_path / "expected")
    monkeypatch.setattr(fixtures, "GOLDENS", folder)
    folder.mkdir(parents=True)
    (folder / "gone.c.diff").write_text("-old\n")
    return folder


def test_goldens_are_written_anew(elsewhere, capsys):
    one = fixtures.results(REPOSITORY, [PAIR])[PAIR]
    fixtures.write_goldens([one], fixtures.Console())
    shown = capsys.readouterr().out
    assert "expected/fixtures/gone.c.diff: removed\n" in shown
    assert "+++ b/expected/fixtures/convert/kmap/pair.c.report\n" in shown
    assert fixtures.golden(one.name, "diff").read_bytes() == one.diff
    assert not (elsewhere / "gone.c.diff").exists()
    fixtures.write_goldens([one], fixtures.Console())
    assert capsys.readouterr().out == "2 goldens of fixtures, 0 changed\n"


@pytest.mark.parametrize("word", ["./fixtures/convert/kmap/pair.c", "kmap/pair."])
def test_goldens_of_some_fixtures_are_written_alone(word, elsewhere, capsys):
    assert fixtures.main([word]) == 0
    assert "expected/fixtures/convert/kmap/pair.c.diff: written\n" in (
        capsys.readouterr().out
    )
    found = {str(p.relative_to(elsewhere)) for p in elsewhere.rglob("*.*")}
    ours = {f"convert/kmap/pair.c.{kind}" for kind in ("diff", "report")}
    assert found == ours | {"gone.c.diff"}


def test_word_of_no_fixture_is_an_error(elsewhere, capsys):
    assert fixtures.main(["no/such.c"]) == 3
    assert "no/such.c: no fixture of this path or name" in capsys.readouterr().err


# -- expectations --------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_expectations_are_well_formed(name, bodies):
    lines = expectations(name)
    assert lines
    for kind, *words in lines:
        assert len(words) in WORDS[kind], (kind, words)
        if kind == "keep":
            assert words[0] in REASONS
        for function in words[-1:]:
            assert function in bodies[0], f"{function}: not in the file"


@pytest.mark.parametrize("name", [n for n in NAMES if "/keep/" in n])
def test_kept_fixture_is_in_the_folder_of_its_obligation(name):
    folder = name.split("/")[2].replace("_", "-")
    assert folder in [line[1] for line in expectations(name) if line[0] == "keep"]


@pytest.mark.parametrize("name", NAMES)
def test_expectations(name, result, bodies):
    failed = []
    for kind, *words in expectations(name):
        problem = CHECKS[kind](result, *bodies, *words)
        if problem:
            failed.append(" ".join([kind, *words]) + ": " + problem)
    assert not failed


def _check_convert(result, before, after, function=None):
    outcome = result.outcome
    wanted = [function] if function else [n for n, w in before.items() if _old(w)]
    missing = [name for name in wanted if name not in outcome.converted]
    if missing:
        return f"not converted: {missing}; {_reasons(result)}"
    half = [name for name in wanted if _old(after[name])]
    return f"old calls left in {half}" if half else ""


def _old(words):
    """The old calls among WORDS; a member of that name is none."""
    pairs = zip(["", *words], words)
    return {word for before, word in pairs if before not in ("->", ".")} & OLD


def _reasons(result):
    outcome = result.outcome
    kept = [(d.function, d.obligation, d.reason) for d in outcome.kept]
    return kept + [(x.function, "not analysed", x.reason) for x in outcome.unanalysed]


def _check_keep(result, before, after, obligation, function):
    if before[function] != after[function] or function in result.outcome.converted:
        return "it is changed"
    reasons = [(o, why) for name, o, why in _reasons(result) if name == function]
    named = {o for o, _ in reasons}
    if obligation == "syntax" and "not analysed" in named:
        return ""
    return "" if obligation in named else f"reasons given: {reasons}"


def _check_nothing(result, before, after):
    outcome = result.outcome
    said = (outcome.converted, outcome.kept, outcome.unanalysed)
    return "" if outcome.before == outcome.after and not any(said) else str(said)


def _check_helper(result, before, after, helper, function):
    more = Counter(after[function]) - Counter(before[function])
    return "" if more[helper] else f"{helper}() is not in it"


def _check_not_helper(result, before, after, function):
    more = Counter(after[function]) - Counter(before[function])
    found = sorted(HELPERS & set(more))
    return f"it has {found}" if found else ""


def _check_flush(result, before, after, function):
    return "" if _flushes(after, function) > _flushes(before, function) else "none"


def _check_not_flush(result, before, after, function):
    return "" if _flushes(after, function) <= _flushes(before, function) else "added"


def _flushes(functions, name):
    return functions[name].count(FLUSH)


def _check_drops(result, before, after, word, function):
    if word not in before[function]:
        return "it was not there before"
    return "it is still there" if word in after[function] else ""


def _check_leaves(result, before, after, word, function):
    return "" if word in after[function] else "it is gone"


CHECKS = {
    "convert": _check_convert,
    "keep": _check_keep,
    "nothing": _check_nothing,
    "helper": _check_helper,
    "not-helper": _check_not_helper,
    "flush": _check_flush,
    "not-flush": _check_not_flush,
    "drops": _check_drops,
    "leaves": _check_leaves,
}


# -- what holds for all of them --------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_no_function_is_half_converted(name, result, bodies):
    before, after = bodies
    for function, words in after.items():
        if words != before[function]:
            assert function in result.outcome.converted
            assert not _old(words)


@pytest.mark.parametrize("name", NAMES)
def test_every_function_with_an_old_call_is_spoken_of(name, result, bodies):
    outcome = result.outcome
    spoken = {d.function for d in (*outcome.kept, *outcome.unanalysed)}
    spoken |= set(outcome.converted)
    assert {n for n, words in bodies[0].items() if _old(words)} <= spoken


@pytest.mark.parametrize("name", NAMES)
def test_new_lines_are_in_kernel_style(name, result):
    for removed, added in _hunks(result.diff.decode()):
        widest = max([80, *map(_width, removed)])
        for line in added:
            assert line == line.rstrip(), "white space at the end of a line"
            tabs = not any(old.startswith(" ") for old in removed)
            assert " " * 8 not in line or not tabs
            assert not re.search(r"\) \w+\(", line) or re.search(r"\b(if|for)\b", line)
            assert _width(line) <= widest or not _can_be_broken(line)


def _width(line):
    return len(line.expandtabs(8))


def _can_be_broken(line):
    """Whether what stands after the `=` would fit on a line of its own."""
    margin = _width(line) - len(line.lstrip())
    return margin + 8 + len(line.partition("= ")[2]) <= 80


def _hunks(diff):
    """The removed and the added lines of each hunk of a patch."""
    for hunk in re.split(r"^@@ .*$", diff, flags=re.M)[1:]:
        lines = hunk.strip("\n").split("\n")
        yield tuple([x[1:] for x in lines if x.startswith(sign)] for sign in "-+")


@pytest.mark.parametrize("name", NAMES)
def test_comments_stay(name, result):
    """Only comments behind a statement that goes may go."""
    outcome = result.outcome
    before, after = (set(_comments(t)) for t in (outcome.before, outcome.after))
    assert after <= before
    for comment in before - after:
        assert comment.startswith("behind:")


def _comments(content):
    text = content.decode()
    for match in re.finditer(r"/\*.*?\*/|//[^\n]*", text, re.S):
        start = text.rfind("\n", 0, match.start()) + 1
        alone = not text[start : match.start()].strip()
        yield f"{'alone' if alone else 'behind'}:{match.group()}"


@pytest.mark.parametrize("name", NAMES)
def test_compiles_before_and_after(name, converted):
    for root in (REPOSITORY, converted):
        done = subprocess.run(
            [*GCC, root / name],
            capture_output=True,
            text=True,
            env={**os.environ, "LC_ALL": "C"},
        )
        assert (done.returncode, done.stderr) == (0, "")


def _settings(name):
    """The CONFIG_FIXTURE_* that a fixture asks for."""
    words = lexer.words(lexer.tokens((REPOSITORY / name).read_text()))
    return sorted({word for word in words if word.startswith("CONFIG_FIXTURE_")})


@pytest.mark.parametrize("name", [name for name in NAMES if _settings(name)])
def test_every_arm_compiles_before_and_after(name, converted):
    asked = _settings(name)
    for some in (asked, *([one] for one in asked)):
        for root in (REPOSITORY, converted):
            command = [*GCC, *(f"-D{one}" for one in some), root / name]
            done = subprocess.run(command, capture_output=True, text=True)
            assert (done.returncode, done.stderr) == (0, ""), some


@pytest.mark.parametrize("name", NAMES)
def test_converting_twice_changes_nothing_more(name, result, again):
    first, second = result.outcome, again.outcome
    assert second.before == second.after == first.after
    assert second.converted == ()
    kept = [
        [(d.function, d.obligation, d.reason) for d in o.kept] for o in (first, second)
    ]
    assert _unnumbered(kept[0]) == _unnumbered(kept[1])


def _unnumbered(reasons):
    """Reasons without line numbers: lines above may have gone."""
    return sorted((f, o, re.sub(r"\bline \d+", "line N", why)) for f, o, why in reasons)


def test_words_tell_comments_from_code():
    words = lexer.words(lexer.tokens("kmap(p); /* kunmap(p) */"))
    assert words == ["kmap", "(", "p", ")", ";"]
