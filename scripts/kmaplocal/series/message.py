# SPDX-License-Identifier: GPL-2.0-only
"""The message of a patch: why the old calls go, why the new ones are safe, what
else was changed, and how it was checked.

Each sentence follows from what account.py found in this file; one that nothing
in it asks for is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kmaplocal.series import changes, safety
from kmaplocal.series.account import Account, Function, Mapping
from kmaplocal.series.prefix import Style
from kmaplocal.series.words import calls, functions, paragraph, plural, together

LOCAL_CALL = "kmap_local_page"


def subject(accounts: Sequence[Account], style: Style) -> str:
    """The subject of a patch, without [PATCH]: "fs/aio: Replace kmap() by ..."."""
    mappings = [m for a in accounts for f in a.functions for m in f.mappings]
    new = {m.new for m in mappings}
    verb = "Replace" if style.capital else "replace"
    with_ = f"{LOCAL_CALL}()"
    if len(new) == 1:
        with_ = f"{min(new)}()"
    elif all(m.helped for m in mappings):
        with_ = "page helpers"
    elif not any(m.mapped for m in mappings):
        with_ = "page_address()"
    return f"{style.prefix}: {verb} {together(m.api for m in mappings)} with {with_}"


def body(accounts: Sequence[Account]) -> str:
    """The text between subject and trailers, in paragraphs of 72 columns."""
    found = [f for a in accounts for f in a.functions]
    own = {a.path for a in accounts}
    paragraphs = [
        paragraph(_why(found)),
        paragraph(
            [*safety.local(found, own), *safety.order(found), *safety.paths(found)]
        ),
        paragraph(safety.context(found)),
        paragraph(changes.sentences(found)),
    ]
    return "\n\n".join(text for text in paragraphs if text) + "\n"


def notes(accounts: Sequence[Account]) -> str:
    """What stands below the `---`: comments that a person is to look at."""
    outdated = [note for a in accounts for note in a.outdated]
    return "".join(f"{note}\n" for note in outdated)


# -- why the old calls go ------------------------------------------------------


def _why(found: Sequence[Function]) -> Iterator[str]:
    slow = [f for f in found if any(not m.atomic for m in f.mappings)]
    atomic = [f for f in found if any(m.atomic for m in f.mappings)]
    if slow:
        yield (
            f"{_maps(slow, False)} with kmap(), which is deprecated: its addresses come"
            " from a small pool behind a global lock, it sleeps until one is free when"
            " all are taken, and the TLBs of all CPUs are flushed when the pool wraps"
        )
    if atomic:
        yield _atomic(atomic, bool(slow))
    yield from _instead(found, bool(slow))


def _maps(found: Sequence[Function], atomic: bool) -> str:
    """ "a() and b() map pages", of mappings by kmap_atomic() or by kmap()."""
    count = sum(m.atomic == atomic for f in found for m in f.mappings)
    what = plural(count, "a page", "pages")
    names = [f.name for f in found]
    return f"{functions(names)} {plural(len(names), 'maps', 'map')} {what}"


def _atomic(found: Sequence[Function], also: bool) -> str:
    """Why kmap_atomic() goes; ALSO: kmap() goes for another reason."""
    mappings = [m for f in found for m in f.mappings if m.atomic]
    name = together(m.api for m in mappings)
    new = calls(sorted({m.new for m in mappings if m.mapped}))
    if also:
        text = f"{_maps(found, True)} with {name}, which is deprecated, too: it"
    else:
        unlike = f", unlike {new}," if new else ""
        text = f"{_maps(found, True)} with the deprecated {name}, which{unlike}"
    text += " disables page faults and preemption along with the mapping"
    own = [m for f in found if not f.hands for m in f.mappings if m.atomic]
    if any(m.disabled for m in mappings) or not own:
        return text
    so = ", so that neither is to be disabled by name" if also else ""
    return text + _needless(own) + so


def _needless(mappings: Sequence[Mapping]) -> str:
    """That nothing between map and unmap relies on that, and what there is."""
    names = list(dict.fromkeys(n for m in mappings for n in m.between))
    pointers = any(m.pointers for m in mappings)
    by_name = " by name" if pointers else ""
    if not names:
        return f", and nothing is called{by_name} in between that could rely on that"
    if len(names) == 1 and not pointers:
        return f". {calls(names)}, all that is called in between, does not rely on that"
    where = f"called{by_name} in between"
    return f". What is {where}, {calls(names)}, does not rely on that"


def _instead(found: Sequence[Function], slow: bool) -> Iterator[str]:
    """What takes the place of the old calls, and what that has over them."""
    mappings = [m for f in found for m in f.mappings]
    if not mappings:
        return
    mapped = sorted({m.new for m in mappings if m.mapped})
    helpers = sorted({m.new for m in mappings if m.helped})
    if not mapped and helpers:
        names, verb = calls(helpers), plural(len(helpers), "maps", "map")
        yield f"{names} {verb} for this thread alone, and only for as long as it takes"
        return
    if not slow or not mapped:
        return
    yield (
        f"Use {calls(mapped)}: its mappings belong to the thread and the CPU, so that"
        " it needs no lock and no global flush, is faster with HIGHMEM and can be"
        " called in any context, interrupts included"
    )
    if any(m.atomic for m in mappings):
        yield (
            "Page faults can be taken and the thread can be preempted meanwhile; the"
            " address is valid again when it runs again"
        )
