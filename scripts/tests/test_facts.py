# SPDX-License-Identifier: GPL-2.0-only
"""Pieces of C that are read together are read as each would be alone: by rules."""

import pytest

from kmaplocal.tree import facts

from kmaplocal.tree import spatch
from kmaplocal.tree.facts import Piece
from kmaplocal.tree.spatch import find_spatch
from kmaplocal.c.syntax import read_facts

GOOD = "\n\nvoid good(char *p)\n{\n\tuse(p);\n}\n"
BAD = "void fine(void)\n{\n\tg();\n}\n\nvoid bad(void)\n{\n\tFOO { BAR ) ;\n}\n"
HALF = "void half(int x)\n{\n#ifdef A\n\tif (x) {\n#else\n\t{\n#endif\n\t}\n}\n"


@pytest.fixture(autouse=True)
def no_compiler(monkeypatch):
    """As on a machine where spatch runs no OCaml scripts."""
    monkeypatch.setattr(facts, "_by_tree", lambda *_: {})


@pytest.fixture
def processes(monkeypatch):
    """The command of each spatch that was started."""
    commands = []
    before = spatch._communicate

    def communicate(command, *rest):
        commands.append(command)
        return before(command, *rest)

    monkeypatch.setattr(spatch, "_communicate", communicate)
    return commands


def read(*pieces, timeout=60):
    return facts.read(pieces, find_spatch(), timeout, workers=1)


def names(fact):
    return [(f.name, f.line) for f in fact.source.functions]


def test_each_gets_its_own(processes):
    pieces = [Piece("a/x.c", GOOD), Piece("b/x.c", BAD), Piece("y z.h", GOOD)]
    together = read(*pieces)
    assert len(processes) == 1
    assert [names(f) for f in together] == [
        [("good", 3)],
        [("fine", 1)],
        [("good", 3)],
    ]
    assert [[g.line for g in f.lost] for f in together] == [[], [4], []]
    alone = [fact for piece in pieces for fact in read(piece)]
    assert [repr(f) for f in together] == [repr(f) for f in alone]


def test_nothing_in_a_file(processes):
    first, last = read(Piece("a.c", ""), Piece("b.c", GOOD))
    assert (names(first), first.lost) == ([], [])
    assert names(last) == [("good", 3)]


def test_halves_are_looked_for_where_asked():
    asked, other = read(Piece("a.c", HALF, held=True), Piece("b.c", HALF))
    assert asked.lost and not other.lost


def test_one_that_fails_takes_no_other_with_it(monkeypatch, tmp_path, write):
    """What goes wrong in one run for many is tried again one by one."""
    rules = facts.RULES.read_text().replace(
        "    p = p[0]\n", "    p = p[0]\n    assert p.current_element != 'bad'\n", 1
    )
    monkeypatch.setattr(facts, "RULES", write(tmp_path / "f.cocci", rules))
    fails = Piece("b.c", "void bad(void)\n{\n\tg();\n}\n")
    good, failed = read(Piece("a.c", GOOD), fails)
    assert names(good) == [("good", 3)] and good.lost == []
    assert failed.source.functions == [] and isinstance(failed.lost, str)


def test_time_for_all_is_short(processes):
    good, failed = read(Piece("a.c", GOOD), Piece("b.c", GOOD), timeout=0.001)
    assert "took longer" in good.lost and "took longer" in failed.lost
    assert len(processes) == 3


def test_spatch_that_leaves_one_out(processes, monkeypatch):
    """Of a file it does not name, spatch has said nothing."""
    monkeypatch.setattr(spatch, "_parts", lambda *_: {})
    assert [names(f) for f in read(Piece("a.c", GOOD), Piece("b.c", GOOD))] == [
        [("good", 3)]
    ] * 2
    assert len(processes) == 3


def test_a_directive_in_a_type_breaks_no_fact():
    """spatch keeps the line ends of a type's text, and Coccinelle 1.1 the directives
    in it."""
    declared = "\tu32\n#ifdef A\n\tconst\n#endif\n\t*at = given(p);\n"
    text = "void split(struct page *p)\n{\n" + declared + "\n\tuse(at);\n}\n"
    (told,) = read(Piece("a.c", text, held=True))
    (function,) = told.source.functions
    assert function.variables["at"].type.endswith(("const #endif *", "const *"))
    assert told.lost


def test_blanks_of_other_scripts_are_no_blanks():
    text = 'void f(void)\n{\n\tg("a\u2028b\x85  c");\n}\n'
    (told,) = read(Piece("a.c", text))
    (function,) = told.source.functions
    assert [c.text for c in function.calls(["g"])] == ['g ( "a\u2028b\x85 c" )']


def test_a_broken_fact_is_no_other_fact():
    with pytest.raises(ValueError, match="broken fact"):
        read_facts("initialised\t1\t2\t1\t3\tf\t1\tx\tint")
