# SPDX-License-Identifier: GPL-2.0-only
"""What a called function does with an address it is given.

A callee is read like any other function: its parameter is followed along
every path.  What cannot be read (a function pointer, a macro, assembly, a
function that is not in the tree) is unknown, and said so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import partial

from kmaplocal.summaries import mappings
from kmaplocal.knowledge import api, functions
from kmaplocal.c.outline import VARIADIC, Outline
from kmaplocal.summaries.mappings import Mappings
from kmaplocal.c.cfg import Unstructured
from kmaplocal.flow.pointers import Pointer
from kmaplocal.summaries.pointers import Targets
from kmaplocal.c.syntax import Expr, Function, Source, Struct
from kmaplocal.flow.events import Event, Kind, Root
from kmaplocal.flow.trace import Trace
from kmaplocal.flow.tree import Effect, contents_site
from kmaplocal.flow.asked import Asked, Memory
from kmaplocal.flow.engine import TooManyPaths, Tracer

NOTHING = Effect("harmless", writes=False)
MOST_AGAIN = 4  # times that a function which calls itself is summarised
POINTER = "the address is passed through a function pointer"
MOST_DEEP = 5  # calls from the mapping to what happens to the address
TOO_DEEP = 1 << 20  # how deep it was looked where the limit was in the way
PROTECTING = functions.FAULTS_OFF_BY | functions.PREEMPT_OFF_BY
# What disabling preemption by name does not help, or harms.
BEYOND = (functions.PREEMPT_OFF - functions.PER_CPU) | functions.SLEEPING


# What is summarised: a function by its file and name; and the number of the
# parameter behind which an address lies, -1 when it is the parameters themselves.
Key = tuple[str, str, int, int]  # a file, a function of it, its line; behind what
# A summary of it: UNCUT, or one that came to the limit so many calls away.
Made = tuple[Key, int]
UNCUT = -1


@dataclass
class Summary:
    """A function as its callers see it: an effect a parameter, and the calls
    in it that need page faults or preemption to be off."""

    place: str
    effects: list[Effect]
    context: dict[str, str] = field(default_factory=dict)

    def says(self) -> list[Effect]:
        """The effects without their evidence."""
        return [effect._replace(evidence="", root=None) for effect in self.effects]


def unfound(name: str) -> str:
    """What is said of a function that has no definition."""
    return f"no definition of {name}() was found"


class Callees:
    """Summaries of the functions that were read so far, by name.

    `wanted` collects the names asked for and not yet known, with the file of
    the caller; who drives the analysis finds them, adds them and asks again.
    """

    def __init__(self):
        self.sources: dict[str, dict[str, Function]] = {}
        self._others: dict[tuple[str, str], list[Function]] = {}  # of the same name
        self.missing: dict[tuple[str, str], str] = {}
        self.places: dict[tuple[str, str], list[str]] = {}
        self.summaries: dict[Made, Summary] = {}
        self._needs: dict[Made, int] = {}  # how many calls deep it was looked
        self._deepest = 0  # ... for what is being made
        self.wanted: dict[tuple[str, str], None] = {}
        self.structs: dict[str, dict[str, Struct]] = {}
        self.arrays: dict[str, bool | None] = {}  # None: not known
        self.member_types: Callable[[str, str], set[str]] = lambda struct, name: set()
        self.wanted_members: dict[str, None] = {}
        self.layouts: dict[str, Struct | None] = {}  # of other files
        self.wanted_layouts: dict[str, None] = {}
        self.pointers: dict[Pointer, Targets] = {}
        self.wanted_pointers: dict[Pointer, None] = {}
        self.aliases: dict[tuple[str, str], str] = {}
        self.asked = 0
        self.memory = Memory()
        self.mappings: dict[tuple[str, str, int], Mappings] = {}
        self.wanted_mappings: dict[tuple[str, str], None] = {}
        self.mapping: dict[tuple[str, str], bool] = {}  # whether one may map or unmap
        self._mapping_now: set[tuple[str, str, int]] = set()
        self._busy: dict[Key, Summary] = {}
        self._again: set[Key] = set()
        self._provisional: set[Made] = set()

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
        self.places[(caller, name)] = files
        if not files:
            self.missing[(caller, name)] = why

    def unfound(self, reasons: Iterable[str]) -> frozenset[str]:
        """The functions that one of REASONS is about, as nobody found them."""
        told = "\n".join(reasons)
        names = {name for _, name in self.missing if unfound(name) in told}
        return frozenset(names)

    def find(self, caller: str, name: str) -> list[tuple[str, Function]]:
        """The definitions NAME can mean in the file CALLER."""
        own = self._defined(caller, name)
        if own:
            return own
        files = self.places.get((caller, name))
        if files is None:
            self.wanted.setdefault((caller, name))
            self.asked += 1
            return []
        return [found for file in files for found in self._defined(file, name)]

    def _defined(self, file: str, name: str) -> list[tuple[str, Function]]:
        """The functions called NAME in FILE: one, or in arms of an #if several."""
        first = self.sources.get(file, {}).get(name)
        every = [first, *self._others.get((file, name), ())] if first else []
        return [(file, function) for function in every]

    def effect(
        self, caller: str, name: str, number: int, contents: bool = False
    ) -> Effect:
        """What NAME, called in the file CALLER, does with argument NUMBER; with
        CONTENTS, with an address that it finds behind it."""
        found = self.find(caller, name)
        if not found:
            why = self.missing.get((caller, name)) or f"{name}() is not known"
            return Effect("unknown", False, why, root=Root("unread", name))
        return _worst([self._effect(file, f, number, contents) for file, f in found])

    def through_pointer(self, pointer: Pointer, number: int) -> Effect:
        """What the functions that POINTER can be do with argument NUMBER."""
        targets = self.pointers.get(pointer)
        root = Root("pointer", pointer.name)
        if targets is None:
            return Effect("unknown", False, POINTER, awaits=pointer, root=root)
        if not targets.functions and not targets.why:
            return Effect("unknown", False, POINTER, root=root)
        why = f"the address is passed through the function pointer {pointer.name}"
        if not targets.functions:
            return Effect("unknown", False, f"{why}: {targets.why}", root=root)
        effects = []
        for file, name in targets.functions:
            before = self.asked
            effect = self._named(file, name, number)
            effects.append(effect)
            settled = effect.awaits is None and self.asked == before
            if settled and effect.verdict != "harmless":
                effects = [effect]
                break  # the others are not worth reading
        worst = _worst(effects)
        if worst.verdict != "harmless":
            return worst._replace(evidence=f"{why}: {worst.evidence}")
        names = sorted({f"{name}()" for _, name in targets.functions})
        told = f"the function pointer {pointer.name} is {' or '.join(names)}"
        further = [text for effect in effects for text in effect.pointers]
        return worst._replace(evidence=told, pointers=(told, *further))

    def _named(self, file: str, name: str, number: int) -> Effect:
        """What NAME, which FILE puts into a pointer, does with argument NUMBER."""
        effect = FileKnowledge(file, self).argument(name, number)
        if effect.verdict != "harmless":
            return effect
        relies = self.reaches(file, name, functions.PREEMPT_OFF, 1)
        against = self.reaches(file, name, functions.FAULTS_OFF, 2)
        if not against and relies and self.reaches(file, name, BEYOND, 2):
            against = relies
        if against:
            why = f"{against} may depend on what kmap_atomic() disables"
            return Effect("unknown", False, why, root=Root("relies", name))
        return effect._replace(relies=relies)

    def want(self, pointer: Pointer) -> None:
        """Ask what POINTER can be."""
        self.wanted_pointers.setdefault(pointer)
        self.asked += 1

    def learn(self, pointers: Mapping[Pointer, Targets]) -> None:
        """Make known what POINTERS can be, and drop what was said without it."""
        self.pointers.update(pointers)
        for key, summary in list(self.summaries.items()):
            if any(effect.awaits in pointers for effect in summary.effects):
                del self.summaries[key]
                self._provisional.discard(key)

    def _effect(
        self, file: str, function: Function, number: int, contents: bool
    ) -> Effect:
        if number < len(function.params):
            summary = self.summary(file, function, number if contents else -1)
            return summary.effects[number]
        if function.params and function.params[-1].name == VARIADIC:
            number = len(function.params) - 1
            return self._effect(file, function, number, contents)
        why = f"{function.name}() takes it among variable arguments"
        root = Root("variable", function.name, where=file)
        return Effect("unknown", False, why, root=root)

    def reaches(self, caller: str, name: str, names: Collection[str], deep: int) -> str:
        """How NAME, called in the file CALLER, is or calls one of NAMES, at most
        DEEP calls away: "a(): b()", or "" when it does not."""
        if name in names:
            return f"{name}()"
        if not deep or not name or name in functions.HARMLESS:
            return ""
        for file, function in self.find(caller, name):
            if function.calls(PROTECTING):
                continue
            for inner in sorted({e.callee for e in function.exprs if e.callee}):
                chain = self.reaches(file, inner, names, deep - 1)
                if chain:
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
            self.wanted_mappings.setdefault((caller, name))
            self.asked += 1
        if not self.mapping.get((caller, name)):
            return mappings.NONE
        found = {self._mappings(*each) for each in self.find(caller, name)}
        if len(found) > 1:
            return Mappings(leaves=any(each.leaves or each.map for each in found))
        return found.pop() if found else mappings.NONE

    def _mappings(self, file: str, function: Function) -> Mappings:
        key = (file, function.name, function.line)
        if key in self._mapping_now:
            return mappings.NONE
        if key not in self.mappings:
            before = self.asked
            self._mapping_now.add(key)
            knowledge = FileKnowledge(file, self).following(function)
            make = partial(mappings.summary, function)
            found = self.memory.found(("mappings", function), knowledge, make)
            self._mapping_now.discard(key)
            if self.asked > before or self._mapping_now:
                return found
            self.mappings[key] = found
        return self.mappings[key]

    def summary(self, file: str, function: Function, behind: int = -1) -> Summary:
        """The summary of FUNCTION; with BEHIND, the effect on an address that lies
        behind this parameter stands for that on the parameter.  One that is being
        made (a cycle) counts as harmless at first, and as what was found then."""
        key = (file, function.name, function.line, behind)
        left = MOST_DEEP - len(self._busy)
        if left < 0:
            self._deepest = TOO_DEEP
            why = f"{function.name}() is too many calls away"
            return _unknown(file, function, why, "far")
        if key in self._busy:
            self._again.add(key)
            return self._busy[key]
        made = self._made(key, left)
        if made is None:
            made = self._make(key, left, function)
        elif made in self._provisional:
            self.asked += 1
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
        before, outer, depth = self.asked, self._deepest, len(self._busy)
        self._deepest = depth
        try:
            summary = self._settled(key, function)
            need = self._deepest - depth
        finally:
            self._deepest = outer
        made = (key, UNCUT if need <= left else left)
        self.summaries[made], self._needs[made] = summary, need
        if self.asked > before:
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
        file, name, _, behind = key
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
            summary = _unknown(file, function, f"{name}() calls itself")
        return summary

    def _summarise(self, file: str, function: Function, behind: int) -> Summary:
        def make(knowledge: Asked) -> Summary:
            return _summarised(file, function, behind, knowledge)

        key = (function, len(function.exprs), behind)
        return self.memory.found(key, FileKnowledge(file, self), make)


def _summarised(
    file: str, function: Function, behind: int, knowledge: Asked
) -> Summary:
    names = [v.name for v in function.params]
    inside = [] if behind < 0 else [behind]
    followed = [names[behind]] if inside else names
    try:
        trace = Tracer(function, knowledge, followed, contents=inside).run()
    except (Unstructured, TooManyPaths) as error:
        return _unknown(file, function, f"{function.name}() in {file}: {error}")
    sites = [-1 - number for number in range(len(names))]
    if inside:
        sites[behind] = contents_site(function, behind)
    effects = [_effect_of(file, function, trace, s) for s in sites]
    return Summary(file, [_doubted(e, file, function) for e in effects])


def _doubted(effect: Effect, file: str, function: Function) -> Effect:
    """EFFECT, unknown where the part of FUNCTION that was read is harmless."""
    if not function.unread or effect.verdict != "harmless":
        return effect
    why = f"{function.name}() in {file}: {function.unread}"
    root = Root("unread", function.name, where=file)
    return effect._replace(verdict="unknown", evidence=why, root=root)


def _unknown(file: str, function: Function, why: str, what="unread") -> Summary:
    effect = Effect("unknown", False, why, root=Root(what, function.name))
    return Summary(file, [effect] * len(function.params))


def _effect_of(file: str, function: Function, trace: Trace, site: int) -> Effect:
    """The effect on one parameter, from the trace of the function."""
    effect = Effect(
        "harmless",
        site in trace.returned,
        f"{function.name}() ({file})",
        tuple(sorted(trace.outputs(site).items())),
        site in trace.written,
    )
    name = function.name
    for use in trace.of(site, Kind.ESCAPES, Kind.STORED, Kind.ADDRESS_TAKEN):
        what = {
            Kind.STORED: f"stores it in {use.detail}",
            Kind.ADDRESS_TAKEN: f"takes the address of {use.detail}",
            Kind.ESCAPES: use.detail,
        }[use.kind]
        where = f"{file}:{use.place.start[0]}"
        told = f"{name}() {what} ({where})"
        root = _root_of(use, name, where)
        return effect._replace(verdict="escapes", evidence=told, root=root)
    for use in trace.of(site, Kind.UNKNOWN, Kind.OPAQUE):
        where = f"{file}:{use.place.start[0]}"
        why = use.detail if use.kind is Kind.UNKNOWN else f"does {use.detail}"
        told = f"{name}(): {why} ({where})"
        awaits, root = trace.awaits(site), _root_of(use, name, where)
        return effect._replace(
            verdict="unknown", evidence=told, awaits=awaits, root=root
        )
    pointers = dict.fromkeys(u.detail for u in trace.of(site, Kind.POINTER))
    relies = next((u.detail for u in trace.of(site, Kind.RELIES)), "")
    relies = f"{name}(): {relies}" if relies else ""
    return effect._replace(pointers=tuple(pointers), relies=relies)


def _root_of(use: Event, name: str, where: str) -> Root:
    """What USE, in the function NAME, comes down to: here, or where it is known
    already."""
    root = use.root or Root(use.kind.value, use.detail)
    return root if root.function else root._replace(function=name, where=where)


def depending(chain: Sequence[str], kind: str) -> str:
    """The sentence that CHAIN, each of which calls the next, needs page faults
    (`faults`) or preemption (`preempt`) to be off; "" for an empty one."""
    what = "page faults" if kind == "faults" else "preemption"
    told = ": ".join(f"{name}()" for name in chain)
    return f"{told} may depend on {what} being disabled" if told else ""


def links(told: str) -> tuple[str, ...]:
    """The names in "a(): b()"."""
    return tuple(name.removesuffix("()") for name in told.split(": ") if name)


def _worst(effects: Sequence[Effect]) -> Effect:
    """What functions do, one of which is called: the verdict on the worst, and
    what any of them does besides."""
    order = ("harmless", "unknown", "escapes")
    worst = max(effects, key=lambda e: (order.index(e.verdict), e.awaits is None))
    return worst._replace(
        returns=any(e.returns for e in effects),
        through=tuple(sorted({t for e in effects for t in e.through})),
        writes=any(e.writes for e in effects),
        relies=next((e.relies for e in effects if e.relies), ""),
    )


class FileKnowledge:
    """The knowledge the analysis of one file draws on."""

    def __init__(
        self,
        file: str,
        callees: Callees,
        source: Source | None = None,
        outline: Outline | None = None,
    ):
        self.file = file
        self.callees = callees
        self.source = source
        self.helpers: frozenset[str] | None = None  # the kernel has; None: all
        # A conversion changes nothing about page tables: they were on the stack.
        self.maps: Mapping[str, api.Map] = api.PAGE_MAPS
        self.unmaps: Mapping[str, api.Unmap] = api.PAGE_UNMAPS
        self.followed: set[str] = set()  # calls that map or unmap by what they call
        self.leaving: set[str] = set()  # calls that leave a page mapped in another way
        self.outline = outline
        macros = outline.macros if outline else []
        groups = outline.conditionals if outline else []
        self.macros = {m.name: list(m.words) for m in macros}
        self.branches = [p for g in groups for p in zip(g.lines, g.lines[1:])]

    @property
    def wrapped(self) -> set[str]:
        """The functions that map or unmap for their callers."""
        return {*self.maps, *self.unmaps} - {*api.ALL, *self.followed}

    def following(self, function: Function, new: bool = False) -> "FileKnowledge":
        """This, with what FUNCTION calls to map or unmap by among the calls; NEW:
        but what is done by an old function in turn."""
        calls: dict[str, list[Expr]] = defaultdict(list)
        for call in function.exprs:
            if call.kind == "call":
                calls[call.callee].append(call)
        known = copy(self)
        maps, unmaps = {}, {}
        for name in sorted({*calls} - {*self.maps, *self.unmaps, function.name, ""}):
            found = self.callees.mappings_of(self.file, name)
            if not all(mappings.fits(found, call) for call in calls[name]):
                continue  # another function of this name
            if found.map and not (new and found.map.ends in api.OLD):
                maps[name] = found.map
            elif found.unmap and not (new and found.unmap.kind in api.OLD):
                unmaps[name] = found.unmap
            elif found.leaves or (found.map and found.map.stacked):
                known.leaving = {*known.leaving, name}
        known.maps, known.unmaps = {**maps, **self.maps}, {**unmaps, **self.unmaps}
        known.followed = {*maps, *unmaps}
        return known

    def argument(self, callee: str, number: int) -> Effect:
        """What CALLEE does with an address given as argument NUMBER."""
        if not callee:
            return Effect("unknown", False, POINTER, root=Root("pointer", ""))
        known = functions.of(callee)
        if known.hands:
            why = f"the address is passed to {callee}(): {known.how}"
            return Effect("escapes", False, why, root=Root("handed", callee))
        if number in known.stores:
            why, root = f"the address is stored by {callee}()", Root("kept", callee)
            return Effect("escapes", False, why, root=root)
        if not known.keeps:
            writes = number not in known.reads
            return Effect("harmless", known.returns, known.source, writes=writes)
        alias = self.callees.aliases.get((self.file, callee))
        if alias:
            return self.argument(alias, number)
        effect = self.callees.effect(self.file, callee, number)
        if effect.verdict == "harmless":
            return effect
        why = f"the address is passed to {callee}(): {effect.evidence}"
        return effect._replace(evidence=why)

    def contents(self, callee: str, number: int) -> Effect:
        """What CALLEE does with an address it finds behind its argument NUMBER."""
        if not callee:
            why = "what holds the address is passed through a function pointer"
            return Effect("unknown", False, why)
        why = f"what holds the address is passed to {callee}()"
        known = functions.of(callee)
        if not known.keeps_behind:
            return Effect("harmless", False, known.source)
        if not known.keeps or known.hands:
            return Effect("unknown", False, why)
        alias = self.callees.aliases.get((self.file, callee))
        if alias:
            return self.contents(alias, number)
        effect = self.callees.effect(self.file, callee, number, contents=True)
        if effect.verdict == "harmless":
            return effect
        return effect._replace(evidence=f"{why}: {effect.evidence}")

    def through_pointer(self, pointer: Pointer | None, number: int) -> Effect:
        """What any function that POINTER, of this file, can be does with an address
        given as argument NUMBER."""
        if pointer is None:
            return Effect("unknown", False, POINTER)
        if pointer.function:
            pointer = pointer._replace(file=self.file)
        return self.callees.through_pointer(pointer, number)

    def is_array(self, member: str, struct: str) -> bool | None:
        """Whether the MEMBER of STRUCT is an array; where STRUCT is "" or not
        known, whether any structure has an array of that name; None: unknown."""
        known = self.member_type(struct, member)
        if known:
            return "[" in known
        if member not in self.callees.arrays:
            self.callees.wanted_members.setdefault(member)
            self.callees.asked += 1
        return self.callees.arrays.get(member)

    def member_type(self, struct: str, member: str) -> str:
        """The type of a member; "" when it is not known, or not one type."""
        own = self.callees.structs.get(self.file, {}).get(struct)
        for name, type_ in own.members if own else ():
            if name == member:
                return type_
        if member not in self.callees.arrays:
            self.callees.wanted_members.setdefault(member)
            self.callees.asked += 1
            return ""
        types = self.callees.member_types(struct, member)
        if len({"[" in type_ for type_ in types}) != 1:
            return ""
        return min(types)

    def is_pure(self, callee: str, depth: int = 3) -> bool:
        """Whether all that CALLEE does is to compute something of its arguments."""
        if callee in functions.REPEATING or not callee or not depth:
            return callee in functions.REPEATING
        found = self.callees.find(self.file, callee)
        return bool(found) and all(self._computes(f, depth) for _, f in found)

    def _computes(self, function: Function, depth: int) -> bool:
        """Whether FUNCTION is no more than `return` of what its parameters say."""
        own = {variable.name for variable in function.params}
        if [stmt.kind for stmt in function.body] != ["return"]:
            return False
        called = {n.children[0] for n in function.exprs if n.kind == "call"}
        return not function.stray and all(
            node.kind in ("constant", "member", "index", "paren", "cast", "binary")
            or (node.kind == "identifier" and (node.text in own or node in called))
            or (node.kind == "identifier" and node.text.isupper())
            or (node.kind == "unary" and node.op not in ("++", "--"))
            or (node.kind == "call" and self.is_pure(node.callee, depth - 1))
            for node in function.exprs
        )

    def layout(self, struct: str) -> Struct | None:
        """What a structure is made of; None when that is not known, or not the same
        wherever one of its name is defined."""
        own = self.callees.structs.get(self.file, {}).get(struct)
        if own is None and struct not in self.callees.layouts:
            self.callees.wanted_layouts.setdefault(struct)
            self.callees.asked += 1
        return own or self.callees.layouts.get(struct)

    def own_place(self, struct: str, member: str) -> str:
        """The type of a MEMBER that shares its place in STRUCT with no other; ""
        when it may, or nothing is known of it."""
        own = self.callees.structs.get(self.file, {}).get(struct)
        if own:
            return dict(own.members).get(member, "") if own.complete else ""
        # What ctags names the structure itself for is in no union of it.
        return self.member_type(struct, member)

    def leaves_mapped(self, call: Expr) -> bool:
        """Whether CALL may return with a page mapped that is not followed."""
        return call.callee in self.leaving

    def ends_by_page(self, function: Function, page: str) -> Expr | None:
        """The first call in FUNCTION of one that unmaps PAGE, an argument of it."""
        for call in function.exprs:
            numbers = [n for n, e in call.arguments.items() if e.text == page]
            if not call.callee or not numbers or call.callee in api.ALL:
                continue
            for _, callee in self.callees.find(self.file, call.callee):
                given = {
                    callee.params[n].name for n in numbers if n < len(callee.params)
                }
                unmaps = callee.calls(("kunmap",))
                if any(e.arguments[0].text in given for e in unmaps if e.arguments):
                    return call
        return None

    def chain(self, call: Expr, kind: str) -> tuple[str, ...]:
        """What CALL calls, each the next one, down to what needs page faults or
        preemption to be off; () as far as it was read.  What maps for its callers
        has what it needs from the mapping that it made itself."""
        if call.callee in (*api.KERNEL_MAPS, *api.KERNEL_UNMAPS):
            return ()
        names = functions.FAULTS_OFF if kind == "faults" else functions.PREEMPT_OFF
        # What a callee's callees need of preemption they see to themselves, as
        # they have other callers; a user copy is seldom the whole of a function.
        deep = 2 if kind == "faults" else 1
        chain = self.callees.reaches(self.file, call.callee, names, deep)
        return links(chain)

    def helped(self, call: Expr, kind: str) -> bool:
        """Whether all that CALL can need is met by disabling page faults
        (`faults`) or preemption (`preempt`) by name around it."""
        wrong = BEYOND if kind == "preempt" else functions.FAULTS_ASSERTED
        return not self.callees.reaches(self.file, call.callee, wrong, 2)
