# SPDX-License-Identifier: GPL-2.0-only
"""What a finding is known by when lines have moved: its code, not its place."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from kmaplocal.findings.finding import Finding
from kmaplocal.findings.text import Texts
from kmaplocal.c import lexer


class Fingerprint(NamedTuple):
    """The NTH finding of a rule (from 1) on this CODE of a function of a file."""

    rule: str
    file: str
    function: str
    nth: int
    code: str

    def digest(self) -> str:
        """The same in 32 hexadecimal digits."""
        whole = "\0".join(map(str, self)).encode(errors="backslashreplace")
        return hashlib.sha256(whole).hexdigest()[:32]


def fingerprints(
    findings: Iterable[Finding], texts: Texts
) -> dict[Finding, Fingerprint]:
    """The fingerprint of each finding, no two alike.

    The code is the tokens of the line: neither white space nor comments change it,
    nor does what is above.  Of like lines in a function the first is number 1."""
    found, counts = {}, Counter[tuple[str, ...]]()
    for finding in sorted(findings):
        code = _code(texts.line(finding.file, finding.line))
        key = (finding.rule, finding.file, finding.function, code)
        counts[key] += 1
        rule, file, function, code = map(_one_line, key)
        found[finding] = Fingerprint(rule, file, function, counts[key], code)
    return found


def _code(line: str) -> str:
    return " ".join(lexer.words(lexer.tokens(line)))


def _one_line(word: str) -> str:
    """WORD as a column of a baseline: a literal may hold a tab, a name anything."""
    text = word.encode(errors="surrogateescape").decode(errors="backslashreplace")
    return " ".join(text.split())
