# SPDX-License-Identifier: GPL-2.0-only
"""Mappings that are made in one function and ended in another."""

from __future__ import annotations

from kmaplocal.c.text import plain
from kmaplocal.certify.certificate import LOCAL, PAIRED
from kmaplocal.c.syntax import Expr
from kmaplocal.flow.events import Kind
from kmaplocal.knowledge import api
from kmaplocal.steps.kept import Kept
from kmaplocal.certify.wrappers import TOGETHER


def itself(kept: Kept) -> str:
    """The map functions themselves."""
    if kept.name not in api.ALL:
        return ""
    return f"nothing: {kept.name}() goes when its last caller does"


def by_page(kept: Kept) -> str:
    """foo_put_page(page), which unmaps by the page alone."""
    ending = kept.analysis.knowledge.ends_by_page(kept.function, kept.site.page)
    if not kept.leaks or ending is None:
        return ""
    put = ending.callee
    address = kept.site.variable or "the address"
    if kept.uses(Kind.RETURNED):
        address = f"the address, which {kept.name}() returns,"
    told = kept.callers_of(put)
    return f"give {put}() {address} as well, for kunmap_local(): {told}{_way(kept)}"


def _way(kept: Kept) -> str:
    """What is in the way of that, where it was looked at as a whole."""
    why = kept.file.hindered.get(kept.verdict.line)
    return f"; in the way: {plain(why)}" if why else ""


def dropped(kept: Kept) -> str:
    """kmap(page), whose value nobody takes, where the page goes to the caller, who
    asks page_address() for it."""
    if not _value_dropped(kept):
        return ""
    put = kept.partner()
    if not _gives_page(kept) and not (put and _returns_nothing(kept)):
        return ""
    told = kept.callers_of(kept.name)
    to = f"pass it to {put}()" if put else "pass it to what unmaps"
    new = f"kmap_local_page({kept.page})"
    return (
        f"return the address of {new} from {kept.name}() and {to}, {told}{_way(kept)}"
    )


def _value_dropped(kept: Kept) -> bool:
    return kept.leaks and kept.analysis.pages.dropped(kept.site)


def _returns_nothing(kept: Kept) -> bool:
    """Whether the function can be made to return the address."""
    returns = (s for s in kept.function.statements() if s.kind == "return")
    return not any(stmt.exprs for stmt in returns)


def _gives_page(kept: Kept) -> bool:
    """Whether the function returns the page, or stores it behind a parameter."""
    argument = kept.site.call.arguments.get(0)
    if argument is None:
        return False
    if any(n.kind == "assign" and _is_output(n.children[0]) for n in argument.walk()):
        return True
    page = argument.bare().text
    for stmt in kept.function.statements():
        if stmt.kind == "return" and any(e.bare().text == page for e in stmt.exprs):
            return True
    return any(
        n.kind == "assign" and _is_output(n.children[0]) and n.children[1].text == page
        for n in kept.function.exprs
    )


def _is_output(target: Expr) -> bool:
    return target.bare().kind == "unary" and target.bare().op == "*"


def together(kept: Kept) -> str:
    """A wrapper whose users stand against it."""
    if kept.bad(LOCAL) and not kept.uses(Kind.RETURNED):
        return ""
    put = "" if kept.site.api.stacked else kept.partner()
    for doubt in kept.verdict.doubts:
        if doubt.reason.startswith(TOGETHER):
            if put:
                given = f"give {put}() the address, which {kept.name}() returns"
                return f"{given}, for kunmap_local(): {kept.callers_of(put)}"
            return _after(kept.name, plain(doubt.reason.removeprefix(TOGETHER)))
    return ""


def _after(name: str, first: str) -> str:
    """What to do with the map function NAME, of which FIRST says who stands against it:
    "a.c:12: f(): why"."""
    place, user, why = [*first.split(": ", 2), "", ""][:3]
    leaves, _, _ = why.partition(" leaves")
    if leaves.startswith("still mapped where line"):
        line = leaves.rpartition(" ")[2]
        task = f"unmap in {user} before line {line} leaves ({place})"
    elif why.endswith("is unmapped here but not mapped in this function"):
        task = f"see that {user} unmaps nothing but what {name}() mapped ({place})"
    else:
        return f"what uses {name}() comes first: {first}"
    return f"first {task}, then convert both in one change"


def returned(kept: Kept) -> str:
    """An address that the caller is given."""
    if not kept.uses(Kind.RETURNED) or not kept.bad(PAIRED):
        return ""
    put, told = kept.partner(), kept.callers_of(kept.name)
    with_it = f"{kept.name}() and {put}()" if put else f"{kept.name}()"
    step = f"convert {with_it} with {told} in one change"
    if not kept.site.api.stacked:
        return (
            f"{step} where each unmaps in the thread that mapped, in reverse order;"
            " vmap() what is to stay mapped"
        )
    return f"{step}: each unmaps in reverse order, which the stack of maps asks for"
