# SPDX-License-Identifier: GPL-2.0-only
"""The syntax tree of a C file, rebuilt from the facts of cocci/facts.cocci.

Coccinelle parses; a fact is one construct with its extent.  Extents nest, so
sorting them gives the tree back, and what an expression's text says between
its operands gives the operator.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from sys import intern
from types import MappingProxyType
from typing import Iterator

from kmaplocal.c import guards

Point = tuple[int, int]  # line (from 1), column (from 0)

OUTSIDE = "something_else"  # what Coccinelle calls a place in no function

ASSIGNMENTS = {"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="}
PREFIXES = {"*", "&", "-", "+", "!", "~", "++", "--", "sizeof"}
KEYWORDS = {"if", "for", "while", "do", "switch", "case", "default"}
KEYWORDS |= {"return", "goto", "break", "continue"}


class Extent:
    """Where something stands: from START to END."""

    __slots__ = ()

    start: Point
    end: Point

    def holds(self, other: Extent) -> bool:
        """Whether OTHER stands in it, or is it."""
        return self.start <= other.start and other.end <= self.end


# Of what is no call: most expressions, each of which would have one of its own.
_NONE: Mapping[int, Expr] = MappingProxyType({})


@dataclass(eq=False, slots=True)
class Expr(Extent):
    """An expression: its extent, its text with one space between tokens, what
    it is (`kind`), and its operands (`children`)."""

    start: Point
    end: Point
    text: str
    children: Sequence["Expr"] = ()  # most have none: no list for each of these
    parent: "Expr | None" = None
    kind: str = ""
    op: str = ""
    label: str = ""
    arguments: Mapping[int, "Expr"] = field(default_factory=lambda: _NONE)
    through: bool = False  # a call of what a variable holds

    @property
    def callee(self) -> str:
        """The name called, or "" (not a call, or through a pointer)."""
        if self.kind != "call" or self.children[0].kind != "identifier":
            return ""
        if self.through:
            return ""
        return self.children[0].text

    def walk(self) -> Iterator["Expr"]:
        """Every expression in this one, operands first."""
        found: list[Expr] = []
        self._note(found)  # a list: generators in one another take three times as long
        return iter(found)

    def _note(self, found: list["Expr"]) -> None:
        for child in self.children:
            if child.children:
                child._note(found)
            else:
                found.append(child)
        found.append(self)

    def whole(self) -> "Expr":
        """The sum that this is a part of, with the casts and parentheses around it."""
        node = self
        while node.parent is not None and node.parent.kind in (
            "binary",
            "paren",
            "cast",
        ):
            node = node.parent
        return node

    def bare(self) -> "Expr":
        """This expression without parentheses and casts around it."""
        node = self
        while node.kind in ("paren", "cast"):
            node = node.children[-1]
        return node


@dataclass(eq=False, slots=True)
class Variable:
    """A declared name, its type's text, and its initialiser if it has one."""

    name: str
    type: str
    at: Point
    value_at: Point | None = None
    static: bool = False

    @property
    def is_pointer(self) -> bool:
        """True when the type has a `*` or is an array."""
        return "*" in self.type or "[" in self.type


@dataclass(eq=False, slots=True)
class Stmt(Extent):
    """A statement or declaration with what stands directly in it."""

    start: Point
    end: Point
    text: str
    kind: str = ""
    children: Sequence["Stmt"] = ()
    exprs: Sequence[Expr] = ()
    variables: Sequence[Variable] = ()
    label: str = ""
    parent: "Stmt | None" = None

    @property
    def iterator(self) -> str:
        """The name of the macro that heads it; "" where none does."""
        return self.text.split(maxsplit=1)[0] if self.kind == "iterator" else ""

    def walk(self) -> Iterator["Stmt"]:
        """This statement and every one in it, in the order of the text."""
        found: list[Stmt] = []
        self._note(found)
        return iter(found)

    def _note(self, found: list["Stmt"]) -> None:
        found.append(self)
        for child in self.children:
            child._note(found)


@dataclass(eq=False)
class Function:
    """A function definition: parameters in order, and its statements."""

    name: str
    line: int = 0
    params: list[Variable] = field(default_factory=list)
    body: list[Stmt] = field(default_factory=list)
    variables: dict[str, Variable] = field(default_factory=dict)
    exprs: list[Expr] = field(default_factory=list)
    stray: list[Expr] = field(default_factory=list)  # in no statement
    unread: str = ""  # what of it is not among the facts
    macro: bool = False  # it is the body of a macro
    reading: int = 0  # one of a choice of arms of its #ifs; 0: as it is
    origin: Function | None = None  # of which this is what runs under a condition
    # By variable: the call that cleans it up where its scope ends.
    cleanups: dict[str, Expr] = field(default_factory=dict)

    def statements(self) -> Iterator[Stmt]:
        """Every statement and declaration, in the order of the text."""
        for stmt in self.body:
            yield from stmt.walk()

    def around(self, expr: Expr, kinds: Collection[str]) -> list[Stmt]:
        """The statements of one of KINDS that EXPR stands in, the outer first."""
        return [s for s in self.statements() if s.kind in kinds and s.holds(expr)]

    @property
    def last(self) -> int:
        """The line its last statement ends on."""
        return max((s.end[0] for s in self.body), default=0)

    def calls(self, names) -> list[Expr]:
        """The calls of one of `names`, in the order of the text."""
        found = [e for e in self.exprs if e.kind == "call" and e.callee in names]
        return sorted(found, key=lambda e: e.start)


@dataclass(eq=False)
class Struct:
    """A structure: its members in order (name, type), and whether all of them
    are known (a bit-field or an unnamed union is not)."""

    name: str
    members: list[tuple[str, str]]
    complete: bool


@dataclass(eq=False)
class Source:
    """All that the facts of one file say."""

    functions: list[Function]
    structs: dict[str, Struct]
    globals: dict[str, Variable]


def between(text: str, parts: list[str]) -> list[str]:
    """What `text` says before, between and after its `parts`, in order."""
    gaps, at = [], 0
    for number, part in enumerate(parts):
        if number == len(parts) - 1 and text.endswith(part) and number:
            found = len(text) - len(part)
        else:
            found = text.find(part, at)
        if found < 0:
            return []
        gaps.append(text[at:found].strip())
        at = found + len(part)
    return gaps + [text[at:].strip()]


def _is_name(text: str) -> bool:
    return text.isidentifier()


def _classify_leaf(node: Expr) -> str:
    if _is_name(node.text):
        return "identifier"
    if node.text.startswith("sizeof"):
        return "sizeof"
    if node.text[:1] in "\"'L" or node.text[:1].isdigit() or node.text[:1] == ".":
        return "constant"
    return "opaque"


def _classify_prefix(node: Expr, child: Expr) -> str:
    prefix = node.text[: -len(child.text)].strip()
    if prefix in PREFIXES:
        node.op = prefix
        return "sizeof" if prefix == "sizeof" else "unary"
    if prefix.startswith("(") and prefix.endswith(")"):
        node.op = prefix[1:-1].strip()
        return "cast"
    return "opaque"


def _number_arguments(node: Expr, gaps: list[str]) -> None:
    """Place each operand at its argument number: a type among the arguments
    is no expression, so commas are counted."""
    number, found = 0, {}
    for gap, child in zip(gaps[1:], node.children[1:]):
        number += gap.count(",")
        found[number] = child
    node.arguments = found


def _classify_operator(node: Expr, gaps: list[str]) -> str:
    after = gaps[1]
    if after.startswith("("):
        _number_arguments(node, gaps)
        return "call"
    if after == "[":
        return "index"
    if after.startswith("?"):
        return "ternary"
    if len(node.children) == 1:
        if after in ("++", "--"):
            node.op = after
            return "postfix"
        if after.startswith(("->", ".")):
            node.op, _, name = after.partition(" ")
            node.label = name
            return "member"
        return "opaque"
    if len(node.children) == 2 and after and not gaps[2]:
        node.op = after
        if after == ",":
            return "comma"
        return "assign" if after in ASSIGNMENTS else "binary"
    return "opaque"


def _classify(node: Expr) -> str:
    if not node.children:
        return _classify_leaf(node)
    if node.text.startswith("( {"):
        return "statement-expression"
    first, last = node.children[0], node.children[-1]
    if node.text.startswith(first.text):
        gaps = between(node.text, [c.text for c in node.children])
        if gaps and not gaps[0]:
            return _classify_operator(node, gaps)
    if len(node.children) == 1 and node.text.endswith(last.text):
        return _classify_prefix(node, last)
    if node.text.startswith("( ") and node.text.endswith("}"):
        return "compound-literal"
    if len(node.children) == 1 and node.text == f"( {first.text} )":
        return "paren"
    if node.text.startswith("sizeof"):
        return "sizeof"
    return "opaque"


def _nest(nodes: list) -> list:
    """Hang every node below the smallest that encloses it; return the roots."""
    roots: list = []
    stack: list = []
    inside: dict = {}
    for node in sorted(nodes, key=lambda n: (n.start, (-n.end[0], -n.end[1]))):
        while stack and stack[-1].end < node.end:
            stack.pop()
        while stack and stack[-1].end <= node.start:
            stack.pop()
        if stack:
            node.parent = stack[-1]
            inside.setdefault(stack[-1], []).append(node)
        else:
            roots.append(node)
        stack.append(node)
    for node, children in inside.items():
        node.children = children
    return roots


def _statement_kind(stmt: Stmt) -> str:
    words = stmt.text.split()
    first = words[0] if words else ";"
    if first in KEYWORDS:
        return first
    if first == "{":
        return "compound"
    if stmt.label:
        return "label"
    if first in ("asm", "__asm__"):
        return "asm"
    if not stmt.children:
        return "expression"
    return "guard" if first == guards.SCOPED else "iterator"


def _smallest(stmts: Sequence[Stmt], start: Point, end: Point) -> Stmt | None:
    """The innermost statement that encloses the extent."""
    found = None
    while True:
        for stmt in stmts:
            if stmt.start <= start and end <= stmt.end:
                found, stmts = stmt, stmt.children
                break
        else:
            return found


class _Builder:
    """Collects the facts of one function."""

    def __init__(self, name: str, line: int):
        self.name, self.line = name, line
        self.exprs: dict[tuple[Point, Point], Expr] = {}
        self.stmts: dict[tuple[Point, Point], Stmt] = {}
        self.labels: dict[Point, str] = {}
        self.params: dict[int, Variable] = {}
        self.variables: list[Variable] = []

    def build(self) -> Function:
        function = Function(self.name, self.line)
        function.params = [v for _, v in sorted(self.params.items())]
        roots = _nest(list(self.exprs.values()))
        function.exprs = list(self.exprs.values())
        for expr in function.exprs:
            expr.label = ""
        for expr in function.exprs:
            expr.kind = _classify(expr)
        function.body = _nest(list(self.stmts.values()))
        for stmt in self.stmts.values():
            stmt.label = stmt.label or self.labels.get(stmt.start, "")
            stmt.kind = stmt.kind or _statement_kind(stmt)
        for expr in sorted(roots, key=lambda e: e.start):
            home = _smallest(function.body, expr.start, expr.end)
            if home:
                home.exprs = [*home.exprs, expr]
            else:
                function.stray.append(expr)
        for variable in sorted(self.variables, key=lambda v: v.at):
            function.variables.setdefault(variable.name, variable)
            home = _smallest(function.body, variable.at, variable.at)
            if home:
                variable.static = "static" in home.text.split()[:3]
                home.variables = [*home.variables, variable]
        for variable in function.params:
            function.variables.setdefault(variable.name, variable)
        for expr in function.exprs:
            called = expr.children[0] if expr.kind == "call" else expr
            expr.through = called is not expr and called.text in function.variables
        return function


# How many fields a fact has after those that all have.
_OWN_FIELDS = {"expression": 1, "statement": 1, "declaration": 1, "variable": 2}
_OWN_FIELDS |= {"initialised": 4, "parameter": 3, "label": 1, "member": 3}


class _Reader:
    """Turns lines of facts into builders."""

    def __init__(self):
        self.builders: dict[tuple[str, int], _Builder] = {}
        self.members: dict[str, dict[tuple[Point, str], str]] = {}
        self.definitions: dict[str, str] = {}
        self._points: dict[tuple[str, str], Point] = {}
        self._numbers: dict[str, int] = {}

    def builder(self, name: str, line: int) -> _Builder:
        key = (name, 0 if name == OUTSIDE else line)
        return self.builders.setdefault(key, _Builder(name, line))

    def read(self, fact: str) -> None:
        cells = fact.split("\t")
        kind, l0, c0, l1, c1, where, line, *rest = cells
        handler = getattr(self, "on_" + kind, None)
        if not handler:
            return
        if len(rest) != _OWN_FIELDS[kind]:
            raise ValueError(f"spatch printed a broken fact: {fact!r}")
        extent = self._point(l0, c0), self._point(l1, c1)
        handler(self.builder(where, int(line or 0)), *extent, *rest)

    def _point(self, line: str, column: str) -> Point:
        """A place, one object for all that begins or ends there."""
        found = self._points.get((line, column))
        if found is None:
            found = (self._number(line), self._number(column))
            self._points[line, column] = found
        return found

    def _number(self, text: str) -> int:
        """One object for each number, too."""
        found = self._numbers.get(text)
        if found is None:
            found = self._numbers[text] = int(text)
        return found

    def on_expression(self, builder, start, end, text):
        builder.exprs.setdefault((start, end), Expr(start, end, intern(text)))

    def on_statement(self, builder, start, end, text):
        builder.stmts.setdefault((start, end), Stmt(start, end, text))

    def on_declaration(self, builder, start, end, text):
        stmt = Stmt(start, end, text, kind="declaration")
        builder.stmts.setdefault((start, end), stmt)
        words = text.split(None, 3)
        if words[:1] == ["struct"] and words[2:3] == ["{"]:
            self.definitions[words[1]] = text

    def on_variable(self, builder, start, end, name, type_):
        builder.variables.append(Variable(name, type_, start))

    def on_initialised(self, builder, start, end, name, type_, line, column):
        value = (int(line), int(column))
        builder.variables.append(Variable(name, type_, start, value))

    def on_parameter(self, builder, start, end, name, type_, number):
        builder.params.setdefault(int(number), Variable(name, type_, start))

    def on_label(self, builder, start, end, name):
        builder.labels[start] = name

    def on_member(self, builder, start, end, struct, name, type_):
        self.members.setdefault(struct, {})[(start, name)] = type_

    def struct(self, name: str) -> Struct:
        members = self.members[name]
        ordered = [(n, t) for (_, n), t in sorted(members.items())]
        expected = _count_members(self.definitions.get(name, ""))
        return Struct(name, ordered, expected == len(ordered))


def _count_members(definition: str) -> int:
    """How many members a structure definition declares at its top level."""
    depth, count = 0, 0
    for word in definition.split():
        if word in "{([":
            depth += 1
        elif word in "})]":
            depth -= 1
        elif depth == 1 and word in (";", ","):
            count += 1
        elif word == ":":
            return -1
    return count


def facts_in(text: str) -> list[str]:
    """The facts in what spatch printed, each once; sorted, so that it does not matter
    which rule matched first."""
    return sorted({line for line in text.split("\n") if line.count("\t") >= 6})


def read_facts(text: str) -> Source:
    """The syntax of a file from what spatch printed for cocci/facts.cocci.

    A line of fewer than seven fields is other output of spatch and is passed over.
    A function none of whose facts arrived is not in the result: the caller knows
    which functions it asked about.  Raises ValueError for a broken fact."""
    reader = _Reader()
    for fact in facts_in(text):
        reader.read(fact)
    outside = reader.builders.pop((OUTSIDE, 0), _Builder(OUTSIDE, 0)).build()
    functions = [b.build() for (name, _), b in reader.builders.items() if name]
    structs = {name: reader.struct(name) for name in reader.members}
    return Source(functions, structs, outside.variables)
