# SPDX-License-Identifier: GPL-2.0-only
"""The message of a patch: why the old calls go, why the new ones are safe, what
else was changed, and how it was checked.

Each sentence follows from what account.py found in this file; one that nothing
in it asks for is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from kmaplocal.series.account import COPIED, FILLED, JOINED, RENAMED
from kmaplocal.series.account import Account, Function, Mapping
from kmaplocal.series.prefix import Style
from kmaplocal.series.words import functions, listed, paragraph, plural

LOCAL_CALLS = "kmap_local_page"
NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}
MOST_CALLS = 6


def subject(accounts: Sequence[Account], style: Style) -> str:
    """The subject of a patch, without [PATCH]: "fs/aio: Replace kmap() by ..."."""
    old = {m.api for a in accounts for f in a.functions for m in f.mappings}
    new = [m.new for a in accounts for f in a.functions for m in f.mappings]
    verb = "Replace" if style.capital else "replace"
    by = new[0] if len(set(new)) == 1 else LOCAL_CALLS
    return f"{style.prefix}: {verb} {_together(old)} with {by}()"


def _together(old: set[str]) -> str:
    """The old calls as one word: kmap(), kmap_atomic() or kmap{,_atomic}()."""
    atomic = old - {"kmap"}
    if not atomic:
        return "kmap()"
    one = min(atomic) if len(atomic) == 1 else "kmap_atomic"
    return f"kmap{{,_{one.removeprefix('kmap_')}}}()" if "kmap" in old else f"{one}()"


def body(accounts: Sequence[Account], checked: Sequence[str] = ()) -> str:
    """The text between subject and trailers, in paragraphs of 72 columns.

    CHECKED: sentences on what was built, compared and run."""
    found = [f for a in accounts for f in a.functions]
    paragraphs = [
        paragraph(_why(found)),
        paragraph([*_nesting(found), *_local(found), *_context(found)]),
        paragraph([*_handed(found), *_helpers(found), *_changes(found)]),
        paragraph(checked),
    ]
    return "\n\n".join(text for text in paragraphs if text) + "\n"


def notes(accounts: Sequence[Account]) -> str:
    """What stands below the `---`: comments that a person is to look at."""
    outdated = [note for a in accounts for note in a.outdated]
    return "".join(f"{note}\n" for note in outdated)


# -- why the old calls go ------------------------------------------------------


def _why(found: Sequence[Function]) -> Iterator[str]:
    slow = _names(f for f in found if any(not m.atomic for m in f.mappings))
    atomic = _names(f for f in found if any(m.atomic for m in f.mappings))
    if slow:
        yield (
            f"kmap(), called in {functions(slow)}, is deprecated: it takes an address"
            " from a small pool behind a global lock, may sleep until one is free,"
            " and has the TLB of all CPUs flushed when the pool wraps"
        )
    if atomic:
        name = _atomic_name(found)
        also = " too" if slow else ""
        yield (
            f"{name}(), called in {functions(atomic)}, is deprecated{also}: it"
            " disables page faults and preemption along with the mapping"
        )
    yield _instead(bool(slow), bool(atomic), {m.new for f in found for m in f.mappings})


def _atomic_name(found: Sequence[Function]) -> str:
    return min(m.api for f in found for m in f.mappings if m.atomic)


def _instead(slow: bool, atomic: bool, new: set[str]) -> str:
    """What the new calls have over the old ones."""
    map_calls = sorted(n for n in new if n.startswith("kmap_local"))
    who = f"{map_calls[0]}()" if map_calls else "the mapping in the page helper"
    if slow and atomic:
        return (
            f"{who} does neither: the mapping belongs to the thread, which may be"
            " preempted and take page faults and finds it in place again, and it"
            " can be made in any context"
        )
    if slow:
        return (
            f"{who} needs no lock and no global flush: the mapping belongs to the"
            " thread, and can be made in any context, interrupts included"
        )
    return (
        f"{who} leaves both enabled: the mapping belongs to the thread, and is put"
        " in place again when the thread was preempted"
    )


# -- why the new ones are safe ---------------------------------------------------


def _nesting(found: Sequence[Function]) -> Iterator[str]:
    deep = [f for f in found if f.deepest > 1]
    for depth in sorted({f.deepest for f in deep}):
        names = _names(f for f in deep if f.deepest == depth)
        count = NUMBERS.get(depth, str(depth))
        verb = plural(len(names), "has", "have")
        yield (
            f"{functions(names)} {verb} {count} pages mapped at a time, which are"
            " unmapped in reverse order, as local mappings have to be"
        )
    swapped = _names(f for f in found if any(m.exchanged for m in f.mappings))
    if swapped:
        yield (
            f"For that two unmaps change places in {functions(swapped)}: the old calls"
            " did not mind the order on most machines"
        )
    if not deep:
        mapped = sum(len(f.mappings) for f in found)
        yield (
            "No other page is mapped by the function meanwhile"
            if mapped == 1
            else "None of the functions holds two of these mappings at a time"
        )


def _local(found: Sequence[Function]) -> Iterator[str]:
    """That the address stays in the thread, and how that is known."""
    given = sorted({name for f in found for m in f.mappings for name in m.given})
    read = dict(sorted(each for f in found for each in f.read))
    leaves = [name for name in given if name not in read]
    if not given:
        yield (
            "The address does not leave the thread: every use of it reads, writes or"
            " compares"
        )
        return
    parts = []
    if leaves:
        parts.append(f"{_some(leaves)}, which {_keeps(leaves)} nothing")
    if read:
        files = _by_file(read)
        parts.append(
            f"{files}, which {plural(len(read), 'was', 'were')} read for that and"
            f" {_keeps(list(read))} nothing either"
            if leaves
            else f"{files}, which {plural(len(read), 'was', 'were')} read for that and"
            f" {_keeps(list(read))} nothing"
        )
    yield (
        "The address does not reach another thread: it is only read, written and"
        f" compared with, and given to {'; and to '.join(parts)}"
    )


def _keeps(names: Sequence[str]) -> str:
    return plural(len(names), "keeps", "keep")


def _some(names: Sequence[str]) -> str:
    if len(names) <= MOST_CALLS:
        return listed(f"{name}()" for name in names)
    shown = ", ".join(f"{name}()" for name in names[:MOST_CALLS])
    return f"{shown} and {len(names) - MOST_CALLS} more like them"


def _by_file(read: dict[str, str]) -> str:
    """Callees by the file they were read in: "a() and b() of fs/x.c"."""
    files: dict[str, list[str]] = defaultdict(list)
    for name, file in read.items():
        files[file].append(name)
    return listed(f"{_some(names)} of {file}" for file, names in files.items())


def _context(found: Sequence[Function]) -> Iterator[str]:
    """Whether the code counted on what kmap_atomic() disabled."""
    atomic = [m for f in found for m in f.mappings if m.atomic]
    if not atomic:
        return
    asked: dict[tuple[str, str], list[str]] = defaultdict(list)
    for function in found:
        for mapping in function.mappings:
            for each in mapping.disabled:
                asked[each].append(function.name)
    for (disable, callee), names in sorted(asked.items()):
        yield _disabled(disable, callee, names)
    if all(m.disabled for m in atomic):
        return
    rest = "The other code" if asked else "The code"
    calls = sorted({n for m in atomic if not m.disabled for n in m.between})
    what = f"it calls {_some(calls)}" if calls else "there are only plain accesses"
    name = _atomic_name(found)
    yield (
        f"{rest} between {name}() and kunmap_atomic() does not depend on page faults"
        f" or preemption being disabled ({what}), so that neither"
        " pagefault_disable() nor preempt_disable() takes the place of it"
    )


def _disabled(disable: str, callee: str, names: Sequence[str]) -> str:
    enable = disable.replace("disable", "enable")
    faults = disable.startswith("pagefault")
    what = "page faults" if faults else "preemption"
    asks = f"{callee}()" if callee else "what runs between"
    return (
        f"In {functions(names)} {asks} counts on {what} being disabled, which"
        f" kmap_atomic() did: {disable}() and {enable}() say so now"
    )


# -- what else was changed ---------------------------------------------------------


def _handed(found: Sequence[Function]) -> Iterator[str]:
    hands = _names(f for f in found if f.hands)
    ends = _names(f for f in found if f.ends)
    if hands:
        verb = plural(len(hands), "returns", "return")
        yield (
            f"{functions(hands)} {verb} the address: all callers in the tree were"
            " looked at, they end the mapping in the thread that made it, and are"
            " converted with it"
        )
    if ends:
        verb = plural(len(ends), "ends", "end")
        yield f"{functions(ends)} {verb} the mapping of a caller, with which it changes"


def _helpers(found: Sequence[Function]) -> Iterator[str]:
    used: dict[tuple[str, str, bool, bool], list[str]] = defaultdict(list)
    for function in found:
        for m in function.mappings:
            if m.way in (COPIED, FILLED):
                only = all(o.way == m.way for o in function.mappings)
                used[m.new, m.way, m.spared, only].append(function.name)
    for (helper, way, spared, only), names in sorted(used.items()):
        yield _helper(helper, way, spared, only, names)


def _helper(helper: str, way: str, spared: bool, only: bool, names: list[str]) -> str:
    """What a page helper does in NAMES; ONLY: they map for nothing else."""
    what = "the mapping" if only else "one mapping"
    serves = f"{what} serves one copy or fill, which stays in the page"
    does = f"{helper}() does it all"
    if way == FILLED:
        serves = f"{what} fills a whole structure at the start of the page"
        does = f"{helper}() of a compound literal does the same"
    flush = ", and flushes the data cache itself" if spared else ""
    return f"In {functions(names)} {serves}: {does}{flush}"


def _changes(found: Sequence[Function]) -> Iterator[str]:
    joined = _names(f for f in found if any(m.way == JOINED for m in f.mappings))
    if joined:
        yield (
            f"{functions(joined)} dropped the value of kmap() and asked page_address()"
            " for it, which knows nothing of local mappings: the two become one call"
        )
    for function in found:
        for mapping in function.mappings:
            if mapping.base:
                yield (
                    f"kunmap_local() is to be given an address in the page, and in"
                    f" {function.name}() the pointer moves on: {mapping.base} keeps the"
                    " one that was mapped"
                )
    flushed = _names(f for f in found if f.flushed)
    if flushed:
        verb = plural(len(flushed), "writes", "write")
        yield (
            f"{functions(flushed)} {verb} to the page without flush_dcache_page(),"
            " unlike all others in this file: add it"
        )
    by_page = _names(f for f in found if any(_by_page(m) for m in f.mappings))
    if by_page and any(m.atomic for f in found for m in f.mappings):
        yield "kunmap() was given the page, kunmap_local() is given the address"


def _by_page(mapping: Mapping) -> bool:
    return mapping.api == "kmap" and mapping.way == RENAMED


def _names(found: Iterable[Function]) -> list[str]:
    return [f.name for f in found]
