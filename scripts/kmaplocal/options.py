# SPDX-License-Identifier: GPL-2.0-only
"""What the commands of the command line have in common: options, and how words that
are given to them are taken."""

import difflib
import functools
import importlib
import shlex
from collections.abc import Callable
from pathlib import Path

import click

from kmaplocal import deadline
from kmaplocal.apply import goldens


COMMANDS: tuple[str, ...] = ("apply", "flag", "report", "series", "verify", "boot")
COMMANDS += ("history", "merge", "goldens", "bench", "clean-cache", "answer")


class Commands(click.Group):
    """The commands, a module of kmaplocal.commands each, which is loaded when it is
    asked for; one that is misspelt is told from what it may mean."""

    def list_commands(self, ctx):
        return list(COMMANDS)

    def get_command(self, ctx, name):
        if name not in COMMANDS:
            return None
        module = f"kmaplocal.commands.{name.replace('-', '_')}"
        return importlib.import_module(module).command

    def resolve_command(self, ctx, args):
        name = click.utils.make_str(args[0])
        meant = difflib.get_close_matches(name, COMMANDS, 1)
        if name not in COMMANDS and meant:
            ctx.fail(f"No such command '{name}'. Did you mean '{meant[0]}'?")
        return super().resolve_command(ctx, args)


class Place(click.Path):
    """A path; an empty one is none, and not the folder one stands in."""

    def __init__(self):
        super().__init__(path_type=Path)

    def convert(self, value, param, ctx):
        if not value:
            self.fail("it is empty", param, ctx)
        return super().convert(value, param, ctx)


PLACE = Place()


def _tree_around() -> Path:
    """The top of the git tree one stands in, or else this folder."""
    here = Path.cwd()
    above = (here, *here.parents)
    return next((folder for folder in above if (folder / ".git").exists()), here)


KERNEL = click.option(
    "--kernel",
    type=PLACE,
    default=_tree_around,
    metavar="PATH",
    help="the tree; default: the git tree around, or the folder one stands in",
)
JOBS = click.option("--jobs", type=click.IntRange(min=1), help="files at a time")


def _parsed_version(_context, _option, text: str | None):
    from kmaplocal.tree import target

    return target.version(text) if text else None


SOURCE = click.option(
    "--source",
    type=PLACE,
    metavar="PATH",
    help="of a module: the kernel's source or headers, to look up what it calls, or"
    " `none`; default: the running kernel's, where they are installed",
)
OLDEST = click.option(
    "--oldest",
    metavar="VERSION",
    callback=_parsed_version,
    help="the oldest kernel it has to build on: nothing newer is called",
)
_TIMEOUT_EACH = click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=120.0,
    show_default=True,
    help="seconds for one run of spatch",
)
_TIME = click.option(
    "--time",
    type=click.FloatRange(min=0, min_open=True),
    expose_value=False,
    callback=lambda _context, _option, seconds: deadline.RUN.set(seconds),
    help="seconds for the whole run; what is not reached is not analysed",
)
EXPECTED = click.option(
    "--expected", type=PLACE, default=goldens.EXPECTED, help="the folder of the goldens"
)


def _words(text: str) -> list[str]:
    """The words of TEXT as a shell would take them, of which nothing is run: "a\\ b"
    is one.  What is no good quoting is none: it's two words in "it's two"."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def FILES(command: Callable) -> Callable:
    """The argument FILES of COMMAND, and for make --words with several in one."""

    @functools.wraps(command)
    def with_words(files: tuple[str, ...], words: str, **asked):
        return command(files=(*files, *_words(words)), **asked)

    add = together(
        click.argument("files", nargs=-1, type=click.Path()),
        click.option("--words", default="", hidden=True),
    )
    return add(with_words)


FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="for people, or for programs",
)
STATS = click.option("--stats", is_flag=True, help="end with a table of what there is")
OUT = click.option(
    "--out", type=PLACE, metavar="FILE", help="write it to FILE instead, all at once"
)


def RULES(_context, _option, text: str | None) -> frozenset[str]:
    """The rules that TEXT names, with commas or blanks between.  Raises NoSuchRule."""
    from kmaplocal.findings import handbook

    return frozenset(handbook.named(text or ""))


def _parsed_shard(_context, _option, text: str | None):
    from kmaplocal.tree import shard

    return shard.parsed(text) if text else None


SHARD = click.option(
    "--shard",
    metavar="K/N",
    callback=_parsed_shard,
    help="only the K-th of N parts of the files; `merge` joins their JSON",
)


def together(*options: Callable) -> Callable[[Callable], Callable]:
    """One decorator for OPTIONS, in their order."""

    def add(command: Callable) -> Callable:
        for option in reversed(options):
            command = option(command)
        return command

    return add


TIMEOUT = together(_TIMEOUT_EACH, _TIME)
TARGET = together(SOURCE, OLDEST)
