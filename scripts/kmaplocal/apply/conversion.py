# SPDX-License-Identifier: GPL-2.0-only
"""Converts one analysed file: plan, semantic patches, and a last look.

The semantic patches run on the excerpt that was analysed; what they change is
applied to the whole file by line.  Then every function is looked at once
more: one that still holds an old call, or lost more than it should, is not
converted, nor what is converted with it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from kmaplocal.apply import agreement, braces, comments, edits
from kmaplocal.knowledge import api
from kmaplocal.c import lexer
from kmaplocal.cache.incremental import Dependencies
from kmaplocal.c.arms import Kernels
from kmaplocal.c.conditions import Version
from kmaplocal.certify.analysis import Analysis, FileAnalysis, Scope, everywhere
from kmaplocal.certify.rewritten import Carried
from kmaplocal.certify.certificate import CONVERT, Verdict
from kmaplocal.certify.certificate import Doubt as Against
from kmaplocal.certify.doubts import SYNTAX
from kmaplocal.certify.parallel import Names, analysed, dependencies_of, names_in
from kmaplocal.certify.view import APPLY, OFFERS
from kmaplocal.tree.definitions import Definitions
from kmaplocal.tree.outcome import Doubt, Lost, Outcome, Outdated
from kmaplocal.c.outline import Outline
from kmaplocal.apply.plan import Plan, make_plan, offer
from kmaplocal.tree.patching import NotPatched, patched
from kmaplocal.tree.target import target
from kmaplocal.tree.spatch import LATE, Spatch, is_late
from kmaplocal.progress import Progress

RULES = Path(__file__).resolve().parents[3] / "cocci" / "kmap_local.cocci"

TIMEOUT = 120.0
# What changes with others may have none of the words that spatch looks for first.
JOINED = "--disable-worth-trying-opt"


class NotApplied(Exception):
    """The semantic patch did not do what the plan says; why."""


@dataclass(frozen=True)
class Conversion:
    """Converts one of FILES, which were analysed together, when it is called."""

    files: Mapping[str, FileAnalysis]
    spatch: Spatch
    timeout: float
    offering: bool = False  # helpers, for what is local already

    @property
    def joined(self) -> list[Path]:
        """The files that change with others, and have no call of interest."""
        return [Path(p) for p, file in sorted(self.files.items()) if file.joined]

    def __call__(self, path: Path) -> Outcome:
        """What becomes of the file at PATH, if its partners come along."""
        made = offered if self.offering else convert
        return made(self.files[str(path)], self.spatch, self.timeout)


def prepare(
    root: Path,
    paths: Sequence[Path],
    spatch: Spatch,
    request,
    progress: Progress,
    idioms: bool = False,
    scope: Scope = everywhere,
) -> Conversion:
    """Analyse PATHS below ROOT together, callees all over the tree included; for
    nothing but IDIOMS of what is local already.  Files in SCOPE may be changed with
    them.

    REQUEST says how many `jobs` at a time, the `timeout` of one spatch, and what the
    tree is for, its `target()`.
    Errors: TagsError, OSError."""
    aim = request.target(root)
    tree = aim.definitions()
    view = OFFERS if idioms else APPLY
    given = (root, spatch, request.timeout, request.jobs, tree)
    analysis = Analysis(*given, view=view, kernels=aim.kernels, scope=scope)
    files = analysis.run([str(path) for path in paths], progress)
    return Conversion(files, spatch, request.timeout, idioms)


def prepare_rest(
    root: Path,
    left: Sequence[Path],
    paths: Sequence[Path],
    spatch: Spatch,
    request,
    tree: Definitions,
    names: Names | None,
    progress: Progress,
    scope: Scope,
) -> tuple[Conversion, Dependencies, bool]:
    """The same of those of PATHS that are LEFT to be looked at, by what is known of
    TREE, and by the NAMES of the functions of PATHS, where they are known; what it
    rests on; and whether spatch failed.  Errors: TagsError, OSError."""
    given = (root, spatch, request.timeout, request.jobs, tree)
    kernels = request.target(root).kernels
    first = Analysis(*given, kernels=kernels, scope=scope)
    mine, every = list(map(str, left)), list(map(str, paths))
    names = names_in(first, every) if names is None else names
    analysis, files = analysed(first, mine, every, names, progress)
    found = Conversion(files, spatch, request.timeout)
    return found, dependencies_of(analysis, mine, names), analysis.failed


def plan_file(
    path: Path,
    spatch: Spatch,
    oldest: Version | None = None,
    source: Path | None = None,
    idioms: bool = False,
) -> tuple[Plan, list[Lost]]:
    """The plan for one file, which is for kernels from the OLDEST on, and what of it
    was not analysed, knowing nothing of any other file, but where SOURCE, a kernel, is
    given: that, and the folder of the file.  IDIOMS: only for what is local already.
    Errors: BadTarget, NotAKernelTree, TagsError, OSError."""
    file = Path(os.path.abspath(path))
    aim = target(file.parent, source, oldest) if source else None
    kernels = aim.kernels if aim else Kernels(oldest=oldest)
    tree = aim.definitions() if aim else None
    given = (file.parent, spatch, TIMEOUT, 1, tree)
    view = OFFERS if idioms else APPLY
    analysis = Analysis(*given, view=view, kernels=kernels)
    found = analysis.run([file.name])[file.name]
    plan = offer(found) if idioms else make_plan(found)
    if not idioms:
        _add_readings(plan, found)
    if plan.trouble:
        lost = [Lost(found.path, 0, "", f"not applied: {plan.trouble}")]
        return Plan(), [*found.lost, *lost]
    return plan, [*found.lost, *_left(found, plan)]


def _left(file: FileAnalysis, plan: Plan) -> list[Lost]:
    """The functions of FILE that PLAN leaves as they are, and why."""
    return [
        Lost(file.path, v.line, v.function, f"not applied: {why}")
        for v, why in plan.left
    ]


def _add_readings(plan: Plan, file: FileAnalysis) -> None:
    """Add to PLAN what the readings of a function agree on, where spatch reads all of
    it as it is."""
    whole = {f.line for f in file.source.functions if not f.unread}
    for verdict in _by_readings(file):
        try:
            with _kept(file, verdict):
                if verdict.line not in whole:
                    raise NotApplied(f"{verdict.function}() is read arm by arm")
                for each in agreement.plans(file.readings[verdict.line]):
                    plan.edits.update(each.edits)
        except NotApplied as error:
            plan.trouble = str(error)


def _by_readings(file: FileAnalysis) -> list[Verdict]:
    """The functions to convert that have several readings."""
    found = (v for v in file.verdicts if v.line in file.readings)
    return [v for v in found if v.verdict == CONVERT and _has_old(file, v)]


def _has_old(file: FileAnalysis, verdict: Verdict) -> bool:
    analyses = (j for r in file.readings[verdict.line] for j in r.analyses.values())
    return any(analysis.function.calls(api.OLD) for analysis in analyses)


@contextmanager
def _kept(file: FileAnalysis, verdict: Verdict) -> Iterator[None]:
    """Keep the function of VERDICT where its readings do not agree.  Raises NotApplied
    where others are converted with it."""
    try:
        yield
    except (agreement.Disagreement, NotApplied) as error:
        if verdict.line in file.tied:
            raise NotApplied(str(error)) from None
        verdict.doubts.append(Against(SYNTAX, verdict.line, 0, str(error)))


def convert(file: FileAnalysis, spatch: Spatch, timeout: float) -> Outcome:
    """What becomes of an analysed file, as it was when it was read."""
    return _outcome(file, make_plan(file), spatch, timeout)


def offered(file: FileAnalysis, spatch: Spatch, timeout: float) -> Outcome:
    """What becomes of an analysed file by helpers for what is local already; nothing
    is said of what has none."""
    made = _outcome(file, offer(file), spatch, timeout)
    return replace(made, kept=(), unfound=frozenset())


def _outcome(file: FileAnalysis, plan: Plan, spatch: Spatch, timeout: float) -> Outcome:
    """What PLAN makes of an analysed file."""
    before = file.outline.whole.encode(errors="surrogateescape")
    lost = list(file.lost)
    after = before
    outdated: tuple[Outdated, ...] = ()
    try:
        plan, text, outdated = _as_planned(file, plan, spatch, timeout)
        after = text.encode(errors="surrogateescape")
    except NotApplied as error:
        functions = [*plan.functions, *(v for v, _ in plan.left)]
        lost += [
            Lost(file.path, v.line, v.function, f"not applied: {error}")
            for v in functions
        ]
        lost += [
            Lost(file.path, 0, name, f"not applied: {error}")
            for name in plan.declared
            if name not in plan.gains
        ]
        plan = Plan()
    lost += _left(file, plan)
    converted = tuple(v.function for v in plan.functions)
    kept = _doubts(file)
    mappings = sum(len(v.certificates) for v in plan.functions)
    return Outcome(
        Path(file.path),
        before,
        after,
        converted,
        kept,
        tuple(lost),
        mappings,
        outdated,
        frozenset(file.partners),
        _unfound(file, kept),
    )


def _as_planned(
    file: FileAnalysis, plan: Plan, spatch: Spatch, timeout: float
) -> tuple[Plan, str, tuple[Outdated, ...]]:
    """PLAN, without the functions that cannot be changed as it says where the others
    are converted without them, and the text and the comments after it.  Where all of
    them took too long, each is given part of that time, and without the others.
    Raises NotApplied."""
    lines = [verdict.line for verdict in plan.functions]
    try:
        return plan, *_converted(file, plan, spatch, timeout)
    except NotApplied as error:
        if len(lines) < 2 or plan.trouble or _joins(file, lines):
            raise
        late = is_late(str(error))
    left, good = [*plan.left], []
    for verdict in [v for v in plan.functions if v.line in lines]:
        try:
            alone = make_plan(file, only=[verdict.line])
            part = _apart(file, [verdict.line]) if late else file
            _converted(part, alone, spatch, timeout * LATE if late else timeout)
            good.append(verdict.line)
        except NotApplied as error:
            left.append((verdict, str(error)))
    plan = make_plan(file, only=good)
    plan.left = left
    file = _apart(file, good) if late else file
    return plan, *_converted(file, plan, spatch, timeout)


def _apart(file: FileAnalysis, lines: Sequence[int]) -> FileAnalysis:
    """FILE with nothing to be read but its functions at LINES."""
    spans = [s for s in file.wanted if any(s.line <= n <= s.end for n in lines)]
    return replace(file, excerpt=file.outline.excerpt(spans))


def _joins(file: FileAnalysis, lines: Sequence[int]) -> bool:
    """Whether one of the functions at LINES is converted with others."""
    return bool(file.carried or file.partners or file.tied.intersection(lines))


def _unfound(file: FileAnalysis, kept: Sequence[Doubt]) -> frozenset[str]:
    """The functions that keep something as nobody found them."""
    analysis = next(file.every_analysis(), None)
    reasons = [doubt.reason for doubt in kept]
    return analysis.knowledge.callees.unfound(reasons) if analysis else frozenset()


def _doubts(file: FileAnalysis) -> tuple[Doubt, ...]:
    """The reasons of every function that is kept."""
    return tuple(
        Doubt(file.path, d.line, d.column + 1, v.function, d.obligation, d.reason)
        for v in file.verdicts
        if v.verdict != CONVERT
        for d in v.reasons()
    )


def _converted(
    file: FileAnalysis, plan: Plan, spatch: Spatch, timeout: float
) -> tuple[str, tuple[Outdated, ...]]:
    """The text of the whole file after the plan, and the comments in it to be read
    again.  Raises NotApplied."""
    text = file.outline.whole
    if plan.trouble:
        raise NotApplied(plan.trouble)
    finished = [] if plan.empty else _edits(file, plan, spatch, timeout)
    for verdict in _by_readings(file):
        with _kept(file, verdict):
            readings = file.readings[verdict.line]
            plans = agreement.plans(readings)
            made = [
                _edits(reading, each, spatch, timeout) if each.functions else []
                for reading, each in zip(readings, plans)
            ]
            finished += agreement.merged(readings, made)
            plan.functions.append(verdict)
    if plan.empty:
        return text, ()
    finished += [edits.Edit(n, n, (line,)) for n, line in plan.describes.items()]
    finished.sort(key=lambda edit: (edit.first, edit.last))
    # What is for no kernel of those asked about may keep its calls.
    after = edits.applied(file.outline.text, finished)
    found = _look_again(file.outline, after, plan, finished, file.carried)
    outdated = tuple(Outdated(file.path, *where) for where in found)
    return edits.applied(text, finished), outdated


def _edits(
    file: FileAnalysis, plan: Plan, spatch: Spatch, timeout: float
) -> list[edits.Edit]:
    """What the semantic patch changes in a file, or in one reading of a function of
    it.  Raises NotApplied."""
    result = _run(file, plan, spatch, timeout)
    lines, excerpt = file.outline.whole.split("\n"), file.excerpt.split("\n")
    made = edits.changes(file.excerpt, result, plan.statements)
    made = [edits.trimmed(edit, excerpt, lines) for edit in made]
    for edit in made if file.reading is None else ():
        if lines[edit.first : edit.last] != excerpt[edit.first : edit.last]:
            raise NotApplied(f"line {edit.first + 1} is not what was analysed")
    parted = [edits.parted(edit, plan.parted) for edit in made]
    parted = [e for edit in parted for e in edits.opened(edit, plan.opened, lines)]
    finished = [edits.laid_out(edit, lines, plan.statements) for edit in parted]
    finished = edits.closed_up(edits.with_else(finished, lines), lines)
    return braces.balanced(finished, lines)


def _run(file: FileAnalysis, plan: Plan, spatch: Spatch, timeout: float) -> str:
    """The excerpt as the semantic patch leaves it.  Raises NotApplied."""
    text = file.excerpt.encode(errors="surrogateescape")
    given = (RULES, file.path, text, plan.as_json(), spatch, timeout)
    try:
        made = patched(
            *given, "-D", "idioms", "-D", "joined", *([JOINED] if file.joined else ())
        )
    except NotPatched as error:
        raise NotApplied(str(error)) from None
    return made.decode(errors="surrogateescape")


def _look_again(
    outline: Outline,
    after: str,
    plan: Plan,
    finished: list[edits.Edit],
    carried: Carried | None,
) -> list[tuple[int, str, str]]:
    """Never half a function: what is to be converted has no old call left, and
    nothing else has changed.  Returns the lines whose comments speak of one, each
    with the function and the call.  Raises NotApplied."""
    spans = [s for s in outline.functions if any(_is(v, s) for v in plan.functions)]
    lines = after.split("\n")
    shift = 0
    ranges = {id(s): [s.line - 1, s.end] for s in spans}
    for edit in finished:
        home = next((s for s in spans if s.line - 1 <= edit.first < s.end), None)
        if home is None and not (
            _describes(plan, edit) or _is_head(outline, plan, edit)
        ):
            raise NotApplied(f"line {edit.first + 1} is in no function to convert")
        growth = len(edit.lines) - (edit.last - edit.first)
        if home is not None:
            ranges[id(home)][1] += growth
        for span in spans:
            if span.line > (home.line if home else edit.first):
                ranges[id(span)][0] += growth
                ranges[id(span)][1] += growth
        shift += growth
    changed = {n for edit in finished for n in range(edit.first + 1, edit.last + 1)}
    for line in plan.heads.keys() - changed:
        raise NotApplied(f"line {line} declares a function as it was")
    for span in spans:
        first, last = ranges[id(span)]
        words = {t.text for t in lexer.tokens("\n".join(lines[first:last]))}
        if words.intersection(api.OLD):
            raise NotApplied(f"{span.name}() still holds an old call")
        if carried and span.line in carried.changes:
            if _words(lines[first:last]) != carried.certified[span.line]:
                raise NotApplied(f"{span.name}() is not as it was certified")
    return [
        (line, span.name, call)
        for span in spans
        for line, call in comments.outdated(lines, *ranges[id(span)])
    ]


def _is_head(outline: Outline, plan: Plan, edit: edits.Edit) -> bool:
    """Whether EDIT gives a declaration the parameters that its function gets."""
    lines = outline.text.split("\n")
    told = [plan.heads.get(n + 1, lines[n]) for n in range(edit.first, edit.last)]
    return bool(told) and _words(told) == _words(edit.lines)


def _describes(plan: Plan, edit: edits.Edit) -> bool:
    """Whether EDIT describes a parameter that a function gets."""
    text = plan.describes.get(edit.first, "")
    return edit.first == edit.last and edit.lines == (text,)


def _words(lines: Sequence[str]) -> list[str]:
    return lexer.words(lexer.tokens("\n".join(lines)))


def _is(verdict, span) -> bool:
    return span.line <= verdict.line <= span.end
