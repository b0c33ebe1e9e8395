# SPDX-License-Identifier: GPL-2.0-only
"""What an asm statement is given."""

import pytest

from kmaplocal.c.assembly import Operand, keeps_nothing, operands


def test_outputs_inputs_and_clobbers():
    text = 'asm volatile ( "ld %0" : "=r" ( end ) : "0" ( from ) , "I" ( 2 ) : "r1" ) ;'
    assert operands(text) == [
        Operand("=r", ("end",), True),
        Operand("0", ("from",), False),
        Operand("I", ("2",), False),
    ]


def test_no_outputs_names_and_strings_in_pieces():
    text = '__asm__ ( "a" "b" : : [ to ] "r" "m" ( ( void * ) to ) : "memory" ) ;'
    (found,) = operands(text)
    assert (found.constraint, found.variable, found.output) == ("rm", "to", False)


def test_two_colons_without_a_space():
    assert operands('asm ( "x" :: "r" ( a ) ) ;') == [Operand("r", ("a",), False)]


def test_template_alone():
    assert operands('asm ( "nop" ) ;') == []


@pytest.mark.parametrize(
    "text",
    [
        'asm goto ( "jmp %l0" : : "r" ( v ) : : out ) ;',
        'asm ( "x" : "=r" v ) ;',
        'asm ( "x" : OPERANDS ) ;',
        'asm ( "x" : "=r" ( v )',
        "asm volatile ;",
    ],
)
def test_what_is_not_understood(text):
    assert operands(text) is None


def test_place_in_memory_is_no_variable():
    (found,) = operands('asm ( "x" : "=m" ( * slot ) ) ;')
    assert found.variable == ""


@pytest.mark.parametrize(
    "type_", ["int", "unsigned long", "void *", "const struct s *"]
)
def test_keeps_nothing(type_):
    assert keeps_nothing(type_)


@pytest.mark.parametrize(
    "type_", ["void * *", "struct s *", "struct s", "unsigned long *"]
)
def test_may_keep_an_address(type_):
    assert not keeps_nothing(type_)
