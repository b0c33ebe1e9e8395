# SPDX-License-Identifier: GPL-2.0-only
"""The fixtures and their goldens: what becomes of each, word for word.

expected/fixtures/<path>.diff is the context-free patch of a fixture, and is
missing where nothing changes; <path>.report has a line for each function that
is converted, for each reason to keep one, for each comment that may not hold any
more, and for each function that was not analysed.

    python3 -m kmaplocal.commands.fixtures [WORD ...]

writes all of them anew, or those with a WORD in their path, and shows what changed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kmaplocal.apply import patch
from kmaplocal.certify.analysis import Analysis, FileAnalysis
from kmaplocal.console import Console, error
from kmaplocal.apply.conversion import convert
from kmaplocal.tree.outcome import Outcome
from kmaplocal.tree.spatch import find_spatch
from kmaplocal.workers import run_all

REPOSITORY = Path(__file__).resolve().parents[3]
FOLDERS = ("fixtures/convert", "fixtures/keep")
EXPECTED = REPOSITORY / "expected"
GOLDENS = EXPECTED / "fixtures"

TIMEOUT = 120.0


@dataclass(frozen=True)
class Result:
    """What was found in one fixture, and what became of it."""

    name: str
    analysis: FileAnalysis
    outcome: Outcome

    @property
    def diff(self) -> bytes:
        """The context-free patch; empty when nothing changes."""
        outcome = self.outcome
        return patch.unified(outcome.path, outcome.before, outcome.after, context=0)

    @property
    def report(self) -> bytes:
        """A line a verdict, in the order of the text."""
        lines = [*self._converted(), *self._kept(), *self._lost()]
        lines += [((x.line, 0), f"{x.line}: note: {x}") for x in self.outcome.outdated]
        shown = [f"{self.name}:{text}\n" for _, text in sorted(lines)]
        return "".join(shown).encode()

    def _converted(self):
        names = self.outcome.converted
        for verdict in self.analysis.verdicts:
            if verdict.function in names:
                text = f"{verdict.line}: converted {verdict.function}"
                yield (verdict.line, 0), text

    def _kept(self):
        for doubt in self.outcome.kept:
            place = f"{doubt.line}:{doubt.column}"
            why = f"{doubt.obligation}: {doubt.reason}"
            text = f"{place}: kept {doubt.function}: {why}"
            yield (doubt.line, doubt.column), text

    def _lost(self):
        for lost in self.outcome.unanalysed:
            text = f"{lost.line}: not analysed: {lost.function}: {lost.reason}"
            yield (lost.line, 0), text


def names(root: Path = REPOSITORY) -> list[str]:
    """The fixtures, as paths below ROOT."""
    found = [path for folder in FOLDERS for path in (root / folder).rglob("*.c")]
    return sorted(str(path.relative_to(root)) for path in found)


def chosen(found: Iterable[str], words: Sequence[str]) -> list[str]:
    """Those of FOUND that have one of WORDS in them, all without WORDS.  A path may
    be absolute, start with ./ or end with /, and - is as good as _."""
    plain = [word.removeprefix(f"{REPOSITORY}/").removeprefix("./") for word in words]
    wanted = [word.replace("-", "_") for word in plain] or [""]
    return [x for x in found if any(word in x.replace("-", "_") for word in wanted)]


def results(
    root: Path, wanted: Sequence[str], jobs: int | None = None
) -> dict[str, Result]:
    """What becomes of the files WANTED below ROOT, each by what it says alone."""
    spatch = find_spatch()
    files = Analysis(root, spatch, TIMEOUT, jobs).run(wanted)

    def one(name: str) -> Result:
        outcome = convert(files[name], spatch, TIMEOUT)
        return Result(name, files[name], outcome)

    found = run_all(list(wanted), one, workers=jobs)
    return {result.name: result for result in found}


def golden(name: str, kind: str) -> Path:
    """Where the golden of a fixture is kept; KIND is `diff` or `report`."""
    return EXPECTED / f"{name}.{kind}"


def goldens(found: Iterable[Result]) -> dict[Path, bytes]:
    """Every golden there is to be, with its content."""
    wanted = {}
    for result in found:
        wanted[golden(result.name, "report")] = result.report
        if result.diff:
            wanted[golden(result.name, "diff")] = result.diff
    return wanted


def write_goldens(found: Iterable[Result], screen: Console, every: bool = True) -> None:
    """Write the goldens anew and show what changed.  FOUND is of EVERY fixture, and
    other goldens are removed; or else other goldens stay."""
    found = list(found)
    wanted = goldens(found)
    kept = GOLDENS.rglob("*") if every else _possible(found)
    there = {path for path in kept if path.is_file()}
    changed = 0
    for path in sorted(there | set(wanted)):
        old = path.read_bytes() if path in there else b""
        new = wanted.get(path, b"")
        if path in there and path in wanted and old == new:
            continue
        changed += 1
        _replace(path, wanted.get(path))
        shown = path.relative_to(EXPECTED.parent)
        screen.say(f"{shown}: {'written' if path in wanted else 'removed'}")
        screen.patch(patch.unified(shown, old, new))
    screen.say(f"{len(wanted)} goldens of fixtures, {changed} changed")


def _possible(found: Iterable[Result]) -> Iterator[Path]:
    for result in found:
        yield golden(result.name, "report")
        yield golden(result.name, "diff")


def _replace(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def main(words: Sequence[str]) -> int:
    """Write the goldens of the fixtures that WORDS choose; 3 where there is none."""
    screen = Console()
    wanted = chosen(names(), words)
    if not wanted:
        error(f"{' '.join(words)}: no fixture of this path or name")
        return 3
    write_goldens(results(REPOSITORY, wanted).values(), screen, every=not words)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
