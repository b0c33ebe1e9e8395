# SPDX-License-Identifier: GPL-2.0-only
"""The mapping calls of the kernel, old and new, and what ends each.

Source: the rows of include/linux/highmem*.h, bvec.h and pgtable.h in pages.py;
Documentation/mm/highmem.rst.
"""

from kmaplocal.knowledge.functions import TABLE
from kmaplocal.knowledge.row import ADDRESS, HOLDER, OUTPUT, PAGE, RESULT, Map, Unmap

__all__ = ["ADDRESS", "HOLDER", "OUTPUT", "PAGE", "RESULT", "Map", "Unmap"]

_MAPS = {name: row.maps for name, row in TABLE.items() if row.maps}
_UNMAPS = {name: row.unmaps for name, row in TABLE.items() if row.unmaps}

MAPS = {name: call for name, call in _MAPS.items() if not call.by}
UNMAPS = {name: call for name, call in _UNMAPS.items() if call.kind == name}
# Functions of the kernel that map or unmap for their callers: what is said here
# holds where they cannot be read, too.
KERNEL_MAPS = {name: call for name, call in _MAPS.items() if call.by}
KERNEL_UNMAPS = {name: call for name, call in _UNMAPS.items() if call.kind != name}

# Of pages, and of page tables.
PAGE_MAPS = {name: call for name, call in MAPS.items() if call.ends[:4] != "pte_"}
TABLE_MAPS = {name: call for name, call in MAPS.items() if name not in PAGE_MAPS}
PAGE_UNMAPS = {name: call for name, call in UNMAPS.items() if name[:4] != "pte_"}

OLD_MAPS = tuple(name for name, api in MAPS.items() if api.new)
OLD_UNMAPS = tuple(dict.fromkeys(MAPS[name].ends for name in OLD_MAPS))
OLD = OLD_MAPS + OLD_UNMAPS
ALL = (*MAPS, *UNMAPS)
# What a function that maps or unmaps for its callers has the name of one of.
NAMES = frozenset([*PAGE_MAPS, *PAGE_UNMAPS, *KERNEL_MAPS, *KERNEL_UNMAPS])
