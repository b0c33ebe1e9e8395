# SPDX-License-Identifier: GPL-2.0-only
"""Mappings that serve one purpose for which the kernel has a helper.

Source: include/linux/highmem.h of Linux 6.1 and 6.12: memcpy_to_page() and
memzero_page() flush the data cache themselves, which is newer than they are;
memset_page(), memcpy_page(), copy_highpage() and clear_highpage() do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from kmaplocal.knowledge import functions
from kmaplocal.certify.analysis import FileAnalysis
from kmaplocal.repairs import folios, vectors
from kmaplocal.idioms.copies import copied, copy_whole, names, to_or_from
from kmaplocal.idioms.fills import find_fill
from kmaplocal.idioms.flushes import FLUSH
from kmaplocal.repairs.folios import PAGE
from kmaplocal.repairs.repair import ExplicitDisable
from kmaplocal.idioms.sets import clear, cleared, filled, set_to
from kmaplocal.certify.certificate import Verdict
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.bounds.offsets import terms_of
from kmaplocal.c.places import Places, changes, names_in, slice_of
from kmaplocal.c.structs import struct_of
from kmaplocal.c.syntax import Expr, Stmt, Variable
from kmaplocal.flow.events import Kind
from kmaplocal.flow.trace import Site


@dataclass
class Idiom:
    """What becomes of a mapping that a helper replaces: the helper's call
    (`text`) instead of the expression `replaced`; expressions whose statements
    are dropped; map calls that initialise a variable that stays (`forgotten`);
    variables that nothing uses any more; and the calls this covers."""

    rule: str
    helper: str
    text: str
    replaced: Expr
    dropped: list[Expr] = field(default_factory=list)
    forgotten: list[Expr] = field(default_factory=list)
    unused: list[Variable] = field(default_factory=list)
    calls: set[Expr] = field(default_factory=set)


@dataclass
class Span:
    """A mapping from its map statement to its unmap statement, both in one
    block, with nothing between them that leaves it."""

    site: Site
    begin: Stmt
    end: Stmt
    unmap: Expr
    between: Sequence[Stmt]


class Finder:
    """Finds the idioms of one function."""

    def __init__(
        self, file: FileAnalysis, analysis: FunctionAnalysis, verdict: Verdict
    ):
        self.text = file.outline.text
        self.analysis = analysis
        self.trace = analysis.trace
        self.function = analysis.function
        self.source = file.source
        self.places = Places(analysis.function)
        self.bounds = analysis.bounds()
        self.taken: set[Site] = set()
        disabled = verdict.repairs(ExplicitDisable)
        self.disabled = {site for site, repair in disabled if repair.around}

    def find(self) -> list[Idiom]:
        """The idioms, in the order of the text; no mapping is in two."""
        spans = [s for s in map(self.span, self.trace.sites) if s]
        found = []
        for span in spans:
            if span.site in self.taken:
                continue
            idiom = self._fill(span) or self._copy(span, spans)
            if idiom:
                found.append(idiom)
        found += [i for i in map(self._inline, self.trace.sites) if i]
        found = [i for i in found if self._available(i) and self._maps_all(i)]
        while True:
            left = [self._tidy(idiom, found) for idiom in found]
            if all(left):
                return found
            # What would leave a variable behind that nothing reads is renamed.
            found = [idiom for idiom, tidy in zip(found, left) if tidy]

    def _available(self, idiom: Idiom) -> bool:
        """Whether the kernel at hand has the helper, and this is not its own
        definition: architectures write their own copy_highpage()."""
        if self.function.name in functions.HELPERS:
            return False
        known = self.analysis.knowledge.helpers
        return known is None or idiom.helper in known

    def _maps_all(self, idiom: Idiom) -> bool:
        """Whether IDIOM covers every map call in what it replaces: another one is
        an edit of its own."""
        inner = set(idiom.replaced.walk())
        mapped = {site.call for site in self.trace.sites}
        return (inner & mapped) <= idiom.calls

    # -- the frame: map, unmap, nothing else with the address ----------------

    def span(self, site: Site) -> Span | None:
        """The frame of a mapping, or None when it has not this shape."""
        if not site.api.new or not site.variable or site.name not in _PLAIN:
            return None
        if site in self.disabled:
            return None
        ended = self.trace.of(site.number, Kind.UNMAPPED)
        unmaps = list(dict.fromkeys(event.place for event in ended))
        if len(unmaps) != 1 or len(self.trace.unmaps[unmaps[0]]) != 1:
            return None
        begin = self.places.statement(site.call)
        end = self.places.statement(unmaps[0])
        if not begin or not end or not self._maps_alone(begin, site):
            return None
        if end.exprs != [unmaps[0]] or begin.parent is not end.parent:
            return None
        block = self.places.siblings(begin)
        if end not in block or block.index(begin) >= block.index(end):
            return None
        first, last = block.index(begin), block.index(end)
        return Span(site, begin, end, unmaps[0], block[first + 1 : last])

    def _maps_alone(self, stmt: Stmt, site: Site) -> bool:
        """Whether the statement is `v = map(page);` or `T v = map(page);`."""
        page = site.call.arguments.get(0)
        if page is None or not _pure(page):
            return False
        if stmt.kind == "declaration":
            return any(e.bare() is site.call for e in stmt.exprs)
        if len(stmt.exprs) != 1 or stmt.exprs[0].kind != "assign":
            return False
        target, value = stmt.exprs[0].children
        return target.kind == "identifier" and value.bare() is site.call

    def _steady(self, expr: Expr, stmts: Iterable[Stmt]) -> bool:
        """Whether nothing in the statements changes what EXPR is made of."""
        names = names_in(expr)
        for stmt in stmts:
            for inner in stmt.walk():
                if any(v.name in names for v in inner.variables):
                    return False
                if any(changes(n, names) for e in inner.exprs for n in e.walk()):
                    return False
        return True

    def _only_read_in(self, span: Span, stmts: Iterable[Stmt]) -> bool:
        """Whether the address is read, or moved on, nowhere but in the statements
        and the unmap."""
        allowed = [*stmts, span.end]
        number = span.site.number
        moves = [use.place for use in self.trace.of(number, Kind.MOVED)]
        return all(
            any(stmt.holds(read) for stmt in allowed)
            for read in [*self.trace.reads(number), *moves]
        )

    # -- structure fill ------------------------------------------------------

    def _fill(self, span: Span) -> Idiom | None:
        fill = find_fill(self.function, self.source, span.site, span.between)
        if fill is None or not self._only_read_in(span, fill.stmts):
            return None
        page = slice_of(self.text, span.site.call.arguments[0])
        size = f"sizeof(struct {fill.struct})"
        members = ", ".join(f".{n} = {slice_of(self.text, v)}" for n, v in fill.values)
        literal = f"(const char *)&(struct {fill.struct}) {{ {members} }}"
        text = f"memcpy_to_page({page}, 0, {literal}, {size})"
        helper = "memcpy_to_page"
        if not fill.values:
            helper, text = "memzero_page", f"memzero_page({page}, 0, {size})"
        idiom = Idiom("struct_fill", helper, text, span.unmap)
        idiom.dropped += [e for s in fill.stmts for e in s.exprs]
        self._cover(idiom, span)
        return idiom

    # -- one copy, one set ----------------------------------------------------

    def _copy(self, span: Span, spans: list[Span]) -> Idiom | None:
        used = [s for s in span.between if self._uses(s, span)]
        if len(used) != 1 or len(used[0].exprs) != 1 or used[0].kind != "expression":
            return None
        call = used[0].exprs[0]
        handler = _COPIES.get(call.callee)
        if handler is None or not self._only_read_in(span, used):
            return None
        others = [o for o in spans if o is not span and self._uses(used[0], o)]
        result = handler(self, span, others, call)
        if result is None:
            return None
        text, members = result
        for member in members:
            flushes = self._flushes(member)  # some name the page by `&`
            inner = [
                s
                for s in member.between
                if s is not used[0] and not any(e in flushes for e in s.exprs)
            ]
            page = member.site.call.arguments[0]
            if not self._only_read_in(member, used) or not self._steady(page, inner):
                return None
        idiom = Idiom("page_helper", text.split("(")[0], text, call)
        for member in members:
            self._cover(idiom, member)
        return idiom

    def _inline(self, site: Site) -> Idiom | None:
        """`memcpy(to, kmap(page), length); kunmap(page);`"""
        ended = self.trace.of(site.number, Kind.UNMAPPED)
        unmaps = list(dict.fromkeys(event.place for event in ended))
        if site.variable or len(unmaps) != 1 or site.name != "kmap":
            return None
        copy = self.analysis.pages.inline_copy(site, unmaps[0])
        if copy is None:
            return None
        end = self.places.home(unmaps[0])
        span = Span(site, end, end, unmaps[0], [])
        made = _INLINE[copy.callee](self, span, copy, site.call.text)
        if made is None:
            return None
        idiom = Idiom("page_helper", made.split("(")[0], made, copy)
        idiom.calls |= {site.call, unmaps[0]}
        idiom.dropped.append(unmaps[0])
        if self._is_flushing(idiom):
            idiom.dropped += self._flushes(span)
        return idiom

    def _uses(self, stmt: Stmt, span: Span) -> bool:
        reads = self.trace.reads(span.site.number)
        return any(stmt.holds(read) for read in reads)

    def _cover(self, idiom: Idiom, span: Span) -> None:
        self.taken.add(span.site)
        idiom.calls |= {span.site.call, span.unmap}
        idiom.dropped.append(span.site.call)
        if span.unmap is not idiom.replaced:
            idiom.dropped.append(span.unmap)
        if self._is_flushing(idiom):
            idiom.dropped += self._flushes(span)

    def _is_flushing(self, idiom: Idiom) -> bool:
        """Whether the helper of IDIOM flushes the page in every kernel that this is
        for."""
        first = functions.of(idiom.helper).flushing
        limit = self.analysis.knowledge.limit
        return bool(first) and (limit is None or first <= limit)

    def _flushes(self, span: Span) -> list[Expr]:
        """The flush of the same page before the unmap or right after it."""
        block = self.places.siblings(span.end)
        after = block[block.index(span.end) + 1 :][:1]
        page = span.site.call.arguments[0].bare().text
        return [
            stmt.exprs[0]
            for stmt in [*span.between, *after]
            if stmt.kind == "expression"
            and len(stmt.exprs) == 1
            and stmt.exprs[0].callee == FLUSH
            and stmt.exprs[0].arguments[0].bare().text == page
        ]

    # -- the helpers ----------------------------------------------------------

    def call(self, name: str, span: Span, *arguments: str) -> str:
        """A call of the helper NAME for the page of SPAN, which PAGE stands for among
        ARGUMENTS; or of the one for its folio, or its bio_vec."""
        page, known = span.site.call.arguments[0], self.analysis.knowledge.helpers
        whole = vectors.helper(name, page, arguments, self.function, known)
        if whole:
            return whole
        instead = folios.helper(name, page, self.function, known)
        name, given = instead or (name, self.page(span))
        return f"{name}({', '.join(a.replace(PAGE, given) for a in arguments)})"

    def page(self, span: Span) -> str:
        """The page a helper is given."""
        return slice_of(self.text, span.site.call.arguments[0])

    def offset(self, name: str, argument: Expr):
        """The offset of ARGUMENT in the page: its terms (expression, scale,
        sign) and its text; None when it is not the address, called NAME, plus a
        sum."""
        terms = terms_of(argument, name, self.function)
        if terms is None:
            return None
        shown = ""
        for expr, scale, sign in terms:
            part = self._term(expr, scale)
            if shown or sign < 0:
                part = f" {'-' if sign < 0 else '+'} {part}" if shown else f"-{part}"
            shown += part
        return terms, shown or "0"

    def _term(self, expr: Expr, scale) -> str:
        text = slice_of(self.text, expr)
        if scale == 1:
            return text
        if isinstance(scale, int) and expr.text.isdigit():
            return str(int(expr.text) * scale)
        simple = not expr.bare().children or expr.kind in ("paren", "call", "member")
        return f"{text if simple else f'({text})'} * {scale}"

    def type_of(self, node: Expr) -> str:
        """The type of a cast, variable or member, or of the array or pointer whose
        element NODE is the address of; "" when it is not known."""
        if node.kind == "cast":
            return node.op
        if node.kind == "identifier" and node.text in self.function.variables:
            return self.function.variables[node.text].type
        if node.kind == "member":
            types = self.analysis.knowledge.member_type
            struct = struct_of(node.children[0], self.function, types)
            return types(struct, node.label) if struct else ""
        if node.kind == "unary" and node.op == "&":
            inner = node.children[0].bare()
            return self.type_of(inner.children[0]) if inner.kind == "index" else ""
        return ""

    def inside(self, terms, length: Expr, at: Expr) -> bool:
        """Whether offset + length visibly stays in the page."""
        return self.bounds.fits(terms, length, at).answer == "inside"

    # -- what is left over -------------------------------------------------------

    def _tidy(self, idiom: Idiom, all_idioms: list[Idiom]) -> bool:
        """Find declarations that go, and those that only lose their value; False
        where one would stay that is not used and has a value with an effect."""
        gone = [e for i in all_idioms for e in (*i.dropped, i.replaced)]
        stmts = [self.places.statement(e) for e in gone]
        for call in [c for c in idiom.dropped if c in idiom.calls]:
            stmt = self.places.home(call)
            name = self._mapped_name(call)
            declaration = self.places.declaration(name, stmt) if name else None
            if declaration is None:
                continue
            home, variable = declaration
            used = self._used(name, home, stmts)
            used = used or any(_sized_by(i, name) for i in all_idioms)
            if stmt is home and used:
                idiom.dropped.remove(call)
                idiom.forgotten.append(call)
            elif stmt is not home and not used:
                if not _removable(home, variable):
                    return False
                if variable not in idiom.unused:
                    idiom.unused.append(variable)
        return True

    def _mapped_name(self, call: Expr) -> str:
        site = next((s for s in self.trace.sites if s.call is call), None)
        return site.variable if site else ""

    def _used(self, name, home, gone) -> bool:
        """Whether the variable is named in its scope in a statement that
        stays, or in what stays of a replaced one."""
        for stmt in self.places.scope(home):
            for root in stmt.exprs:
                for node in root.walk():
                    if node.kind == "identifier" and node.text == name:
                        if not any(g is stmt for g in gone):
                            return True
        return False


def _removable(home: Stmt, variable: Variable) -> bool:
    value = next((e for e in home.exprs if e.start == variable.value_at), None)
    return value is None or value.bare().text in ("NULL", "0")


def _sized_by(idiom: Idiom, name: str) -> bool:
    """Whether the helper's length or offset is the size of what NAME points to."""
    nodes = idiom.replaced.walk() if idiom.rule == "page_helper" else ()
    return any(n.kind == "sizeof" and names(n, name) for n in nodes)


_PLAIN = {"kmap", "kmap_atomic", "kmap_local_page"}


def _pure(expr: Expr) -> bool:
    return all(
        n.kind in ("identifier", "constant", "member", "index", "paren", "cast")
        or (n.kind in ("binary", "sizeof"))
        or (n.kind == "unary" and n.op not in ("++", "--"))
        or (n.kind == "call" and n.callee in functions.REPEATING)
        for n in expr.walk()
    )


_COPIES = {
    "memcpy": to_or_from,
    "memset": set_to,
    "clear_page": clear,
    "copy_page": copy_whole,
}


_INLINE = {"memcpy": copied, "memset": filled, "clear_page": cleared}


def find_idioms(
    file: FileAnalysis, analysis: FunctionAnalysis, verdict: Verdict
) -> list[Idiom]:
    """The idioms of a function whose every mapping is certified, by VERDICT."""
    if not any(site.api.new for site in analysis.trace.sites):
        return []
    return Finder(file, analysis, verdict).find()
