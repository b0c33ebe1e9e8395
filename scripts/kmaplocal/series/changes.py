# SPDX-License-Identifier: GPL-2.0-only
"""The sentences on what else a conversion changes: helpers, variables, flushes, and
functions that map for others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from kmaplocal.series.account import FILLED, JOINED, MOVES
from kmaplocal.series.account import Function, Kept
from kmaplocal.series.words import functions, listed, plural


def sentences(found: Sequence[Function]) -> Iterator[str]:
    """What else was changed in FOUND, and why."""
    yield from _handed(found)
    yield from _helpers(found)
    yield from _joined(found)
    yield from _kept(found)
    yield from _back(found)
    yield from _flushed(found)


def _handed(found: Sequence[Function]) -> Iterator[str]:
    hands = [f.name for f in found if f.hands]
    ends = [f.name for f in found if f.ends and not f.hands]
    parts = []
    if hands:
        verb = plural(len(hands), "returns", "return")
        parts.append(f"{functions(hands)} {verb} what it maps")
    if ends:
        verb = plural(len(ends), "ends", "end")
        parts.append(f"{functions(ends)} {verb} a mapping of the caller")
    if parts:
        yield (
            f"{listed(parts)}: they change together, and all callers in the tree were"
            " read, which end the mapping in the thread that asked for it"
        )


def _helpers(found: Sequence[Function]) -> Iterator[str]:
    used: dict[tuple[str, str, bool, str], list[Function]] = defaultdict(list)
    for function in found:
        for m in function.mappings:
            if m.helped:
                used[m.new, m.way, m.spared, m.copy].append(function)
    for (helper, way, spared, copy), those in sorted(used.items(), key=lambda x: x[0]):
        yield _helper(helper, way, spared, copy, those)


def _helper(
    helper: str, way: str, spared: bool, copy: str, found: list[Function]
) -> str:
    """What a page helper does in FOUND, where COPY was called."""
    names = [f.name for f in found]
    only = all(m.helped for f in found for m in f.mappings)
    what = "the mapping" if only else "one mapping"
    serves = f"{what} serves one {copy}(), seen to stay in the page"
    does = f"{helper}() does it all"
    if way == FILLED:
        serves = f"{what} fills a whole structure at the start of the page"
        does = f"{helper}() of a compound literal does the same"
    flush = ", the flush_dcache_page() included" if spared else ""
    unused = list(dict.fromkeys(v for f in found for v in f.unused))
    left = f", and {listed(unused)} {plural(len(unused), 'goes', 'go')} with it"
    return f"In {functions(names)} {serves}: {does}{flush}{left if unused else ''}"


def _joined(found: Sequence[Function]) -> Iterator[str]:
    names = [f.name for f in found if any(m.way == JOINED for m in f.mappings)]
    if names:
        yield (
            f"{functions(names)} dropped the value of kmap() and asked page_address()"
            " for it, which knows nothing of local mappings: the two become one call"
        )


def _kept(found: Sequence[Function]) -> Iterator[str]:
    kept: dict[Kept, list[str]] = defaultdict(list)
    for function in found:
        for mapping in function.mappings:
            if mapping.kept:
                kept[mapping.kept].append(function.name)
    for each, names in kept.items():
        does = "moves on" if each.why == MOVES else "may point beyond the page"
        yield (
            f"kunmap_local() takes an address in the page, but {each.variable} of"
            f" {functions(names)} {does}: {each.name} keeps what the map call gave"
        )


def _back(found: Sequence[Function]) -> Iterator[str]:
    for function in found:
        for back in dict.fromkeys(m.back for m in function.mappings if m.back):
            argument, variable = back
            yield (
                f"{function.name}() unmaps {argument}, which is not where the mapping"
                f" began any more, as a term of it has changed: {variable}, which is in"
                " the page, is passed as it is"
            )


def _flushed(found: Sequence[Function]) -> Iterator[str]:
    names = [f.name for f in found if f.flushed]
    if names:
        verb = plural(len(names), "writes", "write")
        yield (
            f"{functions(names)} {verb} to such a page without flush_dcache_page(),"
            " which follows other writes to them in this file: add it"
        )
