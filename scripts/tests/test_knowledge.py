# SPDX-License-Identifier: GPL-2.0-only
"""The table of the kernel's functions: a row a function, and rows that fit."""

import pytest

from kmaplocal.knowledge import api, functions
from kmaplocal.knowledge.row import EVERY, Row, expanded

ROWS = list(functions.TABLE.values())


def test_no_function_has_two_rows():
    assert functions.twice() == set()


def test_names_that_are_alike_share_a_row():
    rows = list(expanded({"lib/string.c": [Row("strlen strcmp", keeps=False)]}))
    assert [row.name for row in rows] == ["strlen", "strcmp"]
    assert {(row.source, row.keeps) for row in rows} == {("lib/string.c", False)}


def test_what_is_not_known_is_not_harmless():
    row = functions.of("no_such_function")
    assert row.keeps and row.keeps_behind and not row.silent and not row.reads


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row_agrees_with_itself(row):
    assert row.source
    assert bool(row.hands) == bool(row.how)
    assert not row.hands or row.keeps, "what hands it on, keeps it"
    assert row == functions.TABLE[row.name] != Row(row.name, row.source), "says nothing"
    assert row.reads == EVERY or not set(row.reads) & set(row.writes)
    assert row.length is None or row.accesses
    assert not row.flushes or row.maps_itself
    assert not row.helper or row.helper[1] in functions.HELPERS


def test_helpers_and_mapping_calls_say_since_when():
    for name in {*api.PAGE_MAPS, *api.PAGE_UNMAPS, *functions.HELPERS}:
        assert functions.of(name).since, name


def test_every_map_call_is_ended_by_an_unmap_call():
    assert {call.ends for call in api.MAPS.values()} == set(api.UNMAPS)
    assert {call.kind for call in api.KERNEL_UNMAPS.values()} <= set(api.UNMAPS)
    assert {call.new for call in api.MAPS.values() if call.new} < set(api.MAPS)
