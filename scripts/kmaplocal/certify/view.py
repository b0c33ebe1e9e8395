# SPDX-License-Identifier: GPL-2.0-only
"""Views: what of the functions of a tree is looked at, and what is made of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from kmaplocal.certify.certificate import Verdict
from kmaplocal.certify.certify import certify
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.summaries.knowledge import FileKnowledge
from kmaplocal.knowledge import api
from kmaplocal.c.syntax import Function


def converted(knowledge: FileKnowledge, function: Function) -> FileKnowledge:
    """KNOWLEDGE of what FUNCTION maps and unmaps by, as a conversion sees it: a
    function that maps by an old one is converted with its users."""
    return knowledge.following(function, new=True)


def offered(knowledge: FileKnowledge, function: Function) -> FileKnowledge:
    """KNOWLEDGE of what FUNCTION maps by, where a local mapping is one to be replaced,
    too: by a helper."""
    known = converted(knowledge, function)
    local = known.maps[LOCAL]
    known.maps = {**known.maps, LOCAL: local._replace(new=LOCAL)}
    return known


@dataclass(frozen=True)
class View:
    """The functions with one of CALLS, or of WORDS, are followed, with what KNOWING
    says that they map and unmap by, and FOLD says what follows from what was seen.
    CONVERTING: they are put together with those that map or unmap for them, but
    where each is looked at ALONE."""

    calls: Collection[str]
    knowing: Callable[[FileKnowledge, Function], FileKnowledge]
    fold: Callable[[FunctionAnalysis], Verdict]
    converting: bool = False
    words: Collection[str] = ()
    alone: bool = False

    @property
    def named(self) -> tuple[str, ...]:
        """What a function may be looked at for."""
        return (*self.calls, *self.words)

    def shows(self, function: Function) -> bool:
        """Whether FUNCTION is one that is followed."""
        return bool(function.calls(self.calls)) or any(
            e.kind == "identifier" and e.text in self.words for e in function.exprs
        )


def _carried(knowledge: FileKnowledge, function: Function) -> FileKnowledge:
    """KNOWLEDGE of what FUNCTION maps by, where what is local is to be certified."""
    known = converted(knowledge, function)
    end = api.MAPS[LOCAL].ends
    known.maps = {
        name: made._replace(new=LOCAL) if made.ends == end else made
        for name, made in known.maps.items()
    }
    return known


def carrying(names: Collection[str], addresses: Mapping[str, Collection[str]]) -> View:
    """The functions of these NAMES, and all that map, after their addresses go with the
    pages: ADDRESSES are the variables they are in, by function."""

    def knowing(knowledge: FileKnowledge, function: Function) -> FileKnowledge:
        known = _carried(knowledge, function)
        known.addresses = frozenset(addresses.get(function.name, ()))
        return known

    calls = (LOCAL, api.MAPS[LOCAL].ends, *names)
    return View(calls, knowing, certify, converting=True, alone=True)


LOCAL = "kmap_local_page"

APPLY = View(api.OLD, converted, certify, converting=True)
# The mappings that are local already, for the helpers they may be.
OFFERS = View(
    (LOCAL, api.MAPS[LOCAL].ends), offered, certify, converting=True, alone=True
)
