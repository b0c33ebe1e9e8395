# SPDX-License-Identifier: GPL-2.0-only
"""c/linear.py: sums of what is not known, and what of C's arithmetic they keep."""

from fractions import Fraction

import pytest

from kmaplocal.c import linear
from kmaplocal.c.linear import ONE, PAGE_SIZE, ZERO, Linear, constant

N, M = Linear.of({"n": 1}), Linear.of({"m": 1})


def test_equal_sums_are_the_same():
    """The order of adding does not matter, and what cancels out is gone."""
    assert N + M == M + N
    assert hash(N + M - M) == hash(N)
    assert N - N == ZERO
    assert N.times(0) == ZERO
    assert (N + constant(3)).times(2) == N + N + constant(6)


def test_parts():
    value = N.times(2) - PAGE_SIZE + constant(8)
    assert value.get("n") == 2
    assert value.get(ONE) == 8
    assert value.get("m") == 0
    assert value.atoms == ["n"]  # a page is no atom of unknown value


def test_number():
    assert constant(12).number == 12
    assert ZERO.number == 0
    assert constant(Fraction(1, 2)).number is None
    assert PAGE_SIZE.number is None
    assert (N + constant(1)).number is None


@pytest.mark.parametrize(
    "op, left, right, result",
    [
        ("+", N, constant(2), N + constant(2)),
        ("-", PAGE_SIZE, N, PAGE_SIZE - N),
        ("*", N, constant(4), N.times(4)),
        ("*", constant(4), N, N.times(4)),
        ("*", N, M, None),
        ("*", N, PAGE_SIZE, None),
        ("<<", N, constant(3), N.times(8)),
        ("<<", constant(1), N, None),
        ("<<", N, constant(64), None),
        ("<<", N, constant(-1), None),
        ("/", constant(7), constant(2), constant(3)),
        ("/", constant(-7), constant(2), constant(-3)),
        ("/", N, constant(2), None),
        ("/", constant(7), ZERO, None),
        ("/", PAGE_SIZE, constant(4096), PAGE_SIZE.times(Fraction(1, 4096))),
        ("/", PAGE_SIZE, constant(8192), None),
        ("/", PAGE_SIZE, constant(3), None),
        ("/", PAGE_SIZE + constant(4), constant(8), None),
        (">>", constant(9), constant(2), constant(2)),
        (">>", PAGE_SIZE, constant(9), PAGE_SIZE.times(Fraction(1, 512))),
        ("%", N, constant(2), None),
    ],
)
def test_arithmetic(op, left, right, result):
    """What is no sum, or would have to be rounded, is not known."""
    assert linear.arithmetic(op, left, right) == result


@pytest.mark.parametrize("end, step, result", [(5, 4, 8), (8, 4, 8), (0, 8, 0)])
def test_aligned(end, step, result):
    assert linear.aligned(constant(end), step) == constant(result)
    beyond = linear.aligned(PAGE_SIZE + constant(end), step)
    assert beyond == PAGE_SIZE + constant(result)
