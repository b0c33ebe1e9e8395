# SPDX-License-Identifier: GPL-2.0-only
"""Surveys files: the findings in them, and what was not analysed."""

from __future__ import annotations

from dataclasses import dataclass, field

from kmaplocal.flag.finding import Finding
from kmaplocal.read.outcome import Lost


@dataclass
class Survey:
    """What was found, and what could not be looked at."""

    findings: list[Finding] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
