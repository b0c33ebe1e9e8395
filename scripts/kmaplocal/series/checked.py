# SPDX-License-Identifier: GPL-2.0-only
"""How a patch was checked: what the record of make verify and make boot says of
exactly these contents, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kmaplocal.prove import record
from kmaplocal.prove.record import Proof
from kmaplocal.series.words import listed

TARGETS = {record.X86_64: "x86_64 allmodconfig", record.I386: "i386 with HIGHMEM64G"}
_SAID = {
    record.SPARSE: "sparse finds no path on which a page newly stays mapped",
    record.BOOT: (
        "booted on i386 with 6 GB, HIGHMEM64G and DEBUG_KMAP_LOCAL_FORCE_MAP, where"
        " libaio's tests and a verifying AIO load ran as before"
    ),
}


def sentences(proofs: Sequence[Sequence[Proof]]) -> list[str]:
    """What all files of a patch passed, by the PROOFS of each; nothing where one of
    them has no record."""
    passed = [{proof.door for proof in each} for each in proofs]
    common = set.intersection(*passed) if passed else set()
    details = [p.detail for each in proofs for p in each if p.door == record.IDENTITY]
    return list(_sentences(common, details))


def _sentences(doors: set[str], details: Sequence[str]) -> Iterator[str]:
    built = [what for door, what in TARGETS.items() if door in doors]
    if built:
        yield f"Built for {listed(built)} without a new warning"
    if record.IDENTITY in doors:
        yield _identity(list(filter(None, details)))
    for door, what in _SAID.items():
        if door in doors:
            yield what


def _identity(details: Sequence[str]) -> str:
    """That the object code is the same, but for the functions DETAILS speak of."""
    text = (
        "With the old and the new mapping calls defined to be the same, the object code"
        " before and after is the same"
    )
    names = [
        name for each in details for name in each.removeprefix("all but ").split(", ")
    ]
    if not names:
        return text
    return f"{text}, but for {listed(f'{name}()' for name in names)}"
