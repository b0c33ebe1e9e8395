# SPDX-License-Identifier: GPL-2.0-only
"""Which files are one patch: those of one driver or subsystem, and those that are
converted together or not at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath

from kmaplocal.series.maintainers import Maintainers

FILE, DRIVER, SUBSYSTEM = SPLITS = ("file", "driver", "subsystem")
# An entry that gives fewer folders than this speaks of a whole subsystem.
_CLOSE = 3


def patches(
    paths: Iterable[str],
    partners: Mapping[str, Iterable[str]],
    maintainers: Maintainers,
    split: str,
) -> list[list[str]]:
    """PATHS in groups of one patch each, both sorted.

    PARTNERS: the files that a file is converted with. SPLIT is one of SPLITS: a
    patch a file, a driver (the closest entry of MAINTAINERS, a folder or a file
    where only a whole subsystem has one), or a subsystem (the closest entry)."""
    wanted = sorted(paths)
    groups: dict[str, list[str]] = defaultdict(list)
    for path in wanted:
        groups[_key(path, maintainers, split)].append(path)
    joined = _joined(list(groups.values()), partners)
    return sorted(joined)


def _key(path: str, maintainers: Maintainers, split: str) -> str:
    if split == FILE:
        return path
    title, depth = maintainers.closest(path)
    if title and (split == SUBSYSTEM or depth >= _CLOSE or _names_it(path, depth)):
        return title
    folder = PurePath(path).parent
    return str(folder) if len(folder.parts) >= _CLOSE else path


def _names_it(path: str, depth: int) -> bool:
    """Whether an entry of this depth gives the very file, or the folder it is in
    where that is a filesystem's or the like: fs/nilfs2/."""
    parts = PurePath(path).parts
    return depth == len(parts) or (depth == len(parts) - 1 and depth >= 2)


def _joined(
    groups: Sequence[list[str]], partners: Mapping[str, Iterable[str]]
) -> list[list[str]]:
    """GROUPS, those with files that are partners made one."""
    found: list[set[str]] = []
    for group in groups:
        members = set(group)
        tied = members.union(*(partners.get(path, ()) for path in group))
        touching = [each for each in found if each & tied]
        merged = members.union(*touching)
        for each in touching:
            found.remove(each)
        found.append(merged)
    # A partner that came later may tie two that were apart.
    again = [sorted(each) for each in found]
    return again if len(again) == len(groups) else _joined(again, partners)
