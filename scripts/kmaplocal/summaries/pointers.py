# SPDX-License-Identifier: GPL-2.0-only
"""Which functions a function pointer can be.

A structure's member or a function's parameter is what the tree puts into it by
name: all that mentions the member, or the function, is read.  One mention that
is not understood, and it may be any function.  What goes round the name is not
seen: a cast to another structure, bytes that are copied, a name that a macro
pastes together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from kmaplocal.knowledge import functions
from kmaplocal.tree.initialisers import AGGREGATES, Initialisers, nested
from kmaplocal.c.lexer import Token
from kmaplocal.c.outline import Macro, Outline, Span, is_exported
from kmaplocal.c.sizes import SIZES
from kmaplocal.c.syntax import Expr, Function
from kmaplocal.flow.pointers import Pointer, parameter

# More is an interface that all sorts of drivers have: to read them is a lot of
# work, and one that keeps the address is always among them.
MOST_FILES = 40  # that mention it
MOST_FUNCTIONS = 32
MOST_STEPS = 6  # from a pointer to the functions it is given
NOBODY = ("NULL", "0")
_TESTS = functions.named(lambda row: row.tests)
_COMPARISONS = ("==", "!=", "&&", "||")


class Targets(NamedTuple):
    """The functions a pointer can be, each with the file that names it; or why
    it can be any."""

    functions: tuple[tuple[str, str], ...] = ()
    why: str = ""


@dataclass
class _Origins:
    """What is put into one pointer, and the first mention not understood."""

    functions: dict[tuple[str, str], None] = field(default_factory=dict)
    pointers: dict[Pointer, None] = field(default_factory=dict)
    tags: dict[tuple[str, str], None] = field(default_factory=dict)
    inside: list[tuple[str, Span, Token]] = field(default_factory=list)
    why: str = ""

    def unclear(self, file: str, line: int, what: str) -> None:
        self.why = self.why or f"{file}:{line}: {what}"


class Pointers:
    """The function pointers of one tree; remembers what it has found."""

    def __init__(self, analysis):
        """In: the Analysis whose outlines and functions are to be used."""
        self.analysis = analysis
        self.known: dict[Pointer, _Origins] = {}
        tree = analysis.definitions
        self.initialisers = Initialisers(tree) if tree else None

    def find(self, wanted: Iterable[Pointer]) -> dict[Pointer, Targets]:
        """What each of these pointers can be.  Errors: TagsError, OSError."""
        wanted = list(wanted)
        if not self.initialisers:
            return dict.fromkeys(wanted, Targets())
        new = dict.fromkeys(wanted)
        for _ in range(MOST_STEPS):
            new = {p: None for p in new if p not in self.known}
            self._look(new)
            new = {q: None for p in new for q in self.known[p].pointers}
        return {pointer: self._targets(pointer) for pointer in wanted}

    def _targets(self, pointer: Pointer) -> Targets:
        """All that POINTER is given, directly or by others."""
        functions: dict[tuple[str, str], None] = {}
        looked = {pointer: None}
        for each in (work := [pointer]):
            origins = self.known.get(each)
            if origins is None or origins.why:
                why = origins.why if origins else f"{each.name} comes from too far away"
                return Targets((), why)
            functions |= origins.functions
            work += [p for p in origins.pointers if p not in looked]
            looked |= origins.pointers
        if not functions:
            return Targets((), "nothing is put into it by name")
        return Targets(tuple(functions))

    def _look(self, pointers: Iterable[Pointer]) -> None:
        """Find the origins of POINTERS, as far as one step shows them."""
        for pointer in pointers:
            self.known[pointer] = _Origins()
        files = self._files(pointers)
        for pointer in [p for p, found in files.items() if len(found) > MOST_FILES]:
            self.known[pointer].why = f"{len(files.pop(pointer))} files mention it"
        self.analysis.outline({f: None for found in files.values() for f in found})
        for pointer, found in files.items():
            for file in found:
                self._mentions(pointer, file, self.known[pointer])
            self._see_who_else(pointer, self.known[pointer])
        self._read(p for p in pointers if not self.known[p].why)
        for pointer in pointers:
            origins = self.known[pointer]
            for file, span, token in [] if origins.why else origins.inside:
                self._inside(pointer, origins, file, span, token)
            if len(origins.functions) > MOST_FUNCTIONS:
                origins.why = f"it can be {len(origins.functions)} functions"
        origins_of = [self.known[pointer] for pointer in pointers]
        self._by_position([origins for origins in origins_of if not origins.why])

    def _see_who_else(self, pointer: Pointer, origins: _Origins) -> None:
        """Say where others, who are not known here, may put something in."""
        homes = [pointer.file] if pointer.function else [f for _, f in origins.tags]
        if not homes:
            origins.why = origins.why or "no structure that is known here has it"
        for home in homes:
            if not self.analysis.definitions.knows(home):
                origins.why = origins.why or f"{home}: a kernel is not known by that"

    def _by_position(self, found: list[_Origins]) -> None:
        """Look for initialisers that fill a member without its name."""
        if self.initialisers is None:
            return
        self.initialisers.look_for(tag for origins in found for tag in origins.tags)
        for origins in found:
            origins.why = self.initialisers.by_position(origins.tags)

    def _files(self, pointers: Iterable[Pointer]) -> dict[Pointer, list[str]]:
        """The files that mention each pointer, or its function."""
        found: dict[Pointer, list[str]] = {}
        wide: dict[Pointer, str] = {p: p.name for p in pointers if not p.function}
        for pointer in pointers:
            if not pointer.function:
                continue
            outline = self.analysis.outlines[pointer.file]
            spans = [s for s in outline.functions if s.name == pointer.function]
            if not spans:
                self.known[pointer].why = f"{pointer.function}() is a macro"
            elif pointer.file.endswith(".c") and all(map(outline.is_static, spans)):
                found[pointer] = [pointer.file]
            else:
                wide[pointer] = pointer.function
        mentions = self.analysis.definitions.mentions(set(wide.values()), far=True)
        return found | {pointer: mentions[name] for pointer, name in wide.items()}

    def _read(self, pointers: Iterable[Pointer]) -> None:
        """Read the functions with mentions of POINTERS."""
        wanted: dict[str, set[str]] = {}
        for pointer in pointers:
            for file, span, _token in self.known[pointer].inside:
                wanted.setdefault(file, set()).add(span.name)
        self.analysis.learner.read_functions(wanted)

    # -- mentions ----------------------------------------------------------

    def _mentions(self, pointer: Pointer, file: str, origins: _Origins) -> None:
        """Sort the mentions in FILE: those in functions are for later."""
        outline = self.analysis.outlines[file]
        word = pointer.function or pointer.name
        if pointer.function and _is_another(outline, word, file, pointer.file):
            return
        spoken = sum(t.directive and t.text == word for t in outline.tokens)
        for macro in outline.macros if spoken else ():
            names = () if pointer.function else _given_by_macro(macro, word)
            for name in names:
                self._function(origins, file, macro.line, name, None)
            spoken -= len(names)
        if spoken:
            line = next(
                t.line for t in outline.tokens if t.directive and t.text == word
            )
            origins.unclear(file, line, "a macro names it")
        code = outline.code
        for index, around in _places(code, word):
            if pointer.function:
                self._named(origins, file, outline, code, index, around)
            else:
                self._member(origins, file, outline, code, index, around)

    def _named(self, origins, file, outline, code, index, around) -> None:
        """A mention of a function, one of whose parameters is asked for."""
        token = code[index]
        before, after = _beside(code, index)
        span = outline.around(token.line)
        declared = not around and after[:1] == ["("]
        if before[-1:] in (["."], ["->"]) or declared or is_exported(before):
            return
        if after[:1] != ["("]:
            origins.unclear(file, token.line, f"{token.text}() is used as a value")
        elif span:
            origins.inside.append((file, span, token))
        else:
            origins.unclear(file, token.line, f"{token.text}() in no function")

    def _member(self, origins, file, outline, code, index, around) -> None:
        """A mention of a member."""
        token = code[index]
        before, after = _beside(code, index)
        span = outline.around(token.line)
        chosen = before[-1:] in (["."], ["->"])
        if chosen and span:
            origins.inside.append((file, span, token))
        elif chosen:
            self._initialised(origins, file, code, index, None)
        elif span is None and _declares(around):
            tags = [bracket.tag for bracket in around if bracket.tag]
            origins.tags.update(((tag, file), None) for tag in tags)
            if not tags:
                origins.unclear(file, token.line, "a structure without a name has it")
        elif _names_function(outline, code, index, around, span):
            return
        elif span and _names_variable(code, index, span):
            return
        else:
            origins.unclear(file, token.line, "a mention that is not understood")

    # -- in functions ------------------------------------------------------

    def _inside(self, pointer, origins, file, span, token) -> None:
        """A mention in a function, by what spatch read of it."""
        function = self.analysis.callees.sources.get(file, {}).get(span.name)
        if not function or not any(
            span.line <= stmt.start[0] <= span.end for stmt in function.body
        ):
            origins.unclear(file, span.line, f"{span.name}() was not understood")
        elif pointer.function:
            self._argument(pointer, origins, file, function, token)
        else:
            self._used(origins, file, function, token)

    def _argument(self, pointer, origins, file, function, token) -> None:
        """What a call of the pointer's function gives it."""
        place = (token.line, token.column)
        for call in function.exprs:
            if call.callee == token.text and call.start == place:
                given = call.arguments.get(pointer.number)
                if given is not None:
                    self._given(origins, file, given, function)
                    return
        origins.unclear(file, token.line, f"a call of {token.text}() is not understood")

    def _used(self, origins, file, function, token) -> None:
        """What a function does with a member of the pointer's name."""
        end = (token.line, token.column + len(token.text))
        for expr in function.exprs:
            if expr.kind == "member" and expr.label == token.text and expr.end == end:
                given = _assigned(expr)
                if given is not None:
                    self._given(origins, file, given, function)
                elif not _reads(expr):
                    origins.unclear(file, token.line, "not only called or tested")
                return
        code = self.analysis.outlines[file].code
        self._initialised(origins, file, code, code.index(token), function)

    def _initialised(self, origins, file, code, index, function) -> None:
        """What `.member = name` in braces gives to the member at INDEX."""
        token = code[index]
        before, _ = _beside(code, index)
        values = _values(code, index)
        if before not in (["{", "."], [",", "."], ["]", "."]) or not values:
            origins.unclear(file, token.line, "a use that is not understood")
        for value in values:
            self._function(origins, file, token.line, value, function)

    def _given(self, origins, file: str, value: Expr, function: Function) -> None:
        """Note what VALUE, in FUNCTION, can be."""
        node = value.bare()
        if node.kind == "ternary" and len(node.children) == 3:
            for arm in node.children[1:]:
                self._given(origins, file, arm, function)
            return
        if node.kind == "unary" and node.op == "&":
            node = node.children[0].bare()
        if node.kind == "identifier" or node.text in NOBODY:
            self._function(origins, file, node.start[0], node.text, function)
        else:
            what = f"{value.text[:60]} may be any function"
            origins.unclear(file, node.start[0], what)

    def _function(self, origins, file, line, name, function: Function | None) -> None:
        """Note what NAME, in FUNCTION or outside of all, can be."""
        if name in NOBODY:
            return
        if function and name in function.variables:
            pointer = parameter(name, function, file)
            if pointer:
                origins.pointers.setdefault(pointer)
            else:
                origins.unclear(file, line, f"the variable {name} may be any function")
        elif _is_variable(self.analysis.outlines[file], name):
            origins.unclear(file, line, f"the variable {name} may be any function")
        else:
            origins.functions.setdefault((file, name))


def _is_another(outline: Outline, name: str, file: str, home: str) -> bool:
    """Whether NAME in FILE is a function of its own, and not that of HOME."""
    own = [span for span in outline.functions if span.name == name]
    return file != home and bool(own) and all(map(outline.is_static, own))


def _beside(code: list[Token], index: int) -> tuple[list[str], list[str]]:
    """The two words before and the two behind."""
    before = [token.text for token in code[max(0, index - 2) : index]]
    return before, [token.text for token in code[index + 1 : index + 3]]


def _names_function(outline, code, index, around, span: Span | None) -> bool:
    """Whether the word at INDEX, which is no member, is a function of this file: its
    head, a call of it, or what an initialiser gives a member."""
    before, after = _beside(code, index)
    name = code[index].text
    if name not in (known.name for known in outline.functions):
        return False
    if after[:1] == ["("]:
        return not around or span is not None
    return before[-1:] == ["="] and after[:1] in ([","], ["}"], [";"])


def _names_variable(code: list[Token], index: int, span: Span) -> bool:
    """Whether the word at INDEX in the function SPAN is a variable that is declared
    there, and not an argument alone: to a macro that may be the name of a member."""
    name, (before, after) = code[index].text, _beside(code, index)
    if before[-1:] == ["("] and before[0] not in ("if", "while", "switch"):
        return False
    if before[-1:] in ([","], ["{"], ["["]) or after[:1] == [":"]:
        return False
    inside = (n for n, t in enumerate(code) if span.line <= t.line <= span.end)
    return any(code[n].text == name and _is_declared(code, n) for n in inside)


def _is_declared(code: list[Token], index: int) -> bool:
    """Whether a variable or parameter of a scalar type is declared at INDEX."""
    before, after = _beside(code, index)
    ended = after[:1] in (["="], [";"], [","], [")"])
    return ended and bool(SIZES.keys() & before[-1:])


def _declares(around) -> bool:
    """Whether a word inside these brackets can be a structure's member."""
    braces = [bracket for bracket in around if bracket.text == "{"]
    return (
        bool(braces)
        and braces[-1].keyword == AGGREGATES[0]
        and not any(bracket.keyword == AGGREGATES[1] for bracket in braces)
    )


def _values(code: list[Token], index: int) -> list[str]:
    """The names one of which an initialiser gives to the member at INDEX: of
    `= f`, and of `= c ? f : g`; [] for another."""
    words, depth = [], 0
    for token in code[index + 1 :]:
        depth += token.text in ("(", "[", "{")
        depth -= token.text in (")", "]", "}")
        if depth < 0 or (not depth and token.text == ","):
            break
        words.append(token.text)
    if words[:1] != ["="]:
        return []
    if words.count("?") == 1 == words.count(":"):
        middle = words.index(":")
        arms = [words[words.index("?") + 1 : middle], words[middle + 1 :]]
    else:
        arms = [words[1:]]
    names = [arm[-1] for arm in arms if len(arm) == 1 or arm[:-1] == ["&"]]
    valid = all(name.isidentifier() or name in NOBODY for name in names)
    return names if valid and len(names) == len(arms) else []


def _given_by_macro(macro: Macro, member: str) -> list[str]:
    """The functions that MACRO, the initialiser of a structure, gives MEMBER by its
    name: of `.member = f`, where F is none of its parameters."""
    words = macro.words
    ends = words.index(")") if words[:1] == ("(",) and ")" in words else 0
    return [
        words[at + 2]
        for at, word in enumerate(words[:-3])
        if word == member
        and at > ends + 1
        and words[at - 2 : at] in (("{", "."), (",", "."))
        and words[at + 1] == "="
        and words[at + 3] in (",", "}")
        and words[at + 2].isidentifier()
        and words[at + 2] not in words[:ends]
    ]


def _is_variable(outline: Outline, name: str) -> bool:
    """Whether the file seems to declare NAME as a variable."""
    for index, around in _places(outline.code, name):
        before, after = _beside(outline.code, index)
        if before[-1:] == ["*"] and after[:1] == [")"] and not _declares(around):
            return True
        if not around and after[:1] in (["="], [";"], ["["]):
            return True
    return False


def _places(code: list[Token], name: str) -> Iterator[tuple[int, tuple]]:
    if any(token.text == name for token in code):
        for index, around in enumerate(nested(code)):
            if code[index].text == name:
                yield index, around


def _climbed(expr: Expr) -> Expr:
    """The expression with the parentheses around it."""
    while expr.parent is not None and expr.parent.kind == "paren":
        expr = expr.parent
    return expr


def _assigned(member: Expr) -> Expr | None:
    """What is assigned to a member, where it is."""
    node = _climbed(member)
    parent = node.parent
    if parent is None or parent.kind != "assign" or parent.children[0] is not node:
        return None
    return parent.children[1] if parent.op == "=" else None


def _reads(member: Expr) -> bool:
    """Whether a member is called, tested or read, and nothing can be put into it."""
    node = _climbed(member)
    parent = node.parent
    if parent is None:
        return True
    if parent.kind == "call":
        return parent.children[0] is node or parent.callee in _TESTS
    if parent.kind == "unary":
        return parent.op in ("!", "*")
    if parent.kind == "assign":
        return parent.children[1] is node
    if parent.kind == "ternary":
        return parent.children[0] is node
    return parent.kind == "binary" and parent.op in _COMPARISONS
