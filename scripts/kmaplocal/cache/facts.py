# SPDX-License-Identifier: GPL-2.0-only
"""The facts of pieces that were read before, in this tree or another."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from kmaplocal.cache import cache
from kmaplocal.tree.facts import Facts, Piece
from kmaplocal.c.parsing import Gap
from kmaplocal.tree.spatch import Spatch
from kmaplocal.c.syntax import read_facts


def read(
    pieces: Sequence[Piece], spatch: Spatch, fresh: Callable[[list[Piece]], list[Facts]]
) -> list[Facts]:
    """The facts of each of PIECES: those the cache has, and what FRESH reads.

    What spatch failed on is not kept.  Errors: those of FRESH."""
    store = cache.cache()
    if not store.usable:
        return fresh(list(pieces))
    keys = [_key(piece, spatch) for piece in pieces]
    kept = store.get(keys)
    found = {key: _facts(value) for key, value in kept.items()}
    new = {key: piece for key, piece in zip(keys, pieces) if key not in found}
    told = dict(zip(new, fresh(list(new.values())))) if new else {}
    good = {key: _packed(each) for key, each in told.items() if _whole(each)}
    store.put(good)
    # Callers change what they get: two equal pieces must not share it.
    first: dict[bytes, Facts] = found | told
    return [
        first.pop(key) if key in first else _again(key, kept, good, told)
        for key in keys
    ]


def _again(key, kept, good, told) -> Facts:
    value = kept.get(key) or good.get(key)
    return _facts(value) if value else Facts(read_facts(""), told[key].lost)


def _whole(facts: Facts) -> bool:
    return not isinstance(facts.lost, str)


def _key(piece: Piece, spatch: Spatch) -> bytes:
    # Of its name only the last part reaches spatch.
    name, held = Path(piece.name).name, str(piece.held)
    return cache.key("facts", cache.tool(spatch.program), name, held, piece.text)


def _packed(facts: Facts) -> bytes:
    gaps = json.dumps([asdict(gap) for gap in facts.lost])
    return f"{gaps}\n{facts.printed}".encode(errors="surrogateescape")


def _facts(value: bytes) -> Facts:
    gaps, _end, printed = value.decode(errors="surrogateescape").partition("\n")
    lost = [Gap(**gap) for gap in json.loads(gaps)]
    return Facts(read_facts(printed), lost, printed)
