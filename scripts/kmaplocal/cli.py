# SPDX-License-Identifier: GPL-2.0-only
"""The command line: what make calls, and anyone may."""

import gc
import os
import signal
import sys
from pathlib import Path

import click

from kmaplocal.commands import apply as main_job
from kmaplocal import VERSION, console, faults, scratch
from kmaplocal.home import BUILD
from kmaplocal.apply import patch
from kmaplocal.commands import goldens
from kmaplocal.errors import Interrupted, KmaplocalError, OutputClosed
from kmaplocal.options import EXPECTED, FILES, FORMAT, JOBS, KERNEL, OUT, PLACE, SHARD
from kmaplocal.options import RULES, TARGET, TIMEOUT, Commands, together
from kmaplocal.cache import cache
from kmaplocal.tree.kernel import Tree
from kmaplocal.tree.outcome import Outcome
from kmaplocal.tree.spatch import find_spatch

DEFAULT_FILES = main_job.DEFAULT_FILES
EVERYTHING = (".",)
INTERRUPTED = Interrupted("interrupted: nothing was changed")
# Nearly all that is made, millions of objects, stays: Python's search for what may go
# takes a third of the time when it is made as often as by default.
_SELDOM = (200_000, 20, 100)


# Without no_args_is_help: what a bare call ends with differs between clicks.
@click.group(
    cls=Commands,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(VERSION, prog_name="kmaplocal", message="%(prog)s %(version)s")
@click.option("--no-cache", is_flag=True, help="keep nothing, and use nothing kept")
def cli(no_cache: bool) -> None:
    """Convert kmap() and kmap_atomic() in Linux to kmap_local_page().

    Exit status: 0 all done; 1 something --fail-on names, or something against a
    change; 2 something was not analysed; 3 bad use or environment; 130 interrupted.
    """
    if no_cache:
        os.environ["NO_CACHE"] = "1"


_common = together(KERNEL, JOBS, TIMEOUT, EXPECTED, FILES)


@cli.command()
@_common
@TARGET
@click.option("--dry-run", is_flag=True, help="print the patch, change nothing")
@click.option("--force", is_flag=True, help="also files with uncommitted changes")
@click.option(
    "--fail-on",
    multiple=True,
    type=click.Choice(main_job.FAIL_ON),
    help="exit 1 for a kept function, or a difference from a golden",
)
def apply(fail_on: tuple[str, ...], files: tuple[str, ...], **asked) -> int:
    """Convert FILES: files or folders below the kernel, `.` for all of it.

    Without FILES, fs/aio.c. With --dry-run only the patch goes to standard output.
    """
    request = main_job.Request(
        files=files or DEFAULT_FILES, fail_on=frozenset(fail_on), **asked
    )
    report = sys.stderr if request.dry_run else sys.stdout
    return main_job.apply(request, console.Console(report), _converter())


@cli.command("goldens")
@_common
def write_goldens(files: tuple[str, ...], **asked) -> int:
    """Write the goldens of FILES (fs/aio.c) anew and show what changed in them."""
    request = main_job.Request(files=files or DEFAULT_FILES, dry_run=True, **asked)
    tree = Tree(request.kernel)
    screen = console.Console()
    paths = tree.candidates(request.files)
    outcomes = main_job.convert_all(
        tree, paths, find_spatch(), request, screen, _converter()
    )
    for outcome in outcomes:
        _write_golden(request.expected, tree.version, outcome, screen)
    screen.say(f"{len(outcomes)} files; {main_job.tally(outcomes)}")
    unread = any(outcome.unanalysed for outcome in outcomes)
    return main_job.NOT_ANALYSED if unread else main_job.ALL_DONE


def _write_golden(
    expected: Path, version: str, outcome: Outcome, screen: console.Console
) -> None:
    golden = goldens.golden_path(expected, version, outcome.path)
    shown = goldens.shown(expected, golden)
    if goldens.is_converted(golden, outcome.before):
        screen.say(f"{shown}: not written, the tree's file is already converted")
        return
    old = golden.read_bytes() if golden.exists() else b""
    new = goldens.render(outcome.path, outcome.before, outcome.after)
    golden.parent.mkdir(parents=True, exist_ok=True)
    golden.write_bytes(new)
    screen.say(f"{shown}: {'unchanged' if old == new else 'written'}")
    screen.patch(patch.unified(shown, old, new))


@cli.command()
@together(KERNEL, TARGET, JOBS, TIMEOUT, OUT, SHARD, FILES)
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json", "html")),
    default="text",
    show_default=True,
    help="for people, for programs, or a page for a browser in the folder OUT",
)
@click.option(
    "--also",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="another kernel on the page",
)
@click.option(
    "--fail-on",
    multiple=True,
    type=click.Choice(("kept",)),
    help="exit 1 for a kept function",
)
def report(
    fail_on: tuple[str, ...],
    files: tuple[str, ...],
    form: str,
    out: Path | None,
    also: tuple[Path, ...],
    **asked,
) -> int:
    """Print the certificate of every mapping in FILES, without FILES in all.

    The JSON is described by kmaplocal/report.schema.json. Nothing is changed.
    """
    from kmaplocal.commands import report as doors

    request = main_job.Request(
        files=files or EVERYTHING, dry_run=True, fail_on=frozenset(fail_on), **asked
    )
    screen = console.Console()
    if form == "html":
        from kmaplocal.report import html

        return html.print_page(request, also, screen, out)
    if also:
        raise click.UsageError("--also goes with --format html")
    return doors.print_report(request, screen, form, out)


@cli.command()
@together(KERNEL, JOBS, TIMEOUT, FILES)
@click.option(
    "--out",
    type=PLACE,
    default=BUILD / "series",
    metavar="FOLDER",
    help="where the mails go, a new or empty folder",
)
@click.option(
    "--branch", default="", metavar="NAME", help="also as commits, on a git tree"
)
@click.option(
    "--split",
    type=click.Choice(("file", "driver", "subsystem")),
    default="driver",
    show_default=True,
    help="what is one patch",
)
@click.option("--skip", multiple=True, metavar="PATH", help="leave out what is below")
@click.option("--only", multiple=True, metavar="PATH", help="only what is below")
@click.option("--dry-run", is_flag=True, help="list subjects and recipients")
@click.option(
    "--previous",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="the mails sent before: make the next version of them",
)
@click.option(
    "--context",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    help="lines around a change",
)
@click.option(
    "--fixes",
    type=click.Choice(("error", "warning")),
    help="no conversions: mend findings as bad as that with one right answer",
)
@click.option(
    "--verify", is_flag=True, help="only what nothing stands against; of fixes always"
)
@click.option("--cc", metavar="COMMAND", help="the compiler for --verify")
@click.option(
    "--build",
    type=PLACE,
    default=BUILD,
    metavar="FOLDER",
    help="where --verify compiles, and where what was checked is recorded",
)
def series(files: tuple[str, ...], **asked) -> int:
    """Write the patch series for FILES, without FILES for all, as mails.

    Each with an argument, recipients and what was checked. Nothing is sent, and
    nothing in the work tree changes.
    """
    from kmaplocal.series import run
    from kmaplocal.series.request import Request

    request = Request(files=files or EVERYTHING, **asked)
    return run.series(request, console.Console())


@cli.command()
@together(JOBS, TIMEOUT, FORMAT, OUT)
@click.argument("old", type=PLACE)
@click.argument("new", type=PLACE)
def history(old: Path, new: Path, form: str, out: Path | None, **asked) -> int:
    """What upstream did by NEW to each mapping function of OLD, beside what we do.

    OLD and NEW are kernel trees. Nothing is changed in them.
    """
    from kmaplocal.commands import report as doors

    request = main_job.Request(kernel=old, files=EVERYTHING, dry_run=True, **asked)
    return doors.print_history(request, new, console.Console(), form, out)


@cli.command()
@together(KERNEL, JOBS, TIMEOUT, FORMAT, OUT, FILES)
@click.option(
    "--before",
    type=PLACE,
    metavar="PATH",
    help="the tree to compare with; default: HEAD, or the archive in /usr/src",
)
@click.option(
    "--door",
    "doors",
    multiple=True,
    metavar="NAME",
    help="only this one: identity, x86_64, i386, sparse, context, checkpatch, flag",
)
@click.option("--cc", metavar="COMMAND", help='the compiler, as in CC="ccache gcc"')
@click.option(
    "--build",
    type=PLACE,
    default=BUILD,
    metavar="FOLDER",
    help="where to compile and to record",
)
def verify(
    files: tuple[str, ...],
    doors: tuple[str, ...],
    form: str,
    out: Path | None,
    **asked,
) -> int:
    """Say what stands against the change of FILES, whoever made it.

    Compares their code before and after, builds them for x86_64 and i386, and has
    sparse and checkpatch look at them. Without FILES, fs/aio.c. Nothing is changed
    in the kernel.
    """
    from kmaplocal.commands import verify as door

    files = files or DEFAULT_FILES
    request = door.Request(files=files, doors=door.named(doors), **asked)
    return door.verify(request, console.Console(), form, out)


@cli.command()
@together(KERNEL, JOBS)
@click.option(
    "--before",
    type=PLACE,
    metavar="PATH",
    help="the tree as it was; else git or Debian's tarball says",
)
@click.option(
    "--libaio",
    required=True,
    type=PLACE,
    metavar="PATH",
    help="the unpacked source package: scripts/debian-source libaio PATH",
)
@click.option(
    "--build",
    required=True,
    type=PLACE,
    metavar="PATH",
    help="a folder to work in and to keep kernels in",
)
def boot(**asked) -> int:
    """Boot a HIGHMEM kernel of the tree as it was and as it is, and compare them.

    The tree is only read. Exit status 1 when something stands against the change, 2
    when a changed file is not in that kernel.
    """
    from kmaplocal.prove.boot import door

    return door.boot(door.Request(**asked), console.Console())


@cli.command()
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
    "--baseline",
    type=PLACE,
    metavar="FILE",
    help="findings that are accepted",
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
@click.option("--allow-empty", is_flag=True, help="be content without any C file")
@click.option("--explain", metavar="RULE", help="print the page of a rule, and stop")
def flag(explain: str | None, files: tuple[str, ...], **asked) -> int:
    """Flag wrong use of mappings, old and new, in FILES, without FILES in all.

    KERNEL is any folder with C code. Nothing is changed in it. The JSON is described
    by kmaplocal/findings/formats/findings.schema.json.
    """
    from kmaplocal.commands import flag as door
    from kmaplocal.findings import handbook

    if explain is not None:
        console.Console().say(handbook.page(explain).removesuffix("\n"))
        return main_job.ALL_DONE
    request = door.Request(files=files or EVERYTHING, **asked)
    return door.flag(request, console.Console())


@cli.command()
@OUT
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path)
)
def merge(files: tuple[Path, ...], out: Path | None) -> int:
    """Join the JSON in FILES that report or flag wrote, each with its --shard.

    All shards of one run must be there. What is printed is what one run without
    --shard prints. Exit status: 2 when something was not analysed."""
    from kmaplocal.commands import merge as door
    from kmaplocal.report import output

    found, text = door.merged(files)
    if out:
        output.write(out, text)
    else:
        console.Console().say(text.removesuffix("\n"))
    return main_job.NOT_ANALYSED if found["not_analysed"] else main_job.ALL_DONE


@cli.command()
@together(KERNEL, FORMAT, OUT)
@click.option("--part", "parts", multiple=True, help="only this; default: all")
@click.option("--runs", type=click.IntRange(min=1), default=3, show_default=True)
@click.option(
    "--build",
    type=click.Path(path_type=Path),
    default=BUILD / "bench",
    metavar="FOLDER",
    help="where to copy the kernel to",
)
def bench(
    kernel: Path,
    build: Path,
    parts: tuple[str, ...],
    runs: int,
    form: str,
    out: Path | None,
) -> int:
    """Measure what report, flag and apply cost on a copy of the kernel.

    Beside it, a textbook semantic patch by spatch alone."""
    from kmaplocal.cost import bench as door
    from kmaplocal.report import output

    build.mkdir(parents=True, exist_ok=True)
    screen = console.Console()
    rows = door.bench(kernel, build.resolve(), parts, runs, screen)
    text = door.as_json(rows) if form == "json" else door.as_text(rows)
    if out:
        output.write(out, text)
    else:
        screen.say(text.removesuffix("\n"))
    return main_job.ALL_DONE


@cli.command("clean-cache")
def clean_cache() -> int:
    """Throw away what earlier runs kept below XDG_CACHE_HOME (~/.cache)."""
    cache.remove()
    return main_job.ALL_DONE


@cli.command()
def answer() -> int:
    """Answer what the semantic patches ask, a line of JSON each, from stdin."""
    from kmaplocal.apply import answers

    answers.serve(sys.stdin, sys.stdout)
    return main_job.ALL_DONE


def _converter() -> main_job.Converter:
    # Imported here: the analysis takes longer to load than a bad option to report.
    from kmaplocal.apply.conversion import prepare

    return prepare


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status and never raises."""
    gc.set_threshold(*_SELDOM)
    for name in (signal.SIGTERM, signal.SIGHUP):
        # Under nohup they are ignored, and stay so.
        if signal.getsignal(name) is signal.SIG_DFL:
            signal.signal(name, signal.default_int_handler)
    try:
        console.open_streams()
        scratch.check()
        scratch.sweep()
        return _run(arguments)
    except KmaplocalError as error:
        return _fail(error)
    except click.ClickException as error:
        return _fail(KmaplocalError(f"{error.format_message()} (--help lists all)"))
    except (click.Abort, KeyboardInterrupt):
        return _fail(INTERRUPTED)
    except OSError as error:
        full = scratch.full(error)
        why = f"{full}, or on standard output" if full else str(error)
        return _fail(KmaplocalError(f"{why}; nothing more was done"))
    except Exception as error:
        return _fail(KmaplocalError(f"{faults.told(error)}; nothing more was done"))
    finally:
        cache.close()
        console.abandon()


def _run(arguments: list[str] | None) -> int:
    try:
        status = cli.main(arguments, prog_name="kmaplocal", standalone_mode=False)
    except SystemExit:  # what click makes of an output that is closed
        raise OutputClosed(console.CLOSED) from None
    console.Console().flush()
    return status or 0


def _fail(error: KmaplocalError) -> int:
    console.error(str(error))
    return error.status
