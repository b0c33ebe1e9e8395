# SPDX-License-Identifier: GPL-2.0-only
"""The flags of allocations, by whether they can give a page of highmem.

Source: include/linux/gfp_types.h of Linux 6.1 (gfp.h before 6.0): a page is of highmem
only where __GFP_HIGHMEM is given, alone or as a part of another name.
"""

from __future__ import annotations

from collections.abc import Iterable

LOWMEM = frozenset(
    "GFP_ATOMIC GFP_DMA GFP_DMA32 GFP_KERNEL GFP_KERNEL_ACCOUNT GFP_NOFS GFP_NOIO"
    " GFP_NOWAIT __GFP_ACCOUNT __GFP_ATOMIC __GFP_COMP __GFP_DIRECT_RECLAIM __GFP_DMA"
    " __GFP_DMA32 __GFP_FS __GFP_HIGH __GFP_IO __GFP_KSWAPD_RECLAIM __GFP_MEMALLOC"
    " __GFP_NOFAIL __GFP_NOMEMALLOC __GFP_NORETRY __GFP_NOWARN __GFP_RECLAIM"
    " __GFP_RETRY_MAYFAIL __GFP_THISNODE __GFP_ZERO".split()
)
_BETWEEN = frozenset("|()")
ALWAYS = -1  # gives lowmem whatever it is given


def are_low(words: Iterable[str]) -> bool:
    """Whether WORDS, the tokens of an argument, are flags that ask for lowmem."""
    found = [word for word in words if word not in _BETWEEN]
    return bool(found) and LOWMEM.issuperset(found)
