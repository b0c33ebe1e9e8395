# SPDX-License-Identifier: GPL-2.0-only
"""What is known in one file of the functions, types and macros that it uses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from copy import copy
from typing import TYPE_CHECKING

from kmaplocal.summaries import linear, mappings
from kmaplocal.knowledge import api, functions
from kmaplocal.c.conditions import Version
from kmaplocal.c.outline import VARIADIC, Outline
from kmaplocal.flow.pointers import Pointer, named_function
from kmaplocal.c.syntax import Expr, Function, Source, Struct
from kmaplocal.flow.events import Root
from kmaplocal.flow.tree import Effect, Escape, Inside
from kmaplocal.summaries.chains import BEYOND, ENABLING, links
from kmaplocal.summaries.effects import POINTER
from kmaplocal.summaries.requests import Layout, Member

if TYPE_CHECKING:
    from kmaplocal.summaries.callees import Callees


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
        self.limit: Version | None = None  # the oldest kernel it is for
        # A conversion changes nothing about page tables: they were on the stack.
        self.maps: Mapping[str, api.Map] = api.PAGE_MAPS
        self.unmaps: Mapping[str, api.Unmap] = api.PAGE_UNMAPS
        self.followed: set[str] = set()  # calls that map or unmap by what they call
        self.leaving: set[str] = set()  # calls that leave a page mapped in another way
        self.ending: set[str] = set()  # ... that unmap a page which they were not given
        self.heads: set[str] = set()  # macros that map or unmap and head a statement
        self.addresses: frozenset[str] = frozenset()  # variables for nothing else
        self.outline = outline
        self.cut = False  # nobody asks, who is asked himself
        self.hasty = self.rushed = False  # nor makes again what he makes of this
        macros = outline.macros if outline else []
        groups = outline.conditionals if outline else []
        self.macros = {m.name: list(m.words) for m in macros}
        self.branches = [p for g in groups for p in zip(g.lines, g.lines[1:])]

    @property
    def carried(self) -> bool:
        """Whether addresses go with their pages in the files at hand."""
        return self.callees.carried

    @property
    def asked(self) -> int:
        """How often something was asked that is not known yet."""
        return self.callees.requests.asked

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
        for name in sorted(self._called_back(function)):
            if self.callees.mappings_of(self.file, name).ends:
                known.ending = {*known.ending, name}
        maps, unmaps = {}, {}
        for name in sorted({*calls} - {*self.maps, *self.unmaps, function.name, ""}):
            found = self.callees.mappings_of(self.file, name)
            if found.ends:
                known.ending = {*known.ending, name}
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
        named = {stmt.iterator for stmt in function.statements()} - {""}
        heads = (n for n in named if self.callees.maps_in_head(self.file, n))
        known.heads = set(heads)
        return known

    def _called_back(self, function: Function) -> set[str]:
        """The functions of the file that may unmap, and that a call in FUNCTION may
        call back: it is given one, or goes where a pointer does."""
        outline = self.outline
        known = outline.reaching(api.NAMES) if outline else frozenset[str]()
        if outline is None or not known:
            return set()
        calls = [expr for expr in function.exprs if expr.kind == "call"]
        found = {name for call in calls for name in _named(call)}
        if any(not call.callee for call in calls):
            found |= outline.valued(known)
        return {n for n in found & known if n not in function.variables}

    def ender(self, call: Expr) -> str:
        """What may unmap a page that it was not given, and CALL calls or calls back; ""
        where there is nothing."""
        found = {call.callee, *_named(call)} & self.ending
        if not call.callee and self.outline and self.ending:
            valued = self.outline.valued(frozenset(self.ending))
            found |= {name for name in valued if self._can_be(name, call)}
        return min(found, default="")

    def _can_be(self, name: str, call: Expr) -> bool:
        """Whether CALL, through a pointer, can be of the function NAME of the file: it
        has as many arguments as that takes."""
        given = len(call.children) - 1
        takes = [f.params for _, f in self.callees.defined(self.file, name)]
        return not takes or any(
            given == len(params) or (params and params[-1].name == VARIADIC)
            for params in takes
        )

    def argument(self, callee: str, number: int) -> Effect:
        """What CALLEE does with an address given as argument NUMBER."""
        if not callee:
            return Effect(Escape.UNKNOWN, False, POINTER, root=Root("pointer", ""))
        known = functions.of(callee)
        if known.hands:
            why = f"the address is passed to {callee}(): {known.how}"
            return Effect(Escape.YES, False, why, root=Root("handed", callee))
        if number in known.stores:
            why, root = f"the address is stored by {callee}()", Root("kept", callee)
            return Effect(Escape.YES, False, why, root=root)
        if not known.keeps:
            writes = number not in known.reads
            return Effect(Escape.NO, known.returns, known.source, writes=writes)
        alias = self.callees.aliases.get((self.file, callee))
        if alias:
            return self.argument(alias, number)
        effect = self.callees.effect(self.file, callee, number)
        if effect.escape is Escape.NO:
            return effect
        why = f"the address is passed to {callee}(): {effect.evidence}"
        return effect._replace(evidence=why)

    def by_reference(self, callee: str, number: int) -> Effect:
        """What CALLEE does with the address of a variable, argument NUMBER."""
        return self.argument(callee, number)

    def overwrites(self, callee: str, number: int) -> bool:
        """Whether CALLEE may write to a variable whose address is argument NUMBER."""
        effect = self.argument(callee, number)
        return effect.writes or bool(effect.callbacks)

    def called_back(self, callee: str, number: int, inside: Inside | None) -> Effect:
        """What CALLEE, which is given to another function to call, does with its
        argument NUMBER, or with an address that it finds INSIDE it."""
        return self.callees.called_back(self.file, callee, number, inside)

    def contents(self, callee: str, inside: Inside) -> Effect:
        """What CALLEE does with an address that it finds INSIDE an argument."""
        if not callee:
            why = "what holds the address is passed through a function pointer"
            return Effect(Escape.UNKNOWN, False, why)
        why = f"what holds the address is passed to {callee}()"
        known = functions.of(callee)
        if not known.keeps_behind:
            return Effect(Escape.NO, False, known.source)
        if not known.keeps or known.hands:
            return Effect(Escape.UNKNOWN, False, why)
        alias = self.callees.aliases.get((self.file, callee))
        if alias:
            return self.contents(alias, inside)
        effect = self.callees.effect(self.file, callee, inside.number, inside)
        if effect.escape is Escape.NO:
            return effect
        return effect._replace(evidence=f"{why}: {effect.evidence}")

    def through_pointer(self, pointer: Pointer | None, number: int) -> Effect:
        """What any function that POINTER, of this file, can be does with an address
        given as argument NUMBER."""
        if pointer is None:
            return Effect(Escape.UNKNOWN, False, POINTER)
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
            self.callees.requests.ask(Member(member))
        return self.callees.arrays.get(member)

    def member_type(self, struct: str, member: str) -> str:
        """The type of a member; "" when it is not known, or not one type."""
        own = self.callees.structs.get(self.file, {}).get(struct)
        for name, type_ in own.members if own else ():
            if name == member:
                return type_
        if member not in self.callees.arrays:
            self.callees.requests.ask(Member(member))
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
            self.callees.requests.ask(Layout(struct))
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
        if call.callee in ENABLING[kind]:
            return (call.callee,)
        names = functions.FAULTS_OFF if kind == "faults" else functions.PREEMPT_OFF
        chain = self.callees.reaches(self.file, call.callee, names, 2)
        return links(chain)

    def asks_address(self, call: Expr, numbers: Collection[int]) -> str:
        """How CALL, which is given a page by its arguments NUMBERS, asks for its linear
        address; "" as far as it was read."""
        return linear.asked(self.callees, self.file, call.callee, numbers)

    def is_unread(self, call: Expr) -> bool:
        """Whether nobody knows what CALL calls: by a name that has no row, and of
        which no definition was found."""
        name = call.callee
        known = name in functions.TABLE or name in self.maps or name in self.unmaps
        return bool(name) and not known and self.callees.unread(self.file, name)

    def helped(self, call: Expr, kind: str) -> bool:
        """Whether all that CALL can need is met by disabling page faults
        (`faults`) or preemption (`preempt`) by name around it."""
        if call.callee in ENABLING[kind]:
            return False
        wrong = BEYOND if kind == "preempt" else functions.FAULTS_ASSERTED
        return not self.callees.reaches(self.file, call.callee, wrong, 2)


def _named(call: Expr) -> set[str]:
    """The names that CALL is given as they are, as a function is."""
    nodes = (named_function(argument) for argument in call.arguments.values())
    return {node.text for node in nodes if node is not None}
