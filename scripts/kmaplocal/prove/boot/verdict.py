# SPDX-License-Identifier: GPL-2.0-only
"""The verdict: what the kernel with the change did, beside the one without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kmaplocal.prove.boot.log import NOT_REACHED, PASSED, Boot, Complaint
from kmaplocal.prove.boot.userland import CONTROL, Step

CAUGHT, MISSED, SAID_EARLIER = "caught", "MISSED", "warned earlier"

# What a wrong unmap order makes a kernel say that checks mappings.
_CONTROL_SAYS = "kunmap_local_indexed"


@dataclass(frozen=True)
class Row:
    """A step: how it ended BEFORE ("" without such a boot) and AFTER the change, and
    what stands against the change ("" when nothing does)."""

    step: str
    before: str
    after: str
    against: str = ""


@dataclass(frozen=True)
class Verdict:
    """A row for each step, and what the kernel with the change complained of: NEW,
    and OLD what the one without complained of, too."""

    rows: tuple[Row, ...]
    new: tuple[Complaint, ...]
    old: tuple[Complaint, ...]
    unfinished: bool

    @property
    def stands(self) -> bool:
        """Whether nothing stands against the change."""
        return not (self.new or self.unfinished or any(r.against for r in self.rows))


def evaluate(steps: Sequence[Step], after: Boot, before: Boot | None = None) -> Verdict:
    """What speaks against the change that AFTER was booted with.

    Without BEFORE, libaio's own cases are let pass whatever they say: some of them
    fail on every kernel."""
    rows = tuple(_row(step, before, after) for step in steps)
    known = {c.kind for c in _complaints(before)} if before else set()
    new = tuple(c for c in _complaints(after) if c.kind not in known)
    old = tuple(c for c in _complaints(after) if c.kind in known)
    return Verdict(rows, new, old, not after.finished)


def table(verdict: Verdict) -> Iterator[str]:
    """The lines of the table."""
    head = Row("", "before", "after")
    rows = [head, *verdict.rows]
    name, before, after = (
        max(len(getattr(row, column)) for row in rows)
        for column in ("step", "before", "after")
    )
    for row in rows:
        cells = f"{row.step:{name}}  {row.before:{before}}  {row.after:{after}}"
        yield f"{cells}  {row.against}".rstrip()


def _row(step: Step, before: Boot | None, after: Boot) -> Row:
    if step.name == CONTROL:
        return _control_row(before, after)
    was = before.outcome(step.name) if before else ""
    now = after.outcome(step.name)
    if now == PASSED or now == was or (step.is_libaio and _is_own_exit(now, before)):
        return Row(step.name, was, now)
    said = after.results[step.name].said if step.name in after.results else ""
    return Row(step.name, was, now, f"NEW FAILURE: {said}".removesuffix(": "))


def _is_own_exit(outcome: str, before: Boot | None) -> bool:
    return not before and outcome.startswith("exit ")


def _control_row(before: Boot | None, after: Boot) -> Row:
    was, now = (_control(before) if before else ""), _control(after)
    against = "the kernel did not notice a wrong unmap order" if now == MISSED else ""
    return Row(CONTROL, was, now, against)


def _control(boot: Boot) -> str:
    """What became of the control; a kernel says the same warning only once."""
    if boot.outcome(CONTROL) == NOT_REACHED:
        return NOT_REACHED
    saying = [c.step for c in boot.complaints if _CONTROL_SAYS in c.text]
    if not saying:
        return MISSED
    return CAUGHT if CONTROL in saying else SAID_EARLIER


def _complaints(boot: Boot) -> list[Complaint]:
    return [complaint for complaint in boot.complaints if complaint.step != CONTROL]
