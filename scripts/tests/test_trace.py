# SPDX-License-Identifier: GPL-2.0-only
"""The log of events, and what a trace says of them."""

import pytest

from kmaplocal.c.syntax import Expr, Function
from kmaplocal.flow.events import Alive, End, Held, Kind, Outcome, Reason
from kmaplocal.flow.pointers import Pointer
from kmaplocal.flow.trace import Log

USE, UNMAP = Expr((3, 1), (3, 9), "use ( p )"), Expr((4, 1), (4, 9), "unmap ( p )")


@pytest.fixture
def log():
    return Log(Function("f"), {})


def held(*names):
    return Held(frozenset(names), frozenset(names), frozenset())


def test_an_event_is_kept_once_with_the_first_path(log):
    log.path = (("n", True),)
    log.note(Kind.ACCESS, 0, USE)
    log.path = (("n", False),)
    log.note(Kind.ACCESS, 0, USE)
    (event,) = log.trace().events
    assert (event.kind, event.path, event.sure) == (Kind.ACCESS, (("n", True),), True)


def test_what_another_path_does_instead_is_not_sure(log):
    log.note(Kind.ACCESS, 0, USE)
    log.note(Kind.AFTER_UNMAP, 0, USE)
    log.note(Kind.STORED, 0, USE, "s->p")
    assert [e.sure for e in log.trace().events] == [False, False, True]


def test_a_trace_does_not_change_with_its_log(log):
    log.note(Kind.ACCESS, 0, USE)
    trace = log.trace()
    log.note(Kind.MOVED, 0, USE)
    assert [event.kind for event in trace.events] == [Kind.ACCESS]
    with pytest.raises(AttributeError):
        trace.function = None


def test_an_unmap_does_what_it_does_on_any_path(log):
    log.note(Kind.UNMAPPED, 0, UNMAP, about=held("p", "q"))
    log.note(Kind.TWICE, 0, UNMAP)
    log.note(Kind.UNMAPPED, 0, UNMAP, about=held("p"))
    trace = log.trace()
    assert trace.unmaps == {UNMAP: {End(0, Kind.UNMAPPED), End(0, Kind.TWICE)}}
    assert not trace.fine
    assert trace.unmaps_of(0) == [UNMAP]
    assert trace.bases(UNMAP) == {"p"}  # on every path


def test_what_is_alive_during_a_call(log):
    log.note(Kind.CALLED, None, USE, about=Alive((0, 1)))
    log.note(Kind.PASSED, None, UNMAP, about=Alive((1,)))
    trace = log.trace()
    assert (list(trace.during(0)), list(trace.during(1))) == ([USE], [USE, UNMAP])
    assert (trace.alive(USE), trace.alive(UNMAP), trace.deepest) == ({(0, 1)}, set(), 2)


def test_ways_out(log):
    log.note(Kind.LEFT, None, USE, about=Outcome(None, "p", (0,), 0))
    log.note(Kind.LEFT, None, UNMAP, about=Outcome(None, "", (1,)))
    trace = log.trace()
    assert (trace.returned_live, trace.left_live) == ({0}, {1})


def test_a_pointer_is_awaited_where_nothing_else_is_against_the_address(log):
    log.note(Kind.UNKNOWN, 0, USE, about=Reason(None, Pointer("fill")))
    assert log.trace().awaits(0) == Pointer("fill")
    assert log.trace().waits
    log.note(Kind.STORED, 0, USE, "s->p", Reason())
    assert log.trace().awaits(0) is None
