# SPDX-License-Identifier: GPL-2.0-only
"""What upstream did to every mapping function, beside what we do.

For each function of an old tree that calls kmap() or one of its kin, a newer
tree says whether upstream converted it (or did so *by renaming alone*: the
tokens are equal once map calls are named alike and unmap arguments are
dropped), kept it, dropped the mapping, or removed the function. A converted
copy of the old tree says the same of us, and whether a function was left half
converted, which must never happen.

Functions are what Universal Ctags says they are; everything else is counted on
tokens (bodies.py). This only counts and compares: it decides no conversion.
"""

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from kmaplocal import scratch
from kmaplocal.c import lexer
from kmaplocal.history.bodies import (
    HELPERS,
    NEW,
    NEW_MAPS,
    NEW_UNMAPS,
    OLD,
    OLD_MAPS,
    OLD_UNMAPS,
    Body,
    Key,
    bodies,
    calls_of,
    candidates,
    functions_that_map,
    some,
)

Reasons = Mapping[Key, tuple[str, str]]  # verdict, reason

CONVERTED, RENAMED, KEPT, DROPPED, GONE = UPSTREAM = (
    "converted",
    "renamed",
    "kept",
    "dropped",
    "gone",
)
UNMAP_ONLY, IDENTICAL = "unmap-only", "identical"
NONE_NEW = "old calls lost, no new ones"
CONVERT, KEEP, NOT_ANALYSED, HALF = OURS = ("convert", "keep", "not-analysed", "half")


@dataclass(frozen=True)
class Ours:
    """What a conversion did to one function; `text` is its new tokens."""

    verdict: str
    reason: str = ""
    text: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Row:
    """One function of OLD that maps pages, upstream's deed and ours beside it.

    `maps` is false for a function that only unmaps; `where` is its file in NEW
    when that was renamed; `identical` is whether our function has upstream's
    tokens (None unless both converted it), `unlike` where they first part.
    """

    file: str
    function: str
    line: int
    upstream: str
    rename_only: bool
    maps: bool = True
    where: str = ""
    ours: str = ""
    reason: str = ""
    identical: bool | None = None
    unlike: str = ""
    theirs: tuple[str, ...] | None = field(default=None, repr=False)


# What upstream did


def _compare(before: Mapping[Key, Body], new: Path) -> list[Row]:
    places = _places(new, {file for file, _function in before})
    wanted = frozenset(
        (place, function) for file, function in before for place in places[file]
    )
    after = bodies(new, sorted({place for place, _function in wanted}), wanted)
    rows = []
    for (file, function), body in before.items():
        there = [(place, function) for place in places[file]]
        key = next((key for key in there if key in after), None)
        rows.append(_row(body, after[key] if key else None))
    return sorted(rows, key=lambda row: (row.file, row.line))


def _places(new: Path, files: Iterable[str]) -> dict[str, list[str]]:
    """Where each file of OLD may be in NEW: there, or moved, nearest path first."""
    places = {file: [file] for file in files}
    lost = [file for file in places if not (new / file).is_file()]
    moved = _named_alike(new, {os.path.basename(file) for file in lost})
    for file in lost:
        choices = moved.get(os.path.basename(file), [])
        places[file] = sorted(choices, key=lambda place: (-_shared(file, place), place))
    return places


def _named_alike(tree: Path, names: set[str]) -> dict[str, list[str]]:
    """Every file of `tree` with one of these base names, by base name."""
    found: dict[str, list[str]] = defaultdict(list)
    for folder, _folders, files in os.walk(tree) if names else ():
        for name in names.intersection(files):
            found[name].append(os.path.relpath(os.path.join(folder, name), tree))
    return found


def _shared(one: str, two: str) -> int:
    """How many folders two paths have in common, wherever they stand."""
    folders = Counter(one.split("/")[:-1]) & Counter(two.split("/")[:-1])
    return folders.total()


def _row(before: Body, after: Body | None) -> Row:
    was = before.calls()
    maps = some(was, OLD_MAPS) > 0
    row = Row(before.file, before.function, before.line, GONE, False, maps)
    if after is None:
        return row
    now = after.calls()
    where = after.file if after.file != before.file else ""
    row = replace(row, where=where, theirs=tuple(after.words()))
    if some(now, OLD):
        return replace(row, upstream=KEPT)
    if some(now, NEW) <= some(was, NEW):
        return replace(row, upstream=DROPPED)
    if _alike(before) == _alike(after):
        return replace(row, upstream=RENAMED, rename_only=True)
    return replace(row, upstream=CONVERTED)


_MAP_NAMES = OLD_MAPS | {"kmap_local_page", "kmap_local_page_prot", "kmap_local_pfn"}
_UNMAP_NAMES = OLD_UNMAPS | {"kunmap_local"}


def _alike(body: Body) -> list[str]:
    """Token texts with map calls named alike and unmap arguments dropped."""
    texts, out, index = [*body.words(), ""], [], 0
    while texts[index]:
        text = texts[index]
        index += 1
        if text in _UNMAP_NAMES and texts[index] == "(":
            out.append("kunmap")
            index = _past(texts, index)
        else:
            out.append("kmap" if text in _MAP_NAMES else text)
    return out


def _past(texts: list[str], index: int) -> int:
    """The index after the bracket that closes the one at `index`."""
    depth = 0
    for place in range(index, len(texts)):
        depth += (texts[place] == "(") - (texts[place] == ")")
        if not depth:
            return place + 1
    return len(texts)


# What we did


def _ours(
    before: Mapping[Key, Body], texts: Mapping[str, str], reasons: Reasons
) -> dict[Key, Ours]:
    """What the conversion made of each function that maps, where TEXTS are the files
    that changed: `convert` (no old call is left), `half` (an old call beside a new one
    that was not there, or calls lost), or what the reasons say (`keep` unless told)."""
    wanted = frozenset(key for key in before if key[0] in texts)
    changed = {file for file, _function in wanted}
    with scratch.folder() as folder:
        for file in changed:
            place = Path(folder) / file
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(texts[file].encode(errors="surrogateescape"))
        after = bodies(Path(folder), sorted(changed), wanted)
    return {
        key: _deed(body, after.get(key) if key in wanted else body, reasons.get(key))
        for key, body in before.items()
    }


def _deed(before: Body, after: Body | None, said: tuple[str, str] | None) -> Ours:
    """What became of one function."""
    if after is None:
        return Ours(HALF, "the function cannot be found after the conversion")
    verdict, reason = said or (KEEP, "")
    text = tuple(after.words())
    if text == tuple(before.words()) and verdict == CONVERT:
        return Ours(KEEP, "unchanged, though the report says convert", text)
    if text == tuple(before.words()):
        return Ours(verdict, reason, text)
    why = _half(before, after)
    if why:
        return Ours(HALF, why, text)
    if some(after.calls(), OLD):
        return Ours(KEEP, reason or "changed, but old calls are left", text)
    return Ours(CONVERT, reason, text)


def _half(before: Body, after: Body) -> str:
    """Why a changed function is half converted; nothing when it is not.

    Definitions of one name under `#ifdef` are compared one by one.
    """
    if len(before.definitions) != len(after.definitions):
        return "definitions were lost"
    for was, now in zip(before.definitions, after.definitions):
        why = _half_definition(calls_of(was), calls_of(now))
        if why and not (why == NONE_NEW and _asks(now) > _asks(was)):
            return why
    return ""


def _asks(definition: Iterable[lexer.Token]) -> int:
    """How often page_address() is named, which a page that is never of highmem needs
    alone."""
    return sum(token.text == "page_address" for token in definition)


def _half_definition(was: Counter[str], now: Counter[str]) -> str:
    left = [name for name in sorted(OLD) if now[name]]
    more = [name for name in sorted(NEW) if now[name] > was[name]]
    if left and more:
        return f"{', '.join(left)} left beside new {', '.join(more)}"
    if left and any(now[name] < was[name] for name in OLD):
        return f"some calls lost, {', '.join(left)} left"
    if not left and some(was, OLD):
        return _lost(was, more)
    return ""


def _lost(was: Counter[str], more: list[str]) -> str:
    """What a definition without old calls lacks: new calls for the old ones."""
    if not more:
        return NONE_NEW
    if HELPERS.intersection(more):
        return ""
    if some(was, OLD_MAPS) and not NEW_MAPS.intersection(more):
        return f"the map was lost beside new {', '.join(more)}"
    if some(was, OLD_UNMAPS) and not NEW_UNMAPS.intersection(more):
        return f"the unmap was lost beside new {', '.join(more)}"
    return ""


# Beside each other


def beside_ours(rows: Iterable[Row], ours: Mapping[Key, Ours]) -> list[Row]:
    """`rows` with our half filled in.

    Where both converted, `identical` says whether our function is upstream's,
    token for token (comments and white space ignored).
    """
    return [_beside_ours(row, ours.get((row.file, row.function))) for row in rows]


def _beside_ours(row: Row, ours: Ours | None) -> Row:
    ours = ours or Ours(NOT_ANALYSED, "not looked at")
    row = replace(row, ours=ours.verdict, reason=ours.reason)
    if ours.verdict != CONVERT or row.upstream not in (CONVERTED, RENAMED):
        return row
    unlike = _unlike(ours.text or (), row.theirs or ())
    return replace(row, identical=not unlike, unlike=unlike)


def _unlike(ours: tuple[str, ...], theirs: tuple[str, ...]) -> str:
    """Where two token sequences first part, nothing when they are equal."""
    if ours == theirs:
        return ""
    pairs = enumerate(zip(ours, theirs))
    end = min(len(ours), len(theirs))
    at = next((place for place, (one, two) in pairs if one != two), end)
    first, last = max(at - 2, 0), at + 6
    shown = [" ".join(texts[first:last]) for texts in (ours, theirs)]
    return f"`{shown[0]}`, upstream `{shown[1]}`"


def counts(rows: Iterable[Row]) -> dict[str, dict[str, int]]:
    """upstream -> ours -> functions, with `identical` beside ours, all cells.

    Functions that only unmap are counted apart, in the row `unmap-only`.
    """
    deeds = (*UPSTREAM, UNMAP_ONLY)
    table = {deed: dict.fromkeys((*OURS, IDENTICAL), 0) for deed in deeds}
    for row in rows:
        cells = table[row.upstream if row.maps else UNMAP_ONLY]
        cells[row.ours or NOT_ANALYSED] += 1
        cells[IDENTICAL] += row.identical is True
    return table


def differences(rows: Iterable[Row]) -> list[Row]:
    """Rows where we and upstream part: by file and line.

    Not a difference: a function that upstream removed or rewrote without
    mapping, and one we convert in other words than upstream's rewrite.
    """
    return [row for row in rows if _different(row)]


def _different(row: Row) -> bool:
    if row.ours == HALF:
        return True
    if row.upstream == RENAMED:
        return not row.identical
    if row.upstream == CONVERTED:
        return row.ours != CONVERT
    return row.upstream == KEPT and row.ours == CONVERT


def render(rows: Iterable[Row]) -> str:
    """The table of counts and the list of differences, as text."""
    rows = list(rows)
    different = differences(rows)
    lines = _table(counts(rows)) + ["", f"{len(different)} differences:"]
    return "\n".join(lines + [_line(row) for row in different]) + "\n"


_TITLES = {
    CONVERTED: "converted, rewritten",
    RENAMED: "converted, renamed only",
    KEPT: "kept",
    DROPPED: "mapping dropped",
    GONE: "function gone",
    UNMAP_ONLY: "only unmap, any",
}


def _table(table: Mapping[str, Mapping[str, int]]) -> list[str]:
    names = "".join(f"{name:>14}" for name in (*OURS, IDENTICAL))
    lines = [f"{'upstream / ours':<24}{names}{'all':>8}"]
    total: Counter[str] = Counter()
    for deed, cells in table.items():
        lines.append(_cells(_TITLES[deed], cells))
        total.update(cells)
        if deed == RENAMED:
            lines.append(_cells("  = converted", total))
    return lines + [_cells("all", total)]


def _cells(title: str, cells: Mapping[str, int]) -> str:
    shown = "".join(f"{cells[name]:>14}" for name in (*OURS, IDENTICAL))
    return f"{title:<24}{shown}{sum(cells[name] for name in OURS):>8}"


def _line(row: Row) -> str:
    what = f"upstream {row.upstream}, we {row.ours}"
    if row.unlike:
        what += f" as {row.unlike}"
    reason = f" ({row.reason})" if row.reason else ""
    return f"{row.file}:{row.line}: {row.function}: {what}{reason}"


def as_json(rows: Iterable[Row]) -> str:
    """The rows and their counts as JSON; upstream's tokens are left out."""
    rows = list(rows)
    listed = [asdict(replace(row, theirs=None)) for row in rows]
    for entry in listed:
        del entry["theirs"]
    return json.dumps({"counts": counts(rows), "functions": listed}, indent=1) + "\n"


def deeds(old: Path, files: Iterable[str], new: Path) -> dict[Key, str]:
    """What upstream did by NEW, a word of UPSTREAM, with every function in FILES of
    OLD that maps pages by old calls.

    Errors: tags.TagsError, OSError."""
    rows = _compare(functions_that_map(old, files), new)
    return {(row.file, row.function): row.upstream for row in rows if row.maps}


def compared(
    old: Path, new: Path, texts: Mapping[str, str], reasons: Reasons
) -> list[Row]:
    """What became of every mapping function of OLD in NEW, by file and line, beside
    what a conversion did whose changed files are TEXTS, and why it kept the others.

    Errors: tags.TagsError, OSError."""
    before = functions_that_map(old, candidates(old))
    return beside_ours(_compare(before, new), _ours(before, texts, reasons))
