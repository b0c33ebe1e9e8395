# SPDX-License-Identifier: GPL-2.0-only
"""The sentences on what else a conversion changes: helpers, variables, flushes, and
functions that map for others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from kmaplocal.series.account import ADDED, CARRIED, FILLED, JOINED, LOWMEM, MOVES
from kmaplocal.series.account import Function, Kept
from kmaplocal.series.words import calls, functions, listed, plural


def sentences(found: Sequence[Function]) -> Iterator[str]:
    """What else was changed in FOUND, and why."""
    yield from _carried(found)
    yield from _later(found)
    yield from _handed([f for f in found if not f.carries and not _is_carried(f)])
    yield from _helpers(found)
    yield from _joined(found)
    yield from _lowmem(found)
    yield from _kept(found)
    yield from _back(found)
    yield from _flushed(found)


def _carried(found: Sequence[Function]) -> Iterator[str]:
    """The sentence that addresses go with their pages, and through which functions."""
    names = [name for f in found for name in f.carries]
    if names:
        gets = plural(len(names), "gets", "get")
        yield (
            "kunmap() is given the page, and kunmap_local() the address, which"
            " page_address() does not know of a page that is mapped so: it goes with"
            f" the page from now on. {functions(names)} {gets} one more parameter for"
            " it, and all callers pass it on. That each mapping ends once, the last"
            " one first, was followed through all of them, as they are after this"
        )


def _later(found: Sequence[Function]) -> Iterator[str]:
    """The sentence on unmaps that are done by callers from now on."""
    names = [f.name for f in found if f.leaves]
    if names:
        yield (
            f"{functions(names)} {plural(len(names), 'ends', 'end')} no mapping of the"
            " caller any more: another one may be alive that was made later and has to"
            " end before. The callers unmap and put the page instead, behind the call"
            " or, where another page is mapped, before they return"
        )


def _is_carried(function: Function) -> bool:
    return any(m.way == CARRIED for m in function.mappings)


def _handed(found: Sequence[Function]) -> Iterator[str]:
    hands = [f.name for f in found if f.hands]
    ends = [f.name for f in found if f.ends and not f.hands]
    unmaps = [f.name for f in found if f.unmaps]
    parts = []
    if hands:
        say = plural(len(hands), "returns what it maps", "return what they map")
        parts.append(f"{functions(hands)} {say}")
    if unmaps:
        verb = plural(len(unmaps), "unmaps", "unmap")
        parts.append(f"{functions(unmaps)} {verb} what another function maps")
    if ends:
        verb = plural(len(ends), "ends", "end")
        parts.append(f"{functions(ends)} {verb} a mapping of the caller")
    if parts:
        yield (
            f"{listed(parts)}: they change together, and all callers in the tree were"
            " read, which end the mapping in the thread that asked for it"
        )
    for function in found:
        if function.users:
            yield _used(function)


def _used(function: Function) -> str:
    """Who uses what FUNCTION maps, and what that relies on."""
    names = [user.name for user in function.users]
    text = f"{function.name}() is used by {functions(names)}"
    if not any(m.atomic for m in function.mappings):
        return text
    called = list(dict.fromkeys(c for user in function.users for c in user.called))
    meanwhile = plural(len(names), "which calls", "which call")
    relies = "page faults or preemption being disabled"
    if not called:
        return f"{text}, {meanwhile} nothing meanwhile that could rely on {relies}"
    does = plural(len(called), "does", "do")
    return f"{text}; {calls(called)}, called meanwhile, {does} not rely on {relies}"


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


def _lowmem(found: Sequence[Function]) -> Iterator[str]:
    names = [f.name for f in found if any(m.way == LOWMEM for m in f.mappings)]
    if names:
        yield (
            f"The pages that {functions(names)} {plural(len(names), 'maps', 'map')} are"
            " allocated without __GFP_HIGHMEM, all of them, in code that was read:"
            " they have an address for as long as they are there, which page_address()"
            " gives, and nothing is to be unmapped"
        )


def _kept(found: Sequence[Function]) -> Iterator[str]:
    kept: dict[Kept, list[str]] = defaultdict(list)
    for function in found:
        for mapping in function.mappings:
            if mapping.kept:
                kept[mapping.kept].append(function.name)
    for why in (MOVES, ADDED):
        those = {each: names for each, names in kept.items() if each.why == why}
        if those:
            yield _kept_apart(those, why)


def _kept_apart(kept: Mapping[Kept, list[str]], why: str) -> str:
    """Why the addresses of KEPT have variables of their own."""
    moved = listed(f"{each.variable} of {functions(n)}" for each, n in kept.items())
    names = listed(each.name for each in kept)
    several = len({each.name for each in kept}) > 1
    does = "may point beyond it"
    if why == MOVES:
        does = plural(len(kept), "moves on", "move on")
    gave = "what the map call gave" if len(kept) == 1 else "what the map calls gave"
    keeps = "keep" if several else "keeps"
    return (
        f"kunmap_local() takes an address in the page, but {moved} {does}: {names}"
        f" {keeps} {gave}"
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
