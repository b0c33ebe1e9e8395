# SPDX-License-Identifier: GPL-2.0-only
"""Why a function is left to a person: what the preprocessor hides, and what
only a comment says."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from kmaplocal.certify.certificate import PREEMPT, Doubt
from kmaplocal.c.places import BLOCKS, Places, parts_of
from kmaplocal.knowledge import api
from kmaplocal.c.outline import Outline
from kmaplocal.c.syntax import Expr, Function, Stmt
from kmaplocal.flow.trace import Trace

SYNTAX = "syntax"
COMMENT = "the comment here says something about "
WITHIN = "kunmap() is a part of an expression; kunmap_local() is a statement"
MACRO = "a macro maps or unmaps; its users are to be read by a person"
LEAVING = "is a macro that may leave"
HEADING = "is a macro that maps or unmaps in the head of a statement"
_BRACED = ("if", "for", "while", "iterator", "guard")
MOST_PARTS = 3  # that a statement can become
ATOMIC = ("kmap_atomic", "kunmap_atomic")
# Of what a comment speaks that is true of kmap_local_page(), too: the order of unmaps,
# the caches that an unmap flushes (arch/arm/include/asm/highmem.h); or of more.
ALIKE = ("reverse order", "in reverse", "last in, first out", "lifo", "flush")
DISABLED = (
    "atomic block context cpu disab enab fault interrupt irq lock migrat preempt"
    " process schedul sleep task thread user"
).split()
TYPED = "two arguments, as before Linux 3.7: there is no kmap_local_page() there"


def syntax_doubts(
    outline: Outline,
    function: Function,
    names: Collection[str] = api.OLD,
    followed: Collection[str] = (),
) -> list[Doubt]:
    """What the preprocessor hides in a function: halves, and macros that map,
    unmap (by one of NAMES) or leave it; what is FOLLOWED hides nothing."""
    hidden = {m.name: m for m in outline.macros_holding(names)}
    hidden = {name: m for name, m in hidden.items() if name not in followed}
    calls = function.calls({*names, *followed, *hidden})
    if not calls:
        return []
    doubts = [d for call in calls for d in _half_doubts(outline, calls, function, call)]
    leaving = {m.name: m for m in outline.macros if m.leaves()}
    first, last = calls[0].start, calls[-1].end
    for call in function.exprs:
        name = call.callee
        if name in hidden:
            why = f"{name}() is a macro that maps or unmaps (line {hidden[name].line})"
            doubts.append(Doubt(SYNTAX, *call.start, why))
        elif name in leaving and first < call.start < last:
            why = f"{name}() {LEAVING} (line {leaving[name].line})"
            doubts.append(Doubt(SYNTAX, *call.start, why))
    doubts += [
        Doubt(SYNTAX, *e.start, "a statement expression holds a map or unmap call")
        for e in function.exprs
        if e.kind == "statement-expression" and any(n in calls for n in e.walk())
    ]
    return sorted(set(doubts), key=lambda d: (d.line, d.column))


def head_doubts(function: Function, names: Collection[str]) -> list[Doubt]:
    """Where one of NAMES, macros that map or unmap, heads a statement of FUNCTION: no
    call shows that."""
    return [
        Doubt(SYNTAX, *stmt.start, f"{stmt.iterator}() {HEADING}")
        for stmt in function.statements()
        if stmt.iterator in names
    ]


def cleanup_doubts(function: Function) -> list[Doubt]:
    """Where a variable is unmapped by what its declaration names for the end of its
    scope: that is not to be found in the function."""
    return [
        Doubt(SYNTAX, *call.start, f"{name} is unmapped where its scope ends: __free()")
        for name, call in function.cleanups.items()
    ]


def lacking(function: Function, why: str) -> list[Doubt]:
    """WHY the kernels that a FUNCTION is for lack what replaces its first call; and
    that they do, where a call has an argument that only old kernels know."""
    calls = function.calls(api.OLD)
    found = [Doubt(SYNTAX, *call.start, why) for call in calls[:1] if why]
    return found + [
        Doubt(SYNTAX, *call.start, TYPED)
        for call in calls
        if call.callee in ATOMIC and len(call.arguments) > 1
    ]


def statement_doubts(function: Function) -> list[Doubt]:
    """Where kunmap(), which is a function, is a part of an expression: what takes
    its place, kunmap_local(), is a statement as `do { } while (0)` is one.

    Source: include/linux/highmem-internal.h of Linux 6.1 and 7.2."""
    places = Places(function)
    return [
        Doubt(SYNTAX, *call.start, WITHIN)
        for call in function.calls(("kunmap",))
        if not _is_statement(places, call)
    ]


def _is_statement(places: Places, call: Expr) -> bool:
    """Whether a call is all that its statement does, or what it does before or
    after a comma: then one statement becomes several."""
    stmt = places.statement(call)
    if stmt is None:
        return True
    if stmt.kind != "expression" or len(stmt.exprs) != 1:
        return False
    if stmt.exprs == [call]:
        return True
    parts = parts_of(stmt.exprs[0])
    return call in parts and len(parts) <= MOST_PARTS and _may_be_several(stmt)


def _may_be_several(stmt: Stmt) -> bool:
    """Whether others may come beside a statement, with braces around them or
    without: Coccinelle adds those it needs, but for a `do` or behind a label."""
    home = stmt.parent
    if home is not None and home.kind == "label":
        return _may_be_several(home) and (home.parent is None or _is_block(home.parent))
    return home is None or _is_block(home) or home.kind in _BRACED


def _is_block(stmt: Stmt) -> bool:
    return stmt.kind in (*BLOCKS, "switch") and stmt.kind != "label"


def comment_doubts(outline: Outline, function: Function, trace: Trace) -> list[Doubt]:
    """Comments on a kmap_atomic() while it is mapped: they say what the code relies
    on, which no rule can read; but for what kmap_local_page() asks for or does, too,
    such as the order in which mappings end."""
    calls = function.calls(ATOMIC)
    if not calls:
        return []
    code = outline.lines(ATOMIC)
    lines = outline.text.split("\n")
    for number in _mapped_lines(trace, calls):
        named = [name for name in ATOMIC if name in lines[number - 1]]
        if named and number not in code and not _is_alike(lines, number):
            why = f"{COMMENT}{named[0]}()"
            return [Doubt(PREEMPT, number, 0, why)]
    return []


def _mapped_lines(trace: Trace, calls: list[Expr]) -> Iterable[int]:
    """The lines at which a page may be mapped by one of CALLS: from each map call to
    its last unmap, or all, where one does not come after the other in the text."""
    every = range(calls[0].start[0], calls[-1].end[0] + 1)
    found: set[int] = set()
    for site in trace.sites:
        unmaps = trace.unmaps_of(site.number)
        if not unmaps or any(unmap.start < site.call.start for unmap in unmaps):
            return every
        last = max(unmap.end[0] for unmap in unmaps)
        found.update(range(site.call.start[0], last + 1))
    return sorted(found.intersection(every))


def _is_alike(lines: list[str], number: int) -> bool:
    """Whether the comment that the line NUMBER is a part of is on what is true of
    kmap_local_page() as well, and names nothing that kmap_atomic() disables."""
    first = last = number
    while first > 1 and "/*" not in lines[first - 1]:
        first -= 1
    while last < len(lines) and "*/" not in lines[last - 1]:
        last += 1
    told = " ".join(lines[first - 1 : last]).lower()
    words = told.replace("kunmap_atomic", "").replace("kmap_atomic", "")
    alike = any(word in words for word in ALIKE)
    return alike and not any(word in words for word in DISABLED)


def _half_doubts(outline: Outline, calls, function: Function, call) -> list[Doubt]:
    """A map or unmap in a branch of an #if that does not hold all of CALLS."""
    for group in outline.conditionals:
        branch = group.branch(call.start[0])
        if branch < 0 or not function.line < group.lines[0] <= function.last:
            continue
        if any(group.branch(other.start[0]) != branch for other in calls):
            why = f"{call.callee}() is in one half of the #if of line {group.lines[0]}"
            line, column = call.start
            return [Doubt(SYNTAX, line, column, why)]
    return []
