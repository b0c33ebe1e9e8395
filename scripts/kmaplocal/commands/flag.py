# SPDX-License-Identifier: GPL-2.0-only
"""The flag door: findings of a tree, or of a patch to it, less those accepted."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from kmaplocal.commands.unfound import say_unfound
from kmaplocal.console import Console, table, wants_colour
from kmaplocal.errors import KmaplocalError
from kmaplocal.findings.accept import baseline, suppression
from kmaplocal.findings.change import changes, mail, since
from kmaplocal.findings import registry, survey
from kmaplocal.findings.accept.acceptance import Acceptance
from kmaplocal.findings.accept.baseline import Entry
from kmaplocal.findings.change.changes import Change
from kmaplocal.findings.finding import ERROR, SEVERITIES, Finding
from kmaplocal.findings.accept.fingerprint import fingerprints
from kmaplocal.findings.formats import FORMATS, TEXT
from kmaplocal.findings import handbook
from kmaplocal.findings.report import ALL_DONE, Report, status
from kmaplocal.findings.change.scope import Scope
from kmaplocal.findings.text import Texts
from kmaplocal.names import quoted
from kmaplocal.options import FILES, JOBS, KERNEL, OUT, PLACE, RULES, SHARD, TARGET
from kmaplocal.options import STATS, TIMEOUT, together
from kmaplocal.cache import incremental
from kmaplocal.c.conditions import Version
from kmaplocal.c.outline import Span
from kmaplocal.tree import answers, source
from kmaplocal.tree.answers import Answers
from kmaplocal.tree.definitions import Definitions
from kmaplocal.tree.kernel import CTree
from kmaplocal.tree.shard import Shard
from kmaplocal.tree.spatch import find_spatch
from kmaplocal.summaries.users import SearchScope
from kmaplocal.tree.target import Target, target
from kmaplocal.report import output

STDIN = Path("-")


class BadRequest(KmaplocalError):
    """Settings that do not go together."""


@dataclass(frozen=True)
class Request:
    """What the user asked for.

    SINCE is a revision, PATCH a file, - for standard input, STRIP its -p; at most
    one of SINCE and PATCH.  WHOLE asks for functions instead of lines.  REASON is
    for what WRITE_BASELINE accepts; FORM is one of FORMATS, FAIL_ON of
    report.FAIL_ON.  RULES are those to show, all if there are none, but for those to
    IGNORE.  SOURCE is the kernel that a module is for, OLDEST the first one
    that it has to build on."""

    kernel: Path
    files: tuple[str, ...]
    since: str | None = None
    patch: Path | None = None
    strip: int | None = None
    whole: bool = False
    baseline: Path | None = None
    write_baseline: bool = False
    reason: str = ""
    form: str = TEXT
    out: Path | None = None
    fail_on: str = ERROR
    allow_empty: bool = False
    jobs: int | None = None
    timeout: float = 120.0
    shard: Shard | None = None
    rules: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()
    source: Path | None = None
    oldest: Version | None = None
    stats: bool = False

    @property
    def of_change(self) -> bool:
        """Whether a change is asked about, and not the tree."""
        return self.since is not None or self.patch is not None

    def target(self, root: Path) -> Target:
        """What the tree at ROOT is for.  Raises BadTarget, NotAKernelTree."""
        return target(root, self.source, self.oldest)

    def shows(self, finding: Finding) -> bool:
        """Whether the rule of FINDING is asked about."""
        chosen = not self.rules or finding.rule in self.rules
        return chosen and finding.rule not in self.ignore

    def check(self) -> None:
        """Raise BadRequest for what does not go together, CannotWrite for a file
        that could not be written in the end."""
        if self.since is not None and self.patch:
            raise BadRequest("SINCE= and PATCH=: give one of them")
        if self.strip is not None and not self.patch:
            raise BadRequest("-p is for a patch: give PATCH= too")
        if self.whole and not self.of_change:
            raise BadRequest("WHOLE= says what to show of a change: give SINCE=")
        if self.write_baseline and (self.rules or self.ignore):
            raise BadRequest("WRITE_BASELINE= accepts all: without RULES= and IGNORE=")
        if self.shard and (self.of_change or self.baseline):
            raise BadRequest("SHARD= is for a whole tree: no SINCE=, PATCH=, BASELINE=")
        if self.write_baseline:
            self._check_baseline()
        if self.out:
            output.check(self.out)

    def _check_baseline(self) -> None:
        if not self.baseline:
            raise BadRequest("WRITE_BASELINE=: give BASELINE= too, its file")
        if self.of_change:
            raise BadRequest("WRITE_BASELINE= is for a whole tree: without a patch")
        if not self.reason.strip():
            raise BadRequest("WRITE_BASELINE=: REASON= says why they are accepted")
        output.check(self.baseline, "BASELINE")


def flag(request: Request, console: Console) -> int:
    """Survey what REQUEST asks for and print the findings, or write them to a file.

    Returns the exit status: 0; 1 for a finding as bad as REQUEST.fail_on; 2 when
    something was not analysed.  Raises KmaplocalError when nothing could be done;
    OSError."""
    request.check()
    tree = CTree(request.kernel)
    if not (request.allow_empty or tree.has_code(request.files)):
        where = " ".join(quoted(tree.root / name) for name in request.files)
        raise BadRequest(
            f"{where}: no C file (*.c, *.h) there; ALLOW_EMPTY=1 if that is right"
        )
    entries, texts = _entries(request), Texts(tree.root)
    known = None
    if request.of_change:
        with console.waiting("searching"):
            known, paths, marked, users = _changed(request, texts, tree)
        further = SearchScope(users, concerned=partial(_touches, known))
        found = _survey(tree, paths, request, console, further=further)
    else:
        paths, marked, found = _whole(tree, request, console)
    if request.form == TEXT and not (tree.root / source.HEADER).is_file():
        say_unfound(found.unfound, request.target(tree.root).kernel, console)
    accepted = Acceptance(found, texts)
    accepted.read_comments(marked)
    _apply_baseline(accepted, request, entries, partial(_covers, tree, request, known))
    report = _report(accepted, request, known, len(paths))
    _hand_out(report, request, console)
    return report.status


def _whole(
    tree: CTree, request: Request, console: Console
) -> tuple[list[str], list[str], survey.Survey]:
    """The files with calls, those with the mark of a comment, and the findings."""

    asked = ("flag", str(request.shard), str(request.oldest), *request.files)
    make = partial(_made, tree, request, console)
    told, lists = incremental.answer(
        request.target(tree.root), find_spatch(), asked, make
    )
    return lists["paths"], lists["marked"], survey.from_json(told[""])


def _made(
    tree: CTree, request: Request, console: Console, earlier: incremental.Earlier | None
) -> incremental.Made:
    """The findings, as one result."""
    with console.waiting("searching"):
        paths, marked = every, _ = _candidates(tree, request.files, earlier)
    if earlier and earlier.stands(paths):
        lists = {"paths": paths, "marked": marked}
        return earlier.made._replace(lists=lists, dependencies=earlier.dependencies)
    if request.shard:
        mine = request.shard.chosen({*paths, *marked})
        paths, marked = ([f for f in fs if f in mine] for fs in (paths, marked))
    definitions = request.target(tree.root).definitions()
    further = _further(tree, request, definitions.own.answers, {*every} - {*paths})
    found = _survey(tree, paths, request, console, every, further, definitions)
    dependencies = (
        None if request.shard else incremental.dependencies_of_all(definitions)
    )
    lists = {"paths": paths, "marked": marked}
    return incremental.Made({"": found.as_json()}, lists, found.complete, dependencies)


def _changed(
    request: Request, texts: Texts, tree: CTree
) -> tuple[dict[str, Change], list[str], list[str], list[str]]:
    """What changed, by file; as of _whole(), the files that did; and those that may map
    by what another file has."""
    if request.patch:
        known = _patched(request.patch, request, texts)
        names = tree.among(known, request.files)
    else:
        revision = request.since or ""
        names = tree.among(since.touched(tree.root, revision), request.files)
        known = since.changed(texts, revision, map(Path, names))
    lists = *_candidates(tree, names), sorted(n for n in names if n.endswith(".c"))
    paths, marked, users = ([f for f in files if f in known] for files in lists)
    return known, paths, marked, users


def _touches(known: dict[str, Change], path: str, span: Span) -> bool:
    """Whether one of the KNOWN changes is in the function SPAN of PATH."""
    return known[path].touches(span)


def _candidates(
    tree: CTree, names: Iterable[str], earlier: incremental.Earlier | None = None
) -> tuple[list[str], list[str]]:
    wanted = tuple(names)
    words = ((*registry.CALLS, *registry.WORDS), (suppression.WORD,))
    if earlier:
        lists = zip(("paths", "marked"), words)
        paths, marked = (earlier.candidates(n, tree, wanted, w) for n, w in lists)
        return paths, marked
    paths, marked = ([str(p) for p in tree.candidates(wanted, w)] for w in words)
    return paths, marked


def _further(
    tree: CTree, request: Request, known: Answers, elsewhere: Collection[str]
) -> SearchScope:
    """The files that may use what maps for its callers: those that FILES names, and
    where they are of folders, what is found by the words in it, which is KNOWN then.
    ELSEWHERE: files of other shards."""
    named = [str(tree.locate(name)) for name in request.files if name.endswith(".c")]

    def search(names: Collection[str]) -> list[str]:
        found = tree.candidates(request.files, tuple(sorted(names)))
        files = [str(path) for path in found]
        known.new(answers.NAMED, "", names)
        known.tell(answers.NAMED, "", dict.fromkeys(names, files))
        return files

    if request.shard:
        named = request.shard.chosen(named)
    return SearchScope(named, search, elsewhere, registry.CALLS)


def _survey(
    tree: CTree,
    paths: Sequence[str],
    request: Request,
    console: Console,
    among: Sequence[str] = (),
    further: SearchScope = SearchScope(),
    definitions: Definitions | None = None,
) -> survey.Survey:
    if not paths and not further.named:
        return survey.Survey()
    spatch = find_spatch()
    with console.progress("reading", len(paths)) as progress:
        return survey.survey(
            tree.root,
            paths,
            spatch,
            request.timeout,
            request.jobs,
            progress,
            tree=definitions,
            among=among,
            further=further,
            aim=request.target(tree.root),
        )


def _entries(request: Request) -> list[Entry]:
    if not request.baseline:
        return []
    if request.write_baseline and not request.baseline.exists():
        return []
    return baseline.read(request.baseline)


def _patched(patch: Path, request: Request, texts: Texts) -> dict[str, Change]:
    """What the PATCH of REQUEST changed, by file."""
    name = "standard input" if patch == STDIN else str(patch)
    return changes.changes(mail.texts(_read(patch)), name, texts, request.strip)


def _read(path: Path) -> bytes:
    try:
        # Descriptor 0, for sys.stdin is None when it is closed.
        with open(0 if path == STDIN else path, "rb") as file:
            return file.read()
    except OSError as trouble:
        raise BadRequest(f"{path}: {trouble.strerror}; PATCH= names a patch") from None


def _covers(
    tree: CTree, request: Request, known: dict[str, Change] | None, file: str
) -> bool:
    """Whether this run looks at all of FILE, which may be gone."""
    if known is not None:
        return file in known
    places = [tree.locate(name) for name in request.files]
    return any(Path(file).is_relative_to(place) for place in places)


def _apply_baseline(
    accepted: Acceptance,
    request: Request,
    entries: Sequence[Entry],
    covers: Callable[[str], bool],
) -> None:
    if request.baseline is None:
        return
    if request.write_baseline:
        fresh = accepted.accept_all(entries, covers, request.reason)
        output.write(request.baseline, baseline.as_text(fresh))
    else:
        path = _shown(request.baseline, accepted.texts.root)
        accepted.apply_baseline(entries, path, covers)


def _report(
    accepted: Acceptance, request: Request, known: dict[str, Change] | None, files: int
) -> Report:
    """What is told: what is not accepted; of KNOWN changes, what is theirs."""
    shown, lost, elsewhere = [*accepted.left, *accepted.complaints], accepted.lost, 0
    texts = accepted.texts
    if known is not None:
        scope = Scope(known, texts, request.whole)
        texts.outline_all({f.file for f in shown if f.file in known})
        theirs = [f for f in shown if scope.holds(f)]
        others = (f for f in shown if f not in theirs and request.shows(f))
        near = sum(scope.touches(f.file, f.line) for f in others)
        lost = [loss for loss in lost if scope.concerns(loss)]
        shown, elsewhere = theirs, near
    shown = sorted(filter(request.shows, [*shown, *accepted.stale]))
    return Report(
        root=texts.root,
        findings=shown,
        prints=accepted.prints | fingerprints(_own(shown), texts),
        lost=lost,
        files=files,
        by_comment=len(accepted.by_comment),
        by_baseline=len(accepted.by_baseline),
        elsewhere=elsewhere,
        status=status(shown, lost, request.fail_on),
        shard=str(request.shard or ""),
    )


def _own(findings: Iterable[Finding]) -> list[Finding]:
    return [f for f in findings if f.rule == suppression.SUPPRESSION.id]


def _shown(path: Path, root: Path) -> Path:
    """PATH as a finding names it: below the tree, or whole."""
    whole = Path(os.path.abspath(path))
    return whole.relative_to(root) if whole.is_relative_to(root) else whole


def _hand_out(report: Report, request: Request, console: Console) -> None:
    make = FORMATS[request.form]
    if request.out:
        output.write(request.out, make(report))
        console.say(f"{request.out}: {report.tally()}")
    elif request.form == TEXT:
        colour = wants_colour(sys.stdout)
        text = make(report, colour=colour).removesuffix("\n")
        if request.stats:
            rest, line, last = text.rpartition("\n")
            text = f"{rest}{line}{_statistics(report)}\n{last}"
        console.say(text, coloured=colour)
    else:
        console.say(make(report).removesuffix("\n"))


def _statistics(report: Report) -> str:
    """A table of the findings by rule, the worst and most first."""
    counts = Counter((f.severity, f.rule) for f in report.findings)
    rows = [
        (count, severity, rule, handbook.EVERY[rule].title)
        for (severity, rule), count in counts.items()
    ]
    rows.sort(key=lambda row: (SEVERITIES.index(row[1]), -row[0], row[2]))
    return table(["findings", "severity", "rule", ""], rows)


@click.command("flag")
@together(KERNEL, TARGET, JOBS, TIMEOUT, OUT, SHARD, FILES)
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json", "sarif", "github", "checkstyle")),
    default="text",
    show_default=True,
    help="for people, programs, and CI servers",
)
@click.option(
    "--since", metavar="REV", help="only what changed since REV parted from HEAD"
)
@click.option(
    "--patch",
    type=PLACE,
    metavar="FILE",
    help="only what this patch or mailbox, already applied, changed; - for stdin",
)
@click.option(
    "-p",
    "--strip",
    type=click.IntRange(min=0),
    help="folders that file names of --patch have too many; default: found out",
)
@click.option(
    "--whole-functions", "whole", is_flag=True, help="functions that changed, not lines"
)
@click.option(
    "--baseline", type=PLACE, metavar="FILE", help="findings that are accepted"
)
@click.option("--write-baseline", is_flag=True, help="accept all there are, in FILE")
@click.option("--reason", default="", help="why what --write-baseline adds is accepted")
@click.option(
    "--fail-on",
    type=click.Choice(("error", "warning", "note", "never")),
    default="error",
    show_default=True,
    help="exit 1 for a finding as bad as that",
)
@click.option("--rules", metavar="NAMES", callback=RULES, help="only these rules")
@click.option("--ignore", metavar="NAMES", callback=RULES, help="but not these")
@STATS
@click.option("--allow-empty", is_flag=True, help="be content without any C file")
@click.option(
    "--explain",
    metavar="RULE",
    shell_complete=lambda _context, _option, word: [
        rule for rule in handbook.EVERY if rule.startswith(word)
    ],
    help="print the page of a rule, and stop",
)
def command(explain: str | None, files: tuple[str, ...], **asked) -> int:
    """Flag wrong use of mappings, old and new, in FILES.

    Without FILES in all. KERNEL is any folder with C code. Nothing is changed in it.
    The JSON is described by kmaplocal/findings/formats/findings.schema.json.
    """
    if explain is not None:
        Console().say(handbook.page(explain).removesuffix("\n"))
        return ALL_DONE
    request = Request(files=files or (".",), **asked)
    return flag(request, Console())
