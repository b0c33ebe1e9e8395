# SPDX-License-Identifier: GPL-2.0-only
"""What a called function does with an address it is given.

A callee is read like any other function: its parameter is followed along
every path.  What cannot be read (a function pointer, a macro, assembly, a
function that is not in the tree) is unknown, and said so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Set
from functools import partial
from posixpath import dirname
from sys import intern

from kmaplocal.bounds import Bounds
from kmaplocal.summaries import mappings
from kmaplocal.knowledge import api, functions
from kmaplocal.c.outline import VARIADIC
from kmaplocal.summaries.mappings import Mappings
from kmaplocal.flow.pointers import Pointer
from kmaplocal.summaries.pointers import Targets
from kmaplocal.c.syntax import Function, Source, Struct
from kmaplocal.flow.events import Root
from kmaplocal.flow.tree import Effect, Escape, Inside
from kmaplocal.summaries.effects import NOTHING, POINTER, Summary, summarised, unknown
from kmaplocal.summaries.effects import worst_of
from kmaplocal.summaries.chains import BEYOND, all_in_region
from kmaplocal.summaries.knowledge import FileKnowledge
from kmaplocal.summaries.requests import Definition, MayMap, Worklist
from kmaplocal.flow.memo import Recorder, Memo

MOST_AGAIN = 4  # times that a function which calls itself is summarised
MOST_DEEP = 5  # calls from the mapping to what happens to the address
TOO_DEEP = 1 << 20  # how deep it was looked where the limit was in the way


# What is summarised: a function by its file and name, and which reading of it where
# there is one for each choice of arms of its #ifs; and the number of the parameter
# behind which an address lies, None when it is the parameters themselves.
Key = tuple[
    str, str, int, int, Inside | None
]  # file, function, its line, reading; behind what
# A summary of it: UNCUT, or one that came to the limit so many calls away.
Made = tuple[Key, int]
UNCUT = -1


def unfound(name: str) -> str:
    """What is said of a function that has no definition."""
    return f"no definition of {name}() was found"


class Callees:
    """Summaries of the functions that were read so far, by name.

    What is asked for and not yet known is among the `requests`; who drives the
    analysis finds it, adds it and asks again.
    """

    def __init__(self):
        self.sources: dict[str, dict[str, Function]] = {}
        self._others: dict[tuple[str, str], list[Function]] = {}  # of the same name
        # By a file, what it defines in one arm of an #if, and declares in another.
        self.besides: set[tuple[str, str]] = set()
        self.missing: dict[tuple[str, str], str] = {}
        self.places: dict[tuple[str, str], list[str]] = {}
        self.summaries: dict[Made, Summary] = {}
        self._needs: dict[Made, int] = {}  # how many calls deep it was looked
        self._deepest = 0  # ... for what is being made
        self.structs: dict[str, dict[str, Struct]] = {}
        self.arrays: dict[str, bool | None] = {}  # None: not known
        self.member_types: Callable[[str, str], Set[str]] = lambda struct, name: set()
        self.layouts: dict[str, Struct | None] = {}  # of other files
        self.pointers: dict[Pointer, Targets] = {}
        self.aliases: dict[tuple[str, str], str] = {}
        self.carried = False  # addresses go beside their pages, which may be errors
        self.requests = Worklist()
        self.memo = Memo()
        self.bounds: dict[Function, Bounds] = {}
        self.mappings: dict[tuple[str, str, int, int], Mappings] = {}
        self.mapping: dict[tuple[str, str], bool] = {}  # whether one may map or unmap
        self._mapping_now: set[tuple[str, str, int, int]] = set()
        self._busy: dict[Key, Summary] = {}
        self._again: set[Key] = set()
        self._provisional: set[Made] = set()
        self._waiting: set[Made] = set()  # of those that are to know what a pointer is

    def add(self, file: str, source: Source) -> None:
        """Make the functions of SOURCE known."""
        self.structs.setdefault(file, {}).update(source.structs)
        known = self.sources.setdefault(file, {})
        for function in source.functions:
            first = known.setdefault(function.name, function)
            if first is not function:
                self._others.setdefault((file, function.name), []).append(function)

    def forget_provisional(self) -> None:
        """Drop what was summarised while something it asked for was not known."""
        for key in self._provisional:
            del self.summaries[key]
        self._provisional.clear()

    def place(self, caller: str, name: str, files: list[str], why: str = "") -> None:
        """Say where NAME, called in CALLER, is defined; no file: WHY not."""
        self.places[(caller, name)] = list(map(intern, files))
        if not files:
            self.missing[(caller, name)] = intern(why)

    def unfound(self, reasons: Iterable[str]) -> frozenset[str]:
        """The functions that one of REASONS is about, as nobody found them."""
        told = "\n".join(reasons)
        names = {name for _, name in self.missing if unfound(name) in told}
        return frozenset(names)

    def find(self, caller: str, name: str) -> list[tuple[str, Function]]:
        """The definitions NAME can mean in the file CALLER."""
        own = self.defined(caller, name)
        if own and (caller, name) not in self.besides:
            return own
        files = self.places.get((caller, name))
        if files is None:
            self.requests.ask(Definition((caller, name)))
            return []
        return [found for file in files for found in self.defined(file, name)]

    def unread(self, caller: str, name: str) -> bool:
        """Whether NAME, called in the file CALLER, was looked for and not found."""
        return not self.find(caller, name) and (caller, name) in self.missing

    def defined(self, file: str, name: str) -> list[tuple[str, Function]]:
        """The functions known as NAME in FILE: one, or several in arms of an #if."""
        first = self.sources.get(file, {}).get(name)
        every = [first, *self._others.get((file, name), ())] if first else []
        return [(file, function) for function in every]

    def effect(
        self, caller: str, name: str, number: int, inside: Inside | None = None
    ) -> Effect:
        """What NAME, called in the file CALLER, does with argument NUMBER; with
        INSIDE, with an address that it finds there."""
        found = self.find(caller, name)
        if not found:
            why = self.missing.get((caller, name)) or f"{name}() is not known"
            return Effect(Escape.UNKNOWN, False, why, root=Root("unread", name))
        return worst_of([self._effect(file, f, number, inside) for file, f in found])

    def through_pointer(self, pointer: Pointer, number: int) -> Effect:
        """What the functions that POINTER can be do with argument NUMBER."""
        targets = self.pointers.get(pointer)
        root = Root("pointer", pointer.name)
        if targets is None:
            return Effect(Escape.UNKNOWN, False, POINTER, awaits=pointer, root=root)
        if not targets.functions and not targets.why:
            return Effect(Escape.UNKNOWN, False, POINTER, root=root)
        why = f"the address is passed through the function pointer {pointer.name}"
        if not targets.functions:
            return Effect(Escape.UNKNOWN, False, f"{why}: {targets.why}", root=root)
        effects = []
        for file, name in targets.functions:
            before = self.requests.asked
            effect = self._named(file, name, number, None)
            effects.append(effect)
            settled = effect.awaits is None and self.requests.asked == before
            if settled and effect.escape is not Escape.NO:
                effects = [effect]
                break  # the others are not worth reading
        worst = worst_of(effects)
        if worst.escape is not Escape.NO:
            return worst._replace(evidence=f"{why}: {worst.evidence}")
        names = sorted({f"{name}()" for _, name in targets.functions})
        told = f"the function pointer {pointer.name} is {' or '.join(names)}"
        further = [text for effect in effects for text in effect.pointers]
        return worst._replace(evidence=told, pointers=(told, *further))

    def called_back(
        self, file: str, name: str, number: int, inside: Inside | None
    ) -> Effect:
        """What NAME, which FILE gives to a function to call, does with argument NUMBER,
        or with an address INSIDE it; it must not map or unmap for its callers."""
        if self.mappings_of(file, name) != mappings.NONE:
            why = f"{name}() maps or unmaps for its callers"
            return Effect(Escape.UNKNOWN, False, why, root=Root("maps", name))
        return self._named(file, name, number, inside)

    def _named(
        self, file: str, name: str, number: int, inside: Inside | None
    ) -> Effect:
        """What NAME, which FILE puts into a pointer, does with argument NUMBER, or with
        an address INSIDE it."""
        known = FileKnowledge(file, self)
        effect = (
            known.contents(name, inside) if inside else known.argument(name, number)
        )
        if effect.escape is not Escape.NO:
            return effect
        relies = self.reaches(file, name, functions.PREEMPT_OFF, 1)
        against = self.reaches(file, name, functions.FAULTS_OFF, 2)
        if not against and relies and self.reaches(file, name, BEYOND, 2):
            against = relies
        if against:
            why = f"{against} may depend on what kmap_atomic() disables"
            return Effect(Escape.UNKNOWN, False, why, root=Root("relies", name))
        return effect._replace(relies=relies)

    def want(self, pointer: Pointer) -> None:
        """Ask what POINTER can be."""
        self.requests.ask(pointer)

    def learn(self, pointers: Mapping[Pointer, Targets]) -> None:
        """Make known what POINTERS can be, and drop what was said without it."""
        self.pointers.update(pointers)
        for key in [key for key in self._waiting if key in self.summaries]:
            if any(each.awaits in pointers for each in self.summaries[key].effects):
                del self.summaries[key]
                self._provisional.discard(key)
        self._waiting.intersection_update(self.summaries)

    def _effect(
        self, file: str, function: Function, number: int, inside: Inside | None
    ) -> Effect:
        if number < len(function.params):
            summary = self.summary(file, function, inside)
            return summary.effects[number]
        if function.params and function.params[-1].name == VARIADIC:
            number = len(function.params) - 1
            return self._effect(
                file, function, number, inside and inside._replace(number=number)
            )
        if not function.unread and not any(e.kind == "call" for e in function.exprs):
            return NOTHING  # without va_start() nobody gets at them
        why = f"{function.name}() takes it among variable arguments"
        root = Root("variable", function.name, where=file)
        return Effect(Escape.UNKNOWN, False, why, root=root)

    def reaches(
        self,
        caller: str,
        name: str,
        names: Collection[str],
        deep: int,
        above: tuple[str, ...] = (),
        home: str = "",
    ) -> str:
        """How NAME, called in the file CALLER, is or calls one of NAMES, at most
        DEEP calls away: "a(): b()", or "" when it does not.  What stands in the file
        HOME of the first caller, and a macro in its folder, is written for it, and
        no call away.  ABOVE are the functions and macros that this is asked for."""
        home = home or caller
        if name in names:
            return f"{name}()"
        if not deep or not name or name in above or name in functions.HARMLESS:
            return ""
        for file, function in self.find(caller, name):
            near = file == home or (function.macro and dirname(file) == dirname(home))
            left = deep if near and len(above) < MOST_DEEP else deep - 1
            for inner in sorted({e.callee for e in function.exprs if e.callee}):
                chain = self.reaches(file, inner, names, left, (*above, name), home)
                if chain and not all_in_region(function, inner, names):
                    return f"{name}(): {chain}"
        return ""

    def mappings_of(self, caller: str, name: str) -> Mappings:
        """What NAME, called in the file CALLER, does to the mappings of CALLER.  It
        is read only where it may map or unmap, by the names in it."""
        if name in mappings.KERNEL:
            return mappings.KERNEL[name]
        if not name or name in functions.HARMLESS | {*api.ALL}:
            return mappings.NONE
        alias = self.aliases.get((caller, name), "")
        if alias in api.ALL:
            return mappings.alias(alias)
        if (caller, name) not in self.mapping:
            self.requests.ask(MayMap((caller, name)))
        if not self.mapping.get((caller, name)):
            return mappings.NONE
        found = {self._mappings(*each) for each in self.find(caller, name)}
        if len(found) > 1:
            return Mappings(
                leaves=any(each.leaves or each.map for each in found),
                ends=any(each.ends for each in found),
            )
        return found.pop() if found else mappings.NONE

    def only(self, caller: str, name: str) -> Function | None:
        """The one definition that NAME can mean in the file CALLER; None where there is
        none, or are more."""
        found = [function for _, function in self.find(caller, name)]
        return found[0] if len(found) == 1 else None

    def maps_in_head(self, caller: str, name: str) -> bool:
        """Whether NAME, a macro that heads a statement of the file CALLER, maps or
        unmaps there, where no call shows it; or may, as it could not be read."""
        self.mappings_of(caller, name)
        if not self.mapping.get((caller, name)):
            return False
        return all(
            function.calls({**known.maps, **known.unmaps})
            for file, function in self.find(caller, name)
            for known in [FileKnowledge(file, self).following(function)]
        )

    def _mappings(self, file: str, function: Function) -> Mappings:
        key = (file, function.name, function.line, function.reading)
        if key in self._mapping_now:
            return mappings.NONE
        if key not in self.mappings:
            before = self.requests.asked
            self._mapping_now.add(key)
            knowledge = FileKnowledge(file, self).following(function)
            make = partial(mappings.summary, function, errors=self.carried)
            found = self.memo.result(("mappings", function), knowledge, make)
            self._mapping_now.discard(key)
            if self.requests.asked > before or self._mapping_now:
                return found
            self.mappings[key] = found
        return self.mappings[key]

    def summary(
        self, file: str, function: Function, behind: Inside | None = None
    ) -> Summary:
        """The summary of FUNCTION; with BEHIND, the effect on an address that lies
        behind this parameter stands for that on the parameter.  One that is being
        made (a cycle) counts as harmless at first, and as what was found then."""
        key = (file, function.name, function.line, function.reading, behind)
        left = MOST_DEEP - len(self._busy)
        if left < 0:
            self._deepest = TOO_DEEP
            why = f"{function.name}() is too many calls away"
            return unknown(file, function, why, "far")
        if key in self._busy:
            self._again.add(key)
            return self._busy[key]
        made = self._made(key, left)
        if made is None:
            made = self._make(key, left, function)
        elif made in self._provisional:
            self.requests.wait()
        self._deepest = max(self._deepest, len(self._busy) + self._needs[made])
        return self.summaries[made]

    def _made(self, key: Key, left: int) -> Made | None:
        """The summary that holds where there are LEFT calls to the limit: one that
        needed no more, or one that came to it from as far away.  So it does not matter
        from where a function was asked about first."""
        whole, part = (key, UNCUT), (key, left)
        if whole in self.summaries and self._needs[whole] <= left:
            return whole
        return part if part in self.summaries else None

    def _make(self, key: Key, left: int, function: Function) -> Made:
        before, outer, depth = self.requests.asked, self._deepest, len(self._busy)
        self._deepest = depth
        try:
            summary = self._settled(key, function)
            need = self._deepest - depth
        finally:
            self._deepest = outer
        made = (key, UNCUT if need <= left else left)
        self.summaries[made], self._needs[made] = summary, need
        if any(effect.awaits for effect in summary.effects):
            self._waiting.add(made)
        if self.requests.asked > before:
            self._provisional.add(made)
        return made

    def _settled(self, key: Key, function: Function) -> Summary:
        """The summary of a function: where it calls itself, one that stays the
        same when that call is taken to do as the summary says."""
        file = key[0]
        self._busy[key] = Summary(file, [NOTHING] * len(function.params))
        before = len(self.summaries)
        try:
            return self._settle(key, function)
        except BaseException:
            self._forget(before)  # what builds on it is not to be believed
            raise
        finally:
            del self._busy[key]
            self._again.discard(key)

    def _forget(self, known: int) -> None:
        """Drop all summaries but the first KNOWN."""
        for other in list(self.summaries)[known:]:
            del self.summaries[other]
            self._provisional.discard(other)

    def _settle(self, key: Key, function: Function) -> Summary:
        file, name, *_, behind = key
        for _ in range(MOST_AGAIN):
            known = len(self.summaries)
            summary = self._summarise(file, function, behind)
            again, said = key in self._again, self._busy[key].says()
            self._again.discard(key)
            if not again or summary.says() == said:
                break
            self._busy[key] = summary
            self._forget(known)  # they may build on it
        else:
            summary = unknown(file, function, f"{name}() calls itself")
        return summary

    def _summarise(
        self, file: str, function: Function, behind: Inside | None
    ) -> Summary:
        def make(knowledge: Recorder) -> Summary:
            return summarised(file, function, behind, knowledge)

        key = (function, len(function.exprs), behind)
        return self.memo.result(key, FileKnowledge(file, self), make)
