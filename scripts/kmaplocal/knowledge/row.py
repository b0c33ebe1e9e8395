# SPDX-License-Identifier: GPL-2.0-only
"""A row of the table: what is known of one function or macro of the kernel.

A row says what a reader of the kernel's source can verify at the place it names;
what it does not say is unknown, and is never taken for harmless.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

# To whom an address is handed.
DIRECT_MAP = "direct map"  # derives what only the kernel's direct map gives
CONTEXT = "context"  # another context runs with it
PUBLISHED = "published"  # others find it
FREED = "freed"
KEPT = "kept"  # none of these, and yet it is not for its thread alone

# How a function looks at page faults or preemption.
USES = "uses"  # works only or otherwise while they are off
ASSERTS = "asserts"  # asks whether they are off: a person counts on it

FAULTS = "faults"
PREEMPT = "preempt"

# When a function sleeps.
ALWAYS = "always"
BY_FLAGS = "by its flags"  # those of an allocation, its last argument
PAGING_IN = "paging in"  # with page faults off it fails instead
BY_ITERATOR = "by its iterator"  # the same, where that is of user memory
ON_RT = "on PREEMPT_RT"

# What a function that is given a page does to its mapping.
LEAVES = "leaves"  # unmaps nothing
MARKS = "marks"  # nor needs it mapped or unmapped: it can be called at any time

# What many pages are said in.
BYTES = "bytes"
NUMBER = "number"

# An entry that may be of many pages.
VECTOR = "bio_vec"
LIST = "entry of a scatterlist"
FRAGMENT = "fragment of an skb"

EVERY = tuple(range(8))


RESULT = -1  # where an address is: in the result, not in an argument
# By what an unmap call finds the mapping that it ends.
ADDRESS, PAGE, HOLDER = "address", "page", "holder"
OUTPUT = "output"  # a page is left behind it


class Under(NamedTuple):
    """A condition that HOLDS or not: its TEXT, in which `#0` is the argument of the
    first of NUMBERS, and so on."""

    text: str
    holds: bool
    numbers: tuple[int, ...]


class Map(NamedTuple):
    """A map call: the unmap that ends it, what replaces it, whether it disables
    page faults and preemption, whether it is on the stack, and what it returns
    where it maps nothing: "null", "error", or, where the address is elsewhere and the
    result a number, "nonzero" (then 0 says that it mapped) or "zero" (then all else
    does).

    The address is in the result, or WHERE the argument of that number points to;
    `kept` in that argument's structure, for the unmap function that is given the
    same.  One that maps `again` first ends what it mapped before.  A function that
    maps for its callers does so BY another map call.  Of one that maps `into_page`
    the address need not be that of the page's begin.  The result of one that GIVES_PAGE
    is a page that is mapped.  By the arguments that NAMED has the numbers of it can be
    ended as well: each is the page, what keeps page or address, or where it is left.
    One that RETURNS gives an address in the page beside that which is elsewhere.  One
    that maps UNDER a condition gives another address where that does not hold."""

    ends: str
    new: str
    atomic: bool
    stacked: bool
    fails: tuple[str, ...] = ()
    where: int = RESULT
    kept: bool = False
    again: bool = False
    by: str = ""
    into_page: bool = False
    gives_page: bool = False
    named: tuple[tuple[int, str], ...] = ()
    returns: bool = False
    under: Under | None = None


class Unmap(NamedTuple):
    """An unmap call: its kind, and the number of the argument that it ends, which
    is the address, the page (for kunmap()), or what holds the address; and UNDER which
    condition."""

    kind: str
    number: int = 0
    given: str = ADDRESS
    under: Under | None = None


class Range(NamedTuple):
    """The numbers of the arguments that are a page, an offset in it, and a length."""

    page: int
    offset: int
    length: int


@dataclass(frozen=True)
class Row:
    """What is known of a function.  Arguments go by their numbers, from 0.

    SOURCE is the file of Linux 6.1 that the facts were read in, or of 7.2 where 6.1
    has no such function; SINCE the first version known to have it, "" where
    nobody asked."""

    name: str
    source: str = ""
    since: str = ""

    # What becomes of an address it is given.
    keeps: bool = True  # whether it may have a copy after it returned
    keeps_behind: bool = True  # ... or of an address that it finds in that memory
    reads: tuple[int, ...] = ()  # only reads through these
    writes: tuple[int, ...] = ()  # writes through these
    length: int | None = None  # how many bytes it reads and writes through them
    page_long: bool = False  # ... which are PAGE_SIZE
    stores: tuple[int, ...] = ()  # writes these themselves into memory
    binds: tuple[int, int] | None = None  # puts what one points to behind the other
    returns: bool = False  # may return an address in the same page
    hands: str = ""  # DIRECT_MAP ...
    how: str = ""  # "it is queued"
    prints: bool = False  # as a number, unless the format asks for what is there
    registers: bool = False  # names a function that another context is to run

    # What its value is.
    repeats: bool = False  # the same each time, while what it reads stays the same
    silent: bool = False  # by its arguments alone; changes nothing
    by_value: bool = False  # a macro in capitals that assigns to no argument
    looks: bool = False  # at the value of a pointer, not at what it points to
    assigns: bool = False  # a macro that assigns to what looks given by value
    same: bool = False  # its first argument
    takes: bool = False  # ... a variable, which is NULL from then on
    overlaps: bool = False  # asks by its first two addresses whether both overlap
    tests: bool = False  # its first argument, as a condition
    linear: bool = False  # the linear address of the page that is argument 0
    lasts: bool = False  # true of a page, it is true of every page after that
    # The entries of what this function gives, NULL where there is none.
    counts: str = ""
    error: bool = False  # an error as a pointer
    picks: tuple[str, int] | None = None  # "least", "most" or "clamps", from where on
    many_pages: str = ""  # how large what may be of many pages is: BYTES or NUMBER

    # In which context it runs.
    faults: str = ""  # USES or ASSERTS that page faults are off
    preempt: str = ""  # ... that preemption, migration or interrupts are
    disables: str = ""  # FAULTS or PREEMPT
    sleeps: str = ""  # ALWAYS ...
    until: tuple[str, ...] = ()  # nothing may sleep until one of these is called
    guards: tuple[str, ...] = ()  # the names by which guard() calls it
    allocates_pages: bool = False
    flags: int | None = None  # gives a page by those in that argument (gfp.py)
    returns_never: bool = False

    # What it has to do with mappings.
    maps: Map | None = None
    unmaps: Unmap | None = None
    maps_itself: bool = False  # a helper: maps a page, accesses it, unmaps it
    flushes: str = ""  # ... and calls flush_dcache_page(): since which version
    helper: tuple[int, str] | None = None  # number of arguments, and the helper for it
    takes_page: str = ""  # LEAVES or MARKS
    ranges: tuple[Range, ...] = ()  # that are to lie in one page
    vector: int | None = None  # a bio_vec that is to be of one page
    folio_offset: int | None = None  # an offset in a folio, in bytes
    page_number: bool = False  # gives the number of a page in its folio or file
    entry: str = ""  # gives, or goes through, VECTORs ... that are not cut to pages
    cuts: bool = False  # gives, or goes through, VECTORs that are

    @property
    def first(self) -> tuple[int, ...]:
        """SINCE, as three numbers; () where nobody asked."""
        return _numbers(self.since)

    @property
    def flushing(self) -> tuple[int, ...]:
        """The version since which it calls flush_dcache_page(); () where it does
        not."""
        return _numbers(self.flushes)

    @property
    def accesses(self) -> tuple[int, ...]:
        """The arguments that as many bytes are read or written through as the
        argument LENGTH says."""
        return tuple(sorted({*self.writes, *self.reads})) if self.length else ()


def expanded(table: Mapping[str, Iterable[Row]]) -> Iterator[Row]:
    """The rows of a TABLE that has them by their source; a row of several names, with
    blanks between, stands for as many rows that are alike."""
    for source, rows in table.items():
        for row in rows:
            for name in row.name.split():
                yield replace(row, name=name, source=source)


def _numbers(version: str) -> tuple[int, ...]:
    """A VERSION as three numbers; () for none."""
    numbers = [int(n) for n in version.split(".") if n]
    return tuple([*numbers, 0, 0][:3]) if numbers else ()
