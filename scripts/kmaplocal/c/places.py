# SPDX-License-Identifier: GPL-2.0-only
"""Where things stand in a function: statements, blocks, scopes, declarations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kmaplocal.c.sizes import QUALIFIERS, fixed_size
from kmaplocal.c.syntax import Expr, Function, Stmt, Variable

BLOCKS = ("compound", "case", "default", "label")


def base_type(type_: str) -> str:
    """A type's text without qualifiers."""
    return " ".join(w for w in type_.split() if w not in QUALIFIERS)


def scale_of(type_: str) -> int | str | None:
    """What one step of a pointer of this type is in bytes: a number, the text
    of a sizeof, or None when the type is no pointer."""
    words = base_type(type_).split()
    if not words or words[-1] != "*":
        return None
    target = " ".join(words[:-1])
    size = fixed_size(target)
    return f"sizeof({target.replace('* *', '**')})" if size is None else size


def names_in(expr: Expr) -> set[str]:
    """The variables and members an expression is made of."""
    names = {n.text for n in expr.walk() if n.kind == "identifier"}
    return names | {n.label for n in expr.walk() if n.kind == "member"}


def changes(node: Expr, names: set[str]) -> bool:
    """Whether NODE itself assigns to, steps or takes the address of one of
    NAMES."""
    target = None
    if node.kind in ("assign", "postfix"):
        target = node.children[0]
    elif node.kind == "unary" and node.op in ("++", "--", "&"):
        target = node.children[0]
    if target is None:
        return False
    target = target.bare()
    while target.kind in ("index", "paren", "unary"):
        target = target.children[0]
    return (target.label or target.text) in names


def parts_of(expr: Expr) -> list[Expr]:
    """What an expression evaluates one after the other: `a`, `b` and `c` of
    `a, b, c`."""
    if expr.kind != "comma":
        return [expr]
    return [part for child in expr.children for part in parts_of(child)]


def slice_of(text: str, expr: Expr) -> str:
    """An expression as it stands in the file, on one line."""
    lines = text.split("\n")[expr.start[0] - 1 : expr.end[0]]
    if not lines:
        return expr.text
    lines[-1] = lines[-1][: expr.end[1]]
    lines[0] = lines[0][expr.start[1] :]
    return " ".join(" ".join(lines).split())


class Places:
    """Answers for one function."""

    def __init__(self, function: Function):
        self.function = function
        self._home: dict[Expr, Stmt] = {}
        for stmt in function.statements():
            for root in stmt.exprs:
                for node in root.walk():
                    self._home[node] = stmt

    def statement(self, expr: Expr) -> Stmt | None:
        """The statement or declaration an expression stands in."""
        return self._home.get(expr)

    def home(self, expr: Expr) -> Stmt:
        """The same for an expression that is known to stand in one."""
        return self._home[expr]

    def siblings(self, stmt: Stmt) -> Sequence[Stmt]:
        """The statements of the block STMT is in; only itself where it is no
        block's statement (the arm of an `if`)."""
        if stmt.parent is None:
            return self.function.body
        if stmt.parent.kind in BLOCKS:
            return stmt.parent.children
        return [stmt]

    def in_block(self, stmt: Stmt) -> bool:
        """Whether STMT is a statement of a block, and not the arm of an `if` or
        the body of a loop."""
        return stmt.parent is None or stmt.parent.kind in BLOCKS

    def declaration(self, name: str, at: Stmt) -> tuple[Stmt, Variable] | None:
        """The innermost declaration of NAME that AT is in the scope of."""
        found = None
        for stmt in self.function.statements():
            if stmt.start > at.start:
                break
            for variable in stmt.variables:
                scope = stmt.parent
                inside = scope is None or scope.holds(at)
                if variable.name == name and inside:
                    found = (stmt, variable)
        return found

    def scope(self, home: Stmt) -> Iterator[Stmt]:
        """Every statement in the scope of a declaration."""
        roots = [home.parent] if home.parent else self.function.body
        for root in roots:
            yield from root.walk()
