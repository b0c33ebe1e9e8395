# SPDX-License-Identifier: GPL-2.0-only
"""Functions that are read once for each choice of arms of their `#if`s.

A reading is analysed like a file with one function in it; what is said of the
function is what all of its readings say together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from kmaplocal.certify import gaps
from kmaplocal.knowledge import api
from kmaplocal.certify.certificate import DISABLE, Certificate, Doubt, Verdict
from kmaplocal.certify.doubts import SYNTAX
from kmaplocal.c import arms
from kmaplocal.c.arms import Arms, Kernels, Reading, TooMany, where
from kmaplocal.tree.facts import Facts, Piece
from kmaplocal.c.oldcalls import old_calls
from kmaplocal.tree.outcome import Lost
from kmaplocal.c.outline import Span
from kmaplocal.tree.spatch import LATE

ATOMIC = {name for name, call in api.MAPS.items() if call.atomic}


def read(made, files) -> list:
    """The readings of the functions of FILES, which MADE, an Analysis, has read as
    files: those that have more than one way to be read are not analysed as they are."""
    found = [
        each
        for file in files
        for span in (file.wanted if file.pending else ())
        for each in _of_function(file, span, made.kernels)
    ]
    _learn(found, made)
    for file in files:
        for each in file.readings.values():
            _look_beside(each)
    return found


def read_further(made, file, spans: Iterable[Span]) -> list:
    """The readings of the functions SPANS of FILE, which MADE has read as a file, but
    not with them."""
    found = [r for span in spans for r in _of_function(file, span, made.kernels)]
    _learn(found, made)
    return found


def _learn(found: Sequence, made) -> None:
    """Have the readings FOUND read; what spatch does not understand of one so again,
    without all that stands beside the function, unless that took too long."""
    _ask(found, made)
    lost = [reading for reading in found if reading.lost and not reading.late]
    for reading in lost:
        reading.excerpt = reading.outline.alone(reading.wanted)
    _ask(lost, made)


def _ask(found: Sequence, made) -> None:
    late = [reading for reading in found if reading.late]  # with all its file
    for some, part in (([r for r in found if not r.late], 1), (late, LATE)):
        facts = made.facts([_piece(reading) for reading in some], part=part)
        for reading, each in zip(some, facts):
            _know(reading, each, made.view.calls)


def _look_beside(readings: Sequence) -> None:
    """Note in READINGS that map where another, which does not, disables page faults or
    preemption by name: what follows is written to count on it."""
    for what, (disable, _) in DISABLE.items():
        others = [r for r in readings if _calls(r, {disable})]
        if any(not _calls(r, ATOMIC) for r in others):
            for reading in (r for r in readings if not _calls(r, {disable})):
                reading.beside |= {what}


def _calls(reading, names: Collection[str]) -> bool:
    return any(function.calls(names) for function in reading.source.functions)


def _of_function(file, span: Span, kernels: Kernels) -> list:
    if file.outline.unreadable(span) or (file.late and len(file.wanted) < 2):
        return []
    try:
        chosen = _chosen(file, span, kernels)
    except TooMany as error:
        file.lost = _others(file, span)
        file.lose(span, str(error))
        return []
    if chosen:
        file.lost = _others(file, span)
        file.readings[span.line] = [_reading(file, span, each) for each in chosen]
    return file.readings.get(span.line, [])


def _chosen(file, span: Span, kernels: Kernels) -> list[Reading]:
    """The readings of a function; where spatch did not read it otherwise, also by an
    #if that changes nothing of interest, and without the other functions of the file,
    of which one may have misled it."""
    lost = span.line in {*file.unclear, *(each.line for each in file.lost)}
    matter, every = (Arms(file.outline, span, kernels, all_) for all_ in (False, True))
    found = matter.readings() or (every.readings() if lost else [])
    beside = len(file.wanted) > 1
    return found or ([matter.whole()] if lost and beside else [])


def _others(file, span: Span) -> list[Lost]:
    """What FILE lost but SPAN."""
    return [lost for lost in file.lost if lost.line != span.line]


def _reading(file, span: Span, chosen: Reading):
    outline = file.outline.without(chosen.hidden)
    excerpt = outline.excerpt([span])
    empty: dict = {"analyses": {}, "verdicts": [], "lost": [], "readings": {}}
    own = {"outline": outline, "excerpt": excerpt, "wanted": [span], "reading": chosen}
    return replace(file, partners=set(), tied=set(), **own, **empty)


def _piece(reading) -> Piece:
    held = gaps.holds_conditional(reading.outline, reading.wanted)
    return Piece(reading.path, reading.excerpt, held)


def _know(reading, facts: Facts, calls: Collection[str]) -> None:
    span = reading.wanted[0]
    reading.source, reading.late = facts.source, facts.late
    facts.source.functions = [
        f for f in facts.source.functions if gaps.settle(f, reading.wanted)
    ]
    lost = gaps.lost(reading, facts.lost, calls)
    reading.lost = [each for each in lost if each.line == span.line]
    gaps.note_gaps(facts.source, reading.wanted, facts.lost, reading.outline)


# -- what all say -------------------------------------------------------------


def join(files) -> None:
    """Give FILES one verdict for each function with readings, or say why not."""
    for file in files:
        for line, each in file.readings.items():
            lost = lost_of(each)
            if lost:
                file.lost.append(lost)
            else:
                file.verdicts.append(_verdict(file, line, each))


def said(readings: Sequence, some: Sequence, text: str) -> str:
    """TEXT, which SOME of all READINGS say, and where they do."""
    place = where([r.reading for r in some], [r.reading for r in readings])
    return f"{text} (where {place})" if place else text


def lost_of(readings: Sequence) -> Lost | None:
    """What of a function was not read, by its READINGS."""
    bad = [each for each in readings if each.lost]
    if not bad:
        return None
    lost = bad[0].lost[0]
    alike = [each for each in bad if each.lost[0].reason == lost.reason]
    return replace(lost, reason=said(readings, alike, lost.reason))


def _verdict(file, line: int, readings: Sequence) -> Verdict:
    span = readings[0].wanted[0]
    verdict = Verdict(file.path, span.name, line)
    verdicts = [(n, r, v) for n, r in enumerate(readings) for v in r.verdicts]
    doubts: dict[Doubt, list] = {}
    found: dict[tuple[int, int], dict[int, Certificate]] = {}
    for number, reading, each in verdicts:
        for doubt in each.doubts:
            doubts.setdefault(doubt, []).append(reading)
        for certificate in each.certificates:
            place = certificate.mapping.line, certificate.mapping.column
            found.setdefault(place, {})[number] = certificate
    verdict.doubts = [
        replace(doubt, reason=said(readings, some, doubt.reason))
        for doubt, some in doubts.items()
    ]
    verdict.doubts += _unread(file, span, readings)
    verdict.certificates = [_certificate(readings, each) for each in found.values()]
    return verdict


def _certificate(readings: Sequence, found: dict[int, Certificate]) -> Certificate:
    """What those FOUND, by the number of the reading, say of one mapping together: of
    each obligation the worst."""
    first = next(iter(found.values()))
    obligations = []
    for number, own in enumerate(first.obligations):
        every = {r: each.obligations[number] for r, each in found.items()}
        worst = next((o for o in every.values() if not o.good), own)
        if not worst.good:
            some = [readings[r] for r, o in every.items() if o == worst]
            worst = replace(worst, evidence=said(readings, some, worst.evidence))
        obligations.append(worst)
    events = tuple(event for each in found.values() for event in each.events)
    return replace(first, events=events, obligations=tuple(obligations))


def _unread(file, span: Span, readings: Sequence) -> list[Doubt]:
    """The old calls that none of READINGS has."""
    hidden = frozenset.intersection(*(each.reading.hidden for each in readings))
    return [
        Doubt(
            SYNTAX,
            call.line,
            call.column,
            f"{call.name}() is in an arm of an #if that was not read:"
            f" it is {_for_whom(file, call.line)}",
        )
        for call in old_calls(file.outline, api.OLD)
        if call.span == span and call.line in hidden
    ]


def _for_whom(file, line: int) -> str:
    never = arms.is_never_compiled(file.outline, line)
    return "never compiled" if never else "for other kernels"
