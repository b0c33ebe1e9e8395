# SPDX-License-Identifier: GPL-2.0-only
"""The mails of a series: what git wrote, with its recipients, notes and cover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from pathlib import Path

from kmaplocal.series.recipients import Recipients
from kmaplocal.series.words import paragraph

_SUBJECT, _BLURB = "*** SUBJECT HERE ***", "*** BLURB HERE ***"


@dataclass(frozen=True)
class Patch:
    """One patch of the series: its files, subject, message and recipients, what stands
    below its `---`, and trailers that the tree's history proves."""

    paths: tuple[str, ...]
    subject: str
    body: str
    recipients: Recipients = field(default_factory=Recipients)
    notes: str = ""
    trailers: tuple[str, ...] = ()

    def with_sentences(self, more: Sequence[str]) -> Patch:
        """The patch with a paragraph of MORE sentences at the end of its message."""
        if not more:
            return self
        return replace(self, body=f"{self.body}\n{paragraph(more)}\n")

    def message(self, sign_off: str) -> str:
        """The commit message, with the trailer SIGN_OFF ("": none)."""
        lines = [*self.trailers, *([sign_off] if sign_off else [])]
        trailers = "".join(f"{line}\n" for line in lines)
        return f"{self.subject}\n\n{self.body}" + (f"\n{trailers}" if lines else "")


def complete(file: Path, patch: Patch) -> None:
    """Put recipients and notes into the mail that git wrote to FILE."""
    text = file.read_bytes()
    head, _, rest = text.partition(b"\n\n")
    head = _unfolded(head)
    head += b"\n" + patch.recipients.headers().encode()
    text = head.rstrip(b"\n") + b"\n\n" + rest
    if patch.notes:
        mark = b"\n---\n"
        message, _, diff = text.partition(mark)
        text = message + mark + b"\n" + patch.notes.encode() + b"\n" + diff
    file.write_bytes(text)


def complete_cover(file: Path, subject: str, text: str, to: Recipients) -> None:
    """Make of git's template in FILE a cover letter with SUBJECT and TEXT."""
    before, _, after = file.read_bytes().partition(b"\n\n")
    head, rest = (
        t.decode(errors="surrogateescape") for t in (_unfolded(before), after)
    )
    head = head.replace(_SUBJECT, subject)
    rest = rest.replace(_BLURB, text.rstrip("\n"))
    head = (head + "\n" + to.headers()).rstrip("\n")
    file.write_bytes(f"{head}\n\n{rest}".encode(errors="surrogateescape"))


def _unfolded(head: bytes) -> bytes:
    """HEAD with its subject in one line.

    A header line may have 998 characters (RFC 5322, 2.1.1); git am, git send-email and
    Python's parser take it so or folded, b4 am of a local mailbox only so."""
    lines: list[bytes] = []
    folding = False
    for line in head.split(b"\n"):
        if folding and line.startswith((b" ", b"\t")):
            lines[-1] += b" " + line.lstrip()
            continue
        folding = line.startswith(b"Subject:")
        lines.append(line)
    return b"\n".join(lines)


def subjects(files: Sequence[Path]) -> list[str]:
    """The subjects of mails, as a mail program shows them."""
    found = []
    for file in files:
        mail = message_from_bytes(file.read_bytes(), policy=policy.default)
        found.append(" ".join(str(mail["Subject"]).split()))
    return found
