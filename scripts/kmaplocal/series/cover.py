# SPDX-License-Identifier: GPL-2.0-only
"""The cover letter: what is converted, what is kept and why, how to redo and to
review it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kmaplocal import VERSION
from kmaplocal.apply.outcomes import tally
from kmaplocal.series.draft import Draft
from kmaplocal.series.left import Left, told
from kmaplocal.series.mails import Patch
from kmaplocal.series.words import paragraph, plural, together
from kmaplocal.tree.outcome import Lost, Outcome

MOST_SHOWN = 12


@dataclass(frozen=True)
class Conversions:
    """The letter of a series of conversions, for what became of the files of Linux
    VERSION; COMMAND makes the same series, of which APIS are the old calls, by file,
    and REPORT says what is LEFT of the files asked for. OTHERS of the tree, so many
    files, were not asked for."""

    version: str
    command: str
    outcomes: Sequence[Outcome]
    apis: dict[str, tuple[str, ...]]
    report: str = ""
    left: Sequence[Left] = ()
    others: int = 0

    def subject(self, patches: Sequence[Patch]) -> str:
        """As Letter.subject()."""
        paths = {path for patch in patches for path in patch.paths}
        count = sum(o.mappings for o in self.outcomes if str(o.path) in paths)
        old = together(api for path in sorted(paths) for api in self.apis[path])
        what = f"{count} {plural(count, 'call', 'calls')} of {old}"
        return f"{common_prefix(patches)}Replace {what}"

    def text(self, draft: Draft, gone: Sequence[str]) -> str:
        """As Letter.text()."""
        parts = [
            paragraph(
                [_counted(self.version, self.outcomes, draft.patches), draft.built]
            ),
            told(self.left, self.report),
            _elsewhere(self.others),
            unread([lost for o in self.outcomes for lost in o.unanalysed]),
            not_here("Converted, but not in this series", draft.withheld),
            not_here("Sent before, and not in this series", gone),
            again(self.command),
            _review(),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    @property
    def tally(self) -> str:
        """As Letter.tally."""
        return tally(self.outcomes)

    @property
    def complete(self) -> bool:
        """As Letter.complete."""
        return not any(outcome.unanalysed for outcome in self.outcomes)


def common_prefix(patches: Sequence[Patch]) -> str:
    """What all subjects begin with, up to the last colon of it: "scsi: "."""
    common = os.path.commonprefix([patch.subject for patch in patches])
    head, found, _ = common.rpartition(": ")
    return head + found


def _counted(
    version: str, outcomes: Sequence[Outcome], patches: Sequence[Patch]
) -> str:
    paths = {path for patch in patches for path in patch.paths}
    mine = [outcome for outcome in outcomes if str(outcome.path) in paths]
    mappings = sum(outcome.mappings for outcome in mine)
    names = sum(len(outcome.converted) for outcome in mine)
    return (
        f"This converts {mappings} {plural(mappings, 'mapping', 'mappings')} in"
        f" {names} {plural(names, 'function', 'functions')} of {len(mine)}"
        f" {plural(len(mine), 'file', 'files')} of Linux {version}; a function is"
        " converted as a whole or not at all"
    )


def _elsewhere(others: int) -> str:
    """So many files that name old calls are no matter of the series."""
    if not others:
        return ""
    files = plural(
        others, "other file of the tree names", "other files of the tree name"
    )
    return paragraph([f"{others} {files} such calls; nothing was asked of them"])


def unread(lost: Sequence[Lost]) -> str:
    """What was not analysed, the first of it."""
    if not lost:
        return ""
    shown = [f"{each.file}:{each.line}: {each.function}" for each in lost]
    return not_here("Not analysed, and so not touched", shown)


def not_here(title: str, lines: Iterable[str]) -> str:
    """LINES below TITLE, the first of them; "" where there are none."""
    given = list(lines)
    more = len(given) - MOST_SHOWN
    shown = [f"  {line}" for line in given[:MOST_SHOWN]]
    rest = [f"  and {more} more"] if more > 0 else []
    return "\n".join([f"{title}:", *shown, *rest]) if given else ""


def again(command: str) -> str:
    """How to make the series once more."""
    return f"kmaplocal {VERSION} makes this series by\n\n  {command}"


def _review() -> str:
    return paragraph(
        [
            "To review a patch, take each function of its diff and see that no address"
            " is stored or returned there, that each unmap is given the address of the"
            " last mapping, and that what is called in between is as harmless as the"
            " message says"
        ]
    )
