# SPDX-License-Identifier: GPL-2.0-only
"""console.py: colour only for people, plain lines for pipes."""

import io

import pytest

from kmaplocal import console


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


PATCH = b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\xe9\n+b\n c\n"


def test_colour_on_a_terminal(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert console.wants_colour(Terminal())


@pytest.mark.parametrize("name, value", [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_colour_when_unwanted(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert not console.wants_colour(Terminal())


def test_no_colour_in_a_pipe():
    assert not console.wants_colour(io.StringIO())


def test_colours():
    lines = console.coloured(PATCH).split(b"\n")
    assert lines[4] == b"\033[31m-a\xe9\033[0m"
    assert lines[5] == b"\033[32m+b\033[0m"
    assert lines[6] == b" c"


def test_patch_in_a_pipe_is_untouched(capfdbinary):
    console.Console().patch(PATCH)
    assert capfdbinary.readouterr().out == PATCH


def test_report_goes_where_it_is_told(capfd):
    stream = io.StringIO()
    console.Console(stream).say("words")
    assert stream.getvalue() == "words\n"
    assert capfd.readouterr().out == ""


def test_plain_progress(monkeypatch, capfd):
    monkeypatch.setattr(console, "_PLAIN_INTERVAL", 0.0)
    with console.Console().progress("converting", 2) as step:
        step(1)
        step(1, "fs/a\x1bb.c", "following")
        step(2)
    told = "converting: 1 of 2\nfollowing: 1 of 2, fs/a\\033b.c\n"
    assert capfd.readouterr().err == told


def test_bar_on_a_terminal(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with console.Console().progress("converting", 2) as step:
        step(1, "fs/[red]aio.c", "following")
    assert "following" in screen.getvalue()
    assert "fs/[red]aio.c" in screen.getvalue()


def test_waiting_is_said_on_a_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    for screen, quiet, told in (
        (Terminal(), "0", True),
        (Terminal(), "1", False),
        (io.StringIO(), "0", False),
    ):
        monkeypatch.setattr("sys.stderr", screen)
        monkeypatch.setenv("QUIET", quiet)
        with console.Console().waiting("searching"):
            pass
        assert ("searching" in screen.getvalue()) == told


def test_quiet_has_no_progress(capsys, monkeypatch):
    monkeypatch.setattr(console, "_PLAIN_INTERVAL", 0.0)
    for value, told in (("", True), ("0", True), ("1", False)):
        monkeypatch.setenv("QUIET", value)
        with console.Console().progress("reading", 2) as step:
            step(1)
        assert ("reading: 1 of 2" in capsys.readouterr().err) == told


def test_colours_are_forced_or_not(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert console.wants_colour(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not console.wants_colour(io.StringIO())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("FORCE_COLOR", "0")
    assert not console.wants_colour(io.StringIO())


def test_a_table_is_in_columns():
    shown = console.table(["of", "n"], [("long", 1), ("b", 22)])
    assert shown == "of    n\nlong  1\nb     22"
