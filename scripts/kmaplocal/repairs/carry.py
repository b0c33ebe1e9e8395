# SPDX-License-Identifier: GPL-2.0-only
"""An address that goes with its page, from the function that maps to the one that
unmaps: kunmap() asks for the page alone, kunmap_local() for the address.

    page = foo_get_page(dir, n);         page = foo_get_page(dir, n, &page_addr);
    kaddr = page_address(page);          kaddr = page_addr;
    foo_put_page(page);                  foo_put_page(page, page_addr);

Each function that is given or gives a mapped page gets one more parameter, at its end.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from kmaplocal.bounds.offsets import values_of
from kmaplocal.c.lexer import tokens
from kmaplocal.c.places import Places, slice_of
from kmaplocal.c.syntax import Expr, Function, Stmt
from kmaplocal.repairs.late import following, is_alone, way_out
from kmaplocal.repairs.roles import ASKED, GIVEN, LATE, OUTPUT, RESULT, Refused, Role
from kmaplocal.repairs.roles import Roles, name_of, page_of, roles_in, taken_by
from kmaplocal.repairs.roles import with_initialised
from kmaplocal.repairs.steady import Steady

SUFFIX = "_addr"
_IS_TOLD = (GIVEN, ASKED, LATE)  # the page of a parameter, and its address


class Edit(NamedTuple):
    """EXPR becomes TEXT."""

    expr: Expr
    text: str


@dataclass
class Carrying:
    """What becomes of one function: the PARAMETER it gets, as C text, "" where it
    needs none; the EDITS of calls; the statements DROPPED; what is put "before" or
    "after" statements; the variables it gets, each declared behind a declaration, or
    before one that does nothing but give a variable the value of a call."""

    function: Function
    parameter: str = ""
    edits: list[Edit] = field(default_factory=list)
    dropped: list[Stmt] = field(default_factory=list)
    beside: list[tuple[Stmt, str, str]] = field(default_factory=list)
    declared: list[tuple[Stmt, Expr | None, str]] = field(default_factory=list)


class Carrier:
    """Finds what becomes of the functions of a file, whose text is TEXT.  LATER: the
    calls of those that are LATE, by their lines, behind which the unmap has to wait
    until the function returns."""

    def __init__(self, text: str, roles: Roles, later: Collection[int] = ()):
        self.text, self.roles, self.later = text, roles, later

    def carrying(self, function: Function) -> Carrying:
        """What becomes of FUNCTION.  Raises Refused."""
        found = _Finder(self.text, self.roles, function, self.later).find()
        spans = sorted((e.expr.start, e.expr.end) for e in found.edits)
        if any(end > start for (_, end), (start, _) in zip(spans, spans[1:])):
            raise Refused("two of the calls to change are in one another")
        return found


class _Finder:
    def __init__(
        self, text: str, roles: Roles, function: Function, later: Collection[int]
    ):
        self.text, self.roles, self.function = text, roles, function
        self.later = later
        self.places = Places(function)
        self.found = Carrying(function)
        self.role = roles.get(function.name)
        self.pages = with_initialised(function, roles)
        self.params = [v.name for v in function.params]
        self.local: set[str] = set()  # pages whose address is a variable

    def find(self) -> Carrying:
        if len({*roles_in(self.function, self.roles)}) > 1:
            raise Refused("it leaves pages in more than one way")
        self._parameter()
        steady = Steady(self.function, self.roles)
        for name, ways in sorted(self.pages.items()):
            steady.check(name, ways)
        for call in self.function.calls(
            {"kmap", "kunmap", "page_address", *self.roles}
        ):
            self._call(call)
        self._stores()
        for name in sorted(self.local):
            self._declare(name)
        return self.found

    def address(self, page: str) -> str:
        """How the address of PAGE is called."""
        return f"{page}{SUFFIX}"

    def _parameter(self) -> None:
        for name in self.pages:
            if self.address(name) in self._words():
                raise Refused(f"{self.address(name)} is a name already")
        if self.role is None:
            return
        if self.role.kind in _IS_TOLD:
            self.found.parameter = (
                f"void *{self.address(self.params[self.role.number])}"
            )
        elif self.role.kind == OUTPUT:
            given = self.address(self.params[self.role.number])
            if given in self._words():
                raise Refused(f"{given} is a name already")
            self.found.parameter = f"void **{given}"
        else:
            self.found.parameter = f"void **{self._behind()}"

    def _behind(self) -> str:
        """The parameter behind which the address of the returned page is left: where
        the function itself needs that address, too, it has a variable."""
        page = self._returned()
        return f"{self.address(page)}{'p' if self._is_needed(page) else ''}"

    def _is_needed(self, page: str) -> bool:
        """Whether something but a caller is to be given the address of PAGE."""
        asked = self.function.calls({"page_address"})
        asked += [c for c in self.function.calls(self.roles) if self._takes(c)]
        asked += self.function.calls({"kunmap"})
        return any(page == name_of(e) for c in asked for e in c.arguments.values())

    def _takes(self, call: Expr) -> bool:
        return self.roles[call.callee].kind in _IS_TOLD

    def _words(self) -> set[str]:
        used = {e.text for e in self.function.exprs if e.kind == "identifier"}
        return used | set(self.function.variables)

    def _returned(self) -> str:
        """The one page that the function returns.  Raises Refused."""
        returned = {
            s.exprs[-1].bare().text
            for s in self.function.statements()
            if s.kind == "return" and s.exprs
        } & self.pages.keys()
        if len(returned) != 1:
            raise Refused("it returns more than one page")
        return returned.pop()

    def _is_result(self, name: str) -> bool:
        kind = self.role.kind if self.role else ""
        return kind == RESULT and name == self._returned()

    # -- edits ------------------------------------------------------------------

    def _call(self, call: Expr) -> None:
        if call.callee == "page_address":
            name = name_of(call.arguments.get(0))
            if name not in self.pages:
                raise Refused(f"{call.text}: of which page is not known")
            self._edit(call, self._held(name))
            return
        name, how = page_of(call, self.roles)
        name = name or self._declared_by(call)
        if how == "passed":
            self._passed(call, name)
        elif how == "ended" and name in self.params and self._is_late(name):
            self._left_to_callers(call, name)
        elif name not in self.pages:
            raise Refused(
                f"{call.callee}() of line {call.start[0]}: no variable's page"
            )
        elif call.callee == "kmap":
            self._mapped(call, name)
        elif call.callee == "kunmap":
            self._edit(call, f"kunmap_local({self._held(name)})")
        elif how == "got":
            self._got(call, name)
        elif self.roles[call.callee].kind == LATE:
            self._unmapped_behind(call, name, self.roles[call.callee])
        else:
            self._more(call, self._held(name))

    def _is_late(self, name: str) -> bool:
        late = self.role is not None and self.role.kind == LATE
        return late and self._is_told(name)

    def _left_to_callers(self, call: Expr, name: str) -> None:
        """Drop the unmap CALL of the page NAME, and the put_page() behind it."""
        stmt, role = self.places.statement(call), self.role
        assert role is not None and stmt is not None, "it was looked at before"
        self.found.dropped.append(stmt)
        if role.puts and call.callee == "kunmap":
            self.found.dropped.append(following(self.function, stmt)[0])

    def _unmapped_behind(self, call: Expr, name: str, role: Role) -> None:
        """Unmap the page NAME behind CALL, which leaves that to its callers."""
        stmt, held = self.places.statement(call), self._held(name)
        if stmt is None or not is_alone(call, stmt) or not self.places.in_block(stmt):
            raise Refused(f"{call.text} is a part of something else")
        if role.told:
            self._more(call, held)
        texts, where = self._unmap(name, held, role), "after"
        if call.start[0] in self.later:
            stmt, where = way_out(self.function, stmt, name), "before"
        self.found.beside += [(stmt, where, text) for text in texts]

    def _unmap(self, name: str, held: str, role: Role) -> list[str]:
        """What unmaps the page NAME, by what is declared where the function is: it is
        named there, or further up.  Raises Refused where nothing is."""
        own, end = self.roles.get(role.by), self.function.body[-1].end
        words = {t.text: (t.line, t.column) for t in reversed(tokens(self.text))}
        if own is not None and own.kind == GIVEN and words.get(role.by, end) < end:
            return [f"{role.by}({name}, {held})"]
        texts = {"kunmap": f"kunmap_local({held})"}
        if role.puts:
            texts["put_page"] = f"put_page({name})"
        if not texts.keys() <= words.keys():
            raise Refused("its file may have no declaration of kunmap_local()")
        return [*texts.values()]

    def _got(self, call: Expr, name: str) -> None:
        if not self._is_result(name):
            self._more(call, f"&{self._held(name)}")
        elif self._is_needed(name):
            raise Refused(f"{name} is returned, and its address needed")
        else:
            self._more(call, self.address(name))

    def _variable(self, page: str) -> str:
        """The variable that is given the address of PAGE where it is mapped here, and
        nothing else; "" where there is none, or the page is returned mapped."""
        maps = [c for c in self.function.calls({"kmap"}) if page_of(c, {})[0] == page]
        if len(maps) != 1 or self._is_result(page):
            return ""
        call = maps[0]
        name = taken_by(call) or self._declared_by(call)
        once = len(values_of(name, self.function)) == 1
        return name if once and self._everywhere(name) else ""

    def _everywhere(self, name: str) -> bool:
        """Whether NAME is one variable, which all of the function can name."""
        found = [
            stmt
            for stmt in self.function.statements()
            for variable in stmt.variables
            if variable.name == name
        ]
        return len(found) == 1 and found[0].parent is None

    def _held(self, name: str) -> str:
        variable = self._variable(name)
        if variable:
            return variable
        if name not in self.params or "mapped" in self.pages[name]:
            if not {"mapped", "got"} & self.pages[name]:
                raise Refused(f"{name} is mapped by what is not known")
            self.local.add(name)
        elif self.role is None or not self._is_told(name):
            raise Refused(f"{name} is mapped by callers that are not known")
        return self.address(name)

    def _is_told(self, name: str) -> bool:
        """Whether callers give the function the page NAME, with its address."""
        role, number = self.role, self.params.index(name)
        return role is not None and role.kind in _IS_TOLD and role.number == number

    def _declared_by(self, call: Expr) -> str:
        """The variable that CALL, or CALL with a cast, initialises."""
        stmt, starts = self.places.statement(call), {call.start}
        if call.parent is not None and call.parent.kind == "cast":
            starts.add(call.parent.start)
        found = stmt.variables if stmt is not None else ()
        return next((v.name for v in found if v.value_at in starts), "")

    def _mapped(self, call: Expr, name: str) -> None:
        stmt = self.places.statement(call)
        page = slice_of(self.text, call.arguments[0])
        if self._variable(name):
            self._edit(call, f"kmap_local_page({page})")
            return
        if stmt is None or stmt.exprs != [call] or stmt.kind != "expression":
            raise Refused(f"{call.text} is a part of something else")
        result, needed = self._is_result(name), self._is_needed(name)
        place = self._held(name) if needed or not result else f"*{self.address(name)}"
        self._edit(call, f"{place} = kmap_local_page({page})")
        if result and needed:
            if not self.places.in_block(stmt):
                raise Refused(f"{call.text} is the only statement of its block")
            self._behind_of(stmt, f"*{self._behind()} = {place}")

    def _passed(self, call: Expr, name: str) -> None:
        """`find(dir, p)` where the caller's page is behind its own parameter P."""
        if name not in self.params or self.role is None or self.role.kind != OUTPUT:
            raise Refused(f"{call.callee}() of line {call.start[0]}: whose page is it")
        if self.params[self.role.number] != name:
            raise Refused("pages are left behind two parameters")
        self._more(call, self.address(name))

    def _more(self, call: Expr, argument: str) -> None:
        text = slice_of(self.text, call)
        self._edit(call, f"{text[:-1]}, {argument})")

    def _edit(self, expr: Expr, text: str) -> None:
        self.found.edits.append(Edit(expr, text))

    def _stores(self) -> None:
        """Leave the address beside the page: `*p = page;`."""
        for node in self.function.exprs:
            page = node.children[1].bare().text if node.kind == "assign" else ""
            if page not in self.pages:
                continue
            stmt = self.places.statement(node)
            alone = stmt is not None and stmt.exprs in ([node], [_mapping(node)])
            if stmt is None or not alone or not self.places.in_block(stmt):
                raise Refused(f"{node.text} is a part of something else")
            output = self.address(name_of(node.children[0].bare().children[0]))
            self._behind_of(stmt, f"*{output} = {self._held(page)}")

    def _behind_of(self, stmt: Stmt, text: str) -> None:
        self.found.beside.append((stmt, "after", text))

    def _declare(self, name: str) -> None:
        homes = [
            s
            for s in self.function.statements()
            if any(v.name == name for v in s.variables)
            or (name in self.params and s.kind == "declaration" and s.parent is None)
        ]
        home = next(iter(homes), None)
        if home is None:
            raise Refused(f"there is no declaration to put {name}{SUFFIX} behind")
        inner = [edit.expr for edit in self.found.edits if home.holds(edit.expr)]
        beside = [each for each in self.found.declared if each[0] is home]
        whole = len(home.variables) == 1 and home.exprs == inner
        if inner and (beside or not whole):
            raise Refused(f"{name} is declared together with others")
        address = self.address(name)
        for each in beside:
            self.found.declared.remove(each)
            address = f"{each[2]}, *{address}"
        self.found.declared.append((home, inner[0] if inner else None, address))


def _mapping(store: Expr) -> Expr | None:
    """The `kmap(*p = page)` that STORE is in."""
    call = store.parent
    while call is not None and call.kind == "paren":
        call = call.parent
    return call if call is not None and call.callee == "kmap" else None
