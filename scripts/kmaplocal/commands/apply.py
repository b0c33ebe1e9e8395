# SPDX-License-Identifier: GPL-2.0-only
"""The main job: convert files of a kernel tree, show what was done, replace them."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from kmaplocal.apply import patch
from kmaplocal.apply.outcomes import Converter, convert_all, tally
from kmaplocal.apply import goldens
from kmaplocal.console import Console, table
from kmaplocal.errors import ALL_DONE, FLAGGED, NOT_ANALYSED
from kmaplocal.errors import DirtyFiles, Interrupted
from kmaplocal.reasons import short
from kmaplocal.names import pasted, quoted
from kmaplocal.options import EXPECTED, FILES, JOBS, KERNEL, STATS, TARGET, TIMEOUT
from kmaplocal.options import together
from kmaplocal.idioms.flushes import FLUSH
from kmaplocal.knowledge import functions
from kmaplocal.c import lexer
from kmaplocal.commands.unfound import say_unfound
from kmaplocal.c.conditions import Version, dotted
from kmaplocal.tree.kernel import Module, Tree
from kmaplocal.tree.shard import Shard
from kmaplocal.tree.outcome import Doubt, Lost, Outcome
from kmaplocal.apply.replace import replace_files, writable
from kmaplocal.tree.spatch import find_spatch
from kmaplocal.tree.target import Target, target

DEFAULT_FILES = ("fs/aio.c",)
FAIL_ON = ("kept", "golden")

_DIRTY_SHOWN = 5


@dataclass(frozen=True)
class Request:
    """What the user asked for. FAIL_ON holds what ends as exit status 1.

    EXPECTED is the folder of the goldens.  SOURCE is the kernel that a module is
    for, OLDEST the first one that it has to build on.  IDIOMS: nothing is asked for
    but helpers for mappings that are local already.
    """

    kernel: Path
    files: tuple[str, ...]
    dry_run: bool = False
    force: bool = False
    fail_on: frozenset[str] = frozenset()
    jobs: int | None = None
    timeout: float = 120.0
    expected: Path = goldens.EXPECTED
    shard: Shard | None = None
    source: Path | None = None
    oldest: Version | None = None
    stats: bool = False
    idioms: bool = False

    def target(self, root: Path) -> Target:
        """What the tree at ROOT is for.  Raises BadTarget, NotAKernelTree."""
        return target(root, self.source, self.oldest)


def apply(request: Request, console: Console, converter: Converter) -> int:
    """Do REQUEST with CONVERTER, and compare the result with the goldens.

    Returns the exit status: 0, or 2 when something was not analysed, or else 1
    when something of REQUEST.fail_on happened. Raises KmaplocalError when nothing
    could be done; nothing has changed then, unless it says so.
    """
    try:
        named = request.files != DEFAULT_FILES
        tree = Module(request.kernel) if named else Tree(request.kernel)
        outcomes = _convert_tree(tree, request, console, converter)
    except KeyboardInterrupt:
        raise Interrupted("interrupted: nothing was changed") from None
    try:
        return _report(tree, outcomes, request, console)
    except KeyboardInterrupt:
        done = "the patch was shown" if request.dry_run else "the files are replaced"
        raise Interrupted(f"interrupted: too late, {done}") from None


def _convert_tree(
    tree: Tree, request: Request, console: Console, converter: Converter
) -> list[Outcome]:
    spatch = find_spatch()
    with console.waiting("searching"):
        paths = tree.candidates(request.files, _sought(request))
    if not (request.force or request.dry_run):
        _refuse_dirty(tree, paths)
    left: list[Lost] = []
    if not request.dry_run:
        asked = {tree.locate(name) for name in request.files}
        paths, left = writable(tree.root, paths, asked)
    scope = tree.scope(request.files)
    folders = any((tree.root / name).is_dir() for name in request.files)
    if folders and not request.idioms:
        from kmaplocal.apply.conversion import prepare_rest
        from kmaplocal.apply import cached

        # What may be written is not all that is there, whatever the tree holds.
        some = () if request.dry_run else map(str, paths)
        about = (str(request.oldest), *request.files, "", *some)
        rest = partial(prepare_rest, scope=scope)
        given = (tree, paths, spatch, request, console, rest, about)
        outcomes = cached.convert_all(*given)
    else:
        prepare = partial(converter, scope=scope)
        outcomes = convert_all(tree, paths, spatch, request, console, prepare)
    if not request.dry_run:
        joined = [o.path for o in outcomes if o.path not in paths]
        if not request.force:
            _refuse_dirty(tree, joined)
        writable(tree.root, joined, joined)
    outcomes += [_left_out(lost) for lost in left]
    _show(outcomes, console)
    if not request.dry_run:
        _replace(tree, outcomes)
    return outcomes


def _sought(request: Request) -> tuple[str, ...]:
    """What a file has to hold to be looked at."""
    from kmaplocal.certify.view import APPLY, OFFERS

    return (OFFERS if request.idioms else APPLY).named


def _left_out(lost: Lost) -> Outcome:
    """The outcome of a file that is as it was, as it is LOST."""
    return Outcome(Path(lost.file), b"", b"", (), (), (lost,), 0)


def _report(
    tree: Tree, outcomes: list[Outcome], request: Request, console: Console
) -> int:
    if not tree.version:
        kernel = request.target(tree.root).kernel
        if kernel and not request.source:
            console.say(f"note: what it calls is looked up in {quoted(kernel)} as well")
        found = frozenset[str]().union(*(outcome.unfound for outcome in outcomes))
        say_unfound(found, kernel, console)
    outcomes = outcomes + _spared(tree, outcomes, request.files, console)
    states = _compare(outcomes, console, request.expected)
    _say_next(tree, outcomes, request, console)
    if request.stats:
        rows = Counter(d.obligation for o in outcomes for d in _first(o))
        console.say(table(["kept for", "functions"], rows.most_common()))
    console.say(tally(outcomes))
    return _status(outcomes, states, request.fail_on)


def _refuse_dirty(tree: Tree, paths: Sequence[Path]) -> None:
    dirty = tree.dirty(paths)
    if dirty:
        todo = "commit or stash them, or FORCE=1"
        raise DirtyFiles(
            f"{_some(dirty)}: uncommitted changes; nothing was changed, {todo}"
        )
    unwatched = tree.unwatched(paths)
    if unwatched:
        todo = "have git look at them, or FORCE=1"
        raise DirtyFiles(
            f"{_some(unwatched)}: git was told to ignore them or their changes, and has"
            f" no copy to go back to; nothing was changed, {todo}"
        )


def _some(paths: Sequence[Path]) -> str:
    names = " ".join(quoted(path) for path in paths[:_DIRTY_SHOWN])
    more = len(paths) - _DIRTY_SHOWN
    return f"{names} and {more} more" if more > 0 else names


def _show(outcomes: Sequence[Outcome], console: Console) -> None:
    for outcome in outcomes:
        if outcome.after != outcome.before:
            console.patch(patch.unified(outcome.path, outcome.before, outcome.after))
    for doubt in (doubt for outcome in outcomes for doubt in outcome.kept):
        console.line(
            f"{quoted(doubt.file)}:{doubt.line}:{doubt.column}: kept {doubt.function}:"
            f" {doubt.obligation}: {short(doubt.reason)}"
        )
    for found in (found for outcome in outcomes for found in outcome.outdated):
        console.say(f"{quoted(found.file)}:{found.line}: note: {found}")
    for lost in (lost for outcome in outcomes for lost in outcome.unanalysed):
        console.line(
            f"{quoted(lost.file)}:{lost.line}: not analysed: {lost.function}:"
            f" {lost.reason}"
        )


def _first(outcome: Outcome) -> list[Doubt]:
    """The first doubt of each function that is kept."""
    found = {(doubt.file, doubt.function): doubt for doubt in outcome.kept[::-1]}
    return list(found.values())


def _replace(tree: Tree, outcomes: Sequence[Outcome]) -> None:
    changed = [outcome for outcome in outcomes if outcome.after != outcome.before]
    replace_files(
        tree.root,
        {outcome.path: outcome.after for outcome in changed},
        {outcome.path: outcome.before for outcome in changed},
    )


def _spared(
    tree: Tree, outcomes: Sequence[Outcome], names: Sequence[str], console: Console
) -> list[Outcome]:
    """An empty outcome for each named file that holds no call of interest."""
    converted = {outcome.path for outcome in outcomes}
    named = sorted({tree.locate(name) for name in names} - converted)
    spared = [path for path in named if (tree.root / path).is_file()]
    for path in spared or ([] if outcomes else named):
        console.say(f"{quoted(path)}: nothing to convert")
    contents = [(path, (tree.root / path).read_bytes()) for path in spared]
    return [Outcome(path, text, text, (), (), (), 0) for path, text in contents]


def _compare(outcomes: Sequence[Outcome], console: Console, expected: Path) -> set[str]:
    states = set()
    for outcome in outcomes:
        found = goldens.compare(expected, outcome.path, outcome.before, outcome.after)
        if found:
            states.add(found.state)
            console.say(_comparison_line(outcome.path, found, expected))
    return states


def _comparison_line(file: Path, found: goldens.Comparison, expected: Path) -> str:
    golden, path = goldens.shown(expected, found.golden), quoted(file)
    if found.state == goldens.UNKNOWN_INPUT:
        return f"{path}: this is not the file that {golden} knows; not compared"
    if found.state == goldens.DIFFERENT:
        return f"{path}: DIFFERENT from {golden}: {found.detail}"
    return f"{path}: identical to {golden}" + (found.detail and f": {found.detail}")


def _say_next(
    tree: Tree, outcomes: Sequence[Outcome], request: Request, console: Console
) -> None:
    changed = [outcome.path for outcome in outcomes if outcome.after != outcome.before]
    if not changed:
        return
    if not tree.version:
        console.say(_oldest(outcomes))
    if request.dry_run:
        console.say("next: the same without DRY_RUN=1 writes this to the tree")
        return
    root = pasted(tree.root)
    files = pasted(" ".join(request.files))
    if tree.version:
        console.say(f"next: check it:  make verify KERNEL={root} FILES={files}")
    if (tree.root / ".git").exists():
        console.say(f"next: review it: git -C {root} diff")


def _oldest(outcomes: Sequence[Outcome]) -> str:
    """The oldest kernel that has all that OUTCOMES call and did not before, with the
    flushes that are left to these calls."""
    found = []
    for outcome in outcomes:
        before, after = (
            Counter(t.text for t in lexer.tokens(text.decode(errors="replace")))
            for text in (outcome.before, outcome.after)
        )
        left = before[FLUSH] > after[FLUSH]
        for row in map(functions.of, after.keys() - before.keys()):
            first = max(row.first, row.flushing) if left else row.first
            found.append((first, row.name))
    since, name = max((each for each in found if each[0]), default=((5, 11, 0), ""))
    why = f", for {name}()" if name else ""
    return f"note: it needs Linux {dotted(since)} or later{why}"


def _status(
    outcomes: Sequence[Outcome], states: set[str], fail_on: frozenset[str]
) -> int:
    if any(outcome.unanalysed for outcome in outcomes):
        return NOT_ANALYSED
    kept = "kept" in fail_on and any(outcome.kept for outcome in outcomes)
    astray = "golden" in fail_on and goldens.DIFFERENT in states
    return FLAGGED if kept or astray else ALL_DONE


COMMON = together(KERNEL, JOBS, TIMEOUT, EXPECTED, FILES)


@click.command("apply")
@COMMON
@TARGET
@STATS
@click.option("--dry-run", is_flag=True, help="print the patch, change nothing")
@click.option("--idioms", is_flag=True, help="only helpers for what is local already")
@click.option("--force", is_flag=True, help="also files with uncommitted changes")
@click.option(
    "--fail-on",
    multiple=True,
    type=click.Choice(FAIL_ON),
    help="exit 1 for a kept function, or a difference from a golden",
)
def command(fail_on: tuple[str, ...], files: tuple[str, ...], **asked) -> int:
    """Convert FILES, files or folders below the kernel.

    `.` is all of it; without FILES, fs/aio.c. With --dry-run only the patch goes to
    standard output.
    """
    request = Request(files=files or DEFAULT_FILES, fail_on=frozenset(fail_on), **asked)
    # Imported here: the analysis takes longer to load than a bad option to report.
    from kmaplocal.apply.conversion import prepare

    told = sys.stderr if request.dry_run else sys.stdout
    converter = partial(prepare, idioms=request.idioms)
    return apply(request, Console(told), converter)
