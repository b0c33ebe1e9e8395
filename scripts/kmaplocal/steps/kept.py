# SPDX-License-Identifier: GPL-2.0-only
"""A kept mapping, as the rules for its next step look at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from kmaplocal.c.text import plain
from kmaplocal.c.syntax import Expr, Function
from kmaplocal.certify.analysis import FileAnalysis
from kmaplocal.certify.certificate import Certificate, Obligation, Verdict
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.flow.events import Event, Kind, Root
from kmaplocal.flow.trace import Site, Trace
from kmaplocal.knowledge import api
from kmaplocal.steps.callers import Callers
from kmaplocal.steps.unmapping import Unmapping, page_names


@dataclass
class Kept:
    """A mapping that is kept: where it is, what was found of it, and the functions
    that unmap and call all over the files."""

    file: FileAnalysis
    analysis: FunctionAnalysis
    verdict: Verdict
    certificate: Certificate
    site: Site
    unmapping: Unmapping
    callers: Callers

    @property
    def function(self) -> Function:
        """The function that maps."""
        return self.analysis.function

    @property
    def name(self) -> str:
        """... and its name."""
        return self.function.name

    @property
    def trace(self) -> Trace:
        """What was seen in it."""
        return self.analysis.trace

    @property
    def page(self) -> str:
        """The page as it is written, without what it is assigned to on the way."""
        argument = self.site.call.arguments.get(0)
        while argument is not None and argument.bare().kind == "assign":
            argument = argument.bare().children[1]
        return plain(argument.text if argument is not None else self.site.page)

    def bad(self, name: str) -> Obligation | None:
        """The obligation NAME, where it does not hold."""
        found = (o for o in self.certificate.obligations if o.name == name)
        return next((o for o in found if not o.good), None)

    def uses(self, *kinds: Kind) -> list[Event]:
        """What was recorded of the mapping, of one of KINDS, in order."""
        found = self.trace.of(self.site.number, *kinds)
        return sorted(found, key=lambda use: use.place.start)

    def root(self, *kinds: Kind) -> tuple[Event, Root] | None:
        """The first use of one of KINDS of which it is known what it comes down to,
        and that."""
        for use in self.uses(*kinds):
            root = use.root
            if root is not None:
                return use, root
        return None

    @cached_property
    def leaks(self) -> bool:
        """Whether some way out leaves the page mapped."""
        return bool(self.uses(Kind.LEAKED))

    @property
    def unmaps(self) -> list[Expr]:
        """The calls of this function that end the mapping."""
        return self.trace.unmaps_of(self.site.number)

    @property
    def beside(self) -> bool:
        """Whether another mapping is alive at the same time."""
        return any(self.site.number in pair for pair in self.trace.nested)

    def partner(self) -> str:
        """Another function that ends what this one leaves mapped, or ""."""
        tags = {words.split()[1] for words in self.structures()}
        where = (self.file.path, self.name, tags)
        pages = page_names(self.function, self.site)
        return self.unmapping.partner(where, self.stored, pages)

    @cached_property
    def stored(self) -> str:
        """The place that keeps the address, as it is written, or ""."""
        found = self.uses(Kind.STORED)
        root = found[0].root if found else None
        return plain(root.name) if root else ""

    def called(self) -> set[str]:
        """The names of all that this function calls."""
        return {e.callee for e in self.function.exprs if e.callee}

    def callers_of(self, name: str) -> str:
        """The callers of NAME, a function of this file, in words."""
        return self.callers.told(self.file.path, name)

    @property
    def renamed(self) -> str:
        """The call that is to be made instead."""
        return f"{api.MAPS[self.site.name].new}()" if self.site.name in api.MAPS else ""

    def structures(self) -> Iterator[str]:
        """The structure that keeps the address, by the type of the parameter or
        variable it is reached by: "struct iter"."""
        name = self.stored.split("->")[0].split(".")[0]
        variable = self.function.variables.get(name)
        words = variable.type.split() if variable else []
        for number, word in enumerate(words[:-1]):
            if word in ("struct", "union"):
                yield f"{word} {words[number + 1]}"
