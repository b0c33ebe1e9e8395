# SPDX-License-Identifier: GPL-2.0-only
"""Answers what the semantic patches ask when they run by themselves."""

from __future__ import annotations

import sys

import click


@click.command("answer")
def command() -> int:
    """Answer what the semantic patches ask.

    A line of JSON each, from standard input.
    """
    from kmaplocal.commands import answers

    answers.serve(sys.stdin, sys.stdout)
    return 0
