# SPDX-License-Identifier: GPL-2.0-only
"""How a patch was checked: what the record of make verify and make boot says of
exactly these contents, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kmaplocal.prove import record
from kmaplocal.prove.record import Proof
from kmaplocal.series.words import listed

_TARGETS = {
    record.X86_64: "x86_64 allmodconfig",
    record.I386: "i386 with HIGHMEM64G",
}
_SAID = {
    record.SPARSE: "sparse finds no path on which a page newly stays mapped",
    record.BOOT: (
        "booted on i386 with 6 GB, HIGHMEM64G and DEBUG_KMAP_LOCAL_FORCE_MAP, where"
        " libaio's tests and a verifying AIO load ran as before"
    ),
}


def sentences(proofs: Mapping[str, Sequence[Proof]]) -> list[str]:
    """What all files of a patch passed, by PROOFS a file; none where any of them has
    no record."""
    passed = [{proof.door for proof in each} for each in proofs.values()]
    common = set.intersection(*passed) if passed else set()
    return list(_sentences(common))


def _sentences(doors: set[str]) -> Iterator[str]:
    built = [what for door, what in _TARGETS.items() if door in doors]
    if built:
        yield f"Built for {listed(built)} without a new warning"
    if record.IDENTITY in doors:
        yield (
            "With all mapping calls made one primitive, the object code before and"
            " after was compared"
        )
    for door, what in _SAID.items():
        if door in doors:
            yield what
