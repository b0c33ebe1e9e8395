# SPDX-License-Identifier: GPL-2.0-only
"""One file as a semantic patch leaves it that is told the places of its edits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from kmaplocal import deadline, names, scratch
from kmaplocal.errors import KmaplocalError
from kmaplocal.tree.facts import ENVIRONMENT
from kmaplocal.tree.spatch import Spatch


class NotPatched(KmaplocalError):
    """The semantic patch did not make a result; why."""


def patched(
    rules: Path,
    file: str,
    text: bytes,
    places: Mapping[str, object],
    spatch: Spatch,
    timeout: float,
    *options: str,
) -> bytes:
    """What RULES, which ask kmaplocal.inline for PLACES, make of FILE that holds TEXT.

    Raises NotPatched; OSError."""
    with scratch.folder() as folder:
        copy = Path(folder) / names.plain(file)
        copy.write_bytes(text)
        handed = Path(folder) / "places.json"
        handed.write_text(json.dumps(places))
        result = Path(folder) / f"after-{copy.name}"
        run = spatch.run(
            rules,
            copy,
            virtuals=["patch"],
            timeout=deadline.RUN.within(timeout),
            env={**ENVIRONMENT, "KMAPLOCAL_PLAN": str(handed)},
            options=[*options, "-o", str(result)],
        )
        if run.failures:
            raise NotPatched(f"{rules.name}: {'; '.join(run.failures)}")
        if not result.exists():
            raise NotPatched(f"{rules.name} changed nothing")
        return result.read_bytes()
