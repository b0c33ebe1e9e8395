# SPDX-License-Identifier: GPL-2.0-only
"""The prefix of a patch's subject: "fs/aio", "scsi: lpfc", "drm/i915".

Where the tree has a history, what its authors wrote most often for these files;
else what the place of the files says.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

from kmaplocal.tree import repository

MOST_COMMITS = 40
# A change over the whole tree has no prefix of the subsystem.
_FEWEST = 3
# By folder: how the subjects of what is below it begin, and what stands before the
# next folder or the file; "" where nothing more is said.  Source: the history of
# Linux, in which most subjects of these folders begin so.
_BEGIN = {
    "arch": ("", ""),
    "arch/arc": ("ARC", ": "),
    "arch/arm": ("ARM", ": "),
    "arch/loongarch": ("LoongArch", ": "),
    "arch/mips": ("MIPS", ": "),
    "arch/powerpc": ("powerpc", "/"),
    "arch/powerpc/kvm": ("KVM: PPC", ""),
    "arch/s390": ("s390", "/"),
    "arch/x86": ("x86", "/"),
    "arch/x86/kvm": ("KVM: x86", ""),
    "block": ("block", ""),
    "crypto": ("crypto", ": "),
    "drivers": ("", ""),
    "drivers/block": ("", ""),
    "drivers/edac": ("EDAC", ""),
    "drivers/firmware": ("firmware", ": "),
    "drivers/firmware/efi": ("efi", ""),
    "drivers/gpu/drm": ("drm", "/"),
    "drivers/infiniband": ("RDMA", "/"),
    "drivers/media": ("media", ": "),
    "drivers/nvme/host": ("nvme", ""),
    "drivers/nvme/target": ("nvmet", ""),
    "drivers/net": ("net", ": "),
    "drivers/net/wireless": ("wifi", ": "),
    "drivers/target": ("scsi: target", ": "),
    "drivers/ufs": ("scsi: ufs", ": "),
    "fs": ("fs", "/"),
    "fs/nfs": ("NFS", ""),
    "fs/nfsd": ("NFSD", ""),
    "fs/ntfs3": ("fs/ntfs3", ""),
    "fs/smb": ("smb", ": "),
    "init": ("init", ": "),
    "kernel": ("", ""),
    "lib": ("lib", "/"),
    "mm": ("mm", "/"),
    "net": ("net", ": "),
    "net/ceph": ("libceph", ""),
    "net/core": ("net", ": "),
    "net/rds": ("rds", ""),
    "net/sunrpc": ("SUNRPC", ""),
    "net/sunrpc/xprtrdma": ("xprtrdma", ""),
}
# Folders whose name says nothing that the next one does not.
_SILENT = {"common", "core", "host", "hw", "kernel", "pci", "platform", "source"}
_SILENT |= {"src", "sw", "ulp", "ethernet", "usb", "lib"}


class Style(NamedTuple):
    """How subjects begin: PREFIX, and whether a capital follows it."""

    prefix: str
    capital: bool = True


def style_of(root: Path, paths: Sequence[str]) -> Style:
    """How the subject of a patch of PATHS, below ROOT, begins."""
    return from_subjects(_subjects(root, paths)) or Style(from_paths(paths))


def _subjects(root: Path, paths: Sequence[str]) -> list[str]:
    """The subjects of the latest commits of PATHS; none outside of git."""
    if not repository.encloses(root):
        return []
    limit = f"--max-count={MOST_COMMITS}"
    done = repository.git(
        root, "log", "--no-merges", limit, "--format=%s", "--", *paths
    )
    if done.returncode:
        return []
    return done.stdout.decode(errors="replace").splitlines()


def from_subjects(subjects: Sequence[str]) -> Style | None:
    """The prefix most of SUBJECTS have, in three of them at least; None when there
    is no such one: "scsi: lpfc: Fix it" has "scsi: lpfc"."""
    prefixes = [_prefix(subject) for subject in subjects]
    counts = Counter(filter(None, prefixes))
    if not counts:
        return None
    best, count = max(counts.items(), key=lambda each: (each[1], len(each[0])))
    if count < min(_FEWEST, len(subjects)):
        return None
    rests = [s[len(best) + 2 :] for s, p in zip(subjects, prefixes) if p == best]
    capitals = sum(rest[:1].isupper() for rest in rests)
    return Style(best, 2 * capitals >= len(rests))


def _prefix(subject: str) -> str:
    """All that stands before the last ": " and is made of single words."""
    parts = subject.split(": ")[:-1]
    words = []
    for part in parts:
        if " " in part or not part:
            break
        words.append(part)
    return ": ".join(words)


def from_paths(paths: Sequence[str]) -> str:
    """A prefix for PATHS by where they are: fs/aio.c has "fs/aio", the files of
    drivers/scsi/lpfc/ have "scsi: lpfc", those of fs/nilfs2/ "nilfs2"."""
    folder = PurePath(os.path.commonpath([str(PurePath(p).parent) for p in paths]))
    known = [f for f in (folder, *folder.parents) if str(f) in _BEGIN]
    top = known[0] if known else PurePath(".")
    head, before = _BEGIN.get(str(top), ("", ""))
    parts = folder.relative_to(top).parts
    if str(top) == "fs" and parts:
        return parts[0]  # a filesystem
    words = [part for part in parts if part not in _SILENT]
    if len(paths) == 1 and len(words) < (1 if head else 2):
        words.append(PurePath(paths[0]).stem)
    if not head:
        return ": ".join(dict.fromkeys(words[:2])) or top.name or "treewide"
    more = words[0].removeprefix(f"{head}_") if words and before else ""
    return f"{head}{before}{more}" if more else head
