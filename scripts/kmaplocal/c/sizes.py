# SPDX-License-Identifier: GPL-2.0-only
"""The sizes and signs of types that no header is read for."""

from __future__ import annotations

from kmaplocal.c.text import tokens

QUALIFIERS = {"const", "volatile", "static", "register", "signed", "restrict"}
QUALIFIERS |= {"__user", "__iomem", "__force", "__bitwise", "__rcu", "extern"}
QUALIFIERS |= {"__maybe_unused", "__restrict"}

# C's own, and those with their size in their name.
SIZES = {"void": 1, "char": 1, "short": 2, "int": 4, "unsigned": 4}
SIZES |= {f"{p}{s}{b}": b // 8 for p in ("", "__") for s in "us" for b in (8, 16, 32)}
SIZES |= {f"{p}{s}64": 8 for p in ("", "__") for s in "us"}
SIZES |= {f"{s}int{b}_t": b // 8 for s in ("", "u") for b in (8, 16, 32, 64)}
SIZES |= {f"__{e}e{b}": b // 8 for e in "lb" for b in (16, 32, 64)}
# Words of types whose size everyone knows: a number is written, no sizeof.
PLAIN = {*SIZES, "signed", "long", "size_t"}
SIZES |= {"bool": 1, "_Bool": 1, "uint": 4, "uchar": 1, "ushort": 2, "umode_t": 2}
SIZES |= {"loff_t": 8, "gfp_t": 4, "sector_t": 8, "blkcnt_t": 8}
LONGS = {"long", "size_t", "ssize_t", "pgoff_t", "uintptr_t", "ulong", "ptrdiff_t"}
UNSIGNED = {"unsigned", "bool", "_Bool", "size_t", "pgoff_t", "uintptr_t", "gfp_t"}
UNSIGNED |= {"sector_t", "blkcnt_t"}
UNSIGNED |= {"uint", "uchar", "ushort", "ulong", "umode_t"}
UNSIGNED |= {n for n in SIZES if n.lstrip("_")[:1] == "u" or n[:4] in ("__le", "__be")}

# The largest value of what is unsigned and has that many bytes.
NARROW = {1: 255, 2: 65535}


def base(type_: str) -> list[str]:
    """The words of a type without qualifiers."""
    return [w for w in tokens(type_) if w not in QUALIFIERS]


def basic_size(words: list[str], long: int) -> int | None:
    """The size of a basic type from its words, e.g. unsigned long int."""
    words = [w for w in words if w not in QUALIFIERS]
    if not words:
        return None
    if words.count("long") == 2:
        return 8
    if len(words) == 1 and words[0] in LONGS or "long" in words:
        return long
    named = [word for word in words if word != "unsigned"]
    known = [SIZES[word] for word in named if word in SIZES]
    if len(known) < len(named):
        return None
    return min(known, default=4)


def plain_size(type_: str, long: int) -> int | None:
    """The size of one of C's own types, or of one with its size in its name; None
    of any other, whose size one has to look up."""
    words = type_.split()
    return None if set(words) - PLAIN else basic_size(words, long)


def fixed_size(type_: str) -> int | None:
    """The same, where it is one whatever the size of a long."""
    small, large = (plain_size(type_, long) for long in (4, 8))
    return small if small == large else None


def pointee(type_: str) -> str | None:
    """What a pointer or array of this type points at, or None."""
    words = base(type_)
    if "[" in words:
        first = words.index("[")
        return " ".join(words[:first] + words[words.index("]", first) + 1 :])
    if words[-1:] == ["*"]:
        return " ".join(words[:-1])
    return None
