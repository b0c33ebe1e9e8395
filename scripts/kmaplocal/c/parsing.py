# SPDX-License-Identifier: GPL-2.0-only
"""What spatch could not read of a file, from what it says on stderr."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kmaplocal.c.lexer import Token
from kmaplocal.c.lines import Lines
from kmaplocal.c.outline import Outline

UNPARSED = "unparsed"
PASSED = "passed"

_WHERE = re.compile(r'^\s*=?\s*File "(?P<file>.*)", line (?P<line>\d+), column')
_BAD = re.compile(r"^(?P<culprit>bad: |BAD:!!!!! )(?P<text>.*)$", re.DOTALL)
# Coccinelle 1.3 puts the place before it.
_SKIPPED = re.compile(r"(?:.*:\d+: )?passed:(?P<text>.*)")
_QUOTED = re.compile(rf"bad:|BAD:|  whole content = |  around = |{_SKIPPED.pattern}")
_ONE_NAME = ("ifdef", "ifndef")
_CONDITIONAL = (*_ONE_NAME, "if", "elif", "else", "endif")
_DIRECTIVE = re.compile(rf"^\s*#\s*({'|'.join(_CONDITIONAL)})")
_MARK = "__at_line_"
_MARKED = re.compile(rf"/\*{_MARK}\d+\*/|{_MARK}\d+")
# What an #ifdef of it hides is never code to spatch.
_KNOWN_TO_SPATCH = {"__cplusplus"}
_UNMARKED = tuple(f"#{word}{name}" for word in _ONE_NAME for name in _KNOWN_TO_SPATCH)


@dataclass(frozen=True)
class Gap:
    """Lines FIRST to LAST (`line`, `last`) of a file that no rule was tried on.

    KIND is UNPARSED: spatch dropped them as bad, most often a whole function; or
    PASSED: it read the code around them, as for one half of an #if. TEXT is the
    line spatch stumbled on, or the #if line, and AT is the number of that line.
    """

    line: int
    last: int
    text: str
    kind: str
    at: int


def gaps(stderr: str, name: str, source: str) -> tuple[Gap, ...]:
    """The gaps that spatch's STDERR tells of in file NAME, whose text is SOURCE;
    spatch may have been given what marked() makes of that.

    Messages about other files (spatch's own copies after an edit) are left out.
    Raises ValueError for unparsed or passed text that is nowhere in SOURCE.
    """
    lines = source.split("\n")
    found = {*_unparsed(stderr, name, lines), *_passed(stderr, source)}
    return tuple(sorted(found, key=lambda gap: (gap.line, gap.last, gap.kind)))


def without_source(stderr: str) -> Iterator[str]:
    """The lines of STDERR that are spatch's words and not quoted source text."""
    return (line for line in stderr.split("\n") if not _QUOTED.match(line))


def _unparsed(stderr: str, name: str, lines: list[str]) -> Iterator[Gap]:
    for file, line, block in _blocks(stderr):
        if file == name:
            yield _place(line, block, lines)


def _blocks(stderr: str) -> Iterator[tuple[str, int, list[tuple[bool, str]]]]:
    """Each run of bad lines, with the file and line of the message before it."""
    file, line, block = "", 0, []
    for text in [*stderr.split("\n"), ""]:
        bad = _BAD.match(text)
        if bad:
            block.append((bad["culprit"].startswith("BAD"), bad["text"]))
            continue
        if block:
            yield file, line, block
            block = []
        where = _WHERE.match(text)
        if where:
            file, line = where["file"], int(where["line"])


def _place(line: int, block: list[tuple[bool, str]], lines: list[str]) -> Gap:
    texts = [_unmarked(text) for _, text in block]
    culprits = [index for index, (culprit, _) in enumerate(block) if culprit]
    offset = culprits[0] if culprits else 0
    start = _find(texts, line - 1 - offset, lines)
    last, at = start + len(texts), start + offset + 1
    return Gap(start + 1, last, texts[offset].strip(), UNPARSED, at)


def _unmarked(text: str) -> str:
    """A line of what marked() gave, as it was before."""
    return _MARKED.sub("", text)


def _find(texts: list[str], guess: int, lines: list[str]) -> int:
    for start in (guess, *range(len(lines))):
        if start >= 0 and lines[start : start + len(texts)] == texts:
            return start
    raise ValueError(f"unparsed text that is not in the file: {texts[0].strip()!r}")


def marked(source: str) -> str:
    """SOURCE with a mark at each `#if` and `#elif`, that says its line: spatch prints
    those it passed over without their numbers, and a file may have many alike.

    Lines keep their numbers, and the C in SOURCE its meaning: a mark is a comment,
    or the end of the one name of an #ifdef, where spatch would drop a comment."""
    lines = source.split("\n")
    for words in reversed(Lines(source).directives()):
        name = words[1].text if len(words) > 1 else ""
        if name in ("if", "elif"):
            _insert(lines, words[-1], f"/*{_MARK}{words[0].line}*/")
        elif name in _ONE_NAME and len(words) > 2:
            if words[2].text not in _KNOWN_TO_SPATCH:
                _insert(lines, words[2], f"{_MARK}{words[0].line}")
    return "\n".join(lines)


def _insert(lines: list[str], behind: Token, mark: str) -> None:
    line, column = behind.line - 1, behind.column + len(behind.text)
    lines[line] = lines[line][:column] + mark + lines[line][column:]


def _passed(stderr: str, source: str) -> Iterator[Gap]:
    """One gap for each half of each #if group that was passed over: the groups the
    marks name.  All of the file's, where those do not explain all that was passed.
    """
    told = (_SKIPPED.match(text) for text in stderr.split("\n"))
    passed = [_squeezed(text["text"]) for text in told if text]
    passed = [text for text in passed if _DIRECTIVE.match(text)]
    groups, lines = _groups(source), source.split("\n")
    if passed and not groups:
        raise ValueError(f"passed text that is not in the file: {passed[0]!r}")
    found = [group for group in groups if _is_named(group, passed, lines)]
    if not _explained(passed, found, lines):
        found = groups
    yield from _halves(found, lines)


def passed_at(numbers: Iterable[int], source: str) -> tuple[Gap, ...]:
    """One gap for each half of each #if group of SOURCE that has one of the lines
    NUMBERS."""
    wanted = set(numbers)
    found = [group for group in _groups(source) if wanted.intersection(group)]
    return tuple(_halves(found, source.split("\n")))


def _halves(groups: Iterable[tuple[int, ...]], lines: list[str]) -> Iterator[Gap]:
    for group in groups:
        for line, following in zip(group, (*group[1:], group[-1] + 1)):
            yield Gap(line, following - 1, lines[line - 1].strip(), PASSED, line)


def _groups(source: str) -> list[tuple[int, ...]]:
    """The #if groups of SOURCE, by the lines of their directives; what is not closed
    lasts to the end."""
    outline = Outline(source, ())
    groups = [group.lines for group in outline.conditionals]
    closed = {line for group in groups for line in group}
    ends = source.count("\n") + 1
    for words in outline.directives.values():
        name = words[1].text if len(words) > 1 else ""
        if name in _CONDITIONAL and words[0].line not in closed:
            groups.append((words[0].line, ends))
    return sorted(groups)


def _is_named(group: tuple[int, ...], passed: list[str], lines: list[str]) -> bool:
    """Whether one of the directives that were PASSED is known to be of GROUP."""
    if any(_holds(text, line) for text in passed for line in group):
        return True
    opening = _squeezed(lines[group[0] - 1])
    return any(opening.startswith(t) for t in passed if t.startswith(_UNMARKED))


def _holds(text: str, line: int) -> bool:
    _, found, after = text.partition(f"{_MARK}{line}")
    return bool(found) and not after[:1].isdigit()


def _explained(
    passed: list[str], found: list[tuple[int, ...]], lines: list[str]
) -> bool:
    """Whether the groups that were FOUND hold as many directives of each kind as
    were PASSED."""
    there = [_squeezed(lines[line - 1]) for group in found for line in group]
    kinds = [[_DIRECTIVE.match(t) for t in texts] for texts in (passed, there)]
    told, known = (Counter(k[1] for k in kind if k) for kind in kinds)
    return told <= known


def _squeezed(directive: str) -> str:
    return re.sub(r"[\s\\]+", "", directive)
