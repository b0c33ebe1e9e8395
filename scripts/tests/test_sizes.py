# SPDX-License-Identifier: GPL-2.0-only
"""c/sizes.py: the sizes of types by their names, and what a pointer steps by."""

import pytest

from kmaplocal.c.sizes import basic_size, plain_size
from kmaplocal.c.places import scale_of

STEPS = {
    "char *": 1,
    "const void *": 1,
    "u32 *": 4,
    "unsigned char *": 1,
    "signed char *": 1,
    "unsigned long long *": 8,
    "__le16 *": 2,
    "unsigned *": 4,
    "long *": "sizeof(long)",
    "size_t *": "sizeof(size_t)",
    "loff_t *": "sizeof(loff_t)",
    "struct foo *": "sizeof(struct foo)",
    "const struct foo *": "sizeof(struct foo)",
    "char * *": "sizeof(char *)",
    "long * * *": "sizeof(long **)",
    "foo_t *": "sizeof(foo_t)",
    "int": None,
    "u8 [ 16 ]": None,
}


@pytest.mark.parametrize("type_, step", STEPS.items())
def test_step_of_a_pointer(type_, step):
    """A number where everyone knows it, else the sizeof."""
    assert scale_of(type_) == step


@pytest.mark.parametrize("type_", ["long", "unsigned long", "long int", "size_t"])
def test_long_has_two_sizes(type_):
    assert [plain_size(type_, long) for long in (4, 8)] == [4, 8]


@pytest.mark.parametrize(
    "type_", ["", "long *", "int [ 4 ]", "struct long", "bool", "pgoff_t"]
)
def test_no_plain_type(type_):
    assert plain_size(type_, 8) is None


@pytest.mark.parametrize("type_, size", [("loff_t", 8), ("bool", 1), ("pgoff_t", 4)])
def test_size_that_has_to_be_looked_up(type_, size):
    assert basic_size(type_.split(), 4) == size
