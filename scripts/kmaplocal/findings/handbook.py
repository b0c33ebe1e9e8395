# SPDX-License-Identifier: GPL-2.0-only
"""The handbook: for each rule a page for people, in rules/RULE.md.

A page starts with the rule and its severity, then a paragraph that says what is
wrong; its sections are the contract, what happens on HIGHMEM, an example in C and
the fix.
"""

from __future__ import annotations

from pathlib import Path

from kmaplocal.errors import KmaplocalError
from kmaplocal.findings.finding import Rule
from kmaplocal.findings.registry import RULES
from kmaplocal.findings.accept.suppression import SUPPRESSION

PAGES = Path(__file__).with_name("rules")
SECTIONS = ("The contract", "On HIGHMEM", "Example", "The fix")

# What a finding may be of: the rules about mappings, and ours about acceptances.
EVERY: dict[str, Rule] = {**RULES, SUPPRESSION.id: SUPPRESSION}


class NoSuchRule(KmaplocalError):
    """A page is asked for that is of no rule."""


def named(text: str) -> list[str]:
    """The rules that TEXT names, with commas or blanks between.  Raises NoSuchRule.

    "kmap-leak,kmap-nested" names two."""
    names = text.replace(",", " ").split()
    for name in names:
        if name not in EVERY:
            raise NoSuchRule(f"{name}: no such rule; there are: {' '.join(EVERY)}")
    return names


def page(rule: str) -> str:
    """The page of a rule, in Markdown.  Raises NoSuchRule."""
    (rule,) = named(rule) or [""]
    return (PAGES / f"{rule}.md").read_text(encoding="utf-8")


def summary(rule: str) -> str:
    """The first paragraph of a rule's page, as one line."""
    return " ".join(page(rule).split("\n\n")[1].split())
