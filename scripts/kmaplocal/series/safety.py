# SPDX-License-Identifier: GPL-2.0-only
"""The sentences on why a conversion is safe: the address stays in the thread, the
unmaps are in order, nothing relies on what kmap_atomic() disabled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from kmaplocal.series.account import Disabled, Function
from kmaplocal.series.words import NUMBERS, calls, functions, listed, plural


def local(found: Sequence[Function], own: Collection[str]) -> Iterator[str]:
    """That the addresses stay in the thread, and how that is known; OWN: the files of
    the patch."""
    mapping = [f for f in found if any(m.mapped for m in f.mappings)]
    count = sum(m.mapped for f in mapping for m in f.mappings)
    if not count:
        return
    given = sorted(
        {n for f in mapping for m in f.mappings if m.mapped for n in m.given}
    )
    pointers = dict.fromkeys(p for f in mapping for m in f.mappings for p in m.pointers)
    if not given and any(f.hands for f in found):
        return
    leaves = plural(count, "The address does", "The addresses do")
    it = plural(count, "it", "them")
    kept = sorted({name for f in mapping for name in f.keeps})
    holders = listed(["local variables", *kept]) + f" hold {it}"
    start = f"{leaves} not leave the thread: only {holders}, and"
    if not given:
        to = "function by its name" if pointers else "function"
        yield f"{start} no {to} is given {it}"
    else:
        who, keep = plural(count, "it", "one"), plural(len(given), "keeps", "keep")
        are, callees = plural(len(given), "is", "are"), _callees(given, found, own)
        yield f"{start} {callees}, which {are} given {who}, {keep} no copy"
    if kept:
        yield (
            f"The structure of {listed(kept)} is on the stack wherever it is declared:"
            " all functions that are given it were read, and none of them keeps it"
        )
    for pointer in pointers:
        yield _pointer(pointer)


def _pointer(said: str) -> str:
    """What a function pointer can be, as SAID, or how many functions these are."""
    names = said.count(" or ") + 1
    whose, found, _ = said.partition(" is ")
    if names > MOST and found:
        return f"{whose} is one of {names} functions, of which none keeps a copy"
    none = "which keeps no copy" if names == 1 else "of which none keeps a copy"
    return f"{said}, {none}"


def _callees(
    given: Sequence[str], found: Sequence[Function], own: Collection[str]
) -> str:
    """The callees, those that were read with the file they are in."""
    read = dict(each for f in found for each in f.read)
    files: dict[str, list[str]] = defaultdict(list)
    for name in given:
        file = read.get(name, "")
        files["" if file in own else file].append(name)
    plainly = files.pop("", [])
    parts = [f"{name}()" for name in plainly[:MOST]]
    parts += [f"{calls(names)} of {file}" for file, names in sorted(files.items())]
    more = len(plainly) - MOST
    return listed(parts + ([f"{more} more"] if more > 0 else []))


MOST = 8


def paths(found: Sequence[Function]) -> Iterator[str]:
    """What is taken for granted of the ways through a function."""
    for function in found:
        for granted in function.granted:
            yield f"No path through {function.name}() goes wrong: {granted}"


def order(found: Sequence[Function]) -> Iterator[str]:
    """Whether mappings nest, and that they are unmapped in reverse order."""
    mapping = [f for f in found if any(m.mapped for m in f.mappings)]
    mapping = [f for f in mapping if not f.hands]
    deep = [f for f in mapping if f.deepest > 1]
    for depth in sorted({f.deepest for f in deep}):
        yield _nested(depth, [f for f in deep if f.deepest == depth])
    inside = list(_inside(mapping, found))
    own = " of its own" if inside else ""
    if not deep and len(mapping) == 1:
        yield f"{mapping[0].name}() holds no other mapping{own} meanwhile"
    elif not deep and mapping:
        yield f"None of the functions holds two mappings{own} at a time"
    yield from inside


def _inside(mapping: Sequence[Function], found: Sequence[Function]) -> Iterator[str]:
    """What functions of FOUND, that map pages too, is called by those MAPPING."""
    others = {f.name for f in found if f.mappings and not f.hands}
    for function in mapping:
        between = dict.fromkeys(n for m in function.mappings for n in m.between)
        inner = [name for name in between if name in others - {function.name}]
        if inner:
            maps = plural(len(inner), "maps a page", "map pages")
            ends = plural(
                len(inner),
                "unmaps it before it returns",
                "unmap them before they return",
            )
            meanwhile = f"While its page is mapped {function.name}() calls"
            yield f"{meanwhile} {calls(inner)}, which {maps} as well and {ends}"


def _nested(depth: int, found: Sequence[Function]) -> str:
    names = [f.name for f in found]
    count = NUMBERS.get(depth, str(depth))
    text = (
        f"{functions(names)} {plural(len(names), 'holds', 'hold')} {count} mappings at"
        f" a time, and {plural(len(names), 'unmaps', 'unmap')} them in reverse order,"
        " as local mappings have to be"
    )
    swapped = [f.name for f in found if any(m.exchanged for m in f.mappings)]
    if not swapped:
        return text
    whose = "two unmaps" if swapped == names else f"two unmaps of {functions(swapped)}"
    return f"{text}: for that {whose} change places"


def context(found: Sequence[Function]) -> Iterator[str]:
    """What was done where the code counted on what kmap_atomic() disabled."""
    atomic = [m for f in found for m in f.mappings if m.atomic]
    asked: dict[Disabled, list[str]] = defaultdict(list)
    for function in found:
        for mapping in function.mappings:
            for each in mapping.disabled:
                asked[each].append(function.name)
    for disable in sorted({each.disable for each in asked}):
        mine = {each: names for each, names in asked.items() if each.disable == disable}
        yield from _disabled(disable, mine)
    rest = [m for m in atomic if not m.disabled]
    if asked and rest:
        others = sorted({name for m in rest for name in m.between})
        what = f" ({calls(others)})" if others else ""
        yield f"The other code between the calls{what} needs neither of them disabled"


def _disabled(disable: str, asked: Mapping[Disabled, list[str]]) -> Iterator[str]:
    """Why DISABLE is called by name now, in the functions of ASKED."""
    what = "page faults" if disable.startswith("pagefault") else "preemption"
    by_name = f"{disable}() and {disable.replace('disable', 'enable')}()"
    needing = [
        f"in {functions(names)} {_chain(each.calls)}"
        for each, names in sorted(asked.items(), key=lambda x: x[0].calls)
        if each.calls
    ]
    if needing:
        yield (
            f"{listed(needing)} may rely on {what} being disabled, as kmap_atomic()"
            f" had it: {by_name} see to that now"
        )
    beside = [n for each, names in asked.items() if not each.calls for n in names]
    if beside:
        yield (
            f"{functions(beside)} {plural(len(set(beside)), 'has', 'have')} {disable}()"
            f" in the other arm of the #if: {by_name} say now what kmap_atomic()"
            " implied"
        )


def _chain(calls_: Sequence[str]) -> str:
    """What needs something, and by what it is called: "b() (called by a())"."""
    before = listed(f"{name}()" for name in calls_[:-1])
    return f"{calls_[-1]}() (called by {before})" if before else f"{calls_[-1]}()"
