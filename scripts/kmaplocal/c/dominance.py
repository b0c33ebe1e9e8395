# SPDX-License-Identifier: GPL-2.0-only
"""What is passed on every path of a function, and what lies between two places.

A place is an expression that is evaluated in one go, with the node of the control
flow that it is in.  What a path passes is asked of the graph alone: a backward goto,
a loop, a fallthrough and a macro that jumps are what they are for the tracing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from kmaplocal.c.cfg import Node, Unstructured, control_flow
from kmaplocal.c.syntax import Expr, Extent, Function, Point


@dataclass(frozen=True)
class Place(Extent):
    """Where a whole expression is evaluated: the NODE and which of its expressions it
    is, and its extent.  NODE is None where no path leads.  `loose`: it is the place
    of the one value that a variable is ever given, and nothing says that the path
    taken last was not another."""

    node: Node | None
    number: int
    start: Point
    end: Point
    loose: bool = False

    def is_with(self, other: Place) -> bool:
        """Whether both are evaluated together."""
        same = self.node is other.node and self.number == other.number
        return same and (self.start, self.end) == (other.start, other.end)


class Dominance:
    """The paths of one function."""

    def __init__(self, function: Function):
        self.function = function
        self._between: dict[tuple[Node, Node], set[Node]] = {}

    @cached_property
    def entry(self) -> Node | None:
        """Where the function begins; None where its jumps are not understood."""
        try:
            return control_flow(self.function)
        except Unstructured:
            return None

    @cached_property
    def nodes(self) -> list[Node]:
        """What a path can reach; what follows on a node comes after it unless a path
        leads back."""
        found: list[Node] = []
        seen: set[Node] = set()
        work = [(self.entry, False)] if self.entry else []
        while work:
            node, done = work.pop()
            if done:
                found.append(node)
            elif node not in seen:
                seen.add(node)
                work.append((node, True))
                work += [(after, False) for after in _after(node)]
        return found[::-1]

    @cached_property
    def _places(self) -> dict[Expr, Place]:
        return {
            root: Place(node, number, root.start, root.end)
            for node in self.nodes
            for number, root in enumerate(evaluated(node))
        }

    def place(self, expr: Expr) -> Place:
        """Where EXPR is evaluated, as a part of the expression it stands in."""
        while expr.parent:
            expr = expr.parent
        return self._places.get(expr) or Place(None, 0, expr.start, expr.end)

    @cached_property
    def _before(self) -> dict[Node, list[Node]]:
        """The nodes that each follows on."""
        found: dict[Node, list[Node]] = {node: [] for node in self.nodes}
        for node in self.nodes:
            for after in _after(node):
                found[after].append(node)
        return found

    @cached_property
    def _bits(self) -> dict[tuple[Node, bool | None], int]:
        """A bit for every node, and one for each way out of a condition."""
        keys: list[tuple[Node, bool | None]] = [(node, None) for node in self.nodes]
        keys += [(node, truth) for node in self.nodes for truth in node.truth]
        return {key: 1 << number for number, key in enumerate(keys)}

    @cached_property
    def _passed(self) -> dict[Node, int]:
        """The bits of what is passed on every path to a node, with its own."""
        every = (1 << len(self._bits)) - 1
        found = dict.fromkeys(self.nodes, every)
        changed = True
        while changed:
            changed = False
            for node in self.nodes:
                passed = every if node is not self.entry else 0
                for before in self._before[node]:
                    passed &= self._past(before, node, found[before])
                passed |= self._bits[node, None]
                changed = changed or passed != found[node]
                found[node] = passed
        return found

    def _past(self, node: Node, after: Node, passed: int) -> int:
        """The bits of what is passed where AFTER follows on NODE."""
        ways = [truth for truth, target in node.truth.items() if target is after]
        return passed | self._bits[node, ways[0]] if len(ways) == 1 else passed

    def dominates(self, here: Place, there: Place) -> bool:
        """Whether every path to THERE passes HERE before."""
        if here.node is None or there.node is None:
            return False
        if here.node is there.node:
            return here.number < there.number
        return bool(self._passed[there.node] & self._bits[here.node, None])

    def decides(self, condition: Place, truth: bool, there: Place) -> bool:
        """Whether CONDITION was TRUTH when it was evaluated last before THERE, which
        no path reaches without."""
        if condition.node is None or there.node is None:
            return False
        edge = self._bits.get((condition.node, truth), 0)
        return bool(self._passed[there.node] & edge)

    def between(self, here: Node, there: Node) -> set[Node]:
        """The nodes that a path from HERE to THERE can pass without passing HERE
        again.  THERE is one of them if a path leads from it back to it.  Every path
        to THERE is to pass HERE."""
        if (here, there) not in self._between:
            found: set[Node] = set()
            work = list(self._before[there])
            while work:
                node = work.pop()
                if node is not here and node not in found:
                    found.add(node)
                    work += self._before[node]
            self._between[here, there] = found
        return self._between[here, there]


def evaluated(node: Node) -> list[Expr]:
    """The expressions of a node, in their order."""
    return [*node.exprs, node.cond] if node.cond else node.exprs


def _after(node: Node) -> Iterator[Node]:
    yield from node.truth.values()
    yield from node.next
