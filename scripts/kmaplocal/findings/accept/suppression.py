# SPDX-License-Identifier: GPL-2.0-only
"""Suppressions: comments by which the code itself accepts a finding.

    /* kmaplocal: allow kmap-returned: the caller unmaps, see foo_put() */

At the end of a line it is about that line, above a statement about that statement.
It needs a reason; one without, or one that accepts nothing, is itself a finding.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from kmaplocal.findings.finding import WARNING, Finding, Rule
from kmaplocal.findings.registry import RULES
from kmaplocal.findings.text import Texts
from kmaplocal.c.lexer import Comment, Token, comments

SUPPRESSION = Rule("kmap-suppression", WARNING, "an acceptance without use or reason")
WORD = "kmaplocal"

_FORM = "/* kmaplocal: allow RULE: reason */"
_ENDS = (";", "{", "}")


@dataclass(frozen=True)
class Suppression:
    """A comment that speaks to us, in FUNCTION or outside (""), and the lines from
    FIRST to LAST it is about.  One with a FAULT, which says what, names no RULES."""

    file: str
    line: int
    column: int
    function: str
    first: int
    last: int
    rules: tuple[str, ...]
    fault: str

    def accepts(self, finding: Finding) -> bool:
        """Whether FINDING is one of those it is for."""
        return (
            finding.file == self.file
            and finding.rule in self.rules
            and self.first <= finding.line <= self.last
        )


def suppressions(file: str, texts: Texts) -> list[Suppression]:
    """The suppressions of FILE.  Errors: TagsError, OSError."""
    outline = texts.outline(file)
    found = []
    for comment in comments(outline.text):
        said = _said(comment)
        if not said.startswith(f"{WORD}:"):
            continue
        rules, fault = _parse(said.removeprefix(f"{WORD}:").strip())
        first, last = _lines(comment, outline.tokens)
        function = texts.function(file, comment.line)
        place = (comment.line, comment.column + 1, function)
        found.append(Suppression(file, *place, first, last, rules, fault))
    return found


def _said(comment: Comment) -> str:
    """The text of a comment as one line, without the stars that adorn it."""
    lines = (line.strip().lstrip("*").strip() for line in comment.text.split("\n"))
    return " ".join(lines).strip()


def _parse(said: str) -> tuple[tuple[str, ...], str]:
    """The rules that are named, and what is wrong with the words."""
    verb, _blank, rest = said.partition(" ")
    names, _colon, reason = rest.partition(":")
    rules = tuple(names.replace(",", " ").split())
    unknown = [name for name in rules if name not in RULES]
    if verb != "allow" or not rules:
        return (), f"not understood; write {_FORM}"
    if unknown:
        return (), f"there is no rule {unknown[0]}"
    if not reason.strip():
        return (), f"it gives no reason, and accepts nothing; write {_FORM}"
    return rules, ""


def _lines(comment: Comment, tokens: Iterable[Token]) -> tuple[int, int]:
    """The first and last line a comment is about."""
    place = (comment.line, comment.column)
    after = []
    for token in tokens:
        if token.line == comment.line and token.column < comment.column:
            return comment.line, comment.end
        if (token.line, token.column) > place:
            after.append(token)
            if token.text in _ENDS:
                return after[0].line, token.line
    return comment.end + 1, comment.end + 1


def accepted(
    findings: Iterable[Finding], found: Collection[Suppression]
) -> tuple[set[Finding], list[Finding]]:
    """Which of FINDINGS one of FOUND accepts; and a finding for each that is faulty,
    and for each rule that one names and has no finding of."""
    findings = list(findings)
    taken: set[Finding] = set()
    complaints = []
    for one in found:
        mine = {finding for finding in findings if one.accepts(finding)}
        taken |= mine
        idle = set(one.rules) - {finding.rule for finding in mine}
        if one.fault:
            complaints.append(_complaint(one, f"this comment: {one.fault}"))
        for rule in sorted(idle):
            complaints.append(_complaint(one, f"there is no {rule} here to accept"))
    return taken, complaints


def _complaint(one: Suppression, message: str) -> Finding:
    place = (one.file, one.line, one.column)
    remedy = "mend the comment" if one.fault else "remove the comment"
    return Finding(*place, SUPPRESSION.id, WARNING, one.function, message, remedy)
