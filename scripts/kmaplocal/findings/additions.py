# SPDX-License-Identifier: GPL-2.0-only
"""Where an unmap is to be added so that a function leaves no page mapped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property

from kmaplocal.c.cfg import Node, control_flow
from kmaplocal.bounds import plain
from kmaplocal.c.syntax import Expr, Point, Stmt
from kmaplocal.findings.context import CheckContext
from kmaplocal.flow.trace import Site
from kmaplocal.knowledge import api

# The statements before which an unmap can be added, beside the one that leaves.
JUMPS = ("goto", "break")
# What a mapping is on a way: LOST where nothing leads to its unmap any more.
FREE, MAPPED, LOST = "free", "mapped", "lost"


class Addition:
    """The unmap that is missed on some path from SITE, written as the function writes
    it elsewhere; `places`: before which statements it makes every path right, one that
    serves all of them where there is one; none where this is not certain.

    What is looked at is the control flow alone: a path that no input takes counts."""

    def __init__(self, context: CheckContext, site: Site, leaving: Stmt | None):
        """LEAVING: the return that is come to on that path; None at the last brace."""
        self._context, self._leaving = context, leaving
        self._unmaps = context.unmaps(site)
        self.text = plain(self._unmaps[0].text) if self._unmaps else ""
        self._sites = [s for s in context.sites if self._shares(s)]
        self._calls = {s.call for s in self._sites}

    def _shares(self, site: Site) -> bool:
        """Whether SITE is unmapped by the same text."""
        return any(
            plain(unmap.text) == self.text for unmap in self._context.unmaps(site)
        )

    @cached_property
    def places(self) -> tuple[Point, ...]:
        """As the class says: lines from 1, columns from 0."""
        if not self.text or not self._sites or not self._plain():
            return ()
        return self._at_label() or self._at_jumps() or self._at_return()

    @property
    def depends(self) -> str:
        """On what it depends whether the page is mapped where the function is left: the
        condition that all unmaps stand under, or "the way"; "" where it always is."""
        end = self._end
        if end is None or MAPPED not in (come := self._before()[end]) or len(come) < 2:
            return ""
        conditions = {self._condition(unmap) for unmap in self._unmaps}
        only = conditions.pop() if len(conditions) == 1 else ""
        return only or "the way"

    def _condition(self, unmap: Expr) -> str:
        """That of the `if` which guards UNMAP, and may know that there is one."""
        stmt = self._context.statement(unmap)
        while stmt is not None and stmt.kind != "if":
            stmt = stmt.parent
        return plain(stmt.exprs[0].text) if stmt is not None and stmt.exprs else ""

    # -- the mapping ---------------------------------------------------------

    @cached_property
    def _name(self) -> str:
        """What the unmaps are given, where that is one variable and they are of the
        API; "" where not."""
        every = {e for s in self._sites for e in self._context.unmaps(s)}
        known = all(
            e.callee in api.UNMAPS and plain(e.text) == self.text for e in every
        )
        argument = self._context.argument(self._unmaps[0]) if known else None
        node = argument.bare() if argument is not None else None
        return node.text if node is not None and node.kind == "identifier" else ""

    def _plain(self) -> bool:
        """Whether each mapping is of that variable, and no other is made meanwhile."""
        alone = not any({*pair} & self._numbers for pair in self._context.trace.nested)
        return bool(self._name) and alone and all(map(self._holds, self._sites))

    @cached_property
    def _numbers(self) -> set[int]:
        return {site.number for site in self._sites}

    def _holds(self, site: Site) -> bool:
        """Whether the variable is given the address of SITE, or its page."""
        if api.UNMAPS[self._unmaps[0].callee].given != api.ADDRESS:
            return site.page == self._name
        node = site.call
        while node.parent is not None and node.parent.kind in (
            "paren",
            "cast",
            "assign",
        ):
            node = node.parent
            if node.kind == "assign" and node.children[0].bare().text == self._name:
                return True
        return self._name in self._context.given_to(site.call)

    # -- the ways through the function ---------------------------------------

    @cached_property
    def _nodes(self) -> list[Node]:
        """All nodes of the control flow."""
        found, work = {}, [control_flow(self._context.function)]
        while work:
            node = work.pop()
            if node not in found:
                found[node] = True
                work += _following(node)
        return list(found)

    def _before(self, added: Collection[Node] = ()) -> Mapping[Node, set[str]]:
        """What the mapping is when a node is come to (FREE, MAPPED or LOST), on each
        way to it, with an unmap before those ADDED."""
        come: dict[Node, set[str]] = defaultdict(set)
        work = [self._nodes[0]]
        come[work[0]].add(FREE)
        while work:
            node = work.pop()
            states = {FREE} if node in added else come[node]
            after = {self._after(node, state) for state in states}
            for following in _following(node):
                if not after <= come[following]:
                    come[following] |= after
                    work.append(following)
        return come

    def _after(self, node: Node, state: str) -> str:
        for expr in _evaluated(node):
            if expr in self._calls:
                state = MAPPED if state == FREE else LOST
            elif self._unmaps_it(expr):
                state = FREE if state == MAPPED else state
            elif self._sets(expr) and not self._calls & {*expr.walk()}:
                state = LOST if state == MAPPED else state
        return state

    def _sets(self, expr: Expr) -> bool:
        """Whether EXPR gives the variable another value, or may let others do it."""
        steps = expr.kind == "unary" and expr.op in ("++", "--", "&")
        if expr.kind not in ("assign", "postfix") and not steps:
            return False
        return expr.children[0].bare().text == self._name

    def _unmaps_it(self, expr: Expr) -> bool:
        return expr.kind == "call" and plain(expr.text) == self.text

    def _clean(self, node: Node) -> bool:
        """Whether behind NODE the mapping is neither used nor unmapped."""
        return not any(map(self._uses, self._behind(node)))

    def _behind(self, node: Node) -> Iterator[Node]:
        """What may follow NODE, up to the next map call."""
        seen: set[Node] = set()
        work = _following(node)
        while work:
            each = work.pop()
            if each in seen or self._calls & {*_evaluated(each)}:
                continue
            seen.add(each)
            yield each
            work += _following(each)

    def _uses(self, node: Node) -> bool:
        return any(e in self._reads or self._unmaps_it(e) for e in _evaluated(node))

    @cached_property
    def _reads(self) -> set[Expr]:
        return {e for n in self._numbers for e in self._context.trace.reads(n)}

    # -- the places ------------------------------------------------------------

    @cached_property
    def _end(self) -> Node | None:
        """Where the function is left."""
        ends = (node for node in self._nodes if node.returns)
        return next((node for node in ends if node.stmt is self._leaving), None)

    def _mends(self, added: Collection[Node]) -> bool:
        """Whether an unmap before each of ADDED ends the mapping, which then is on no
        way still there where the function is left."""
        before = self._before(added)
        first = all(before[node] == {MAPPED} for node in added)
        return first and self._end is not None and before[self._end] == {FREE}

    def _at_return(self) -> tuple[Point, ...]:
        end, stmt = self._end, self._leaving
        if end is None or stmt is None or self._uses(end) or not self._seen_at(stmt):
            return ()
        return (stmt.start,) if self._before()[end] == {MAPPED} else ()

    def _jumps(self) -> list[Node]:
        """The jumps that leave the mapping behind on the way to the end."""
        before = self._before()
        return [
            node
            for node in self._nodes
            if node.stmt is not None and node.stmt.kind in JUMPS
            if before[node] == {MAPPED} and self._clean(node)
            if self._end in {*self._behind(node)} and self._seen_at(node.stmt)
        ]

    def _seen_at(self, stmt: Stmt) -> bool:
        """Whether the variable is the same where STMT stands."""
        begin = self._context.statement(self._sites[0].call)
        if begin is None:
            return False
        known = self._context.places.declaration
        return known(self._name, stmt) == known(self._name, begin)

    def _at_label(self) -> tuple[Point, ...]:
        """The first statement behind a label that only ways lead to on which the page
        is mapped, several of them jumps."""
        targets = [each for node in self._jumps() for each in _following(node)]
        for label in dict.fromkeys(t for t in targets if targets.count(t) > 1):
            stmts = label.stmt.children if label.stmt else []
            plain = stmts and stmts[0].kind not in ("label", "declaration", "compound")
            if plain and self._mends([label]):
                return (stmts[0].start,)
        return ()

    def _at_jumps(self) -> tuple[Point, ...]:
        chosen: list[Node] = []
        for node in sorted(self._jumps(), key=_start):
            if self._before(chosen)[node] == {MAPPED}:
                chosen.append(node)
        return tuple(map(_start, chosen)) if chosen and self._mends(chosen) else ()


def _start(node: Node) -> Point:
    return node.stmt.start if node.stmt else (0, 0)


def _following(node: Node) -> list[Node]:
    """What may come next; behind `while (1)` only what leaves the loop leads to."""
    always = node.cond is not None and node.cond.bare().text in ("1", "true")
    truth = [node.truth[True]] if always else [*node.truth.values()]
    return [*truth, *node.next]


def _evaluated(node: Node) -> Iterator[Expr]:
    """The expressions of NODE, and all in them, in the order of the text."""
    for root in [*node.exprs, *([node.cond] if node.cond else [])]:
        yield from root.walk()
