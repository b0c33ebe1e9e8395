# SPDX-License-Identifier: GPL-2.0-only
"""Writes what `make install` puts beside the command: the man pages kmaplocal(1) and
one a rule, of the same texts as --help and --explain, and the completion of shells.

	python3 -m kmaplocal.manual FOLDER	# FOLDER/man/man1/..., FOLDER/zsh/...
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click
from click.shell_completion import ShellComplete, get_completion_class

from kmaplocal import VERSION
from kmaplocal.cli import COMPLETING, cli
from kmaplocal.findings import handbook

# Where each shell looks for what completes a command, below share/.
SHELLS = {
    "bash": "bash-completion/completions/kmaplocal",
    "zsh": "zsh/site-functions/_kmaplocal",
    "fish": "fish/vendor_completions.d/kmaplocal.fish",
}
# What is written, beside what was asked for: see SECURITY in the README.
ENVIRONMENT = {
    "SPATCH": "the spatch to run",
    "NO_CACHE": "keep nothing of a run, and use nothing kept",
    "XDG_CACHE_HOME": "where it is kept, in kmaplocal/; else ~/.cache",
    "TMPDIR": "where temporary copies go",
    "NO_COLOR, FORCE_COLOR": "no colours; colours also where no terminal is",
    "QUIET": "no progress",
    "SOURCE_DATE_EPOCH": "the date of the mails of a series",
}


def write(folder: Path) -> None:
    """Write all pages and completions below FOLDER.  Errors: OSError."""
    files = {"man/man1/kmaplocal.1": command_page()}
    for rule in handbook.EVERY:
        files[f"man/man7/{rule}.7"] = rule_page(rule)
    for shell, place in SHELLS.items():
        files[place] = completion(shell)
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


# zsh reads the file when words are completed for the first time, and then wants them.
_REGISTER = "compdef _kmaplocal_completion kmaplocal;"
_NOW_TOO = f"""{_REGISTER}
[[ $zsh_eval_context[-1] == loadautofunc ]] && _kmaplocal_completion "$@"
"""


def completion(shell: str) -> str:
    """What makes SHELL complete the command's words."""
    kind = get_completion_class(shell)
    assert kind is not None, shell
    # Not its own source(), which runs the shell to see how old it is.
    script = ShellComplete.source(kind(cli, {}, "kmaplocal", COMPLETING))
    return script.replace(_REGISTER, _NOW_TOO) if shell == "zsh" else script


def command_page() -> str:
    """kmaplocal(1), in troff."""
    context = click.Context(cli, info_name="kmaplocal")
    lines = [
        f'.TH KMAPLOCAL 1 "" "kmaplocal {VERSION}" "User Commands"',
        ".SH NAME",
        r"kmaplocal \- retire kmap() and kmap_atomic() from Linux kernel code",
        ".SH SYNOPSIS",
        ".B kmaplocal",
        r"[\fIOPTION\fR]... \fICOMMAND\fR [\fIARGUMENT\fR]...",
        ".SH DESCRIPTION",
        *_prose(cli.help or ""),
        ".SH OPTIONS",
        *_options(cli, context),
        ".SH COMMANDS",
    ]
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None, name
        lines += _command(command, click.Context(command, context, name))
    lines += [".SH ENVIRONMENT"]
    for name, text in ENVIRONMENT.items():
        lines += [".TP", rf".B {name}", _plain(text)]
    rules = [rf"\fB{rule}\fR(7)" for rule in handbook.EVERY]
    return _joined([*lines, ".SH SEE ALSO", ",\n".join(rules)])


def _joined(lines: list[str]) -> str:
    """A page of LINES, without the paragraphs that have nothing in them."""
    needed = [
        line
        for line, after in zip(lines, [*lines[1:], ".SH"])
        if line != ".PP" or not after.startswith((".PP", ".SH", ".SS", ".IP"))
    ]
    kept = [
        line
        for before, line in zip(["", *needed], needed)
        if line != ".PP" or not before.startswith((".SH", ".SS"))
    ]
    return "\n".join(kept) + "\n"


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    usage = " ".join(command.collect_usage_pieces(context))
    yield f'.SS "{context.info_name} {_plain(usage)}"'
    yield from _prose(command.help or "")
    yield from _options(command, context)


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record:
            yield ".TP"
            yield rf"\fB{_plain(record[0])}\fR"
            yield _plain(record[1])


def rule_page(rule: str) -> str:
    """The page of a rule, in troff."""
    title, *lines = handbook.page(rule).split("\n")
    name = rf"{rule} \- {_plain(handbook.EVERY[rule].title)}"
    head = [f'.TH {rule.upper()} 7 "" "kmaplocal {VERSION}" "kmaplocal rules"']
    severity = title.rpartition(": ")[2]
    head += [".SH NAME", name, ".SH DESCRIPTION", f"Severity: {severity}."]
    more = [".SH SEE ALSO", r"\fBkmaplocal\fR(1)"]
    return _joined([*head, *_markdown(lines), *more])


def _markdown(lines: list[str]) -> Iterator[str]:
    """The little Markdown that the handbook is written in."""
    code = False
    for line in lines:
        if line.startswith("```"):
            code = not code
            yield from (".PP", ".nf") if code else (".fi",)
        elif code:
            yield _plain(line)
        elif line.startswith("## "):
            yield f".SH {_plain(line[3:]).upper()}"
        elif line.startswith("- "):
            yield r".IP \(bu 2"
            yield _inline(line[2:])
        else:
            yield _inline(line.strip()) if line.strip() else ".PP"


def _prose(text: str) -> Iterator[str]:
    for line in text.strip().split("\n"):
        yield _plain(line.strip()) if line.strip() else ".PP"


def _inline(text: str) -> str:
    """TEXT, what stands in `...` in bold."""
    parts = _plain(text).split("`")
    return "".join(
        rf"\fB{part}\fR" if number % 2 else part for number, part in enumerate(parts)
    )


def _plain(text: str) -> str:
    """TEXT with nothing in it that troff would take for itself."""
    text = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{text}" if text.startswith((".", "'")) else text


if __name__ == "__main__":
    write(Path(sys.argv[1]))
