# SPDX-License-Identifier: GPL-2.0-only
"""What would have to be put right where functions map and unmap for each other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING

from kmaplocal.c.text import plain
from kmaplocal.certify.certificate import DISABLE, ONE_PAGE
from kmaplocal.flow.values import Given
from kmaplocal.knowledge import api
from kmaplocal.repairs.repair import ExplicitDisable, UnmappedBy
from kmaplocal.summaries.chains import depending

if TYPE_CHECKING:
    from kmaplocal.certify.wrappers import Member

# The unmaps that enable page faults and preemption again.
_ATOMIC = {call.ends for call in api.MAPS.values() if call.atomic}


def unrepaired(member: Member) -> Iterator[tuple[str, str]]:
    """What would have to be put right in MEMBER between calls of wrappers, or before it
    unmaps for its callers, by its obligation: that is only done where a function maps
    by itself."""
    assert member.verdict and member.analysis, "what was certified"
    for site, repair in member.verdict.repairs(ExplicitDisable):
        if site.name not in api.OLD_MAPS and repair.around is not None:
            relied = next(n for n, names in DISABLE.items() if repair.disable in names)
            what = depending(repair.chain, relied) or f"there is a {repair.disable}()"
            yield relied, f"{what}, which {site.name}() does"
    for site, unmapped in member.verdict.repairs(UnmappedBy):
        if site.name not in api.OLD_MAPS:
            what = plain(unmapped.unmap.arguments[0].text)
            yield ONE_PAGE, f"{what} may not be in the page that {site.name}() mapped"
    wrapper = member.wrapper
    if wrapper and wrapper.unmap and wrapper.unmap.kind in _ATOMIC:
        for number, name in product(member.mapped, DISABLE):
            for call in member.analysis.needing(Given(number), name):
                chain = member.analysis.chain(Given(number), call, name)
                yield name, f"{depending(chain, name)}, which its callers do"
