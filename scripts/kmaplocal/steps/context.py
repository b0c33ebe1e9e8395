# SPDX-License-Identifier: GPL-2.0-only
"""Code that counts on what kmap_atomic() disables."""

from __future__ import annotations

from kmaplocal.certify.certificate import FAULTS, PREEMPT
from kmaplocal.certify.certificate import DISABLE
from kmaplocal.certify import faults
from kmaplocal.steps.kept import Kept


def chosen(kept: Kept) -> str:
    """`x ? kmap(page) : kmap_atomic(page)`."""
    if kept.bad(FAULTS) is None or faults.chosen(kept.site) is None:
        return ""
    return (
        "one kmap_local_page() for both, with pagefault_disable() around it where"
        " kmap_atomic() was chosen"
    )


def asserted(kept: Kept) -> str:
    """A callee that asks whether page faults are off."""
    bad = kept.bad(FAULTS)
    if bad is None:
        return ""
    return f"disable page faults by name: {_around(kept, FAULTS)}"


def relied_on(kept: Kept) -> str:
    """A callee that works on this processor, or asks whether preemption is off."""
    bad = kept.bad(PREEMPT)
    return f"disable preemption by name: {_around(kept, PREEMPT)}" if bad else ""


def _around(kept: Kept, name: str) -> str:
    calls = kept.analysis.needing(kept.site.number, name)
    off, on = DISABLE[name]
    if not calls:
        return f"{off}() after the map and {on}() before the unmap"
    who = f"{calls[0].callee}()" if calls[0].callee else "the call"
    where = f"around {who} of line {calls[0].start[0]}"
    *_, last = kept.analysis.chain(kept.site.number, calls[0], name)
    why = f", for {last}()" if f"{last}()" != who else ""
    return f"{off}() and {on}() {where}{why}; then {kept.renamed} will do"
