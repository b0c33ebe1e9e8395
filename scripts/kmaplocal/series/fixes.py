# SPDX-License-Identifier: GPL-2.0-only
"""The draft of a series of fixes: findings that have one right answer, mended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kmaplocal.console import Console
from kmaplocal.findings import registry, survey
from kmaplocal.findings.finding import ADDED, ERROR, SEVERITIES, Finding
from kmaplocal.findings.mend import NotMended, mended
from kmaplocal.prove import record, trial
from kmaplocal.series import remedy
from kmaplocal.series.blame import trailers
from kmaplocal.series.cover import again, common_prefix, not_here, unread
from kmaplocal.series.draft import Draft, told_apart
from kmaplocal.series.grouping import patches
from kmaplocal.series.mails import Patch
from kmaplocal.series.maintainers import Maintainers
from kmaplocal.series.prefix import style_of
from kmaplocal.series.recipients import recipients
from kmaplocal.series.request import Request
from kmaplocal.series.words import paragraph, plural
from kmaplocal.tree.kernel import Tree
from kmaplocal.tree.outcome import Lost
from kmaplocal.tree.spatch import find_spatch

# A fix changes what the compiler makes of the code.
DOORS = frozenset(trial.TABLE) - {record.IDENTITY}


@dataclass(frozen=True)
class Fixes:
    """The letter of a series of fixes of Linux VERSION, which COMMAND makes again:
    what was MENDED, by file, what is LEFT for a person, and what was LOST."""

    version: str
    command: str
    mended: Mapping[str, Sequence[Finding]]
    left: Sequence[Finding]
    lost: Sequence[Lost]

    def subject(self, series: Sequence[Patch]) -> str:
        """As Letter.subject()."""
        count = self._count(series)
        what = plural(count, "wrong use", "wrong uses")
        return f"{common_prefix(series)}Fix {count} {what} of page mappings"

    def text(self, draft: Draft, gone: Sequence[str]) -> str:
        """As Letter.text()."""
        count = self._count(draft.patches)
        said = (
            f"This fixes {count} {plural(count, 'mistake', 'mistakes')} with page"
            f" mappings in Linux {self.version} that have one right answer"
        )
        left = [_told(finding) for finding in self.left]
        parts = [
            paragraph([said, draft.built]),
            not_here("For a person to decide", left),
            unread(self.lost),
            not_here("Fixed, but not in this series", draft.withheld),
            not_here("Sent before, and not in this series", gone),
            again(self.command),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    @property
    def tally(self) -> str:
        """As Letter.tally."""
        count = sum(map(len, self.mended.values()))
        return f"{count} fixed, {len(self.left)} left, {len(self.lost)} not analysed"

    @property
    def complete(self) -> bool:
        """As Letter.complete."""
        return not self.lost

    def _count(self, series: Sequence[Patch]) -> int:
        return sum(len(self.mended[path]) for each in series for path in each.paths)


def _told(finding: Finding) -> str:
    """A finding that no one change mends, with what a person has to do."""
    place = f"{finding.file}:{finding.line}: {finding.function}"
    return f"{place}: {finding.message}; {finding.remedy}"


def draft(tree: Tree, request: Request, console: Console) -> Draft:
    """The series of REQUEST.  Raises KmaplocalError."""
    found = _surveyed(tree, request, console)
    worst = SEVERITIES[: SEVERITIES.index(request.fixes or ERROR) + 1]
    bad = [finding for finding in found.findings if finding.severity in worst]
    fixable = _fixable(bad)
    before = {path: (tree.root / path).read_bytes() for path in fixable}
    after, withheld = _mended(before, fixable, request)
    groups = patches(after, {}, Maintainers.of(tree.root), request.split)
    chosen = {finding for found in fixable.values() for finding in found}
    left = [finding for finding in bad if finding not in chosen]
    fixed = {path: fixable[path] for path in after}
    return Draft(
        told_apart([_patch(tree, fixed, group) for group in groups]),
        before,
        after,
        Fixes(tree.version, request.command(), fixed, left, found.lost),
        DOORS,
        tuple(withheld),
    )


def _fixable(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    """Those of FINDINGS that can be mended, by file: where an unmap would be added and
    something else changed as well, the latter, as the first moves all places."""
    found: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.fix:
            found[finding.file].append(finding)
    for file, each in found.items():
        changed = [f for f in each if not f.fix.startswith(ADDED)]
        found[file] = changed or each
    return found


def _surveyed(tree: Tree, request: Request, console: Console) -> survey.Survey:
    paths = tree.candidates(request.files, registry.CALLS)
    wanted = [str(path) for path in paths if request.wants(path)]
    how = (find_spatch(), request.timeout, request.jobs)
    with console.progress("reading", len(wanted)) as progress:
        return survey.survey(tree.root, wanted, *how, progress)


def _mended(
    before: Mapping[str, bytes],
    fixable: Mapping[str, Sequence[Finding]],
    request: Request,
) -> tuple[dict[str, bytes], list[str]]:
    """What becomes of the files, and why nothing becomes of others."""
    after, withheld = {}, []
    for path, findings in fixable.items():
        try:
            args = (path, before[path], findings, find_spatch(), request.timeout)
            after[path] = mended(*args)
        except NotMended as error:
            withheld.append(str(error))
    return after, withheld


def _patch(
    tree: Tree, fixed: Mapping[str, Sequence[Finding]], group: Sequence[str]
) -> Patch:
    findings = list(_of(fixed, group))
    return Patch(
        tuple(group),
        remedy.subject(findings, style_of(tree.root, group)),
        remedy.body(findings),
        recipients(tree.root, group),
        trailers=tuple(trailers(tree.root, findings)),
    )


def _of(fixed: Mapping[str, Sequence[Finding]], group: Iterable[str]):
    for path in group:
        yield from fixed[path]
