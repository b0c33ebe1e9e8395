# SPDX-License-Identifier: GPL-2.0-only
"""memo.py: a result is kept just as long as all that it rests on is the same."""

import pytest


from kmaplocal.certify.analysis import Analysis
from kmaplocal.flow.memo import Memo
from kmaplocal.flow.tree import Effect, Escape
from kmaplocal.tree.definitions import Definitions
from kmaplocal.tree.spatch import find_spatch


class Knowledge:
    def __init__(self):
        self.maps, self.unmaps = {"kmap": 1}, {}
        self.known = {"a": 1, "b": 2, "c": 3}
        self.unknown = set()
        self.heard = []
        self.asked = 0

    def argument(self, callee, number):
        self.heard.append(callee)
        self.asked += callee in self.unknown
        return self.known[callee]


@pytest.fixture
def knowledge():
    return Knowledge()


@pytest.fixture
def found(knowledge):
    """found(): what is made of the knowledge, which asks for c only where b is 2; and
    how often it was made."""
    memo, made = Memo(), []

    def make(told):
        made.append(1)
        names = ["a", "b", "a", *["c"] * (told.argument("b", 0) == 2)]
        return sum(told.argument(name, 0) for name in names)

    return lambda: (memo.result("key", knowledge, make), len(made))


def test_nothing_is_asked_twice(found, knowledge):
    assert found() == (7, 1)
    assert knowledge.heard == ["b", "a", "c"]


def test_the_same_answers_make_the_same(found, knowledge):
    found()
    assert found() == (7, 1)


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_another_answer_makes_another(found, knowledge, name):
    found()
    knowledge.known[name] += 1
    assert found()[1] == 2


def test_what_is_not_to_be_asked_again_is_not(found, knowledge):
    """Behind the first answer that is another, other questions may follow."""
    found()
    knowledge.heard.clear()
    knowledge.known["b"] = 5
    assert found() == (7, 2)
    assert knowledge.heard == ["b", "b", "a"]


def test_other_map_functions_make_another(found, knowledge):
    found()
    knowledge.maps = {"kmap": 1, "my_map": 2}
    assert found()[1] == 2


def test_what_was_so_before_is_so_again(found, knowledge):
    """A callee is asked about from near and from far, in turn."""
    found()
    knowledge.known["a"] = 5
    assert found() == (15, 2)
    knowledge.known["a"] = 1
    assert found() == (7, 2)


@pytest.fixture
def told(knowledge):
    """told(): what is made of one effect, and how often it was made."""
    memo, made = Memo(), []

    def make(asks):
        made.append(1)
        asks.cut = knowledge.cut
        return asks.argument("a", 0).evidence

    def tell(last=False):
        memo.patient = not last
        return memo.result("key", knowledge, make), len(made)

    knowledge.cut = False
    knowledge.known["a"] = Effect(Escape.UNKNOWN, evidence="not known")
    knowledge.unknown = {"a"}
    tell()
    knowledge.known["a"] = Effect(Escape.YES, evidence="stored")
    return tell


def test_an_effect_is_waited_for_where_the_ways_are_the_same(told, knowledge):
    assert told() == ("not known", 1)
    knowledge.unknown.clear()
    assert told() == ("stored", 2)


def test_nothing_is_waited_for_in_the_end(told):
    assert told(last=True) == ("stored", 2)


@pytest.mark.parametrize("lead", [{"returns": True}, {"through": ((1, 0),)}])
def test_other_ways_are_followed_at_once(told, knowledge, lead):
    knowledge.known["a"] = knowledge.known["a"]._replace(**lead)
    assert told() == ("stored", 2)


def test_too_many_ways_are_waited_for(told, knowledge):
    """They stay as many while the ways are the same."""
    knowledge.known["a"] = Effect("unknown", evidence="not known yet")
    knowledge.cut = True
    assert told(last=True) == ("not known yet", 2)
    knowledge.known["a"] = Effect("escapes", True, "stored")
    assert told() == ("not known yet", 2)
    knowledge.unknown.clear()
    assert told() == ("stored", 3)
    knowledge.known["a"] = Effect("unknown", True, "too far away")
    assert told() == ("stored", 3)


def test_what_was_made_in_haste_is_made_again_once_all_is_known(knowledge):
    memo, made = Memo(), []

    def make(asks):
        made.append(1)
        asks.argument("a", 0)
        asks.rushed = asks.hasty
        return asks.hasty

    knowledge.unknown = {"a"}
    assert memo.result("key", knowledge, make)
    assert memo.result("key", knowledge, make) and len(made) == 1
    knowledge.unknown.clear()  # and the answer is as it was
    assert not memo.result("key", knowledge, make)
    assert not memo.result("key", knowledge, make) and len(made) == 2


def test_nothing_is_made_in_haste_in_the_end(knowledge):
    memo = Memo()
    memo.patient, knowledge.unknown = False, {"a"}

    def make(asks):
        asks.argument("a", 0)
        return asks.hasty

    assert not memo.result("key", knowledge, make)


# What NAME does to `q` is seen on one of many ways to the store, behind a callee that
# has to be looked for first.
WAYS = """
static void {name}(struct page *page, int a, int b, int c)
{{
	char *p = kmap_atomic(page), *q = NULL, *r = NULL, *s = NULL;

	fill_it(p);
	if (a)
		r = p;
	if (b)
		s = p;
	{sets}
	use(r, s);
	kept.address = q;
	kunmap_atomic(p);
}}
"""
SETS = {
    "then": "if (c)\n\t\tq = p;",
    "otherwise": "if (c)\n\t\tc = 0;\n\telse\n\t\tq = p;",
    "first": "if (a)\n\t\tq = p;",
    "second": "if (!b)\n\t\tq = p;",
}


def test_no_way_is_left_out_once_all_is_known(tmp_path, write):
    files = {
        "Makefile": "VERSION = 6\nPATCHLEVEL = 1\n",
        "Kconfig": "",
        "include/linux/highmem.h": "void *kmap_local_page(void);\n",
        "lib/fill.c": "void fill_it(char *p)\n{\n\tp[0] = fill_more(p);\n}\n",
        "lib/more.c": "int fill_more(char *p)\n{\n\treturn p[1];\n}\n"
        "void use(char *p, char *q)\n{\n}\n",
        "fs/a.c": "static struct { char *address; } kept;\n"
        + "".join(WAYS.format(name=n, sets=sets) for n, sets in SETS.items()),
    }
    for name, text in files.items():
        write(tmp_path / name, text)
    analysis = Analysis(tmp_path, find_spatch(), 60.0, 1, Definitions(tmp_path))
    found = analysis.run(["fs/a.c"])["fs/a.c"]
    kept = {v.function: [o.reason for o in v.reasons()] for v in found.verdicts}
    assert set(kept) == set(SETS)
    assert all("kept" in reasons[0] for reasons in kept.values())
