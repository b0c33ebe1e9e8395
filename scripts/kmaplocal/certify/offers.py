# SPDX-License-Identifier: GPL-2.0-only
"""Whether every kernel that some code is for has what a conversion calls."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from kmaplocal.c.arms import Arms, Kernels
from kmaplocal.c.conditions import Version, dotted
from kmaplocal.c.outline import Outline, Span
from kmaplocal.knowledge import functions
from kmaplocal.repairs import folios, vectors
from kmaplocal.tree.definitions import Definitions

LOCAL = "kmap_local_page"  # without it nothing is converted
_CALLS = {folios.MAP, vectors.MAP}


@dataclass
class Offers:
    """What KERNELS offer, by the WORDS of the headers that have the page helpers, where
    there are such; and what the tree of DEFINITIONS has of its own for older ones."""

    kernels: Kernels
    words: frozenset[str] | None
    definitions: Definitions | None

    def limit(self, outline: Outline, span: Span) -> Version:
        """The oldest kernel that the function SPAN is for; where none is given, the
        latest."""
        return min(Arms(outline, span, self.kernels).versions)

    def helpers(self, limit: Version) -> frozenset[str] | None:
        """The page helpers there are in Linux LIMIT, and in all later ones, and the map
        calls for folios and bio_vecs; None: all that are known."""
        if self.words is None and limit == self.kernels.newest:
            return None
        names = functions.HELPERS | _CALLS
        return frozenset(name for name in names if self.has(name, limit))

    def has(self, name: str, limit: Version) -> bool:
        """Whether Linux LIMIT, and every later one, has NAME."""
        if self.words is not None and name not in self.words:
            return name in self._own
        first = functions.of(name).first
        return (first <= limit if first else not self.kernels.oldest) or (
            name in self._own
        )

    def lack(self, limit: Version) -> str:
        """Why nothing can be converted in what is for Linux LIMIT."""
        if functions.of(LOCAL).first <= limit or LOCAL in self._own:
            return ""
        since = functions.of(LOCAL).since
        return (
            f"{LOCAL}() came with Linux {since}, and this is for Linux {dotted(limit)}"
        )

    @cached_property
    def _own(self) -> frozenset[str]:
        """What a module defines itself of what later kernels have."""
        if not self.definitions or self.definitions.is_kernel:
            return frozenset()
        names = {LOCAL, *_CALLS, *functions.HELPERS}
        found = self.definitions.own.functions(names)
        return frozenset(name for name, places in found.items() if places)
