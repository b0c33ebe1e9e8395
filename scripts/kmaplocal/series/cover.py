# SPDX-License-Identifier: GPL-2.0-only
"""The cover letter: what is converted, what is kept and why, how to redo and to
review it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from kmaplocal.tree.outcome import Doubt, Outcome
from kmaplocal.series.words import paragraph, plural

MOST_SHOWN = 12


def subject(outcomes: Sequence[Outcome]) -> str:
    """The subject of the letter."""
    count = sum(outcome.mappings for outcome in outcomes)
    return f"Replace {count} mappings by kmap() and kmap_atomic()"


def text(
    version: str,
    command: str,
    outcomes: Sequence[Outcome],
    withheld: Sequence[str] = (),
    gone: Sequence[str] = (),
) -> str:
    """The letter for what became of the files of Linux VERSION.

    COMMAND makes the same series; WITHHELD: patches that are not in it, and why;
    GONE: the subjects of patches that were sent and have nothing left to do."""
    parts = [
        paragraph([_counted(version, outcomes)]),
        _kept(outcomes),
        _unread(outcomes),
        _withheld(withheld),
        _gone(gone),
        _again(command),
        _review(),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _counted(version: str, outcomes: Sequence[Outcome]) -> str:
    mappings = sum(outcome.mappings for outcome in outcomes)
    names = sum(len(outcome.converted) for outcome in outcomes)
    files = sum(outcome.after != outcome.before for outcome in outcomes)
    return (
        f"This converts {mappings} {plural(mappings, 'mapping', 'mappings')} by kmap()"
        f" or kmap_atomic() in {names} {plural(names, 'function', 'functions')} of"
        f" {files} {plural(files, 'file', 'files')} of Linux {version}, each function"
        " as a whole"
    )


def _kept(outcomes: Sequence[Outcome]) -> str:
    """How many functions stay as they are, by the obligation that fails."""
    first: dict[tuple[str, str], Doubt] = {}
    for outcome in outcomes:
        for doubt in outcome.kept:
            first.setdefault((doubt.file, doubt.function), doubt)
    if not first:
        return ""
    counts = Counter(doubt.obligation for doubt in first.values())
    lines = [f"{len(first)} {plural(len(first), 'function stays', 'functions stay')}:"]
    lines += [f"  {counts[name]:4} {_WHY.get(name, name)}" for name in sorted(counts)]
    return "\n".join(lines)


_WHY = {
    "paired": "map and unmap do not pair on every path (paired)",
    "lifo": "mappings are not unmapped in reverse order (lifo)",
    "local": "the address may reach another thread, or is kept (local)",
    "faults": "they rely on page faults being disabled (faults)",
    "preempt": "they rely on preemption being disabled (preempt)",
    "one-page": "an access or unmap may leave the page (one-page)",
    "syntax": "macros and the like have to be read by a person (syntax)",
}


def _unread(outcomes: Sequence[Outcome]) -> str:
    lost = [each for outcome in outcomes for each in outcome.unanalysed]
    if not lost:
        return ""
    lines = ["Not analysed, and so not touched:"]
    lines += [f"  {x.file}:{x.line}: {x.function}" for x in lost[:MOST_SHOWN]]
    more = len(lost) - MOST_SHOWN
    return "\n".join(lines + ([f"  and {more} more"] if more > 0 else []))


def _withheld(withheld: Sequence[str]) -> str:
    if not withheld:
        return ""
    lines = ["Converted, but not in this series:", *(f"  {each}" for each in withheld)]
    return "\n".join(lines)


def _gone(subjects: Sequence[str]) -> str:
    if not subjects:
        return ""
    lines = ["Sent before and left out, as this tree has nothing left of it:"]
    return "\n".join([*lines, *(f"  {each}" for each in subjects)])


def _again(command: str) -> str:
    return f"The series is made by kmaplocal:\n\n  {command}"


def _review() -> str:
    return paragraph(
        [
            "To review one quickly: the message names each function with what is said"
            " to be safe in it; see that no address is stored or returned there, that"
            " each unmap is given the address of the last mapping, and that what runs"
            " in between needs neither page faults nor preemption disabled"
        ]
    )
