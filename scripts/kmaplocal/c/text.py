# SPDX-License-Identifier: GPL-2.0-only
"""Words of C: literals, types, and expressions as a person would write them."""

from __future__ import annotations


def integer(text: str) -> int | None:
    """The value of an integer literal of C, or None."""
    digits = text.rstrip("uUlL") if text[:1].isdigit() else ""
    try:
        if digits[:1] == "0" and digits.isdigit():
            return int(digits, 8)
        return int(digits, 0) if "_" not in digits else None
    except ValueError:
        return None


def plain(text: str) -> str:
    """The text of an expression as a person would write it."""
    found = ""
    for word in text.split():
        tight = word in ("(", "[") and found[-1:].isidentifier()
        tight = tight or word in (")", "]", ",", "->", ".", "++", "--", "[")
        tight = tight or found[-1:] in ("(", "[", "~", "!", ".") or found[-2:] == "->"
        found += word if tight or not found else " " + word
        if word in ("*", "&") and _is_prefix(found[: -len(word)]):
            found += "\0"  # what follows is its operand
    return found.replace("\0 ", "").replace("\0", "")


def _is_prefix(before: str) -> bool:
    """Whether `*` or `&` after this text is an operator with one operand."""
    last = before.rstrip()[-1:]
    return not last or not (last.isidentifier() or last.isdigit() or last in ")]\"'")


def tokens(text: str) -> list[str]:
    """The words of a type or size as a caller writes it: "sizeof(u8)"."""
    for mark in "()[]*":
        text = text.replace(mark, f" {mark} ")
    return text.split()
