# SPDX-License-Identifier: GPL-2.0-only
"""The edits of one function, brought together so that one rule can make them all.

Coccinelle matches one alternative of a rule in a statement, and tells two changes
of one token apart from nothing: where a statement is to be edited and another one
added beside it, both become one edit, `statements`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kmaplocal.c.places import Places, parts_of
from kmaplocal.knowledge import api
from kmaplocal.repairs.vectors import added_to
from kmaplocal.c.syntax import Expr, Function, Point, Stmt, Variable

_TEXTS = ("first", "second", "third")
Edit = dict[str, str]


class Crowded(Exception):
    """Edits of one statement that cannot be brought together; says where."""


@dataclass
class _Inserted:
    """Expression statements to go before and after a statement, and why."""

    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    message: str = ""


class Draft:
    """Collects the edits of one function, whose file is TEXT."""

    def __init__(self, text: str, function: Function):
        self.text = text
        self.places = Places(function)
        self._edits: dict[Expr, Edit] = {}
        self._inserted: dict[Stmt, _Inserted] = {}
        self._declared: dict[Stmt, Edit] = {}
        self._opened: dict[Stmt, dict[str, str]] = {}
        self._undeclared: dict[Point, Edit] = {}

    def edit(self, expr: Expr, do: str, message: str, **texts: str) -> None:
        """DO something to an expression or the statement it is: `name` (call
        another function), `replace`, `sum` (replace it with what is added to it),
        `drop`, `unassign` (drop an assignment), `forget` (the initialiser) or `keep`
        (in a variable of its own)."""
        self._edits[expr] = {"do": do, "message": message, **texts}

    def insert(self, stmt: Stmt, where: str, text: str, message: str) -> None:
        """Put an expression statement `before` or `after` STMT."""
        beside = self._inserted.setdefault(stmt, _Inserted(message=message))
        getattr(beside, where).append(text)

    def declare(self, at: Stmt, name: str, message: str, do: str = "declare") -> None:
        """Declare `void *NAME` behind a declaration, or `ahead` of a statement, with
        what is already."""
        if at in self._declared:
            name = f"{self._declared[at]['name']}, *{name}"
        self._declared[at] = {"do": do, "message": message, "name": name}

    def open(self, stmt: Stmt, name: str, value: str, message: str) -> None:
        """Declare `void *NAME` with its VALUE before STMT, the first of its block,
        which uses it."""
        self._opened.setdefault(stmt, {})[name] = value
        self._inserted.setdefault(stmt, _Inserted(message=message))

    def undeclare(self, variable: Variable, message: str) -> None:
        """Remove the declaration of a variable."""
        self._undeclared[variable.at] = {"do": "undeclare", "message": message}

    def finished(self) -> dict[str, Edit]:
        """The edits by place.  Raises Crowded."""
        found: dict[Point, Edit] = {}
        for stmt in self._with_parts():
            self._inserted.setdefault(stmt, _Inserted())
        for stmt, beside in self._inserted.items():
            self._put(found, *self._joined(stmt, beside))
        for expr, edit in self._edits.items():
            self._put(found, expr.start, edit)
        for at, edit in self._undeclared.items():
            self._put(found, at, edit)
        for stmt, edit in self._declared.items():
            self._put(found, stmt.start, edit)
        return {f"{line}:{column}": edit for (line, column), edit in found.items()}

    def _with_parts(self) -> list[Stmt]:
        """The statements that are to be parted at their commas: what is a statement
        from now on was an operand."""
        stmts = [self.places.statement(e) for e in self._edits if _is_part(e)]
        return [s for s in dict.fromkeys(stmts) if s and s.kind == "expression"]

    def _put(self, found: dict[Point, Edit], at: Point, edit: Edit) -> None:
        if at in found:
            raise Crowded(f"line {at[0]} is to be changed in two ways")
        found[at] = edit

    def _joined(self, stmt: Stmt, beside: _Inserted) -> tuple[Point, Edit]:
        """What is put beside STMT, with what is to be done in it.  Raises
        Crowded."""
        inner = {e: m for e, m in self._edits.items() if self._in(e, stmt)}
        if not inner and len(beside.before) + len(beside.after) == 1:
            return self._beside(stmt, beside)
        if not inner and len(beside.before) == 2 and not beside.after:
            two = dict(zip(_TEXTS, beside.before))
            return stmt.start, {"do": "pair", "message": beside.message, **two}
        if stmt.kind != "expression" or len(stmt.exprs) != 1:
            raise Crowded(f"line {stmt.start[0]} is to be changed in two ways")
        gone = any(edit["do"] in ("drop", "unassign") for edit in inner.values())
        root = stmt.exprs[0]
        parts = parts_of(root) if any(map(_is_part, inner)) else [root]
        kept = [] if gone else [self._rewritten(part, inner) for part in parts]
        texts = [*beside.before, *kept, *beside.after]
        if len(texts) > len(_TEXTS):
            raise Crowded(f"line {stmt.start[0]} is to become {len(texts)} statements")
        for expr in inner:
            del self._edits[expr]
        message = "; ".join(m["message"] for m in inner.values()) or beside.message
        edit = {"do": "statements", "message": message, **dict(zip(_TEXTS, texts))}
        return stmt.start, edit | self._opening(stmt, texts)

    def _opening(self, stmt: Stmt, texts: list[str]) -> Edit:
        """What is done to a STMT that becomes TEXTS and has variables declared before
        it; nothing where there are none.  Raises Crowded."""
        values = self._opened.get(stmt, {})
        given = [f"{name} = {value}" for name, value in values.items()]
        if values and len(texts) > 1 or len(given) + 1 > len(_TEXTS):
            raise Crowded(f"line {stmt.start[0]} is to be changed in two ways")
        if len(values) == 1:
            ((name, value),) = values.items()
            return {"do": "open", "name": name, "first": value, "second": texts[0]}
        told = dict(zip(_TEXTS, [*given, *texts]))
        return {"do": "room", "name": ", *".join(values), **told} if values else {}

    def _in(self, expr: Expr, stmt: Stmt) -> bool:
        return self.places.statement(expr) is stmt

    def _beside(self, stmt: Stmt, beside: _Inserted) -> tuple[Point, Edit]:
        where = "before" if beside.before else "after"
        text = (beside.before or beside.after)[0]
        return stmt.start, {"do": where, "message": beside.message, "first": text}

    def _rewritten(self, root: Expr, inner: dict[Expr, Edit]) -> str:
        """The expression ROOT after those of the edits that are in it.  Raises
        Crowded."""
        text, at = "", root.start
        mine = [x for x in inner.items() if root.start <= x[0].start < root.end]
        for expr, edit in sorted(mine, key=lambda item: item[0].start):
            start, end, new = _replacement(expr, edit)
            if start < at:
                raise Crowded(f"line {start[0]} is to be changed in two ways")
            text += self._between(at, start) + new
            at = end
        return " ".join((text + self._between(at, root.end)).split())

    def _between(self, start: Point, end: Point) -> str:
        lines = self.text.split("\n")[start[0] - 1 : end[0]]
        lines[-1] = lines[-1][: end[1]]
        lines[0] = lines[0][start[1] :]
        return " ".join(lines)


def _is_part(expr: Expr) -> bool:
    """Whether an unmap stands before or after a comma: what takes its place is a
    statement."""
    within = expr.parent is not None and expr.parent.kind == "comma"
    return within and expr.callee in api.OLD_UNMAPS


def _replacement(expr: Expr, edit: Edit) -> tuple[Point, Point, str]:
    """What of the text EDIT replaces, from where to where, and by what.  Raises
    Crowded."""
    line, column = expr.start
    if edit["do"] == "name":
        return expr.start, (line, column + len(expr.callee)), edit["name"]
    if edit["do"] == "replace":
        return expr.start, expr.end, edit["first"]
    if edit["do"] == "sum":
        added = added_to(expr)
        assert added is not None, "only what is a part of a sum is edited so"
        return added.start, added.end, edit["first"]
    if edit["do"] == "keep":
        whole = without_cast(expr)
        return whole.start, whole.end, edit["name"]
    raise Crowded(f"line {line} is to be changed in two ways")


def without_cast(call: Expr) -> Expr:
    """CALL with the cast around it, where it is all that is assigned: a `void *`
    needs none.  What is added to it counts in the size of the cast's type."""
    outer = call.parent
    if outer is None or outer.kind != "cast" or "*" not in outer.op:
        return call
    alone = outer.parent is not None and outer.parent.kind == "assign"
    return outer if alone else call
