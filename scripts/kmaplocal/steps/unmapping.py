# SPDX-License-Identifier: GPL-2.0-only
"""Which functions unmap what they did not map."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import PurePath
from typing import NamedTuple

from kmaplocal.c.syntax import Expr
from kmaplocal.certify.analysis import FileAnalysis
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.flow.trace import Site
from kmaplocal.knowledge import api


class End(NamedTuple):
    """An unmap in a FUNCTION of a file: of WHAT (its last name), whether that is a
    parameter of the function, and what it is given (api.ADDRESS or api.PAGE)."""

    path: str
    function: str
    what: str
    parameter: bool
    given: str


class Unmapping:
    """The unmaps in FILES of what their functions did not map."""

    def __init__(self, files: Iterable[FileAnalysis]):
        known = list(files)
        self.words = {
            file.path: {t.text for t in file.outline.tokens} for file in known
        }
        self.ends = [
            end
            for file in known
            for judge in file.every_judge()
            for end in _ends(file.path, judge)
        ]

    def partner(
        self, where: tuple[str, str, Collection[str]], stored: str, site: Site
    ) -> str:
        """The function that ends the mapping SITE of a function (WHERE: its file, its
        name, and the tags of the structures that keep the address), the address of
        which is STORED in a place or, "", with the caller; "" when none is seen, or
        more than one may."""
        path, function, tags = where
        page = last_name(site.call.arguments.get(0))
        names = {page} | {stored.replace("->", ".").split(".")[-1]} - {""}
        found = [e for e in self._near(path, tags) if e.function != function]
        if stored:
            found = [e for e in found if e.what in names]
        else:
            found = [e for e in found if e.parameter] or [
                e for e in found if e.what == page and e.given == api.PAGE
            ]
        own = {e.function for e in found if e.path == path}
        every = own or {e.function for e in found}
        return every.pop() if len(every) == 1 else ""

    def _near(self, path: str, tags: Collection[str]) -> Iterator[End]:
        """The unmaps of the file, and of those beside it that speak of TAGS or are
        called in the file."""
        for end in self.ends:
            beside = PurePath(end.path).parent == PurePath(path).parent
            shared = bool(self.words[end.path].intersection(tags))
            shared = shared or end.function in self.words[path]
            if end.path == path or (beside and shared):
                yield end


def last_name(expr: Expr | None) -> str:
    """What a place is called at its end: `page` of `&map->page`, `sg` of
    `sg_page(segment->sg)`, "" of nothing."""
    node = expr.bare() if expr is not None else None
    while node is not None and node.kind in ("call", "unary", "index", "paren", "cast"):
        node = _within(node)
    if node is None:
        return ""
    return node.label if node.kind == "member" else node.text


def _within(node: Expr) -> Expr | None:
    if node.kind == "call":
        first = node.arguments.get(0)
        return first.bare() if first is not None else None
    return node.children[0 if node.kind == "index" else -1].bare()


def _ends(path: str, judge: FunctionAnalysis) -> Iterator[End]:
    trace = judge.trace
    params: Collection[str] = {v.name for v in judge.function.params}
    for call, seen in trace.unmaps.items():
        rule = judge.knowledge.unmaps[call.callee]
        argument = call.arguments.get(rule.number)
        if argument is None or not any(
            end.site is None or end.site < 0 for end in seen
        ):
            continue
        what = argument.bare()
        parameter = what.kind == "identifier" and what.text in params
        name = judge.function.name
        yield End(path, name, last_name(argument), parameter, rule.given)
