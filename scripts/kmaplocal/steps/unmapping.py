# SPDX-License-Identifier: GPL-2.0-only
"""Which functions unmap what they did not map, and which leave mapped what they did."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import PurePath
from typing import NamedTuple

from kmaplocal.c.syntax import Expr, Function
from kmaplocal.c.text import plain
from kmaplocal.certify.analysis import FileAnalysis
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.flow.events import Kind
from kmaplocal.flow.trace import Site
from kmaplocal.knowledge import api


class End(NamedTuple):
    """An unmap in a FUNCTION of a file: of WHAT (its last name), whether that is a
    parameter of the function, and what it is given (api.ADDRESS or api.PAGE)."""

    path: str
    function: str
    line: int
    what: str
    parameter: bool
    given: str


class Start(NamedTuple):
    """A mapping that a FUNCTION of a file leaves, and by which NAMES it may be ended:
    the last ones of its page, and of where its address is kept."""

    path: str
    function: str
    names: frozenset[str]


class Unmapping:
    """The unmaps in FILES of what their functions did not map."""

    def __init__(self, files: Iterable[FileAnalysis]):
        known = list(files)
        self.words = {file.path: file.outline.vocabulary for file in known}
        self.ends = [
            end
            for file in known
            for analysed in file.every_analysis()
            for end in _ends(file.path, analysed)
        ]
        self.starts = [
            start
            for file in known
            for analysed in file.every_analysis()
            for start in _starts(file.path, analysed)
        ]

    def mappers(self, path: str, function: str, line: int) -> list[str]:
        """The functions of the file PATH which leave mapped what the unmap at LINE of a
        FUNCTION may end."""
        ended = {e.what for e in self.ends if (e.path, e.line) == (path, line)}
        found = (s for s in self.starts if s.path == path and s.names & ended)
        return sorted({s.function for s in found} - {function})

    def partner(
        self,
        where: tuple[str, str, Collection[str]],
        stored: str,
        pages: Collection[str],
    ) -> str:
        """The function that ends a mapping of a function (WHERE: its file, its name,
        and the tags of the structures that keep the address), the address of which is
        STORED in a place or, "", with the caller, and PAGES are names of its page; ""
        when none is seen, or more than one may."""
        path, function, tags = where
        names = {*pages, _label(stored)} - {""}
        found = [e for e in self._near(path, tags) if e.function != function]
        if stored:
            found = [e for e in found if e.what in names]
        else:
            found = [e for e in found if e.parameter] or [
                e for e in found if e.what in pages and e.given == api.PAGE
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


def page_names(function: Function, site: Site) -> frozenset[str]:
    """The last names of the page of SITE: as it is written, and of what a variable in
    it was assigned."""
    name = last_name(site.call.arguments.get(0))
    given = [
        n.children[1]
        for n in function.exprs
        if n.kind == "assign" and n.children[0].text == name
    ]
    variable = function.variables.get(name)
    at = variable.value_at if variable else None
    given += [n for n in function.exprs if at is not None and n.start == at]
    return frozenset({name, *map(last_name, given)} - {""})


def _label(place: str) -> str:
    return place.replace("->", ".").split(".")[-1]


def _starts(path: str, analysed: FunctionAnalysis) -> Iterator[Start]:
    trace = analysed.trace
    for site in trace.sites:
        if trace.of(site.number, Kind.LEAKED, Kind.MAPPED_AGAIN):
            stores = trace.of(site.number, Kind.STORED)
            kept = {_label(plain(e.root.name)) for e in stores if e.root}
            names = page_names(analysed.function, site) | kept
            yield Start(path, analysed.function.name, frozenset(names))


def _within(node: Expr) -> Expr | None:
    if node.kind == "call":
        first = node.arguments.get(0)
        return first.bare() if first is not None else None
    return node.children[0 if node.kind == "index" else -1].bare()


def _ends(path: str, analysed: FunctionAnalysis) -> Iterator[End]:
    trace = analysed.trace
    params: Collection[str] = {v.name for v in analysed.function.params}
    for call, seen in trace.unmaps.items():
        rule = analysed.knowledge.unmaps[call.callee]
        argument = call.arguments.get(rule.number)
        if argument is None or not any(not isinstance(end.site, int) for end in seen):
            continue
        what = argument.bare()
        parameter = what.kind == "identifier" and what.text in params
        name = analysed.function.name
        line = call.start[0]
        yield End(path, name, line, last_name(argument), parameter, rule.given)
