# SPDX-License-Identifier: GPL-2.0-only
"""Addresses that are stored where others find them."""

from __future__ import annotations

from kmaplocal.c.text import plain
from kmaplocal.flow.events import Root
from kmaplocal.flow.events import Kind
from kmaplocal.steps.kept import Kept

# Members that hold the address of a kvec or a bio_vec, and who is given those.
_VECTOR = "iov_base"
_ITERATORS = ("iov_iter_kvec", "kernel_sendmsg", "kernel_recvmsg", "sock_sendmsg")


def vector(kept: Kept) -> str:
    """An address that becomes an entry of an I/O vector."""
    found = kept.root(Kind.STORED, Kind.ESCAPES, Kind.UNKNOWN)
    new = "a bio_vec and iov_iter_bvec() instead of a kvec"
    if found is not None and _is_behind(found[1], kept):
        return f"give {found[1].name}() the page: {new}"
    if found is None or not _is_vector(found[1]):
        return ""
    through, onto = found[0].place.callee, found[1].onto
    if through and through != onto:
        return f"give {through}() the page: {new}"
    if onto in _ITERATORS[1:]:
        return f"give {onto}() the page: {new}, and sock_sendmsg()"
    return f"give the page and not its address on: {new}"


def _is_vector(root: Root) -> bool:
    label = plain(root.name).replace("->", ".").split(".")[-1]
    return label == _VECTOR or root.onto in _ITERATORS


def _is_behind(root: Root, kept: Kept) -> bool:
    """Whether a callee that was not read is given an iterator, behind which a kvec of
    this function has the address."""
    held = any(
        _VECTOR in (e.children[0].label, e.children[0].text)
        for e in kept.function.exprs
        if e.kind == "assign"
    )
    made = kept.called().intersection(_ITERATORS[:1])
    return root.what == "unread" and bool(made) and held


def given_back(kept: Kept) -> str:
    """A place of the caller's, by a pointer to it."""
    place = kept.stored
    if not place.startswith("*"):
        return ""
    if kept.uses(Kind.MAPPED_AGAIN):
        kept_in = f"{place} keeps their addresses until others unmap"
        return f"vmap() these pages, which are mapped together: {kept_in}"
    put, told = kept.partner(), kept.callers_of(kept.name)
    end = f" and pass it to {put}()" if put else ""
    given = f"who get the address in {place}{end}"
    return f"let {told} of {kept.name}() map themselves, {given}"


def for_a_while(kept: Kept) -> str:
    """Stored, and unmapped by the same function."""
    place = kept.stored
    line = max((e.start[0] for e in kept.unmaps), default=0)
    if not place or not line or _stays(kept):
        return ""
    return (
        f"see that this thread alone reads {place}, and not after line {line}: then"
        f" {kept.renamed} will do; else give the reader the page, or a copy"
    )


def _stays(kept: Kept) -> bool:
    """Whether the function leaves the mapping to another, or another call of it."""
    return kept.leaks or bool(kept.uses(Kind.MAPPED_AGAIN))


def in_turn(kept: Kept) -> str:
    """Stored, and unmapped by another call, or another turn, of this function."""
    place = kept.stored
    own = kept.function.calls((kept.site.api.ends,))
    if not place or not own or not _stays(kept) or kept.partner():
        return ""
    if _is_array(kept, place):
        return f"unmap what {place} keeps from the last to the first, which ends last"
    if not kept.beside:
        return ""
    return (
        f"each time {place} gets another page, unmap and map again what was mapped"
        " after it: the last mapped ends first"
    )


def with_its_unmap(kept: Kept) -> str:
    """Stored where this thread alone finds it, and left to another function."""
    place, put = kept.stored, kept.partner()
    if not place or not _stays(kept):
        return ""
    names = f"{kept.name}() and {put}()" if put else f"all that unmap {place}"
    if kept.site.api.stacked:
        return (
            f"rename in {names} in one change: what kmap_atomic() gave is in this"
            " thread alone; see that mappings made between end in reverse order"
        )
    for structure in kept.structures():
        holder = _on_stack(kept, structure)
        if holder and _is_own(kept, structure):
            where = f"{place} lies on the stack of {holder}()"
            return f"convert {names} in one change: {where}"
        if holder:
            return (
                f"convert {names} in one change, if each {structure} lies on a stack as"
                f" in {holder}(): {place} is then of one thread"
            )
    return ""


def _is_own(kept: Kept, structure: str) -> bool:
    """Whether the file itself defines the STRUCTURE, and no header for others."""
    words = [token.text for token in kept.file.outline.code]
    wanted = [*structure.split(), "{"]
    return any(words[n : n + 3] == wanted for n in range(len(words)))


def kept(kept: Kept) -> str:
    """A place that keeps the address when the function is done."""
    place = kept.stored
    if not place or not _stays(kept):
        return ""
    put = kept.partner()
    until = f"{put}()" if put else "its unmap"
    return (
        f"{place} keeps the address until {until}: keep the page there and map it"
        " where it is read or written, or vmap() it where it is to stay mapped"
    )


def _is_array(kept: Kept, place: str) -> bool:
    """Whether the place is an element of an array of this function."""
    variable = kept.function.variables.get(place.split("[")[0])
    return "[" in place and variable is not None and "[" in variable.type


def _on_stack(kept: Kept, structure: str) -> str:
    """A function of the file with a variable that is such a STRUCTURE."""
    tag = structure.split()
    outline = kept.file.outline
    for span in outline.functions:
        seen = [t.text for t in outline.between(span.line, span.end)]
        inside = seen[seen.index("{") :] if "{" in seen else []
        for number, word in enumerate(inside[:-2]):
            if inside[number : number + 2] == tag and inside[number + 2].isidentifier():
                return span.name
    return ""
