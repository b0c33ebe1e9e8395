# SPDX-License-Identifier: GPL-2.0-only
"""Context: is what kmap_atomic() disabled, and the code needs, still disabled?

No compiler sees that a kmap_local_page() lacks a pagefault_disable() beside it.
The code as it was is certified; where it depends on page faults or preemption
being off, the code as it is has to say so itself.
"""

from __future__ import annotations

from pathlib import Path

from kmaplocal.knowledge import functions
from kmaplocal.certify.analysis import Analysis
from kmaplocal.certify.certificate import FAULTS, HOLDS, PREEMPT, Certificate, Verdict
from kmaplocal.prove import record
from kmaplocal.prove.bench import BEFORE, Bench, Result
from kmaplocal.knowledge import api
from kmaplocal.tree.definitions import Definitions
from kmaplocal.tree.outcome import Lost
from kmaplocal.tree.spatch import find_spatch

_DISABLED_BY = {FAULTS: functions.FAULTS_OFF_BY, PREEMPT: functions.PREEMPT_OFF_BY}
_MEANS = {FAULTS: "page faults", PREEMPT: "preemption"}
_ATOMIC = {name for name, call in api.MAPS.items() if call.atomic}


def results(bench: Bench, timeout: float, jobs: int | None) -> list[Result]:
    """What there is to say of each file of the bench. Errors: SpatchMissing,
    TagsError, OSError."""
    concerned = [path for path in bench.aligned if _loses_atomic(bench, path)]
    bench.show(BEFORE)
    # Callees are looked up in the tree itself: grep does not follow the links.
    analysis = Analysis(
        bench.farm.folder, find_spatch(), timeout, jobs, Definitions(bench.root)
    )
    files = analysis.run(map(str, concerned)) if concerned else {}
    found = []
    for path in bench.aligned:
        file = files.get(str(path))
        verdicts, lost = (file.verdicts, file.lost) if file else ([], [])
        found.append(_result(bench, path, verdicts, lost))
    return found


def _loses_atomic(bench: Bench, path: Path) -> bool:
    """Whether some function of PATH has fewer calls that disable something."""
    return any(
        bench.lost_words(path, function) & _ATOMIC for function in bench.changed(path)
    )


def _result(
    bench: Bench, path: Path, verdicts: list[Verdict], lost: list[Lost]
) -> Result:
    door, remarks, against = record.CONTEXT, [], 0
    changed = {function.name: function for function in bench.changed(path)}
    for verdict in verdicts:
        function = changed.get(verdict.function)
        if function and bench.lost_words(path, function) & _ATOMIC:
            gained = bench.gained_words(path, function)
            for certificate in verdict.certificates:
                remarks += _needs(bench, certificate, gained)
    against = len(remarks)
    unread = [gap for gap in lost if gap.function in changed]
    for gap in unread:
        place = bench.place(str(path), gap.line)
        remarks.append(f"{place}: {door}: not analysed: {gap.function}: {gap.reason}")
    if against:
        return Result(path, door, record.FAILED, f"{against} new", "", remarks)
    if unread:
        return Result(path, door, record.UNCHECKED, "-", "", remarks)
    return Result(path, door, record.PASSED, "ok")


def _needs(bench: Bench, certificate: Certificate, gained: set[str]) -> list[str]:
    """What the mapping of CERTIFICATE needs to have disabled, a line each, where none
    of the words GAINED by its function disables it."""
    found, mapping = [], certificate.mapping
    for obligation in certificate.obligations:
        by = _DISABLED_BY.get(obligation.name)
        if not by or obligation.state == HOLDS or gained & set(by):
            continue
        place = bench.place(mapping.file, obligation.line or mapping.line)
        found.append(
            f"{place}: {record.CONTEXT}: {mapping.function} needs"
            f" {_MEANS[obligation.name]} disabled, and {mapping.api}() no longer does:"
            f" {obligation.evidence}"
        )
    return found
