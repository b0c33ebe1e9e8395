# SPDX-License-Identifier: GPL-2.0-only
"""Where what a module calls is defined: in its own folder, or in the kernel it is for.

Files of the kernel go by absolute paths, as they are in no folder of the module."""

from __future__ import annotations

from collections.abc import Iterable, Set
from pathlib import Path

from kmaplocal.c import arms
from kmaplocal.c.conditions import Configuration
from kmaplocal.c.outline import Outline, outlines
from kmaplocal.tree import source
from kmaplocal.tree.definitions import Definitions, Place

_CALLER = Path("module.c")  # in no folder of the kernel, as the kernel sees a module


class ModuleDefinitions(Definitions):
    """The definitions of a module's folder, and of KERNEL, of which the headers are
    enough."""

    def __init__(self, tree: Path, kernel: Path):
        super().__init__(tree)
        self.kernel = self.top = kernel.resolve()
        self.own, self.far = Definitions(tree), Definitions(self.top)
        self.search = self.own.search
        self.is_whole = source.is_whole(kernel)
        self._outlines: dict[Path, Outline] = {}

    def functions(
        self, names: Iterable[str], near: Path | None = None
    ) -> dict[str, list[Place]]:
        wanted = set(names)
        far = near is not None and self._is_far(near)
        own = self.own.functions(wanted, None if far else near)
        further = self.far.functions(wanted, near if far else None)
        return {name: [*own[name], *self._placed(further[name])] for name in own}

    def foresee(self, names: Iterable[str]) -> None:
        wanted = set(names)
        self.own.foresee(wanted)
        self.far.foresee(wanted)

    def prepare(self) -> None:
        self.own.prepare()
        self.far.prepare()

    def mapping(self, names: Iterable[str]) -> dict[str, set[str]]:
        wanted = set(names)
        own, far = self.own.mapping(wanted), self.far.mapping(wanted)
        return {name: own[name] | set(map(self._named, far[name])) for name in wanted}

    def resolve(self, name: str, caller: Path, own: bool = True) -> list[Place]:
        if self._is_far(caller):
            return self._placed(self.far.resolve(name, caller, own))
        offered = self.far.resolve(name, _CALLER)
        near = self.own.resolve(name, caller, own)
        if self.own.search.unread:
            return []
        return [*near, *self._placed(filter(self._is_offered, offered))]

    def members(
        self, names: Iterable[str], files: Iterable[Path] = ()
    ) -> dict[str, set[str]]:
        wanted = set(names)
        own, far = self.own.members(wanted, files), self.far.members(wanted)
        return {name: own[name] | far[name] for name in own}

    def member_types(self, struct: str, name: str) -> Set[str]:
        own, far = (each.member_types(struct, name) for each in (self.own, self.far))
        return own | far

    def mentions(self, names: Iterable[str], far: bool = False) -> dict[str, list[str]]:
        wanted = set(names)
        own = self.own.mentions(wanted)
        if not far:
            return own
        further = self.far.mentions(wanted)
        return {n: [*own[n], *map(self._named, further[n])] for n in own}

    def objects(self, tags: Iterable[str], folder: str) -> dict[str, list[str]]:
        wanted = set(tags)
        if folder and not self._is_far(Path(folder)):
            return self.own.objects(wanted, folder)
        below = str(Path(folder).relative_to(self.top)) if folder else ""
        own = {} if folder else self.own.objects(wanted, "")
        far = self.far.objects(wanted, below)
        return {t: [*own.get(t, ()), *map(self._named, far[t])] for t in far}

    def structs(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        wanted = set(names)
        own, far = self.own.structs(wanted), self.far.structs(wanted)
        return {
            name: own[name] | {self._named(f): text for f, text in far[name].items()}
            for name in own
        }

    def knows(self, file: str) -> bool:
        return self.is_whole or not self._is_far(Path(file))

    def _is_far(self, file: Path) -> bool:
        return file.is_absolute() and file.is_relative_to(self.top)

    def _named(self, file: str) -> str:
        return str(self.top / file)

    def _placed(self, places: Iterable[Place]) -> list[Place]:
        return [place._replace(file=self.top / place.file) for place in places]

    def _is_offered(self, place: Place) -> bool:
        """Whether a module can call what is defined at PLACE of the kernel: it is in a
        header, and not there for want of another, or exported."""
        outline = self._outline(place.file)
        if place.file.suffix != ".h":
            return outline.exports(place.name)
        return self.is_whole or not _is_optional(outline, place.line)

    def _outline(self, file: Path) -> Outline:
        if file not in self._outlines:
            text = outlines(self.top, [str(file)], {})
            self._outlines[file] = text[str(file)]
        return self._outlines[file]


def _is_optional(outline: Outline, line: int) -> bool:
    """Whether LINE is in an arm of an `#if`, but for that against including twice."""
    first, last = min(outline.directives, default=0), max(outline.directives, default=0)
    for group in outline.conditionals:
        arm = group.branch(line)
        guard = (*group.lines[:1], *group.lines[-1:]) == (first, last)
        if arm >= 0 and not (guard and len(group.lines) == 2):
            holds = arms.condition(outline, group, arm)
            if holds.value(Configuration(None, {})) is not True:
                return True
    return False
