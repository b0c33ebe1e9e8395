# SPDX-License-Identifier: GPL-2.0-only
"""What a called function does with an address it is given.

A callee is read like any other function: its parameter is followed along
every path.  What cannot be read (a function pointer, a macro, assembly, a
function that is not in the tree) is unknown, and said so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from kmaplocal.judge import primitives
from kmaplocal.read import api
from kmaplocal.read.outline import Outline
from kmaplocal.judge.paths import Unstructured
from kmaplocal.read.syntax import Expr, Function, Source, Struct
from kmaplocal.judge.trace import Effect, TooManyPaths, Tracer

HARMLESS = Effect("harmless")
MOST_DEEP = 5  # calls from the mapping to what happens to the address
PROTECTING = primitives.FAULTS_OFF_BY | primitives.PREEMPT_OFF_BY


@dataclass
class Summary:
    """A function as its callers see it: an effect a parameter, and the calls
    in it that need page faults or preemption to be off."""

    place: str
    effects: list[Effect]
    context: dict[str, str] = field(default_factory=dict)


class Callees:
    """Summaries of the functions that were read so far, by name.

    `wanted` collects the names asked for and not yet known, with the file of
    the caller; who drives the analysis finds them, adds them and asks again.
    """

    def __init__(self):
        self.sources: dict[str, dict[str, Function]] = {}
        self.missing: dict[tuple[str, str], str] = {}
        self.places: dict[tuple[str, str], list[str]] = {}
        self.summaries: dict[tuple[str, str], Summary] = {}
        self.wanted: dict[tuple[str, str], None] = {}
        self.structs: dict[str, dict[str, Struct]] = {}
        self.arrays: dict[str, bool] = {}
        self.member_types: Callable[[str, str], set[str]] = lambda struct, name: set()
        self.wanted_members: dict[str, None] = {}
        self.helpers: frozenset[str] | None = None  # the kernel has; None: all
        self.aliases: dict[tuple[str, str], str] = {}
        self.asked = 0
        self._busy: set[tuple[str, str]] = set()
        self._provisional: set[tuple[str, str]] = set()

    def add(self, file: str, source: Source) -> None:
        """Make the functions of SOURCE known."""
        self.structs.setdefault(file, {}).update(source.structs)
        known = self.sources.setdefault(file, {})
        for function in source.functions:
            known.setdefault(function.name, function)

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

    def find(self, caller: str, name: str) -> list[tuple[str, Function]]:
        """The definitions NAME can mean in the file CALLER."""
        own = self.sources.get(caller, {}).get(name)
        if own:
            return [(caller, own)]
        files = self.places.get((caller, name))
        if files is None:
            self.wanted.setdefault((caller, name))
            self.asked += 1
            return []
        found = [(f, self.sources.get(f, {}).get(name)) for f in files]
        return [(f, function) for f, function in found if function]

    def effect(self, caller: str, name: str, number: int) -> Effect:
        """What NAME, called in the file CALLER, does with argument NUMBER."""
        found = self.find(caller, name)
        if not found:
            why = self.missing.get((caller, name)) or f"{name}() is not known"
            return Effect("unknown", False, why)
        effects = [self._effect(file, f, number) for file, f in found]
        return max(
            effects, key=lambda e: ("harmless", "unknown", "escapes").index(e[0])
        )

    def _effect(self, file: str, function: Function, number: int) -> Effect:
        summary = self.summary(file, function)
        if number < len(summary.effects):
            return summary.effects[number]
        if function.params and function.params[-1].name == "__VA_ARGS__":
            return summary.effects[-1]
        why = f"{function.name}() takes it among variable arguments"
        return Effect("unknown", False, why)

    def reaches(self, caller: str, name: str, names: Collection[str], deep: int) -> str:
        """How NAME, called in the file CALLER, is or calls one of NAMES, at most
        DEEP calls away: "a(): b()", or "" when it does not."""
        if name in names:
            return f"{name}()"
        if not deep or not name or name in primitives.HARMLESS | primitives.PURE:
            return ""
        for file, function in self.find(caller, name):
            if function.calls(PROTECTING):
                continue
            for inner in sorted({e.callee for e in function.exprs if e.callee}):
                chain = self.reaches(file, inner, names, deep - 1)
                if chain:
                    return f"{name}(): {chain}"
        return ""

    def leaves_mapped(self, caller: str, name: str) -> bool:
        """Whether NAME maps pages and unmaps none, where it is defined in the
        file CALLER or was read already."""
        known = self.sources.get(caller, {}).get(name)
        found = [known] if known else [f for _, f in self.find_known(caller, name)]
        return any(f.calls(api.MAPS) and not f.calls(api.UNMAPS) for f in found)

    def find_known(self, caller: str, name: str) -> list[tuple[str, Function]]:
        """The definitions of NAME that were read; asks for no new ones."""
        return self.find(caller, name) if (caller, name) in self.places else []

    def summary(self, file: str, function: Function) -> Summary:
        """The summary of FUNCTION; one that is being made (a cycle) counts as
        harmless, so that only what the others do decides."""
        key = (file, function.name)
        if key in self._provisional:
            self.asked += 1
        if len(self._busy) > MOST_DEEP:
            why = f"{function.name}() is too many calls away"
            unknown = Effect("unknown", False, why)
            return Summary(file, [unknown] * len(function.params))
        if key in self._busy:
            return Summary(file, [HARMLESS] * len(function.params))
        if key not in self.summaries:
            self._busy.add(key)
            before = self.asked
            summary = self._summarise(file, function)
            self._busy.discard(key)
            self.summaries[key] = summary
            if self.asked > before:
                self._provisional.add(key)
        return self.summaries[key]

    def _summarise(self, file: str, function: Function) -> Summary:
        effects = []
        names = [v.name for v in function.params]
        tracer = Tracer(function, FileKnowledge(file, self), names)
        try:
            trace = tracer.run()
        except (Unstructured, TooManyPaths) as error:
            why = f"{function.name}() in {file}: {error}"
            return Summary(file, [Effect("unknown", False, why)] * len(names))
        for number in range(len(names)):
            effects.append(_effect_of(file, function, trace, -1 - number))
        return Summary(file, effects)


def _effect_of(file: str, function: Function, trace, site: int) -> Effect:
    """The effect on one parameter, from the trace of the function."""
    returns = site in trace.returned
    name = function.name
    for use in trace.uses_of(site, "escapes", "stored", "address-taken"):
        what = {
            "stored": f"stores it in {use.detail}",
            "address-taken": f"takes the address of {use.detail}",
            "escapes": use.detail,
        }[use.what]
        where = f"{file}:{use.expr.start[0]}"
        return Effect("escapes", returns, f"{name}() {what} ({where})")
    for use in trace.uses_of(site, "unknown", "opaque"):
        where = f"{file}:{use.expr.start[0]}"
        why = use.detail if use.what == "unknown" else f"does {use.detail}"
        return Effect("unknown", returns, f"{name}(): {why} ({where})")
    return Effect("harmless", returns, f"{name}() ({file})")


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
        self.helpers = callees.helpers
        # A conversion changes nothing about page tables: they were on the stack.
        self.maps: Mapping[str, api.Map] = api.PAGE_MAPS
        self.unmaps: Mapping[str, api.Unmap] = api.PAGE_UNMAPS
        self.outline = outline
        macros = outline.macros if outline else []
        groups = outline.conditionals if outline else []
        self.macros = {m.name: list(m.words) for m in macros}
        self.branches = [p for g in groups for p in zip(g.lines, g.lines[1:])]

    @property
    def wrapped(self) -> set[str]:
        """The functions that map or unmap for their callers."""
        return {*self.maps, *self.unmaps} - {*api.MAPS, *api.UNMAPS}

    def argument(self, callee: str, number: int) -> Effect:
        """What CALLEE does with an address given as argument NUMBER."""
        if not callee:
            why = "the address is passed through a function pointer"
            return Effect("unknown", False, why)
        if callee in primitives.ESCAPING:
            why = f"the address is passed to {callee}(): {primitives.ESCAPING[callee]}"
            return Effect("escapes", False, why)
        if number in primitives.STORING.get(callee, ()):
            return Effect("escapes", False, f"the address is stored by {callee}()")
        if callee in primitives.HARMLESS:
            return Effect("harmless", callee in primitives.RETURNING, "primitives.py")
        alias = self.callees.aliases.get((self.file, callee))
        if alias:
            return self.argument(alias, number)
        effect = self.callees.effect(self.file, callee, number)
        if effect.verdict == "harmless":
            return effect
        why = f"the address is passed to {callee}(): {effect.evidence}"
        return effect._replace(evidence=why)

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

    def leaves_mapped(self, call: Expr) -> bool:
        """Whether CALL returns with a page mapped."""
        return bool(call.callee) and self.callees.leaves_mapped(self.file, call.callee)

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

    def context(self, call: Expr, kind: str) -> str:
        """Why CALL needs page faults (`faults`) or preemption (`preempt`) to be
        off, or "" when it does not, as far as it was read."""
        names = primitives.FAULTS_OFF if kind == "faults" else primitives.PREEMPT_OFF
        what = "page faults" if kind == "faults" else "preemption"
        # What a callee's callees need of preemption they see to themselves, as
        # they have other callers; a user copy is seldom the whole of a function.
        deep = 2 if kind == "faults" else 1
        chain = self.callees.reaches(self.file, call.callee, names, deep)
        if chain:
            return f"{chain} may depend on {what} being disabled"
        return ""

    def helped(self, call: Expr, kind: str) -> bool:
        """Whether all that CALL can need is met by disabling page faults
        (`faults`) or preemption (`preempt`) by name around it."""
        wrong = primitives.FAULTS_ASSERTED
        if kind == "preempt":
            wrong = primitives.PREEMPT_OFF - primitives.PER_CPU
            wrong = wrong | primitives.SLEEPING_LOCKS
        return not self.callees.reaches(self.file, call.callee, wrong, 2)
