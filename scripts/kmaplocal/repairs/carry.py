# SPDX-License-Identifier: GPL-2.0-only
"""An address that goes with its page, from the function that maps to the one that
unmaps: kunmap() asks for the page alone, kunmap_local() for the address.

    page = foo_get_page(dir, n);         page = foo_get_page(dir, n, &page_addr);
    kaddr = page_address(page);          kaddr = page_addr;
    foo_put_page(page);                  foo_put_page(page, page_addr);

Each function that is given or gives a mapped page gets one more parameter, at its end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from kmaplocal.c.places import BLOCKS, Places, slice_of
from kmaplocal.bounds.offsets import values_of
from kmaplocal.c.reaching import READING
from kmaplocal.c.syntax import Expr, Function, Stmt
from kmaplocal.flow.conditions import TRANSPARENT
from kmaplocal.knowledge import api, functions

RESULT, OUTPUT, GIVEN, ASKED, LATE = "result", "output", "given", "asked", "late"
SUFFIX = "_addr"
_TO_PAGE = {OUTPUT: "passed", GIVEN: "ended", ASKED: "asked", LATE: "ended"}
_IS_TOLD = (GIVEN, ASKED, LATE)  # the page of a parameter, and its address
_LEAVES = ("return", "goto", "break", "continue", "label")


class Refused(Exception):
    """A function in which the address cannot go with its page; says why."""


class Role(NamedTuple):
    """How a mapped page goes between a function and its callers: it is the RESULT, is
    left behind the parameter of that NUMBER, or is GIVEN as it to be unmapped, or only
    to be ASKED for its address.  LATE: it unmaps what it is given, in one place, and is
    to leave that to its callers, behind its call: by what it calls itself (BY), or
    where they cannot call that by kunmap(), and put_page() if it PUTS the page, too;
    TOLD: whether it needs the address for something else."""

    kind: str
    number: int = -1
    by: str = ""
    puts: bool = False
    told: bool = True


Roles = Mapping[str, Role]  # by the names of functions


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


def pages_of(function: Function, roles: Roles) -> dict[str, set[str]]:
    """The variables of FUNCTION that are mapped pages, each with how they become so:
    "mapped" here, "got" from a function of ROLES, "ended" here or by one, "asked" for
    its address by one, or here for a caller."""
    found: dict[str, set[str]] = {}
    own = roles.get(function.name)
    if own is not None and own.kind == ASKED and own.number < len(function.params):
        found[function.params[own.number].name] = {"asked"}
    for call in function.calls({"kmap", "kunmap", *roles}):
        name, how = _page(call, roles)
        if name in function.variables:
            found.setdefault(name, set()).add(how)
    return found


def _page(call: Expr, roles: Roles) -> tuple[str, str]:
    """The variable that is the page of CALL, and what CALL is to it."""
    if call.callee in ("kmap", "kunmap"):
        how = "mapped" if call.callee == "kmap" else "ended"
        return _mapped_page(call), how
    role = roles[call.callee]
    if role.kind == RESULT:
        return _taken_by(call), "got"
    argument = call.arguments.get(role.number)
    if role.kind == OUTPUT and argument is not None and argument.bare().op == "&":
        return _name(argument.bare().children[0]), "got"
    return _name(argument), _TO_PAGE[role.kind]


def _mapped_page(call: Expr) -> str:
    """The variable that a kmap() maps, or a kunmap() unmaps: `page`, `*p = page`."""
    node = call.arguments.get(0)
    if node is not None and _is_store(node.bare()):
        return _name(node.bare().children[1])
    return _name(node)


def _is_store(node: Expr) -> bool:
    return node.kind == "assign" and node.op == "="


def _name(expr: Expr | None) -> str:
    node = expr.bare() if expr is not None else None
    return node.text if node is not None and node.kind == "identifier" else ""


def _taken_by(call: Expr) -> str:
    """The variable that the value of CALL is assigned to, by an expression."""
    parent = call.parent
    if parent is None or not _is_store(parent):
        return ""
    return _name(parent.children[0]) if parent.children[1].bare() is call else ""


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
        if len({*_roles(self.function, self.roles)}) > 1:
            raise Refused("it leaves pages in more than one way")
        self._parameter()
        for name, ways in sorted(self.pages.items()):
            self._steady(name, ways)
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
        return any(page == _name(e) for c in asked for e in c.arguments.values())

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

    # -- what the variable is given ------------------------------------------

    def _steady(self, name: str, ways: set[str]) -> None:
        """Raise Refused where the page NAME may be another one than that whose
        address goes with it."""
        if name in self.params and "got" in ways:
            raise Refused(f"{name} is a parameter, and mapped here")
        self._hidden(name)
        declared = [v for s in self.function.statements() for v in s.variables]
        same = [v for v in [*self.function.params, *declared] if v.name == name]
        if len(same) != 1:
            raise Refused(f"{name} is the name of several variables")
        own = 0
        for node in self.function.exprs:
            target = node.children[0].bare().text if node.kind == "assign" else ""
            if target == name and not self._gets(node.children[1].bare()):
                own += 1
            if node.kind == "assign" and node.children[1].bare().text == name:
                self._copied(node)
            if (
                node.kind == "unary"
                and node.op == "&"
                and name == _name(node.children[0])
            ):
                if not self._lent(node):
                    raise Refused(f"the address of {name} is taken")
        own += self._initialised(name)
        if own > ("mapped" in ways) or (own and name in self.params):
            raise Refused(f"{name} is given another page")

    def _hidden(self, name: str) -> None:
        """Raise Refused where NAME may be changed, or copied, by other than an
        assignment."""
        for stmt in self.function.statements():
            words = {n.text for e in stmt.exprs for n in e.walk()}
            if stmt.kind in ("iterator", "guard", "asm") and name in words:
                raise Refused(f"line {stmt.start[0]} may change {name}")
            for variable in stmt.variables:
                at = variable.value_at
                value = next((e for e in stmt.exprs if e.start == at), None)
                if value is not None and value.bare().text == name:
                    raise Refused(f"{variable.name} is the same page")
        for node in self.function.exprs:
            loud = node.callee.isupper() and node.callee not in READING
            named = any(_name(e) == name for e in node.arguments.values())
            if node.kind in ("opaque", "statement-expression", "compound-literal"):
                named = loud = name in node.text.split()
            if loud and named:
                raise Refused(f"{node.text} may change {name}")

    def _initialised(self, name: str) -> int:
        """How many declarations give NAME a value that is no mapped page, nor NULL."""
        found = 0
        for stmt in self.function.statements():
            for variable in stmt.variables:
                at = variable.value_at
                value = next((e for e in stmt.exprs if e.start == at), None)
                if variable.name == name and value is not None:
                    found += not self._gets(value.bare())
        return found

    def _gets(self, value: Expr) -> bool:
        """Whether VALUE is a mapped page, or none."""
        role = self.roles.get(value.callee)
        return value.text == "NULL" or (role is not None and role.kind == RESULT)

    def _copied(self, store: Expr) -> None:
        """Raise Refused where a page is copied to anything but a parameter's page."""
        target = store.children[0].bare()
        if target.kind == "unary" and target.op == "*":
            if self._output_of(target) is not None:
                return
        raise Refused(f"the page goes to {store.children[0].text}")

    def _output_of(self, target: Expr) -> int | None:
        """The number of the parameter that TARGET, `*p`, lies behind, where the
        function leaves its page there."""
        name = _name(target.children[0])
        if self.role is None or self.role.kind != OUTPUT or name not in self.params:
            return None
        number = self.params.index(name)
        return number if number == self.role.number else None

    def _lent(self, node: Expr) -> bool:
        """Whether `&page` is what a function leaves its page in."""
        call = node
        while call.parent is not None and call.kind != "call":
            call = call.parent
        role = self.roles.get(call.callee)
        argument = call.arguments.get(role.number) if role else None
        output = role is not None and role.kind == OUTPUT
        return output and argument is not None and argument.bare() is node

    # -- edits ------------------------------------------------------------------

    def _call(self, call: Expr) -> None:
        if call.callee == "page_address":
            name = _name(call.arguments.get(0))
            if name not in self.pages:
                raise Refused(f"{call.text}: of which page is not known")
            self._edit(call, self._held(name))
            return
        name, how = _page(call, self.roles)
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
        if stmt is None or stmt.kind != "expression" or not self.places.in_block(stmt):
            raise Refused(f"{call.text} is a part of something else")
        if role.told:
            self._more(call, held)
        own = self.roles.get(role.by)
        texts = [f"kunmap_local({held})", *([f"put_page({name})"] * role.puts)]
        if own is not None and own.kind == GIVEN:
            texts = [f"{role.by}({name}, {held})"]
        where = "after"
        if call.start[0] in self.later:
            stmt, where = self._way_out(stmt), "before"
        self.found.beside += [(stmt, where, text) for text in texts]

    def _way_out(self, stmt: Stmt) -> Stmt:
        """The `return` that STMT goes on to, in the same block.  Raises Refused."""
        for each in following(self.function, stmt):
            if each.kind == "return":
                return each
            if any(inner.kind in _LEAVES for inner in each.walk()):
                break
        raise Refused(f"line {stmt.start[0]}: there is no place for the unmap")

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
        maps = [c for c in self.function.calls({"kmap"}) if _page(c, {})[0] == page]
        if len(maps) != 1 or self._is_result(page):
            return ""
        call = maps[0]
        name = _taken_by(call) or self._declared_by(call)
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
            output = self.address(_name(node.children[0].bare().children[0]))
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


def following(function: Function, stmt: Stmt) -> Sequence[Stmt]:
    """What follows STMT in the same block of FUNCTION."""
    block = stmt.parent.children if stmt.parent is not None else function.body
    inner = stmt
    if stmt.parent is not None and stmt.parent.kind == "label":
        return following(function, stmt.parent)
    return block[block.index(inner) + 1 :]


def late_role(function: Function, roles: Roles, puts: Mapping[str, bool]) -> Role:
    """The role of FUNCTION, which unmaps what it is given, once that is left to its
    callers.  PUTS: what does nothing but unmap its only argument, and whether it puts
    it, too.  Raises Refused where that cannot be moved there."""
    number = roles[function.name].number
    page = function.params[number].name
    calls = [
        c for c in function.calls({"kunmap", *roles}) if _page(c, roles)[0] == page
    ]
    ends = [call for call in calls if _page(call, roles)[1] == "ended"]
    if len(ends) != 1 or ends[0].callee not in {"kunmap", *puts}:
        raise Refused(f"{function.name}() does not unmap in one place")
    (end,) = ends
    stmt = Places(function).statement(end)
    if stmt is None or stmt.exprs != [end] or stmt.kind != "expression":
        raise Refused(f"{end.text} is a part of something else")
    home = stmt.parent if stmt.parent and stmt.parent.kind == "label" else stmt
    behind = following(function, stmt)
    puts_here = puts.get(end.callee, bool(behind) and _is_put(behind[0], page))
    rest = behind[1:] if end.callee == "kunmap" and puts_here else behind
    if home.parent is not None or (home is not stmt and not rest):
        raise Refused(f"{function.name}() does not unmap in one place")
    asked = function.calls({"page_address"}) + [c for c in calls if c is not end]
    told = any(_name(e) == page for c in asked for e in c.arguments.values())
    return Role(LATE, number, end.callee, puts_here, told)


def only_unmaps(function: Function) -> bool | None:
    """Whether FUNCTION puts its only parameter, a page, behind its unmap; None where it
    does something else."""
    if len(function.params) != 1 or not function.body:
        return None
    name, (first, *rest) = function.params[0].name, function.body
    unmaps = [e.callee for e in first.exprs] == ["kunmap"] and _is_of(first, name)
    if not unmaps or len(rest) > 1 or not all(_is_put(stmt, name) for stmt in rest):
        return None
    return bool(rest)


def _is_put(stmt: Stmt, page: str) -> bool:
    return [e.callee for e in stmt.exprs] == ["put_page"] and _is_of(stmt, page)


def _is_of(stmt: Stmt, page: str) -> bool:
    """Whether STMT is one call, of which PAGE is the only argument."""
    found = [_name(e) for e in stmt.exprs[0].arguments.values()]
    return stmt.kind == "expression" and found == [page]


def _mapping(store: Expr) -> Expr | None:
    """The `kmap(*p = page)` that STORE is in."""
    call = store.parent
    while call is not None and call.kind == "paren":
        call = call.parent
    return call if call is not None and call.callee == "kmap" else None


def givers_of(function: Function) -> Iterator[str]:
    """What FUNCTION may have the pages from that it unmaps, and did not map."""
    params = {v.name for v in function.params}
    ended = {n for n, ways in pages_of(function, {}).items() if ways == {"ended"}}
    for call in function.exprs:
        given = {e.bare() for e in call.arguments.values()}
        lent = {_name(e.children[0]) for e in given if e.op == "&" and e.children}
        if call.callee and {_taken_by(call), *lent} & (ended - params):
            yield call.callee


def given_to(function: Function, roles: Roles) -> Iterator[tuple[str, int]]:
    """What FUNCTION gives a mapped page to that has no role, and as which argument."""
    pages = with_initialised(function, roles).keys()
    known = {*functions.TABLE, *api.ALL, *roles, function.name, ""}
    for call in function.exprs:
        if call.kind == "call" and call.callee not in known:
            for number, argument in call.arguments.items():
                if _name(argument) in pages:
                    yield call.callee, number


def with_initialised(function: Function, roles: Roles) -> dict[str, set[str]]:
    """pages_of(), with those that a declaration gets."""
    found = pages_of(function, roles)
    results = {name for name, role in roles.items() if role.kind == RESULT}
    for stmt in function.statements():
        for variable in stmt.variables:
            value = next((e for e in stmt.exprs if e.start == variable.value_at), None)
            if value is not None and value.callee in results:
                found.setdefault(variable.name, set()).add("got")
    return found


def roles_of(every: list[Function], roles: Roles) -> dict[str, Role]:
    """The roles that EVERY function has by what it does to pages, those of ROLES
    known."""
    found = dict(roles)
    for function in every:
        if function.name not in found:
            found |= {function.name: role for role in _roles(function, roles)}
    return found


def _roles(function: Function, roles: Roles) -> Iterator[Role]:
    """Those FUNCTION has: at most one is right, more are refused by who asks."""
    pages = with_initialised(function, roles)
    params = [v.name for v in function.params]
    for name, ways in pages.items():
        if name in params:
            if "ended" in ways and ways <= {"ended", "asked"}:
                yield Role(GIVEN, params.index(name))
            elif ways == {"asked"}:
                yield Role(ASKED, params.index(name))
            elif ways == {"passed"}:
                yield Role(OUTPUT, params.index(name))
        if ways & {"mapped", "got"}:
            yield from _left(function, name, params)


def _is_error(stmt: Stmt, page: str) -> bool:
    """Whether STMT is what is done `if (IS_ERR(page))`, at once."""
    outer = stmt.parent
    if outer is not None and outer.kind in BLOCKS and outer.children[0] is stmt:
        outer = outer.parent
    if outer is None or outer.kind != "if" or stmt not in outer.children[0].walk():
        return False
    asked = outer.exprs[0].bare()
    if asked.callee in TRANSPARENT:
        asked = asked.arguments[0].bare()
    return asked.callee == "IS_ERR" and _name(asked.arguments.get(0)) == page


def _left(function: Function, page: str, params: list[str]) -> Iterator[Role]:
    """Where FUNCTION leaves PAGE, a variable, for its callers."""
    for stmt in function.statements():
        if stmt.kind == "return" and stmt.exprs:
            if stmt.exprs[-1].bare().text == page and not _is_error(stmt, page):
                yield Role(RESULT)
    for node in function.exprs:
        if node.kind == "assign" and node.children[1].bare().text == page:
            target = node.children[0].bare()
            name = _name(target.children[0]) if target.op == "*" else ""
            if target.kind == "unary" and name in params:
                yield Role(OUTPUT, params.index(name))
