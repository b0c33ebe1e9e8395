# SPDX-License-Identifier: GPL-2.0-only
"""The mapping calls of the kernel, old and new, and what ends each.

Source: include/linux/highmem.h, highmem-internal.h and bvec.h of Linux 6.1
and 6.12; Documentation/mm/highmem.rst.
"""

from __future__ import annotations

from typing import NamedTuple


class Map(NamedTuple):
    """A map call: the unmap that ends it, what replaces it, whether it disables
    page faults and preemption, whether it is on the stack, and what else than
    an address it may return ("null", "error")."""

    ends: str
    new: str
    atomic: bool
    stacked: bool
    fails: tuple[str, ...] = ()


class Unmap(NamedTuple):
    """An unmap call: its kind, and the number of the argument that it ends."""

    kind: str
    number: int = 0


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
    name: Unmap(name) for name in ("kunmap", "kunmap_atomic", "kunmap_local")
}
UNMAPS = PAGE_UNMAPS | {name: Unmap(name) for name in ("pte_unmap", "pte_unmap_unlock")}

OLD_MAPS = tuple(name for name, api in MAPS.items() if api.new)
OLD_UNMAPS = ("kunmap", "kunmap_atomic")
OLD = OLD_MAPS + OLD_UNMAPS
ALL = (*MAPS, *UNMAPS)
