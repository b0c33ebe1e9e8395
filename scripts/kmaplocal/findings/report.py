# SPDX-License-Identifier: GPL-2.0-only
"""What the flag door has to tell, in whichever format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kmaplocal.errors import ALL_DONE, FLAGGED, NOT_ANALYSED
from kmaplocal.findings.finding import CONVERTED, SEVERITIES, Finding
from kmaplocal.findings.accept.fingerprint import Fingerprint
from kmaplocal.tree.outcome import Lost

DEPRECATED = "kmap-deprecated"
NEVER = "never"
FAIL_ON = (*SEVERITIES, NEVER)


@dataclass(frozen=True)
class Report:
    """The FINDINGS that are not accepted, in the order of the text, and what was
    LOST, in a tree at ROOT of which so many FILES were looked at.

    BY_COMMENT and BY_BASELINE count what is accepted, ELSEWHERE what is in functions
    a patch touched but not on its lines.  STATUS is what the driver ends with."""

    root: Path
    findings: Sequence[Finding]
    prints: dict[Finding, Fingerprint]
    lost: Sequence[Lost]
    files: int
    by_comment: int
    by_baseline: int
    elsewhere: int
    status: int
    shard: str = ""

    def old_calls(self) -> str:
        """A line about the functions that call kmap() or kmap_atomic(); "" where
        there are none."""
        old = [f for f in self.findings if f.rule == DEPRECATED]
        if not old:
            return ""
        able = sum(f.remedy == CONVERTED for f in old)
        said = f"{_counted(len(old), 'function')} with deprecated calls"
        return f"{said}: make apply converts {able}, and says of each other why not"

    def tally(self) -> str:
        """The closing line: how many there are of what."""
        counts = Counter(finding.severity for finding in self.findings)
        said = ", ".join(_counted(counts[name], name) for name in SEVERITIES)
        said += f" in {_counted(self.files, 'file')}; {len(self.lost)} not analysed"
        if self.by_comment or self.by_baseline:
            said += f"; accepted: {self.by_comment} by comments"
            said += f", {self.by_baseline} by the baseline"
        if self.elsewhere:
            said += f"; {self.elsewhere} more elsewhere in functions that changed"
            said += " (WHOLE=1 shows them)"
        return said


def status(findings: Sequence[Finding], lost: Sequence[Lost], fail_on: str) -> int:
    """What the driver ends with: FLAGGED for a finding as bad as FAIL_ON, one of
    FAIL_ON; NOT_ANALYSED, which outweighs it, when something was lost."""
    if lost:
        return NOT_ANALYSED
    worst = [] if fail_on == NEVER else SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    bad = any(finding.severity in worst for finding in findings)
    return FLAGGED if bad else ALL_DONE


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
