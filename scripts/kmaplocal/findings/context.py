# SPDX-License-Identifier: GPL-2.0-only
"""The check context: one function with its mappings, as the rules look at it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy
from functools import cached_property

from kmaplocal.findings.finding import Finding, Rule, Step
from kmaplocal.findings.called import CalledFunctions
from kmaplocal.bounds import plain
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.c.cfg import LOOPS
from kmaplocal.c.places import Places, base_type
from kmaplocal.flow.events import AGAINST, Event, Kind
from kmaplocal.flow.trace import Site
from kmaplocal.knowledge import api
from kmaplocal.c.outline import JUMPS
from kmaplocal.c.structs import struct_of
from kmaplocal.c.syntax import Expr, Point, Stmt

MOST_STEPS = 3
# What makes an address somebody else's to unmap.
PASSED_ON = AGAINST


class CheckContext:
    """What the rules ask about one function, and how they answer."""

    rule: Rule  # the one that asks

    def __init__(self, analysis: FunctionAnalysis):
        self.analysis = analysis
        self.file = analysis.file
        self.function = analysis.function
        self.trace = analysis.trace
        self.knowledge = analysis.knowledge
        self.called = CalledFunctions(analysis.file, analysis.knowledge.callees)
        self.places = Places(analysis.function)

    def by_rule(self, rule: Rule) -> CheckContext:
        """The same, as RULE looks at it."""
        context = copy(self)
        context.rule = rule
        return context

    def finding(
        self,
        at: Expr | Stmt | Point,
        message: str,
        remedy: str,
        severity: str = "",
        fix: str = "",
        steps: Iterable[Step] = (),
        answered: str = "",
    ) -> Finding:
        """A finding of the rule that asks, at a place of this function, at the end of
        STEPS; its SEVERITY is the rule's where none is given. ANSWERED: the obligation
        whose repair by apply is the remedy."""
        line, column = at if isinstance(at, tuple) else at.start
        return Finding(
            self.file,
            line,
            column + 1,
            self.rule.id,
            severity or self.rule.severity,
            self.function.name,
            message,
            remedy,
            fix,
            steps=tuple(steps)[:MOST_STEPS],
            answered=answered,
        )

    def step(self, at: Expr | Stmt | Point, said: str) -> Step:
        """A step on the way to a finding: what is said of the place AT."""
        line, column = at if isinstance(at, tuple) else at.start
        return Step(line, column + 1, said)

    # -- mappings ----------------------------------------------------------

    @cached_property
    def sites(self) -> list[Site]:
        """The mappings of pages.  Two kinds are left out, of which only the order on
        the stack is asked: those of page tables, and those whose address others
        keep."""
        return [
            site
            for site in self.trace.sites
            if site.name not in api.TABLE_MAPS and not site.api.kept
        ]

    def unmaps(self, site: Site) -> list[Expr]:
        """The unmaps that end a mapping on some path, in the order of the text."""
        found = self.trace.unmaps_of(site.number)
        return sorted(found, key=lambda expr: expr.start)

    def kind(self, unmap: Expr) -> str:
        """The unmap function by which an unmap is made."""
        return self.knowledge.unmaps[unmap.callee].kind

    def argument(self, unmap: Expr) -> Expr | None:
        """What an unmap is given to be unmapped."""
        return unmap.arguments.get(self.knowledge.unmaps[unmap.callee].number)

    def ending(self, site: Site) -> str:
        """The function by which this function unmaps a mapping, or is to."""
        unmaps = self.unmaps(site)
        return unmaps[0].callee if unmaps else site.api.ends

    def uses(self, site: Site, *kinds: Kind) -> list[Event]:
        """What was recorded of a mapping, of one of KINDS, in the order of the
        text."""
        found = self.trace.of(site.number, *kinds)
        return sorted(found, key=lambda use: use.place.start)

    def passed_on(self, site: Site) -> bool:
        """Whether the address goes where another function may unmap it, or is
        used in a way not understood."""
        return bool(self.uses(site, *PASSED_ON))

    def gone(self, use: Event, site: Site) -> str:
        """After which unmap a use stands: "line 12", or "its unmap"."""
        unmaps, around = self.unmaps(site), list(self.loops(use.place))
        before = [e for e in unmaps if e.start < use.place.start]
        # Behind the use in the text: it came round a loop.
        before = before or [e for e in unmaps if {*self.loops(e)} & {*around}]
        return f"line {before[-1].start[0]}" if before else "its unmap"

    @cached_property
    def untraced(self) -> list[Expr]:
        """Unmaps of what this function did not map, as far as was seen."""
        found = [
            expr
            for expr, seen in self.trace.unmaps.items()
            if any(end.kind in (Kind.UNTRACED, Kind.PARAMETER) for end in seen)
        ]
        return sorted(found, key=lambda expr: expr.start)

    # -- words -------------------------------------------------------------

    def named(self, site: Site) -> str:
        """A mapping by the variable that holds it, or by its call."""
        return site.variable or plain(site.call.text)

    def by(self, site: Site) -> str:
        """By what a page was mapped: "kmap()", "get() (kmap())"."""
        inner = f" ({site.api.by}())" if site.api.by else ""
        return f"{site.name}(){inner}"

    def pages(self, site: Site) -> set[str]:
        """By which expressions this function names the page of a mapping."""
        if site.api.gives_page:
            return self.given_to(site.call)
        if not site.api.by:
            return {site.page}
        found: set[str] = set()
        for number, how in site.api.named:
            argument = site.call.arguments.get(number)
            node = argument.bare() if argument is not None else site.call
            if how == api.PAGE:
                found.add(node.text)
            elif how == api.OUTPUT and node.op == "&":
                found.add(node.children[0].bare().text)
        return found

    def begun(self, *sites: Site) -> list[Step]:
        """The steps at which mappings begin."""
        if len(sites) == 1:
            return [self.step(sites[0].call, "mapped here")]
        return [self.step(s.call, f"{self.named(s)} is mapped here") for s in sites]

    def mapped(self, site: Site) -> str:
        """Where a mapping was made, and by what when that does not say so itself."""
        line = f"mapped in line {site.call.start[0]}"
        return f"{line} by {self.by(site)}" if site.api.by else line

    def type_of(self, expr: Expr) -> str:
        """The type of a variable, member or cast, as its text; "" when it is not
        known."""
        node = expr
        while node.kind == "paren":
            node = node.children[0]
        if node.kind == "cast":
            return base_type(node.op)
        if node.kind == "identifier":
            variable = self.function.variables.get(node.text)
            return base_type(variable.type) if variable else ""
        if node.kind == "member":
            types = self.knowledge.member_type
            struct = struct_of(node.children[0], self.function, types)
            return base_type(types(struct, node.label)) if struct else ""
        if node.kind == "index":
            return _element(self.type_of(node.children[0]))
        return ""

    def statement(self, expr: Expr) -> Stmt | None:
        """The statement an expression stands in."""
        return self.places.statement(expr)

    def next_statement(self, stmt: Stmt) -> Stmt | None:
        """What follows STMT in its block; None at the end of the block."""
        block = self.places.siblings(stmt)
        index = block.index(stmt) + 1
        return block[index] if index < len(block) else None

    def sequel(self, stmt: Stmt) -> Iterator[Stmt]:
        """The statements behind STMT in its block, as long as the one before them
        leads there and nothing else does."""
        block = self.places.siblings(stmt)
        for following in block[block.index(stmt) + 1 :]:
            if following.kind in ("label", "case", "default"):
                return
            yield following
            if following.kind in JUMPS:
                return

    def following(self, stmt: Stmt) -> Iterator[Stmt]:
        """The same where STMT may be what a label stands before."""
        home = stmt
        while home.parent is not None and home.parent.kind == "label":
            home = home.parent
        return self.sequel(home)

    def before(self, expr: Expr) -> Iterator[Stmt]:
        """The statements that stand before EXPR in the blocks around it."""
        home = self.statement(expr)
        yield from self.standing_before(home) if home is not None else ()

    def standing_before(self, stmt: Stmt) -> Iterator[Stmt]:
        """The same for a statement."""
        home: Stmt | None = stmt
        while home is not None:
            yield from (s for s in self.places.siblings(home) if s.start < home.start)
            home = home.parent

    def given_to(self, value: Expr) -> set[str]:
        """The variables and places that VALUE is assigned to, or initialises."""
        whole = value
        while whole.parent is not None and whole.parent.kind in ("paren", "cast"):
            whole = whole.parent
        if whole.parent is not None and whole.parent.kind == "assign":
            return {whole.parent.children[0].bare().text}
        home = self.statement(value)
        variables = home.variables if home else ()
        return {v.name for v in variables if v.value_at == whole.start}

    def holder(self, site: Site) -> str:
        """The one variable that is the address of a mapping, and nothing else,
        from its map call on; "" when there is none."""
        name = site.variable
        sets = [e for e in self.function.exprs if e.kind == "assign"]
        others = [e for e in sets if e.children[0].bare().text == name]
        others = [e for e in others if e.children[1].bare() is not site.call]
        moved = self.uses(site, Kind.MOVED, Kind.ADDRESS_TAKEN)
        return (
            ""
            if others or moved or self.analysis.pages.extents.mapped_at(site)
            else name
        )

    def leaving(self, line: int) -> Stmt | None:
        """The return statement that begins in LINE."""
        for stmt in self.function.statements():
            if stmt.kind == "return" and stmt.start[0] == line:
                return stmt
        return None

    def loops(self, expr: Expr) -> Iterator[Stmt]:
        """The loops an expression stands in, the outer first."""
        yield from self.function.around(expr, {*LOOPS, "iterator"})


def _element(type_: str) -> str:
    """The type of an element of an array or of what a pointer points to."""
    if "[" in type_:
        return type_[: type_.index("[")].strip()
    return type_.removesuffix("*").strip() if type_.endswith("*") else ""


def lasting(site: Site) -> bool:
    """Whether a mapping is kmap()'s: every thread sees it, and no stack has it."""
    return not site.api.stacked


def is_api(name: str) -> bool:
    """Whether a function is one of the mapping calls itself."""
    return name in api.ALL
