# SPDX-License-Identifier: GPL-2.0-only
"""Joins what the shards of one run of report or flag wrote, to what one run would."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from kmaplocal.console import Console
from kmaplocal.errors import ALL_DONE, NOT_ANALYSED
from kmaplocal.findings.formats import document
from kmaplocal.options import OUT
from kmaplocal.tree import shard
from kmaplocal.tree.shard import BadShard
from kmaplocal.report import output, report


def _file(row: dict) -> tuple:
    return (row["file"],)


def _place(row: dict) -> tuple:
    return row["file"], row["line"], row.get("column", 0), row.get("rule", "")


_PLACES = {"findings": _place, "not_analysed": _place}
_LISTS = ("mappings", "findings", "not_analysed", "proved")


def merged(files: Sequence[Path]) -> tuple[dict, str]:
    """The JSON in FILES as one, without its mark of a shard, and as text.

    Raises BadShard for what does not belong together, OSError."""
    parts = [_read(file) for file in files]
    shards = [shard.parsed(part.pop("shard")) for part in parts]
    shard.complete(shards)
    parts = [part for _, part in sorted(zip(shards, parts), key=lambda pair: pair[0])]
    if any(part.get("kernel") != parts[0].get("kernel") for part in parts):
        raise BadShard("merge: these are of different kernels, or doors")
    found = joined(parts)
    if "totals" not in found:
        return found, document.as_text(found)
    return found, report.as_json(found)


def joined(parts: Sequence[dict]) -> dict:
    """What the reports on PARTS of the files of one run say together."""
    names = dict.fromkeys(name for part in parts for name in part)
    found = {
        name: _joined(name, [p[name] for p in parts if name in p]) for name in names
    }
    if "totals" in found:
        found["totals"] = found.pop("totals")  # the last
    return found


def _read(file: Path) -> dict:
    try:
        part = json.loads(file.read_bytes())
        if isinstance(part["shard"], str):
            return part
    except OSError as error:
        raise BadShard(f"{file}: {error.strerror}; merge takes JSON files") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise BadShard(f"{file}: not what report or flag wrote with SHARD=, as JSON")


def _joined(name: str, values: list):
    """One value of the VALUES that parts give to NAME.  A file is in one of them, but
    for the functions that map by what another one has: these may be in several."""
    if name in _LISTS:
        rows = {json.dumps(row): row for value in values for row in value}
        return sorted(rows.values(), key=_PLACES.get(name, _file))
    return _sum(values) if name == "totals" else values[0]


def _sum(values: list):
    if isinstance(values[0], dict):
        return {key: _sum([value[key] for value in values]) for key in values[0]}
    return sum(values)


@click.command("merge")
@OUT
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path)
)
def command(files: tuple[Path, ...], out: Path | None) -> int:
    """Join the JSON that the shards of a run wrote.

    FILES are what report or flag wrote, each with its --shard; all shards of one run
    must be there. What is printed is what one run without --shard prints. Exit
    status: 2 when something was not analysed.
    """
    found, text = merged(files)
    if out:
        output.write(out, text)
    else:
        Console().say(text.removesuffix("\n"))
    return NOT_ANALYSED if found["not_analysed"] else ALL_DONE
