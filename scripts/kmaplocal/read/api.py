# SPDX-License-Identifier: GPL-2.0-only
"""The mapping calls of the kernel, old and new, and what ends each.

Source: include/linux/highmem.h, highmem-internal.h and bvec.h of Linux 6.1
and 6.12; Documentation/mm/highmem.rst.
"""

from __future__ import annotations

from typing import NamedTuple

RESULT = -1  # where an address is: in the result, not in an argument
# By what an unmap call finds the mapping that it ends.
ADDRESS, PAGE, HOLDER = "address", "page", "holder"


class Map(NamedTuple):
    """A map call: the unmap that ends it, what replaces it, whether it disables
    page faults and preemption, whether it is on the stack, and what it returns
    where it maps nothing: "null", "error", or, where the address is elsewhere,
    "nonzero" (then 0 says that it mapped) or "zero" (then all else does).

    The address is in the result, or WHERE the argument of that number points to;
    `kept` in that argument's structure, for the unmap function that is given the
    same.  One that maps `again` first ends what it mapped before.  A function that
    maps for its callers does so BY another map call."""

    ends: str
    new: str
    atomic: bool
    stacked: bool
    fails: tuple[str, ...] = ()
    where: int = RESULT
    kept: bool = False
    again: bool = False
    by: str = ""


class Unmap(NamedTuple):
    """An unmap call: its kind, and the number of the argument that it ends, which
    is the address, the page (for kunmap()), or what holds the address."""

    kind: str
    number: int = 0
    given: str = ADDRESS


MAPS = {
    "kmap": Map("kunmap", "kmap_local_page", False, False),
    "kmap_atomic": Map("kunmap_atomic", "kmap_local_page", True, True),
    "kmap_atomic_prot": Map("kunmap_atomic", "kmap_local_page_prot", True, True),
    "kmap_atomic_pfn": Map("kunmap_atomic", "kmap_local_pfn", True, True),
    "kmap_local_page": Map("kunmap_local", "", False, True),
    "kmap_local_page_prot": Map("kunmap_local", "", False, True),
    "kmap_local_folio": Map("kunmap_local", "", False, True),
    "kmap_local_pfn": Map("kunmap_local", "", False, True),
    "bvec_kmap_local": Map("kunmap_local", "", False, True),
}

# With CONFIG_HIGHPTE a page table is mapped by kmap_local_page() (asm/pgtable_32.h,
# linux/pgtable.h), so these are on the stack with the others.
_TABLE = Map("pte_unmap", "", False, True, ("null",))
TABLE_MAPS = {
    "pte_offset_map": _TABLE,
    "pte_offset_map_nolock": _TABLE,
    "pte_offset_map_ro_nolock": _TABLE,
    "pte_offset_map_rw_nolock": _TABLE,
    "pte_offset_map_lock": _TABLE._replace(ends="pte_unmap_unlock"),
}

PAGE_MAPS = dict(MAPS)
MAPS |= TABLE_MAPS

PAGE_UNMAPS = {
    "kunmap": Unmap("kunmap", 0, PAGE),
    "kunmap_atomic": Unmap("kunmap_atomic"),
    "kunmap_local": Unmap("kunmap_local"),
}
UNMAPS = PAGE_UNMAPS | {name: Unmap(name) for name in ("pte_unmap", "pte_unmap_unlock")}

OLD_MAPS = tuple(name for name, api in MAPS.items() if api.new)
OLD_UNMAPS = ("kunmap", "kunmap_atomic")
OLD = OLD_MAPS + OLD_UNMAPS
ALL = (*MAPS, *UNMAPS)

# Functions of the kernel that map or unmap for their callers: what is said here
# holds where they cannot be read, too.  lib/scatterlist.c: sg_miter_next() first
# stops; net/core/skbuff.c: skb_seq_read() unmaps the fragment before.
_NEXT = Map("kunmap_local", "", False, True, ("zero",), 0, True, True, "kmap_atomic")
KERNEL_MAPS = {
    "sg_miter_next": _NEXT,
    "skb_seq_read": _NEXT._replace(where=2),
}
# linux/highmem.h: folio_release_kmap(), unmap_and_put_page().
KERNEL_UNMAPS = {
    "sg_miter_stop": Unmap("kunmap_local", 0, HOLDER),
    "skb_abort_seq_read": Unmap("kunmap_local", 0, HOLDER),
    "folio_release_kmap": Unmap("kunmap_local", 1),
    "unmap_and_put_page": Unmap("kunmap_local", 1),
}
