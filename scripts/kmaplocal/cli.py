# SPDX-License-Identifier: GPL-2.0-only
"""The command line: what make calls, and anyone may."""

import gc
import os
import signal

import click

from kmaplocal import VERSION, console, faults, scratch
from kmaplocal.cache import cache
from kmaplocal.errors import Interrupted, KmaplocalError, OutputClosed
from kmaplocal.options import Commands

# Set by the shell that asks how to complete a word.
COMPLETING = "_KMAPLOCAL_COMPLETE"
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
@click.option("--quiet", is_flag=True, help="no progress")
def cli(no_cache: bool, quiet: bool) -> None:
    """Convert kmap() and kmap_atomic() in Linux to kmap_local_page().

    Exit status: 0 all done; 1 something --fail-on names, or something against a
    change; 2 something was not analysed; 3 bad use or environment; 130 interrupted.
    """
    if no_cache:
        os.environ["NO_CACHE"] = "1"
    if quiet:
        os.environ["QUIET"] = "1"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status.  Raises nothing but
    ModuleNotFoundError, where a module of Python's is not installed."""
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
    except ModuleNotFoundError:
        raise
    except Exception as error:
        return _fail(KmaplocalError(f"{faults.told(error)}; nothing more was done"))
    finally:
        cache.close()
        console.abandon()


def _run(arguments: list[str] | None) -> int:
    try:
        status = cli.main(arguments, prog_name="kmaplocal", standalone_mode=False)
    except SystemExit as end:
        if COMPLETING in os.environ:
            return int(end.code or 0)
        # What click makes of an output that is closed.
        raise OutputClosed(console.CLOSED) from None
    console.Console().flush()
    return status or 0


def _fail(error: KmaplocalError) -> int:
    console.error(str(error))
    return error.status
