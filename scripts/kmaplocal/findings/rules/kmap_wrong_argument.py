# SPDX-License-Identifier: GPL-2.0-only
"""A page for an address, or the reverse: kmap-wrong-argument."""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.findings.finding import ERROR, Finding, Rule
from kmaplocal.findings.rules.astray import unmaps_astray
from kmaplocal.findings.rules.folio_offsets import FOLIO_OFFSETS, folio_offsets
from kmaplocal.findings.rules.held import HIGH, linear_addresses, own_highmem
from kmaplocal.findings.rules.kmap_mixed_pair import page_stays
from kmaplocal.findings.context import CheckContext
from kmaplocal.bounds import plain
from kmaplocal.knowledge import api
from kmaplocal.c.syntax import Expr

PAGE, FOLIO = "struct page *", "struct folio *"
RULE = Rule(
    "kmap-wrong-argument",
    ERROR,
    "a page for an address, or the reverse",
    of_highmem=True,
)
CALLS = tuple(FOLIO_OFFSETS)
WORDS = tuple(sorted(HIGH))
DATA = ("void", "char", "u8", "unsigned char", "__u8", "uint8_t", "u32", "__le32")


def find(context: CheckContext) -> Iterator[Finding]:
    """Calls that are given something else than they take."""
    yield from _wrong_arguments(context)
    yield from unmaps_astray(context)
    yield from folio_offsets(context)
    yield from linear_addresses(context)
    yield from own_highmem(context)


def _wrong_arguments(context: CheckContext) -> Iterator[Finding]:
    """Unmaps and maps given a page for an address, or the reverse."""
    for call in context.function.calls((*api.ALL, *context.knowledge.unmaps)):
        kind, argument = call.callee, call.arguments.get(0)
        if call.callee not in api.ALL:
            kind, argument = context.kind(call), context.argument(call)
        if argument is None or _holds(context, call):
            continue
        wrong = _wrong(context, kind, argument)
        if wrong:
            given, wanted = wrong
            yield context.finding(
                call,
                f"{plain(call.text)}: {plain(argument.text)} is {given}, and"
                f" {call.callee}() takes {wanted}",
                f"pass {wanted}",
                fix=_right_argument(context, call, argument),
            )


def _holds(context: CheckContext, call: Expr) -> bool:
    """Whether CALL unmaps what the argument keeps, and not the argument."""
    rule = context.knowledge.unmaps.get(call.callee)
    return rule is not None and rule.given == api.HOLDER


def _right_argument(context: CheckContext, call: Expr, argument: Expr) -> str:
    """The call with the argument that belongs there; "" where that is not
    certain."""
    name = argument.bare().text
    for site in context.sites:
        if site.api.ends != call.callee or not context.holder(site):
            continue
        if call.callee not in api.UNMAPS:
            return ""
        if call.callee != "kunmap" and name == site.page:
            return f"{call.callee}({context.holder(site)})"
        if name == context.holder(site) and page_stays(context, site):
            return f"kunmap({plain(site.page)})" if call.callee == "kunmap" else ""
    return ""


def _wrong(
    context: CheckContext, callee: str, argument: Expr
) -> tuple[str, str] | None:
    """What an argument is, and what it is to be; None where it may be right."""
    type_, address = context.type_of(argument), _is_address(context, argument)
    if callee in ("kunmap_local", "kunmap_atomic"):
        if argument.bare().callee == "page_address":
            return "NULL for a highmem page", "the mapped address"
        what = {PAGE: "a page", FOLIO: "a folio"}.get(type_, "")
        if not address and _is_mapped_page(context, argument):
            what = "the page"
        return (what, "the mapped address") if what else None
    if callee == "kunmap":
        wanted = "the page"
    elif callee in ("kmap", "kmap_atomic", "kmap_local_page"):
        wanted = "a page"
    else:
        return None
    if address or _is_data(type_):
        return "an address", wanted
    return ("a folio", wanted) if type_ == FOLIO else None


def _is_mapped_page(context: CheckContext, argument: Expr) -> bool:
    """Whether the argument is, word for word, what a map call was given."""
    given = [s.call.arguments[0] for s in context.sites if 0 in s.call.arguments]
    return argument.bare().text in {page.bare().text for page in given}


def _is_address(context: CheckContext, argument: Expr) -> bool:
    """Whether the argument holds the address of a mapping."""
    if argument.bare().kind != "identifier":
        return False
    return argument.bare() in context.trace.read


def _is_data(type_: str) -> bool:
    """Whether a type is a pointer to data that no page structure is."""
    words = type_.split()
    return len(words) >= 2 and words[-1] == "*" and " ".join(words[:-1]) in DATA[1:]
