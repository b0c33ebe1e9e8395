# SPDX-License-Identifier: GPL-2.0-only
"""Which called functions may map or unmap at all, by the names in their text.

Only these are read to find out what they do to the mappings of their callers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from kmaplocal.knowledge import api


class Reaching:
    """What is asked for by the functions that ANALYSIS looks at."""

    def __init__(self, analysis):
        self.analysis = analysis

    def answer(self, asked: Collection[tuple[str, str]]) -> None:
        """Say of each of ASKED, a file and a name called in it, whether it may map or
        unmap; what may is asked for, to be read.  Errors: those of Definitions."""
        callees = self.analysis.callees
        elsewhere: dict[str, list[str]] = defaultdict(list)
        for caller, name in asked:
            outline = self.analysis.outlines[caller]
            own = {item.name for item in (*outline.functions, *outline.macros)}
            callees.mapping[caller, name] = name in outline.reaching(api.NAMES)
            if name not in own:
                elsewhere[name].append(caller)
        for name in self._elsewhere(elsewhere):
            callees.mapping.update(
                dict.fromkeys([(c, name) for c in elsewhere[name]], True)
            )
        for caller, name in asked:
            if callees.mapping[caller, name]:
                callees.find(caller, name)

    def _elsewhere(self, names: Collection[str]) -> list[str]:
        """Which of NAMES a function has that reaches a map function, in a file that
        names one."""
        definitions = self.analysis.definitions
        if not definitions or not names:
            return []
        found = definitions.mapping(names)
        self.analysis.outline(sorted(set().union(*found.values())))
        return [name for name, files in found.items() if self._in_any(name, files)]

    def _in_any(self, name: str, files: Iterable[str]) -> bool:
        outlines = self.analysis.outlines
        return any(name in outlines[file].reaching(api.NAMES) for file in files)
