# SPDX-License-Identifier: GPL-2.0-only
"""Is a structure on the stack wherever it is used, and given on by its type alone?

Then nobody but the functions that are called with it, in the thread of the one that
declares it, can reach it.  Told by tokens, in all files that name it: it is nowhere
allocated, in another structure, copied, cast to or made from another pointer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from kmaplocal.c import lexer
from kmaplocal.c.lexer import Token
from kmaplocal.c.outline import Outline, Span
from kmaplocal.c.syntax import Expr, Function
from kmaplocal.c.text import plain
from kmaplocal.flow.escape import given

_UNREAD = ("opaque", "statement-expression", "compound-literal")
_STORED = ("static", "extern", "typedef", "register")


class Unfit(Exception):
    """Why the structure may be reached by others."""


class Users(NamedTuple):
    """The functions that have the structure, those of them that are GIVEN it, and by
    what pointers it is given on: the number of the argument, by the name of the pointer
    or its type."""

    spans: list[tuple[str, Span]]
    given: list[tuple[str, Span]]
    pointers: dict[str, set[int]]


def users(outlines: Mapping[str, Outline], tag: str) -> Users:
    """Who uses the structure TAG in the files of OUTLINES, all that name it.
    Raises Unfit."""
    found = Users([], [], {})
    defined = 0
    for file, outline in outlines.items():
        tokens = outline.tokens
        if any(tag in macro.words for macro in outline.macros):
            raise Unfit(f"{file}: a macro names struct {tag}")
        for at in _named(tokens, tag):
            defined += tokens[at + 1].text == "{"
            _place(file, outline, tokens, at, found)
    if defined != 1:
        raise Unfit(f"struct {tag} is not defined once")
    return found


def declares(outline: Outline, tag: str) -> bool:
    """Whether OUTLINE is of a file that says what the structure TAG is made of."""
    tokens = outline.tokens
    return any(tokens[at + 1].text == "{" for at in _named(tokens, tag))


def _named(tokens: Sequence[Token], tag: str) -> Iterator[int]:
    for at, token in enumerate(tokens):
        if token.text == tag and at and tokens[at - 1].text == "struct":
            yield at


def _place(
    file: str, outline: Outline, tokens: Sequence[Token], at: int, found: Users
) -> None:
    """Look at one place where the structure is named.  Raises Unfit."""
    where, after = f"{file}:{tokens[at].line}", tokens[at + 1].text
    span = outline.around(tokens[at].line)
    depth, inside = _depth(tokens, at, span)
    if after in ("{", ";") and not inside:
        return
    if after == "*" and depth and not inside and tokens[at + 2].text != "*":
        if span is not None:
            found.spans.append((file, span))
            found.given.append((file, span))
        else:
            _note_pointer(tokens, at, found)
        return
    ends = tokens[at + 2].text
    plain = tokens[at + 1].kind == lexer.IDENTIFIER and ends in (";", "=")
    if inside and not depth and plain and tokens[at - 2].text not in _STORED:
        assert span is not None, "it is in a function"
        if ends == "=" and tokens[at + 3].text != "{":
            raise Unfit(f"{where}: a copy of it is made")
        found.spans.append((file, span))
        return
    raise Unfit(f"{where}: it is no variable on the stack, or a copy or cast is made")


def _depth(tokens: Sequence[Token], at: int, span: Span | None) -> tuple[int, bool]:
    """In how many parentheses AT is, and whether it is in the braces of SPAN."""
    depth, back = 0, at
    while back and tokens[back].text not in ("{", "}", ";"):
        depth += (tokens[back].text == "(") - (tokens[back].text == ")")
        back -= 1
    inside = span is not None and tokens[back].line >= span.line
    return depth, inside and tokens[back].text in ("{", "}", ";")


def _note_pointer(tokens: Sequence[Token], at: int, found: Users) -> None:
    """Note the function pointer, `(*name)(...)`, that has the structure at AT among its
    parameters; a prototype has none."""
    number, depth, back = 0, 0, at
    while back and (depth or tokens[back].text != "("):
        depth += (tokens[back].text == ")") - (tokens[back].text == "(")
        number += not depth and tokens[back].text == ","
        back -= 1
    words = [token.text for token in tokens[back - 4 : back]]
    if words[:2] == ["(", "*"] and words[3:] == [")"]:
        found.pointers.setdefault(words[2], set()).add(number)


class Bases(NamedTuple):
    """By what names a function has the structure: its parameters, and its variables."""

    params: list[str]
    variables: list[str]


def bases(function: Function, tag: str) -> Bases:
    """By what names FUNCTION has the structure TAG."""
    params = [v.name for v in function.params if _is_of(v.type, tag)]
    own = {v.name for v in function.params}
    variables = [
        v.name
        for v in function.variables.values()
        if v.name not in own and _is_of(v.type, tag)
    ]
    return Bases(params, variables)


def _is_of(type_: str, tag: str) -> bool:
    words = type_.split()
    return any(words[n : n + 2] == ["struct", tag] for n in range(len(words)))


def let_go(
    function: Function,
    names: Bases,
    members: Collection[str],
    fits: Callable[[Expr, int], bool],
) -> str:
    """What FUNCTION does with the structure that may let others reach it, or with the
    address of one of MEMBERS; "" for nothing.  FITS: whether a call takes it as this
    argument, by its type."""
    every = {*names.params, *names.variables}
    declared = [v.name for s in function.statements() for v in s.variables]
    declared += [v.name for v in function.params]
    if any(declared.count(name) != 1 for name in every):
        return "has several variables of one name"
    unread = [s.text for s in function.statements() if s.kind == "asm"]
    unread += [e.text for e in function.exprs if e.kind in _UNREAD]
    for text in unread:
        if every.intersection(text.split()):
            return f"does {text[:60]}"
    for expr in function.exprs:
        if expr.kind == "identifier" and expr.text in every:
            why = _used(expr, expr.text in names.params, members, fits)
            if why:
                return why
    return ""


def _used(
    expr: Expr,
    is_param: bool,
    members: Collection[str],
    fits: Callable[[Expr, int], bool],
) -> str:
    """What stands against one use of the structure, EXPR."""
    outer = expr.parent
    if outer is not None and outer.kind == "member":
        return _member(outer, "->" if is_param else ".", members)
    if is_param and (outer is None or outer.op in ("!", "&&", "||")):
        return ""
    if not is_param and (outer is None or outer.kind != "unary" or outer.op != "&"):
        return f"copies {expr.text}"
    lent = expr if is_param or outer is None else outer
    place = given(lent)
    if place is None or place[0].arguments.get(place[1]) is not lent:
        return f"gives {expr.text} on in a way not understood"
    if fits(*place):
        return ""
    callee = place[0].callee or plain(place[0].children[0].text)
    return f"gives {expr.text} to {callee}(), which may keep it"


def _member(node: Expr, arrow: str, members: Collection[str]) -> str:
    """What stands against the use of a member, NODE."""
    outer = node.parent
    while outer is not None and outer.kind == "paren":
        outer = outer.parent
    taken = outer is not None and outer.kind == "unary" and outer.op == "&"
    if node.op != arrow or (taken and node.label in members):
        return f"does {plain(outer.text if outer and taken else node.text)}"
    return ""


def pointer_type(call: Expr, function: Function) -> str:
    """The name by which the type of the pointer is told that CALL goes through: its
    own, or that of its type."""
    node = call.children[0].bare()
    variable = function.variables.get(node.text)
    if variable is not None and variable.type.isidentifier():
        return variable.type
    return node.label if node.kind == "member" else node.text
