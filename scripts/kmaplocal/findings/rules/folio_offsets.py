# SPDX-License-Identifier: GPL-2.0-only
"""Offsets in a folio that count pages instead of bytes: kmap-wrong-argument."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.findings.finding import Finding
from kmaplocal.findings.context import CheckContext
from kmaplocal.bounds import plain
from kmaplocal.bounds.many import COUNTS
from kmaplocal.c.cfg import LOOPS
from kmaplocal.c.syntax import Expr
from kmaplocal.knowledge import functions

FOLIO_OFFSETS = functions.named(lambda row: row.folio_offset is not None)


def folio_offsets(context: CheckContext) -> Iterator[Finding]:
    """Offsets in a folio that are the number of a page."""
    if context.function.name in FOLIO_OFFSETS:
        return
    for call in context.function.calls(FOLIO_OFFSETS):
        number = functions.of(call.callee).folio_offset
        offset = call.arguments.get(number) if number is not None else None
        if offset is not None and _counts_pages(context, offset):
            text = plain(offset.text)
            yield context.finding(
                call,
                f"{plain(call.text)}: {text} counts pages, and {call.callee}() takes an"
                " offset in bytes",
                f"pass {_in_bytes(offset)}",
            )


def _in_bytes(offset: Expr) -> str:
    text = plain(offset.text)
    return f"{text if offset.bare().kind == 'identifier' else f'({text})'} * PAGE_SIZE"


def _counts_pages(context: CheckContext, offset: Expr) -> bool:
    """Whether an offset is the number of a page: shifted down to it, asked for, the
    difference to another one, or counted up to the number of pages of a folio by one.
    """
    node = offset.bare()
    if node.kind == "identifier":
        if _is_counter(context, node):
            return True
        node = (context.analysis.bounds().reaching.value(node) or node).bare()
    if functions.of(node.callee).page_number:
        return True
    if node.kind == "binary" and node.op == "-":
        first = node.children[1].bare()  # the number of the folio's first page
        return first.kind == "member" and first.label == "index"
    if node.kind != "binary" or node.op not in (">>", "/"):
        return False
    return (
        node.children[1].bare().text == {">>": "PAGE_SHIFT", "/": "PAGE_SIZE"}[node.op]
    )


def _is_counter(context: CheckContext, node: Expr) -> bool:
    """Whether NODE is what a loop around it counts by one, up to a number of
    pages."""
    for loop in context.loops(node):
        if loop.kind not in LOOPS or not any(_steps(e, node.text) for e in _all(loop)):
            continue
        tests = loop.exprs[1:2] if loop.kind == "for" else loop.exprs[:1]
        for test in tests:
            sides = [side.bare() for side in test.bare().children]
            if len(sides) == 2 and sides[0].text == node.text:
                return test.bare().op in ("<", "!=") and _is_count(context, sides[1])
    return False


def _all(loop) -> Iterator[Expr]:
    for stmt in loop.walk():
        for root in stmt.exprs:
            yield from root.walk()


def _steps(node: Expr, name: str) -> bool:
    return node.op == "++" and node.children[0].bare().text == name


def _is_count(context: CheckContext, node: Expr) -> bool:
    """Whether NODE is a number of pages, or a variable that is one."""
    if node.callee in COUNTS:
        return True
    if node.kind == "identifier":
        node = (context.analysis.bounds().reaching.value(node) or node).bare()
    return node.callee in COUNTS
