# SPDX-License-Identifier: GPL-2.0-only
"""What a series leaves as it is: for which obligation, and what is next, in a form
short enough for a whole tree.
"""

from __future__ import annotations

import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from kmaplocal.certify.analysis import FileAnalysis
from kmaplocal.series.words import COLUMNS, plural
from kmaplocal.steps.steps import Steps
from kmaplocal.steps.task import Task
from kmaplocal.tree.outcome import Outcome

# Functions are named where there are no more of a kind, else their files, as many.
_MOST_FUNCTIONS = 4
_MOST_FILES = 12
_INDENT = " " * 7


class Left(NamedTuple):
    """A FUNCTION of a file that stays as it is, the first OBLIGATION that does not hold
    in it, and what is to be done."""

    file: str
    function: str
    obligation: str
    task: Task


def left(files: Mapping[str, FileAnalysis], outcomes: Sequence[Outcome]) -> list[Left]:
    """All of the FILES that OUTCOMES keep, in their order."""
    steps = Steps(files.values())
    found: dict[tuple[str, str], Left] = {}
    for doubt in (doubt for outcome in outcomes for doubt in outcome.kept):
        key = (doubt.file, doubt.function)
        if key not in found:
            task = _task(steps, files[doubt.file], doubt.function)
            found[key] = Left(*key, doubt.obligation, task)
    return list(found.values())


def _task(steps: Steps, file: FileAnalysis, function: str) -> Task:
    known = (
        steps.of_function(file, v) for v in file.verdicts if v.function == function
    )
    step = next(filter(None, known), None)
    assert step, "a function that is kept has a verdict that keeps it"
    return step.task


def told(kept: Sequence[Left], report: str) -> str:
    """What is KEPT, in numbers, and the next steps, those of a kind together; REPORT:
    the command that says them for each mapping.  "" where nothing is kept."""
    if not kept:
        return ""
    verb = plural(len(kept), "function stays as it is", "functions stay as they are")
    counts = Counter(each.obligation for each in kept)
    why = [f"  {counts[name]:4} {_WHY.get(name, name)}" for name in sorted(counts)]
    return "\n".join(
        [
            f"{len(kept)} {verb} for now:",
            *why,
            "",
            "The next steps there, in short; the one for each mapping is printed by",
            "",
            f"  {report}",
            "",
            *_steps(kept),
        ]
    )


_WHY = {
    "paired": "map and unmap do not pair on every path",
    "lifo": "mappings are not unmapped in reverse order, or are too many",
    "local": "the address may reach another thread, or is kept",
    "faults": "page faults have to be disabled, in a way to be decided",
    "preempt": "preemption has to be disabled, in a way to be decided",
    "one-page": "an access or unmap may leave the page",
    "syntax": "a macro or the like has to be read by a person",
}


def _steps(kept: Sequence[Left]) -> Iterator[str]:
    for task in Task:
        mine = [each for each in kept if each.task == task]
        if mine:
            yield _filled(task.value, f"  {len(mine):4} ")
            yield _filled(_where(mine), _INDENT)


def _where(kept: Sequence[Left]) -> str:
    """Where the functions KEPT are: "fs/a.c: f(), g(); fs/b.c: h()", or files alone."""
    places: dict[str, list[str]] = defaultdict(list)
    for each in kept:
        places[each.file].append(f"{each.function}()")
    if len(kept) <= _MOST_FUNCTIONS:
        return "; ".join(f"{file}: {', '.join(f)}" for file, f in places.items())
    shown = ", ".join(list(places)[:_MOST_FILES])
    more = len(places) - _MOST_FILES
    return f"{shown} and {more} more" if more > 0 else shown


def _filled(text: str, first: str) -> str:
    return textwrap.fill(
        text,
        COLUMNS,
        initial_indent=first,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
