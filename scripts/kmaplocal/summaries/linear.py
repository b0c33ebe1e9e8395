# SPDX-License-Identifier: GPL-2.0-only
"""Functions that ask for the linear address of a page that they are given.

A highmem page has one while it is mapped by kmap(), and none while it is mapped
locally (Documentation/mm/highmem.rst).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from kmaplocal.bounds.offsets import values_of
from kmaplocal.c.places import names_in
from kmaplocal.c.syntax import Expr, Function
from kmaplocal.knowledge import api, functions

if TYPE_CHECKING:
    from kmaplocal.summaries.callees import Callees

MOST_DEEP = 3  # calls from the mapping to page_address()


def leading_to(call: Expr, page: str) -> frozenset[int]:
    """The arguments of CALL by which the page of the text PAGE can be found: `bh` and
    `&buf` for `bh -> b_page` and `buf . page`, and the page itself."""
    return frozenset(n for n, e in call.arguments.items() if _leads(e.bare(), page))


def _leads(argument: Expr, page: str) -> bool:
    if argument.kind == "unary" and argument.op == "&":
        argument = argument.children[0].bare()
    text, page = argument.text, page.removeprefix("& ")
    return page == text or page.startswith((f"{text} ->", f"{text} .", f"{text} ["))


def asked(
    callees: Callees,
    caller: str,
    name: str,
    numbers: Collection[int],
    above: tuple[str, ...] = (),
) -> str:
    """How NAME, called in the file CALLER with a page in, or behind, the arguments
    NUMBERS, is or calls what asks for its linear address: "a(): page_address()", or ""
    where nothing of the kind was found.

    What the caller itself calls by a pointer, NAME "", is taken for such a function.  A
    function without a definition is not: it is a library's, or generated, and cannot
    count on what its callers have mapped."""
    if name in functions.LINEAR:
        return f"{name}()"
    if not name:
        return "" if above else "what is called by a pointer"
    known = name in functions.TABLE or name in api.ALL
    if known or name in above or len(above) == MOST_DEEP:
        return ""
    for file, function in callees.find(caller, name):
        for inner, given in _passed_on(function, numbers):
            chain = asked(callees, file, inner, given, (*above, name))
            if chain:
                return f"{name}(): {chain}"
    return ""


def _passed_on(
    function: Function, numbers: Collection[int]
) -> Iterator[tuple[str, frozenset[int]]]:
    """What FUNCTION calls with something made of its parameters NUMBERS, and in which
    arguments that is."""
    names = _made_of(function, numbers)
    for call in function.exprs:
        if call.kind == "call":
            given = {n for n, e in call.arguments.items() if names & names_in(e)}
            if given:
                yield call.callee, frozenset(given)


def _made_of(function: Function, numbers: Collection[int]) -> set[str]:
    """The pointers of FUNCTION that are made of its parameters NUMBERS, with these."""
    names = {p.name for n, p in enumerate(function.params) if n in numbers}
    others = {n for n, v in function.variables.items() if v.is_pointer} - names
    while found := {n for n in others if _is_made_of(n, function, names)}:
        names |= found
        others -= found
    return names


def _is_made_of(name: str, function: Function, names: Collection[str]) -> bool:
    return any(names_in(each) & set(names) for each in values_of(name, function))
