# SPDX-License-Identifier: GPL-2.0-only
"""The worklist of what is not known yet."""

from kmaplocal.flow.pointers import Pointer
from kmaplocal.summaries.requests import Definition, Layout, MayMap, Member, Worklist


def test_each_request_is_taken_once_by_its_kind():
    work = Worklist()
    for request in (Definition(("a.c", "f")), Member("x"), Definition(("a.c", "g"))):
        work.ask(request)
    work.ask(Member("x"))
    assert work.take(Definition) == [Definition(("a.c", "f")), Definition(("a.c", "g"))]
    assert work.take(Definition) == []
    assert work.take(Member) == [Member("x")]
    assert work.take(Pointer) == []


def test_what_is_asked_by_the_same_words_is_not_the_same():
    """Whether f() may map is another question than where it is defined."""
    work = Worklist()
    work.ask(Definition(("a.c", "f")))
    work.ask(MayMap(("a.c", "f")))
    work.ask(Layout("s"))
    work.ask(Member("s"))
    assert work.take(MayMap) == [MayMap(("a.c", "f"))]
    assert work.take(Definition) == [Definition(("a.c", "f"))]
    assert (work.take(Member), work.take(Layout)) == ([Member("s")], [Layout("s")])


def test_asking_again_is_counted():
    """Nobody is done who had to ask, or to wait for what others asked."""
    work = Worklist()
    work.ask(Pointer("fill"))
    work.ask(Pointer("fill"))
    work.wait()
    assert (work.asked, work.take(Pointer)) == (3, [Pointer("fill")])
