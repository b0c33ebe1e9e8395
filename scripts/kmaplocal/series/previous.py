# SPDX-License-Identifier: GPL-2.0-only
"""The version of a series that was sent before, and what is new since.

A patch is the same one when its subject or its files are the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from kmaplocal.errors import KmaplocalError
from kmaplocal.series.words import paragraph

# What stands in brackets before a subject: "PATCH net-next v2 3/7".
_TAG = re.compile(r"^\[(?P<words>[^][]*\bPATCH\b[^][]*)\]\s*")
_VERSION = re.compile(r"[vV](?P<number>\d+)$")
_COUNTED = re.compile(r"\d+/\d+$")
_ONCE = ("RESEND",)


class NoSeries(KmaplocalError):
    """PREVIOUS names no folder with the mails of a series."""


@dataclass(frozen=True)
class Sent:
    """One patch that was sent: its subject, its message, and what it changes: the
    removed and added lines of each file."""

    subject: str
    message: str
    changes: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Previous:
    """A series that was sent: its version, the Message-ID of its first mail, its
    patches, and the PREFIX of all subjects: "PATCH net-next"."""

    version: int = 0
    message_id: str = ""
    patches: tuple[Sent, ...] = ()
    prefix: str = "PATCH"

    def of(self, subject: str, paths: Iterable[str]) -> Sent | None:
        """The patch that was sent with this SUBJECT, or for these files."""
        wanted = set(paths)
        same = [p for p in self.patches if p.subject == subject]
        same += [p for p in self.patches if set(p.changes) == wanted]
        return same[0] if same else None

    def gone(self, paths: Iterable[str]) -> list[Sent]:
        """The patches that changed none of PATHS."""
        wanted = set(paths)
        return [patch for patch in self.patches if not wanted & patch.changes.keys()]


def read(folder: Path) -> Previous:
    """The series in FOLDER, whose files end in .patch.  Raises NoSeries."""
    files = sorted(folder.glob("*.patch"))
    if not files:
        raise NoSeries(f"{folder}: no *.patch there; PREVIOUS= names a sent series")
    version, first, patches, prefix = 1, "", [], "PATCH"
    for file in files:
        mail = message_from_bytes(file.read_bytes(), policy=policy.default)
        assert isinstance(mail, EmailMessage), "by its policy"
        subject = " ".join(str(mail["Subject"] or "").split())
        tag = _TAG.match(subject)
        if tag is None:
            raise NoSeries(f"{file}: its subject does not begin with [PATCH]")
        prefix, number = _read_tag(tag["words"].split())
        version = max(version, number)
        first = first or str(mail["Message-ID"] or "").strip()
        text = mail.get_content()
        if "\ndiff --git " in text:
            message = text.partition("\n---\n")[0]
            patches.append(Sent(subject[tag.end() :], message, changes(text)))
    return Previous(version, first, tuple(patches), prefix)


def _read_tag(words: Sequence[str]) -> tuple[str, int]:
    """The prefix and the version of a mail with WORDS in brackets."""
    versions = [found for word in words if (found := _VERSION.match(word))]
    version = int(versions[-1]["number"]) if versions else 1
    kept = [w for w in words if not (_VERSION.match(w) or _COUNTED.match(w))]
    return " ".join(w for w in kept if w not in _ONCE), version


def changes(text: str) -> dict[str, tuple[str, ...]]:
    """The removed and added lines of each file of a patch, without their places.

    Example: {"fs/aio.c": ("-old();", "+new();")}."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.split("\n"):
        if line.startswith("diff --git a/"):
            path = line.rpartition(" b/")[2]
            lines = found.setdefault(path, [])
        elif line[:1] in ("-", "+") and line[:4] not in ("--- ", "+++ "):
            lines.append(line)
    return {path: tuple(each) for path, each in found.items()}


def changelog(
    previous: Previous, subject: str, message: str, now: Mapping[str, Sequence[str]]
) -> str:
    """What is to be said below the `---` of a patch with SUBJECT, MESSAGE and the
    changes NOW: what is new in it since PREVIOUS."""
    if not previous.version:
        return ""
    version = f"v{previous.version}"
    sent = previous.of(subject, now)
    if sent is None:
        return f"New since {version}.\n"
    found = _edited(sent, now)
    said = _said_anew(sent.message, message)
    if not found:
        found = ["the message only"] if said else ["none but the lines it applies to"]
    text = f"Changes since {version}: {'; '.join(found)}.\n"
    return f"{text}\nNew in the message:\n{paragraph(said)}\n" if said else text


def _edited(sent: Sent, now: Mapping[str, Sequence[str]]) -> list[str]:
    added, dropped = now.keys() - sent.changes.keys(), sent.changes.keys() - now.keys()
    found = [f"{path} is new" for path in sorted(added)]
    found += [f"{path} has nothing left to convert" for path in sorted(dropped)]
    for path in sorted(now.keys() & sent.changes.keys()):
        if tuple(now[path]) != tuple(sent.changes[path]):
            found.append(f"{_compared(sent.changes[path], now[path])} of {path}")
    return found


def _compared(before: Sequence[str], now: Sequence[str]) -> str:
    """Which lines are changed NOW, beside those BEFORE."""
    old, new = (Counter(x for x in each if x[:1] == "-") for each in (before, now))
    if old == new:
        return "other edits of the same lines"
    if old <= new:
        return "edits of more lines"
    return "edits of fewer lines" if new <= old else "edits of other lines"


def _said_anew(before: str, now: str) -> list[str]:
    """The sentences of a message NOW that were not in it BEFORE."""
    old = set(_sentences(before))
    return [each for each in _sentences(now) if each not in old]


def _sentences(text: str) -> list[str]:
    return [f"{each.rstrip('.')}." for each in " ".join(text.split()).split(". ")]
