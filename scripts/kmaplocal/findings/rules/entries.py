# SPDX-License-Identifier: GPL-2.0-only
"""Entries that may be of many pages, gone through by way of one mapped page: of a
scatterlist, a bio_vec, a fragment of an skb."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kmaplocal.findings.finding import WARNING, Finding
from kmaplocal.findings.context import CheckContext
from kmaplocal.knowledge import functions, row
from kmaplocal.knowledge.functions import CLAMPS, MAXIMA, MINIMA
from kmaplocal.bounds import plain
from kmaplocal.bounds.extents import Access
from kmaplocal.bounds.offsets import values_of
from kmaplocal.c.places import changes, names_in
from kmaplocal.c.cfg import LOOPS
from kmaplocal.flow.events import Kind
from kmaplocal.flow.trace import Site
from kmaplocal.c.syntax import Expr, Stmt

VECTOR = "bi_io_vec"
# Where the end of the page is asked for.
PAGE_WORDS = {"PAGE_SIZE", "PAGE_MASK", "PAGE_SHIFT", "offset_in_page", "PAGE_ALIGNED"}
MOST_VALUES = 4  # of a variable that is another


class EntryKind(NamedTuple):
    """A kind of entry: what it is called, the member and the calls that give its
    length, where its data begins, and what goes through it page by page."""

    name: str
    member: str
    lengths: tuple[str, ...]
    offset: str
    better: str


LIST = EntryKind(
    "an entry of a scatterlist", "length", ("sg_dma_len",), "offset", "sg_miter_start()"
)
FRAGMENT = EntryKind(
    "a fragment of an skb",
    "bv_len",
    ("skb_frag_size",),
    "skb_frag_off()",
    "skb_frag_foreach_page()",
)
BIO_VEC = EntryKind("a bio_vec", "bv_len", (), "bv_offset", "bio_for_each_segment()")
KINDS = {row.LIST: LIST, row.FRAGMENT: FRAGMENT}


def entries(context: CheckContext, site: Site) -> Iterator[Finding]:
    """An access, or a loop, that goes as far as the entry whose first page is mapped
    and which may have more."""
    page = site.call.arguments.get(0)
    found = _entry(context, site.call, page) if page is not None else None
    if found is None:
        return
    kind, entry = found
    reader = _Reader(context, kind, entry)
    accesses = list(context.analysis.pages.extents.accesses(site))
    length = next(filter(None, map(reader.access, accesses)), None)
    length = length or reader.loops(site)
    if length is not None:
        yield _walked(context, site, kind, length, reader.ignored())
        return
    named = next(filter(None, map(reader.named, accesses)), None)
    if named is not None and reader.ignored():
        yield _displaced(context, site, named, reader.ignored())


def entry_length(
    context: CheckContext, call: Expr, page: Expr, access: Access
) -> Expr | None:
    """The length of the entry whose page is PAGE, when an ACCESS in CALL goes as
    far."""
    found = _entry(context, call, page)
    return _Reader(context, *found).access(access) if found else None


def whole_vector(context: CheckContext, vector: Expr, call: Expr) -> bool:
    """Whether VECTOR, `&bv` or a pointer, is a bio_vec that nothing cut to a page."""
    node = vector.bare()
    node = node.children[0].bare() if node.op == "&" else node
    return _is_whole(context, node, call)


def _entry(
    context: CheckContext, call: Expr, page: Expr
) -> tuple[EntryKind, Expr] | None:
    """The kind of entry whose page is mapped, and the entry."""
    if call.callee == "bvec_kmap_local":
        vector = page.bare()
        vector = vector.children[0].bare() if vector.op == "&" else vector
        return (BIO_VEC, vector) if whole_vector(context, page, call) else None
    for node in _meant(context, page, MOST_VALUES):
        kind = KINDS.get(functions.of(node.callee).entry)
        if kind is not None and 0 in node.arguments:
            return kind, node.arguments[0].bare()
        if node.kind == "member" and node.label == "bv_page":
            vector = node.children[0].bare()
            return (BIO_VEC, vector) if _is_whole(context, vector, call) else None
    return None


def _meant(context: CheckContext, node: Expr, depth: int) -> Iterator[Expr]:
    """What an expression is, and what the variable that it is may have been given."""
    node = node.bare()
    yield node
    if node.kind != "identifier" or not depth:
        return
    known = context.analysis.bounds().reaching.value(node)
    for value in [known] if known else values_of(node.text, context.function):
        yield from _meant(context, value, depth - 1)


def _is_whole(context: CheckContext, vector: Expr, call: Expr) -> bool:
    """Whether a bio_vec was cut to a page by nothing: an element of bi_io_vec, or
    what an iterator over whole ones gives."""
    for loop in context.loops(call):
        name = loop.text.split()[0]
        if loop.kind == "iterator" and loop.exprs:
            if loop.exprs[0].bare().text == vector.text:
                return _gives_vector(name)
    for node in _meant(context, vector, MOST_VALUES):
        while node.kind in ("member", "index", "paren", "unary", "binary"):
            if node.label == VECTOR:
                return True
            node = node.children[0]
        if _gives_vector(node.callee):
            return True
    return _is_stepped(context, vector)


def _is_stepped(context: CheckContext, vector: Expr) -> bool:
    """Whether VECTOR is a pointer that goes on from one bio_vec to the next by itself,
    as no iterator over pages does, in an array that this function does not fill."""
    nodes = context.function.exprs
    filled = any(
        node.kind == "assign" and node.children[0].bare().label == BIO_VEC.member
        for node in nodes
    )
    return not filled and any(
        node.op in ("++", "+=") and changes(node, {vector.text}) for node in nodes
    )


def _gives_vector(name: str) -> bool:
    """Whether a call or a loop of this name gives bio_vecs that nothing cuts."""
    return functions.of(name).entry == row.VECTOR


class _Reader:
    """Looks for the length of one entry."""

    def __init__(self, context: CheckContext, kind: EntryKind, entry: Expr):
        self.context = context
        self.kind = kind
        self.entry = entry

    def access(self, access: Access) -> Expr | None:
        """The entry's length, when an access goes as far."""
        if not isinstance(access.length, Expr) or self._in_page(access):
            return None
        if self._guarded(access):
            return None
        return self.length(access.length, MOST_VALUES)

    def named(self, access: Access) -> Expr | None:
        """The entry's length, when that of an ACCESS is made of it."""
        length = access.length if isinstance(access.length, Expr) else None
        for each in _meant(self.context, length, 1) if length is not None else ():
            found = next((n for n in each.walk() if self._is_length(n)), None)
            if found is not None:
                return found
        return None

    def _guarded(self, access: Access) -> bool:
        """Whether a condition around an access compares its length."""
        if not isinstance(access.length, Expr):
            return False
        names = {access.length.bare().text}
        return any(
            node.op in ("<", "<=", ">", ">=")
            and names & {side.bare().text for side in node.children}
            for stmt in self.context.function.statements()
            if stmt.kind == "if" and stmt.start <= access.expr.start < stmt.end
            for root in stmt.exprs
            for node in root.walk()
            if node.kind == "binary"
        )

    def _in_page(self, access: Access) -> bool:
        bounds = self.context.analysis.bounds()
        offset = access.offset if access.offset is not None else []
        return bounds.fits(offset, access.length, access.expr).answer == "inside"

    def length(self, node: Expr, depth: int) -> Expr | None:
        """The entry's length, when NODE is no less for all that can be seen."""
        node = node.bare()
        if self._is_length(node):
            return node
        if not depth:
            return None
        if node.kind == "identifier":
            return self._of_variable(node, depth)
        values = _operands(node)
        if node.callee in MINIMA and any(self._ends(v, depth) for v in values):
            return None
        found = (self.length(value, depth - 1) for value in values)
        return next((each for each in found if each is not None), None)

    def _of_variable(self, node: Expr, depth: int) -> Expr | None:
        known = self.context.analysis.bounds().reaching.value(node)
        values = [known] if known else values_of(node.text, self.context.function)
        if any(self._ends(value, depth) for value in values):
            return None
        found = (self.length(value, depth - 1) for value in values)
        return next((each for each in found if each is not None), None)

    def _ends(self, node: Expr, depth: int) -> bool:
        """Whether NODE has to do with where the page ends, or is a number that is
        no longer than it."""
        words = {n.text for n in node.walk()}
        if words & PAGE_WORDS:
            return True
        if self.context.analysis.bounds().fits([], node, node).answer == "inside":
            return True
        values = values_of(node.bare().text, self.context.function) if depth else []
        return any(self._ends(value, depth - 1) for value in values)

    def _is_length(self, node: Expr) -> bool:
        if node.callee in self.kind.lengths:
            owner = node.arguments.get(0)
        elif node.kind == "member" and node.label == self.kind.member:
            owner = node.children[0]
        else:
            return False
        return owner is not None and owner.bare().text == self.entry.text

    def loops(self, site: Site) -> Expr | None:
        """The entry's length, when a loop in which the mapping is used goes up to
        it, and asks nowhere for the end of the page."""
        around = list(self.context.loops(site.call))
        for use in self.context.uses(site, Kind.ACCESS, Kind.MOVED):
            for loop in self.context.loops(use.place):
                if loop in around or loop.kind not in LOOPS or _knows_pages(loop):
                    continue
                for test in _tests(loop):
                    counts = test.kind == "binary" or test.op == "--"
                    sides = test.children if counts else [test]
                    found = (self.length(side, MOST_VALUES) for side in sides)
                    length = next(filter(None, found), None)
                    if length is not None:
                        return length
        return None

    def ignored(self) -> str:
        """The offset of the entry's data, where nothing in the function asks for it;
        "" when something does, or the map call adds it."""
        if self.context.function.calls(["bvec_kmap_local"]):
            return ""
        wanted = self.kind.offset.removesuffix("()")
        asked = any(wanted in names_in(root) for root in self.context.function.exprs)
        return "" if asked else wanted


def _operands(node: Expr) -> Sequence[Expr]:
    """What a minimum, maximum, sum or choice is made of."""
    first = {**MINIMA, **MAXIMA, **CLAMPS}.get(node.callee)
    if first is not None:
        return [a for n, a in node.arguments.items() if n >= first]
    if node.kind == "ternary":
        return node.children[1:]
    if node.kind == "binary" and node.op in ("+", "-", "/", ">>"):
        return node.children[: 2 if node.op == "+" else 1]
    return []


def _tests(loop: Stmt) -> list[Expr]:
    """What a loop asks before each turn."""
    tests = loop.exprs[1:2] if loop.kind == "for" else loop.exprs[:1]
    return [test.bare() for test in tests]


def _knows_pages(loop: Stmt) -> bool:
    """Whether a loop asks for the end of the page, or maps in it."""
    words = {node.text for stmt in loop.walk() for e in stmt.exprs for node in e.walk()}
    return bool(words & PAGE_WORDS)


def _displaced(
    context: CheckContext, site: Site, length: Expr, ignored: str
) -> Finding:
    return context.finding(
        site.call,
        f"{plain(length.text)} bytes are counted from the begin of the page, but"
        f" {ignored} says where in it they are",
        f"add {ignored}",
        WARNING,
    )


def _walked(
    context: CheckContext, site: Site, kind: EntryKind, length: Expr, ignored: str
) -> Finding:
    also = f", and its {ignored} is not added" if ignored else ""
    return context.finding(
        site.call,
        f"{kind.name} may be of many pages, but {site.name}() maps its first, and"
        f" nothing here keeps {plain(length.text)} to it{also}",
        f"go page by page, as {kind.better} does",
        WARNING,
    )
