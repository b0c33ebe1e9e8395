# SPDX-License-Identifier: GPL-2.0-only
"""Files whose functions map and unmap together are converted together or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kmaplocal.tree.outcome import Lost, Outcome


def settled(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """OUTCOMES without the changes of files of which a partner has none, whatever
    stood in its way, and of those whose partner loses its own so."""
    found = list(outcomes)
    while True:
        changed = {str(o.path) for o in found if o.after != o.before}
        torn = {str(o.path): sorted(o.partners - changed) for o in found}
        left = [path for path in sorted(changed) if torn[path]]
        if not left:
            return found
        found = [
            _withheld(o, torn[str(o.path)][0]) if str(o.path) in left else o
            for o in found
        ]


def _withheld(outcome: Outcome, partner: str) -> Outcome:
    """OUTCOME without its changes: those of PARTNER, that belong to them, could
    not be made."""
    why = f"not applied: it is converted together with {partner}"
    lost = [Lost(str(outcome.path), 0, name, why) for name in outcome.converted]
    return replace(
        outcome,
        after=outcome.before,
        converted=(),
        unanalysed=(*outcome.unanalysed, *lost),
        mappings=0,
        outdated=(),
    )
