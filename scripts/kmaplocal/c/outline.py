# SPDX-License-Identifier: GPL-2.0-only
"""The outline of a C file: its functions, macros and #if groups.

What is needed before spatch is asked: which functions hold a call of
interest, and an excerpt in which all other bodies are blank.  Every line keeps
its number, so what spatch says of the excerpt holds for the file.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain, takewhile
from operator import itemgetter
from pathlib import Path

from kmaplocal import faults
from kmaplocal.c import lexer, limits, nesting, tags
from kmaplocal.c.lexer import Token
from kmaplocal.c.lines import Lines

MOST_TOKENS = 200_000  # a hundred bytes each
_ENDS = (";", "}", "*/", ")", ":", "\\", ",")
VARIADIC = "__VA_ARGS__"
READ: set[Path] = set()  # all that read() gave the text of in this process
_ASKING = ("if", "ifdef", "ifndef", "elif", "elifdef", "elifndef", "else", "endif")
ELSE = ("else", "elif", "elifdef", "elifndef")  # what begins a further arm
JUMPS = {"return", "goto", "break", "continue"}
HEADS = ("for", "while", "if", "switch")
_LOOP = ("break", "continue")
_OWN_JUMPS = {"for": _LOOP, "while": _LOOP, "do": _LOOP, "switch": ("break",)}


@dataclass(frozen=True)
class Macro:
    """A `#define`: its name, its first line, and the words after the name."""

    name: str
    line: int
    words: tuple[str, ...]

    def as_function(self) -> str:
        """A function that does what the macro does with its arguments, so that
        it can be read like one; "" for a macro without parameters, or too deep."""
        if self.words[:1] != ("(",) or ")" not in self.words:
            return ""
        if len(self.words) > nesting.MOST and nesting.too_deep(self.words):
            return ""
        close = self.words.index(")")
        names = [w for w in self.words[1:close] if w.isidentifier()]
        rest = self.words[close + 1 :]
        if self.words[close - 1] == "...":
            named = self.words[close - 2]  # "args..." calls the further ones so
            if named.isidentifier():
                names.remove(named)
                rest = tuple(VARIADIC if word == named else word for word in rest)
            names.append(VARIADIC)
        body = " ".join(_spelt_out(rest))
        if body.startswith("( {") and body.endswith("} )"):
            body = body[2:-2]
        elif not body.startswith(("do ", "{", "if ", "for ", "while ")):
            body = f"return {body} ;" if body else ""
        params = " , ".join(f"void * {name}" for name in names)
        return f"\nstatic void * {self.name} ( {params} )\n{{\n{body} ;\n}}\n"

    def _goes_where_told(self) -> bool:
        """Whether all it does is to go to a label that it is given: in any case, where
        that is its first argument."""
        if JUMPS.intersection(self.words) != {"goto"} or ")" not in self.words:
            return False
        close = self.words.index(")")
        names = [word for word in self.words[1:close] if word.isidentifier()]
        pairs = zip(self.words[close:], self.words[close + 1 :])
        targets = {label for word, label in pairs if word == "goto"}
        asks = not {"if", "?", "&&", "||", "switch"}.isdisjoint(self.words)
        return all(t in names and (t != names[0] or not asks) for t in targets)

    def heads(self) -> bool:
        """Whether it is the head of a statement: `for (…)` with what is repeated behind
        its use, or `if (…) … else`."""
        last, opened = "", []
        for before, word in zip(("", *self.words), self.words):
            if word == "(":
                opened.append(before)
            elif word == ")" and opened:
                last = opened.pop()
        ends = self.words[-1:] == (")",) and last in HEADS and "do" not in self.words
        return ends or self.words[-1:] == ("else",)

    def leaves(self) -> bool:
        """Whether using it may leave the statement it is used in: `break` and
        `continue` stay in it in a loop, or switch, of its own with braces.  A label
        that it is given is seen where it is used (cfg.py)."""
        if self._goes_where_told():
            return False
        around: list[str] = []  # of each open brace, the keyword it is of
        keyword, depth = "", 0
        for word in self.words:
            keyword = word if word in _OWN_JUMPS else keyword
            depth += (word == "(") - (word == ")")
            if word == "{":
                around.append(keyword)
            around = around[:-1] if word == "}" else around
            ends = word in ("{", "}") or (word == ";" and not depth)
            keyword = "" if ends else keyword
            if word in JUMPS and not any(word in _OWN_JUMPS.get(a, ()) for a in around):
                return True
        return False


def _spelt_out(words: Sequence[str]) -> Iterator[str]:
    """WORDS of a macro's body as a function could have them: `#x` is a string and
    evaluates nothing; further arguments stand behind a comma, not behind a string,
    which they follow in a format's place."""
    before = ""
    for word, after in zip(words, [*words[1:], ""]):
        if before == "#":
            word = '""'
        elif word == VARIADIC and before.endswith('"'):
            yield ","
        elif word == "#" or (word == "##" and after == VARIADIC):
            before = word if word == "#" else before
            continue
        yield word
        before = word


@dataclass(frozen=True)
class Conditional:
    """An `#if` group: the line of each directive, `#if` to `#endif`."""

    lines: tuple[int, ...]

    def branch(self, line: int) -> int:
        """Which branch LINE is in, from 0; -1 outside the group."""
        if not self.lines[0] < line < self.lines[-1]:
            return -1
        return sum(line > start for start in self.lines[1:-1])


@dataclass(frozen=True)
class Span:
    """A function: its name, and from the line of the name to its last brace."""

    name: str
    line: int
    end: int


class _Recent:
    """The outlines whose tokens were asked for last, which keep them: all the tokens
    of a run on Linux are a gigabyte."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sizes: OrderedDict[Outline, int] = OrderedDict()
        self._total = 0

    def used(self, outline: Outline, size: int) -> None:
        """Note that OUTLINE, of so many tokens, was asked for them."""
        with self._lock:
            self._total += size - self._sizes.pop(outline, 0)
            self._sizes[outline] = size
            while self._total > MOST_TOKENS and len(self._sizes) > 1:
                other, gone = self._sizes.popitem(last=False)
                self._total -= gone
                other.forget()


_RECENT = _Recent()


class Outline:
    """The outline of one file's text, of which some lines may be blank that are not
    in the WHOLE of it."""

    def __init__(self, text: str, functions: Iterable[Span], whole: str | None = None):
        self.text = text
        self.whole = text if whole is None else whole
        self.functions = [f for f in functions if f.end]
        self._reaching: dict[frozenset[str], frozenset[str]] = {}
        self._naming: dict[frozenset[str], frozenset[int]] = {}

    @property
    def tokens(self) -> list[Token]:
        """All tokens of the text: kept while they are asked for, and made again when
        they are asked for after those of many others."""
        found = self.__dict__.get("_tokens")
        if found is None:
            found = self._tokens = lexer.tokens(self.text)
        _RECENT.used(self, len(found))
        return found

    def forget(self) -> None:
        """Keep nothing that the text has."""
        for name in ("_tokens", "code"):
            self.__dict__.pop(name, None)

    @cached_property
    def _lines(self) -> Lines:
        """The text, to be lexed in parts."""
        return Lines(self.text)

    @property
    def directives(self) -> dict[int, list[Token]]:
        """The tokens of each directive, by its line: all of those that an #if group is
        made of, three of another."""
        return self._directives[0]

    @cached_property
    def code(self) -> list[Token]:
        """The tokens of no directive."""
        return [token for token in self.tokens if not token.directive]

    @property
    def macros(self) -> list[Macro]:
        """What is defined in it, in the order of the text."""
        return self._directives[1]

    @cached_property
    def _directives(self) -> tuple[dict[int, list[Token]], list[Macro]]:
        # Of a macro its words are kept, which take a tenth of what its tokens take.
        found: dict[int, list[Token]] = {}
        macros = []
        for line in self._lines.directives():
            number, words = line[0].line, [token.text for token in line]
            if words[1:2] == ["define"] and len(words) > 2:
                macros.append(Macro(words[2], number, tuple(words[3:])))
            found[number] = line if words[1:2] and words[1] in _ASKING else line[:3]
        return found, macros

    @cached_property
    def conditionals(self) -> list[Conditional]:
        """The #if groups, in the order of their ends."""
        found: list[Conditional] = []
        open_groups: list[list[int]] = []
        for number, line in self.directives.items():
            name = line[1].text if len(line) > 1 else ""
            if name in ("if", "ifdef", "ifndef"):
                open_groups.append([number])
            elif name in ELSE and open_groups:
                open_groups[-1].append(number)
            elif name == "endif" and open_groups:
                found.append(Conditional((*open_groups.pop(), number)))
        return found

    def holding(self, names: Collection[str]) -> list[Span]:
        """The functions that name one of NAMES."""
        lines = sorted(self.lines(names))
        return [f for f in self.functions if any(f.line <= n <= f.end for n in lines)]

    def lines(self, names: Collection[str]) -> frozenset[int]:
        """The lines that name one of NAMES."""
        wanted = frozenset(names)
        if wanted not in self._naming:
            found = (token.line for token in self._lines.naming(wanted))
            self._naming[wanted] = frozenset(found)
        return self._naming[wanted]

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """All words."""
        return self._lines.vocabulary()

    @cached_property
    def spoken(self) -> frozenset[str]:
        """The words of no directive."""
        return self._lines.spoken()

    def reaching(self, names: frozenset[str]) -> frozenset[str]:
        """The functions and macros that name one of NAMES, or one of themselves."""
        if names not in self._reaching:
            spoken = [(s.name, self.words(s) - {s.name}) for s in self.functions]
            spoken += [(macro.name, set(macro.words)) for macro in self.macros]
            known, found = set(names), set[str]()
            while True:
                new = {name for name, words in spoken if words & known} - found
                if not new:
                    break
                found |= new
                known |= new
            self._reaching[names] = frozenset(found)
        return self._reaching[names]

    def valued(self, names: frozenset[str]) -> frozenset[str]:
        """Those of the functions NAMES whose value is taken: for an initialiser, an
        assignment, an argument."""
        if self.spoken.isdisjoint(names):
            return frozenset()
        words = [token.text for token in self.tokens]
        return frozenset(
            word
            for at, word in enumerate(words)
            if word in names and words[at + 1 : at + 2] != ["("]
            if not is_exported(words[max(at - 2, 0) : at])
        )

    def macros_holding(self, names: Collection[str]) -> list[Macro]:
        """The macros whose text names one of NAMES."""
        return [m for m in self.macros if not set(m.words).isdisjoint(names)]

    def words(self, span: Span) -> set[str]:
        """The words of a function."""
        return self._lines.words(span.line, span.end)

    def unreadable(self, span: Span) -> str:
        """Why a function is not to be read, which would take too long; "": it is."""
        groups = [g.lines for g in self.conditionals]
        own = (g for g in groups if span.line < g[0] <= span.end)
        arms = sum(len(g) - 1 for g in own)
        return limits.exceeded(self._lines, span.line, span.end, arms)

    def stretch(self, line: int) -> tuple[int, int]:
        """The first and last line of what LINE is in: a function, with those that
        overlap; or what is between two of these, the first's end included."""
        bounds = self._bounds
        place = bisect_right(bounds, line, key=itemgetter(0))
        first, last = bounds[place - 1]
        if line <= last:
            return first, last
        following = bounds[place : place + 1]
        return last, following[0][0] - 1 if following else self._lines.count

    @cached_property
    def _bounds(self) -> list[tuple[int, int]]:
        """The first and last lines of the functions, with those that overlap."""
        found = [(0, 0)]
        for span in sorted(self.functions, key=lambda span: span.line):
            first, last = span.line, span.end
            if first <= found[-1][1]:
                first, before = found.pop()
                last = max(last, before)
            found.append((first, last))
        return found

    def around(self, line: int) -> Span | None:
        """The function that LINE is in."""
        spans = self.functions
        return next((s for s in spans if s.line <= line <= s.end), None)

    def exports(self, name: str) -> bool:
        """Whether modules may call the function NAME of this file."""
        code = [token.text for token in self.tokens]
        places = (n for n, text in enumerate(code) if text == name and n > 1)
        return any(is_exported(code[n - 2 : n]) for n in places)

    def is_static(self, span: Span) -> bool:
        """Whether the function is declared static where it is defined."""
        here = self.between(span.line, span.line)
        name = _first(span.name, here)
        if name is None:
            return False
        before = chain(
            reversed(here[: here.index(name)]), self._lines.back(1, span.line - 1)
        )
        words = takewhile(
            lambda t: not t.directive and t.text not in (";", "}"), before
        )
        return any(token.text == "static" for token in words)

    def excerpt(self, wanted: Collection[Span]) -> str:
        """The text with the bodies of all functions but WANTED, and all
        initialisers of global data, blank; so are those not to be read.  The functions
        alone, where what stands between them is too deep, or in too long a line."""
        keep = {(s.line, s.end) for s in wanted if not self.unreadable(s)}
        holes = [
            h
            for s in self.functions
            if (s.line, s.end) not in keep
            for h in self._body(s)
        ]
        holes += self._initialisers()
        text = lexer.blank(self.text, holes)
        long = limits.longest_line(text) > limits.MOST_CHARACTERS
        return self.alone(wanted) if long or _too_deep(text) else text

    def without(self, hidden: Collection[int]) -> Outline:
        """The outline with the lines HIDDEN blank, and the same functions."""
        lines = self.text.split("\n")
        for number in hidden:
            lines[number - 1] = ""
        return Outline("\n".join(lines), self.functions, self.whole)

    def alone(self, wanted: Collection[Span]) -> str:
        """Nothing but the functions WANTED, each on its own lines."""
        lines = self.text.split("\n")
        kept = [""] * len(lines)
        for span in wanted:
            if self.unreadable(span):
                continue
            first = span.line - 1
            while first and _continues(lines[first - 1]):
                first -= 1
            kept[first : span.end] = lines[first : span.end]
        return "\n".join(kept)

    def _body(self, span: Span) -> list[tuple[Token, Token]]:
        """The braces of a function's body, unless an #if straddles them."""
        opening = _first("{", self._lines.forward(span.line, span.end))
        closing = _first("}", self._lines.back(span.line, span.end))
        if not opening or not closing or opening.line == closing.line:
            return []
        return [(opening, closing)] if self._balanced(opening, closing) else []

    def through(self, line: int) -> int:
        """The last line of what begins in LINE, such as a directive."""
        return self._lines.through(line)

    def between(self, first: int, last: int) -> list[Token]:
        """The tokens of the lines FIRST to LAST."""
        return self._lines.between(first, last)

    def _initialisers(self) -> list[tuple[Token, Token]]:
        """The braces of initialisers outside of functions, over 8 lines long."""
        found = self._lines.initialisers()
        long = (pair for pair in found if pair[1].line > pair[0].line + 8)
        return [pair for pair in long if self._balanced(*pair)]

    def _balanced(self, opening: Token, closing: Token) -> bool:
        """Whether every #if group is wholly inside or wholly outside."""
        for group in self.conditionals:
            starts = opening.line < group.lines[0] < closing.line
            ends = opening.line < group.lines[-1] < closing.line
            if starts != ends:
                return False
        return True


def is_exported(before: list[str]) -> bool:
    """Whether a name is given to EXPORT_SYMBOL(), by the two words BEFORE it."""
    return before[-1:] == ["("] and before[0].startswith("EXPORT_SYMBOL")


def _continues(line: str) -> bool:
    """Whether a line may hold the start of the definition on the next: what is
    neither blank, nor a directive, nor an end."""
    text = line.strip()
    return bool(text) and not text.startswith("#") and not text.endswith(_ENDS)


def _first(text: str, tokens: Iterable[Token]) -> Token | None:
    """The first of TOKENS that is TEXT, and in no directive."""
    return next((t for t in tokens if t.text == text and not t.directive), None)


def _too_deep(text: str) -> bool:
    """Whether what is in no function of an excerpt is too deep to be read."""
    parts = [lexer.words(lexer.tokens(p)) for p in nesting.long_parts(text)]
    # A part may have begun in a comment: all of it is asked as well.
    return any(map(nesting.too_deep, parts)) and bool(
        nesting.too_deep(lexer.words(lexer.tokens(text)))
    )


def outlines(
    tree: Path, files: Iterable[str], unread: dict[str, str] | None = None
) -> dict[str, Outline]:
    """The outlines of FILES below TREE, from one run of ctags.

    One that cannot be read is that of an empty file: UNREAD is told why.  Errors:
    TagsError."""
    texts: dict[str, str] = {}
    names, unread = list(files), {} if unread is None else unread
    for name in names:
        with faults.net(partial(unread.__setitem__, name)):
            texts[name] = read(tree / name)
    flat = ((name, nesting.shallow(text)) for name, text in texts.items())
    instead = {name: text for name, text in flat if text is not texts[name]}
    spans: dict[str, list[Span]] = {}
    for tag in tags.functions(tree, names, instead):
        spans.setdefault(tag.file, []).append(Span(tag.name, tag.line, tag.end))
    return {name: Outline(texts.get(name, ""), spans.get(name, ())) for name in names}


def read(path: Path) -> str:
    """A C file's text; bytes that are no UTF-8 survive a round trip."""
    READ.add(path)
    return path.read_bytes().decode(errors="surrogateescape")


def read_below(root: Path) -> set[str]:
    """The files below ROOT that read() gave the text of."""
    return {str(p.relative_to(root)) for p in READ if p.is_relative_to(root)}
