# SPDX-License-Identifier: GPL-2.0-only
"""Addresses that functions leave for each other in a structure on the stack.

One of them maps a page and leaves its address in `iter->addr`, the next one uses it,
another unmaps it.  The member is a place like a variable where all who have the
structure are known: they are followed from call to call, with all that it can hold
when one begins, and are converted together or kept together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from kmaplocal import deadline, faults
from kmaplocal.c.cfg import Unstructured
from kmaplocal.c.outline import Span
from kmaplocal.c.respelt import respelt
from kmaplocal.c.syntax import Expr, Function
from kmaplocal.c.text import plain
from kmaplocal.certify import holding
from kmaplocal.certify.certificate import CONVERT, FAULTS, PREEMPT, Verdict
from kmaplocal.certify.certify import certify
from kmaplocal.certify.doubts import comment_doubts, lacking, syntax_doubts
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.certify.holding import Bases, Unfit, Users
from kmaplocal.certify.view import converted
from kmaplocal.flow.engine import TooManyPaths, Tracer
from kmaplocal.flow.events import AGAINST, Kind
from kmaplocal.flow.holder import Holder, Kept
from kmaplocal.flow.pointers import pointer_of
from kmaplocal.flow.values import Origin
from kmaplocal.knowledge import api, functions
from kmaplocal.summaries.chains import depending, links
from kmaplocal.summaries.knowledge import FileKnowledge

if TYPE_CHECKING:
    from kmaplocal.certify.analysis import Analysis
    from kmaplocal.certify.file import FileAnalysis

MOST_ROUNDS = 8
T = TypeVar("T")
MOST_KEPT = 24  # ways in which a structure may hold addresses
_LATE = (Kind.AFTER_UNMAP, Kind.DANGLING, Kind.RETURNED, Kind.MOVED)
_ATOMIC = {name for name in api.OLD_MAPS if api.MAPS[name].atomic}
_DISABLED = {FAULTS: functions.FAULTS_OFF, PREEMPT: functions.PREEMPT_OFF}

Key = tuple[str, int, int]  # a function: its file, its line, and which reading of it


@dataclass(eq=False)
class User:
    """A function that has the structure, on its stack or behind a parameter, under the
    names BASES.  TOUCHES: whether it uses the members that keep addresses; RESPELT: the
    function with these members as variables."""

    file: str
    function: Function
    bases: Bases
    touches: bool = False
    respelt: Function | None = None

    @property
    def key(self) -> Key:
        """What tells it from all others."""
        return self.file, self.function.line, self.function.reading

    @property
    def base(self) -> str:
        """Its one name for the structure."""
        return [*self.bases.params, *self.bases.variables][0]

    @property
    def declares(self) -> bool:
        """Whether the structure is on its stack."""
        return not self.bases.params


class Made(NamedTuple):
    """What becomes of a function: its analysis, and its verdict."""

    user: User
    analysis: FunctionAnalysis
    verdict: Verdict


class Holders:
    """The structures that keep addresses, from what ANALYSIS found in FILES."""

    def __init__(self, analysis: Analysis, files: dict[str, FileAnalysis]):
        self.analysis = analysis
        self.files = files
        self.against: dict[str, str] = {}  # why not, by the structure
        self.read: dict[str, set[str]] = {}  # by the structure, the files that name it

    def join(self) -> None:
        """Find those whose users can be converted together, and say so in FILES.
        Errors: TagsError, OSError."""
        for tag, file in dict.fromkeys(self._candidates()):
            with faults.net(lambda why: None):
                try:
                    self._settle(_Structure(self, tag, file).certified())
                except Unfit as why:
                    self.against[tag] = str(why)

    def _candidates(self) -> Iterator[tuple[str, str]]:
        """The structures of which a member is given what an old map call returns, each
        with the file where that is."""
        for file in self.files.values():
            kept = {v.line for v in file.verdicts if v.verdict != CONVERT}
            for line in kept & file.analyses.keys():
                function = file.analyses[line].function
                for tag in _filled(function):
                    yield tag, file.path

    def _settle(self, made: list[Made]) -> None:
        homes = {each.user.file for each in made}
        for each in made:
            file = self.files[each.user.file]
            index = [v.line for v in file.verdicts].index(each.verdict.line)
            file.verdicts[index] = each.verdict
            file.analyses[each.verdict.line] = each.analysis
            file.tied.add(each.verdict.line)
            file.partners |= homes - {file.path}


def _filled(function: Function) -> Iterator[str]:
    """The tags of the structures of which FUNCTION fills a member by an old map call
    whose mapping is this thread's alone: "sg_iter" where a `struct sg_iter *i` has
    `i->addr = kmap_atomic(page)`."""
    for expr in function.exprs:
        if expr.kind != "assign" or expr.children[1].bare().callee not in _ATOMIC:
            continue
        target = expr.children[0].bare()
        base = target.children[0].bare() if target.kind == "member" else target
        variable = function.variables.get(base.text)
        words = variable.type.split() if variable else []
        if target is not base and words[:1] == ["struct"] and len(words) > 1:
            yield words[1]


class _Structure:
    """The structure TAG, of which FILE fills a member."""

    def __init__(self, holders: Holders, tag: str, file: str):
        self.holders = holders
        self.analysis, self.files = holders.analysis, holders.files
        self.tag = tag
        self.file = file
        self.users: dict[Key, User] = {}
        self.named = Users([], [], {})
        self.types: dict[str, str] = {}
        self.after: dict[Key, dict[Kept, set[Kept]]] = defaultdict(dict)
        self.reached: set[Kept] = {()}

    def certified(self) -> list[Made]:
        """The functions that are converted with it.  Raises Unfit."""
        self._read()
        members = self._members()
        for _ in range(MOST_ROUNDS):
            knowledge = self._knowledge(self.file)
            types = {m: knowledge.member_type(self.tag, m) for m in members}
            for user in self.users.values():
                self._look_at(user, members)
            if not self.analysis.learner.learn():
                break
        if not all("*" in type_ for type_ in types.values()):
            raise Unfit(f"the types of {', '.join(members)} are not known")
        self.types = types
        self._disciplined()
        self._answered(self._follow)
        return self._answered(self._certified)

    def _answered(self, step: Callable[[], T]) -> T:
        """What STEP gives once all that it asks for is known.  Raises what it raises
        then, Unfit."""
        for _ in range(MOST_ROUNDS):
            trouble: Unfit | None = None
            try:
                made = step()
            except Unfit as why:
                trouble = why
            if not self.analysis.learner.learn():
                break
        if trouble:
            raise trouble
        return made

    # -- who has it ----------------------------------------------------------

    def _read(self) -> None:
        self.named = self._own() or self._everywhere()
        names: dict[str, set[str]] = defaultdict(set)
        for file, span in self.named.spans:
            names[file].add(span.name)
        self.analysis.learner.read_functions(names)
        for file, span in dict.fromkeys(self.named.spans):
            for function in self._readings(file, span):
                user = User(file, function, holding.bases(function, self.tag))
                self.users[user.key] = user

    def _own(self) -> Users | None:
        """The users, where no other file can have any: this one declares the structure
        and gives it to its own static functions only.  None where others can."""
        outline = self.analysis.outlines[self.file]
        if self.file.endswith(".h") or not holding.declares(outline, self.tag):
            return None
        found = holding.users({self.file: outline}, self.tag)
        static = all(outline.is_static(span) for _, span in found.given)
        return found if static and not found.pointers else None

    def _everywhere(self) -> Users:
        """The users in the whole tree.  Raises Unfit."""
        tree = self.analysis.definitions
        if tree is None or not tree.knows(self.file):
            raise Unfit("who else has it is not known here")
        named = tree.mentions([self.tag])[self.tag]
        if not tree.search.is_whole():
            raise Unfit("not all of the tree could be searched")
        self.analysis.outline(named)
        outlines = {name: self.analysis.outlines[name] for name in named}
        self.holders.read[self.tag] = {*outlines, self.file}
        return holding.users(outlines, self.tag)

    def _readings(self, file: str, span: Span) -> list[Function]:
        """The function at SPAN of FILE, a time for each choice of arms of its #ifs.
        Raises Unfit."""
        outline = self.analysis.outlines[file]
        lines = {line for each in outline.conditionals for line in each.lines}
        parted = bool(lines.intersection(range(span.line, span.end)))
        defined = self.analysis.callees.defined(file, span.name)
        found = [f for _, f in defined if f.line == span.line]
        if not found or any(f.unread or bool(f.reading) != parted for f in found):
            raise Unfit(f"{file}:{span.line}: {span.name}() was not understood")
        return found

    def _members(self) -> list[str]:
        """The members that are given an address of a mapping, or that are unmapped."""
        found: dict[str, None] = {}
        for user in self.users.values():
            every = {*user.bases.params, *user.bases.variables}
            for expr in user.function.exprs:
                node = _mapped_into(expr)
                if node is not None and node.children[0].bare().text in every:
                    found.setdefault(node.label)
        return list(found)

    def _look_at(self, user: User, members: Collection[str]) -> None:
        """Note whether USER touches what keeps addresses, and ask for what it calls."""
        every = {*user.bases.params, *user.bases.variables}
        user.touches = bool(user.bases.variables) or any(
            e.kind == "member"
            and e.label in members
            and e.children[0].bare().text in every
            for e in user.function.exprs
        )
        for expr in user.function.exprs:
            if expr.kind == "call" and self._is_given(user, expr) and expr.callee:
                self.analysis.callees.find(user.file, expr.callee)

    def _is_given(self, user: User, call: Expr) -> bool:
        """Whether CALL is given the structure."""
        lent = {*user.bases.params, *(f"& {name}" for name in user.bases.variables)}
        return any(a.bare().text in lent for a in call.arguments.values())

    # -- whom it is given to ---------------------------------------------------------

    def _disciplined(self) -> None:
        """Raise Unfit where a user gives the structure to a function that is none, has
        it under several names, or maps something else."""
        for user in self.users.values():
            fits = partial(self._fits, user)
            why = holding.let_go(user.function, user.bases, self.types, fits)
            where = f"{user.file}:{user.function.line}: {user.function.name}()"
            if why:
                raise Unfit(f"{where} {why}")
            names = [*user.bases.params, *user.bases.variables]
            if user.touches and (len(names) != 1 or user.function.reading):
                raise Unfit(f"{where} has several of them, or an #if in it")
            if not user.touches and self._maps(user):
                raise Unfit(f"{where} maps or unmaps something else meanwhile")

    def _maps(self, user: User) -> bool:
        """Whether USER, beside what it gives the structure to, maps or unmaps, itself
        or by a wrapper."""
        known = converted(self._knowledge(user.file), user.function)
        names = {*api.ALL, *known.maps, *known.unmaps, *known.leaving}
        calls = user.function.calls(names)
        return not all(self._is_given(user, call) for call in calls)

    def _fits(self, user: User, call: Expr, number: int) -> bool:
        """Whether CALL takes the structure as argument NUMBER, by the type of that."""
        if not call.callee:
            name = holding.pointer_type(call, user.function)
            return number in self.named.pointers.get(name, ())
        found = self._called(user, call)
        return (
            bool(found)
            and all(
                number < len(each.function.params)
                and each.function.params[number].name in each.bases.params
                for each in found
                if each is not None
            )
            and None not in found
        )

    def _called(self, user: User, call: Expr) -> list[User | None]:
        """The functions of the name that CALL has; None in place of one that is no
        user."""
        found = self.analysis.callees.find(user.file, call.callee)
        return [self.users.get((file, f.line, f.reading)) for file, f in found]

    # -- what it holds --------------------------------------------------------

    def _follow(self) -> None:
        """Find which members can hold addresses before and after each function: until
        a round adds nothing.  Raises Unfit."""
        self.after.clear()
        self.reached = {()}
        touching = [u for u in self.users.values() if u.touches]
        while True:
            before = len(self.reached), self._size()
            for user in touching:
                for kept in sorted(self.reached) if not user.declares else ():
                    left = self._run(user, (kept,))[1].left
                    self.after[user.key].setdefault(kept, set()).update(left)
                    self.reached |= left
            if len(self.reached) > MOST_KEPT:
                raise Unfit("there are too many ways in which it keeps addresses")
            if (len(self.reached), self._size()) == before:
                return

    def _size(self) -> int:
        return sum(len(left) for each in self.after.values() for left in each.values())

    def _run(
        self, user: User, entries: tuple[Kept, ...]
    ) -> tuple[FunctionAnalysis, Holder]:
        """USER, as it is followed when the structure holds one of ENTRIES.
        Raises Unfit."""
        deadline.RUN.check()
        arrow = "." if user.declares else "->"
        if user.respelt is None:
            user.respelt = respelt(user.function, user.base, self.types)
        function = user.respelt
        holder = Holder(
            user.base,
            {member: f"{user.base}{arrow}{member}" for member in self.types},
            f"& {user.base}" if user.declares else user.base,
            () if user.declares else entries,
            partial(self._left_by, user),
            len(function.params),
        )
        knowledge = converted(self._knowledge(user.file), function)
        analysis = FunctionAnalysis(user.file, function, knowledge)
        analysis.holder, analysis.followed = holder, True
        where = f"{user.file}:{function.line}: {function.name}()"
        try:
            analysis.trace = Tracer(function, knowledge, holder=holder).run()
        except (Unstructured, TooManyPaths) as why:
            raise Unfit(f"{where}: {why}") from why
        if holder.trouble:
            raise Unfit(f"{where}: {holder.trouble}")
        return analysis, holder

    def _left_by(self, user: User, call: Expr, kept: Kept) -> Collection[Kept]:
        """What the structure, which holds KEPT, may hold after CALL is given it."""
        found = self._called(user, call) if call.callee else [None]
        left: set[Kept] = set()
        for each in found:
            if each is None or not each.touches:
                left |= self.reached
            else:
                left |= self.after[each.key].get(kept, set())
        return left

    # -- certificates ------------------------------------------------------------------

    def _certified(self) -> list[Made]:
        made = []
        for user in self.users.values():
            if not user.touches:
                self._needs_nothing(user)
                continue
            analysis, _ = self._run(user, tuple(sorted(self.reached)))
            self._harmless(user, analysis)
            if user.function.calls(api.OLD):
                made.append(Made(user, analysis, self._verdict(user, analysis)))
        return made

    def _needs_nothing(self, user: User) -> None:
        """Raise Unfit where USER, which only gives the structure on, relies on what a
        mapping disables."""
        knowledge = self._knowledge(user.file)
        for call in user.function.exprs:
            if call.kind == "call" and not self._is_given(user, call):
                self._relies(user, knowledge, call)

    def _relies(self, user: User, knowledge: FileKnowledge, call: Expr) -> None:
        """Raise Unfit where CALL, or what it may call through a pointer, relies on page
        faults or preemption being disabled."""
        where = f"{user.file}:{call.start[0]}: {user.function.name}()"
        if knowledge.is_unread(call):
            what = f"{call.callee}(), which nobody found,"
            raise Unfit(f"{where}: {what} may depend on what kmap_atomic() disables")
        for kind, names in _DISABLED.items():
            chain = depending(knowledge.chain(call, kind), kind)
            for file, name in () if call.callee else self._targets(user, call):
                reached = self.analysis.callees.reaches(file, name, names, 2)
                chain = chain or depending(links(reached), kind)
            if chain:
                raise Unfit(f"{where}: {chain}")

    def _targets(self, user: User, call: Expr) -> list[tuple[str, str]]:
        """The functions that CALL may call through a pointer, each with its file.
        Raises Unfit where they are not known."""
        callees = self.analysis.callees
        pointer = pointer_of(call, user.function)
        if pointer is not None and pointer.function:
            pointer = pointer._replace(file=user.file)
        if pointer is not None and pointer not in callees.pointers:
            callees.want(pointer)
        known = callees.pointers.get(pointer) if pointer is not None else None
        if known is None or not known.functions:
            name, where = plain(call.children[0].text), f"{user.file}:{call.start[0]}"
            raise Unfit(
                f"{where}: {name}(), which is called by a pointer, may depend on what"
                " kmap_atomic() disables"
            )
        return list(known.functions)

    def _harmless(self, user: User, analysis: FunctionAnalysis) -> None:
        """Raise Unfit where USER lets an address leave the thread, unmaps out of order,
        or relies on what the mappings of other functions disable."""
        where = f"{user.file}:{user.function.line}: {user.function.name}()"
        trace, holder = analysis.trace, analysis.holder
        assert holder is not None, "it was followed with one"
        for site in trace.sites:
            if site.name not in _ATOMIC:
                raise Unfit(f"{where} maps by {site.name}() as well")
        ends = {site.api.ends for site in trace.sites} | {"kunmap_atomic"}
        for call in trace.unmaps:
            if analysis.knowledge.unmaps[call.callee].kind not in ends or len(ends) > 1:
                raise Unfit(f"{where} unmaps by {call.callee}()")
            if trace.moved(call) is not None:
                what = plain(call.arguments[0].text)
                raise Unfit(f"{where} unmaps {what}, which may be in another page")
        if trace.disordered:
            raise Unfit(f"{where} unmaps in another order")
        every: list[Origin] = [*holder.origins]
        every += [site.number for site in trace.sites]
        for pointer in filter(None, map(trace.awaits, every)):
            analysis.knowledge.callees.want(pointer)
        for origin in every:
            for event in trace.of(origin, *AGAINST, *_LATE):
                raise Unfit(f"{where}: {event.detail or plain(event.place.text)}")
        for origin in holder.origins:
            given = {event.place for event in trace.of(origin)}
            for call in trace.during(origin):
                if self._is_given(user, call) or call in given:
                    continue
                self._relies(user, analysis.knowledge, call)

    def _verdict(self, user: User, analysis: FunctionAnalysis) -> Verdict:
        """The verdict on USER.  Raises Unfit."""
        where = f"{user.file}:{user.function.line}: {user.function.name}()"
        file = self.files.get(user.file)
        if file is None or user.function.line not in file.analyses:
            raise Unfit(f"{where} is to be converted with it: name its file")
        verdict = certify(analysis)
        verdict.line = user.function.line
        repairs = any(o.repairs for c in verdict.certificates for o in c.obligations)
        outline, offers = file.outline, self.analysis.offers
        limit = offers.limit(
            outline, next(s for s in file.wanted if s.line == user.function.line)
        )
        verdict.doubts.extend(syntax_doubts(outline, user.function, set(api.OLD)))
        verdict.doubts.extend(comment_doubts(outline, user.function, analysis.trace))
        verdict.doubts.extend(lacking(user.function, offers.lack(limit)))
        if verdict.verdict != CONVERT or repairs:
            reasons = verdict.reasons()
            raise Unfit(
                f"{where}: {reasons[0].reason if reasons else 'needs a repair'}"
            )
        return verdict

    def _knowledge(self, file: str) -> FileKnowledge:
        known = self.files.get(file)
        source = known.source if known else None
        outline = self.analysis.outlines[file]
        return FileKnowledge(file, self.analysis.callees, source, outline)


def _mapped_into(expr: Expr) -> Expr | None:
    """The member that EXPR gives what an old call mapped, or unmaps; or None."""
    node = None
    if expr.kind == "assign" and expr.children[1].bare().callee in api.OLD_MAPS:
        node = expr.children[0].bare()
    elif expr.callee in api.OLD_UNMAPS and 0 in expr.arguments:
        node = expr.arguments[0].bare()
    return node if node is not None and node.kind == "member" else None
