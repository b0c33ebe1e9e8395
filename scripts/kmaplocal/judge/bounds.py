# SPDX-License-Identifier: GPL-2.0-only
"""Whether an access stays inside the page, for a reason visible in the code.

Offset and length become sums of atoms (what is not known further) with a
coefficient each, where PAGE_SIZE is an atom of at least 4096.  A search then
replaces atoms by their bounds: definitions, types, min(), masks, guards.

What is looked at once for 32 and once for 64 bits is the size of a long.
Wrap-around of unsigned values is not considered: PAGE_SIZE - offset counts as
what is left of the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Callable, Iterable, Mapping, NamedTuple

from kmaplocal.knowledge import functions
from kmaplocal.knowledge.functions import CLAMPS, MAXIMA, MINIMA
from kmaplocal.read.syntax import Expr, Function, Point, Source, Stmt, Struct, Variable

INSIDE, OUTSIDE, UNKNOWN = "inside", "outside", "unknown"

PAGE = "PAGE_SIZE"
ONE = ""  # the atom of the constant part
SMALLEST_PAGE = 4096

QUALIFIERS = {"const", "volatile", "static", "register", "signed", "restrict"}
QUALIFIERS |= {"__user", "__iomem", "__force", "__bitwise", "__rcu", "extern"}

SIZES = {"void": 1, "char": 1, "bool": 1, "_Bool": 1, "short": 2, "int": 4}
SIZES |= {"unsigned": 4, "uint": 4, "uchar": 1, "ushort": 2, "umode_t": 2}
SIZES |= {"loff_t": 8, "gfp_t": 4, "sector_t": 8, "blkcnt_t": 8}
SIZES |= {f"{p}{s}{b}": b // 8 for p in ("", "__") for s in "us" for b in (8, 16, 32)}
SIZES |= {f"{p}{s}64": 8 for p in ("", "__") for s in "us"}
SIZES |= {f"{s}int{b}_t": b // 8 for s in ("", "u") for b in (8, 16, 32, 64)}
SIZES |= {f"__{e}e{b}": b // 8 for e in "lb" for b in (16, 32, 64)}
LONGS = {"long", "size_t", "ssize_t", "pgoff_t", "uintptr_t", "ulong", "ptrdiff_t"}
UNSIGNED = {"unsigned", "bool", "_Bool", "size_t", "pgoff_t", "uintptr_t", "gfp_t"}
UNSIGNED |= {"sector_t", "blkcnt_t"}
UNSIGNED |= {"uint", "uchar", "ushort", "ulong", "umode_t"}
UNSIGNED |= {n for n in SIZES if n.lstrip("_")[:1] == "u" or n[:4] in ("__le", "__be")}

# Calls that store nothing this looks at; a call not named here may change
# whatever is not a plain local variable.
SILENT = functions.named(lambda row: row.silent)
# Macros that store into what looks like an argument by value, and those that look as
# if they did.
STORING = functions.named(lambda row: row.assigns)
READING = functions.named(lambda row: row.by_value)

LOOPS = {"for", "while", "do", "iterator"}
LEAVING = {"return", "goto", "continue", "break"}
OPPOSITE = {">": "<=", "<=": ">", "<": ">=", ">=": "<", "==": "!=", "!=": "=="}
NARROW = {1: 255, 2: 65535}


@dataclass(frozen=True)
class Linear:
    """A sum of atoms, each with a coefficient; ONE is the constant part."""

    terms: tuple[tuple[str, Fraction], ...] = ()

    @staticmethod
    def of(terms: Mapping[str, Fraction | int]) -> "Linear":
        """The sum of `terms`: atom -> coefficient."""
        return Linear(tuple(sorted((k, Fraction(v)) for k, v in terms.items() if v)))

    def get(self, atom: str) -> Fraction:
        """The coefficient of `atom`."""
        return dict(self.terms).get(atom, Fraction(0))

    def __add__(self, other: "Linear") -> "Linear":
        total = dict(self.terms)
        for atom, number in other.terms:
            total[atom] = total.get(atom, Fraction(0)) + number
        return Linear.of(total)

    def times(self, number: Fraction | int) -> "Linear":
        """This sum, `number` times."""
        return Linear(tuple((k, v * number) for k, v in self.terms if number))

    def __sub__(self, other: "Linear") -> "Linear":
        return self + other.times(-1)

    @property
    def atoms(self) -> list[str]:
        """The atoms of unknown value."""
        return [k for k, _ in self.terms if k not in (ONE, PAGE)]

    @property
    def number(self) -> int | None:
        """The value, if it is a known integer."""
        value = self.get(ONE)
        if any(k != ONE for k, _ in self.terms) or value.denominator != 1:
            return None
        return int(value)


def constant(number: Fraction | int) -> Linear:
    """The sum that is just `number`."""
    return Linear.of({ONE: number})


ZERO, PAGE_SIZE = constant(0), Linear.of({PAGE: 1})


def integer(text: str) -> int | None:
    """The value of an integer literal of C, or None."""
    digits = text.rstrip("uUlL") if text[:1].isdigit() else ""
    try:
        if digits[:1] == "0" and digits.isdigit():
            return int(digits, 8)
        return int(digits, 0) if "_" not in digits else None
    except ValueError:
        return None


def plain(text: str) -> str:
    """The text of an expression as a person would write it."""
    found = ""
    for word in text.split():
        tight = word in ("(", "[") and found[-1:].isidentifier()
        tight = tight or word in (")", "]", ",", "->", ".", "++", "--", "[")
        tight = tight or found[-1:] in ("(", "[", "~", "!", ".") or found[-2:] == "->"
        found += word if tight or not found else " " + word
    return found


def _tokens(text: str) -> list[str]:
    """The words of a type or size as a caller writes it: "sizeof(u8)"."""
    for mark in "()[]*":
        text = text.replace(mark, f" {mark} ")
    return text.split()


# ------------------------------------------------------------------ types


class Extent(NamedTuple):
    """A size: at least `low`, at most `high` (None: unknown), and alignment."""

    low: Linear
    high: Linear | None
    align: int = 1


def _base(type_: str) -> list[str]:
    return [w for w in _tokens(type_) if w not in QUALIFIERS]


def _basic_size(words: list[str], long: int) -> int | None:
    """The size of a basic type from its words, e.g. unsigned long int."""
    words = [w for w in words if w not in QUALIFIERS]
    if not words:
        return None
    if words.count("long") == 2:
        return 8
    if len(words) == 1 and words[0] in LONGS or "long" in words:
        return long
    named = [word for word in words if word != "unsigned"]
    known = [SIZES[word] for word in named if word in SIZES]
    if len(known) < len(named):
        return None
    return min(known, default=4)


def pointee(type_: str) -> str | None:
    """What a pointer or array of this type points at, or None."""
    words = _base(type_)
    if "[" in words:
        first = words.index("[")
        return " ".join(words[:first] + words[words.index("]", first) + 1 :])
    if words[-1:] == ["*"]:
        return " ".join(words[:-1])
    return None


# What a structure is made of, by its name; None when that is not known.
Layout = Callable[[str], "Struct | None"]


class Types:
    """Sizes and signs of types, for one size of a long (4 or 8)."""

    def __init__(
        self,
        source: Source,
        macros: Mapping[str, list[str]],
        long: int,
        layout: Layout | None = None,
    ):
        self.source, self.macros, self.long = source, macros, long
        self.layout = layout or source.structs.get
        self.busy: set[str] = set()

    def extent(self, type_: str) -> Extent | None:
        """The size of a type by its text; None when nothing is known."""
        words = _base(type_)
        if "(" in words:
            return self._known(self.long) if "*" in words else None
        if "[" in words:
            return self._array(words)
        if words[-1:] == ["*"]:
            return self._known(self.long)
        if words[:1] == ["struct"]:
            return self._struct(words[-1])
        if words[:1] == ["enum"]:
            return self._known(4)
        size = _basic_size(words, self.long)
        return None if size is None else self._known(size)

    def _known(self, size: int) -> Extent:
        return Extent(constant(size), constant(size), size)

    def _array(self, words: list[str]) -> Extent | None:
        first = words.index("[")
        last = _closing(words, first)
        element = self.extent(" ".join(words[:first] + words[last + 1 :]))
        count = self.words(words[first + 1 : last]) if last > first + 1 else ZERO
        if element is None or count is None:
            return None
        low, high = _times(element.low, count), None
        if element.high is not None:
            high = _times(element.high, count)
        return None if low is None else Extent(low, high, element.align)

    def _struct(self, name: str) -> Extent | None:
        struct = self.layout(name)
        if struct is None or name in self.busy:
            return None
        self.busy.add(name)
        members = [self.extent(type_) for _, type_ in struct.members]
        self.busy.discard(name)
        low = sum((m.low for m in members if m), ZERO)
        exact = [(m.high, m.align) for m in members if m and m.high]
        if struct.complete and len(exact) == len(members):
            return self._padded(low, exact)
        return Extent(low, None, 8)

    def _padded(self, low: Linear, members: list[tuple[Linear, int]]) -> Extent:
        """The size of a structure whose members have these sizes and alignments:
        exact where padding cannot differ."""
        end, align = ZERO, 1
        for size, alignment in members:
            step = min(alignment, 8)
            align = max(align, step)
            end = _aligned(end, step) + size
        return Extent(low, _aligned(end, align), align)

    def words(self, words: list[str]) -> Linear | None:
        """The value of a constant expression given as words, or None."""
        reader = _Words(self, words)
        value = reader.sum(0)
        return value if not reader.rest else None

    def unsigned(self, type_: str | None) -> bool:
        """True when a value of this type is never negative."""
        return bool(UNSIGNED & set(_base(type_ or "")))

    def width(self, type_: str | None) -> int | None:
        """The bytes of an integer type, or None."""
        words = _base(type_ or "")
        if not words or "*" in words or "[" in words:
            return None
        return _basic_size(words, self.long)


def _closing(words: list[str], first: int) -> int:
    """Where the bracket opened at `first` closes."""
    depth = 0
    for number in range(first, len(words)):
        depth += (words[number] == "[") - (words[number] == "]")
        if not depth:
            return number
    return len(words)


def _aligned(end: Linear, step: int) -> Linear:
    """`end` rounded up to `step`; a page is aligned to anything."""
    return end + constant(-end.get(ONE) % step)


def _times(first: Linear, second: Linear) -> Linear | None:
    """The product, unless it is none of a number and a sum."""
    for one, other in ((first, second), (second, first)):
        if one.number is not None:
            return other.times(one.number)
    return None


def _quotient(value: Linear, number: int) -> Linear | None:
    """value / number when it is exact; a page divides by powers of two."""
    if value.number is not None:
        return constant(int(value.number / Fraction(number)))
    even = number & (number - 1) == 0 and number <= SMALLEST_PAGE
    whole = value.get(ONE) / number
    if value.atoms or not even or whole.denominator != 1:
        return None
    if value.get(PAGE).denominator != 1:
        return None
    return value.times(Fraction(1, number))


LEVELS = {"<<": 0, ">>": 0, "+": 1, "-": 1, "*": 2, "/": 2}


class _Words:
    """Reads a constant expression: of an array's size, or of a macro."""

    def __init__(self, types: Types, words: list[str]):
        self.types, self.rest = types, list(words)

    def sum(self, level: int) -> Linear | None:
        """What binds at least as tightly as `level`."""
        value = self.operand()
        while self.rest and LEVELS.get(self.rest[0], -1) >= level:
            op = self.rest.pop(0)
            right = self.sum(LEVELS[op] + 1)
            if value is None or right is None:
                return None
            value = arithmetic(op, value, right)
        return value

    def operand(self) -> Linear | None:
        """A number, PAGE_SIZE, a macro, sizeof(type) or parentheses."""
        word = self.rest.pop(0) if self.rest else ""
        if word == "(":
            value = self.sum(0)
            return value if self.rest and self.rest.pop(0) == ")" else None
        if word == "sizeof":
            return self._sizeof()
        if word == PAGE:
            return PAGE_SIZE
        return self._name(word)

    def _name(self, word: str) -> Linear | None:
        if word in self.types.macros and word not in self.types.busy:
            self.types.busy.add(word)
            value = self.types.words(self.types.macros[word])
            self.types.busy.discard(word)
            return value
        number = integer(word)
        return None if number is None else constant(number)

    def _sizeof(self) -> Linear | None:
        if ")" not in self.rest or self.rest[0] != "(":
            return None
        last = self.rest.index(")")
        extent = self.types.extent(" ".join(self.rest[1:last]))
        del self.rest[: last + 1]
        return extent.low if extent and extent.low == extent.high else None


def arithmetic(op: str, left: Linear, right: Linear) -> Linear | None:
    """left op right as a sum, or None when it is none."""
    if op == "+":
        return left + right
    if op == "-":
        return left - right
    if op == "*":
        return _times(left, right)
    number = right.number
    if number is None or number < 0:
        return None
    if op == "<<" and number < 64:
        return left.times(1 << number)
    if op == ">>" and number < 64:
        number = 1 << number
    elif op != "/" or not number:
        return None
    return _quotient(left, number)


# ------------------------------------------------------------------ flow


@dataclass(frozen=True, eq=False)
class Place:
    """Where something is evaluated: its statement and the extent of the whole
    expression it stands in.  `loose`: no path from there was checked."""

    stmt: Stmt | None
    start: Point
    end: Point
    loose: bool = False


@dataclass(eq=False)
class Change:
    """A place where a variable may change: `value`, if that is all it does, is what
    it is set to; `step` the whole of `v += n` or `v++`, a statement of its own."""

    start: Point
    end: Point
    value: Expr | None = None
    place: Place | None = None
    step: Expr | None = None


MEMORY = "*"  # everything that is no local variable, as a name that changes


class Flow:
    """Which variables of a function change where, and what is passed when."""

    def __init__(self, function: Function, macros, branches):
        self.function, self.macros = function, macros
        self.branches = list(branches)
        self.stmts = list(function.statements())
        self.changes: dict[str, list[Change]] = {}
        self.foreign: set[str] = set()  # address taken, or static
        self.shared: set[str] = set()  # names of more than one variable
        self._declared()
        for expr in function.exprs:
            self._stores(expr)
        for stmt in self.stmts:
            if stmt.kind in ("iterator", "asm"):
                self._all_change([n for e in stmt.exprs for n in e.walk()])

    def place(self, node: Expr | Stmt) -> Place:
        """Where `node` is evaluated."""
        if isinstance(node, Stmt) and node.kind == "expression" and node.exprs:
            node = node.exprs[0]
        if isinstance(node, Stmt):
            return Place(node, node.start, node.end)
        while node.parent:
            node = node.parent
        home = None
        for stmt in self.stmts:  # in the order of the text: the last is inmost
            if stmt.start <= node.start and node.end <= stmt.end:
                home = stmt
        return Place(home, node.start, node.end)

    def _add(self, name: str, change: Change) -> None:
        self.changes.setdefault(name, []).append(change)

    def _declared(self) -> None:
        """Initialisers; names of more than one variable are not followed."""
        params = {v.name for v in self.function.params}
        seen = set(params)
        for stmt in self.stmts:
            for variable in stmt.variables:
                if variable.name in seen:
                    self.shared.add(variable.name)
                if variable.static:
                    self.foreign.add(variable.name)
                seen.add(variable.name)
                if variable.value_at:
                    self._initialised(stmt, variable)

    def _initialised(self, stmt: Stmt, variable: Variable) -> None:
        value = [e for e in stmt.exprs if e.start == variable.value_at]
        change = Change(variable.at, variable.value_at or variable.at)
        if value:
            change.value, change.end = value[0], value[0].end
            change.place = Place(stmt, value[0].start, value[0].end)
        self._add(variable.name, change)

    def _stores(self, expr: Expr) -> None:
        if expr.kind == "assign":
            self._assigned(expr)
        elif expr.kind == "postfix" or expr.op in ("++", "--"):
            change = Change(expr.start, expr.end)
            self._stepped(expr, change, self.place(expr))
            self._target(expr.children[0], change)
        elif expr.kind == "unary" and expr.op == "&":
            node = expr.children[0].bare()
            while node.kind in ("member", "index") and node.op != "->":
                node = node.children[0].bare()
            self.foreign.add(node.text)
        elif expr.kind == "call":
            self._called(expr)
        elif expr.kind in ("opaque", "statement-expression", "compound-literal"):
            self._all_change(expr.walk())
            for word in expr.text.split():
                self._add(word, Change(expr.start, expr.end))

    def _assigned(self, expr: Expr) -> None:
        change = Change(expr.start, expr.end)
        place = self.place(expr)
        home = place.stmt if expr.parent is None else None
        if expr.op == "=" and home and home.kind == "expression":
            change.value, change.place = expr.children[1], place
        elif expr.op in ("+=", "-="):
            self._stepped(expr, change, place)
        self._target(expr.children[0], change)

    def _stepped(self, expr: Expr, change: Change, place: Place) -> None:
        """Note that a statement does nothing but to move a variable on or back."""
        if expr.parent is None and place.stmt and place.stmt.kind == "expression":
            change.step, change.place = expr, place

    def _target(self, target: Expr, change: Change) -> None:
        node = target.bare()
        self._add(node.text if node.kind == "identifier" else MEMORY, change)

    def _called(self, expr: Expr) -> None:
        change = Change(expr.start, expr.end)
        name = expr.callee
        if name not in SILENT:  # its own arguments are evaluated before
            self._add(MEMORY, Change(expr.end, expr.end))
        loud = name.isupper() and name not in READING
        if loud or name in STORING or name in self.macros:
            for argument in expr.children[1:]:
                self._target(argument, change)

    def _all_change(self, exprs: Iterable[Expr]) -> None:
        for expr in exprs:
            change = Change(expr.start, expr.end)
            self._add(MEMORY, change)
            if expr.kind == "identifier":
                self._add(expr.text, change)

    def local(self, name: str) -> bool:
        """True when only what `changes` says of the name can change it."""
        known = name in self.function.variables
        return known and name not in self.foreign | self.shared

    def names(self, expr: Expr) -> set[str] | None:
        """What the value of an expression depends on; None: on too much."""
        found = set()
        for node in expr.walk():
            if node.kind == "identifier":
                call = node.parent
                if call and call.kind == "call" and call.children[0] is node:
                    continue
                if node.text in self.shared:
                    return None
                found.add(node.text)
                if not self.local(node.text) and not node.text.isupper():
                    found.add(MEMORY)
            elif node.kind in ("member", "index") or node.op == "*":
                found.add(MEMORY)
            elif node.kind in ("assign", "postfix", "opaque", "statement-expression"):
                return None
            elif node.op in ("++", "--"):
                return None
            elif node.kind == "call" and node.callee not in SILENT:
                return None
        return found

    def steady(self, names: set[str], here: Place, there: Place, but=None) -> bool:
        """True when none of `names` changes on any way from `here` (where it
        is passed last) to `there`; the change `but` aside."""
        changes = [c for n in names for c in self.changes.get(n, ()) if c is not but]
        if not changes:
            return True
        end = self.reach(here, there)
        if end is None:
            return False
        return not any(c.end > here.start and c.start < end for c in changes)

    def reach(self, here: Place, there: Place) -> Point | None:
        """How far down the text a way from `here` to `there` can go, without
        another way in; None when `there` can be reached without `here`."""
        if _overlap(here, there):
            return max(here.end, there.end)
        block = self._block(here, there)
        if here.loose or there.loose or block is None:
            return None
        end = self._loops(there.start, here, there.end)
        while True:
            wider = self._labels(here, end, block)
            if wider is None or wider == end:
                return wider
            end = wider

    def _block(self, here: Place, there: Place) -> tuple[Point, Point] | None:
        """The extent in which whatever follows `here` comes after it."""
        stmt = here.stmt
        if stmt is None or self._other_branch(here, there) or there.start < here.end:
            return None
        if stmt.start <= there.start and there.end <= stmt.end:
            header = stmt.kind in ("if", "while", "switch", "declaration")
            return (stmt.start, stmt.end) if header else None
        if stmt.kind in ("for", "do", "iterator", "compound"):
            return None
        while stmt.parent and stmt.parent.kind in ("label", "case", "default"):
            stmt = stmt.parent
        block = stmt.parent
        if block is None:
            return (stmt.start, max(s.end for s in self.stmts))
        if block.kind not in ("compound", "switch") or there.start >= block.end:
            return None
        return (block.start, block.end)

    def _other_branch(self, here: Place, there: Place) -> bool:
        """True when an #if may take `here` out, but not `there`."""
        line, other = here.start[0], there.start[0]
        return any(a <= line <= b and not a <= other <= b for a, b in self.branches)

    def _loops(self, point: Point, here: Place, end: Point) -> Point:
        """`end`, or the end of the loops around `point` but not `here`."""
        for stmt in self.stmts:
            around = stmt.start <= point < stmt.end
            if stmt.kind in LOOPS and around and stmt.start > here.start:
                end = max(end, stmt.end)
        return end

    def _labels(self, here: Place, end: Point, block) -> Point | None:
        """`end` with the jumps to labels before it, unless one comes from
        outside of what follows `here`."""
        for stmt in self.stmts:
            if not here.start < stmt.start < end:
                continue
            if stmt.kind in ("case", "default"):
                if not self._within(stmt, here):
                    return None
            elif stmt.label:
                jumps = self._jumps(stmt.label)
                if jumps is None:
                    return None
                for jump in jumps:
                    if not here.end <= jump.start < block[1]:
                        return None
                    end = self._loops(jump.start, here, max(end, jump.end))
        return end

    def _switch(self, stmt: Stmt) -> Stmt:
        while stmt.parent and stmt.kind != "switch":
            stmt = stmt.parent
        return stmt

    def _within(self, case: Stmt, here: Place) -> bool:
        """True when the switch of `case` is entered after `here`."""
        switch = self._switch(case)
        return switch.start > here.start or switch is here.stmt

    def _jumps(self, label: str) -> list[Stmt] | None:
        """The jumps to a label; None when there may be others."""
        found = []
        for stmt in self.stmts:
            words = stmt.text.split()
            if stmt.kind == "asm" and "goto" in words:
                return None
            if stmt.kind == "goto" and words[1:2] == ["*"]:
                return None
            if stmt.kind == "goto" and words[1:2] == [label]:
                found.append(stmt)
        return found

    def definition(self, name: str, place: Place) -> tuple[Expr, Place] | None:
        """What a local variable was last set to before `place`, and where."""
        changes = self.changes.get(name, [])
        if not self.local(name):
            return None
        last = self._last(name, place)
        if last and last.value and last.place:
            return last.value, _at(last.place, last.place.loose or place.loose)
        params = [v.name for v in self.function.params]
        if len(changes) != 1 or name in params:
            return None
        value, where = changes[0].value, changes[0].place
        return (value, _at(where, True)) if value and where else None

    def step(self, name: str, place: Place) -> tuple[Expr, Place] | None:
        """The `v += n` or `v++` by which a local variable changed last before
        `place`, and where: right before it, what it was is asked."""
        last = self._last(name, place) if self.local(name) else None
        if last is None or last.step is None or last.place is None:
            return None
        return last.step, Place(last.place.stmt, last.start, last.start)

    def _last(self, name: str, place: Place) -> Change | None:
        """The change of a variable that is the last one on every way to `place`."""
        before = [c for c in self.changes.get(name, ()) if c.end <= place.start]
        last = max(before, key=lambda c: c.start, default=None)
        if last is None or last.place is None:
            return None
        if not self.steady({name}, last.place, place, but=last):
            return None
        return last if self.reach(last.place, place) is not None else None


def _at(place: Place, loose: bool) -> Place:
    return Place(place.stmt, place.start, place.end, loose)


def _overlap(one: Place, other: Place) -> bool:
    """True when both are evaluated together, as one lies in the other."""
    if one.start <= other.start and other.end <= one.end:
        return one.stmt is other.stmt
    return other.start <= one.start and one.end <= other.end


# ----------------------------------------------------------------- proofs


class Option(NamedTuple):
    """A bound of an atom: one of `values`, and all of them must do."""

    values: list[Linear]
    reason: str = ""


class Fact(NamedTuple):
    """`value` is at most 0, as `reason` says."""

    value: Linear
    reason: str


class Atom(NamedTuple):
    """Something without a known value: how to bound it (True: from above)."""

    bound: Callable[[bool], list[Option]]
    signed: Callable[[], bool]


class Proof:
    """Bounds of what is evaluated on the way to one place, for one size of a
    long.  `exact`: a page is SMALLEST_PAGE bytes and not more; `attained`: a
    counter is as large as its loop lets it become."""

    def __init__(
        self, bounds: "Bounds", there: Place, long: int, exact: bool, attained=False
    ):
        self.flow, self.there, self.exact = bounds.flow, there, exact
        self.attained = attained
        self.types = Types(bounds.source, bounds.macros, long, bounds.layout)
        self.atoms: dict[str, Atom] = {}
        self.known: dict[tuple[str, bool], list[Option]] = {}
        self.failed: set[Linear] = set()
        self.steps, self.count = 3000, 0
        self.facts: list[Fact] = []
        self.facts = self._facts()
        self.known.clear()  # what was found without the facts
        self.failed.clear()

    # -- searching

    def holds(self, value: Linear, depth: int = 0) -> list[str] | None:
        """The reasons why `value` is at most 0, or None."""
        if not value.atoms:
            return [] if self._settled(value) else None
        self.steps -= 1
        if self.steps < 0 or depth > 8 or value in self.failed:
            return None
        for name in value.atoms:
            for option in self.options(name, value.get(name) > 0):
                reasons = self._with(value, name, option, depth)
                if reasons is not None:
                    return reasons
        self.failed.add(value)
        return None

    def _settled(self, value: Linear) -> bool:
        pages, rest = value.get(PAGE), value.get(ONE)
        return pages * SMALLEST_PAGE + rest <= 0 and (pages <= 0 or self.exact)

    def _with(self, value: Linear, name: str, option: Option, depth: int):
        number = value.get(name)
        rest = value - Linear.of({name: number})
        reasons = [option.reason] if option.reason else []
        for bound in option.values:
            found = self.holds(rest + bound.times(number), depth + 1)
            if found is None:
                return None
            reasons += [r for r in found if r not in reasons]
        return reasons

    def options(self, name: str, upper: bool) -> list[Option]:
        """The bounds of an atom from above, or from below."""
        if (name, upper) not in self.known:
            self.known[name, upper] = []  # what asks for itself gets nothing
            found = self.atoms[name].bound(upper)
            for fact in self.facts:
                number = fact.value.get(name)
                if number > 0 and upper or number < 0 and not upper:
                    rest = fact.value - Linear.of({name: number})
                    found.append(Option([rest.times(-1 / number)], fact.reason))
            self.known[name, upper] = found
        return self.known[name, upper]

    def positive(self, value: Linear) -> bool:
        """True when `value` is provably not negative."""
        return self.holds(value.times(-1)) is not None

    def regular(self, value: Linear) -> bool:
        """True unless `value` may be negative as one of its atoms may."""
        added = [n for n in value.atoms if value.get(n) > 0]
        signed = [n for n in added if self.atoms[n].signed()]
        return all(self.positive(Linear.of({n: 1})) for n in signed)

    # -- values

    def value(self, node: Expr, place: Place) -> Linear:
        """An expression, evaluated at `place`, as a sum."""
        method = getattr(self, "_value_" + node.kind, None)
        found = method(node, place) if method else None
        return self.atom(node, place) if found is None else found

    def atom(self, node: Expr, place: Place) -> Linear:
        """An expression as an atom; the same one while it does not change."""
        names = self.flow.names(node)
        name = node.text
        if names is None or not self.flow.steady(names, place, place):
            self.count += 1
            name += f" #{self.count}"
        elif not self.flow.steady(names, place, self.there):
            self.count += place.loose
            name += f" @{place.start}" + f" #{self.count}" * place.loose
        if name not in self.atoms:
            self.atoms[name] = Atom(
                lambda upper: self._bound(node, place, upper),
                lambda: not self.unsigned(node),
            )
        return Linear.of({name: 1})

    def made(self, name: str, bound: Callable[[bool], list[Option]]) -> Linear:
        """An atom that stands for no expression."""
        self.atoms.setdefault(name, Atom(bound, lambda: False))
        return Linear.of({name: 1})

    def _value_paren(self, node, place):
        return self.value(node.children[0], place)

    def _value_cast(self, node, place):
        width = self.types.width(node.op)
        if width is None or width in NARROW:
            return None
        return self.value(node.children[-1], place)

    def _value_constant(self, node, place):
        number = integer(node.text)
        return None if number is None else constant(number)

    def _value_identifier(self, node, place):
        if node.text == PAGE:
            return PAGE_SIZE
        if node.text in self.flow.function.variables:
            return None
        return self.types.words([node.text])

    def _value_sizeof(self, node, place):
        type_ = self.size_type(node)
        extent = self.types.extent(type_) if type_ else None
        return self.size(type_, extent) if type_ and extent else None

    def size(self, type_: str, extent: Extent) -> Linear:
        """A size, as an atom where padding is not known."""
        if extent.low == extent.high:
            return extent.low
        name = f"sizeof({plain(' '.join(_base(type_)))})"

        def bound(upper):
            limit = extent.high if upper else extent.low
            return [Option([limit], f"{name} is known")] if limit else []

        return self.made(name, bound)

    def _value_assign(self, node, place):
        return self.value(node.children[1], place) if node.op == "=" else None

    def _value_call(self, node, place):
        if node.callee in ("likely", "unlikely") and len(node.children) == 2:
            return self.value(node.children[1], place)
        if node.callee == "ARRAY_SIZE" and len(node.children) == 2:
            return self._count(node.children[1])
        return None

    def _count(self, array: Expr) -> Linear | None:
        words = _base(self.type(array) or "")
        if "[" not in words:
            return None
        first = words.index("[")
        return self.types.words(words[first + 1 : _closing(words, first)])

    def _value_unary(self, node, place):
        child = node.children[0].bare()
        if node.op == "~" and child.text == "PAGE_MASK":
            return PAGE_SIZE - constant(1)
        if node.op in ("-", "+"):
            return self.value(child, place).times(-1 if node.op == "-" else 1)
        return None

    def _value_binary(self, node, place):
        left, right = (self.value(c, place) for c in node.children)
        known = arithmetic(node.op, left, right)
        if known is None and node.op == "<<" and left == constant(1):
            if node.children[1].bare().text == "PAGE_SHIFT":
                return PAGE_SIZE
        if known is None and node.op == "*":
            return self.product(left, right)
        one, other = left.number, right.number
        bitwise = node.op in ("&", "|", "^", "%")
        if bitwise and one is not None and other is not None:
            return self._bits(node.op, one, other)
        return known

    def _bits(self, op: str, left: int, right: int) -> Linear | None:
        if left < 0 or right < 0 or op == "%" and not right:
            return None
        results = {"&": left & right, "|": left | right, "^": left ^ right}
        return constant(left % right if op == "%" else results[op])

    def product(self, left: Linear, right: Linear) -> Linear:
        """The product of two sums."""
        known = _times(left, right)
        if known is not None:
            return known
        name = f"({left.terms})*({right.terms})"
        return self.made(name, lambda upper: self._product(left, right, upper))

    def _product(self, left: Linear, right: Linear, upper: bool) -> list[Option]:
        if not (self.positive(left) and self.positive(right)):
            return []
        if not upper:
            return [Option([ZERO])]
        found = []
        for one, other in ((left, right), (right, left)):
            for limit, reason in self._ceilings(one):
                found.append(Option([other.times(limit)], reason))
        return found

    def _ceilings(self, value: Linear) -> list[tuple[int, str]]:
        """Numbers that a sum of one atom does not pass, each with a reason."""
        found = []
        for name in value.atoms:
            number = value.get(name)
            for option in self.options(name, number > 0):
                if len(option.values) == 1:
                    rest = value - Linear.of({name: number})
                    limit = (rest + option.values[0].times(number)).number
                    if limit is not None and limit >= 0:
                        found.append((limit, option.reason))
        return found

    # -- types of expressions

    def type(self, node: Expr) -> str | None:
        """The text of an expression's type, or None."""
        if node.kind in ("paren", "assign"):
            return self.type(node.children[0])
        if node.kind == "cast":
            return node.op
        if node.kind == "identifier":
            return self._declared(node.text)
        if node.kind == "index" or node.kind == "unary" and node.op == "*":
            return pointee(self.type(node.children[0]) or "")
        if node.kind == "unary" and node.op == "&":
            inner = self.type(node.children[0])
            return inner and inner + " *"
        if node.kind == "member":
            return self._member(node)
        return None

    def _declared(self, name: str) -> str | None:
        function = self.flow.function
        if name in self.flow.shared:
            return None
        variable = function.variables.get(name)
        if variable is None:
            variable = self.types.source.globals.get(name)
        elif variable in function.params and "[" in variable.type:
            return f"{pointee(variable.type)} *"
        return variable.type if variable else None

    def _member(self, node: Expr) -> str | None:
        type_ = self.type(node.children[0])
        type_ = pointee(type_ or "") if node.op == "->" else type_
        words = _base(type_ or "")
        if words[:1] != ["struct"] or len(words) != 2:
            return None
        struct = self.types.source.structs.get(words[1])
        return dict(struct.members).get(node.label) if struct else None

    def size_type(self, node: Expr) -> str | None:
        """The type whose size a sizeof expression is."""
        if not node.children:
            words = node.text.split()
            return " ".join(words[2:-1]) if words[1:2] == ["("] else None
        found = self.type(node.children[0])
        inner = node.children[0].bare()
        if found is None and inner.kind == "identifier":
            known = inner.text not in self.flow.function.variables
            return inner.text if known else None
        return found

    def unsigned(self, node: Expr) -> bool:
        """True when an expression's type says it is not negative."""
        node = node.children[0] if node.kind == "paren" else node
        if node.kind == "paren":
            return self.unsigned(node)
        if node.kind == "sizeof" or node.text == PAGE:
            return True
        if node.kind == "constant":
            return integer(node.text) is not None
        if node.kind == "call":
            return self._unsigned_call(node)
        if node.kind == "binary" and node.op in ("&", "|", "+", "*", "/", "%", ">>"):
            return all(self.unsigned(c) for c in node.children)
        return self.types.unsigned(self.type(node))

    def _unsigned_call(self, node: Expr) -> bool:
        if node.callee == "offset_in_page":
            return True
        if node.callee in ("min_t", "max_t", "clamp_t"):
            words = node.text.split(" , ")[0].split()[2:]
            return self.types.unsigned(" ".join(words))
        return False

    # -- bounds

    def _bound(self, node: Expr, place: Place, upper: bool) -> list[Option]:
        method = getattr(self, "_bound_" + node.kind, None)
        found = list(method(node, place, upper)) if method else []
        return found + self._by_type(node, upper)

    def _by_type(self, node: Expr, upper: bool) -> list[Option]:
        type_ = self.type(node)
        unsigned = self.types.unsigned(type_)
        width = self.types.width(type_)
        text = plain(node.text)
        if not upper:
            return [Option([ZERO])] if unsigned and width else []
        limit = 1 if {"bool", "_Bool"} & set(_base(type_ or "")) else None
        limit = limit or (NARROW.get(width or 0) if unsigned else None)
        return [Option([constant(limit)], f"{text} is {type_}")] if limit else []

    def _bound_identifier(self, node, place, upper):
        type_ = self._declared(node.text)
        width = self.types.width(type_)
        if width is None:
            return
        yield from self._counted(node, place, upper)
        found = self.flow.definition(node.text, place)
        if not found:
            return
        value = self.value(*found)
        unsigned = self.types.unsigned(type_)
        if upper:
            fits = not unsigned or self.regular(value)
        else:
            fits = width not in NARROW or self._small(value)
            fits = fits and (unsigned or self._small(value) or not value.atoms)
        if fits:
            reason = f"{node.text} is {plain(found[0].text)}"
            yield Option([value], reason)

    def _small(self, value: Linear) -> bool:
        """True when no type that holds an offset can cut off `value`."""
        if value.number is not None:
            return 0 <= value.number < 128
        limit = value - PAGE_SIZE.times(4)
        return not value.atoms or self.holds(limit) is not None

    def _counted(self, node, place, upper):
        """for (i = first; i < last; i++): i in its body."""
        for loop in self.flow.stmts:
            header = loop.exprs
            if loop.kind != "for" or len(header) != 3 or not loop.children:
                continue
            body = loop.children[-1]
            if body.start <= place.start and place.end <= body.end:
                yield from self._counter(node, loop, place, upper)

    def _counter(self, node, loop, place, upper):
        first, test, step = loop.exprs
        name = node.text
        if not self.flow.local(name) or not self._counts(name, loop):
            return
        if first.op != "=" or first.children[0].text != name:
            return
        by = self._counts_by(step, name)
        if by is None:
            return
        limited = test.op in ("<", "<=") and test.children[0].text == name
        if not upper:
            value = self.value(first.children[1], self.flow.place(first))
            yield Option([value], f"{name} counts from {plain(value_text(first))}")
        if not limited or not (upper or self.attained):
            return
        value = self.value(test.children[1], self.flow.place(test))
        value -= (by if not upper else constant(1)) if test.op == "<" else ZERO
        if not upper:
            value -= by - constant(1) if test.op == "<=" else ZERO
            yield Option([value], f"{name} goes up to {plain(test.text)}")
        elif self.regular(value):
            yield Option([value], plain(test.text))

    def _counts_by(self, step: Expr, name: str) -> Linear | None:
        """What `i++` or `i += n` adds to the counter; None when it is neither, or
        may be negative."""
        if step.op not in ("++", "+=") or step.children[0].text != name:
            return None
        if step.op == "++":
            return constant(1)
        value = self.value(step.children[1], self.flow.place(step))
        return value if self.positive(value) else None

    def _counts(self, name: str, loop: Stmt) -> bool:
        """True when nothing but the header of `loop` changes `name` in it."""
        body = loop.children[-1]
        changes = self.flow.changes.get(name, ())
        inside = [c for c in changes if body.start < c.end and c.start < body.end]
        return not inside and not any(s.label for s in body.walk())

    def _bound_cast(self, node, place, upper):
        value = self.value(node.children[-1], place)
        if upper and self.positive(value):
            yield Option([value])

    def _bound_unary(self, node, place, upper):
        if node.op == "!":
            yield Option([constant(1) if upper else ZERO])

    def _bound_ternary(self, node, place, upper):
        if len(node.children) == 3:
            values = [self.value(c, place) for c in node.children[1:]]
            yield Option(values, "either way of " + plain(node.text))

    def _bound_binary(self, node, place, upper):
        left, right = (self.value(c, place) for c in node.children)
        if node.op in ("&", "|", "^"):
            return self._bound_bits(node, left, right, upper)
        if node.op == "%":
            return self._bound_modulo(node, left, right, upper)
        if node.op in ("/", ">>"):
            return self._bound_quotient(node, left, right, upper)
        if node.op in ("<", ">", "<=", ">=", "==", "!=", "&&", "||"):
            return [Option([constant(1) if upper else ZERO])]
        return []

    def _bound_bits(self, node, left, right, upper):
        text = plain(node.text)
        positive = [v for v in (left, right) if self.positive(v)]
        if node.op == "&" and upper:
            return [Option([v], f"{text} masks") for v in positive]
        if node.op == "&":
            return [Option([ZERO])] if positive else []
        if len(positive) < 2:
            return []
        return [Option([left + right if upper else ZERO], text)]

    def _bound_modulo(self, node, left, right, upper):
        positive = self.positive(left) or self._converted(*node.children)
        text = f"{plain(node.text)} is a remainder"
        if not upper:
            return [Option([ZERO])] if positive else []
        if not self.positive(right):
            return []
        found = [Option([right - constant(1)], text)]
        return found + ([Option([left], text)] if self.positive(left) else [])

    def _converted(self, left: Expr, right: Expr) -> bool:
        """True when unsigned arithmetic makes of `left` what is not negative."""
        width = self.types.width(self.type(left.bare()))
        wide = right.bare().kind == "sizeof" or right.bare().text == PAGE
        if self.unsigned(left):
            return True
        return wide and width is not None and width <= self.types.long

    def _bound_quotient(self, node, left, right, upper):
        number = right.number
        if number is None or number <= 0 or not self.positive(left):
            return []
        number = 1 << number if node.op == ">>" else number
        exact = left.times(Fraction(1, number))
        low = exact - constant(Fraction(number - 1, number))
        return [Option([exact if upper else low], plain(node.text))]

    def _bound_call(self, node, place, upper):
        name, reason = node.callee, plain(node.text)
        if name == "offset_in_page":
            limit = PAGE_SIZE - constant(1) if upper else ZERO
            return [Option([limit], f"{reason} is less than PAGE_SIZE")]
        for table, least in ((MINIMA, True), (MAXIMA, False)):
            if name in table:
                values = self._arguments(node, place, table[name])
                return self._extreme(node, values, least, upper)
        if name in CLAMPS:
            values = self._arguments(node, place, CLAMPS[name])
            if len(values) == 3:
                return [Option([values[2 if upper else 1]], reason)]
        return []

    def _arguments(self, node, place, first: int) -> list[Linear]:
        numbers = sorted(n for n in node.arguments if n >= first)
        if numbers != list(range(first, first + len(numbers))):
            return []
        return [self.value(node.arguments[n], place) for n in numbers]

    def _extreme(self, node, values, least: bool, upper: bool) -> list[Option]:
        """The bounds of a minimum (`least`) or a maximum."""
        reason = plain(node.text)
        if len(values) < 2:
            return []
        if least != upper:
            typed = node.callee in ("min_t", "max_t")
            if not upper and typed and not self.unsigned(node):
                return []
            return [Option(values, reason)]
        return [Option([v], reason) for v in values if self.regular_in(node, v)]

    def regular_in(self, node: Expr, value: Linear) -> bool:
        """True when the type of a min_t() leaves an operand as it is."""
        return not self.unsigned(node) or self.regular(value)

    # -- guards

    def _facts(self) -> list[Fact]:
        """What the conditions passed on the way say."""
        found = []
        for stmt in self.flow.stmts:
            for condition, truth in self._passed(stmt):
                place = self.flow.place(condition)
                if self.flow.reach(place, self.there) is not None:
                    found += self._says(condition, truth, place)
        return found

    def _passed(self, stmt: Stmt) -> list[tuple[Expr, bool]]:
        """The condition of an if or BUG_ON(), and what it was."""
        if stmt.kind == "expression" and len(stmt.exprs) == 1:
            call = stmt.exprs[0]
            bug = call.callee == "BUG_ON" and len(call.children) == 2
            return [(call.children[1], False)] if bug else []
        if stmt.kind != "if" or len(stmt.exprs) != 1 or not self._plain_if(stmt):
            return []
        condition, start = stmt.exprs[0], self.there.start
        for branch, truth in zip(stmt.children, (True, False)):
            if branch.start <= start < branch.end:
                return [(condition, truth)]
        leaves = _leaves(stmt.children[0])
        return [(condition, False)] if leaves and start >= stmt.end else []

    def _plain_if(self, stmt: Stmt) -> bool:
        """True when no branch of an if is missing among the facts."""
        if len(stmt.children) not in (1, 2):
            return False
        head = f"if ( {stmt.exprs[0].text} ) "
        body = stmt.text[len(head) :]
        then = stmt.children[0].text
        if not stmt.text.startswith(head) or not body.startswith(then[:900]):
            return False
        return (len(stmt.children) == 2) == body[len(then) :].startswith(" else")

    def _says(self, node: Expr, truth: bool, place: Place) -> list[Fact]:
        """What a condition says that was true, or was not."""
        if node.kind == "paren" or node.callee in ("likely", "unlikely"):
            return self._says(node.children[-1], truth, place)
        if node.kind == "unary" and node.op == "!":
            return self._says(node.children[0], not truth, place)
        if node.op == ("&&" if truth else "||") and node.kind == "binary":
            return [f for c in node.children for f in self._says(c, truth, place)]
        if node.kind != "binary" or node.op not in OPPOSITE:
            return []
        op = node.op if truth else OPPOSITE[node.op]
        left, right = (self.value(c, place) for c in node.children)
        reason = f"{plain(node.text)} is {'true' if truth else 'false'}"
        signed = all(self._signed(c) for c in node.children)
        pairs = _comparison(op, left, right)
        return [Fact(a - b, reason) for a, b in pairs if signed or self.regular(b)]

    def _signed(self, node: Expr) -> bool:
        """True when no unsigned operand can make a negative value a big one."""
        node = node.bare() if node.kind == "paren" else node
        if node.kind == "binary":
            return all(self._signed(c) for c in node.children)
        width = self.types.width(self.type(node))
        signed = width is not None and not self.types.unsigned(self.type(node))
        return signed or integer(node.text) is not None


def value_text(assignment: Expr) -> str:
    """The text of what an assignment stores."""
    return assignment.children[1].text


def _leaves(stmt: Stmt) -> bool:
    if stmt.kind == "compound" and stmt.children:
        stmt = stmt.children[-1]
    return stmt.kind in LEAVING


def _comparison(op: str, left: Linear, right: Linear) -> list[tuple]:
    """Pairs of which the first is at most the second if `left op right`."""
    more = constant(1)
    pairs: dict[str, list[tuple]] = {
        "<": [(left + more, right)],
        "<=": [(left, right)],
        ">": [(right + more, left)],
        ">=": [(right, left)],
        "==": [(left, right), (right, left)],
    }
    return pairs.get(op, [])


# ----------------------------------------------------------------- answers


class Term(NamedTuple):
    """A part of an offset: `expr` (None: 1) times `scale`, in bytes or as
    "sizeof(struct foo)"; `sign` -1 when it is subtracted."""

    expr: Expr | None
    scale: int | str = 1
    sign: int = 1


class Answer(NamedTuple):
    """`answer`: inside, outside or unknown; `reason` says why."""

    answer: str
    reason: str


class Bounds:
    """Answers about the accesses of one function.

    In: the function and the source it is from; `macros`, name -> words of the
    `#define`s of the file; `branches`, the first and last line of every branch
    of an `#if`; `layout`, where to ask for structures of other files, too."""

    def __init__(
        self,
        function: Function,
        source: Source,
        macros: Mapping[str, Iterable[str]] | None = None,
        branches: Iterable[tuple[int, int]] = (),
        layout: Layout | None = None,
    ):
        self.source, self.layout = source, layout
        self.macros = {k: list(v) for k, v in (macros or {}).items()}
        self.flow = Flow(function, self.macros, branches)

    def element_size(self, type_text: str) -> int | str | None:
        """The size of what a pointer of this type points at: a number for the
        basic types, else "sizeof(T)"; None when it is no pointer."""
        words = _base(pointee(type_text) or "")
        if not words:
            return None
        if "*" in words:
            return "sizeof(void *)"
        long = LONGS & set(words) and words.count("long") < 2
        size = None if long or "[" in words else _basic_size(words, 8)
        return f"sizeof({plain(' '.join(words))})" if size is None else size

    def fits(
        self,
        offset: Iterable[tuple[Expr | None, int | str, int]],
        length: Expr | int | str,
        at: Stmt | Expr,
        attained: bool = False,
    ) -> Answer:
        """Whether `length` bytes at `offset`, accessed in `at`, are inside of
        the page.  The length is an expression, bytes, or "sizeof(T)"; every
        expression is one of the function's, and means its value where it is.
        `attained`: ask when the loops around have counted up to their ends."""
        terms, there = [Term(*t) for t in offset], self.flow.place(at)
        found = []
        for long in (4, 8):
            query = _Query(self, terms, length, there, long, attained)
            found.append(query.answer())
        if found[0].answer == found[1].answer:
            return found[0]
        return Answer(UNKNOWN, "it depends on the size of a long")


class _Query:
    """One access, for one size of a long."""

    def __init__(self, bounds, terms, length, there, long, attained):
        self.bounds, self.terms, self.length = bounds, terms, length
        self.there, self.long, self.attained = there, long, attained

    def answer(self) -> Answer:
        """Inside, outside or unknown."""
        return self._inside() or self._outside() or Answer(UNKNOWN, self._doubt())

    def _sums(self, exact: bool) -> tuple[Proof, Linear, Linear]:
        attained = self.attained and exact
        proof = Proof(self.bounds, self.there, self.long, exact, attained)
        offset = ZERO
        for term in self.terms:
            offset += self._value(proof, term).times(term.sign)
        return proof, offset, self._value(proof, Term(None, self.length))

    def _value(self, proof: Proof, term: Term) -> Linear:
        expr, scale = term.expr, term.scale
        if isinstance(scale, Expr):
            expr, scale = scale, 1
        size = self._scale(proof, scale)
        if expr is None:
            return size
        value = proof.value(expr, self.bounds.flow.place(expr))
        return proof.product(value, size)

    def _scale(self, proof: Proof, scale: int | str) -> Linear:
        if isinstance(scale, int):
            return constant(scale)
        words = _tokens(scale)
        type_ = " ".join(words[2:-1] if words[0] == "sizeof" else words)
        extent = proof.types.extent(type_)
        if extent:
            return proof.size(type_, extent)
        return proof.made(f"sizeof({type_})", lambda upper: [])

    def _inside(self) -> Answer | None:
        proof, offset, length = self._sums(exact=False)
        low = proof.holds(offset.times(-1))
        if low is None:
            return None
        high = proof.holds(offset + length - PAGE_SIZE)
        if high is None:
            return None
        reasons = high + [r for r in low if r not in high]
        return Answer(INSIDE, _because("offset + length is at most PAGE_SIZE", reasons))

    def _outside(self) -> Answer | None:
        proof, offset, length = self._sums(exact=True)
        beyond = PAGE_SIZE + constant(1) - offset - length
        reasons = proof.holds(beyond)
        if reasons is not None:
            return Answer(OUTSIDE, _because("it ends beyond the page", reasons))
        reasons = proof.holds(offset + constant(1))
        if reasons is not None:
            return Answer(OUTSIDE, _because("it starts before the page", reasons))
        return None

    def _doubt(self) -> str:
        """What could not be bounded."""
        proof, offset, length = self._sums(exact=False)
        if proof.holds(offset.times(-1)) is None:
            return f"nothing in sight says that {self._text()} is not negative"
        if proof.holds(offset - PAGE_SIZE) is None and not length.atoms:
            return f"nothing in sight bounds {self._text()}"
        text = self.length
        text = plain(text.text) if isinstance(text, Expr) else str(text)
        what = f"{self._text()} + {text}" if offset.terms else text
        return f"nothing in sight says that {what} is at most PAGE_SIZE"

    def _text(self) -> str:
        texts = []
        for expr, scale, sign in self.terms:
            text = plain(expr.text) if expr else str(scale)
            scaled = expr and scale != 1
            text = f"({text}) * {scale}" if scaled else text
            texts.append(("- " if sign < 0 else "+ ") + text)
        return " ".join(texts).removeprefix("+ ") or "the offset"


def _because(claim: str, reasons: list[str]) -> str:
    return f"{claim}: {', '.join(reasons)}" if reasons else claim
