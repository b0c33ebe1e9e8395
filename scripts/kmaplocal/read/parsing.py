# SPDX-License-Identifier: GPL-2.0-only
"""What spatch could not read of a file, from what it says on stderr."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

UNPARSED = "unparsed"
PASSED = "passed"

_WHERE = re.compile(r'^\s*=?\s*File "(?P<file>.*)", line (?P<line>\d+), column')
_BAD = re.compile(r"^(?P<culprit>bad: |BAD:!!!!! )(?P<text>.*)$", re.DOTALL)
# Coccinelle 1.3 puts the place before it.
_SKIPPED = re.compile(r"(?:.*:\d+: )?passed:(?P<text>.*)")
_QUOTED = re.compile(rf"bad:|BAD:|  whole content = |  around = |{_SKIPPED.pattern}")
_DIRECTIVE = re.compile(r"^\s*#\s*(if|ifdef|ifndef|elif|else|endif)\b")


@dataclass(frozen=True)
class Gap:
    """Lines FIRST to LAST (`line`, `last`) of a file that no rule was tried on.

    KIND is UNPARSED: spatch dropped them as bad, most often a whole function; or
    PASSED: it read the code around them, as for one half of an #if. TEXT is the
    line spatch stumbled on, or the #if line.
    """

    line: int
    last: int
    text: str
    kind: str


def gaps(stderr: str, name: str, source: str) -> tuple[Gap, ...]:
    """The gaps that spatch's STDERR tells of in file NAME, whose text is SOURCE.

    Messages about other files (spatch's own copies after an edit) are left out.
    Raises ValueError for unparsed text that is nowhere in SOURCE.
    """
    lines = source.split("\n")
    found = {*_unparsed(stderr, name, lines), *_passed(stderr, lines)}
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
    texts = [text for _, text in block]
    culprits = [index for index, (culprit, _) in enumerate(block) if culprit]
    offset = culprits[0] if culprits else 0
    start = _find(texts, line - 1 - offset, lines)
    return Gap(start + 1, start + len(texts), texts[offset].strip(), UNPARSED)


def _find(texts: list[str], guess: int, lines: list[str]) -> int:
    for start in (guess, *range(len(lines))):
        if start >= 0 and lines[start : start + len(texts)] == texts:
            return start
    raise ValueError(f"unparsed text that is not in the file: {texts[0].strip()!r}")


def _passed(stderr: str, lines: list[str]) -> Iterator[Gap]:
    """One gap for each conditional directive that was passed over.

    spatch prints these in the order of the file, without line numbers, their
    tokens apart by blanks.
    """
    position = 0
    for text in stderr.split("\n"):
        skipped = _SKIPPED.match(text)
        if not skipped or not _DIRECTIVE.match(skipped["text"]):
            continue
        position = _next_directive(skipped["text"], position, lines)
        if not _DIRECTIVE.match(lines[position]):
            directive = skipped["text"]
            raise ValueError(f"passed text that is not in the file: {directive!r}")
        last = _end_of_half(position, lines)
        yield Gap(position + 1, last + 1, lines[position].strip(), PASSED)
        position += 1


def _next_directive(directive: str, position: int, lines: list[str]) -> int:
    wanted = _squeezed(directive)
    for index in range(position, len(lines)):
        if _DIRECTIVE.match(lines[index]) and _squeezed(lines[index]) == wanted:
            return index
    return 0


def _squeezed(directive: str) -> str:
    directive = re.sub(r"/\*.*?(\*/|$)|//.*", "", directive)
    return re.sub(r"[\s\\]+", "", directive)


def _end_of_half(position: int, lines: list[str]) -> int:
    """The last line before the directive that ends the half begun at POSITION."""
    if re.match(r"^\s*#\s*endif\b", lines[position]):
        return position
    depth = 0
    for index in range(position + 1, len(lines)):
        match = _DIRECTIVE.match(lines[index])
        if not match:
            continue
        if match[1].startswith("if"):
            depth += 1
        elif depth == 0:
            return index - 1
        elif match[1] == "endif":
            depth -= 1
    return len(lines) - 1
