# SPDX-License-Identifier: GPL-2.0-only
"""A whole result once more: it is the same while nothing in the tree changed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from kmaplocal import faults
from kmaplocal.errors import KmaplocalError
from kmaplocal.cache import cache
from kmaplocal.tree import search
from kmaplocal.c import tags
from kmaplocal.tree.spatch import Spatch
from kmaplocal.cache.state import State, state, unpacked
from kmaplocal.tree.target import Target


class Made(NamedTuple):
    """A result that JSON can hold, and whether all of it was found out: one with a
    file that spatch failed on may be better the next time."""

    result: dict
    complete: bool


def answer(
    aim: Target, spatch: Spatch, asked: Sequence[str], make: Callable[[], Made]
) -> dict:
    """What MAKE gives, or gave for the same ASKED of the tree that AIM is about before.

    ASKED says all that the result depends on, but the tree, kmaplocal and its
    tools.  Where another tree is read as well, nothing is kept.  Errors: those of
    MAKE."""
    store, root = cache.cache(), aim.root
    now = _state(root) if store.usable and not aim.kernel else None
    if now is None:
        return make().result
    tools = (spatch.program, tags.program(), search.program())
    key = cache.key("result", os.fsencode(root), *map(cache.tool, tools), *asked)
    found = _known(root, now, store.get([key]).get(key))
    if found is None:
        faulty = len(faults.CAUGHT)
        found, complete = make()
        if complete and len(faults.CAUGHT) == faulty:
            store.put({key: _packed(now, found)})
    return found


def _state(root: Path) -> State | None:
    try:
        return state(root)
    except (KmaplocalError, OSError):
        return None  # what reads the tree will say what is wrong with it


def _packed(now: State, found: dict) -> bytes:
    packed = now.packed()
    return b"%d\n%b%b" % (len(packed), packed, json.dumps(found).encode())


def _known(root: Path, now: State, kept: bytes | None) -> dict | None:
    """The result that was KEPT, if it still holds."""
    length, _end, rest = (kept or b"0\n").partition(b"\n")
    then, found = rest[: int(length)], rest[int(length) :]
    if not then or not now.same(root, unpacked(then)):
        return None
    return json.loads(found)
