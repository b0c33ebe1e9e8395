# SPDX-License-Identifier: GPL-2.0-only
"""The message of a fix: what happens on which path, what that means with HIGHMEM, and
what was done.

Source of the effects: kunmap_local_indexed() and kunmap_high() in mm/highmem.c.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from kmaplocal.findings.finding import ADDED, JUMPS, Finding
from kmaplocal.series.prefix import Style
from kmaplocal.series.words import functions, paragraph

ORDER, LEAK, CHECK = "kmap-nesting-order", "kmap-leak", "kmap-null-check"
ARGUMENT, PAIR = "kmap-wrong-argument", "kmap-mixed-pair"

_DONE = {
    ORDER: "unmap in reverse order",
    LEAK: "unmap the page on every path",
    ARGUMENT: "give the unmap what it takes",
    PAIR: "unmap by the call that belongs to the map call",
    CHECK: "remove a check of what is never NULL",
}
_ORDER = (
    "The mappings of a thread are a stack: with HIGHMEM an unmap clears the entry that"
    " was mapped last, whatever address it is given, but flushes that address from the"
    " TLB. So the page that still counts as mapped loses its entry, and its stale"
    " translation stays"
)
_LEFT = {
    "kunmap": (
        "With HIGHMEM its address is never given back to the pool; when the pool is"
        " used up, every caller of kmap() waits forever"
    ),
    "kunmap_atomic": (
        "Page faults and preemption stay disabled then, and with HIGHMEM the entry"
        " stays on the stack of the thread's mappings"
    ),
    "kunmap_local": (
        "With HIGHMEM its entry stays on the stack of the thread's mappings, where the"
        " next unmap of an earlier one clears it instead of its own"
    ),
}
_GIVEN = {
    "kunmap": (
        "With HIGHMEM what is at that address is read as a struct page, and the page"
        " itself stays mapped"
    ),
    "kunmap_atomic": (
        "With HIGHMEM an address that is no mapping's is ignored: page faults and"
        " preemption are enabled, but the page stays mapped"
    ),
    "kunmap_local": (
        "With HIGHMEM an address that is no mapping's is ignored: the page stays"
        " mapped, and its entry on the stack of the thread's mappings"
    ),
}


def subject(findings: Sequence[Finding], style: Style) -> str:
    """The subject of a patch that mends FINDINGS, without [PATCH]."""
    rules = list(dict.fromkeys(finding.rule for finding in findings))
    done = _DONE[rules[0]] if len(rules) == 1 else "correct the use of page mappings"
    names = list(dict.fromkeys(finding.function for finding in findings))
    where = f" in {functions(names)}" if len(names) < 3 else ""
    done = done[:1].upper() + done[1:] if style.capital else done
    return f"{style.prefix}: {done}{where}"


def body(findings: Sequence[Finding]) -> str:
    """The text between subject and trailers: a paragraph a rule, in 72 columns."""
    rules: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        rules[finding.rule].append(finding)
    parts = [_told(rule, found) for rule, found in rules.items()]
    return "\n\n".join(part for each in parts for part in each) + "\n"


def _told(rule: str, found: Sequence[Finding]) -> list[str]:
    paths = [
        f"In {finding.function}() {finding.message}{_jump(finding)}"
        for finding in found
    ]
    effects = list(dict.fromkeys(_effect(finding) for finding in found))
    done = _DONE[rule]
    done = done[:1].upper() + done[1:]
    return [paragraph(paths), paragraph([*effects, done])]


def _jump(finding: Finding) -> str:
    """By which jump a path comes to where it leaves; "" without any."""
    lines = [step.line for step in finding.steps if step.said == JUMPS]
    return f", by the jump of line {lines[-1]}" if lines else ""


def _effect(finding: Finding) -> str:
    """What a mistake does; "" where the finding says so."""
    ending = finding.fix.removeprefix(ADDED).partition("(")[0]
    if finding.rule == ORDER:
        return _ORDER
    if finding.rule == LEAK:
        return _LEFT.get(ending, "")
    if finding.rule == ARGUMENT:
        return _GIVEN.get(ending, "")
    if finding.rule == CHECK:
        return "What it guards never runs"
    return ""
