# SPDX-License-Identifier: GPL-2.0-only
"""Patches as they are mailed: the text in a mail, or in each mail of a mailbox."""

from __future__ import annotations

import email
import re
from email.message import Message

# The line that starts a mail in a mailbox ends with a time and a year; a line of a
# commit message that starts with "From " does not.
_POSTMARK = re.compile(rb"^From \S+ .*\d\d:\d\d.* \d{4}(?: [-+]\d{4})?\s*$", re.M)
_HEADER = re.compile(rb"\A[A-Za-z][A-Za-z0-9-]*:[ \t]")


def texts(data: bytes) -> list[str]:
    """What DATA holds to be read as patches: the text of each mail when it is a
    mailbox or a mail, else all of it.  Bytes that are no UTF-8 survive."""
    starts = [mark.start() for mark in _POSTMARK.finditer(data)]
    if starts and not data[: starts[0]].strip():
        ends = [*starts[1:], len(data)]
        mails = [data[start:end] for start, end in zip(starts, ends)]
        return [_text(mail.partition(b"\n")[2]) for mail in mails]
    return [_text(data)]


def _text(data: bytes) -> str:
    message = email.message_from_bytes(data) if _HEADER.match(data) else None
    if message and (message["Subject"] or message["From"]):
        parts = [
            part for part in message.walk() if part.get_content_maintype() == "text"
        ]
        text = "\n".join(map(_decoded, parts))
    else:
        text = data.decode(errors="surrogateescape")
    return text.replace("\r\n", "\n")


def _decoded(part: Message) -> str:
    content = part.get_payload(decode=True)
    try:
        return content.decode(part.get_content_charset("utf-8"))
    except (LookupError, UnicodeDecodeError):
        return content.decode(errors="surrogateescape")
