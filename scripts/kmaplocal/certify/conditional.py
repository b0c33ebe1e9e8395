# SPDX-License-Identifier: GPL-2.0-only
"""Functions that map or unmap for their callers under a condition of their arguments.

    static void *bm_map(struct bitmap *b, int n)
    {
            if (b->on_disk)
                    return kmap_atomic(b->pages[n]);
            return b->memory + n * PAGE_SIZE;
    }

Where the other function of the pair has the same condition, and is given the same, the
two do what they would without it: where it does not hold nothing is mapped at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from kmaplocal.c.cfg import LOOPS
from kmaplocal.c.places import changes, names_in
from kmaplocal.c.syntax import Expr, Function, Stmt
from kmaplocal.certify.certificate import PAIRED
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.knowledge.row import Map, Under, Unmap
from kmaplocal.flow.trace import Site

_OPERATORS = ("&", "|", "&&", "||", "==", "!=", "<", "<=", ">", ">=")


def ways(function: Function, calls: Iterable[str]) -> Iterator[tuple[Function, Under]]:
    """FUNCTION as it is where the condition of an `if` in it holds, or does not; for
    each that none of CALLS is made without, and so that the condition is one of the
    arguments alone."""
    names = set(calls)
    for stmt in function.body:
        condition = _condition(function, stmt)
        if condition is None:
            continue
        text, numbers, negated = condition
        with_, without = (_assumed(function, stmt, taken) for taken in (True, False))
        if not without.calls(names):
            yield with_, Under(text, not negated, numbers)
        if not with_.calls(names):
            yield without, Under(text, negated, numbers)


def is_asked(
    under: Under, others: Iterable[Function | None], calls: Iterable[str]
) -> bool:
    """Whether one of OTHERS makes CALLS UNDER the same condition, of whatever numbers
    the arguments are, or did before it was taken for what it is under that."""
    found = (w for other in others if other for w in ways(other.origin or other, calls))
    return any(
        (each.text, each.holds) == (under.text, under.holds) for _, each in found
    )


def _condition(
    function: Function, stmt: Stmt
) -> tuple[str, tuple[int, ...], bool] | None:
    """What an `if` asks of the parameters of FUNCTION: its text, in which each has a
    number; theirs, in that order; and whether the whole has a `!` before it."""
    if stmt.kind != "if" or len(stmt.exprs) != 1:
        return None
    node, negated = stmt.exprs[0].bare(), False
    while (node.kind, node.op) == ("unary", "!"):
        node, negated = node.children[0].bare(), not negated
    names = [parameter.name for parameter in function.params]
    asked = [e.text for e in node.walk() if e.kind == "identifier" and e.text in names]
    given = list(dict.fromkeys(asked))
    changed = any(changes(e, {*given}) for e in function.exprs)
    if not given or changed or not all(_is_fixed(e, given) for e in node.walk()):
        return None
    text = node.text
    if (node.kind, node.op) == ("binary", "!="):
        text, negated = " == ".join(c.text for c in node.children), not negated
    words = (f"#{given.index(w)}" if w in given else w for w in text.split())
    return " ".join(words), tuple(map(names.index, given)), negated


def _is_fixed(node: Expr, given: Iterable[str]) -> bool:
    """Whether NODE is the same as long as the parameters GIVEN, and what they point to,
    are."""
    if node.kind == "identifier":
        return node.text in given or node.text.isupper()
    if node.kind == "unary":
        return node.op in ("!", "~", "-")
    if node.kind == "binary":
        return node.op in _OPERATORS
    return node.kind in ("member", "paren", "constant")


def _assumed(function: Function, stmt: Stmt, holds: bool) -> Function:
    """FUNCTION without the `if` STMT, whose condition HOLDS or does not."""
    arms = [*stmt.children, None][:2] if len(stmt.children) < 3 else [None, None]
    kept = arms[0 if holds else 1]
    gone = [stmt.exprs[0], *_exprs(arms[1 if holds else 0])]
    dropped = {node for root in gone for node in root.walk()}
    at = function.body.index(stmt)
    before, behind = function.body[:at], function.body[at + 1 :]
    if _leaves(kept) and not any(s.kind == "label" for s in function.statements()):
        dropped |= {node for s in behind for root in _exprs(s) for node in root.walk()}
        behind = []
    stmts = [*before, *([kept] if kept else []), *behind]
    exprs = [e for e in function.exprs if e not in dropped]
    body = [_copied(s, None) for s in stmts]
    return replace(function, body=body, exprs=exprs, origin=function)


def _leaves(arm: Stmt | None) -> bool:
    """Whether ARM ends with a `return`."""
    last = arm.children[-1] if arm and arm.kind == "compound" and arm.children else arm
    return last is not None and last.kind == "return"


def _exprs(stmt: Stmt | None) -> Iterator[Expr]:
    for each in stmt.walk() if stmt else ():
        yield from each.exprs


def _copied(stmt: Stmt, parent: Stmt | None) -> Stmt:
    """STMT with all that is in it, in PARENT."""
    found = replace(stmt, parent=parent, children=[])
    found.children = [_copied(child, found) for child in stmt.children]
    return found


def mismatches(analysis: FunctionAnalysis) -> Iterator[tuple[str, str]]:
    """Where ANALYSIS maps under a condition and does not unmap under the same: the
    obligation that fails, and why."""
    for unmap, ends in analysis.trace.unmaps.items():
        given = analysis.trace.given(unmap)
        rule = analysis.knowledge.unmaps[given.callee]
        sites = (analysis.trace.sites[e.site] for e in ends if isinstance(e.site, int))
        for site in sites:
            if not _agree(analysis.function, site, site.api, given, rule):
                line = unmap.start[0]
                why = (
                    f"line {line} may unmap under another condition than {site.name}()"
                )
                yield PAIRED, f"{why} maps"


def _agree(
    function: Function, site: Site, mapped: Map, unmap: Expr, rule: Unmap
) -> bool:
    """Whether UNMAP is made under the condition under which SITE is mapped."""
    one, other = mapped.under, rule.under
    if one is None or other is None:
        return one is other
    if (one.text, one.holds) != (other.text, other.holds):
        return False
    given = (
        (site.call.arguments.get(m), unmap.arguments.get(n))
        for m, n in zip(one.numbers, other.numbers)
    )
    asked = {*one.text.split()}
    return all(
        m is not None and n is not None and _is_same(function, m, n, asked)
        for m, n in given
    )


def _is_same(function: Function, one: Expr, other: Expr, asked: set[str]) -> bool:
    """Whether ONE and OTHER, at different places, are equal, and what is ASKED of them
    is: a variable, or a member of one, that nothing in FUNCTION changes."""
    node = one.bare()
    if node.text != other.bare().text:
        return False
    if any(each.kind not in ("identifier", "member") for each in node.walk()):
        return False
    names = names_in(node)
    declared = [v.name for s in function.statements() for v in s.variables]
    own = {v.name for s in function.body for v in s.variables}
    once = {name for name in own if declared.count(name) == 1}
    once |= {v.name for v in function.params} - {*declared}
    lasting = all(name in once for name in names & {*declared, *function.variables})
    changed = [e for e in function.exprs if changes(e, names | asked)]
    return lasting and all(_is_over(function, e, one) for e in changed)


def _is_over(function: Function, change: Expr, call: Expr) -> bool:
    """Whether CHANGE is made before CALL, and never after it."""
    loops = function.around(change, {*LOOPS, "iterator"})
    back = (
        s for s in function.statements() if s.kind == "label" and s.start < change.start
    )
    again = any(loop.holds(call) for loop in loops) or any(back)
    return change.end <= call.start and not again
